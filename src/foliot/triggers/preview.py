"""The firings to come, each with what is special about it: what people look at before they trust a schedule."""

from __future__ import annotations

from calendar import monthcalendar
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice

from foliot.model import Catchup, Overlap
from foliot.moments import instant, moment, spell
from foliot.triggers.base import Trigger
from foliot.triggers.marks import Mark, left_out_by, marks_of, parts_of
from foliot.triggers.writing import written
from foliot.triggers.zones import zone_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One firing, or ``count`` instants from ``at`` on that are left out.

    ``at`` is the nominal instant, ``due`` when its run may start, ``zone`` where people think of it; microseconds.
    """

    at: int
    due: int
    zone: str = "UTC"
    fires: bool = True
    count: int = 1
    marks: tuple[Mark, ...] = ()

    @property
    def local(self) -> str:
        """The nominal time on the wall clock: ``2026-03-29 03:00:00+02:00 CEST``."""
        there = moment(self.at, zone_of(self.zone))
        return f"{there.isoformat(' ')} {there:%Z}".removesuffix(" UTC") if there.tzname() else there.isoformat(" ")

    @property
    def remarks(self) -> str:
        """All marks as text."""
        return "; ".join(f"{mark.what}: {mark.why}" for mark in self.marks)

    def document(self) -> dict[str, object]:
        """This row as a JSON object."""
        marks = [{"what": mark.what, "why": mark.why} for mark in self.marks]
        times: dict[str, object] = {"at": written(self.at), "local": self.local, "due": written(self.due)}
        return times | {"fires": self.fires, "count": self.count, "marks": marks}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What is known about the runs of a schedule: how long they usually take, and what overlap and catch-up say.

    ``outage`` is a time, from and to, in which nobody is there to fire; lengths are microseconds.
    """

    usual: int | None = None
    overlap: Overlap = Overlap.SKIP
    outage: tuple[int, int] | None = None
    catchup: Catchup = Catchup.LATEST
    most: int = 100


def preview(
    trigger: Trigger,
    start: int,
    *,
    count: int = 10,
    end: int | None = None,
    schedule: str = "",
    habits: Habits | None = None,
) -> list[Row]:
    """The next firings later than ``start``: at most ``count``, and none later than ``end``.

    Between them stand the instants that calendars and skipped clock changes leave out. The trigger is taken as if a
    schedule with the id ``schedule`` were created at ``start``.
    """
    habits = habits or Habits()
    settled = trigger.settled(start).bound(schedule)
    zone = settled.zone_name or "UTC"
    fired = list(islice(_instants(settled, start, habits), count))
    if end is not None:
        fired = [at for at in fired if at <= end]
    last = end if end is not None and len(fired) < count else fired[-1] if fired else start
    rows = _played([_firing(settled, at, zone) for at in fired], habits)
    return sorted([*rows, *_left_out(settled, start, last, zone, fired)], key=lambda row: row.at)


def month(trigger: Trigger, year: int, month_of_year: int) -> str:
    """A calendar of one month, Monday first, with how often the trigger fires on each day."""
    zone = trigger.zone
    low = instant(f"{year:04}-{month_of_year:02}-01", zone)
    high = instant(f"{year + month_of_year // 12:04}-{month_of_year % 12 + 1:02}-01", zone)
    times: dict[int, int] = {}
    for at in trigger.settled(low).instants(low - 1, high - 1):
        day = moment(at, zone).day
        times[day] = times.get(day, 0) + 1
    weeks = [
        " ".join(_cell(day, times.get(day, 0)) for day in week).rstrip() for week in monthcalendar(year, month_of_year)
    ]
    heading = " ".join(f"{name:<7}" for name in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")).rstrip()
    return "\n".join([f"{year:04}-{month_of_year:02} ({trigger.zone_name or 'UTC'})", heading, *weeks])


def _cell(day: int, times: int) -> str:
    shown = f"{day:2}" if day else "  "
    return f"{shown} x{times:<4}" if times else f"{shown:<7}"


def _instants(trigger: Trigger, start: int, habits: Habits) -> Iterator[int]:
    """The instants that would fire: one after the other, or, where that is asked for, each after the last run's end."""
    from_finish = trigger.from_finish or habits.overlap is Overlap.DELAY
    found = trigger.next_at(start)
    while found is not None:
        yield found
        found = trigger.next_at(found + trigger.delay(found) + (habits.usual or 0) if from_finish else found)


def _firing(trigger: Trigger, at: int, zone: str) -> Row:
    late = trigger.delay(at)
    marks = list(marks_of(trigger, at))
    if late:
        marks.append(Mark("late", f"by {spell(late)}, for jitter and spread"))
    return Row(at=at, due=at + late, zone=zone, marks=tuple(marks))


def _left_out(trigger: Trigger, start: int, last: int, zone: str, fired: list[int]) -> list[Row]:
    """Rows for what is left out up to ``last``, with neighbours that have the same reason in one row."""
    found = sorted({each for part in parts_of(trigger) for each in left_out_by(part, start, last)})
    firings = set(fired)

    def stretch(each: tuple[int, Mark]) -> tuple[Mark, int]:
        return each[1], sum(1 for at in fired if at < each[0])

    rows: list[Row] = []
    for (mark, _), group in groupby((each for each in found if each[0] not in firings), key=stretch):
        instants = [at for at, _ in group]
        rows.append(Row(at=instants[0], due=instants[0], zone=zone, fires=False, count=len(instants), marks=(mark,)))
    return rows


def _played(rows: list[Row], habits: Habits) -> list[Row]:
    """The rows with what an outage and runs that take their usual time would make of them."""
    return _overlapped(_caught_up(rows, habits), habits)


def _caught_up(rows: list[Row], habits: Habits) -> list[Row]:
    if habits.outage is None:
        return rows
    down, up = habits.outage
    missed = [row for row in rows if down <= row.at < up]
    chosen = {
        Catchup.LATEST: missed[-1:],
        Catchup.EARLIEST: missed[:1],
        Catchup.ALL: missed[: habits.most],
        Catchup.NONE: [],
    }[habits.catchup]
    return [_late(row, up, row in chosen, habits.catchup) if row in missed else row for row in rows]


def _late(row: Row, up: int, runs: bool, catchup: Catchup) -> Row:
    if runs:
        mark = Mark("missed", f"runs late, at {written(up)}: catch-up is {catchup.value!r}")
        return replace(row, due=max(up, row.due), marks=(*row.marks, mark))
    mark = Mark("missed", f"recorded as skipped: catch-up is {catchup.value!r}")
    return replace(row, fires=False, marks=(*row.marks, mark))


def _overlapped(rows: list[Row], habits: Habits) -> list[Row]:
    """The rows as one run after the other would make them, each taking its usual time."""
    if not habits.usual or habits.overlap in (Overlap.ALLOW, Overlap.DELAY):
        return rows
    played: list[Row] = []
    starts: list[int] = []  # of the runs so far
    for row in rows:
        free = starts[-1] + habits.usual if starts else 0
        if not row.fires or row.due >= free:
            played.append(row)
            starts += [row.due] if row.fires else []
            continue
        waiting = sum(1 for start in starts if start > row.due)
        if habits.overlap is Overlap.REPLACE:
            outcome, start = "cancels the run before it", row.due
        elif habits.overlap is Overlap.QUEUE or (habits.overlap is Overlap.QUEUE_ONE and not waiting):
            outcome, start = f"waits until {written(free)} for the run before it", free
        else:
            outcome, start = "skipped, for the run before it is still going", None
        mark = Mark("overlap", outcome)
        played.append(replace(row, fires=start is not None, due=start or row.due, marks=(*row.marks, mark)))
        starts += [] if start is None else [start]
    return played
