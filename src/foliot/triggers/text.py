"""Triggers as text: a short readable JSON that this and any later version reads back.

Each kind of trigger has a form below, named by the first key of its object. A form may grow fields with
defaults; it never loses one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from foliot.errors import DefinitionError, TriggerError
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
from foliot.triggers.cron import Cron, Days
from foliot.triggers.delayed import Delayed
from foliot.triggers.intervals import Every, Pause, Randomly
from foliot.triggers.line import canonical
from foliot.triggers.once import After, at
from foliot.triggers.public_holidays import business_days, holidays
from foliot.triggers.recurrence import Recurrence
from foliot.triggers.recurring import Recurring
from foliot.triggers.writing import day_of, instant_of, seconds_of
from foliot.triggers.zones import Fold, Gap, zone_name


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON object of one kind of trigger or calendar."""


class _Cron(_Form):
    cron: str
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"
    days: Days = "or"
    week: str | None = None
    seed: str | None = None

    def made(self) -> Trigger:
        zone = zone_name(self.tz)
        return Cron(canonical(self.cron), zone, self.gap, self.fold, self.days, self.week, self.seed)


class _CalendarLength(_Form):
    months: int = 0
    days: int = 0


class _Every(_Form):
    every: str | _CalendarLength
    anchor: str | None = None
    after: Literal["finish"] | None = None
    at: str | list[str] = "00:00"
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"

    def made(self) -> Trigger:
        if isinstance(self.every, _CalendarLength):
            return self._by_calendar(self.every)
        if self.after is not None:
            return Pause(length(self.every))
        return Every(length(self.every), instant_of(self.anchor))

    def _by_calendar(self, every: _CalendarLength) -> Trigger:
        return Recurring(
            months=every.months,
            days=every.days,
            times=tuple(sorted(seconds_of(each) for each in _listed(self.at))),
            anchor=None if self.anchor is None else day_of(self.anchor),
            tz=zone_name(self.tz),
            gap=self.gap,
            fold=self.fold,
        )


class _Randomly(_Form):
    randomly: tuple[str, str]
    anchor: str | None = None
    seed: str | None = None

    def made(self) -> Trigger:
        shortest, longest = self.randomly
        return Randomly(length(shortest), length(longest), instant_of(self.anchor), self.seed)


class _At(_Form):
    at: str | list[str]
    tz: str | None = None

    def made(self) -> Trigger:
        return at(*_listed(self.at), tz=self.tz)


class _After(_Form):
    after: str

    def made(self) -> Trigger:
        return After(length(self.after))


class _Recurrence(_Form):
    rrule: str
    start: str | None = None
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"

    def made(self) -> Trigger:
        return Recurrence(self.rrule, self.start, zone_name(self.tz), self.gap, self.fold)


class _Bounded(_Form):
    of: Spec
    start: str | None = None
    until: str | None = None
    limit: int | None = None

    def made(self) -> Trigger:
        return Bounded(load(self.of), instant_of(self.start), instant_of(self.until), self.limit)


class _Delayed(_Form):
    of: Spec
    jitter: str = "0s"
    spread: str = "0s"
    seed: str | None = None

    def made(self) -> Trigger:
        return Delayed(load(self.of), length(self.jitter), length(self.spread), self.seed)


class _Either(_Form):
    any: list[Spec]

    def made(self) -> Trigger:
        return Either(_mixed(self.any))


class _Both(_Form):
    all: list[Spec]

    def made(self) -> Trigger:
        return Both(_mixed(self.all))


class _Without(_Form):
    of: Spec
    unless: Spec

    def made(self) -> Trigger:
        return Without(load(self.of), load(self.unless))


class _Inside(_Form):
    of: Spec
    only: Spec

    def made(self) -> Trigger:
        return Within(load(self.of), load_calendar(self.only))


class _Outside(_Form, rename={"without": "except"}):
    of: Spec
    without: Spec

    def made(self) -> Trigger:
        return Within(load(self.of), load_calendar(self.without), inside=False)


class _Shifted(_Form):
    of: Spec
    shift: Direction
    to: Spec

    def made(self) -> Trigger:
        return Shifted(load(self.of), self.shift, load_calendar(self.to))


class _Weekdays(_Form):
    weekdays: list[str]
    tz: str | None = None

    def made(self) -> Calendar:
        return weekdays(*self.weekdays, tz=self.tz)


class _Dates(_Form):
    dates: list[str]
    tz: str | None = None

    def made(self) -> Calendar:
        return dates(*self.dates, tz=self.tz)


class _Hours(_Form):
    between: tuple[str, str]
    tz: str | None = None

    def made(self) -> Calendar:
        return between(*self.between, tz=self.tz)


class _Window(_Form, rename={"start": "from", "end": "to"}):
    start: str
    end: str

    def made(self) -> Calendar:
        return window(self.start, self.end)


class _During(_Form, rename={"trigger": "during", "length": "for"}):
    trigger: Spec
    length: str

    def made(self) -> Calendar:
        return during(load(self.trigger), self.length)


class _EachDay(_Form):
    each_day: Spec
    tz: str | None = None

    def made(self) -> Calendar:
        return EachDay(load_calendar(self.each_day), zone_name(self.tz))


class _Holidays(_Form):
    holidays: str
    subdivision: str | None = None
    tz: str | None = None

    def made(self) -> Calendar:
        return holidays(self.holidays, self.subdivision, tz=self.tz)


class _BusinessDays(_Form):
    business_days: str
    subdivision: str | None = None
    tz: str | None = None

    def made(self) -> Calendar:
        return business_days(self.business_days, self.subdivision, tz=self.tz)


class _AnyOf(_Form):
    any: list[Spec]

    def made(self) -> Calendar:
        return AnyOf(tuple(load_calendar(each) for each in self.any))


class _AllOf(_Form):
    all: list[Spec]

    def made(self) -> Calendar:
        return AllOf(tuple(load_calendar(each) for each in self.all))


class _Not(_Form, rename={"of": "not"}):
    of: Spec

    def made(self) -> Calendar:
        return Not(load_calendar(self.of))


class _Named(_Form):
    name: str
    calendar: Spec

    def made(self) -> Calendar:
        return Named(self.name, load_calendar(self.calendar))


_TRIGGERS = {  # by the key that only this kind has; the order matters where a kind has two of them
    "cron": _Cron,
    "every": _Every,
    "randomly": _Randomly,
    "at": _At,
    "after": _After,
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
_CALENDARS = {
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


def load(spec: Mapping[str, object]) -> Trigger:
    """The trigger that this JSON object describes. Raises TriggerError for what this version cannot read."""
    for key, form in _TRIGGERS.items():
        if key in spec:
            try:
                return msgspec.convert(spec, form).made()
            except (msgspec.ValidationError, DefinitionError) as error:
                raise _refusal(spec, error) from None
    raise TriggerError(f"{_shown(spec)} is not a trigger that this version knows")


def load_calendar(spec: Mapping[str, object]) -> Calendar:
    """The calendar that this JSON object describes. Raises TriggerError for what this version cannot read."""
    for key, form in _CALENDARS.items():
        if key in spec:
            try:
                return msgspec.convert(spec, form).made()
            except (msgspec.ValidationError, DefinitionError) as error:
                raise _refusal(spec, error) from None
    raise TriggerError(f"{_shown(spec)} is not a calendar that this version knows")


def dumps(trigger: Trigger) -> str:
    """This trigger as compact JSON text."""
    return _line_text(trigger) if isinstance(trigger, Cron) else _text(trigger)


def _text(trigger: Trigger) -> str:
    return msgspec.json.encode(trigger.spec()).decode()


@lru_cache(maxsize=4096)
def _line_text(line: Cron) -> str:
    """Many schedules share few lines, and their text."""
    return _text(line)


@lru_cache(maxsize=16_384)
def loads(text: str) -> Trigger:
    """The trigger in this JSON text; equal texts share one value, so many schedules stay small."""
    try:
        spec = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise TriggerError(f"{text!r} is not a trigger: {error}") from None
    return load(spec)


def _mixed(specs: list[Spec]) -> tuple[Trigger, ...]:
    if not specs:
        raise TriggerError("there is no trigger in this list")
    return tuple(load(each) for each in specs)


def _refusal(spec: Mapping[str, object], error: Exception) -> TriggerError:
    if isinstance(error, TriggerError):
        return error
    return TriggerError(f"{_shown(spec)} is not what this version can read: {error}")


def _shown(spec: Mapping[str, object]) -> str:
    return str(dict(spec))


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
