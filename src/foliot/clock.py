"""The clock we ask. Nothing else in Foliot reads the time or draws a random number, so all of it can be simulated."""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import count
from random import Random
from typing import ClassVar, Protocol

from foliot.moments import MILLISECOND, SECOND

LOOK_AGAIN = 10 * SECOND
"""The longest a loop sleeps: a lost hint or a clock that was set costs at most this."""


class Alarm(Protocol):
    """A call that will be made, and can be called off."""

    def cancel(self) -> None: ...


class Bell:
    """Wakes the one who sleeps by it. Rung while nobody does, it keeps the next one from falling asleep."""

    __slots__ = ("_sleeper", "rung")

    def __init__(self) -> None:
        self.rung = False
        self._sleeper: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake who sleeps, or who is about to."""
        self.rung = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def sleep(self) -> asyncio.Future[None]:
        """To be awaited: done when the bell rings."""
        self._sleeper = asyncio.Future()
        return self._sleeper


class Clock(ABC):
    """Tells the time in microseconds since the epoch, wakes who asks for it, and rolls the dice."""

    threaded: ClassVar[bool] = False
    """Whether a thread with an event loop of its own may wait by it, too."""
    look: int | None = LOOK_AGAIN
    """The longest that it lets a loop sleep; None for one that is never set behind our back."""

    def __init__(self, seed: int | None = None) -> None:
        self.random = Random(seed)  # noqa: S311 - jitter and ids, not secrets

    @abstractmethod
    def now(self) -> int:
        """The instant it is."""

    @abstractmethod
    def call_at(self, when: int, action: Callable[[], object]) -> Alarm:
        """Call ``action`` in the running loop when it is ``when``, or at once if it is later."""

    async def wait(self, bell: Bell, until: int | None) -> None:
        """Sleep until the bell rings or ``until`` has come, never longer than ``look``; leave the bell silent."""
        if bell.rung:
            bell.rung = False
            return
        alarm = self._wake_up_call(until, bell.ring)
        try:
            await bell.sleep()
        finally:
            bell.rung = False
            if alarm is not None:
                alarm.cancel()

    def _wake_up_call(self, until: int | None, ring: Callable[[], object]) -> Alarm | None:
        if self.look is not None:
            latest = self.now() + self.look
            until = latest if until is None else min(until, latest)
        return None if until is None else self.call_at(until, ring)

    async def sleep(self, length: int) -> None:
        """Sleep for a length of time."""
        done = asyncio.Event()
        alarm = self.call_at(self.now() + length, done.set)
        try:
            await done.wait()
        finally:
            alarm.cancel()


class SystemClock(Clock):
    """The time of this machine, or of a store that it is told to follow."""

    threaded = True

    def __init__(self, seed: int | None = None, ahead: int | None = None) -> None:
        super().__init__(seed)
        self.ahead = ahead
        """How far the time that is followed is ahead of the steady time; None follows the clock of this machine."""

    def now(self) -> int:
        return self.machine() if self.ahead is None else self.steady() + self.ahead

    def machine(self) -> int:
        """What the clock of this machine says, which people and programs may set."""
        return time.time_ns() // 1000

    def steady(self) -> int:
        """A time that nobody sets and that starts anywhere, the same in all processes of this machine."""
        return time.monotonic_ns() // 1000

    def follow(self, ahead: int | None) -> None:
        """Tell the time that is so far ahead of the steady one, whatever the clock of this machine says."""
        self.ahead = ahead

    def call_at(self, when: int, action: Callable[[], object]) -> Alarm:
        loop, delay = asyncio.get_running_loop(), max(0, when - self.now())
        if delay and not isinstance(loop, asyncio.BaseEventLoop):
            delay = _whole_milliseconds(delay)
        return loop.call_later(delay / SECOND, action)


def _whole_milliseconds(delay: int) -> int:
    """A delay for a loop that counts in milliseconds, as uvloop does: one more than it is, lest it be one too few."""
    return (-(-delay // MILLISECOND) + 1) * MILLISECOND


class ManualClock(Clock):
    """A clock that stands still until you turn it: for tests, and for simulations of days in seconds."""

    look = None

    def __init__(self, start: int = 0, seed: int | None = 0) -> None:
        super().__init__(seed)
        self._now = start
        self._alarms: list[tuple[int, int, _ManualAlarm]] = []
        self._order = count()

    def now(self) -> int:
        return self._now

    def call_at(self, when: int, action: Callable[[], object]) -> Alarm:
        """Call ``action`` when the clock is turned to ``when`` or later; if that has passed, at the next turn."""
        alarm = _ManualAlarm(action)
        heapq.heappush(self._alarms, (when, next(self._order), alarm))
        return alarm

    def next_alarm(self) -> int | None:
        """When the next alarm goes off; None when there is none."""
        while self._alarms and self._alarms[0][2].action is None:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def turn_to(self, when: int) -> None:
        """Set the time, also backwards, and sound every alarm that is due by it, in order."""
        self._now = when
        while self._alarms and self._alarms[0][0] <= when:
            action = heapq.heappop(self._alarms)[2].action
            if action is not None:
                action()


class _ManualAlarm:
    __slots__ = ("action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        self.action = None
