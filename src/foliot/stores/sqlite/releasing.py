"""Waiting for runs, and being released when they are over; holding keys, and giving them up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from foliot.model import Hold, Run, Topic
from foliot.stores.sqlite.bulk import THESE, insert, listed
from foliot.stores.sqlite.transaction import Transaction

SWEEP = 10
"""How many keys whose time is past are forgotten when others are taken, and two for each that is."""


def wait_for(db: sqlite3.Connection, name: str, upstreams: Iterable[str]) -> int:
    """Let this run wait for those of these that are live; tells how many it waits for."""
    added = db.execute(
        "INSERT OR IGNORE INTO waits (upstream, run)"
        f" SELECT id, ? FROM runs WHERE id IN {THESE} AND finished_at IS NULL",
        (name, listed(upstreams)),
    )
    return added.rowcount


def wait_for_nothing(db: sqlite3.Connection, names: Sequence[str]) -> None:
    """These are over: nobody need release them."""
    if names:
        db.execute(f"DELETE FROM waits WHERE run IN {THESE}", (listed(names),))


def release(tx: Transaction, over: Sequence[str]) -> None:
    """Whatever waited for these waits for one thing less; at zero it wakes when due."""
    if not over:
        return
    these = listed(over)
    rows = tx.db.execute(_RELEASE, (these,)).fetchall()
    if not rows:
        return
    tx.db.execute(f"DELETE FROM waits WHERE upstream IN {THESE}", (these,))
    if instants := [instant for [instant] in rows if instant is not None]:
        tx.hint(Topic.RUNS, min(instants))


_RELEASE = f"""
UPDATE runs
SET waits = waits - freed.links, wakes_at = CASE WHEN waits = freed.links THEN due_at END
FROM (SELECT run, count(*) AS links FROM waits WHERE upstream IN {THESE} GROUP BY run) AS freed
WHERE id = freed.run
RETURNING wakes_at
"""


_FORGET_PAST = "DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE until <= ? LIMIT ?)"


def give_up_keys(db: sqlite3.Connection, runs: Iterable[Run]) -> None:
    """These no longer hold their keys, except to an instant that was said."""
    held = {run.id: run.unique.key for run in runs if run.unique is not None}
    if held:
        db.execute(
            f"DELETE FROM keys WHERE key IN {THESE} AND run IN {THESE} AND until IS NULL",
            (listed(held.values()), listed(held)),
        )


def take_keys(db: sqlite3.Connection, keys: Mapping[str, tuple[str, int | None]], now: int) -> None:
    """These keys are held by these runs, until an instant if one was said; some that are long past are forgotten."""
    insert(db, "keys", ("key", "run", "until"), [(key, *holder) for key, holder in keys.items()])
    if any(until is not None for _, until in keys.values()):
        db.execute(_FORGET_PAST, (now, SWEEP + 2 * len(keys)))


def give_up_keys_at_start(db: sqlite3.Connection, runs: Iterable[Run]) -> None:
    """These have started: those that held their keys only until then give them up."""
    give_up_keys(db, [run for run in runs if run.unique is not None and run.unique.hold is Hold.START])
