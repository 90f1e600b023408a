"""Intervals of elapsed time: every so long by the clock, or so long after the last run has finished."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foliot.errors import TriggerError
from foliot.moments import MILLISECOND, spell
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.writing import written


@dataclass(frozen=True, slots=True)
class Every(Trigger):
    """All instants a whole number of intervals away from ``anchor``, on both sides of it; make it with
    ``every()``.

    Without an anchor the phase is that of the epoch, until the schedule is created. Lengths are microseconds.
    """

    interval: int
    anchor: int | None = None

    def __post_init__(self) -> None:
        at_least_a_millisecond(self.interval)

    def next_at(self, after: int) -> int | None:
        anchor = self.anchor or 0
        return after + self.interval - (after - anchor) % self.interval

    def nth_at(self, after: int, count: int) -> int | None:
        return (
            None
            if count < 1
            else after + count * self.interval - (after - (self.anchor or 0)) % self.interval
        )

    def settled(self, now: int) -> Trigger:
        return self if self.anchor is not None else replace(self, anchor=now)

    def spec(self) -> Spec:
        spec: Spec = {"every": spell(self.interval)}
        return spec if self.anchor is None else spec | {"anchor": written(self.anchor)}


@dataclass(frozen=True, slots=True)
class Pause(Trigger):
    """Once this long after each run has finished; make it with ``every(..., after="finish")``."""

    length: int

    def __post_init__(self) -> None:
        at_least_a_millisecond(self.length)

    @property
    def from_finish(self) -> bool:
        return True

    def next_at(self, after: int) -> int | None:
        return after + self.length

    def spec(self) -> Spec:
        return {"every": spell(self.length), "after": "finish"}


def at_least_a_millisecond(length: int) -> None:
    """Refuse an interval that is negative, nothing, or too short to be kept."""
    if length < MILLISECOND:
        raise TriggerError(f"an interval of {spell(length)} cannot be kept; the shortest is 1ms")
