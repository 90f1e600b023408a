"""Recurrence rules of iCalendar (RFC 5545), read by ``python-dateutil``."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from foliot.errors import TriggerError
from foliot.moments import DAY, HOUR, MINUTE, SECOND, Moment, instant, moment
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.extras import library
from foliot.triggers.once import at
from foliot.triggers.wall import Wall
from foliot.triggers.writing import spec_of
from foliot.triggers.zones import Fold, Gap, zone_name, zone_of

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are naive: a wall clock does not show its zone
_UTC_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
_LENGTHS = {"SECONDLY": SECOND, "MINUTELY": MINUTE, "HOURLY": HOUR, "DAILY": DAY, "WEEKLY": 7 * DAY}


@dataclass(frozen=True, slots=True)
class Recurrence(Wall):
    """The times of a recurrence rule, from ``start`` (local, as ISO text) on; make it with ``rrule()``.

    Without a start the rule starts with the creation of its schedule.
    """

    rule: str
    start: str | None = None
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"

    def __post_init__(self) -> None:
        self.check_choices()
        rule = _from(self.rule, self.start or "2000-01-01")
        if not rule.possible() or rule.later(_FIRST) is None:
            raise TriggerError(f"{self.rule!r} never happens: no day is like that")

    def next_at(self, after: int) -> int | None:
        if self.start is None:
            raise TriggerError(
                f"{self.rule!r} starts with the creation of its schedule; settle it first, or give start="
            )
        return Wall.next_at(self, after)  # super() does not find its way in a class with slots

    def later(self, local: int) -> int | None:
        return _from(self.rule, self.start or "2000-01-01").later(local)

    def settled(self, now: int) -> Trigger:
        if self.start is not None:
            return self
        return replace(self, start=moment(now, self.zone).replace(tzinfo=None, microsecond=0).isoformat())

    def spec(self) -> Spec:
        return spec_of({"rrule": self.rule}, start=self.start, tz=self.tz, gap=self.gap, fold=self.fold)


def rrule(
    text: str,
    *,
    start: Moment | None = None,
    tz: tzinfo | str | None = None,
    gap: Gap = "after",
    fold: Fold = "first",
) -> Trigger:
    """What a rule of iCalendar means: ``rrule("FREQ=MONTHLY;BYDAY=-1FR", start="2026-01-01 09:00")``.

    The rule runs on the wall clock of ``tz`` (default UTC), where ``start`` is its DTSTART; without one it
    starts with the creation of the schedule. Lines with DTSTART, EXDATE and RDATE are read too. Needs the
    extra ``rrule``.
    """
    lines = _lines(text)
    zone = zone_name(tz) or lines.tz
    begin = lines.start if start is None else _local_text(start, zone)
    made: Trigger = Recurrence(_normal(lines.rule, zone), begin, zone, gap, fold)
    if lines.more:
        made = made | at(*lines.more, tz=zone)
    return made - at(*lines.without, tz=zone) if lines.without else made


class _Lines(NamedTuple):
    """What the lines of a rule say: the rule, its start and zone, further times, times left out."""

    rule: str
    start: str | None
    tz: str | None
    more: tuple[str, ...]
    without: tuple[str, ...]


def _lines(text: str) -> _Lines:
    found: dict[str, list[str]] = {"RRULE": [], "DTSTART": [], "RDATE": [], "EXDATE": []}
    tz: str | None = None
    for line in text.split():
        head, _, value = line.rpartition(":")
        name, *parameters = head.split(";")
        if (name := name.upper() or "RRULE") not in found:
            raise TriggerError(
                f"{line!r} is not part of a recurrence rule; there are {', '.join(found)}", text=text, at=0
            )
        found[name] += [value] if name == "RRULE" else value.split(",")
        if name == "DTSTART":
            named = (each[5:] for each in parameters if each.upper().startswith("TZID="))
            tz = next(named, "UTC" if value.endswith("Z") else None)
    if len(found["RRULE"]) != 1 or len(found["DTSTART"]) > 1:
        raise TriggerError(f"{text!r} has {len(found['RRULE'])} rules; give one, and put several together with |")
    times = {name: tuple(map(_spelled_out, found[name])) for name in ("DTSTART", "RDATE", "EXDATE")}
    start = times["DTSTART"][0].removesuffix("+00:00") if times["DTSTART"] else None
    return _Lines(found["RRULE"][0], start, tz, times["RDATE"], times["EXDATE"])


def _spelled_out(text: str) -> str:
    """A time as iCalendar writes it, in the longer way of ISO 8601."""
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise TriggerError(f"{text!r} is not a time of iCalendar; it is written like 20261231T090000") from None


def _local_text(start: Moment, zone: str | None) -> str:
    local = moment(instant(start, zone_of(zone)), zone_of(zone))
    return local.replace(tzinfo=None, microsecond=0).isoformat()


def _normal(rule: str, zone: str | None) -> str:
    """The rule in capitals, with the end in local time, as a wall clock without a zone needs it."""

    def local(until: re.Match[str]) -> str:
        end = datetime.strptime(until[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return f"UNTIL={end.astimezone(zone_of(zone)):%Y%m%dT%H%M%S}"

    return _UTC_UNTIL.sub(local, rule.upper().strip(";"))


class _Rule:
    """A rule with its start, on the wall clock."""

    def __init__(self, rule: str, start: datetime) -> None:
        self._words = dict(word.split("=", 1) for word in rule.split(";") if "=" in word)
        self._start = start
        self._parsed = _parsed(rule, start)
        self._interval = int(self._words.get("INTERVAL", "1"))
        if self._interval < 1 or int(self._words.get("COUNT", "1")) > _MANY:
            raise TriggerError(f"{rule!r} needs an INTERVAL of at least 1 and a COUNT of at most {_MANY}")
        self._known: list[int] = []  # of a rule with a COUNT, which has to be counted out from its start
        self._rest: Iterator[datetime] = iter(self._parsed)
        self._lock = Lock()
        self._answered: tuple[int, int | None] = (_LAST, None)  # the last question, which is often asked again

    def later(self, local: int) -> int | None:
        """The first time of the rule on the wall clock strictly later than ``local``."""
        if local >= _LAST:
            return None
        if "COUNT" in self._words:
            return self._counted_out(local)
        since, answer = self._answered
        if since <= local and (answer is None or local < answer):
            return answer
        shown = _EPOCH + timedelta(seconds=max(local, _FIRST))
        found = self._parsed.replace(dtstart=self._start_near(shown)).after(shown)
        answer = None if found is None else _seconds(found)
        self._answered = (local, answer)
        return answer

    def possible(self) -> bool:
        """Whether any day is as the rule wants it; the library would look for one up to the year 9999."""
        days = {name: value for name, value in self._words.items() if name in ("BYMONTH", "BYMONTHDAY", "BYYEARDAY")}
        if self._words["FREQ"] in ("MONTHLY", "YEARLY") or len(days) < 1:
            return True
        yearly = ";".join(("FREQ=YEARLY", *(f"{name}={value}" for name, value in days.items())))
        return next(iter(_parsed(yearly, _EPOCH)), None) is not None

    def _counted_out(self, local: int) -> int | None:
        with self._lock:
            while not self._known or self._known[-1] <= local:
                if (found := next(self._rest, None)) is None:
                    return None
                self._known.append(_seconds(found))
        return self._known[bisect_right(self._known, local)]

    def _start_near(self, shown: datetime) -> datetime:
        """A start before ``shown`` from which the rule goes on as from its own, whole periods away."""
        if shown <= self._start:
            return self._start
        if length := _LENGTHS.get(self._words["FREQ"]):
            period = timedelta(microseconds=length * self._interval)
            return self._start + (shown - self._start) // period * period
        years = (shown.year - 1 - self._start.year) // self._interval * self._interval
        while years > 0:
            try:
                return self._start.replace(year=self._start.year + years)
            except ValueError:  # the 29th of February
                years -= self._interval
        return self._start


_MANY = 100_000
_FIRST, _LAST = -62_000_000_000, 253_300_000_000  # local times that datetime can hold, with room for a period


@lru_cache(maxsize=1024)
def _from(rule: str, start: str) -> _Rule:
    return _Rule(rule, datetime.fromisoformat(start))


def _parsed(rule: str, start: datetime) -> Any:
    rules = library("dateutil.rrule", extra="rrule")
    try:
        return rules.rrulestr(rule, dtstart=start)
    except (ValueError, KeyError, TypeError) as error:
        raise TriggerError(f"{rule!r} is not a recurrence rule: {error}", text=rule, at=0) from None


def _seconds(shown: datetime) -> int:
    return (shown - _EPOCH) // timedelta(seconds=1)
