"""Triggers as text: a short readable JSON that this and any later version reads back.

Each kind of trigger has a form, named by the first key of its object: those that most programs use below, the others
in ``forms``, which is loaded when the first of them is read. A form may grow fields with defaults; it never loses one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from foliot.errors import DefinitionError, TriggerError
from foliot.moments import length
from foliot.triggers.base import Trigger
from foliot.triggers.cron import Cron, Days
from foliot.triggers.intervals import Every, Pause, Randomly
from foliot.triggers.line import canonical
from foliot.triggers.once import After, at
from foliot.triggers.writing import day_of, instant_of, seconds_of
from foliot.triggers.zones import Fold, Gap, zone_name

if TYPE_CHECKING:
    from foliot.triggers.calendars import Calendar


class Form(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON object of one kind of trigger or calendar."""


class _Cron(Form):
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


class _CalendarLength(Form):
    months: int = 0
    days: int = 0


class _Every(Form):
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
        from foliot.triggers.recurring import Recurring

        return Recurring(
            months=every.months,
            days=every.days,
            times=tuple(sorted(seconds_of(each) for each in _listed(self.at))),
            anchor=None if self.anchor is None else day_of(self.anchor),
            tz=zone_name(self.tz),
            gap=self.gap,
            fold=self.fold,
        )


class _Randomly(Form):
    randomly: tuple[str, str]
    anchor: str | None = None
    seed: str | None = None

    def made(self) -> Trigger:
        shortest, longest = self.randomly
        return Randomly(length(shortest), length(longest), instant_of(self.anchor), self.seed)


class _At(Form):
    at: str | list[str]
    tz: str | None = None

    def made(self) -> Trigger:
        return at(*_listed(self.at), tz=self.tz)


class _After(Form):
    after: str

    def made(self) -> Trigger:
        return After(length(self.after))


_FORMS: dict[str, type[Any]] = {"cron": _Cron, "every": _Every, "randomly": _Randomly, "at": _At, "after": _After}


def load(spec: Mapping[str, object]) -> Trigger:
    """The trigger that this JSON object describes. Raises TriggerError for what this version cannot read."""
    found = made(spec, _FORMS)
    if found is None:
        from foliot.triggers.forms import TRIGGERS

        found = made(spec, TRIGGERS)
    if found is None:
        raise TriggerError(f"{_shown(spec)} is not a trigger that this version knows")
    return found


def load_calendar(spec: Mapping[str, object]) -> Calendar:
    """The calendar that this JSON object describes. Raises TriggerError for what this version cannot read."""
    from foliot.triggers.forms import CALENDARS

    found = made(spec, CALENDARS)
    if found is None:
        raise TriggerError(f"{_shown(spec)} is not a calendar that this version knows")
    return found


def made(spec: Mapping[str, object], forms: Mapping[str, type[Any]]) -> Any:
    """What this JSON object describes, by the first of these keys that it has; None if it has none of them."""
    for key, form in forms.items():
        if key in spec:
            try:
                return msgspec.convert(spec, form).made()
            except (msgspec.ValidationError, DefinitionError) as error:
                raise _refusal(spec, error) from None
    return None


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


def _refusal(spec: Mapping[str, object], error: Exception) -> TriggerError:
    if isinstance(error, TriggerError):
        return error
    return TriggerError(f"{_shown(spec)} is not what this version can read: {error}")


def _shown(spec: Mapping[str, object]) -> str:
    return str(dict(spec))


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
