"""No-op runs through Redis: bulk enqueue, drain by one worker process and by four, idle latency, and a long backlog."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, at_least, at_most, milliseconds, rate

SEVEN, ENQUEUE, P50, P99 = 7.0, 50_000, 0.8, 3.0
OURS = "foliot"
PEERS = {
    "taskiq": ("taskiq_stream", "taskiq-redis"),
    "huey": ("huey_redis", "huey-redis"),
    "SAQ": ("saq_redis", "saq"),
    "streaq": ("streaq_redis", "streaq"),
    "arq": ("arq_redis", "arq"),
    "dramatiq": ("dramatiq_redis", "dramatiq"),
}

NOTES = """
* All but huey and dramatiq, which have threads, run under uvloop.
* Everybody has a Redis of its own with `appendonly yes` and `appendfsync everysec`, on the same machine.
* Ours keeps the history of every run and is timed until the end of the last run is written, the peers until the
  last call of the function. SAQ, streaq and arq keep a result; taskiq, huey and dramatiq keep nothing.
* huey takes a task out before it runs it: a crash loses what was running.
* taskiq, huey and dramatiq have no bulk enqueue: their figure is one call after the other. SAQ and arq enqueue a
  hundred at the same time, streaq a thousand in one pipeline.
* Concurrency is what each is fastest with: taskiq 1000, SAQ 200, streaq and arq 500, huey 1 and dramatiq 8 threads.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """Who drains 20,000 no-op runs fastest, how several workers share, and who starts soonest."""
    runs = 2_000 if quick else 20_000
    return [_drain(runs), _share(runs), _latency(100 if quick else 500), _backlog(20_000 if quick else 200_000)]


def _drain(runs: int) -> Contest:
    return Contest(
        title=f"Redis: {runs:,} no-op runs, one worker process",
        entrants=[_ours(OURS, measure="drain", runs=runs), *_peers(measure="drain", runs=runs)],
        columns=[
            Column(key="drain", title="drain", show=rate),
            Column(key="enqueue", title="enqueue", show=rate),
        ],
        aims=[
            Aim(what="drain at seven times the best peer's rate", judge=_seven_times),
            Aim(what="enqueue_many above 50,000/s", judge=at_least(OURS, "enqueue", ENQUEUE, rate)),
        ],
        notes=NOTES,
    )


def _share(runs: int) -> Contest:
    return Contest(
        title=f"Redis: {runs:,} no-op runs due at one instant, four worker processes",
        entrants=[_ours(OURS, measure="share", runs=runs, workers=4)],
        columns=[
            Column(key="several", title="four", show=rate),
            Column(key="alone", title="one", show=rate),
        ],
        aims=[Aim(what="four worker processes no slower than one", judge=_no_slower)],
        notes="* Timed from outside, by looking a hundred times a second at the last run, then at all.",
    )


def _latency(runs: int) -> Contest:
    asked = {"measure": "latency", "where": "across", "runs": runs}
    return Contest(
        title="Redis, across two processes: from enqueue to start, idle",
        entrants=[_ours(OURS, **asked), *_peers(**asked)],
        columns=[
            Column(key=f"latency_{which}", title=which, show=milliseconds, less_is_better=True)
            for which in ("p50", "p99", "max")
        ],
        aims=[
            Aim(what="p50 under 0.8 ms", judge=at_most(OURS, "latency_p50", P50, milliseconds)),
            Aim(what="p99 under 3 ms", judge=at_most(OURS, "latency_p99", P99, milliseconds)),
        ],
        notes="* arq looks a hundred times a second here; its default is twice a second.",
    )


def _backlog(runs: int) -> Contest:
    return Contest(
        title="Redis: one claim of a hundred",
        entrants=[_ours(OURS, "foliot_claims", runs=runs, blocked=runs // 4)],
        columns=[
            Column(key=key, title=title, show=milliseconds, less_is_better=True)
            for key, title in {
                "short": "of 10,000 due",
                "long": f"of {runs:,} due",
                "behind": f"behind {runs // 4:,} due runs of a full key",
            }.items()
        ],
        aims=[Aim(what="claims no slower by half with a long backlog, or behind a full key", judge=_flat)],
        notes="* The middle of fifty. The runs of the full key were parked by the claims before, a thousand at a time.",
    )


def _ours(name: str, program: str = "foliot_runs", **asked: object) -> Entrant:
    return Entrant(name=name, ours=True, program=program, asked={"store": "redis", "slots": 500, **asked})


def _peers(**asked: object) -> list[Entrant]:
    return [Entrant(name=name, program=program, peer=pins, asked=asked) for name, (program, pins) in PEERS.items()]


def _seven_times(figures: Figures) -> tuple[bool, str]:
    best = max(figures[name]["drain"] for name in PEERS if name in figures)
    lead = figures[OURS]["drain"] / best
    return lead >= SEVEN, f"{lead:.1f} x"


def _no_slower(figures: Figures) -> tuple[bool, str]:
    gain = figures[OURS]["several"] / figures[OURS]["alone"]
    return gain >= 1, f"{gain:.2f} x"


def _flat(figures: Figures) -> tuple[bool, str]:
    ours = figures[OURS]
    worst = max(ours["long"], ours["behind"]) / ours["short"]
    return worst <= 1.5, f"{worst:.2f} x"
