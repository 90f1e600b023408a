"""Triggers put together: either, both, one without the other, kept to a calendar, moved to other days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from foliot.errors import TriggerError
from foliot.moments import SECOND
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.calendars import Calendar
from foliot.triggers.wrapper import Wrapper
from foliot.triggers.zones import DAY, Clock, clock_of

Direction = Literal["previous", "next"]

Combined = TypeVar("Combined", bound=Trigger)

_STEPS = 500_000  # instants looked at before a search gives up: five days of every second, a year of every minute
_FAR = 400  # days looked at before one that a calendar covers is given up


@dataclass(frozen=True, slots=True)
class Either(Trigger):
    """The instants of any of several triggers; make it with ``a | b``."""

    of: tuple[Trigger, ...]

    @property
    def zone_name(self) -> str | None:
        return _common_zone(self.of)

    def next_at(self, after: int) -> int | None:
        return min((found for each in self.of if (found := each.next_at(after)) is not None), default=None)

    def delay(self, nominal: int) -> int:
        """That of the first of them that has this instant."""
        return next((each.delay(nominal) for each in self.of if each.next_at(nominal - 1) == nominal), 0)

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        return Either(tuple(change(each) for each in self.of))

    def spec(self) -> Spec:
        return {"any": [each.spec() for each in self.of]}


@dataclass(frozen=True, slots=True)
class Both(Trigger):
    """The instants that several triggers share; make it with ``a & b``."""

    of: tuple[Trigger, ...]

    @property
    def zone_name(self) -> str | None:
        return _common_zone(self.of)

    def next_at(self, after: int) -> int | None:
        reached = after + 1
        for _ in range(_STEPS):
            here = reached
            for each in self.of:
                if (found := each.next_at(reached - 1)) is None:
                    return None
                reached = found
            if reached == here:
                return here
        return None

    def delay(self, nominal: int) -> int:
        """The longest of theirs."""
        return max(each.delay(nominal) for each in self.of)

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        return Both(tuple(change(each) for each in self.of))

    def spec(self) -> Spec:
        return {"all": [each.spec() for each in self.of]}


@dataclass(frozen=True, slots=True)
class Without(Wrapper):
    """The instants of ``of`` that are not instants of ``unless``; make it with ``a - b``."""

    unless: Trigger

    def next_at(self, after: int) -> int | None:
        for _ in range(_STEPS):
            found = self.of.next_at(after)
            if found is None or self.unless.next_at(found - 1) != found:
                return found
            after = found
        return None

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        return Without(change(self.of), change(self.unless))

    def spec(self) -> Spec:
        return {"of": self.of.spec(), "unless": self.unless.spec()}


@dataclass(frozen=True, slots=True)
class Within(Wrapper):
    """The instants of ``of`` that a calendar covers, or, with ``inside`` false, those that it does not.

    Make it with ``trigger & calendar`` or ``trigger - calendar``.
    """

    calendar: Calendar
    inside: bool = True

    def next_at(self, after: int) -> int | None:
        zone = self.zone_name
        for _ in range(_STEPS):
            found = self.of.next_at(after)
            if found is None or self.calendar.covers(found, zone) is self.inside:
                return found
            if (edge := self.calendar.edge_after(found, zone)) is None:
                return None
            after = max(found, edge - 1)
        return None

    def spec(self) -> Spec:
        return {"of": self.of.spec(), "only" if self.inside else "except": self.calendar.spec()}


@dataclass(frozen=True, slots=True)
class Shifted(Wrapper):
    """The instants of ``of``, those on days that a calendar does not cover moved to the same time on one that
    it does.

    ``direction`` says whether that is the next such day or the previous one; make it with
    ``trigger.shift()``.
    """

    direction: Direction
    calendar: Calendar

    def next_at(self, after: int) -> int | None:
        clock, zone = clock_of(self.zone_name), self.zone_name
        best: int | None = None
        found = self.of.next_at(self._first_look(after, clock))
        for _ in range(_STEPS):
            if found is None or (self.direction == "next" and best is not None and found >= best):
                return best
            day, time = divmod(clock.local(found // SECOND), DAY)
            if (target := self._target(day, zone)) is None:
                return best
            if best is not None and target > clock.local(best // SECOND) // DAY:
                return best
            moved = found if target == day else clock.instant(target * DAY + time) * SECOND + found % SECOND
            if moved > after and (best is None or moved < best):
                best = moved
            found = self.of.next_at(found)
        return best

    def _first_look(self, after: int, clock: Clock) -> int:
        """Where the instants begin that may be moved beyond ``after``: after the last day covered."""
        if self.direction == "previous":
            return after
        today = clock.local(after // SECOND) // DAY
        covered = covered_day(self.calendar, today - 1, -1, self.zone_name)
        return clock.instant((today - _FAR if covered is None else covered + 1) * DAY) * SECOND - 1

    def _target(self, day: int, zone: str | None) -> int | None:
        return covered_day(self.calendar, day, 1 if self.direction == "next" else -1, zone)

    def spec(self) -> Spec:
        return {"of": self.of.spec(), "shift": self.direction, "to": self.calendar.spec()}


def covered_day(calendar: Calendar, day: int, step: int, zone: str | None) -> int | None:
    """The first day a calendar covers from ``day`` on, or back where ``step`` is -1; None for 400 without."""
    for candidate in range(day, day + step * _FAR, step):
        if calendar.covers_day(candidate, zone):
            return candidate
    return None


def any_of(*triggers: Trigger) -> Trigger:
    """The instants of all these triggers together."""
    if len(triggers) == 1:
        return triggers[0]
    _refuse_pauses(*triggers)
    return Either(tuple(part for each in triggers for part in _parts(each, Either)))


def both(first: Trigger, second: Trigger) -> Both:
    """The instants at which both triggers fire."""
    _refuse_pauses(first, second)
    return _that_fires(Both((*_parts(first, Both), *_parts(second, Both))), "these never fire at the same instant")


def without(first: Trigger, second: Trigger) -> Without:
    """The instants of the first trigger at which the second does not fire."""
    _refuse_pauses(first, second)
    return _that_fires(Without(first, second), "nothing is left: the one fires whenever the other does")


def within(trigger: Trigger, calendar: Calendar, *, inside: bool) -> Within:
    """The instants of a trigger inside a calendar, or outside of it."""
    return _that_fires(Within(trigger, calendar, inside), "nothing is left of the trigger in this calendar")


def shifted(trigger: Trigger, direction: Direction, calendar: Calendar) -> Shifted:
    """The instants of a trigger, moved to days that a calendar covers."""
    if direction not in ("previous", "next"):
        raise TriggerError(f"shift({direction!r}) is not a direction; there are 'previous' and 'next'")
    calendar.covers_day(0, trigger.zone_name)  # refuses a calendar of hours
    return Shifted(trigger, direction, calendar)


def _parts(trigger: Trigger, kind: type[Either | Both]) -> tuple[Trigger, ...]:
    """``(a | b) | c`` is one choice of three."""
    return trigger.of if isinstance(trigger, kind) else (trigger,)


def _common_zone(triggers: tuple[Trigger, ...]) -> str | None:
    """The zone of the first that has one: in it times are shown, and calendars without a zone are read."""
    return next((each.zone_name for each in triggers if each.zone_name is not None), None)


def _refuse_pauses(*triggers: Trigger) -> None:
    if any(each.from_finish for each in triggers):
        raise TriggerError(
            "a pause after each finish has no instants of its own, so it does not mix with other triggers"
        )


def _that_fires(trigger: Combined, reason: str) -> Combined:
    """The trigger, refused if it never fires; one that is not settled yet cannot be told."""
    try:
        found = trigger.next_at(-1)
    except TriggerError:
        return trigger
    if found is None:
        raise TriggerError(f"{reason}: {trigger.spec()}")
    return trigger
