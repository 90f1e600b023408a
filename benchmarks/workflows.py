"""What a node of a workflow costs: a hundred nodes that do nothing, one after the other, on every store."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, at_most, milliseconds

STORES = {"PostgreSQL": "postgres", "Redis": "redis", "SQLite, every commit synced": "sqlite", "memory": "memory"}
MOST = 3.0

NOTES = """
* Each node waits for the one before it, so nothing can be batched: it is released, claimed, executed and ended.
* Beside it, the same no-op job enqueued and waited for a hundred times, one after the other.
* One process works and asks. PostgreSQL has its default settings, Redis `appendonly yes` and `appendfsync everysec`.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """How long one node takes in a chain of a hundred."""
    rounds = 1 if quick else 10
    return [
        Contest(
            title="Workflows: a chain of 100 nodes",
            entrants=[
                Entrant(name=name, ours=True, program="foliot_workflow", asked={"store": store, "rounds": rounds})
                for name, store in STORES.items()
            ],
            columns=[
                Column(key="node", title="one node", show=milliseconds, less_is_better=True),
                Column(key="alone", title="one run, enqueued and waited for", show=milliseconds, less_is_better=True),
            ],
            aims=[
                Aim(what=f"a node under 3 ms on {name}", judge=at_most(name, "node", MOST, milliseconds))
                for name in ("PostgreSQL", "Redis")
            ],
            notes=NOTES,
        )
    ]
