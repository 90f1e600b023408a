"""What `import foliot` costs."""

from collections.abc import Callable, Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, milliseconds

OURS, WHOLE, ASYNCIO = "foliot", "foliot, with its Scheduler", "asyncio"
OVER = 30.0
"""Milliseconds."""


def contests(_: bool) -> Sequence[Contest]:
    """Beside asyncio, which everybody pays for who uses it."""
    return [
        Contest(
            title="Import in a fresh process",
            entrants=[
                _entrant(OURS, "import foliot"),
                _entrant(ASYNCIO, "import asyncio"),
                _entrant(WHOLE, "from foliot import Scheduler"),
                _entrant("huey", "import huey", peer="huey"),
                _entrant("APScheduler 3", "import apscheduler.schedulers.asyncio", peer="apscheduler3"),
                _entrant("APScheduler 4", "import apscheduler", peer="apscheduler4"),
                _entrant("taskiq", "import taskiq", peer="taskiq"),
                _entrant("pgqueuer", "import pgqueuer", peer="pgqueuer"),
            ],
            columns=[Column(key="time", title="import", show=milliseconds, less_is_better=True)],
            aims=[
                Aim(what="`import foliot` takes at most 30 ms more than asyncio", judge=_over_asyncio(OURS)),
                Aim(what="the same with what it loads when its Scheduler is asked for", judge=_over_asyncio(WHOLE)),
            ],
            rounds=15,
        )
    ]


def _entrant(name: str, statement: str, peer: str | None = None) -> Entrant:
    ours = name in {OURS, WHOLE}
    return Entrant(name=name, ours=ours, program="importing", asked={"statement": statement}, peer=peer)


def _over_asyncio(name: str) -> Callable[[Figures], tuple[bool, str]]:
    def judge(figures: Figures) -> tuple[bool, str]:
        over = figures[name]["time"] - figures[ASYNCIO]["time"]
        return over <= OVER, f"{abs(over):.1f} ms {'more' if over > 0 else 'less'}"

    return judge
