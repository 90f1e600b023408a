"""Calendars: sets of days and windows of time, to keep triggers inside or outside of, or to move them by.

A calendar without a zone of its own is read in the zone of the trigger that it is put together with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import overload

from foliot.errors import TriggerError
from foliot.moments import SECOND, Length, Moment, instant, length, spell
from foliot.triggers import fields
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.writing import TimeOfDay, clock_text, date_of, day_of, seconds_of, spec_of, written
from foliot.triggers.zones import DAY, clock_of, zone_name, zone_of


class Calendar(ABC):
    """A set of times: an immutable value, put together with ``a | b``, ``a & b``, ``a - b`` and ``~a``."""

    __slots__ = ()

    @abstractmethod
    def covers(self, at: int, zone: str | None) -> bool:
        """Whether this instant is in the calendar, for a trigger in ``zone``."""

    @abstractmethod
    def edge_after(self, at: int, zone: str | None) -> int | None:
        """An instant later than ``at`` up to which ``covers`` stays as it is; None if it always does."""

    @abstractmethod
    def spec(self) -> Spec:
        """This calendar as a short readable JSON object."""

    def covers_day(self, day: int, zone: str | None) -> bool:
        """Whether this day (0 is 1970-01-01) is in it. Raises TriggerError for calendars of hours."""
        raise TriggerError(f"this is a calendar of hours, not of days: {self.spec()}")

    def named(self, name: str) -> Named:
        """This calendar under a name, by which explanations call it."""
        return Named(name, self)

    def __or__(self, other: Calendar) -> Calendar:
        return AnyOf((*_parts(self, AnyOf), *_parts(other, AnyOf)))

    @overload
    def __and__(self, other: Calendar) -> Calendar: ...
    @overload
    def __and__(self, other: Trigger) -> Trigger: ...
    def __and__(self, other: Calendar | Trigger) -> Calendar | Trigger:
        if isinstance(other, Trigger):
            return other & self
        return AllOf((*_parts(self, AllOf), *_parts(other, AllOf)))

    def __sub__(self, other: Calendar) -> Calendar:
        return self & Not(other)

    def __invert__(self) -> Calendar:
        return Not(self)


class Days(Calendar):
    """A calendar of whole days, in its own zone or in the trigger's."""

    __slots__ = ()

    tz: str | None

    @abstractmethod
    def has(self, day: int) -> bool:
        """Whether this day is one of them."""

    def covers(self, at: int, zone: str | None) -> bool:
        return self.has(clock_of(self.tz or zone).local(at // SECOND) // DAY)

    def covers_day(self, day: int, zone: str | None) -> bool:
        return self.has(day)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        clock, second = clock_of(self.tz or zone), at // SECOND
        tomorrow = clock.local(second) // DAY + 1
        return clock.until(second, tomorrow * DAY) * SECOND


@dataclass(frozen=True, slots=True)
class Weekdays(Days):
    """Days of the week, as bits, Sunday being the lowest; make it with ``weekdays()``."""

    bits: int
    tz: str | None = None

    def has(self, day: int) -> bool:
        return bool(self.bits >> (day + 4) % 7 & 1)

    def spec(self) -> Spec:
        names = [name for number, name in enumerate(fields.WEEKDAY.names) if self.bits >> number & 1]
        return spec_of({"weekdays": names}, tz=self.tz)


@dataclass(frozen=True, slots=True)
class Dates(Days):
    """Ranges of days, each from its first to its last inclusive, in order; make it with ``dates()``."""

    ranges: tuple[tuple[int, int], ...]
    tz: str | None = None

    def has(self, day: int) -> bool:
        return any(first <= day <= last for first, last in self.ranges)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        clock, second = clock_of(self.tz or zone), at // SECOND
        today = clock.local(second) // DAY
        edges = (max(edge, today + 1) for first, last in self.ranges for edge in (first, last + 1) if edge >= today)
        return None if (edge := min(edges, default=None)) is None else clock.until(second, edge * DAY) * SECOND

    def spec(self) -> Spec:
        texts = ["/".join(str(date_of(day)) for day in sorted({first, last})) for first, last in self.ranges]
        return spec_of({"dates": texts}, tz=self.tz)


@dataclass(frozen=True, slots=True)
class Hours(Calendar):
    """Each day from ``start`` to ``end`` (seconds of the day), past midnight where the end is not later."""

    start: int
    end: int
    tz: str | None = None

    def covers(self, at: int, zone: str | None) -> bool:
        time = clock_of(self.tz or zone).local(at // SECOND) % DAY
        if self.start < self.end:
            return self.start <= time < self.end
        return time >= self.start or time < self.end

    def edge_after(self, at: int, zone: str | None) -> int | None:
        clock, second = clock_of(self.tz or zone), at // SECOND
        local = clock.local(second)
        edges = (local // DAY * DAY + more + time for more in (0, DAY) for time in (self.start, self.end))
        return clock.until(second, min(edge for edge in edges if edge > local)) * SECOND

    def spec(self) -> Spec:
        return spec_of({"between": [clock_text(self.start), clock_text(self.end)]}, tz=self.tz)


@dataclass(frozen=True, slots=True)
class Window(Calendar):
    """The time from one instant up to, not including, another; make it with ``window()``."""

    start: int
    end: int

    def covers(self, at: int, zone: str | None) -> bool:
        return self.start <= at < self.end

    def edge_after(self, at: int, zone: str | None) -> int | None:
        return self.start if at < self.start else self.end if at < self.end else None

    def spec(self) -> Spec:
        return {"from": written(self.start), "to": written(self.end)}


@dataclass(frozen=True, slots=True)
class During(Calendar):
    """The ``length`` after each firing of a trigger; make it with ``during()``."""

    trigger: Trigger
    length: int

    def covers(self, at: int, zone: str | None) -> bool:
        return self._begun(at) is not None

    def edge_after(self, at: int, zone: str | None) -> int | None:
        begun = self._begun(at)
        return self.trigger.next_at(at) if begun is None else begun + self.length

    def _begun(self, at: int) -> int | None:
        """The first firing whose window ``at`` lies in."""
        found = self.trigger.next_at(at - self.length)
        return found if found is not None and found <= at else None

    def spec(self) -> Spec:
        return {"during": self.trigger.spec(), "for": spell(self.length)}


@dataclass(frozen=True, slots=True)
class EachDay(Days):
    """Whole days, wherever one is: those whose noon in UTC another calendar covers."""

    of: Calendar
    tz: str | None = None

    def has(self, day: int) -> bool:
        return self.of.covers(self._noon(day), "UTC")

    def edge_after(self, at: int, zone: str | None) -> int | None:
        clock, second = clock_of(self.tz or zone), at // SECOND
        today = clock.local(second) // DAY
        if (edge := self.of.edge_after(self._noon(today), "UTC")) is None:
            return None
        first = -((self._noon(0) - edge) // (DAY * SECOND))  # the first day whose noon is not before the edge
        return clock.until(second, max(first, today + 1) * DAY) * SECOND

    def _noon(self, day: int) -> int:
        return (day * DAY + DAY // 2) * SECOND

    def spec(self) -> Spec:
        return spec_of({"each_day": self.of.spec()}, tz=self.tz)


@dataclass(frozen=True, slots=True)
class AnyOf(Calendar):
    """Times that are in any of several calendars."""

    of: tuple[Calendar, ...]

    def covers(self, at: int, zone: str | None) -> bool:
        return any(each.covers(at, zone) for each in self.of)

    def covers_day(self, day: int, zone: str | None) -> bool:
        return any(each.covers_day(day, zone) for each in self.of)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        return _first_edge(self.of, at, zone)

    def spec(self) -> Spec:
        return {"any": [each.spec() for each in self.of]}


@dataclass(frozen=True, slots=True)
class AllOf(Calendar):
    """Times that are in all of several calendars."""

    of: tuple[Calendar, ...]

    def covers(self, at: int, zone: str | None) -> bool:
        return all(each.covers(at, zone) for each in self.of)

    def covers_day(self, day: int, zone: str | None) -> bool:
        return all(each.covers_day(day, zone) for each in self.of)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        return _first_edge(self.of, at, zone)

    def spec(self) -> Spec:
        return {"all": [each.spec() for each in self.of]}


@dataclass(frozen=True, slots=True)
class Not(Calendar):
    """Times that are not in a calendar."""

    of: Calendar

    def covers(self, at: int, zone: str | None) -> bool:
        return not self.of.covers(at, zone)

    def covers_day(self, day: int, zone: str | None) -> bool:
        return not self.of.covers_day(day, zone)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        return self.of.edge_after(at, zone)

    def spec(self) -> Spec:
        return {"not": self.of.spec()}


@dataclass(frozen=True, slots=True)
class Named(Calendar):
    """A calendar under a name; make it with ``calendar.named()``."""

    name: str
    of: Calendar

    def covers(self, at: int, zone: str | None) -> bool:
        return self.of.covers(at, zone)

    def covers_day(self, day: int, zone: str | None) -> bool:
        return self.of.covers_day(day, zone)

    def edge_after(self, at: int, zone: str | None) -> int | None:
        return self.of.edge_after(at, zone)

    def spec(self) -> Spec:
        return {"name": self.name, "calendar": self.of.spec()}


def between(start: TimeOfDay, end: TimeOfDay, *, tz: tzinfo | str | None = None) -> Hours:
    """Each day from ``start`` to before ``end``, past midnight too: ``between("22:00", "06:00")``."""
    first, last = seconds_of(start), seconds_of(end)
    if first in (last, DAY):
        raise TriggerError(f"between({start!r}, {end!r}) has no beginning before its end; give two different times")
    return Hours(first, last, zone_name(tz))


def weekdays(*days: str, tz: tzinfo | str | None = None) -> Weekdays:
    """Monday to Friday, or the days given: ``weekdays("sat", "sun")``, ``weekdays("mon-thu")``."""
    text = ",".join(days or ("mon-fri",))
    try:
        return Weekdays(fields.read(fields.WEEKDAY, text).numbers, zone_name(tz))
    except fields.Mistake as mistake:
        raise TriggerError(mistake.message, text=text, at=mistake.at) from None


def dates(*days: date | str, tz: tzinfo | str | None = None) -> Dates:
    """Certain days and ranges of days: ``dates("2026-12-24", "2026-12-27/2026-12-31")``."""
    ranges = sorted(_range(day) for day in days)
    if not ranges:
        raise TriggerError("dates() needs days, such as dates('2026-12-24', '2026-12-27/2026-12-31')")
    return Dates(tuple(ranges), zone_name(tz))


def _range(text: date | str) -> tuple[int, int]:
    first, _, last = text.partition("/") if isinstance(text, str) else (text, "", "")
    found = day_of(first), day_of(last or first)
    if found[1] < found[0]:
        raise TriggerError(f"{text!r} ends before it begins")
    return found


def window(start: Moment, end: Moment, *, tz: tzinfo | str | None = None) -> Window:
    """The time from ``start`` to before ``end``, in ``tz`` (default UTC): a freeze, for example."""
    zone = zone_of(zone_name(tz))
    found = Window(instant(start, zone), instant(end, zone))
    if found.end <= found.start:
        raise TriggerError(f"the window from {start} to {end} ends before it begins")
    return found


def during(trigger: Trigger, length_of: Length) -> During:
    """The time after each firing of a trigger: ``during(cron("0 2 * * sun", tz=...), "4h")``."""
    micros = length(length_of)
    if micros <= 0 or trigger.from_finish:
        raise TriggerError("during() needs a trigger with instants of its own and a length of time")
    trigger.next_at(0)  # refuses one that counts from the creation of a schedule, which a calendar does not have
    return During(trigger, micros)


def _parts(calendar: Calendar, kind: type[AnyOf | AllOf]) -> tuple[Calendar, ...]:
    """``(a | b) | c`` is one choice of three."""
    return calendar.of if isinstance(calendar, kind) else (calendar,)


def _first_edge(calendars: tuple[Calendar, ...], at: int, zone: str | None) -> int | None:
    return min((edge for each in calendars if (edge := each.edge_after(at, zone)) is not None), default=None)
