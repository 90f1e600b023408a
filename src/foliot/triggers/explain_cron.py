"""A cron line in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from foliot.triggers import fields
from foliot.triggers.cron import Cron
from foliot.triggers.days import joins_days
from foliot.triggers.fields import Field, Kind
from foliot.triggers.phrases import Language
from foliot.triggers.writing import clock_text

_FEW = 6


class CronWords:
    """Says one cron line in one language."""

    def __init__(self, language: Language, cron: Cron) -> None:
        self.language, self.say, self.cron, self.pattern = language, language.say, cron, cron.pattern
        self.seconds = _of(self.pattern.second, fields.SECOND)
        self.minutes = _of(self.pattern.minute, fields.MINUTE)
        self.hours = _of(self.pattern.hour, fields.HOUR)
        self.is_few = len(self.seconds) * len(self.minutes) * len(self.hours) <= _FEW

    def text(self) -> str:
        """The whole line, with what was chosen for nights of clock changes."""
        text = self._when(self._time(), self._day())
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

    def _when(self, time: str, day: str | None) -> str:
        if self.is_few:
            return self.say("when", time=time, day=day or self.say("every_day"))
        return time if day is None else self.say("often_when", time=time, day=day)

    # The time of day

    def _time(self) -> str:
        if self.is_few:
            return self._times(self.seconds)
        if self.seconds == [0]:
            return self._within_day()
        step = _step(self.seconds, 60)
        if _step(self.minutes, 60) == 1 and len(self.hours) == 24:
            return self.say("every_seconds", count=step) if step else self._say_list("second_of_minute", self.seconds)
        often = self.say("every_seconds", count=step) if step else self._say_list("at_seconds", self.seconds)
        return self.say("in_minutes", often=often, minutes=self._within_day())

    def _times(self, seconds: Sequence[int]) -> str:
        found = product(self.hours, self.minutes, seconds)
        texts = [clock_text(hour * 3600 + minute * 60 + second) for hour, minute, second in found]
        return self.say("at", times=self.language.listed(texts))

    def _within_day(self) -> str:
        """The minutes of the day."""
        minutes, hours = self.minutes, self.hours
        if len(minutes) * len(hours) <= _FEW:
            return self._times([0])
        often, step = self._within_hour(), _step(hours, 24)
        if step == 1:
            return often
        if step and minutes == [0]:
            return self.say("every_hours", count=step)
        if step and _step(minutes, 60) is None:
            return self.say("hours_past", count=step, minutes=self.language.ranges(minutes))
        if hours == list(range(hours[0], hours[-1] + 1)):
            start, end = hours[0] * 3600 + minutes[0] * 60, hours[-1] * 3600 + minutes[-1] * 60
            return self.say("from_to", often=often, start=clock_text(start), end=clock_text(end))
        return self.say("in_hours", often=often, hours=self.language.ranges(hours))

    def _within_hour(self) -> str:
        if self.minutes == [0]:
            return self.say("on_the_hour")
        step = _step(self.minutes, 60)
        return self.say("every_minutes", count=step) if step else self._say_list("past_hour", self.minutes)

    def _say_list(self, phrase: str, numbers: Sequence[int]) -> str:
        name = "minutes" if phrase == "past_hour" else "seconds"
        return self.say(phrase, **{name: self.language.ranges(numbers)})

    # The day

    def _day(self) -> str | None:
        """On which days, or None for all."""
        months = _of(self.pattern.month, fields.MONTH)
        text = self._day_of(None if len(months) == 12 else self.language.ranges(months, self._month))
        if self.pattern.week is not None:
            text = self._in_weeks(text or self.say("every_day"), _of(self.pattern.week, fields.WEEK))
        if self.pattern.year is not None:
            years = self.language.ranges(_of(self.pattern.year, fields.YEAR))
            text = self.say("in_years", what=text or self.say("every_day"), years=years)
        return text

    def _day_of(self, months: str | None) -> str | None:
        """The day of the month and of the week."""
        days, weekdays = self._days(), self._weekdays()
        if weekdays is None and days is None:
            return None if months is None else self.say("in_months_only", months=months)
        if weekdays is None:
            return (
                self.say("on_days", days=days) if months is None else self.say("on_days_of", days=days, months=months)
            )
        text = weekdays if days is None else self._joined(self.say("on_days", days=days), weekdays)
        return text if months is None else self.say("in_months", what=text, months=months)

    def _joined(self, days: str, weekdays: str) -> str:
        if joins_days(self.pattern.day, self.pattern.weekday, self.cron.days == "and"):
            return self.say("either_day", days=days, weekdays=weekdays)
        return self.say("both_days", days=days, weekdays=weekdays)

    def _in_weeks(self, what: str, weeks: list[int]) -> str:
        step = weeks[1] - weeks[0] if len(weeks) > _FEW else 0
        if step > 1 and weeks == list(range(1, 54, step)):
            return self.say("each_weeks", what=what, count=step)
        return self.say("in_weeks", what=what, weeks=self.language.ranges(weeks))

    def _days(self) -> str | None:
        field = self.pattern.day
        if field.numbers == fields.DAY.everything:
            return None
        texts = [self.language.ranges(_of(field, fields.DAY), self._ordinal)] if field.numbers else []
        return self.language.listed([*texts, *(self._counted_day(what, a) for what, a, _ in field.rules)])

    def _counted_day(self, what: str, a: int) -> str:
        match what:
            case "last":
                return self.say("before_last", day=self._ordinal(a + 1)) if a else self.say("last_day")
            case "near" if a > 0:
                return self.say("near", day=self._ordinal(a))
            case "near":
                return self.say("near_before_last", day=self._ordinal(1 - a)) if a else self.say("near_last")
            case _:
                return self.say("workdays")

    def _weekdays(self) -> str | None:
        field = self.pattern.weekday
        if field.numbers == fields.WEEKDAY.everything:
            return None
        numbers = sorted(day or 7 for day in _of(field, fields.WEEKDAY))
        texts = [self.say("weekly", days=self.language.ranges(numbers, self.language.weekday))] if numbers else []
        for _, weekday, nth in field.rules:
            place = self.language.places[nth]
            texts.append(self.say("nth", place=place, weekday=self.language.weekday(weekday)))
        return self.say("on_weekdays", days=self.language.listed(texts))

    def _month(self, number: int) -> str:
        return self.language.months[number - 1]

    def _ordinal(self, number: int) -> str:
        return self.language.days[number]


def _of(field: Field, kind: Kind) -> list[int]:
    return [number for number in range(kind.low, kind.high + 1) if field.numbers >> number & 1]


def _step(numbers: list[int], size: int) -> int | None:
    """The step by which these numbers go from 0 all the way round, if they do."""
    step = size // len(numbers)
    return step if numbers == list(range(0, size, step)) and size % step == 0 else None
