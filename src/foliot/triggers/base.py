"""What a trigger is: *when*, as a pure value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from foliot import moments
from foliot.moments import Length, Moment, instant, moment
from foliot.triggers.zones import zone_of

if TYPE_CHECKING:
    from foliot.triggers.algebra import Direction
    from foliot.triggers.calendars import Calendar

Spec = dict[str, object]

_FIRST, _LAST = -62_135_300_000_000_000, 253_402_200_000_000_000
"""The times that a datetime can show in any zone: from 3 January of the year 1 to 30 December of 9999."""


class Trigger(ABC):
    """When something should happen: an immutable, comparable, hashable value without state, clock or I/O.

    Subclasses are frozen dataclasses with slots. Instants are microseconds since the epoch, UTC.
    """

    __slots__ = ()

    @abstractmethod
    def next_at(self, after: int) -> int | None:
        """The first instant strictly later than ``after``, or None when there is no more."""

    @abstractmethod
    def spec(self) -> Spec:
        """This trigger as a short readable JSON object, which this and any later version reads back."""

    @property
    def zone_name(self) -> str | None:
        """The name of the zone in which people think of this trigger; None, where nobody said, is UTC."""
        return None

    @property
    def zone(self) -> tzinfo:
        """The zone in which people think of this trigger."""
        return zone_of(self.zone_name)

    @property
    def from_finish(self) -> bool:
        """Whether the next firing counts from the end of the last run instead of from its nominal instant."""
        return False

    def settled(self, now: int) -> Trigger:
        """This trigger for a schedule created at ``now``: delays become instants, intervals get their phase.

        Called once, when the schedule is created, so that a restart neither restarts a delay nor moves a
        phase.
        """
        return self.mapped(lambda part: part.settled(now))

    def counted_from_finish(self) -> Trigger:
        """This trigger for a schedule whose next time counts from the end of its last run.

        Its intervals become pauses. Where that would make no sense, it is itself: the next of its instants after the
        end of the run.
        """
        return self.mapped(lambda part: part.counted_from_finish())

    def bound(self, schedule: str) -> Trigger:
        """This trigger for one schedule: whatever is hashed or spread by its id is settled."""
        return self.mapped(lambda part: part.bound(schedule))

    def delay(self, nominal: int) -> int:
        """How long after its nominal instant a firing is due (jitter and spread), microseconds. Default 0."""
        return 0

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        """This trigger with each trigger it is made of changed; itself where it is made of none."""
        return self

    def hand_on(self, made: Trigger) -> Trigger:
        """What was made of this trigger and another, with what this one carries beside its instants: nothing here."""
        return made

    def explain(self, lang: str = "en") -> str:
        """What this trigger does, as a sentence for people; ``lang`` is ``"en"`` or ``"zh"``."""
        from foliot.triggers.explain import explain

        return explain(self, lang)

    def next(self, after: datetime) -> datetime | None:
        """The first time strictly later than ``after`` (aware), in the trigger's zone; None without more."""
        found = self.next_at(max(instant(after), _FIRST))
        return None if found is None or found > _LAST else moment(found, self.zone)

    def instants(self, after: int, until: int) -> Iterator[int]:
        """All instants later than ``after`` and not later than ``until``, in order."""
        found = self.next_at(after)
        while found is not None and found <= until:
            yield found
            found = self.next_at(found)

    def between(self, start: Moment, end: Moment) -> list[datetime]:
        """All times from ``start`` (inclusive) to ``end`` (exclusive), naive ones in the trigger's zone."""
        zone = self.zone
        low, high = instant(start, zone), instant(end, zone)
        return [moment(each, zone) for each in self.instants(max(low - 1, _FIRST), min(high - 1, _LAST))]

    def starting(self, start: Moment) -> Trigger:
        """This trigger from ``start`` (inclusive) on; a naive time is read in the trigger's zone."""
        from foliot.triggers.bounds import bounded

        return bounded(self, start=instant(start, self.zone))

    def until(self, end: Moment) -> Trigger:
        """This trigger up to ``end`` (inclusive); a naive time is read in the trigger's zone."""
        from foliot.triggers.bounds import bounded

        return bounded(self, end=instant(end, self.zone))

    def limit(self, count: int) -> Trigger:
        """The first ``count`` instants from ``starting``, or else from the creation of the schedule."""
        from foliot.triggers.bounds import bounded

        return bounded(self, limit=count)

    def jitter(self, length: Length) -> Trigger:
        """This trigger with each firing up to ``length`` late, chosen anew for each."""
        from foliot.triggers.delayed import delayed

        return delayed(self, jitter=moments.length(length))

    def spread(self, length: Length) -> Trigger:
        """This trigger with all firings of a schedule late by one part of ``length``, chosen by its id."""
        from foliot.triggers.delayed import delayed

        return delayed(self, spread=moments.length(length))

    def shift(self, direction: Direction, days: Calendar) -> Trigger:
        """This trigger with firings outside ``days`` moved to the ``"next"`` or ``"previous"`` of them."""
        from foliot.triggers.algebra import shifted

        return shifted(self, direction, days)

    def __or__(self, other: Trigger) -> Trigger:
        """All instants of both."""
        from foliot.triggers.algebra import any_of

        made = any_of(self, other)
        return other.hand_on(made)

    def __and__(self, other: Trigger | Calendar) -> Trigger:
        """The instants of both, or those inside a calendar."""
        from foliot.triggers.algebra import both, within

        return other.hand_on(both(self, other)) if isinstance(other, Trigger) else within(self, other, inside=True)

    def __sub__(self, other: Trigger | Calendar) -> Trigger:
        """The instants that are not also instants of the other, or not inside a calendar."""
        from foliot.triggers.algebra import within, without

        return other.hand_on(without(self, other)) if isinstance(other, Trigger) else within(self, other, inside=False)

    def nth_at(self, after: int, count: int) -> int | None:
        """The ``count``-th instant later than ``after``, or None when there are fewer."""
        found: int | None = after
        for _ in range(count):
            if (found := self.next_at(found)) is None:
                return None
        return found

    def __reduce__(self) -> tuple[Callable[[Spec], Trigger], tuple[Spec]]:
        from foliot.triggers.text import load

        return load, (self.spec(),)
