"""Cron: times given by fields of the wall clock, with five, six or seven of them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, NamedTuple, NoReturn, get_args

from foliot.errors import TriggerError
from foliot.triggers import fields
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.dates import Dates, dates
from foliot.triggers.fields import Field, Kind, Mistake
from foliot.triggers.zones import Clock, Fold, Gap, clock_of, first_after, zone_name

Days = Literal["or", "and"]

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIVE = (fields.MINUTE, fields.HOUR, fields.DAY, fields.MONTH, fields.WEEKDAY)
_KINDS = {5: _FIVE, 6: (fields.SECOND, *_FIVE), 7: (fields.SECOND, *_FIVE, fields.YEAR)}
_WORD = re.compile(r"[A-Za-z]+")
_ZONE_PREFIX = re.compile(r"\s*(?:CRON_)?TZ\s*=\s*(\S+)\s+", re.IGNORECASE)
_FIELD = re.compile(r"\S+")
_END = 253_370_764_800  # the year 9999 begins: nothing is searched for beyond
_DAY = 86_400
_MICROS = 1_000_000


class Pattern(NamedTuple):
    """A cron line that has been read: one Field for each of its parts."""

    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    year: Field | None
    week: Field | None


@dataclass(frozen=True, slots=True)
class Cron(Trigger):
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
        pattern = _read(self.expression, self.week, self.seed or "")
        put = object.__setattr__
        put(self, "pattern", pattern)
        put(self, "_dates", _dates_of(pattern, self.days == "and"))
        put(self, "_minutes", _minutes_of(pattern.hour.numbers, pattern.minute.numbers))
        put(self, "_seconds", _members(pattern.second.numbers))
        put(self, "_clock", clock_of(self.tz))
        if not self._dates.ever():
            raise TriggerError(
                f"{self.expression!r} never fires: no year has such a day{_why_never(pattern)}"
            )

    def next_at(self, after: int) -> int | None:
        second = after // _MICROS
        stretch = self._clock.last
        if not stretch.start <= second < stretch.end:
            stretch = self._clock.at(second)
        found = self._later(second + stretch.offset)
        if found is not None and stretch.plain_from <= found < stretch.plain_to:
            return (found - stretch.offset) * _MICROS
        found = first_after(second, self._later, self._clock, gap=self.fills_gaps, fold=self.folds)
        return None if found is None else found * _MICROS

    def _later(self, local: int) -> int | None:
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

    @property
    def zone_name(self) -> str | None:
        return self.tz

    def bound(self, schedule: str) -> Trigger:
        return replace(self, seed=schedule) if self.seed is None and "H" in self.expression else self

    def spec(self) -> Spec:
        spec: Spec = {"cron": self.expression}
        if self.tz is not None:
            spec["tz"] = self.tz
        if self.gap != "after":
            spec["gap"] = self.gap
        if self.fold != "first":
            spec["fold"] = self.fold
        if self.days != "or":
            spec["days"] = self.days
        if self.week is not None:
            spec["week"] = self.week
        if self.seed is not None:
            spec["seed"] = self.seed
        return spec


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
    """The times that a cron line means: ``cron("0 9 * * mon-fri", tz="Asia/Seoul")`` or ``cron(hour=9,
    day="last")``.

    Five fields are minute hour day month weekday; six begin with the second; seven end with the year.
    ``@daily`` and its family and a ``TZ=`` prefix are read too. Fields given by keyword narrow each other,
    smaller ones left out begin at their lowest and larger ones are open; a line and ``week`` (of ISO 8601) go
    together. ``days`` says how day and weekday are joined when both are restricted: ``"or"``, as cron does,
    or ``"and"``, the default for keywords. Without ``tz`` it is UTC. ``gap`` and ``fold`` are for fixed times
    in hours that clock changes leave out or repeat; wildcard times follow elapsed time. Raises TriggerError,
    with the place of the mistake, for what cannot be read or never comes.
    """
    _one_of("gap", gap, get_args(Gap))
    _one_of("fold", fold, get_args(Fold))
    _one_of("days", days or "or", get_args(Days))
    named = {
        "year": year,
        "month": month,
        "day": day,
        "weekday": day_of_week,
        "hour": hour,
        "minute": minute,
        "second": second,
    }
    given = {name: str(value).strip() for name, value in named.items() if value is not None}
    if expression is None:
        if not given and week is None:
            raise TriggerError("cron() needs a line such as '0 9 * * mon-fri', or fields such as hour=9")
        expression, days = _line_of(given, whole_days=week is not None), days or "and"
    elif given:
        raise TriggerError(
            f"cron() takes a line or fields by keyword, not both: {expression!r} and {', '.join(given)}"
        )
    expression, zone = _without_zone(expression, zone_name(tz))
    weeks = None if week is None else str(week)
    return Cron(canonical(expression), zone, gap, fold, days or "or", weeks)


def canonical(line: str) -> str:
    """The one way of writing a line: single spaces, names in small letters, L, W and H in capitals."""
    return _WORD.sub(_cased, " ".join(line.split()))


def _cased(word: re.Match[str]) -> str:
    small = word[0].lower()
    if len(small) > 3 and small[3:] == "l":
        return small[:3] + "L"
    return small.upper() if small in ("l", "w", "lw", "h") else small


def _without_zone(line: str, tz: str | None) -> tuple[str, str | None]:
    """The line without its TZ= prefix, and the zone said there or beside it."""
    if not (prefix := _ZONE_PREFIX.match(line)):
        return line, tz
    named = zone_name(prefix[1].strip("\"'"))
    if tz is not None and tz != named:
        raise TriggerError(f"two zones: tz={tz!r} and the prefix {prefix[0].strip()!r}", text=line, at=0)
    return line[prefix.end() :], named


def _line_of(given: dict[str, str], *, whole_days: bool) -> str:
    """The cron line that fields by keyword mean."""
    order = ("year", "month", "day", "weekday", "hour", "minute", "second")
    smallest = max((order.index(name) for name in given), default=0)
    lowest = {"month": "1", "day": "1", "hour": "0", "minute": "0", "second": "0"}
    by_weekday = "weekday" in given or whole_days
    line = {name: "*" if at <= smallest else lowest.get(name, "*") for at, name in enumerate(order)} | given
    if by_weekday or "day" in given:
        line |= {name: given.get(name, "*") for name in ("month", "day")}
    day = _spoken_day(line["day"])
    if day.startswith("weekday "):
        if "weekday" in given:
            raise TriggerError(f"day={given['day']!r} already names a weekday; leave day_of_week out")
        line["day"], line["weekday"] = "*", day.removeprefix("weekday ")
    else:
        line["day"] = day
    text = " ".join(line[name] for name in ("second", "minute", "hour", "day", "month", "weekday", "year"))
    return text.removesuffix(" *").removeprefix("0 ") if line["year"] == "*" else text


_ORDINALS = {
    "1st": "1",
    "first": "1",
    "2nd": "2",
    "second": "2",
    "3rd": "3",
    "third": "3",
    "4th": "4",
    "fourth": "4",
    "5th": "5",
    "fifth": "5",
}


def _spoken_day(text: str) -> str:
    """A day as people say it, as cron writes it: ``"last"`` is L, ``"last fri"`` is a weekday rule."""
    words = text.lower().split()
    match words:
        case ["last"] | ["last", "day"]:
            return "L"
        case ["last", "weekday" | "workday"]:
            return "LW"
        case ["last", name]:
            return f"weekday {name[:3]}L"
        case [nth, name] if nth in _ORDINALS:
            return f"weekday {name[:3]}#{_ORDINALS[nth]}"
        case _:
            return text.replace(", ", ",")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise TriggerError(f"{name}={value!r} is not a choice; there are {', '.join(map(repr, allowed))}")


def _read(line: str, week: str | None, seed: str) -> Pattern:
    parts = NICKNAMES.get(line, line).split(" ")
    kinds = _KINDS.get(len(parts))
    if kinds is None or (line.startswith("@") and line not in NICKNAMES) or not line:
        _refuse_line(line, len(parts))
    try:
        read = [fields.read(kind, part, seed) for kind, part in zip(kinds, parts, strict=True)]
    except Mistake:
        _explain_mistake(line, kinds, parts, seed)
    if len(read) == 5:
        read.insert(0, _ON_THE_MINUTE)
    year = read[6] if len(read) == 7 and read[6].numbers != fields.YEAR.everything else None
    return Pattern(*read[:6], year=year, week=None if week is None else _read_week(week))


_ON_THE_MINUTE = Field(1)


def _read_week(text: str) -> Field:
    try:
        return fields.read(fields.WEEK, text)
    except Mistake as mistake:
        raise TriggerError(f"week: {mistake.message}", text=text, at=mistake.at) from None


def _explain_mistake(line: str, kinds: tuple[Kind, ...], parts: list[str], seed: str) -> NoReturn:
    """Read the line again up to the mistake, to say where it is and what may have been meant."""
    at = 0
    for index, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
        try:
            fields.read(kind, part, seed)
        except Mistake as mistake:
            better = None if mistake.meant is None else _repaired(parts, index, mistake)
            raise _mistaken(mistake.message, line, at + mistake.at, better, kinds) from None
        at += len(part) + 1
    raise AssertionError("the mistake has gone")


def _repaired(parts: list[str], index: int, mistake: Mistake) -> str:
    """The field with the part where the mistake is replaced by what may have been meant."""
    text, start = parts[index], parts[index].rfind(",", 0, mistake.at) + 1
    end = text.find(",", mistake.at)
    return text[:start] + (mistake.meant or "") + (text[end:] if end >= 0 else "")


def _mistaken(message: str, line: str, at: int, meant: str | None, kinds: tuple[Kind, ...]) -> TriggerError:
    guess = f"did you mean `{meant}`? " if meant else ""
    names = " ".join(kind.name for kind in kinds)
    return TriggerError(f"{message}; {guess}fields are {names}", text=line, at=at)


def _refuse_line(line: str, count: int) -> NoReturn:
    names = " ".join(kind.name for kind in _FIVE)
    if line.startswith("@"):
        word = line.split(" ", maxsplit=1)[0]
        close = get_close_matches(word, NICKNAMES, n=1, cutoff=0.6)
        hint = {"@reboot": "run it when the program starts", "@every": "use every('5m')"}.get(word)
        hint = hint or (f"did you mean `{close[0]}`?" if close else f"there are {', '.join(NICKNAMES)}")
        raise TriggerError(f"{word!r} is not a time; {hint}", text=line, at=0)
    found = "no fields" if not line else "1 field" if count == 1 else f"{count} fields"
    meant = f"did you mean `{line}{' *' * (5 - count)}`? " if line and count < 5 else ""
    fields_are = f"fields are {names}, with the second before and the year after"
    raise TriggerError(
        f"{found} where cron has 5, 6 or 7; {meant}{fields_are}",
        text=line,
        at=len(line),
    )


def _dates_of(pattern: Pattern, both: bool) -> Dates:
    years = None if pattern.year is None else pattern.year.numbers
    weeks = None if pattern.week is None else pattern.week.numbers
    return dates(pattern.day, pattern.month.numbers, pattern.weekday, years, weeks, both)


def _why_never(pattern: Pattern) -> str:
    days, months = _members(pattern.day.numbers), _members(pattern.month.numbers)
    if days and min(days) > 28 and pattern.year is None and not pattern.day.rules and not pattern.day.star:
        names = ", ".join(fields.MONTH.names[month - 1].capitalize() for month in months)
        return f" ({names} has no day {min(days)})"
    return ""


@lru_cache(maxsize=4096)
def _members(numbers: int) -> tuple[int, ...]:
    """The numbers in a set of bits, in order."""
    return tuple(number for number in range(numbers.bit_length()) if numbers >> number & 1)


@lru_cache(maxsize=1024)
def _minutes_of(hours: int, minutes: int) -> tuple[int, ...]:
    """The minutes of the day at which these hours and minutes of the hour come together."""
    return tuple(hour * 60 + minute for hour in _members(hours) for minute in _members(minutes))
