"""What stands: schedules, limits and workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from foliot.model import Limit, Record, Schedule, Worker
from foliot.stores.redis.endings import body_of
from foliot.stores.redis.exchange import Exchange
from foliot.stores.redis.rows import as_text, pack, pack_each
from foliot.stores.redis.scripts import script

R = TypeVar("R", Schedule, Limit, Worker)

PAGE = 1000


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A schedule as it is kept: the version is the store's own."""

    version: int
    body: Schedule


class Kind(NamedTuple):
    """What scripts call one kind of record, and how its bodies are read."""

    name: str
    read: Callable[[bytes], Sequence[Any]]


_kept = msgspec.msgpack.Decoder(list[Kept]).decode


def schedules_of(reply: bytes) -> list[Schedule]:
    """The schedules in a packed list."""
    return [replace(each.body, version=each.version) for each in _kept(reply)]


KINDS: dict[type[Record], Kind] = {
    Schedule: Kind("schedule", schedules_of),
    Limit: Kind("limit", msgspec.msgpack.Decoder(list[Limit]).decode),
    Worker: Kind("worker", msgspec.msgpack.Decoder(list[Worker]).decode),
}


async def put(exchange: Exchange, records: Sequence[Record]) -> None:
    """Keep these records as they are given."""
    await exchange.promise(script("put"), pack([_item(each) for each in records]))


def _item(record: Record) -> Sequence[Any]:
    name = KINDS[type(record)].name
    match record:
        case Schedule():
            return name, record.id, body_of(record), record.wakes_at
        case Limit():
            return name, record.id, body_of(record), as_text(bounds_of(record))
        case Worker():
            return name, record.id, body_of(record)


def bounds_of(limit: Limit) -> bytes:
    """What a limit allows, as ``lanes.lua`` reads it."""
    return pack_each(limit.running, limit.starts, limit.per, limit.paused is not None)


async def drop(exchange: Exchange, kind: type[Record], ids: Sequence[str]) -> list[bool]:
    """Forget records of a kind."""
    gone = await exchange.promise(script("drop"), KINDS[kind].name, pack(ids))
    return [bool(each) for each in gone]


async def records(
    exchange: Exchange, kind: type[R], ids: Sequence[str] | None, after: str, limit: int | None
) -> list[R]:
    """The records of a kind in order of id."""
    if ids is not None:
        return await _these(exchange, kind, [each for each in sorted(set(ids)) if each > after][:limit])
    found: list[R] = []
    while limit is None or len(found) < limit:
        most = PAGE if limit is None else min(PAGE, limit - len(found))
        page = KINDS[kind].read(await exchange.run(script("records"), KINDS[kind].name, after, most))
        found += page
        if len(page) < most:
            break
        after = page[-1].id
    return found


async def _these(exchange: Exchange, kind: type[R], ids: Sequence[str]) -> list[R]:
    found: list[R] = []
    for first in range(0, len(ids), PAGE):
        page = await exchange.run(script("records_of"), KINDS[kind].name, pack(ids[first : first + PAGE]))
        found += KINDS[kind].read(page)
    return found
