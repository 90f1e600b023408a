"""``every()`` and its relatives: words for what recurs, by elapsed time and by the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, tzinfo
from typing import Literal, TypedDict, Unpack

from foliot.errors import TriggerError
from foliot.moments import SECOND, Length, Moment, instant, length
from foliot.triggers.algebra import any_of
from foliot.triggers.base import Trigger
from foliot.triggers.cron import cron
from foliot.triggers.intervals import Every, Pause, Randomly
from foliot.triggers.recurring import Recurring
from foliot.triggers.writing import TimeOfDay, seconds_of
from foliot.triggers.zones import DAY, Fold, Gap, clock_of, zone_name, zone_of


class CalendarWords(TypedDict, total=False):
    """What ``every`` takes for an interval of the calendar."""

    years: int
    months: int
    weeks: int
    days: int
    at: TimeOfDay | Iterable[TimeOfDay]
    gap: Gap
    fold: Fold


def every(
    interval: Length | None = None,
    *,
    anchor: Moment | date | None = None,
    after: Literal["start", "finish"] = "start",
    tz: tzinfo | str | None = None,
    **calendar: Unpack[CalendarWords],
) -> Trigger:
    """Every so much elapsed time, ``every("30s")``, or every so many days or months, ``every(months=1,
    at="09:00")``.

    Elapsed time keeps a fixed rate: firings stay whole intervals away from ``anchor``, which is the creation
    of the schedule where it is not given. With ``after="finish"`` the next firing comes one interval after
    the last run has ended instead. Intervals of the calendar (``years``, ``months``, ``weeks``, ``days``)
    fire ``at`` one or more times of the day in ``tz`` (default UTC) and are counted from the anchor's day;
    months keep its day of the month where they have it and use their last day where not. ``gap`` and ``fold``
    are those of ``cron``.
    """
    zone = zone_name(tz)
    if interval is None:
        return _by_calendar(zone, anchor, calendar)
    if calendar:
        raise TriggerError(f"every() takes a length or {' and '.join(calendar)}, not both")
    if after == "finish":
        if anchor is not None:
            raise TriggerError("a pause after each finish has no anchor; leave one of the two out")
        return Pause(length(interval))
    return Every(length(interval), None if anchor is None else instant(_moment(anchor), zone_of(zone)))


def _by_calendar(zone: str | None, anchor: Moment | date | None, words: CalendarWords) -> Recurring:
    months = words.get("years", 0) * 12 + words.get("months", 0)
    days = words.get("weeks", 0) * 7 + words.get("days", 0)
    local = None if anchor is None else clock_of(zone).local(instant(_moment(anchor), zone_of(zone)) // SECOND)
    return Recurring(
        months=months,
        days=days,
        times=_times(words.get("at"), 0 if local is None else local % DAY),
        anchor=None if local is None else local // DAY,
        tz=zone,
        gap=words.get("gap", "after"),
        fold=words.get("fold", "first"),
    )


def _moment(anchor: Moment | date) -> Moment:
    if isinstance(anchor, date) and not isinstance(anchor, datetime):
        return anchor.isoformat()
    return anchor


def _times(at: TimeOfDay | Iterable[TimeOfDay] | None, default: int) -> tuple[int, ...]:
    if at is None:
        return (default,)
    found = {seconds_of(each) for each in ([at] if isinstance(at, str | time) else at)}
    if not found or max(found) >= DAY:
        raise TriggerError("at needs times of the day before 24:00, such as at='09:00' or at=['09:00', '17:30']")
    return tuple(sorted(found))


def randomly(shortest: Length, longest: Length, *, anchor: Moment | None = None) -> Randomly:
    """After random waits of ``shortest`` to ``longest``, different for each schedule."""
    return Randomly(length(shortest), length(longest), None if anchor is None else instant(anchor, zone_of(None)))


def hourly(*minutes: int, tz: tzinfo | str | None = None) -> Trigger:
    """Each hour, at these minutes (default 0)."""
    return cron(minute=",".join(map(str, minutes or (0,))), tz=tz)


def daily(*at: TimeOfDay, tz: tzinfo | str | None = None) -> Trigger:
    """Each day at these times (default midnight): ``daily("09:00", "17:30", tz="Europe/Paris")``."""
    return _on(at, tz)


def weekly(*weekdays: str, at: TimeOfDay | Iterable[TimeOfDay] = "00:00", tz: tzinfo | str | None = None) -> Trigger:
    """Each week on these weekdays (default Monday): ``weekly("mon", "thu", at="09:00")``."""
    return _on(at, tz, weekday=",".join(weekdays or ("mon",)))


def monthly(*days: int | str, at: TimeOfDay | Iterable[TimeOfDay] = "00:00", tz: tzinfo | str | None = None) -> Trigger:
    """Each month on these days (default the first): ``monthly(1, 15)``, ``monthly("last", "2nd tue")``."""
    return any_of(*(_on(at, tz, day=day) for day in days or (1,)))


def _on(
    at: TimeOfDay | Iterable[TimeOfDay],
    tz: tzinfo | str | None,
    day: int | str = "*",
    weekday: str = "*",
) -> Trigger:
    """These times on these days: one cron line for all times that share their minute and second."""
    hours: dict[tuple[int, int], list[int]] = {}
    for each in _times(at or "00:00", 0):
        hours.setdefault((each // 60 % 60, each % 60), []).append(each // 3600)
    lines = [
        cron(day=day, day_of_week=weekday, hour=",".join(map(str, hour)), minute=minute, second=second, tz=tz)
        for (minute, second), hour in hours.items()
    ]
    return any_of(*lines)
