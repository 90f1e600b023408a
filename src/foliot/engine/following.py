"""Following the store's time, so that machines whose clocks are apart fire at the same instants."""

from __future__ import annotations

import logging
from typing import NamedTuple

from foliot.clock import SystemClock
from foliot.errors import StoreError
from foliot.moments import SECOND, spell
from foliot.stores.base import Store

log = logging.getLogger("foliot")

FIRST_LOOKS = 4
"""How often the store is asked for its time at the start."""
LOOK = 5 * SECOND
"""How often it is asked from then on: a clock of the store that is set is followed within this."""
DRIFT = 1000
"""A clock gains or loses less than one part in so many, being slewed included."""
WORTH_SAYING = SECOND


class Bounds(NamedTuple):
    """The store's time is ahead of the steady time by something between these two, as of a steady time."""

    low: int
    high: int
    at: int

    @property
    def middle(self) -> int:
        """The best guess: wrong by half of the shortest round trip at most."""
        return (self.low + self.high) // 2


def bounds(sent: int, told: int, heard: int) -> Bounds:
    """What one reply proves: the store looked at its clock after it was asked, and before its reply was heard."""
    return Bounds(told - heard, told - sent, heard)


def narrowed(kept: Bounds | None, new: Bounds) -> Bounds:
    """What both prove together; an older proof has grown weaker, and one that is refuted means the clock was set."""
    if kept is None:
        return new
    slack = (new.at - kept.at) // DRIFT + 1
    low, high = max(kept.low - slack, new.low), min(kept.high + slack, new.high)
    return Bounds(low, high, new.at) if low <= high else new


class Follower:
    """Keeps a clock on the store's time, by replies to the question what time it is."""

    def __init__(self, store: Store, clock: SystemClock) -> None:
        self._store, self._clock = store, clock
        self._known: Bounds | None = None

    async def begin(self) -> bool:
        """Find out what time it is for the store; False if it has no clock, and this machine's is to be used."""
        self._clock.follow(None)
        for _ in range(FIRST_LOOKS):
            await self._look()
        return self._known is not None

    async def round(self) -> int:
        """Look once more. That the store cannot be reached is for others to say."""
        try:
            await self._look()
        except StoreError as problem:
            log.debug("the store did not tell its time: %s", problem)
        return self._clock.now() + LOOK

    async def _look(self) -> None:
        sent = self._clock.steady()
        told = await self._store.time()
        if told is not None:
            self._learn(bounds(sent, told, self._clock.steady()))

    def _learn(self, new: Bounds) -> None:
        before, self._known = self._known, narrowed(self._known, new)
        if before is None:
            _say_apart(self._known.middle - (self._clock.machine() - self._clock.steady()))
        elif abs(self._known.middle - before.middle) >= WORTH_SAYING:
            log.warning("the store's clock was set by %s; following it", spell(self._known.middle - before.middle))
        self._clock.follow(self._known.middle)


def _say_apart(ahead: int) -> None:
    if abs(ahead) >= WORTH_SAYING:
        log.warning(
            "the store's time is %s %s this machine's; following the store's",
            spell(abs(ahead)),
            "ahead of" if ahead > 0 else "behind",
        )
