"""How instants, days and times of day are written in a trigger's JSON and in calls."""

from __future__ import annotations

import re
from datetime import UTC, date, time, tzinfo
from typing import overload

from foliot.errors import DefinitionError, TriggerError
from foliot.moments import DAY, instant, moment, spell


@overload
def written(at: int, zone: tzinfo = UTC) -> str: ...
@overload
def written(at: None, zone: tzinfo = UTC) -> None: ...
@overload
def written(at: int | None, zone: tzinfo = UTC) -> str | None: ...
def written(at: int | None, zone: tzinfo = UTC) -> str | None:
    """An instant as ISO 8601 text with its offset; None stays None."""
    return None if at is None else moment(at, zone).isoformat().replace("+00:00", "Z")


@overload
def instant_of(text: str) -> int: ...
@overload
def instant_of(text: None) -> None: ...
@overload
def instant_of(text: str | None) -> int | None: ...
def instant_of(text: str | None) -> int | None:
    """The instant that ``written`` wrote."""
    try:
        return None if text is None else instant(text)
    except DefinitionError as error:
        raise TriggerError(str(error)) from None


_USUAL = {"gap": "after", "fold": "first", "days": "or"}


def spec_of(kind: dict[str, object], **options: object) -> dict[str, object]:
    """A trigger's JSON: what makes its kind, and of its options those that are said and not as usual."""
    return kind | {name: value for name, value in options.items() if value is not None and value != _USUAL.get(name)}


LONGEST = 36_525 * DAY
"""The longest length of time in a trigger: a hundred years. What lies further ahead no calendar can show."""


def not_too_long(length: int) -> None:
    """Refuse a length of time beyond the longest."""
    if length > LONGEST:
        raise TriggerError(f"{spell(length)} is too long to wait; the longest is {spell(LONGEST)}, a hundred years")


TimeOfDay = time | str

_EPOCH = date(1970, 1, 1).toordinal()
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?", re.ASCII)


def seconds_of(clock: TimeOfDay) -> int:
    """The second of the day of ``"09:00"``, ``"9:00:30"`` or a ``time``; ``"24:00"`` is the day's end."""
    text = clock.isoformat("seconds") if isinstance(clock, time) else clock.strip()
    found = _CLOCK.fullmatch(text)
    hour, minute, second = (int(part or 0) for part in found.groups()) if found else (99, 0, 0)
    if minute > 59 or second > 59 or (hour, minute, second) > (24, 0, 0):
        raise TriggerError(f"{text!r} is not a time of day; write it like '09:00' or '23:59:30'")
    return hour * 3600 + minute * 60 + second


def clock_text(second: int) -> str:
    """A second of the day as ``"09:00"``, with seconds only where there are some."""
    text = f"{second // 3600:02}:{second // 60 % 60:02}"
    return f"{text}:{second % 60:02}" if second % 60 else text


def day_of(day: date | str) -> int:
    """The number of a day, 0 being 1970-01-01: a ``date``, or text like ``"2026-12-24"``."""
    try:
        found = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        raise TriggerError(f"{day!r} is not a day; write it like '2026-12-24'") from None
    return found.toordinal() - _EPOCH


def date_of(day: int) -> date:
    """The date of the day of this number."""
    return date.fromordinal(day + _EPOCH)
