"""``every()`` and its relatives: words for what recurs, by elapsed time and by the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, tzinfo
from typing import Literal

from foliot.errors import TriggerError
from foliot.moments import SECOND, Length, Moment, instant, length
from foliot.triggers.base import Trigger
from foliot.triggers.cron import cron
from foliot.triggers.intervals import Every, Pause, Randomly
from foliot.triggers.writing import TimeOfDay, seconds_of
from foliot.triggers.zones import DAY, Fold, Gap, clock_of, zone_name, zone_of


def every(  # noqa: PLR0913 - each argument is a length of the calendar or an option by its name
    interval: Length | None = None,
    *,
    anchor: Moment | date | None = None,
    after: Literal["start", "finish"] = "start",
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    at: TimeOfDay | Iterable[TimeOfDay] | None = None,
    tz: tzinfo | str | None = None,
    gap: Gap = "after",
    fold: Fold = "first",
) -> Trigger:
    """Every so much elapsed time, ``every("30s")``, or so many months or days, ``every(months=1)``.

    Elapsed time keeps a fixed rate: firings stay whole intervals away from ``anchor``, which is the creation
    of the schedule where it is not given. With ``after="finish"`` the next firing comes one interval after
    the last run has ended instead. Intervals of the calendar (``years``, ``months``, ``weeks``, ``days``)
    fire ``at`` one or more times of the day in ``tz`` (default UTC) and are counted from the anchor's day;
    months keep its day of the month where they have it and use their last day where not. ``gap`` and ``fold``
    are those of ``cron``.
    """
    _check_counts(years=years, months=months, weeks=weeks, days=days)
    zone = zone_name(tz)
    start = None if anchor is None else instant(_moment(anchor), zone_of(zone))
    if interval is None:
        local = None if start is None else clock_of(zone).local(start // SECOND)
        from foliot.triggers.recurring import Recurring

        return Recurring(
            months=years * 12 + months,
            days=weeks * 7 + days,
            times=_times(at, 0 if local is None else local % DAY),
            anchor=None if local is None else local // DAY,
            tz=zone,
            gap=gap,
            fold=fold,
        )
    if years or months or weeks or days or at is not None:
        raise TriggerError("every() takes a length of elapsed time, or months and days of the calendar, not both")
    if after not in ("start", "finish"):
        raise TriggerError(f"after={after!r} is not a choice; there are 'start' and 'finish'")
    if after == "finish":
        if start is not None:
            raise TriggerError("a pause after each finish has no anchor; leave one of the two out")
        return Pause(length(interval))
    return Every(length(interval), start)


def _check_counts(**counts: object) -> None:
    for unit, count in counts.items():
        if type(count) is not int:
            raise TriggerError(f"{unit}={count!r} is not a whole number; for elapsed time write every('36h')")


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
    from foliot.triggers.algebra import any_of

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
    from foliot.triggers.algebra import any_of

    return any_of(*lines)
