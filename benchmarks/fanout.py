"""What a fan-out costs: beside independent runs, beside peers on the same server, and for each part as it grows."""

from collections.abc import Callable, Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, at_most, milliseconds, rate
from benchmarks.postgres import own_server

STORES = {"PostgreSQL": "postgres", "Redis": "redis", "SQLite, every commit synced": "sqlite", "memory": "memory"}
MOST, FLAT = 1.5, 1.5
SIZES = (100, 1_000, 10_000, 100_000)

NOTES = """
* The fan-out is `flow.map(...).reduce(...)`: its parts, a join for each page, and one run that takes all results.
* Beside it, as many independent runs of the same function. Both from the first word to the last end.
* One process works and asks. PostgreSQL has its default settings, Redis `appendonly yes`, `appendfsync everysec`.
"""

CHORD = """
* Celery: a chord of no-op tasks on a Redis of its own (`appendonly yes`, `appendfsync everysec`), results kept there
  too, one worker with two child processes, a prefetch multiplier of 128, acknowledged as by default. Its asker is a
  process of its own, and takes most of the time: it sends one task after the other.
* Its pool was chosen by trial, twice 300 parts each, machine busy: two forked children gave 270 and 360 parts/s, four
  200 and 270, four threads 120 and 260, sixteen 230, `solo` 180 to 240, unbounded prefetching 165 to 180.
* Beside the chord, a group of as many tasks, whose results are collected. Both from the first word to the last result.
* The first two rows have the same size, at which Celery's rounds end within minutes; the last is ours with all parts.
"""

CHILDREN = """
* DBOS: a workflow that enqueues no-op workflows and takes their results, as its tutorial does; one process, no
  limit but the queue's 100 at a time, 20 connections, and the queue and the results looked at every 50 ms
  (both are a second by default).
* Its settings were chosen by trial, twice 300 parts each: 10, 20, 100 or 300 at a time, 10, 20 or 50 connections, and
  looks every 20, 50 or 200 ms all gave 83 to 105 parts/s; every 10 ms gave 75.
* Beside it, as many independent workflows on the same queue. Both from the first word to the last result.
* Each has a private server of its own with default settings: every commit is synced. The first and the second row
  have the same size, at which DBOS's rounds end within minutes; the last is ours with all parts.
"""

JOINS = """
* Time for each part of a map and a reduce, from the first word to the last end, in one process.
* The first size pays for the rounds of the whole fan-out, so growth is counted from 1,000 parts on.
"""


def times(number: float) -> str:
    """How many times as long."""
    return f"{number:.2f} x"


COLUMNS = [
    Column(key="parts", title="parts per second", show=rate),
    Column(key="runs", title="independent runs per second", show=rate),
    Column(key="longer", title="time, beside independent runs", show=times, less_is_better=True),
]


def contests(quick: bool) -> Sequence[Contest]:
    """How much longer a map and a reduce take than their parts alone, than peers', and as they grow."""
    runs, few = (500, 100) if quick else (10_000, 1_000)
    return [_beside_runs(runs), _beside_celery(runs, few), _beside_dbos(runs, few), _joins(quick)]


def _beside_runs(runs: int) -> Contest:
    return Contest(
        title="Fan-out: a map and a reduce",
        entrants=[_ours(name, store, runs) for name, store in STORES.items()],
        columns=COLUMNS,
        aims=[
            Aim(what=f"at most 1.5 x the time of independent runs: {name}", judge=at_most(name, "longer", MOST, times))
            for name in STORES
        ],
        notes=NOTES,
    )


def _beside_celery(runs: int, few: int) -> Contest:
    settings = {"runs": few, "pool": "prefork", "slots": 2, "prefetch": 128}
    return Contest(
        title="Fan-out on Redis: beside Celery's chord",
        entrants=[
            _ours(f"foliot, {few:,} parts", "redis", few),
            Entrant(
                name=f"Celery, {few:,} parts", program="celery_fanout", peer="celery", asked=settings, patience=120
            ),
            _ours(f"foliot, {runs:,} parts", "redis", runs),
        ],
        columns=COLUMNS,
        notes=CHORD,
    )


def _beside_dbos(runs: int, few: int) -> Contest:
    settings = {"server": own_server(), "runs": few, "slots": 100, "look": 0.05, "connections": 20}
    return Contest(
        title="Fan-out on PostgreSQL: beside DBOS's child workflows",
        entrants=[
            _ours(f"foliot, {few:,} parts", "postgres", few),
            Entrant(name=f"DBOS, {few:,} parts", program="dbos_fanout", peer="dbos", asked=settings, patience=120),
            _ours(f"foliot, {runs:,} parts", "postgres", runs),
        ],
        columns=COLUMNS,
        notes=CHILDREN,
    )


def _joins(quick: bool) -> Contest:
    sizes = SIZES[:2] if quick else SIZES
    return Contest(
        title="Fan-out: the time of a part, as parts grow",
        entrants=[
            Entrant(name=name, ours=True, program="foliot_fanout", asked=_growing(store, sizes), patience=300)
            for name, store in STORES.items()
        ],
        columns=[
            Column(key=f"of_{size}", title=f"of {size:,}", show=milliseconds, less_is_better=True) for size in sizes
        ],
        aims=[
            Aim(what=f"a part no slower by half among the most than among 1,000: {name}", judge=_flat(name))
            for name in STORES
        ],
        notes=JOINS,
        rounds=1,
    )


def _growing(store: str, sizes: Sequence[int]) -> dict[str, object]:
    return {"measure": "growing", "store": store, "sizes": list(sizes), "concurrency": 100}


def _flat(name: str) -> Callable[[Figures], tuple[bool, str]]:
    def judge(figures: Figures) -> tuple[bool, str]:
        growing = [each for key, each in figures[name].items() if key != "of_100"]
        return growing[-1] <= FLAT * growing[0], times(growing[-1] / growing[0])

    return judge


def _ours(name: str, store: str, runs: int) -> Entrant:
    return Entrant(
        name=name,
        ours=True,
        program="foliot_fanout",
        asked={"measure": "beside", "store": store, "runs": runs, "concurrency": 100},
    )
