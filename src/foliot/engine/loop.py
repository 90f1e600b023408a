"""The one shape of everything that goes round: do one round, then sleep until it says, or until the bell rings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from sys import maxsize

from foliot.clock import Bell, Clock
from foliot.errors import StoreError
from foliot.moments import SECOND

log = logging.getLogger("foliot")

LONGEST_BACKOFF = 10 * SECOND
NEVER = maxsize


class Loop:
    """Goes round until it is stopped; a round that fails is said, and tried again, a little later each time."""

    def __init__(self, name: str, round_: Callable[[], Awaitable[int | None]], clock: Clock) -> None:
        self.name = name
        self.bell = Bell()
        self.failures = 0
        self._round = round_
        self._clock = clock
        self._stopping = False
        self._sleeps_until = 0
        self._hinted = NEVER

    async def run(self) -> None:
        """Go round until stopped. A failure of the store or a bug of ours must not end the loop."""
        while not self._stopping:
            self._hinted = NEVER
            self._sleeps_until = 0  # awake: a hint is remembered
            self.bell.rung = False  # this round sees what it was rung for
            try:
                wake_at = await self._round()
            except Exception as problem:
                wake_at = self._after(problem)
            else:
                if self.failures:
                    self._went_well()
            wake_at = self._hinted if wake_at is None or wake_at > self._hinted else wake_at
            if wake_at <= self._clock.now():
                await asyncio.sleep(0)
            elif not self._stopping:
                self._sleeps_until = wake_at
                await self._clock.wait(self.bell, None if wake_at == NEVER else wake_at)

    def hint(self, at: int | None) -> None:
        """Something may be due from ``at`` on (None: now); a loop that is to look by then anyway sleeps on."""
        due = 0 if at is None else at
        self._hinted = min(self._hinted, due)
        if due < self._sleeps_until:
            self.bell.ring()

    def stop(self) -> None:
        """Finish the present round and go home."""
        self._stopping = True
        self.bell.ring()

    def _went_well(self) -> None:
        log.info("%s: the store is back", self.name)
        self.failures = 0

    def _after(self, problem: Exception) -> int:
        self.failures += 1
        expected = isinstance(problem, StoreError)
        log.error("%s: %s; trying again", self.name, problem, exc_info=None if expected else problem)
        return self._clock.now() + min(LONGEST_BACKOFF, SECOND // 10 * 2 ** min(self.failures, 10))
