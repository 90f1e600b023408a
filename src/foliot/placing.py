"""From a call to the run it wants: pure, given the time and an id."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from msgspec.structs import replace

from foliot.errors import JobError
from foliot.handle import Call
from foliot.jobs import USUAL
from foliot.model import Clash, Hold, Run, Unique
from foliot.moments import instant, zone


def placed(call: Call[Any], now: int, new_id: str, named_zone: tzinfo | None, headers: dict[str, str]) -> Run:
    """The run that a call wants, due when its options say. Raises DefinitionError for times that cannot be read."""
    job, options = call.job, call.options
    if options is USUAL and job.usual is not None:
        return replace(job.usual, id=new_id, args=call.args, created_at=now, due_at=now, wakes_at=now, headers=headers)
    place = job.placement(options, call.arguments)
    quiet = options.debounce or job.settings.debounce or 0
    due = _due(call, now, named_zone) + quiet
    return Run(
        id=options.id or new_id,
        job=job.name,
        args=call.args,
        created_at=now,
        due_at=due,
        wakes_at=due,
        queue=place.queue,
        priority=place.priority,
        needs=place.needs,
        key=place.key,
        lanes=place.lanes,
        unique=_unique(call, now),
        expires_at=None if place.expires is None else due + place.expires,
        deadline_at=None if place.deadline is None else due + place.deadline,
        terms=place.terms,
        tags=place.tags,
        meta=place.meta,
        headers=headers,
    )


def _due(call: Call[Any], now: int, named_zone: tzinfo | None) -> int:
    options = call.options
    if options.at is None and options.tz is not None:
        raise JobError(f"job {call.job.name!r}: tz={options.tz!r} says in which zone 'at' is read; give 'at', too")
    if options.at is None:
        return now + (options.after or 0)
    if options.after is not None:
        raise JobError(f"job {call.job.name!r}: give 'at' or 'after', not both")
    return instant(options.at, named_zone if options.tz is None else zone(options.tz))


def _unique(call: Call[Any], now: int) -> Unique | None:
    """Debounced calls renew the one that waits; unique ones leave the first alone until it is over, or for a period."""
    job, options = call.job, call.options
    key = job.unique_key(options.unique, call)
    if options.debounce or job.settings.debounce:
        return Unique(key=key or f"unique/{job.name}#", clash=Clash.RENEW, hold=Hold.START)
    if key is None and options.unique_for is not None:
        raise JobError(f"job {job.name!r}: 'unique_for' says how long a key is held; give 'unique', too")
    if key is None:
        return None
    period = options.unique_for or job.settings.unique_for
    return Unique(key=key, until=None if period is None else now + period)
