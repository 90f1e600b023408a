"""Triggers put together: either, both, one without the other, kept to a calendar, moved to other days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from foliot.errors import TriggerError
from foliot.moments import SECOND
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.calendars import Calendar
from foliot.triggers.intervals import Every
from foliot.triggers.wrapper import Wrapper
from foliot.triggers.zones import DAY, Clock, clock_of

Direction = Literal["previous", "next"]

Combined = TypeVar("Combined", bound=Trigger)

# A search gives up after so many instants, a day of every second or a year of every five minutes, or so far ahead.
_STEPS = 100_000
_HORIZON = 200 * 366 * DAY * SECOND
_SHIFT = 4 * 3600  # no clock has ever been changed by more, but for the date line
_LOOKS = (-1, 60 * 365 * DAY * SECOND)  # 1970, and 2029 for calendars that begin later
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
        changed = tuple(change(each) for each in self.of)
        return self if changed == self.of else Either(changed)

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
        reached, end = after + 1, after + _HORIZON
        for _ in range(_STEPS):
            here = reached
            for each in self.of:
                if (found := each.next_at(reached - 1)) is None:
                    return None
                reached = found
            if reached == here:
                return here
            if reached > end:
                return None
        return None

    def delay(self, nominal: int) -> int:
        """The longest of theirs."""
        return max(each.delay(nominal) for each in self.of)

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        changed = tuple(change(each) for each in self.of)
        return self if changed == self.of else Both(changed)

    def counted_from_finish(self) -> Trigger:
        """Itself: a pause has no instants for another trigger to share."""
        return self

    def spec(self) -> Spec:
        return {"all": [each.spec() for each in self.of]}


@dataclass(frozen=True, slots=True)
class Without(Wrapper):
    """The instants of ``of`` that are not instants of ``unless``; make it with ``a - b``."""

    unless: Trigger

    def next_at(self, after: int) -> int | None:
        end = after + _HORIZON
        for _ in range(_STEPS):
            found = self.of.next_at(after)
            if found is None or self.unless.next_at(found - 1) != found:
                return found
            if found > end:
                return None
            after = found
        return None

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        return Without(change(self.of), change(self.unless))

    def counted_from_finish(self) -> Trigger:
        """Itself: a pause has no instants for another trigger to take away."""
        return self

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
        zone, end = self.zone_name, after + _HORIZON
        found = self.of.next_at(after)
        for _ in range(_STEPS):
            if found is None or self.calendar.covers(found, zone) is self.inside:
                return found
            if (edge := self.calendar.edge_after(found, zone)) is None or found > end:
                return None
            # A pause that ends outside is over when the calendar opens: it has no instants to wait for.
            found = edge if self.of.from_finish else self.of.next_at(max(found, edge - 1))
        return None

    def spec(self) -> Spec:
        return {"of": self.of.spec(), "only" if self.inside else "except": self.calendar.spec()}


@dataclass(frozen=True, slots=True)
class Shifted(Wrapper):
    """The instants of ``of``, those outside a calendar of days moved to the same time on a day inside.

    ``direction`` says whether that is the next such day or the previous one; make it with
    ``trigger.shift()``.
    """

    direction: Direction
    calendar: Calendar

    def next_at(self, after: int) -> int | None:
        clock = clock_of(self.zone_name)
        target = self._covered(clock.local(after // SECOND) // DAY, 1)
        for _ in range(_STEPS):
            if target is None:
                return None
            first, last = self._sources(target)
            if (found := self._on(target, range(first, last + 1), after, clock)) is not None:
                return found
            if (later := self.of.next_at(clock.instant((last + 1) * DAY) * SECOND - 1)) is None:
                return None
            day = clock.local(later // SECOND) // DAY
            target = (
                self._covered(day, 1) if self.direction == "next" else self._covered(day, -1) or self._covered(day, 1)
            )
        return None

    def _covered(self, day: int, step: int) -> int | None:
        """The first day the calendar covers from ``day`` on, or back where ``step`` is -1; None for 400 without."""
        days = range(day, day + step * _FAR, step)
        return next((each for each in days if self.calendar.covers_day(each, self.zone_name)), None)

    def _sources(self, target: int) -> tuple[int, int]:
        """The first and the last of the days whose instants are moved to the day ``target``, itself among them."""
        if self.direction == "next":
            before = self._covered(target - 1, -1)
            return (target - _FAR if before is None else before + 1), target
        after = self._covered(target + 1, 1)
        return target, (target + _FAR if after is None else after - 1)

    def _on(self, target: int, sources: range, after: int, clock: Clock) -> int | None:
        """The first instant on the day ``target`` later than ``after`` that instants of these days are moved to."""
        moved = (self._first_of(day, target, after, clock) for day in sources)
        return min((each for each in moved if each is not None), default=None)

    def _first_of(self, day: int, target: int, after: int, clock: Clock) -> int | None:
        today, time = divmod(clock.local(after // SECOND), DAY)
        since = max(time - _SHIFT, 0) if today == target else 0
        found = self.of.next_at(clock.instant(day * DAY + since) * SECOND - 1)
        while found is not None:
            there, time = divmod(clock.local(found // SECOND), DAY)
            if there != day:
                return None
            moved = found if day == target else clock.instant(target * DAY + time) * SECOND + found % SECOND
            if moved > after:
                return moved
            found = self.of.next_at(found)
        return None

    def counted_from_finish(self) -> Trigger:
        """Itself: a pause has no instants to be moved."""
        return self

    def spec(self) -> Spec:
        return {"of": self.of.spec(), "shift": self.direction, "to": self.calendar.spec()}


def any_of(*triggers: Trigger) -> Trigger:
    """The instants of all these triggers together."""
    if len(triggers) == 1:
        return triggers[0]
    _refuse_what_does_not_mix(*triggers)
    return Either(tuple(part for each in triggers for part in _parts(each, Either)))


def both(first: Trigger, second: Trigger) -> Both:
    """The instants at which both triggers fire."""
    _refuse_what_does_not_mix(first, second)
    _refuse_what_has_no_phase_yet(first, second)
    return _that_fires(Both((*_parts(first, Both), *_parts(second, Both))), "no instant is found that they share")


def without(first: Trigger, second: Trigger) -> Without:
    """The instants of the first trigger at which the second does not fire."""
    _refuse_what_does_not_mix(first, second)
    _refuse_what_has_no_phase_yet(first, second)
    return _that_fires(Without(first, second), "nothing is left: wherever one looks, the one fires when the other does")


def within(trigger: Trigger, calendar: Calendar, *, inside: bool) -> Within:
    """The instants of a trigger inside a calendar, or outside of it."""
    if not isinstance(calendar, Calendar):  # pyright: ignore[reportUnnecessaryIsInstance] - for those without a checker
        raise TriggerError(f"{calendar!r} is neither a trigger nor a calendar; these are what & and - put together")
    return _that_fires(Within(trigger, calendar, inside), "nothing is left of the trigger in this calendar")


def shifted(trigger: Trigger, direction: Direction, calendar: Calendar) -> Shifted:
    """The instants of a trigger, moved to days that a calendar covers, at most 400 days away."""
    if direction not in ("previous", "next"):
        raise TriggerError(f"shift({direction!r}) is not a direction; there are 'previous' and 'next'")
    _refuse_what_does_not_mix(trigger)
    calendar.covers_day(0, trigger.zone_name)  # refuses a calendar of hours
    return _that_fires(Shifted(trigger, direction, calendar), "no day of this calendar is near enough to move to")


def _parts(trigger: Trigger, kind: type[Either | Both]) -> tuple[Trigger, ...]:
    """``(a | b) | c`` is one choice of three."""
    return trigger.of if isinstance(trigger, kind) else (trigger,)


def _common_zone(triggers: tuple[Trigger, ...]) -> str | None:
    """The zone of the first that has one: in it times are shown, and calendars without a zone are read."""
    return next((each.zone_name for each in triggers if each.zone_name is not None), None)


def _refuse_what_does_not_mix(*triggers: object) -> None:
    for each in triggers:
        if not isinstance(each, Trigger):
            raise TriggerError(f"{each!r} is not a trigger; with a calendar, triggers are put together by & and -")
        if each.from_finish:
            raise TriggerError("a pause after each finish has no instants of its own, so it does not mix with others")


def _refuse_what_has_no_phase_yet(*triggers: Trigger) -> None:
    """Intervals that begin with their schedule share instants with each other, and with nothing else."""
    floating = [_floats(each) for each in triggers]
    if any(floating) and not all(floating):
        each = triggers[floating.index(True)]
        raise TriggerError(
            f"{each.spec()} begins whenever its schedule is created; give it an anchor to share instants"
        )


def _floats(trigger: Trigger) -> bool:
    if isinstance(trigger, Every):
        return trigger.anchor is None
    parts: list[Trigger] = []

    def visit(part: Trigger) -> Trigger:
        parts.append(part)
        return part

    trigger.mapped(visit)
    return any(map(_floats, parts))


def _that_fires(trigger: Combined, reason: str) -> Combined:
    """The trigger, refused if it never fires; one that is not settled yet cannot be told."""
    try:
        found = any(trigger.next_at(each) is not None for each in _LOOKS)
    except TriggerError:
        return trigger
    if not found:
        raise TriggerError(f"{reason}: {trigger.spec()}")
    return trigger
