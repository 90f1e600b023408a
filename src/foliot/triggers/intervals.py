"""Intervals of elapsed time: every so long by the clock, or so long after the last run has finished."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foliot.errors import TriggerError
from foliot.moments import MILLISECOND, spell
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.chance import share
from foliot.triggers.writing import not_too_long, spec_of, written


@dataclass(frozen=True, slots=True)
class Every(Trigger):
    """All instants whole intervals away from ``anchor``, on both sides; make it with ``every()``.

    Without an anchor the phase is that of the epoch, until the schedule is created. Lengths are microseconds.
    """

    interval: int
    anchor: int | None = None

    def __post_init__(self) -> None:
        check_interval(self.interval)

    def next_at(self, after: int) -> int | None:
        anchor = self.anchor or 0
        return after + self.interval - (after - anchor) % self.interval

    def nth_at(self, after: int, count: int) -> int | None:
        return None if count < 1 else after + count * self.interval - (after - (self.anchor or 0)) % self.interval

    def settled(self, now: int) -> Trigger:
        return self if self.anchor is not None else replace(self, anchor=now)

    def counted_from_finish(self) -> Trigger:
        return Pause(self.interval)

    def spec(self) -> Spec:
        return spec_of({"every": spell(self.interval)}, anchor=written(self.anchor))


@dataclass(frozen=True, slots=True)
class Pause(Trigger):
    """Once this long after each run has finished; make it with ``every(..., after="finish")``."""

    length: int

    def __post_init__(self) -> None:
        check_interval(self.length)

    @property
    def from_finish(self) -> bool:
        return True

    def next_at(self, after: int) -> int | None:
        return after + self.length

    def spec(self) -> Spec:
        return {"every": spell(self.length), "after": "finish"}


@dataclass(frozen=True, slots=True)
class Randomly(Trigger):
    """Waits of ``shortest`` to ``longest``, chosen by ``seed``; make it with ``randomly()``.

    Time from ``anchor`` is cut into slots of the mean wait, and each slot has one instant in its first part.
    So the instants do not depend on where one starts to look, and every wait keeps to its bounds.
    """

    shortest: int
    longest: int
    anchor: int | None = None
    seed: str | None = None

    def __post_init__(self) -> None:
        check_interval(self.shortest)
        if self.longest < self.shortest:
            raise TriggerError(f"waits from {spell(self.shortest)} to {spell(self.longest)}: give the shortest first")
        not_too_long(self.longest)

    def next_at(self, after: int) -> int | None:
        anchor, slot = self.anchor or 0, (self.shortest + self.longest) // 2
        index = (after - anchor) // slot
        found = self._instant(anchor, slot, index)
        return found if found > after else self._instant(anchor, slot, index + 1)

    def _instant(self, anchor: int, slot: int, index: int) -> int:
        freedom = slot - self.shortest
        return anchor + index * slot + share(freedom + 1, self.seed or "", index)

    def settled(self, now: int) -> Trigger:
        return self if self.anchor is not None else replace(self, anchor=now)

    def bound(self, schedule: str) -> Trigger:
        return self if self.seed is not None else replace(self, seed=schedule)

    def spec(self) -> Spec:
        waits = [spell(self.shortest), spell(self.longest)]
        return spec_of({"randomly": waits}, anchor=written(self.anchor), seed=self.seed)


def check_interval(length: int) -> None:
    """Refuse an interval that is negative, nothing, too short to be kept or too long to be lived."""
    if length < MILLISECOND:
        raise TriggerError(f"an interval of {spell(length)} cannot be kept; the shortest is 1ms")
    not_too_long(length)
