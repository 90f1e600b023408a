"""Triggers on the wall clock: what the clocks of a zone show, and what counts on nights when they are changed."""

from __future__ import annotations

from abc import abstractmethod
from typing import get_args

from foliot.errors import TriggerError
from foliot.moments import SECOND
from foliot.triggers.base import Trigger
from foliot.triggers.zones import Clock, Fold, Gap, clock_of, first_after

_GAPS, _FOLDS = get_args(Gap), get_args(Fold)


class Wall(Trigger):
    """A trigger that wants certain local times in a zone; all its instants are whole seconds."""

    __slots__ = ()

    tz: str | None
    gap: Gap
    fold: Fold

    @abstractmethod
    def later(self, local: int) -> int | None:
        """The first wanted time on the wall clock (local seconds) strictly later than ``local``; None without more."""

    def next_at(self, after: int) -> int | None:
        found = first_after(after // SECOND, self.later, self.clock, gap=self.fills_gaps, fold=self.folds)
        return None if found is None else found * SECOND

    def check_choices(self) -> None:
        """Refuse what is not one of the choices for nights of clock changes."""
        if self.gap not in _GAPS:
            raise TriggerError(f"gap={self.gap!r} is not a choice; there are {', '.join(map(repr, _GAPS))}")
        if self.fold not in _FOLDS:
            raise TriggerError(f"fold={self.fold!r} is not a choice; there are {', '.join(map(repr, _FOLDS))}")

    @property
    def zone_name(self) -> str | None:
        return self.tz

    @property
    def clock(self) -> Clock:
        """The wall clock of its zone."""
        return clock_of(self.tz)

    @property
    def fills_gaps(self) -> bool:
        """Whether a wanted time that the clocks jump over counts at the instant they have jumped."""
        return self.gap == "after"

    @property
    def folds(self) -> Fold:
        """At which occurrence a time that the clocks repeat counts."""
        return self.fold
