"""What is likely to go wrong with schedules, found before it does: pure functions from schedules to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal, NamedTuple

from foliot.errors import TriggerError
from foliot.moments import DAY, MINUTE, SECOND, spell
from foliot.triggers import fields
from foliot.triggers.base import Trigger
from foliot.triggers.cron import Cron, needed_day
from foliot.triggers.days import LENGTHS, joins_days
from foliot.triggers.delayed import Delayed
from foliot.triggers.explain import explain
from foliot.triggers.fields import Field, Kind
from foliot.triggers.intervals import Every, Pause
from foliot.triggers.marks import clock_marks, parts_of
from foliot.triggers.recurring import Recurring
from foliot.triggers.wall import Wall
from foliot.triggers.writing import written

Level = Literal["error", "warning", "note"]

HERD = 20
"""How many schedules in the same minute are a herd, unless told otherwise."""

_AHEAD = 2 * 366 * DAY  # how far clock changes are looked for
_FIRINGS = 1_000  # firings looked at for each schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A schedule to be looked at: its name, its trigger, and how long its runs usually take, if that is known."""

    name: str
    trigger: Trigger
    usual: int | None = None


class Finding(NamedTuple):
    """Something wrong, or worth a look: ``code`` for programs, the rest for people. Notes do not fail a check."""

    code: str
    level: Level
    schedule: str
    text: str
    remedy: str


class _Case(NamedTuple):
    """A schedule as it would be if it were created now."""

    name: str
    trigger: Trigger
    usual: int | None
    now: int


def lint(entries: Iterable[Entry], now: int, *, herd: int = HERD) -> list[Finding]:
    """What is likely to go wrong with these schedules from ``now`` on; ``herd`` in one minute are too many."""
    entries = list(entries)
    cases = [_Case(each.name, _ready(each, now), each.usual, now) for each in entries]
    found = [finding for case in cases for check in _CHECKS for finding in check(case)]
    return [*found, *_herds(entries, now, herd)]


def unreadable(name: str, error: TriggerError) -> Finding:
    """What to say of a schedule whose trigger was refused: a day that never comes, or a line that means nothing."""
    return Finding("refused", "error", name, str(error), "correct the trigger; the text says where")


def exit_code(findings: Sequence[Finding]) -> int:
    """What a check in continuous integration ends with: 1 where there is more than notes."""
    return int(any(each.level != "note" for each in findings))


def histogram(entries: Iterable[Entry], start: int, *, minutes: int = 24 * 60) -> list[int]:
    """How many of these schedules have something due in each minute from ``start`` on."""
    found: Counter[int] = Counter()
    end = start + minutes * MINUTE
    for each in entries:
        found.update(_minutes_due(_ready(each, start), start, end))
    return [found[minute] for minute in range(minutes)]


def _ready(entry: Entry, now: int) -> Trigger:
    return entry.trigger.settled(now).bound(entry.name)


def _minutes_due(trigger: Trigger, start: int, end: int) -> set[int]:
    """The minutes from ``start`` in which something of this trigger is due; one look for each of them."""
    found: set[int] = set()
    at = trigger.next_at(start - 1)
    while at is not None and at < end:
        minute = (at + trigger.delay(at) - start) // MINUTE
        found.add(minute)
        at = trigger.next_at(max(at, start + (at - start) // MINUTE * MINUTE + MINUTE - 1))
    return found


# Checks of one schedule


def _never(case: _Case) -> Iterator[Finding]:
    if case.trigger.next_at(case.now) is None:
        text = f"does not fire any more after {written(case.now)}"
        yield Finding("never", "error", case.name, text, "give it times to come, or remove it")


def _no_zone(case: _Case) -> Iterator[Finding]:
    for part in parts_of(case.trigger):
        if isinstance(part, Cron | Recurring) and part.tz is None and _has_hours(part):
            text = f"has no time zone, so this is read in UTC: {explain(part)}"
            yield Finding("no-zone", "warning", case.name, text, "say tz='Europe/Berlin', or tz='UTC' if that is meant")
            return


def _both_days(case: _Case) -> Iterator[Finding]:
    for part in _crons(case.trigger):
        if joins_days(part.pattern.day, part.pattern.weekday, part.days == "and"):
            remedy = "that is what cron does; say days='and' where both must hold"
            yield Finding(
                "both-days", "warning", case.name, f"fires where either day field fits: {explain(part)}", remedy
            )


def _short_months(case: _Case) -> Iterator[Finding]:
    for part in _crons(case.trigger):
        if part.pattern.weekday.star and (lacking := _months_without(part.pattern.day, part.pattern.month)):
            text = f"has no day {needed_day(part.pattern.day)} in {lacking}"
            yield Finding("short-month", "warning", case.name, text, "for the last day of each month write L")
        weekdays = part.pattern.weekday
        if weekdays.rules and not weekdays.numbers and all(nth == 5 for _, _, nth in weekdays.rules):
            text = "most months have no fifth weekday of one kind"
            yield Finding("short-month", "warning", case.name, text, "for the last one of each month write 5L, not 5#5")


def _months_without(day: Field, month: Field) -> str:
    """Which of its months lack the smallest day that a field means, in words; nothing where none does."""
    needed = needed_day(day)
    short = [each for each in range(1, 13) if month.numbers >> each & 1 and LENGTHS[each - 1] < needed]
    february = needed == 29 and month.numbers >> 2 & 1
    return "some Februaries" if february else f"{len(short)} of its months" if short else ""


def _clock_changes(case: _Case) -> Iterator[Finding]:
    for part in parts_of(case.trigger):
        if isinstance(part, Wall) and (hits := list(islice(_hits(part, case.now), 2))):
            text = f"meets clock changes: {'; '.join(hits)}"
            remedy = "choose an hour that every night has once, or say what is meant with gap= and fold="
            yield Finding("clock-change", "note", case.name, text, remedy)


def _uneven(case: _Case) -> Iterator[Finding]:
    for part in _crons(case.trigger):
        kinds = (
            (part.pattern.second, fields.SECOND),
            (part.pattern.minute, fields.MINUTE),
            (part.pattern.hour, fields.HOUR),
        )
        for field, kind in kinds:
            if (step := _uneven_step(field, kind)) is not None:
                text = f"begins anew with each {_AROUND[kind.name]}, so not all its {kind.name}s are {step} apart"
                remedy = f"every('{step}{kind.name[0]}') keeps the distance; {_divisors(kind)} come out even"
                yield Finding("uneven", "warning", case.name, text, remedy)


def _drifts(case: _Case) -> Iterator[Finding]:
    for part in parts_of(case.trigger):
        if isinstance(part, Pause):
            text = "counts from the finish of each run, so its times drift"
            yield Finding("drift", "note", case.name, text, "every() without after='finish' keeps its times")
        if isinstance(part, Every) and part.interval % DAY == 0:
            days = part.interval // DAY
            text = "counts 24 hours for a day, so its time of day drifts by an hour when clocks change"
            yield Finding(
                "drift", "note", case.name, text, f"every(days={days}, at='09:00', tz=...) keeps to the clock"
            )


def _too_often(case: _Case) -> Iterator[Finding]:
    shortest = _shortest_distance(case.trigger, case.now)
    if shortest is None or case.trigger.from_finish:
        return
    if case.usual is not None and case.usual > shortest:
        text = f"fires {spell(shortest)} apart, and its runs usually take {spell(case.usual)}"
        yield Finding("too-often", "warning", case.name, text, "fire less often, or choose what overlap means")
    latest = sum(part.max_jitter + part.max_spread for part in parts_of(case.trigger) if isinstance(part, Delayed))
    if latest > shortest:
        text = f"fires {spell(shortest)} apart, and each up to {spell(latest)} late: firings overtake each other"
        yield Finding("late", "warning", case.name, text, "keep jitter and spread below the distance of two firings")


Check = Callable[[_Case], Iterator[Finding]]

_CHECKS: tuple[Check, ...] = (
    _never,
    _no_zone,
    _both_days,
    _short_months,
    _clock_changes,
    _uneven,
    _drifts,
    _too_often,
)


# Checks of all schedules together


def _herds(entries: Sequence[Entry], now: int, herd: int) -> Iterator[Finding]:
    """The minutes of the coming day with too many schedules; those with the same number together."""
    start = now - now % MINUTE + MINUTE
    minutes: dict[int, list[int]] = {}
    for minute, count in enumerate(histogram(entries, start)):
        if count >= herd:
            minutes.setdefault(count, []).append(minute)
    for count, crowded in sorted(minutes.items(), reverse=True):
        first = written(start + crowded[0] * MINUTE)
        more = f" and in {len(crowded) - 1} more minutes of the day" if len(crowded) > 1 else ""
        text = f"{count} schedules are due in the minute of {first}{more}"
        yield Finding("herd", "warning", "", text, "spread them: spread='5m' beside the trigger, or H in the cron line")


def _crons(trigger: Trigger) -> Iterator[Cron]:
    return (part for part in parts_of(trigger) if isinstance(part, Cron))


def _has_hours(part: Cron | Recurring) -> bool:
    """Whether the zone decides when it fires: not for what goes on all day, every day."""
    return isinstance(part, Recurring) or not part.pattern.hour.wild or part.expression.split()[-3:] != ["*"] * 3


def _hits(wall: Wall, now: int) -> Iterator[str]:
    """The firings on nights of clock changes that are not as on other nights, of a trigger with fixed hours."""
    if not wall.fills_gaps and wall.folds == "both":
        return
    second, end = now // SECOND, (now + _AHEAD) // SECOND
    while second < end:
        stretch = wall.clock.at(second)
        around = stretch.end * SECOND
        if stretch.after != stretch.offset:
            reach = abs(stretch.after - stretch.offset) * SECOND
            for at in islice(wall.instants(around - reach - 1, around + reach), _FIRINGS):
                yield from (f"{written(at, wall.zone)} ({mark.why})" for mark in clock_marks(wall, at))
        second = stretch.end


def _uneven_step(field: Field, kind: Kind) -> int | None:
    """The step of a wildcard that does not come out even at the end of its range."""
    numbers = [number for number in range(kind.low, kind.high + 1) if field.numbers >> number & 1]
    if not field.wild or len(numbers) < 2:
        return None
    distances = {second - first for first, second in pairwise(numbers)}
    back = numbers[0] + kind.high + 1 - numbers[-1]
    return min(distances) if len(distances) == 1 and back not in distances else None


_AROUND = {"second": "minute", "minute": "hour", "hour": "day"}


def _divisors(kind: Kind) -> str:
    size = kind.high + 1
    return ", ".join(str(step) for step in range(2, size // 2 + 1) if size % step == 0)


def _shortest_distance(trigger: Trigger, now: int) -> int | None:
    """The shortest time between two of the next firings."""
    found: list[int] = []
    at = trigger.next_at(now)
    while at is not None and len(found) < _FIRINGS:
        found.append(at)
        at = trigger.next_at(at)
    return min((second - first for first, second in pairwise(found)), default=None)
