"""Amending runs by hand, and forgetting old ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice

from msgspec.structs import replace

from foliot.model import Change, Run, State, Topic
from foliot.stores.moves import cancelled, put_off, revived, settled
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.lanes import unparked
from foliot.stores.sqlite.lines import keep_later_lines
from foliot.stores.sqlite.releasing import give_up_keys, release, take_keys, wait_for, wait_for_nothing
from foliot.stores.sqlite.rows import CHANGED, SETTLED, load, save
from foliot.stores.sqlite.terms import forget
from foliot.stores.sqlite.transaction import Transaction


def amend(tx: Transaction, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
    """Revive, delay, reprioritise, keep lines and cancel, as the contract says."""
    runs = load(tx.db, ids)
    if change.revive:
        _revive(tx, runs, ids, now)
    before = dict(runs)
    for name, run in before.items():
        runs[name] = _amended(run, change, now)
    changed = [run for name, run in runs.items() if run != before[name]]
    save(tx.db, changed, CHANGED)
    unparked(tx, [before[run.id].parked for run in changed])
    _end(tx, [run for run in changed if run.state.over])
    keep_later_lines(tx.db, runs, change.lines)
    _hint(tx, changed)
    return [runs.get(name) for name in ids]


def _amended(run: Run, change: Change, now: int) -> Run:
    if change.due_at is not None and run.state is State.PENDING:
        run = put_off(run, change.due_at)
    if change.priority is not None and not run.state.over:
        run = replace(run, priority=change.priority)
    return run if change.cancel is None else cancelled(run, change.cancel, now)


def _revive(tx: Transaction, runs: dict[str, Run], ids: Sequence[str], now: int) -> None:
    """Those that are over live again; only then is counted who waits for whom of them."""
    again = [revived(run, now) for name in dict.fromkeys(ids) if (run := runs.get(name)) and _may_live(tx.db, run, now)]
    save(tx.db, again, CHANGED)
    runs |= {run.id: run for run in again}
    waiting = [settled(run, wait_for(tx.db, run.id, run.after)) for run in again if run.after]
    save(tx.db, waiting, SETTLED)
    runs |= {run.id: run for run in waiting}
    _hint(tx, [runs[run.id] for run in again])


def _may_live(db: sqlite3.Connection, run: Run, now: int) -> bool:
    """Whether this run is over and its key, if it has one, is free; it is taken then."""
    if not run.state.over or run.unique is None:
        return run.state.over
    holder = db.execute("SELECT run, until FROM keys WHERE key = ?", (run.unique.key,)).fetchone()
    if holder is not None and holder[0] != run.id and (holder[1] is None or holder[1] > now):
        return False
    take_keys(db, {run.unique.key: (run.id, run.unique.until)}, now)
    return True


def _end(tx: Transaction, over: Sequence[Run]) -> None:
    give_up_keys(tx.db, over)
    wait_for_nothing(tx.db, [run.id for run in over])
    release(tx, [run.id for run in over])


def _hint(tx: Transaction, changed: Sequence[Run]) -> None:
    instants = [run.wakes_at for run in changed if run.state is State.PENDING and run.wakes_at is not None]
    if instants:
        tx.hint(Topic.RUNS, min(instants))
    if any(run.state is State.RUNNING and run.cancelling is not None for run in changed):
        tx.hint(Topic.CANCELS)


# Forgetting

_JOBS = """
WITH RECURSIVE every(job) AS (
  SELECT min(job) FROM runs INDEXED BY runs_over WHERE finished_at IS NOT NULL
  UNION ALL
  SELECT (SELECT min(job) FROM runs INDEXED BY runs_over WHERE finished_at IS NOT NULL AND job > every.job)
  FROM every WHERE every.job IS NOT NULL
)
SELECT job FROM every WHERE job IS NOT NULL
"""

_OLD = """
SELECT finished_at, id FROM runs INDEXED BY runs_over
WHERE finished_at IS NOT NULL AND job = ? AND (finished_at, id) < (?, ?)
AND (parent IS NULL OR NOT EXISTS (SELECT 1 FROM runs AS p WHERE p.id = runs.parent AND p.finished_at IS NULL))
ORDER BY finished_at, id
"""

_OLDEST_KEPT = """
SELECT finished_at, id FROM runs INDEXED BY runs_over
WHERE finished_at IS NOT NULL AND job = ? ORDER BY finished_at DESC, id DESC LIMIT 1 OFFSET ?
"""

_NEVER, _EVER = -(2**63), 2**63 - 1


def prune(tx: Transaction, before: int | None, keep: int | None, limit: int) -> int:
    """Forget runs that are over, the oldest first."""
    jobs = [job for [job] in tx.db.execute(_JOBS).fetchall()]
    old = [name for _, name in islice(merge(*(_old(tx.db, job, before, keep) for job in jobs)), limit)]
    ids = listed(old)
    forget(tx.db, load(tx.db, old).values())
    tx.db.execute(f"DELETE FROM lines WHERE run IN {THESE}", (ids,))
    tx.db.execute(f"DELETE FROM runs WHERE id IN {THESE}", (ids,))
    return len(old)


def _old(db: sqlite3.Connection, job: str, before: int | None, keep: int | None) -> Iterable[tuple[int, str]]:
    """The oldest of a job that may go: those before the age that was said, or before the oldest that is kept."""
    bound = (_NEVER if before is None else before, "")
    if keep is not None:
        bound = max(bound, _beyond(db, job, keep))
    return db.execute(_OLD, (job, *bound))


def _beyond(db: sqlite3.Connection, job: str, keep: int) -> tuple[int, str]:
    if keep == 0:
        return _EVER, ""
    return db.execute(_OLDEST_KEPT, (job, keep - 1)).fetchone() or (_NEVER, "")
