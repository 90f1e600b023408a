"""Which days a cron line means, by calendar alone: a day is a number, 0 being 1970-01-01."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate

from foliot.triggers.fields import DAY, MONTH, WEEKDAY, Field

_EPOCH = date(1970, 1, 1).toordinal()
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The lengths of the months of a leap year."""

_LAST_YEAR = 9998
_LAST_DAY = date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH
_YEARS = 27  # after those of the first, weekdays and leap years come round
_FEW = 8  # days that a stretch should have to be worth remembering
_IN_EVERY_MONTH = (1 << 29) - 2  # the days 1 to 28


class Dates:
    """The days on which a cron line may fire. Years that begin alike share one table, made when needed."""

    __slots__ = (
        "_days",
        "_either",
        "_ever",
        "_far",
        "_months",
        "_near",
        "_shapes",
        "_weekdays",
        "_weeks",
        "_years",
        "every_day",
    )

    def __init__(
        self, days: Field, months: int, weekdays: Field, years: int | None, weeks: int | None, both: bool
    ) -> None:
        self._days, self._weekdays, self._months, self._years, self._weeks = (
            days,
            weekdays,
            months,
            years,
            weeks,
        )
        self._either = joins_days(days, weekdays, both)
        self._shapes: dict[tuple[int, bool, bool], Sequence[int]] = {}
        self.every_day = self._is_every_day()
        self._ever: bool | None = None
        self._far: tuple[int, int] = (1, 0)  # a day, and the first that matches from there on, some years later
        self._near: tuple[int, int, Sequence[int]] = (0, 0, ())

    def from_day(self, day: int) -> int | None:
        """The first day that matches, not before ``day``; None when there is none up to the year 9998."""
        if self.every_day:
            return day
        low, high, found = self._near
        if not low <= day < high:
            if self._far[0] <= day <= self._far[1]:
                return self._far[1]
            if day > _LAST_DAY:
                return None
            low, high, found = self._look_at(date.fromordinal(max(day + _EPOCH, 1)).year)
        at = bisect_left(found, day - low)
        return low + found[at] if at < len(found) else self._in_later_year(day, high)

    def _in_later_year(self, day: int, end: int) -> int | None:
        """The first day that matches in the years from ``end`` on; the answer is good for all days from ``day`` on."""
        found: Sequence[int] = ()
        low = end
        while not found:
            if (year := self._year_from(end)) is None:
                return None
            low, end, found = self._look_at(year)
        self._far = (day, low + found[0])
        return low + found[0]

    def ever(self) -> bool:
        """Whether any day matches at all."""
        if self._ever is None:
            self._ever = self._is_common() or self._is_within_a_cycle()
        return self._ever

    def _is_common(self) -> bool:
        """Whether a day that each year has matches, as far as that is plain to see."""
        common_day = self._days.numbers & _IN_EVERY_MONTH and self._weekdays.star
        return bool(common_day or self._either) and self._years is None and self._weeks is None

    def _is_within_a_cycle(self) -> bool:
        """Whether a day matches in the years given, or in 400 years, after which the calendar repeats."""
        if self._years is not None:
            return self.from_day(date(1, 1, 1).toordinal() - _EPOCH) is not None
        return any(self._look_at(year)[2] for year in range(1970, 2370, _YEARS + 1))

    def _is_every_day(self) -> bool:
        open_days = self._days.star and self._days.numbers == DAY.everything
        open_weekdays = self._weekdays.star and self._weekdays.numbers == WEEKDAY.everything
        return (
            open_days
            and open_weekdays
            and self._months == MONTH.everything
            and self._years is None
            and self._weeks is None
        )

    def _year_from(self, day: int) -> int | None:
        year = date.fromordinal(day + _EPOCH).year
        if year > _LAST_YEAR:
            return None
        if self._years is None:
            return year
        later = self._years >> year
        return year + (later & -later).bit_length() - 1 if later else None

    def _look_at(self, year: int) -> tuple[int, int, Sequence[int]]:
        """A stretch of days from the first of this year on, and those of it that match, counted from its first.

        It is one year, or, where few of its days match, as many as it takes.
        """
        low = date(year, 1, 1).toordinal() - _EPOCH
        end = low + 365 + _is_leap(year)
        found = self._in_year(year, (low + 4) % 7, _is_leap(year))
        last = min(year + _YEARS, _LAST_YEAR)
        while len(found) < _FEW and year < last:
            year += 1
            found = [*found, *(end - low + day for day in self._in_year(year, (end + 4) % 7, _is_leap(year)))]
            end += 365 + _is_leap(year)
        self._near = near = (low, end, found)
        return near

    def _in_year(self, year: int, first_weekday: int, leap: bool) -> Sequence[int]:
        if self._years is not None and not self._years >> year & 1:
            return ()
        shape = (first_weekday, leap, self._weeks is not None and _is_leap(year - 1))
        found = self._shapes.get(shape)
        if found is None:
            self._shapes[shape] = found = self._in_year_of(*shape)
        return found

    def _in_year_of(self, first_weekday: int, leap: bool, after_leap: bool) -> Sequence[int]:
        """The matching days of a year that begins on this weekday (0 is Sunday), counted from its first."""
        lengths = LENGTHS if leap else (31, 28, *LENGTHS[2:])
        starts = list(accumulate(lengths, initial=0))
        found = [
            starts[month] + day - 1
            for month, length in enumerate(lengths)
            if self._months >> month + 1 & 1
            for day in self._in_month((first_weekday + starts[month]) % 7, length)
        ]
        if self._weeks is not None:
            week = _weeks_of(first_weekday, leap, after_leap)
            found = [day for day in found if self._weeks >> week(day) & 1]
        return found

    def _in_month(self, first_weekday: int, length: int) -> list[int]:
        """The matching days of a month that begins on this weekday and has this many days."""
        by_day = self._days.numbers | _counted(self._days, first_weekday, length)
        by_weekday = _weekday_bits(self._weekdays.numbers, first_weekday) | _counted(
            self._weekdays, first_weekday, length
        )
        chosen = by_day | by_weekday if self._either else by_day & by_weekday
        return [day for day in range(1, length + 1) if chosen >> day & 1]


def joins_days(days: Field, weekdays: Field, both: bool) -> bool:
    """Whether one of the two day fields is enough, as cron has it where both are restricted without a star."""
    return not (both or days.star or weekdays.star)


@lru_cache(maxsize=4096)
def dates(days: Field, months: int, weekdays: Field, years: int | None, weeks: int | None, both: bool) -> Dates:
    """The days that these fields mean; equal fields share one value."""
    return Dates(days, months, weekdays, years, weeks, both)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@lru_cache(maxsize=1024)
def _weekday_bits(weekdays: int, first_weekday: int) -> int:
    return sum(1 << day for day in range(1, 32) if weekdays >> (first_weekday + day - 1) % 7 & 1)


def _counted(field: Field, first_weekday: int, length: int) -> int:
    """The days of one month that a field's rules count out, as bits."""
    found = 0
    for what, a, b in field.rules:
        match what:
            case "last":
                found |= 1 << max(length - a, 0)
            case "near":
                found |= 1 << _nearest_workday(a if a > 0 else length + a, first_weekday, length)
            case "workday":
                found |= _weekday_bits(0b0111110, first_weekday)
            case _:
                found |= 1 << _nth_weekday(a, b, first_weekday, length)
    return found & ~1


def _nearest_workday(day: int, first_weekday: int, length: int) -> int:
    """The Monday to Friday nearest to a day of the month, in that month; 0 where the month lacks the day."""
    if not 1 <= day <= length:
        return 0
    match (first_weekday + day - 1) % 7:
        case 6:
            return day - 1 if day > 1 else day + 2
        case 0:
            return day + 1 if day < length else day - 2
        case _:
            return day


def _nth_weekday(weekday: int, nth: int, first_weekday: int, length: int) -> int:
    """The day of the month of its ``nth`` such weekday, of its last one for 0; 0 where there is none."""
    first = 1 + (weekday - first_weekday) % 7
    day = first + 7 * (nth - 1) if nth else first + (length - first) // 7 * 7
    return day if day <= length else 0


def _weeks_of(first_weekday: int, leap: bool, after_leap: bool) -> Callable[[int], int]:
    """The ISO 8601 week of each day of a year, by its distance from the first of January."""
    monday_based = (first_weekday + 6) % 7
    own_last = 53 if monday_based == 3 or (leap and monday_based == 2) else 52
    last_before = 53 if monday_based == 4 or (after_leap and monday_based == 5) else 52

    def week(day: int) -> int:
        number = (day + 10 - (monday_based + day) % 7) // 7
        return last_before if number == 0 else 1 if number > own_last else number

    return week
