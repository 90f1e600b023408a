"""Intervals of the calendar: every so many days or months, at times of the wall clock."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date

from foliot.errors import TriggerError
from foliot.moments import SECOND
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.wall import Wall
from foliot.triggers.writing import clock_text, date_of, day_of, spec_of
from foliot.triggers.zones import DAY, Fold, Gap, clock_of

_LAST_YEAR = 9998


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring(Wall):
    """Every ``months`` or ``days``, at ``times`` (seconds of the day), counted from the day ``anchor``.

    Months keep the day of the anchor and use the last day of those that are too short: 31 January, 28
    February, 31 March. Without an anchor it is counted from 1970-01-01, until the schedule is created.
    """

    months: int = 0
    days: int = 0
    times: tuple[int, ...] = (0,)
    anchor: int | None = None
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"

    def __post_init__(self) -> None:
        self.check_choices()
        if (self.months > 0) == (self.days > 0) or min(self.months, self.days) < 0:
            raise TriggerError(
                "give an interval like '30s', or months (or years) or days (or weeks), one of them and at least 1"
            )

    def later(self, local: int) -> int | None:
        """The first of these times on the wall clock strictly later than ``local``."""
        today, rest = divmod(max(local, _FIRST * DAY), DAY)
        day = self._from_day(today) if today < _END else None
        if day == today:
            at = bisect_right(self.times, rest)
            if at < len(self.times):
                return today * DAY + self.times[at]
            day = self._from_day(today + 1) if today + 1 < _END else None
        return None if day is None else day * DAY + self.times[0]

    def _from_day(self, day: int) -> int | None:
        """The first day of the sequence that is not before ``day``."""
        anchor = self.anchor or 0
        if self.days:
            found = day + (anchor - day) % self.days
            return found if found < _END else None
        steps = (_months(date_of(day)) - _months(date_of(anchor))) // self.months
        found = self._day_after_steps(steps)
        return found if found is None or found >= day else self._day_after_steps(steps + 1)

    def _day_after_steps(self, steps: int) -> int | None:
        start = date_of(self.anchor or 0)
        year, month = divmod(_months(start) + steps * self.months, 12)
        if year > _LAST_YEAR:
            return None
        return day_of(date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])))

    def settled(self, now: int) -> Trigger:
        if self.anchor is not None:
            return self
        return replace(self, anchor=clock_of(self.tz).local(now // SECOND) // DAY)

    def spec(self) -> Spec:
        texts = [clock_text(each) for each in self.times]
        every = {"months": self.months} if self.months else {"days": self.days}
        at = texts[0] if len(texts) == 1 else texts
        anchor = None if self.anchor is None else date_of(self.anchor).isoformat()
        return spec_of({"every": every, "at": at}, anchor=anchor, tz=self.tz, gap=self.gap, fold=self.fold)


_FIRST = day_of(date(1, 2, 1))
_END = day_of(date(_LAST_YEAR + 1, 1, 1))


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1
