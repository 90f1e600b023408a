"""What is special about one firing, and which instants are left out: clock changes, calendars, moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, NamedTuple, cast

from foliot.moments import SECOND, moment
from foliot.triggers.algebra import Either, Shifted, Within, Without
from foliot.triggers.base import Trigger
from foliot.triggers.explain import explain_calendar, explain_day
from foliot.triggers.wall import Wall
from foliot.triggers.wrapper import Wrapper

What = Literal["gap", "fold", "excluded", "shifted", "late", "overlap", "missed"]

_LOOKED_AT = 1_000  # instants looked at for each reason to leave some out


class Mark(NamedTuple):
    """Something special about a firing, and why, in words."""

    what: What
    why: str


def marks_of(trigger: Trigger, at: int) -> Iterator[Mark]:
    """What a change of the clocks or a move to another day does to a firing of this trigger."""
    yield from clock_marks(trigger, at)
    yield from _moves(trigger, at)


def clock_marks(trigger: Trigger, at: int) -> Iterator[Mark]:
    """What a change of the clocks does to a firing of this trigger."""
    for leaf in _walls(trigger, at):
        second = at // SECOND
        stretch = leaf.clock.at(second)
        local = second + stretch.offset
        if leaf.later(local - 1) != local:
            wanted = leaf.later(stretch.start + stretch.before - 1) or local
            yield Mark("gap", f"{_clock(wanted)} does not exist that night; this is right after it would have been")
        elif local < stretch.plain_from and stretch.before > stretch.offset:
            yield Mark("fold", f"the second {_clock(local)} of that night")
        elif local >= stretch.plain_to and stretch.after < stretch.offset:
            yield Mark("fold", f"the first of two times {_clock(local)} that night")


def _clock(local: int) -> str:
    return f"{moment(local * SECOND):%H:%M:%S}".removesuffix(":00")


def _walls(trigger: Trigger, at: int) -> Iterator[Wall]:
    """The trigger on the wall clock that fires at this instant, inside of whatever is made of it."""
    match trigger:
        case Wall():
            yield trigger
        case Shifted() if trigger.of.next_at(at - 1) != at:
            return
        case Wrapper():
            yield from _walls(trigger.of, at)
        case Either():
            source = next((each for each in trigger.of if each.next_at(at - 1) == at), None)
            yield from () if source is None else _walls(source, at)
        case _:
            return


def _moves(trigger: Trigger, at: int) -> Iterator[Mark]:
    for part in parts_of(trigger):
        if isinstance(part, Shifted) and part.of.next_at(at - 1) != at:
            day = explain_day(part.calendar, zone=part.zone_name)
            yield Mark("shifted", f"moved from a day that is no {day}")


def parts_of(trigger: Trigger) -> Iterator[Trigger]:
    """The trigger and, inside of it, those that it is made of and that have firings of their own."""
    yield trigger
    if isinstance(trigger, Wrapper):
        yield from parts_of(trigger.of)
    elif isinstance(trigger, Either):
        for each in trigger.of:
            yield from parts_of(each)


def left_out_by(part: Trigger, start: int, last: int) -> Iterator[tuple[int, Mark]]:
    """The instants later than ``start``, up to ``last``, that this part of a trigger leaves out, and why."""
    match part:
        case Within():
            zone = part.zone_name
            when = explain_calendar(part.calendar, zone=zone)
            mark = Mark("excluded", f"not {when}" if part.inside else when)
            for at in islice(part.of.instants(start, last), _LOOKED_AT):
                if part.calendar.covers(at, zone) is not part.inside:
                    yield at, mark
        case Without():
            mark = Mark("excluded", f"taken out by another trigger: {part.unless.explain()}")
            for at in islice(part.of.instants(start, last), _LOOKED_AT):
                if part.next_at(at - 1) != at:
                    yield at, mark
        case Wall(gap="skip"):
            filled: Wall = replace(cast("Any", part), gap="after")
            for at in islice(filled.instants(start, last), _LOOKED_AT):
                if part.next_at(at - 1) != at:
                    yield at, Mark("gap", "does not exist that night, and is skipped")
        case _:
            return
