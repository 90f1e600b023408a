"""Triggers in plain words: ``explain(cron("0 9 * * mon-fri"))`` is "At 09:00, Monday to Friday (UTC)."."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
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
from foliot.triggers.phrases import LANGUAGES, Language, runs_of
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
_ONE = {size for _, size in _UNITS}
_FEW = 3  # times that are listed one by one


def explain(trigger: Trigger, lang: str = "en") -> str:
    """What a trigger does, as a sentence; ``lang`` is ``"en"`` or ``"zh"``. Raises TriggerError for other languages."""
    language = _language(lang)
    zone = trigger.zone_name or "UTC" if len(_zones_in(trigger)) < 2 else None
    words = _Words(language, zone)
    text = words.trigger(trigger)
    return language.sentence(words.zoned(text, zone) if zone and words.clock_read else text)


def explain_calendar(calendar: Calendar, lang: str = "en", zone: str | None = None) -> str:
    """When a calendar is, in words without a full stop: ``on public holidays in Germany``."""
    language = _language(lang)
    return language.spaced(_Words(language, zone or "UTC").when(calendar))


def explain_day(calendar: Calendar, lang: str = "en", zone: str | None = None) -> str:
    """What one of a calendar's days is called: ``business day in Germany``."""
    language = _language(lang)
    return language.spaced(_Words(language, zone or "UTC").day(calendar))


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
        return self._there(self._at(trigger), trigger.zone_name)

    @trigger.register
    def _(self, trigger: Recurring) -> str:
        times = self.language.listed([clock_text(each) for each in trigger.times])
        if trigger.anchor is None and trigger.days != 1:
            text = self.say("counted_from_creation", what=self._from_creation(trigger, times))
        else:
            text = self._anchored(trigger, date_of(trigger.anchor or 0), times)
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
        calendar, inside = _affirmed(trigger.calendar, trigger.inside)
        phrase = "only" if inside else "except"
        return self.say(phrase, what=self.trigger(trigger.of), calendar=self.when(calendar))

    @trigger.register
    def _(self, trigger: Shifted) -> str:
        return self.say(f"shift_{trigger.direction}", what=self.trigger(trigger.of), day=self.day(trigger.calendar))

    def when(self, calendar: Calendar) -> str:
        """A calendar, as an answer to the question when: ``on public holidays``, ``between 08:00 and 18:00``."""
        match calendar:
            case Not():
                return self.say("when_not", calendar=self.calendar(calendar.of))
            case AnyOf():
                return self.language.listed([self.when(each) for each in calendar.of], word="or")
            case AllOf():
                return self._when_all(calendar)
            case EachDay():
                return self.when(calendar.of)
            case Weekdays():
                return self._in_zone(self._week(calendar, "when"), calendar.tz)
            case Hours() | Window():
                return self._when_between(calendar)
            case Named() | During():
                return self.say("when_during", calendar=self.calendar(calendar))
            case _:
                return self.say("when_days", calendar=self.calendar(calendar))

    def day(self, calendar: Calendar) -> str:
        """What one of a calendar's days is called: ``business day in China``."""
        match calendar:
            case Weekdays():
                return self._in_zone(self._week(calendar, "day"), calendar.tz)
            case Holidays() | BusinessDays():
                phrase = "day_holidays" if isinstance(calendar, Holidays) else "day_business_days"
                return self._in_zone(self.say(phrase, country=self._country(calendar)), calendar.tz)
            case Not():
                return self.say("day_but", calendar=self.when(calendar.of))
            case _:
                return self.say("day_of", calendar=self.calendar(calendar))

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
                count = 1 if calendar.length in _ONE else 2
                length, what = self.length(calendar.length), self.trigger(calendar.trigger)
                return self.say("during", count=count, length=length, what=what)
            case _:
                return self._plain_calendar(calendar)

    def _plain_calendar(self, calendar: Calendar) -> str:
        match calendar:
            case Weekdays():
                text = self.language.ranges(_weekdays_of(calendar), self.language.weekday, cycle=7)
                return self._in_zone(text, calendar.tz)
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
                return self._in_zone(self.say(phrase, country=self._country(calendar)), calendar.tz)
            case _:
                return str(calendar.spec())

    def _week(self, calendar: Weekdays, form: str) -> str:
        """Days of the week, as ``when`` or as ``day`` says them."""
        chosen = _weekdays_of(calendar)
        if form == "day" and chosen == [1, 2, 3, 4, 5]:
            return self.say("day_workdays")
        if any(len(run) > 2 for run in runs_of(chosen, 7)):
            return self.say(f"{form}_weekday_range", days=self.language.ranges(chosen, self.language.weekday, cycle=7))
        names = self.language.many_weekdays if form == "when" else self.language.weekdays
        word = "and" if form == "when" else "either"
        return self.say(f"{form}_weekdays", days=self.language.listed([names[day % 7] for day in chosen], word=word))

    def _when_between(self, calendar: Hours | Window) -> str:
        if isinstance(calendar, Hours):
            text = self.say("when_hours", start=clock_text(calendar.start), end=clock_text(calendar.end))
            return self._in_zone(text, calendar.tz)
        start, end = (self._moment(at, None) for at in (calendar.start, calendar.end))
        return self.say("when_window", start=start, end=end)

    def _when_all(self, calendar: AllOf) -> str:
        """What has to hold together, and after it what must not."""
        wanted = [self.when(each) for each in calendar.of if not isinstance(each, Not)]
        barred = [self.when(each.of) for each in calendar.of if isinstance(each, Not)]
        if not wanted:
            others = [self.calendar(each.of) for each in calendar.of if isinstance(each, Not)]
            return self.say("when_not", calendar=self.language.listed(others, word="or"))
        text = self.language.listed(wanted)
        return (
            self.say("when_but_not", calendar=text, others=self.language.listed(barred, word="or")) if barred else text
        )

    def _country(self, calendar: Holidays | BusinessDays) -> str:
        country = self.language.country(calendar.country)
        if calendar.subdivision is None:
            return country
        return self.say("part_of_country", country=country, part=calendar.subdivision)

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
        if SECOND < micros < MINUTE and micros % SECOND:
            return self.say("seconds", count=f"{micros / SECOND:g}")
        parts: list[str] = []
        for unit, size in _UNITS:
            count, micros = divmod(micros, size)
            if count:
                parts.append(self.say(unit, count=count))
        return self.language.listed(parts or [self.say("seconds", count=0)], word="length")

    def time(self, at: int, zone: str | None) -> str:
        """An instant as the clocks of a zone show it."""
        local = moment(at, zone_of(zone)).replace(tzinfo=None)
        return local.isoformat(" ", "seconds" if local.second else "minutes")

    def zoned(self, text: str, zone: str) -> str:
        """The text, with the zone in which it is to be read."""
        return self.say("zone_utc" if zone == "UTC" else "zone", what=text, zone=zone)

    def _at(self, trigger: At) -> str:
        times = [self.time(at, trigger.zone_name) for at in trigger.moments]
        if len(times) == 1:
            return self.say("once", time=times[0])
        if len(times) <= _FEW:
            return self.say("each_once", times=self.language.listed(times))
        return self.say("times", count=len(times), first=times[0], last=times[-1])

    def _anchored(self, trigger: Recurring, anchor: date, times: str) -> str:
        """What recurs by the calendar from a day that is known."""
        day, month = self.language.days[anchor.day], self.language.months[anchor.month - 1]
        if trigger.months:
            unit, count = ("months", trigger.months) if trigger.months % 12 else ("years", trigger.months // 12)
            text = self.say(f"every_{unit}", count=count, day=day, month=month, times=times)
            if anchor.day > 28 and unit == "months":
                text = self.say("short_months", what=text)
            elif (anchor.month, anchor.day) == (2, 29):
                text = self.say("leap_day", what=text)
        elif trigger.days % 7 == 0:
            count, weekday = trigger.days // 7, self.language.weekday(anchor.isoweekday())
            text = self.say("every_weeks", count=count, weekday=weekday, times=times)
        else:
            count, text = trigger.days, self.say("every_days", count=trigger.days, times=times)
        return text if count == 1 else self.say("counted_from", what=text, day=anchor)

    def _from_creation(self, trigger: Recurring, times: str) -> str:
        """What recurs by the calendar from the day on which its schedule is created."""
        if trigger.months:
            return self.say("from_creation_months", count=trigger.months, times=times)
        return self.say("from_creation_days", count=trigger.days, times=times)

    def _every(self, interval: int) -> str:
        if interval > DAY and interval % DAY == 0:
            return self.say("every_days_long", count=interval // DAY)
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
        return self.time(at, self.zone) if self.zone else self.zoned(self.time(at, zone), zone or "UTC")

    def _there(self, text: str, zone: str | None) -> str:
        """The text, with its zone where that is not the readers'."""
        if (zone or "UTC") != self.zone:
            return self.zoned(text, zone or "UTC")
        self.clock_read = True
        return text

    def _in_zone(self, text: str, zone: str | None) -> str:
        """The text of a calendar, with its zone where it has one of its own that is not the readers'."""
        self.clock_read = self.clock_read or zone is None
        return text if zone is None else self._there(text, zone)


def _weekdays_of(calendar: Weekdays) -> list[int]:
    """The days of the week that a calendar has, Sunday last, as 7."""
    return [day for day in range(1, 8) if calendar.bits >> day % 7 & 1]


def _affirmed(calendar: Calendar, inside: bool) -> tuple[Calendar, bool]:
    """A calendar to be inside of or not, said without a negation where that can be: not outside is inside."""
    match calendar:
        case Not():
            return _affirmed(calendar.of, not inside)
        case AllOf() if all(isinstance(each, Not) for each in calendar.of):
            return AnyOf(tuple(each.of for each in calendar.of if isinstance(each, Not))), not inside
        case _:
            return calendar, inside
