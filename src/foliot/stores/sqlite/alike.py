"""Many new runs that differ in nothing but id and arguments: one statement for all, in which other threads go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from foliot.model import Added, Fate, Run, Topic
from foliot.stores.moves import arrived
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.rows import PLAIN, is_fresh, is_plain
from foliot.stores.sqlite.transaction import Transaction

FEWEST = 10
"""Fewer are added one by one."""

_OWN = ("id", "args")
_SHARED = [name for name in PLAIN.columns if name not in _OWN]
_ENTER = (
    f"INSERT INTO runs ({', '.join((*_OWN, *_SHARED))})"
    f" SELECT key, value, {', '.join('?' * len(_SHARED))} FROM json_each(?) WHERE true"
    " ON CONFLICT (id) DO NOTHING"
)
_encode = msgspec.json.Encoder().encode


def add_alike(tx: Transaction, runs: Sequence[Run], now: int) -> list[Added] | None:
    """Add runs of which none waits, clashes or has more to say than the first; None, and nothing done, for others."""
    if len(runs) < FEWEST or not _are_alike(runs, now):
        return None
    args = {run.id: run.args for run in runs}
    if len(args) < len(runs) or "\\" in listed(args):  # not all versions of SQLite read keys with escapes alike
        return None
    known = _enter(tx.db, runs[0], args)
    tx.hint(Topic.RUNS, runs[0].due_at)
    return [Added(id=name, fate=Fate.KNOWN if name in known else Fate.ADDED) for name in args]


def _are_alike(runs: Sequence[Run], now: int) -> bool:
    first = runs[0]
    if not (is_fresh(first) and is_plain(first)) or arrived(first, now) is not first:
        return False
    return all(replace(each, id=first.id, args=first.args) == first for each in runs)


def _enter(db: sqlite3.Connection, first: Run, args: dict[str, str]) -> set[str]:
    """Write a row for each; tells of which there was one."""
    [[last]] = db.execute("SELECT coalesce(max(n), 0) FROM runs")
    shared = dict(zip(PLAIN.columns, PLAIN.values(first), strict=True))
    entered = db.execute(_ENTER, (*(shared[name] for name in _SHARED), _encode(args).decode())).rowcount
    if entered == len(args):
        return set()
    there = db.execute(f"SELECT id FROM runs WHERE id IN {THESE} AND n <= ?", (listed(args), last)).fetchall()
    return {name for [name] in there}
