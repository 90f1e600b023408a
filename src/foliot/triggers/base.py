"""What a trigger is: *when*, as a pure value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from foliot.moments import Moment, instant, moment


class Trigger(ABC):
    """When something should happen: an immutable, comparable, hashable value without state, clock or I/O.

    Subclasses are frozen dataclasses with slots. Instants are microseconds since the epoch, UTC.
    """

    __slots__ = ()

    @abstractmethod
    def next_at(self, after: int) -> int | None:
        """The first instant strictly later than ``after``, or None when there is no more."""

    @abstractmethod
    def spec(self) -> dict[str, object]:
        """This trigger as a short readable JSON object; ``triggers.load`` reads it back, in this and any later version."""

    @property
    def zone(self) -> tzinfo:
        """The zone in which people think of this trigger."""
        return UTC

    def bound(self, schedule: str) -> Trigger:
        """This trigger for one schedule: whatever is hashed or spread by its id is settled. Default: itself."""
        return self

    def delay(self, nominal: int) -> int:
        """How long after its nominal instant a firing is due (jitter and spread), microseconds. Default 0."""
        return 0

    def next(self, after: datetime) -> datetime | None:
        """The first time strictly later than ``after`` (aware), in the trigger's own zone; None when there is no more."""
        found = self.next_at(instant(after))
        return None if found is None else moment(found, self.zone)

    def instants(self, after: int, until: int) -> Iterator[int]:
        """All instants later than ``after`` and not later than ``until``, in order."""
        found = self.next_at(after)
        while found is not None and found <= until:
            yield found
            found = self.next_at(found)

    def between(self, start: Moment, end: Moment) -> list[datetime]:
        """All times from ``start`` (inclusive) to ``end`` (exclusive); naive times are read in the trigger's zone."""
        low, high = instant(start, self.zone), instant(end, self.zone)
        return [moment(each, self.zone) for each in self.instants(low - 1, high - 1)]
