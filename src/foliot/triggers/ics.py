"""Calendar files (iCalendar, RFC 5545): the days and times of their events as one calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from foliot.errors import DefinitionError, TriggerError
from foliot.moments import DAY, HOUR, MINUTE, SECOND, instant, spell
from foliot.triggers.calendars import AnyOf, Calendar, Dates, EachDay, Window, during
from foliot.triggers.recurrence import rrule
from foliot.triggers.writing import day_of
from foliot.triggers.zones import zone_name, zone_of

_FOLDED = re.compile(r"\r?\n[ \t]")
_COLON = re.compile(r':(?=(?:[^"]*"[^"]*")*[^"]*$)')  # outside of quotes
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNITS = (7 * DAY, DAY, HOUR, MINUTE, SECOND)


class _Line(NamedTuple):
    """One line of an event: its name, its value, the zone it names, and the whole of it."""

    name: str
    value: str
    zone: str | None
    whole: str


def calendar_file(path: str | Path, *, tz: tzinfo | str | None = None) -> Calendar:
    """The times of all events in an ICS file, as they are in the file now; see ``calendar_text``."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TriggerError(f"the calendar file {str(path)!r} cannot be read: {error}") from None
    return calendar_text(text, tz=tz, source=str(path))


def calendar_text(text: str, *, tz: tzinfo | str | None = None, source: str = "the text") -> Calendar:
    """The times of all events in the text of an ICS file, as one calendar.

    Events of whole days are days wherever the trigger is, or in ``tz`` where given; times without a zone are
    in ``tz``, or else the file's own zone (X-WR-TIMEZONE), or else UTC; so are those in a zone that has no
    name elsewhere. Recurring events need the extra ``rrule``; cancelled ones and cancelled or moved instances
    are left out. The calendar is named after the file's own name (X-WR-CALNAME), if
    it has one.
    """
    lines = [_line(each) for each in _FOLDED.sub("", text).splitlines() if _COLON.search(each)]
    header = {line.name: line.value for line in lines if line.name.startswith("X-WR-")}
    zone = zone_name(tz)
    elsewhere = zone or zone_name(header.get("X-WR-TIMEZONE"))
    events = list(_events(lines))
    moved = _moved_instances(events)
    calendars = [
        found
        for event in events
        if not _is_cancelled(event)
        if (found := _covered(event, zone, elsewhere, moved.get(_uid(event), ())))
    ]
    if not calendars:
        raise TriggerError(f"{source} has no events; an ICS file has lines with BEGIN:VEVENT and DTSTART")
    whole = _together(calendars)
    return whole.named(header["X-WR-CALNAME"]) if "X-WR-CALNAME" in header else whole


def _together(calendars: list[Calendar]) -> Calendar:
    """One calendar of all, with all plain days of one zone in one value."""
    days: dict[str | None, set[tuple[int, int]]] = {}
    others: list[Calendar] = []
    for each in calendars:
        if isinstance(each, Dates):
            days.setdefault(each.tz, set()).update(each.ranges)
        else:
            others.append(each)
    parts = (*(Dates(tuple(sorted(ranges)), tz) for tz, ranges in days.items()), *others)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _events(lines: list[_Line]) -> Iterator[list[_Line]]:
    """The lines of each event that has a start, without those of its alarms."""
    event: list[_Line] | None = None
    inner = 0
    for line in lines:
        match line.name, line.value.upper():
            case "BEGIN", "VEVENT":
                event, inner = [], 0
            case "END", "VEVENT":
                if event and _first(event, "DTSTART"):
                    yield event
                event = None
            case "BEGIN" | "END", _:
                inner += 1 if line.name == "BEGIN" else -1
            case _ if event is not None and not inner:
                event.append(line)
            case _:
                pass


def _moved_instances(events: list[list[_Line]]) -> dict[str, list[_Line]]:
    """The original times of single instances that have an event of their own, moved or cancelled, by UID."""
    found: dict[str, list[_Line]] = {}
    for event in events:
        if original := _first(event, "RECURRENCE-ID"):
            found.setdefault(_uid(event), []).append(original)
    return found


def _uid(event: list[_Line]) -> str:
    uid = _first(event, "UID")
    return uid.value if uid else ""


def _covered(event: list[_Line], zone: str | None, elsewhere: str | None, moved: Sequence[_Line]) -> Calendar | None:
    """The time that one event covers, but for instances that have an event of their own; None without a length."""
    start, rule = _first(event, "DTSTART"), _first(event, "RRULE")
    assert start is not None  # noqa: S101 - _events leaves out those without
    if len(start.value) == 8:
        days = _length(event, "UTC", DAY) // DAY
        if rule is None:
            first = day_of(f"{start.value[:4]}-{start.value[4:6]}-{start.value[6:]}")
            return Dates(((first, first + days - 1),), zone)
        return EachDay(during(rrule(_rule_lines(event, moved), tz="UTC"), spell(days * DAY)), zone)
    here = _zone_of_line(start, elsewhere)
    length = _length(event, here, 0)
    if length <= 0:
        return None
    if rule is not None:
        return during(rrule(_rule_lines(event, moved), tz=here), spell(length))
    begin = _instant(start, here)
    return Window(begin, begin + length)


def _rule_lines(event: list[_Line], moved: Sequence[_Line]) -> str:
    wanted = ("DTSTART", "RRULE", "RDATE", "EXDATE")
    lines = [f"{line.name}:{line.value}" for line in event if line.name in wanted]
    return "\n".join([*lines, *(f"EXDATE:{line.value}" for line in moved)])


def _length(event: list[_Line], zone: str | None, default: int) -> int:
    """How long an event lasts: until its DTEND, or as long as its DURATION."""
    start, end, duration = (_first(event, name) for name in ("DTSTART", "DTEND", "DURATION"))
    if end is not None and start is not None:
        return _instant(end, _zone_of_line(end, zone)) - _instant(start, zone)
    if duration is not None and (found := _DURATION.fullmatch(duration.value)):
        return sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS, strict=True))
    return default


def _instant(line: _Line, zone: str | None) -> int:
    try:
        return instant(line.value, zone_of(zone))
    except DefinitionError as error:
        raise TriggerError(f"{line.whole!r}: {error}") from None


def _zone_of_line(line: _Line, otherwise: str | None) -> str | None:
    try:
        return zone_name(line.zone) or ("UTC" if line.value.endswith("Z") else otherwise)
    except TriggerError as error:
        if otherwise is not None:
            return otherwise  # programs have names of their own for zones
        raise TriggerError(
            f"{line.whole!r}: {error}; or give tz= for the zones this file has names of its own for"
        ) from None


def _first(event: list[_Line], name: str) -> _Line | None:
    return next((line for line in event if line.name == name), None)


def _is_cancelled(event: list[_Line]) -> bool:
    status = _first(event, "STATUS")
    return status is not None and status.value.upper() == "CANCELLED"


def _line(text: str) -> _Line:
    head, value = _COLON.split(text, maxsplit=1)
    name, *parameters = head.split(";")
    zone = next((each[5:].strip('"') for each in parameters if each.upper().startswith("TZID=")), None)
    return _Line(name.strip().upper(), value.strip(), zone, text.strip())
