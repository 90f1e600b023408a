"""Times that do not recur: one or many instants, or one delay."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import tzinfo

from foliot.errors import TriggerError
from foliot.moments import Length, Moment, instant, length, spell
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.writing import not_too_long, spec_of, written
from foliot.triggers.zones import zone_name, zone_of


@dataclass(frozen=True, slots=True)
class At(Trigger):
    """Certain instants, in order; make it with ``at()``."""

    moments: tuple[int, ...]
    tz: str | None = None

    @property
    def zone_name(self) -> str | None:
        return self.tz

    def next_at(self, after: int) -> int | None:
        at = bisect_right(self.moments, after)
        return self.moments[at] if at < len(self.moments) else None

    def spec(self) -> Spec:
        texts = [written(each, self.zone) for each in self.moments]
        return spec_of({"at": texts[0] if len(texts) == 1 else texts}, tz=self.tz)


@dataclass(frozen=True, slots=True)
class After(Trigger):
    """Once, this long after its schedule is created, and never before that; make it with ``after()``."""

    length: int

    def next_at(self, after: int) -> int | None:
        raise TriggerError(f"after({spell(self.length)!r}) counts from the creation of its schedule; settle it first")

    def settled(self, now: int) -> Trigger:
        return At((now + self.length,))

    def spec(self) -> Spec:
        return {"after": spell(self.length)}


def at(*moments: Moment, tz: tzinfo | str | None = None) -> At:
    """Once at each of these times: datetimes or ISO text, in ``tz`` where they have no zone of their own.

    Raises TriggerError where there is neither: to guess a zone is to fire at the wrong time somewhere.
    """
    if not moments:
        raise TriggerError("at() needs a time, such as at('2026-12-01 10:00', tz='Asia/Seoul')")
    name = zone_name(tz)
    zone = None if name is None else zone_of(name)
    return At(tuple(sorted({instant(each, zone) for each in moments})), name)


def after(delay: Length) -> After:
    """Once, this long after the schedule is created: ``after("10m")``."""
    micros = length(delay)
    if micros < 0:
        raise TriggerError(f"after({spell(micros)!r}) lies in the past; a delay is not negative")
    not_too_long(micros)
    return After(micros)
