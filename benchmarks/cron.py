"""How quickly the next time of a cron line is found, beside the libraries that people use for it.

``python -m benchmarks.cron`` measures and writes RESULTS-cron.md; ``--quick`` only looks.
"""

from collections.abc import Callable, Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, at_least, rate
from benchmarks.environments import HERE

RESULTS = HERE / "RESULTS-cron.md"
UTC, NEW_YORK = "UTC", "America/New_York"
LINES = [
    ("*/5 * * * *", UTC, 300_000, 0, 10_000),
    ("0 9 * * mon-fri", UTC, 300_000, 0, 1_000),
    ("*/5 * * * *", NEW_YORK, 150_000, 0, 10_000),
    ("*/5 * * * * *", NEW_YORK, 150_000, 4, 10_000),
    ("0 9 * * mon-fri", NEW_YORK, 150_000, 4, 1_000),
    ("0 0 29 2 *", UTC, 100_000, 0, 20),
    ("0 0 29 2 *", NEW_YORK, 100_000, 4, 20),
]
"""A line, its zone, what we want to do in a second, how many times the best of the others, and times in a lap."""
PARSED = 50_000
PEERS = {"cronsim": "cronsim", "croniter": "croniter", "APScheduler 3": "apscheduler3", "APScheduler 4": "apscheduler4"}
OURS, DATETIMES = "foliot", "foliot, with datetimes"
NOTES = """\
Each entrant is asked again and again for the time after the one it gave, in one thread. *foliot* is asked with
whole microseconds, as its scheduler does it; *with datetimes* takes and gives aware datetimes, as the others do.
All begin anew, with a new object, after 10,000 times (1,000 for weekdays, 20 for leap days), so that nobody has to look
beyond this century.
"""
READING_NOTES = """\
1,440 different lines are read in turn, and made ready to be asked: `0 0 * * mon-fri` to `59 23 * * mon-fri`.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """One for each line, and one for reading lines."""
    seconds = 0.2 if quick else 1.0
    return [*(_finding(*each, seconds) for each in LINES), _reading(seconds)]


def _finding(line: str, zone: str, least: int, times: int, lap: int, seconds: float) -> Contest:
    aims = [Aim(what=f"{least:,} in a second", judge=at_least(OURS, "rate", least, rate))]
    if times:
        aims.append(Aim(what=f"at least {times} times the best of the others", judge=_ahead(times)))
    return Contest(
        title=f"The next time of `{line}` in {zone}",
        entrants=_entrants(
            [(OURS, "foliot"), (DATETIMES, "foliot_datetimes")], line=line, zone=zone, lap=lap, seconds=seconds
        ),
        columns=[Column(key="rate", title="found", show=rate)],
        aims=aims,
        notes=NOTES if (line, zone) == LINES[0][:2] else "",
    )


def _reading(seconds: float) -> Contest:
    return Contest(
        title="Reading a line",
        entrants=_entrants([(OURS, "foliot")], line="0 9 * * mon-fri", zone=UTC, lap=100, seconds=seconds, parse=True),
        columns=[Column(key="rate", title="read", show=rate)],
        aims=[Aim(what=f"{PARSED:,} in a second", judge=at_least(OURS, "rate", PARSED, rate))],
        notes=READING_NOTES,
    )


def _entrants(ours: Sequence[tuple[str, str]], *, parse: bool = False, **asked: str | float) -> list[Entrant]:
    def entrant(name: str, maker: str, peer: str | None) -> Entrant:
        wish = {"maker": maker, "parse": parse, **asked}
        return Entrant(name=name, program="cron_lines", asked=wish, peer=peer, ours=peer is None)

    peers = [entrant(name, peer, peer) for name, peer in PEERS.items()]
    return [*(entrant(name, maker, None) for name, maker in ours), *peers]


def _ahead(times: int) -> Callable[[Figures], tuple[bool, str]]:
    def judge(figures: Figures) -> tuple[bool, str]:
        lead = figures[OURS]["rate"] / max(figures[peer]["rate"] for peer in PEERS if peer in figures)
        return lead >= times, f"{lead:.1f} times"

    return judge
