"""The forms of the triggers and calendars that fewer programs use. See ``text``, which loads them when they are met."""

from __future__ import annotations

from typing import Any

from foliot.errors import TriggerError
from foliot.moments import length
from foliot.triggers.algebra import Both, Direction, Either, Shifted, Within, Without
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.bounds import Bounded
from foliot.triggers.calendars import (
    AllOf,
    AnyOf,
    Calendar,
    EachDay,
    Named,
    Not,
    between,
    dates,
    during,
    weekdays,
    window,
)
from foliot.triggers.delayed import Delayed
from foliot.triggers.public_holidays import business_days, holidays
from foliot.triggers.recurrence import Recurrence
from foliot.triggers.text import Form, load, load_calendar
from foliot.triggers.writing import instant_of
from foliot.triggers.zones import Fold, Gap, zone_name


class _Recurrence(Form):
    rrule: str
    start: str | None = None
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"

    def made(self) -> Trigger:
        return Recurrence(self.rrule, self.start, zone_name(self.tz), self.gap, self.fold)


class _Bounded(Form):
    of: Spec
    start: str | None = None
    until: str | None = None
    limit: int | None = None

    def made(self) -> Trigger:
        return Bounded(load(self.of), instant_of(self.start), instant_of(self.until), self.limit)


class _Delayed(Form):
    of: Spec
    jitter: str = "0s"
    spread: str = "0s"
    seed: str | None = None

    def made(self) -> Trigger:
        return Delayed(load(self.of), length(self.jitter), length(self.spread), self.seed)


class _Either(Form):
    any: list[Spec]

    def made(self) -> Trigger:
        return Either(_mixed(self.any))


class _Both(Form):
    all: list[Spec]

    def made(self) -> Trigger:
        return Both(_mixed(self.all))


class _Without(Form):
    of: Spec
    unless: Spec

    def made(self) -> Trigger:
        return Without(load(self.of), load(self.unless))


class _Inside(Form):
    of: Spec
    only: Spec

    def made(self) -> Trigger:
        return Within(load(self.of), load_calendar(self.only))


class _Outside(Form, rename={"without": "except"}):
    of: Spec
    without: Spec

    def made(self) -> Trigger:
        return Within(load(self.of), load_calendar(self.without), inside=False)


class _Shifted(Form):
    of: Spec
    shift: Direction
    to: Spec

    def made(self) -> Trigger:
        return Shifted(load(self.of), self.shift, load_calendar(self.to))


class _Weekdays(Form):
    weekdays: list[str]
    tz: str | None = None

    def made(self) -> Calendar:
        return weekdays(*self.weekdays, tz=self.tz)


class _Dates(Form):
    dates: list[str]
    tz: str | None = None

    def made(self) -> Calendar:
        return dates(*self.dates, tz=self.tz)


class _Hours(Form):
    between: tuple[str, str]
    tz: str | None = None

    def made(self) -> Calendar:
        return between(*self.between, tz=self.tz)


class _Window(Form, rename={"start": "from", "end": "to"}):
    start: str
    end: str

    def made(self) -> Calendar:
        return window(self.start, self.end)


class _During(Form, rename={"trigger": "during", "length": "for"}):
    trigger: Spec
    length: str

    def made(self) -> Calendar:
        return during(load(self.trigger), self.length)


class _EachDay(Form):
    each_day: Spec
    tz: str | None = None

    def made(self) -> Calendar:
        return EachDay(load_calendar(self.each_day), zone_name(self.tz))


class _Holidays(Form):
    holidays: str
    subdivision: str | None = None
    tz: str | None = None

    def made(self) -> Calendar:
        return holidays(self.holidays, self.subdivision, tz=self.tz)


class _BusinessDays(Form):
    business_days: str
    subdivision: str | None = None
    tz: str | None = None

    def made(self) -> Calendar:
        return business_days(self.business_days, self.subdivision, tz=self.tz)


class _AnyOf(Form):
    any: list[Spec]

    def made(self) -> Calendar:
        return AnyOf(tuple(load_calendar(each) for each in self.any))


class _AllOf(Form):
    all: list[Spec]

    def made(self) -> Calendar:
        return AllOf(tuple(load_calendar(each) for each in self.all))


class _Not(Form, rename={"of": "not"}):
    of: Spec

    def made(self) -> Calendar:
        return Not(load_calendar(self.of))


class _Named(Form):
    name: str
    calendar: Spec

    def made(self) -> Calendar:
        return Named(self.name, load_calendar(self.calendar))


# By the key that only this kind has; the order matters where a kind has two of them
TRIGGERS: dict[str, type[Any]] = {
    "rrule": _Recurrence,
    "any": _Either,
    "all": _Both,
    "unless": _Without,
    "only": _Inside,
    "except": _Outside,
    "shift": _Shifted,
    "jitter": _Delayed,
    "spread": _Delayed,
    "start": _Bounded,
    "until": _Bounded,
    "limit": _Bounded,
}
CALENDARS: dict[str, type[Any]] = {
    "weekdays": _Weekdays,
    "dates": _Dates,
    "between": _Hours,
    "from": _Window,
    "during": _During,
    "each_day": _EachDay,
    "holidays": _Holidays,
    "business_days": _BusinessDays,
    "any": _AnyOf,
    "all": _AllOf,
    "not": _Not,
    "name": _Named,
}


def _mixed(specs: list[Spec]) -> tuple[Trigger, ...]:
    if not specs:
        raise TriggerError("there is no trigger in this list")
    return tuple(load(each) for each in specs)
