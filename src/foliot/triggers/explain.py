"""Triggers in plain words: ``explain(cron("0 9 * * mon-fri"))`` is "At 09:00 on Monday to Friday (UTC time)."."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatchmethod

from foliot.errors import TriggerError
from foliot.moments import DAY, HOUR, MILLISECOND, MINUTE, SECOND, moment
from foliot.triggers.algebra import Both, Either, Shifted, Within, Without
from foliot.triggers.base import Trigger
from foliot.triggers.bounds import Bounded
from foliot.triggers.calendars import (
    AllOf,
    AnyOf,
    Calendar,
    Dates,
    During,
    EachDay,
    Hours,
    Named,
    Not,
    Weekdays,
    Window,
)
from foliot.triggers.cron import Cron
from foliot.triggers.delayed import Delayed
from foliot.triggers.explain_cron import CronWords
from foliot.triggers.intervals import Every, Pause, Randomly
from foliot.triggers.once import After, At
from foliot.triggers.phrases import LANGUAGES, Language
from foliot.triggers.public_holidays import BusinessDays, Holidays
from foliot.triggers.recurrence import Recurrence
from foliot.triggers.recurring import Recurring
from foliot.triggers.text import load
from foliot.triggers.wall import Wall
from foliot.triggers.writing import clock_text, date_of
from foliot.triggers.zones import zone_of

_UNITS = (
    ("days", DAY),
    ("hours", HOUR),
    ("minutes", MINUTE),
    ("seconds", SECOND),
    ("milliseconds", MILLISECOND),
    ("microseconds", 1),
)


def explain(trigger: Trigger, lang: str = "en") -> str:
    """What a trigger does, as a sentence; ``lang`` is ``"en"`` or ``"zh"``. Raises TriggerError for other languages."""
    language = _language(lang)
    zone = trigger.zone_name or "UTC" if len(_zones_in(trigger)) < 2 else None
    words = _Words(language, zone)
    text = words.trigger(trigger)
    return language.sentence(language.say("zone", what=text, zone=zone) if zone and words.clock_read else text)


def explain_calendar(calendar: Calendar, lang: str = "en", zone: str | None = None) -> str:
    """What a calendar covers, in words without a full stop."""
    language = _language(lang)
    return language.spaced(_Words(language, zone or "UTC").calendar(calendar))


def _language(lang: str) -> Language:
    found = LANGUAGES.get(lang.lower().replace("_", "-").partition("-")[0])
    if found is None:
        raise TriggerError(f"no explanations in {lang!r}; there are {', '.join(LANGUAGES)}")
    return found


def _zones_in(trigger: Trigger) -> set[str]:
    """The zones of the clocks that a trigger, or the triggers it is made of, go by."""
    found: set[str] = set()
    parts: list[Trigger] = []

    def visit(part: Trigger) -> Trigger:
        parts.append(part)
        found.update(_zones_in(part))
        return part

    trigger.mapped(visit)
    if not parts and isinstance(trigger, Wall | At):
        found.add(trigger.zone_name or "UTC")
    return found


class _Words:
    """Says triggers in one language, for readers in one zone or naming each zone; notes whether clocks were read."""

    def __init__(self, language: Language, zone: str | None) -> None:
        self.language, self.zone, self.say = language, zone, language.say
        self.clock_read = False

    @singledispatchmethod
    def trigger(self, trigger: Trigger) -> str:
        """A trigger of this or, through its JSON, of another module."""
        return self.trigger(load(trigger.spec()))

    @trigger.register
    def _(self, trigger: Cron) -> str:
        words = CronWords(self.language, trigger)
        return self._there(words.text(), trigger.zone_name) if words.reads_clock else words.text()

    @trigger.register
    def _(self, trigger: Every) -> str:
        return self._every(trigger.interval)

    @trigger.register
    def _(self, trigger: Pause) -> str:
        return self.say("pause", length=self.length(trigger.length))

    @trigger.register
    def _(self, trigger: Randomly) -> str:
        return self.say("randomly", shortest=self.length(trigger.shortest), longest=self.length(trigger.longest))

    @trigger.register
    def _(self, trigger: After) -> str:
        return self.say("after", length=self.length(trigger.length))

    @trigger.register
    def _(self, trigger: At) -> str:
        first, last = (self.time(at, trigger.zone_name) for at in (trigger.moments[0], trigger.moments[-1]))
        count = len(trigger.moments)
        text = self.say("once", time=first) if count == 1 else self.say("times", count=count, first=first, last=last)
        return self._there(text, trigger.zone_name)

    @trigger.register
    def _(self, trigger: Recurring) -> str:
        times = self.language.listed([clock_text(each) for each in trigger.times])
        anchor = date_of(trigger.anchor or 0)
        if trigger.months:
            text = self.say("every_months", count=trigger.months, day=self.language.days[anchor.day], times=times)
            text = self.say("short_months", what=text) if anchor.day > 28 else text
        elif trigger.days % 7 == 0:
            weekday = self.language.weekday(anchor.isoweekday())
            text = self.say("every_weeks", count=trigger.days // 7, weekday=weekday, times=times)
        else:
            text = self.say("every_days", count=trigger.days, times=times)
        if trigger.anchor is not None and max(trigger.months, trigger.days) > 1 and trigger.days != 7:
            text = self.say("counted_from", what=text, day=anchor)
        return self._there(text, trigger.zone_name)

    @trigger.register
    def _(self, trigger: Recurrence) -> str:
        text = self.say("by_rule", rule=trigger.rule)
        if trigger.start is not None:
            text = self.say("starting", what=text, time=trigger.start.replace("T", " ").removesuffix(":00"))
        return self._there(text, trigger.zone_name)

    @trigger.register
    def _(self, trigger: Bounded) -> str:
        text = self.trigger(trigger.of)
        for phrase, at in (("starting", trigger.start), ("until", trigger.end)):
            if at is not None:
                text = self.say(phrase, what=text, time=self._moment(at, trigger.zone_name))
        return text if trigger.count is None else self.say("limit", what=text, count=trigger.count)

    @trigger.register
    def _(self, trigger: Delayed) -> str:
        text = self.trigger(trigger.of)
        for phrase, length in (("jitter", trigger.max_jitter), ("spread", trigger.max_spread)):
            if length:
                text = self.say(phrase, what=text, length=self.length(length))
        return text

    @trigger.register
    def _(self, trigger: Either) -> str:
        return self._chained("either", [self.trigger(each) for each in trigger.of])

    @trigger.register
    def _(self, trigger: Both) -> str:
        return self._chained("both", [self.trigger(each) for each in trigger.of])

    @trigger.register
    def _(self, trigger: Without) -> str:
        return self.say("unless", what=self.trigger(trigger.of), other=self.trigger(trigger.unless))

    @trigger.register
    def _(self, trigger: Within) -> str:
        phrase = "only" if trigger.inside else "except"
        return self.say(phrase, what=self.trigger(trigger.of), calendar=self.calendar(trigger.calendar))

    @trigger.register
    def _(self, trigger: Shifted) -> str:
        what, calendar = self.trigger(trigger.of), self.calendar(trigger.calendar)
        return self.say(f"shift_{trigger.direction}", what=what, calendar=calendar)

    def calendar(self, calendar: Calendar) -> str:
        """A calendar, as a name for the time it covers."""
        match calendar:
            case Named():
                return self.say("named", name=calendar.name)
            case Not():
                return self.say("not", calendar=self.calendar(calendar.of))
            case AnyOf():
                return self.language.listed([self.calendar(each) for each in calendar.of], word="or")
            case AllOf():
                return self.language.listed([self.calendar(each) for each in calendar.of])
            case EachDay():
                return self.calendar(calendar.of)
            case During():
                return self.say("during", length=self.length(calendar.length), what=self.trigger(calendar.trigger))
            case _:
                return self._plain_calendar(calendar)

    def _plain_calendar(self, calendar: Calendar) -> str:
        match calendar:
            case Weekdays():
                chosen = [day for day in range(1, 8) if calendar.bits >> day % 7 & 1]
                return self._in_zone(self.language.ranges(chosen, self.language.weekday), calendar.tz)
            case Hours():
                text = self.say("hours_between", start=clock_text(calendar.start), end=clock_text(calendar.end))
                return self._in_zone(text, calendar.tz)
            case Dates():
                return self._in_zone(self._dates(calendar), calendar.tz)
            case Window():
                start, end = (self._moment(at, None) for at in (calendar.start, calendar.end))
                return self.say("window", start=start, end=end)
            case Holidays() | BusinessDays():
                phrase = "holidays" if isinstance(calendar, Holidays) else "business_days"
                country = "-".join(filter(None, (calendar.country, calendar.subdivision)))
                return self._in_zone(self.say(phrase, country=country), calendar.tz)
            case _:
                return str(calendar.spec())

    def _dates(self, calendar: Dates) -> str:
        count = sum(last - first + 1 for first, last in calendar.ranges)
        if len(calendar.ranges) > 4:
            first, last = date_of(calendar.ranges[0][0]), date_of(max(last for _, last in calendar.ranges))
            return self.say("many_dates", count=count, first=first, last=last)
        texts = [
            str(date_of(first)) if first == last else self.say("range", first=date_of(first), last=date_of(last))
            for first, last in calendar.ranges
        ]
        return self.language.listed(texts)

    def length(self, micros: int) -> str:
        """A length of time in words, the largest unit first."""
        parts: list[str] = []
        for unit, size in _UNITS:
            count, micros = divmod(micros, size)
            if count:
                parts.append(self.say(unit, count=count))
        return self.language.listed(parts or [self.say("seconds", count=0)])

    def time(self, at: int, zone: str | None) -> str:
        """An instant as the clocks of a zone show it."""
        local = moment(at, zone_of(zone)).replace(tzinfo=None)
        return local.isoformat(" ", "seconds" if local.second else "minutes")

    def _every(self, interval: int) -> str:
        for unit, size in _UNITS[1:4]:
            if interval % size == 0:
                return self.say(f"every_{unit}", count=interval // size)
        return self.say("every", length=self.length(interval))

    def _chained(self, phrase: str, texts: Sequence[str]) -> str:
        text = texts[0]
        for each in texts[1:]:
            text = self.say(phrase, first=text, last=each)
        return text

    def _moment(self, at: int, zone: str | None) -> str:
        """An instant on the readers' clocks, or, where each zone is named, on those of its own."""
        self.clock_read = True
        return self.time(at, self.zone) if self.zone else self.say("zone", what=self.time(at, zone), zone=zone or "UTC")

    def _there(self, text: str, zone: str | None) -> str:
        """The text, with its zone where that is not the readers'."""
        if (zone or "UTC") != self.zone:
            return self.say("zone", what=text, zone=zone or "UTC")
        self.clock_read = True
        return text

    def _in_zone(self, text: str, zone: str | None) -> str:
        """The text of a calendar, with its zone where it has one of its own that is not the readers'."""
        self.clock_read = self.clock_read or zone is None
        return text if zone is None else self._there(text, zone)
