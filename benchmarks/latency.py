"""How long an idle worker takes to start what was just enqueued."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, at_most, milliseconds

COLUMNS = [
    Column(key=f"latency_{which}", title=which, show=milliseconds, less_is_better=True)
    for which in ("p50", "p99", "max")
]
OURS = {"store": "sqlite", "slots": 100}
IN_MEMORY, ON_SQLITE = 1.0, 5.0
"""Milliseconds, p99."""


def contests(quick: bool) -> Sequence[Contest]:
    """Memory, and SQLite within one process and across two."""
    runs = 100 if quick else 500
    return [
        _memory(runs),
        _sqlite(runs, "within", "within one process"),
        _sqlite(runs, "across", "across two processes"),
    ]


def _memory(runs: int) -> Contest:
    asked = {"measure": "latency", "runs": runs}
    return Contest(
        title="Memory: from enqueue to start, idle",
        entrants=[
            Entrant(name="foliot", ours=True, program="foliot_memory", asked=asked | {"slots": 100}),
            Entrant(name="taskiq in memory", program="taskiq_memory", asked=asked, peer="taskiq"),
        ],
        columns=COLUMNS,
        aims=[Aim(what="p99 under 1 ms", judge=at_most("foliot", "latency_p99", IN_MEMORY, milliseconds))],
        notes="* taskiq has no queue here: the call that enqueues starts the task.",
    )


def _sqlite(runs: int, where: str, said: str) -> Contest:
    asked = {"measure": "latency", "where": where, "runs": runs}
    return Contest(
        title=f"SQLite, {said}: from enqueue to start, idle",
        entrants=[
            Entrant(name="foliot", ours=True, program="foliot_runs", asked=asked | OURS),
            Entrant(name="huey", program="huey_sqlite", asked=asked | {"fsync": True}, peer="huey"),
        ],
        columns=COLUMNS,
        aims=[Aim(what="p99 under 5 ms", judge=at_most("foliot", "latency_p99", ON_SQLITE, milliseconds))],
        notes="* Two synced commits each, to enqueue and to claim. huey looks ten times a second.",
    )
