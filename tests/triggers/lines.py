"""Cron lines to try things with, each with what it means, made without the code under test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Seoul",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/St_Johns",
    "Asia/Beirut",
)
NIGHTS = (  # of a change of the clocks, in most of these zones
    datetime(2026, 3, 8),
    datetime(2026, 11, 1),
    datetime(2026, 3, 29),
    datetime(2026, 10, 25),
    datetime(2026, 4, 5),
    datetime(2026, 10, 4),
    datetime(2026, 2, 15),
    datetime(2026, 3, 22),
    datetime(2028, 2, 28),
)


@dataclass(frozen=True)
class Written:
    """A field as text, and the numbers that it means."""

    text: str
    numbers: frozenset[int]

    @property
    def starred(self):
        return self.text.startswith("*")


@st.composite
def fields(draw, low, high):
    """A field of a cron line."""
    form = draw(st.sampled_from(["star", "star", "one", "list", "range", "step", "stepped range"]))
    some = st.integers(low, high)
    match form:
        case "star":
            return Written("*", frozenset(range(low, high + 1)))
        case "one":
            number = draw(some)
            return Written(str(number), frozenset([number]))
        case "list":
            numbers = draw(st.lists(some, min_size=2, max_size=4))
            return Written(",".join(map(str, numbers)), frozenset(numbers))
        case "step":
            step = draw(st.integers(1, (high - low + 1) // 2))
            return Written(f"*/{step}", frozenset(range(low, high + 1, step)))
        case _:
            first = draw(st.integers(low, high - 1))
            last = draw(st.integers(first + 1, high))
            step = draw(st.integers(2, 5)) if form == "stepped range" else 1
            text = f"{first}-{last}" + (f"/{step}" if step > 1 else "")
            return Written(text, frozenset(range(first, last + 1, step)))


@dataclass(frozen=True)
class Line:
    """A cron line of five fields, and what it means by the plain rules of cron."""

    minute: Written
    hour: Written
    day: Written
    month: Written
    weekday: Written

    @property
    def text(self):
        return " ".join(each.text for each in (self.minute, self.hour, self.day, self.month, self.weekday))

    def matches(self, shown):
        """Whether the line means what a clock and calendar show."""
        by_day, by_weekday = (
            shown.day in self.day.numbers,
            shown.isoweekday() % 7 in {n % 7 for n in self.weekday.numbers},
        )
        both = self.day.starred or self.weekday.starred
        return (
            shown.minute in self.minute.numbers
            and shown.hour in self.hour.numbers
            and shown.month in self.month.numbers
            and (by_day and by_weekday if both else by_day or by_weekday)
        )

    @property
    def wild_hours(self):
        return self.hour.starred or len(self.hour.numbers) == 24

    @property
    def repeats(self):
        return self.wild_hours or self.minute.starred or len(self.minute.numbers) == 60


def lines():
    """Cron lines of five fields."""
    return st.builds(
        Line,
        minute=fields(0, 59),
        hour=fields(0, 23),
        day=fields(1, 31),
        month=st.one_of(st.just(Written("*", frozenset(range(1, 13)))), fields(1, 12)),
        weekday=fields(0, 7).filter(lambda each: not each.text.startswith("7-")),
    )


def walked(line, zone, start, hours, gap="after", fold="first"):
    """The times of a line within so many hours, found by looking at each minute of them."""
    zone = ZoneInfo(zone)
    found = []
    before = start - timedelta(minutes=1)
    for minute in range(hours * 60):
        at = start + timedelta(minutes=minute)
        shown, last_shown = at.astimezone(zone), before.astimezone(zone)
        if (line.matches(shown) and (line.repeats or _counts(shown, fold))) or (
            gap == "after" and not line.wild_hours and _jumped_over(line, last_shown, shown)
        ):
            found.append(at)
        before = at
    return found


def _counts(shown, fold):
    twice = shown.replace(fold=0).utcoffset() > shown.replace(fold=1).utcoffset()
    return not twice or fold == "both" or shown.fold == (fold == "second")


def _jumped_over(line, last_shown, shown):
    """Whether the line means a time that no clock showed between these two, one minute apart."""
    missing = last_shown.replace(tzinfo=None) + timedelta(minutes=1)
    while missing < shown.replace(tzinfo=None):
        if line.matches(missing):
            return True
        missing += timedelta(minutes=1)
    return False
