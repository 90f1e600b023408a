"""A trigger between a start and an end, or for a number of times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from foliot.errors import TriggerError
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.wrapper import Wrapper
from foliot.triggers.writing import spec_of, written

_MANY = 100_000


@dataclass(frozen=True, slots=True)
class Bounded(Wrapper):
    """The instants of ``of`` from ``start`` to ``end``, both inclusive, and of those the first ``limit``.

    A limit without a start counts from the creation of its schedule, and there is no next instant before
    that.
    """

    start: int | None = None
    end: int | None = None
    count: int | None = None

    def next_at(self, after: int) -> int | None:
        if self.start is not None and after < self.start:
            after = self.start - 1
        found = self.of.next_at(after)
        if found is None or (self.end is not None and found > self.end):
            return None
        return None if self.count is not None and self._beyond(found, self.count) else found

    def _beyond(self, found: int, count: int) -> bool:
        if self.start is None:
            raise TriggerError(
                f"limit({count}) counts from its schedule's creation; settle it first, or give starting()"
            )
        last = _nth(self.of, self.start - 1, count)
        return last is not None and found > last

    def settled(self, now: int) -> Trigger:
        start = now + 1 if self.start is None and self.count is not None else self.start
        return replace(self, of=self.of.settled(now), start=start)

    def counted_from_finish(self) -> Trigger:
        """That of ``of`` within the bounds; itself with a limit, for pauses cannot be counted."""
        return self if self.count is not None else Wrapper.counted_from_finish(self)

    def spec(self) -> Spec:
        start, until = written(self.start, self.zone), written(self.end, self.zone)
        return spec_of({"of": self.of.spec()}, start=start, until=until, limit=self.count)


def bounded(trigger: Trigger, *, start: int | None = None, end: int | None = None, limit: int | None = None) -> Bounded:
    """The trigger with these bounds in place of those of the same kind that it has."""
    if limit is not None:
        _check_limit(limit, trigger)
    whole = trigger if isinstance(trigger, Bounded) else Bounded(trigger)
    given = {"start": start, "end": end, "count": limit}
    found = replace(whole, **{name: value for name, value in given.items() if value is not None})
    if found.start is not None and found.end is not None and found.end < found.start:
        raise TriggerError(f"it ends at {written(found.end)}, before it starts at {written(found.start)}")
    return found


def _check_limit(limit: int, trigger: Trigger) -> None:
    if type(limit) is not int or not 1 <= limit <= _MANY:
        raise TriggerError(f"limit({limit!r}) is not a number from 1 to {_MANY:,}; for an end in time use until()")
    if trigger.from_finish:
        raise TriggerError(
            "limit() cannot count a pause after each finish, which has no instants of its own; use until()"
        )


@lru_cache(maxsize=4096)
def _nth(trigger: Trigger, after: int, count: int) -> int | None:
    return trigger.nth_at(after, count)
