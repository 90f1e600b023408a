"""Claiming: due runs in order, each leased; those that meet a full lane are parked before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice

from foliot.model import PRIORITIES, Batch, Claim, Run, Topic, serves
from foliot.stores.base import PARKS
from foliot.stores.moves import claimed, parked
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.lanes import Lanes
from foliot.stores.sqlite.releasing import give_up_keys_at_start
from foliot.stores.sqlite.rows import CLAIMED, COLUMNS, PARKED, PUT_DOWN, run_of, save
from foliot.stores.sqlite.transaction import Transaction


def claim(tx: Transaction, wish: Claim, now: int) -> Batch:
    """Take due runs in order; those that meet a full lane are parked before it."""
    if wish.limit <= 0:
        return Batch()
    lanes = Lanes(tx, now)
    taken, put_down = _sorted_out(_due(tx.db, wish, now), lanes, wish, now)
    _mark_claimed(tx.db, [run.id for run in taken if not run.attempts], wish, now)
    save(tx.db, [run for run in taken if run.attempts], CLAIMED)
    save(tx.db, [run for run in put_down if not run.attempts], PARKED)
    save(tx.db, [run for run in put_down if run.attempts], PUT_DOWN)
    give_up_keys_at_start(tx.db, taken)
    lanes.write()
    woken = lanes.wake()
    if woken:
        tx.hint(Topic.RUNS, min(run.due_at for run in woken))
    return Batch(
        runs=tuple(taken),
        wake_at=None if len(taken) == wish.limit else _wake_at(tx.db, wish, lanes, woken, now),
    )


def _mark_claimed(db: sqlite3.Connection, names: Sequence[str], wish: Claim, now: int) -> None:
    """What ``claimed`` says of runs that nobody has lost, in one step for all."""
    db.execute(
        "UPDATE runs SET state = 'running', token = token + 1, wakes_at = ?, worker = ?, started_at = ?"
        f" WHERE id IN {THESE}",
        (now + wish.lease, wish.worker, now, listed(names)),
    )


def _sorted_out(due: Iterator[Run], lanes: Lanes, wish: Claim, now: int) -> tuple[list[Run], list[Run]]:
    """Those to be taken, in order, and those to be parked."""
    if not lanes.any_limited:
        return [claimed(run, wish, now) for run in islice(due, wish.limit)], []
    taken: list[Run] = []
    put_down: list[Run] = []
    while missing := wish.limit - len(taken):
        page = list(islice(due, missing))
        if not page:
            break
        lanes.meet(page)
        for run in page:
            if (full := lanes.admit(run)) is None:
                taken.append(claimed(run, wish, now))
            else:
                put_down.append(parked(run, full, now))
    return taken, put_down


def _wake_at(db: sqlite3.Connection, wish: Claim, lanes: Lanes, woken: Sequence[Run], now: int) -> int | None:
    instants = [instant for _, _, instant in _heads(db, wish)]
    if (look := lanes.next_look()) is not None:
        instants.append(look)
    if woken:
        instants.append(now)
    return min(instants, default=None)


# The order of what is due. The index has it for one place and one priority; across them it is merged here.

_EVERY_PLACE = """
WITH RECURSIVE every(place) AS (
  SELECT ''
  UNION ALL
  SELECT coalesce(
    (SELECT place FROM runs INDEXED BY runs_due
      WHERE wakes_at IS NOT NULL AND place > every.place AND place < '@' ORDER BY place LIMIT 1),
    (SELECT place FROM runs INDEXED BY runs_due
      WHERE wakes_at IS NOT NULL AND place > every.place AND place >= 'A' ORDER BY place LIMIT 1))
  FROM every WHERE every.place IS NOT NULL
)
SELECT place FROM every WHERE place <> ''
"""

_HEADS = f"""
SELECT * FROM (
  SELECT value AS place, column1 AS priority, (
    SELECT wakes_at FROM runs INDEXED BY runs_due
    WHERE wakes_at IS NOT NULL AND place = value AND priority = column1 ORDER BY wakes_at LIMIT 1
  ) AS wakes_at
  FROM json_each(?), (VALUES {", ".join(f"({priority})" for priority in PRIORITIES)})
) WHERE wakes_at IS NOT NULL
"""

_DUE = f"""
SELECT {COLUMNS} FROM runs INDEXED BY runs_due
WHERE wakes_at IS NOT NULL AND place = ? AND priority = ? AND wakes_at <= ? ORDER BY wakes_at, id
"""


def _places(db: sqlite3.Connection, wish: Claim) -> list[str]:
    """Where this claim looks: the places of its queues, or of all that have runs; and its doors."""
    if wish.queues and not wish.labels:
        return list(dict.fromkeys((*wish.queues, *wish.doors)))
    shared = [place for [place] in db.execute(_EVERY_PLACE).fetchall() if serves(place, wish)]
    return [*shared, *wish.doors]


def _heads(db: sqlite3.Connection, wish: Claim) -> list[tuple[str, int, int]]:
    """For each served place and each priority that has any, when somebody should look at its first run."""
    return db.execute(_HEADS, (listed(_places(db, wish)),)).fetchall()


def _due(db: sqlite3.Connection, wish: Claim, now: int) -> Iterator[Run]:
    """What is due, in the order of claims; read only as far as it is asked for, or as many may be parked."""
    waiting = [(place, priority) for place, priority, instant in _heads(db, wish) if instant <= now]
    lines = [_read(db.execute(_DUE, (place, priority, now)), wish.limit) for place, priority in waiting]
    return islice(lines[0] if len(lines) == 1 else merge(*lines, key=_rank), wish.limit + PARKS)


def _read(cursor: sqlite3.Cursor, page: int) -> Iterator[Run]:
    while rows := cursor.fetchmany(page):
        yield from map(run_of, rows)


def _rank(run: Run) -> tuple[int, str]:
    return run.rank, run.id
