"""A cron line in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from foliot.triggers import fields
from foliot.triggers.cron import Cron
from foliot.triggers.days import joins_days
from foliot.triggers.fields import Field, Kind
from foliot.triggers.phrases import Language, runs_of
from foliot.triggers.writing import clock_text

_FEW = 6
_SOME = 4  # from so many on, times an even distance apart are said as "every" and "from … to"
_ODD, _EVEN = list(range(1, 32, 2)), list(range(2, 32, 2))


class CronWords:
    """Says one cron line in one language."""

    def __init__(self, language: Language, cron: Cron) -> None:
        self.language, self.say, self.cron, self.pattern = language, language.say, cron, cron.pattern
        self.seconds = _of(self.pattern.second, fields.SECOND)
        self.minutes = _of(self.pattern.minute, fields.MINUTE)
        self.hours = _of(self.pattern.hour, fields.HOUR)
        self.is_one_year = self.pattern.year is not None and self.pattern.year.numbers.bit_count() == 1
        self.times = [hour * 60 + minute for hour, minute in product(self.hours, self.minutes)]

    def text(self) -> str:
        """The whole line, with what was chosen for nights of clock changes."""
        text = self._when(self._day())
        if self.cron.gap == "skip" and not self.pattern.hour.wild:
            text = self.say("gap_skip", what=text)
        if self.cron.folds == self.cron.fold != "first":
            text = self.say(f"fold_{self.cron.fold}", what=text)
        return self.say("by_hash", what=text) if "H" in self.cron.expression and self.cron.seed is None else text

    @property
    def reads_clock(self) -> bool:
        """Whether it matters what the clocks show: not where it goes on evenly, all day and every day."""
        even = _step(self.seconds, 60) and _step(self.minutes, 60) and len(self.hours) == 24
        return not even or self.minutes == [0] or self._day() is not None

    def _when(self, day: str | None) -> str:
        if self._is_listed():
            return self.say("when", time=self._listed_times(self.seconds), day=day or self.say("every_day"))
        return self._time() if day is None else self.say("often_when", time=self._time(), day=day.strip())

    def _any_day(self) -> str:
        """Every day, which need not be said in each language where something goes on all day."""
        return self.say("every_day" if self._is_listed() else "any_day")

    # The time of day

    def _is_listed(self) -> bool:
        """Whether its times of the day are few, and not better said by their distance."""
        few = len(self.seconds) * len(self.times) <= _FEW
        return few and not (self.seconds == [0] and len(self.times) >= _SOME and self._evenly())

    def _time(self) -> str:
        if self.seconds == [0]:
            return self._within_day()
        step = _step(self.seconds, 60)
        if len(self.minutes) == 60:
            return self._all_minutes(step)
        if step:
            return self.say("in_minutes", often=self.say("every_seconds", count=step), minutes=self._within_day())
        return self._at_seconds(self._within_day())

    def _all_minutes(self, step: int | None) -> str:
        if step is None:
            return self._at_seconds(self._within_day())
        often = self.say("every_seconds", count=step)
        return often if len(self.hours) == 24 else self._from_to(often, self.seconds[0], self.seconds[-1])

    def _at_seconds(self, minutes: str) -> str:
        seconds = self.language.ranges(self.seconds)
        return self.say("at_seconds", minutes=minutes, seconds=seconds, count=len(self.seconds))

    def _listed_times(self, seconds: Sequence[int]) -> str:
        texts = [clock_text(minute * 60 + second) for minute, second in product(self.times, seconds)]
        return self.say("at", times=self.language.listed(texts))

    def _within_day(self) -> str:
        """The minutes of the day."""
        minutes, hours = self.minutes, self.hours
        if step := _step(self.times, 24 * 60):
            return self.say("on_the_hour") if step == 60 else self._every(step)
        if len(hours) == 24:
            return self._within_hour()
        if (step := _step(hours, 24)) and not _step(minutes, 60):
            return self.say("hours_past", count=step, minutes=self.language.ranges(minutes))
        if len(self.times) >= _SOME and (evenly := self._evenly()):
            return evenly
        return self._listed_times([0]) if len(self.times) <= _FEW else self._from_to(self._within_hour())

    def _evenly(self) -> str | None:
        """Times that are all equally far apart but for one pause: ``every 15 minutes from 09:00 to 17:45``."""
        times = _after_longest_pause(self.times, 24 * 60)
        distances = {(later - earlier) % (24 * 60) for earlier, later in pairwise(times)}
        if len(distances) != 1:
            return None
        start, end = (clock_text(each * 60) for each in (times[0], times[-1]))
        return self.say("from_to", often=self._every(distances.pop()), spans=self.say("span", start=start, end=end))

    def _from_to(self, often: str, first: int = 0, last: int = 0) -> str:
        """What happens in some hours, from the first to the last time of each run of them."""
        spans: list[str] = []
        for run in runs_of(self.hours, 24):
            start = clock_text(run[0] * 3600 + self.minutes[0] * 60 + first)
            end = clock_text(run[-1] * 3600 + self.minutes[-1] * 60 + last)
            spans.append(start if start == end else self.say("span", start=start, end=end))
        return self.say("from_to", often=often, spans=self.language.listed(spans))

    def _every(self, minutes: int) -> str:
        hours, rest = divmod(minutes, 60)
        return self.say("every_minutes", count=minutes) if rest else self.say("every_hours", count=hours)

    def _within_hour(self) -> str:
        if step := _step(self.minutes, 60):
            return self.say("every_hours", count=1) if step == 60 else self.say("every_minutes", count=step)
        steps = {later - earlier for earlier, later in pairwise(self.minutes)}
        if len(self.minutes) <= _FEW or len(steps) > 1:
            return self.say("past_hour", minutes=self.language.ranges(self.minutes))
        often = self.say("every_minutes", count=steps.pop())
        return self.say("part_of_hour", often=often, first=self.minutes[0], last=self.minutes[-1])

    # The day

    def _day(self) -> str | None:
        """On which days, or None for all."""
        months = _of(self.pattern.month, fields.MONTH)
        text = self._day_of(None if len(months) == 12 else months)
        if self.pattern.week is not None:
            text = self._in_weeks(text or self._any_day(), _of(self.pattern.week, fields.WEEK))
        if self.pattern.year is not None:
            text = self._in_years(text or self._any_day(), _of(self.pattern.year, fields.YEAR))
        return text

    def _day_of(self, months: list[int] | None) -> str | None:
        """The day of the month and of the week."""
        days = self._days(months)
        if self.pattern.weekday.numbers != fields.WEEKDAY.everything:
            return self._weekdays(months, "week") if days is None else self._joined(days, months)
        return self._in_months(self._any_day(), months) if days is None and months else days

    def _joined(self, days: str, months: list[int] | None) -> str:
        if joins_days(self.pattern.day, self.pattern.weekday, self.cron.days == "and"):
            return self.say("either_day", days=days, weekdays=self._weekdays(months, "also_week"))
        return self.say("both_days", days=days, weekdays=self._weekdays(None, "only_week"))

    def _in_months(self, what: str, months: list[int]) -> str:
        phrase = "from_months" if len(months) > 2 and len(runs_of(months, 12)) == 1 else "in_months"
        return self.say(phrase, what=what, months=self._month_names(months))

    def _in_weeks(self, what: str, weeks: list[int]) -> str:
        step = weeks[1] - weeks[0] if len(weeks) > _FEW else 0
        if step > 1 and weeks == list(range(1, 54, step)):
            return self.say("each_weeks", what=what, count=step)
        return self.say("in_weeks", what=what, weeks=self.language.ranges(weeks), count=len(weeks))

    def _in_years(self, what: str, years: list[int]) -> str:
        phrase = "from_years" if len(years) > 2 and years[-1] - years[0] == len(years) - 1 else "in_years"
        return self.say(phrase, what=what, years=self.language.ranges(years), count=len(years))

    def _days(self, months: list[int] | None) -> str | None:
        field, numbers = self.pattern.day, _of(self.pattern.day, fields.DAY)
        if field.numbers == fields.DAY.everything:
            return None
        if all(what == "workday" for what, _, _ in field.rules) and not numbers:
            workdays = self.language.weekly([1, 2, 3, 4, 5])
            return workdays if months is None else self._in_months(workdays, months)
        parity = {tuple(_ODD): "odd_days", tuple(_EVEN): "even_days"}.get(tuple(numbers))
        plain = [self.say(parity)] if parity else self._numbered(numbers)
        counted = [self._counted_day(what, a) for what, a, _ in field.rules]
        return self._of_months("on_days", months, days=self.language.listed([*plain, *counted]))

    def _numbered(self, numbers: list[int]) -> list[str]:
        texts = self.language.runs(numbers, lambda number: self.language.days[number])
        return [self.say("the_day", day=texts[0]), *texts[1:]] if texts else []

    def _of_months(self, phrase: str, months: list[int] | None, **values: object) -> str:
        """A day of the month, of these months or of all."""
        if months is None:
            return self.say(phrase, of=self.say("of_month"), **values)
        name = "of_month_range" if len(months) > 2 and len(runs_of(months, 12)) == 1 else "of_months"
        if self.is_one_year and name == "of_months":
            name = "of_months_that_year"
        return self.say(phrase, of=self.say(name, months=self._month_names(months), count=len(months)), **values)

    def _month_names(self, months: list[int]) -> str:
        return self.language.ranges(months, self._month, cycle=12)

    def _counted_day(self, what: str, a: int) -> str:
        match what:
            case "last":
                return self.say("before_last", day=self.language.places_from_last[a]) if a else self.say("last_day")
            case "near" if a > 0:
                return self.say("near", day=self.language.days[a])
            case "near":
                back = self.language.places_from_last[-a]
                return self.say("near_before_last", day=back) if a else self.say("near_last")
            case _:
                return self.say("workdays")

    def _weekdays(self, months: list[int] | None, form: str) -> str:
        """The days of the week, in these months or in all."""
        field, numbers = self.pattern.weekday, [day or 7 for day in _of(self.pattern.weekday, fields.WEEKDAY)]
        plain = self.language.weekly(sorted(numbers), form) if numbers else ""
        if months is not None and plain:
            plain = self._in_months(plain, months)
        if not field.rules:
            return plain
        counted = self._of_months("on_counted", months, days=self.language.listed(self._counted_weekdays(field)))
        return self.language.listed([each for each in (plain, counted) if each])

    def _counted_weekdays(self, field: Field) -> list[str]:
        """``the first and third Monday``: one text for each weekday."""
        by_day: dict[int, list[int]] = {}
        for _, weekday, nth in field.rules:
            by_day.setdefault(weekday, []).append(nth)
        return [
            self.say("nth", places=self.language.listed([self.language.places[nth] for nth in nths]), weekday=name)
            for name, nths in ((self.language.weekday(weekday), nths) for weekday, nths in by_day.items())
        ]

    def _month(self, number: int) -> str:
        return self.language.months[number - 1]


def _of(field: Field, kind: Kind) -> list[int]:
    return [number for number in range(kind.low, kind.high + 1) if field.numbers >> number & 1]


def _step(numbers: list[int], size: int) -> int | None:
    """The step by which these numbers go from 0 all the way round, if they do."""
    step = size // len(numbers)
    return step if numbers == list(range(0, size, step)) and size % step == 0 else None


def _after_longest_pause(numbers: list[int], size: int) -> list[int]:
    """Numbers on a clock of this size in the order that begins after the longest pause, at the lowest in doubt."""
    pauses = [(number - numbers[index - 1]) % size for index, number in enumerate(numbers)]
    start = pauses.index(max(pauses))
    return numbers[start:] + numbers[:start]
