"""What a fan-out costs beside independent runs: 10,000 parts that do nothing and a reduce, on every store."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, at_most, rate

STORES = {"PostgreSQL": "postgres", "Redis": "redis", "SQLite, every commit synced": "sqlite", "memory": "memory"}
MOST = 1.5

NOTES = """
* The fan-out is `flow.map(...).reduce(...)`: its parts, a join for each page, and one run that takes all results.
* Beside it, as many independent runs of the same function. Both from the first word to the last end.
* One process works and asks. PostgreSQL has its default settings, Redis `appendonly yes`, `appendfsync everysec`.
"""


def times(number: float) -> str:
    """How many times as long."""
    return f"{number:.2f} x"


def contests(quick: bool) -> Sequence[Contest]:
    """How much longer a map and a reduce take than their parts alone."""
    asked = {"runs": 500 if quick else 10_000, "concurrency": 100}
    return [
        Contest(
            title="Fan-out: a map and a reduce",
            entrants=[
                Entrant(name=name, ours=True, program="foliot_fanout", asked={"store": store, **asked})
                for name, store in STORES.items()
            ],
            columns=[
                Column(key="parts", title="parts per second", show=rate),
                Column(key="runs", title="independent runs per second", show=rate),
                Column(key="longer", title="time, beside independent runs", show=times, less_is_better=True),
            ],
            aims=[
                Aim(
                    what=f"at most 1.5 x the time of independent runs: {name}",
                    judge=at_most(name, "longer", MOST, times),
                )
                for name in STORES
            ],
            notes=NOTES,
        )
    ]
