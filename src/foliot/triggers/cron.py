"""Cron: times given by fields of the wall clock, with five, six or seven of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from functools import lru_cache
from typing import Literal

from foliot.errors import TriggerError
from foliot.triggers import fields
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.days import LENGTHS, Dates, dates, joins_days
from foliot.triggers.fields import Field
from foliot.triggers.line import KEYWORDS, Pattern, canonical, line_of, read, without_zone
from foliot.triggers.wall import Wall
from foliot.triggers.writing import spec_of
from foliot.triggers.zones import Clock, Fold, Gap, Stretch, clock_of, first_after, zone_name

Days = Literal["or", "and"]

_END = 253_370_764_800  # the year 9999 begins: nothing is searched for beyond
_DAY = 86_400
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Cron(Wall):
    """The times whose fields on the wall clock match ``expression``; make it with ``cron()``.

    ``seed`` is what ``H`` is chosen by, normally a schedule's id.
    """

    expression: str
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"
    days: Days = "or"
    week: str | None = None
    seed: str | None = None
    pattern: Pattern = field(init=False, repr=False, compare=False)
    _dates: Dates = field(init=False, repr=False, compare=False)
    _minutes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _seconds: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _clock: Clock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.check_choices()
        if self.days not in ("or", "and"):
            raise TriggerError(f"days={self.days!r} is not a choice; there are 'or' and 'and'")
        pattern = read(self.expression, self.week, self.seed or "")
        put = object.__setattr__
        put(self, "pattern", pattern)
        put(self, "_dates", _dates_of(pattern, self.days == "and"))
        put(self, "_minutes", _minutes_of(pattern.hour.numbers, pattern.minute.numbers))
        put(self, "_seconds", _members(pattern.second.numbers))
        put(self, "_clock", clock_of(self.tz))
        if not self._dates.ever():
            raise _never_fires(self.expression, pattern)

    def next_at(self, after: int) -> int | None:
        second = after // _MICROS
        stretch = self._clock.last
        if not stretch.start <= second < stretch.end:
            stretch = self._clock.at(second)
        local = second + stretch.offset
        found = self.later(local)
        if found is not None and stretch.plain_from <= found < stretch.plain_to:
            return (found - stretch.offset) * _MICROS
        return self._beyond_a_change(second, local, found, stretch)

    def _beyond_a_change(self, second: int, local: int, found: int | None, here: Stretch) -> int | None:
        """The instant of what was found beyond a change of the clocks, or among the times that one repeats."""
        if found is not None and here.plain_from <= local < here.plain_to:
            there = self._clock.at(found - here.offset)
            if there.plain_from <= found < there.plain_to:
                return (found - there.offset) * _MICROS
        found = first_after(second, self.later, self._clock, gap=self.fills_gaps, fold=self.folds)
        return None if found is None else found * _MICROS

    def later(self, local: int) -> int | None:
        """The first matching time on the wall clock strictly later than ``local``."""
        today, rest = divmod(local, _DAY)
        day = self._dates.from_day(today)
        minutes, seconds = self._minutes, self._seconds
        if day == today:
            minute, second = divmod(rest, 60)
            at = bisect_left(minutes, minute)
            if at < len(minutes) and minutes[at] == minute:
                if second < seconds[-1]:
                    return local - second + seconds[bisect_right(seconds, second)]
                at += 1
            if at < len(minutes):
                return today * _DAY + minutes[at] * 60 + seconds[0]
            day = self._dates.from_day(today + 1)
        if day is None or local >= _END:
            return None
        return day * _DAY + minutes[0] * 60 + seconds[0]

    @property
    def fills_gaps(self) -> bool:
        """Whether a time that the clocks jump over counts right after it: fixed hours, unless skipped."""
        return self.gap == "after" and not self.pattern.hour.wild

    @property
    def folds(self) -> Fold:
        """When a repeated time counts: as told for fixed times, both times for wildcard hours or minutes."""
        return "both" if self.pattern.hour.wild or self.pattern.minute.wild else self.fold

    def bound(self, schedule: str) -> Trigger:
        return replace(self, seed=schedule) if self.seed is None and "H" in self.expression else self

    def spec(self) -> Spec:
        return spec_of(
            {"cron": self.expression},
            tz=self.tz,
            gap=self.gap,
            fold=self.fold,
            days=self.days,
            week=self.week,
            seed=self.seed,
        )


def cron(  # noqa: PLR0913 - each argument is a field of the line or an option by its name
    expression: str | None = None,
    *,
    tz: tzinfo | str | None = None,
    gap: Gap = "after",
    fold: Fold = "first",
    days: Days | None = None,
    year: int | str | None = None,
    month: int | str | None = None,
    day: int | str | None = None,
    week: int | str | None = None,
    day_of_week: int | str | None = None,
    hour: int | str | None = None,
    minute: int | str | None = None,
    second: int | str | None = None,
) -> Cron:
    """The times of a cron line: ``cron("0 9 * * mon-fri", tz="Asia/Seoul")``, ``cron(hour=9, day="last")``.

    Five fields are minute hour day month weekday; six begin with the second; seven end with the year.
    ``@daily`` and its family and a ``TZ=`` prefix are read too. Fields given by keyword narrow each other,
    smaller ones left out begin at their lowest and larger ones are open; a line and ``week`` (of ISO 8601) go
    together. ``days`` says how day and weekday are joined when both are restricted: ``"or"``, as cron does,
    or ``"and"``, the default for keywords. Without ``tz`` it is UTC. ``gap`` and ``fold`` are for fixed times
    in hours that clock changes leave out or repeat; wildcard times follow elapsed time. Raises TriggerError,
    with the place of the mistake, for what cannot be read or never comes.
    """
    fields = (year, month, day, week, day_of_week, hour, minute, second)
    given = {name: str(value).strip() for name, value in zip(KEYWORDS, fields, strict=True) if value is not None}
    if expression is None:
        if not given:
            raise TriggerError("cron() needs a line such as '0 9 * * mon-fri', or fields such as hour=9")
        expression, days = line_of(given), days or "and"
    elif not isinstance(expression, str):  # pyright: ignore[reportUnnecessaryIsInstance] - for those without a checker
        raise TriggerError(f"{expression!r} is not a cron line; write it as text, like '0 9 * * mon-fri'")
    elif given.keys() - {"week"}:
        raise TriggerError(f"cron() takes a line or fields by keyword, not both: {expression!r} and {', '.join(given)}")
    expression, zone = without_zone(expression, zone_name(tz))
    found = Cron(canonical(expression), zone, gap, fold, days or "or", given.get("week"))
    asked = joins_days(found.pattern.day, found.pattern.weekday, both=False)
    return found if asked or found.days == "or" else replace(found, days="or")  # where nothing is joined, not said


def _dates_of(pattern: Pattern, both: bool) -> Dates:
    years = None if pattern.year is None else pattern.year.numbers
    weeks = None if pattern.week is None else pattern.week.numbers
    return dates(pattern.day, pattern.month.numbers, pattern.weekday, years, weeks, both)


def _never_fires(line: str, pattern: Pattern) -> TriggerError:
    day = len(line.split(" ")) - (4 if pattern.year is not None else 3)
    at = len(" ".join(line.split(" ")[:day])) + 1
    return TriggerError(f"this never fires: no year has such a day{_why_never(pattern)}", text=line, at=at)


def _why_never(pattern: Pattern) -> str:
    day, months = needed_day(pattern.day), _members(pattern.month.numbers)
    if day > min(31, max(LENGTHS[month - 1] for month in months)):
        names = [fields.MONTH.names[month - 1].capitalize() for month in months]
        return f" ({', '.join(names)} {'has' if len(names) == 1 else 'have'} no day {day})"
    if day == 29 and months == (2,) and pattern.year is not None:
        return " (Feb has no day 29 in these years)"
    if pattern.week is not None:
        return " (the week and the other fields never meet)"
    return " (the day and the weekday never meet)"


def needed_day(field: Field) -> int:
    """The smallest day that a month has to have for a day field to mean one of its days."""
    counted = [a if what == "near" and a > 0 else 1 + abs(a) for what, a, _ in field.rules if what in ("last", "near")]
    return min([*_members(field.numbers), *counted], default=1)


@lru_cache(maxsize=4096)
def _members(numbers: int) -> tuple[int, ...]:
    """The numbers in a set of bits, in order."""
    return tuple(number for number in range(numbers.bit_length()) if numbers >> number & 1)


@lru_cache(maxsize=1024)
def _minutes_of(hours: int, minutes: int) -> tuple[int, ...]:
    """The minutes of the day at which these hours and minutes of the hour come together."""
    return tuple(hour * 60 + minute for hour in _members(hours) for minute in _members(minutes))
