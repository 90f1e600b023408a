"""What stands: schedules, limits and workers, and lines, as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from foliot.model import Limit, Line, Record, Schedule, Worker
from foliot.stores.base import R
from foliot.stores.postgres.wire import texts

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Any]).decode


def columns(records: Sequence[Record]) -> tuple[Any, ...]:
    """Records as the SQL function ``put`` takes them."""
    schedules = [each for each in records if isinstance(each, Schedule)]
    limits = [each for each in records if isinstance(each, Limit)]
    workers = {each.id: each for each in records if isinstance(each, Worker)}.values()
    times = Counter(each.id for each in schedules)
    last = {each.id: each for each in schedules}.values()
    return (
        [each.id for each in last],
        [each.job for each in last],
        texts(each.wakes_at for each in last),
        [text_of(each) for each in last],
        texts(times[each.id] for each in last),
        [each.id for each in limits],
        texts(each.running for each in limits),
        texts(each.starts for each in limits),
        texts(each.per for each in limits),
        texts(each.paused is not None for each in limits),
        [text_of(each) for each in limits],
        [each.id for each in workers],
        texts(each.seen_at for each in workers),
        [text_of(each) for each in workers],
    )


def text_of(record: Record) -> str:
    """A record as JSON text."""
    return _encode(record).decode()


def record_of(kind: type[R], body: str, version: int) -> R:
    """The record in a row."""
    record = msgspec.json.decode(body, type=kind)
    return replace(record, version=version) if isinstance(record, Schedule) else record


def line_of(row: Sequence[Any]) -> Line:
    """The line in a row."""
    n, at, level, text, fields = row
    return Line(n=n, at=at, level=level, text=text, fields=None if fields is None else _fields(fields))
