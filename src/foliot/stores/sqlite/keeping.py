"""What stands: schedules, limits and workers; and firing, which replaces a schedule and adds its runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from foliot.model import Agenda, Firing, Limit, Record, Schedule, Topic, Worker
from foliot.stores.sqlite.adding import add
from foliot.stores.sqlite.bulk import THESE, Row, insert, listed, update
from foliot.stores.sqlite.lanes import limit_changed, recount
from foliot.stores.sqlite.transaction import Transaction

R = TypeVar("R", Schedule, Limit, Worker)

_encode = msgspec.json.Encoder().encode
_schedule = msgspec.json.Decoder(Schedule).decode


class Kind(NamedTuple):
    """The table of one kind of record."""

    table: str
    decode: Callable[[str], Any]


_KINDS: dict[type[Record], Kind] = {
    Schedule: Kind("schedules", _schedule),
    Limit: Kind("limits", msgspec.json.Decoder(Limit).decode),
    Worker: Kind("workers", msgspec.json.Decoder(Worker).decode),
}


def put(tx: Transaction, records: Sequence[Record]) -> None:
    """Keep these records as they are given."""
    schedules = [each for each in records if isinstance(each, Schedule)]
    limits = [each for each in records if isinstance(each, Limit)]
    workers = [(each.id, each.seen_at, _text(each)) for each in records if isinstance(each, Worker)]
    if schedules:
        _put_schedules(tx, schedules)
    if limits:
        _put_limits(tx, limits)
    insert(tx.db, "workers", ("id", "seen_at", "body"), workers)


def _put_schedules(tx: Transaction, schedules: Sequence[Schedule]) -> None:
    versions = _versions(tx.db, [each.id for each in schedules])
    rows: list[Row] = []
    for each in schedules:
        versions[each.id] = versions.get(each.id, 0) + 1
        rows.append(_row(replace(each, version=versions[each.id])))
    insert(tx.db, "schedules", _COLUMNS, rows)
    tx.hint(Topic.SCHEDULES, min((each.wakes_at for each in schedules if each.wakes_at is not None), default=None))


def _put_limits(tx: Transaction, limits: Sequence[Limit]) -> None:
    standing = dict(tx.limits)
    new = [each.id for each in limits if each.id not in standing]
    for each in limits:
        insert(tx.db, "limits", ("id", "body"), [(each.id, _text(each))])
        limit_changed(tx, each.id, standing.get(each.id), each)
        standing[each.id] = each
    _limits_changed(tx, new)


def _limits_changed(tx: Transaction, others: Sequence[str]) -> None:
    """Limits were changed; in the lanes of these others nobody has counted, or need count any more."""
    tx.limits_changed()
    if others:
        recount(tx, others)
    tx.hint(Topic.RUNS)


def drop(tx: Transaction, kind: type[Record], ids: Sequence[str]) -> list[bool]:
    """Forget records of a kind."""
    gone = [_dropped(tx, kind, name) for name in ids]
    if kind is Schedule and any(gone):
        tx.hint(Topic.SCHEDULES)
    return gone


def _dropped(tx: Transaction, kind: type[Record], name: str) -> bool:
    before = tx.limits.get(name) if kind is Limit else None
    gone = tx.db.execute(f"DELETE FROM {_KINDS[kind].table} WHERE id = ?", (name,)).rowcount > 0
    if before is not None:
        limit_changed(tx, name, before, None)
        _limits_changed(tx, [name])
    return gone


def records(db: sqlite3.Connection, kind: type[R], ids: Sequence[str] | None, after: str, limit: int | None) -> list[R]:
    """The records of a kind in order of id."""
    table, decode = _KINDS[kind]
    some = "" if ids is None else f" AND id IN {THESE}"
    values = (after,) if ids is None else (after, listed(ids))
    rows = db.execute(
        f"SELECT body FROM {table} WHERE id > ?{some} ORDER BY id LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [decode(body) for [body] in rows.fetchall()]


# Firing


def fire(tx: Transaction, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
    """Fire, then tell what is due."""
    fired = fire_each(tx, firings, now) if firings else []
    rows = tx.db.execute(
        "SELECT body FROM schedules INDEXED BY schedules_due WHERE wakes_at <= ? ORDER BY wakes_at, id LIMIT ?",
        (now, limit + 1),
    ).fetchall()
    wake_at = None if len(rows) > limit else _next(tx.db, now)
    return Agenda(fired=tuple(fired), due=tuple(_schedule(body) for [body] in rows[:limit]), wake_at=wake_at)


def fire_each(tx: Transaction, firings: Sequence[Firing], now: int) -> list[bool]:
    """Replace each schedule that still stands at the expected version, and add its runs with it."""
    versions = _versions(tx.db, [each.schedule.id for each in firings])
    fired = [_advances(versions, each) for each in firings]
    accepted = [each for each, advances in zip(firings, fired, strict=True) if advances]
    insert(tx.db, "schedules", _COLUMNS, [_row_after(each) for each in accepted if each.expect == 0])
    update(tx.db, "schedules", _COLUMNS[1:], _last_of_each(_row_after(each) for each in accepted if each.expect))
    _add(tx, accepted, now)
    if instants := [each.schedule.wakes_at for each in accepted if each.schedule.wakes_at is not None]:
        tx.hint(Topic.SCHEDULES, min(instants))
    return fired


def _add(tx: Transaction, firings: Sequence[Firing], now: int) -> None:
    """Add their runs: all at once, which is quicker, if none can come after one of a later firing."""
    runs = [run for each in firings for run in each.runs]
    for together in [each.runs for each in firings] if any(run.after for run in runs) else [runs]:
        add(tx, together, now)


def _advances(versions: dict[str, int], firing: Firing) -> bool:
    if versions.get(firing.schedule.id, 0) != firing.expect:
        return False
    versions[firing.schedule.id] = firing.expect + 1
    return True


def _row_after(firing: Firing) -> Row:
    return _row(replace(firing.schedule, version=firing.expect + 1))


def _last_of_each(rows: Iterable[Row]) -> Iterable[Row]:
    """A schedule may fire twice in one call; it stands as the last firing left it."""
    return {row[0]: row for row in rows}.values()


def _next(db: sqlite3.Connection, now: int) -> int | None:
    [[instant]] = db.execute("SELECT min(wakes_at) FROM schedules INDEXED BY schedules_due WHERE wakes_at > ?", (now,))
    return instant


def _versions(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    rows = db.execute(f"SELECT id, version FROM schedules WHERE id IN {THESE}", (listed(ids),))
    return dict(rows.fetchall())


_COLUMNS = ("id", "job", "wakes_at", "version", "body")


def _row(schedule: Schedule) -> Row:
    return schedule.id, schedule.job, schedule.wakes_at, schedule.version, _text(schedule)


def _text(record: Record) -> str:
    return _encode(record).decode()
