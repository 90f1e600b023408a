"""An event loop without a machine below it: its time leaps to the next timer, and its order is always the same."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from typing import Any

from foliot.moments import SECOND


class Alarm:
    """A call at an instant: what a timer handle is, without what nobody asks of it here."""

    __slots__ = ("_action", "_args", "_cancelled", "_loop")

    def __init__(self, loop: SimulatedLoop, action: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._loop, self._action, self._args = loop, action, args
        self._cancelled = False

    def cancel(self) -> None:
        """Let it not be made."""
        self._cancelled, self._args = True, ()

    def _run(self) -> None:
        try:
            self._action(*self._args)
        except Exception as problem:
            self._loop.call_exception_handler({"message": "an alarm raised", "exception": problem})


Timer = tuple[int, int, "asyncio.TimerHandle | Alarm"]


class Stuck(RuntimeError):
    """Nothing is left that could ever happen."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is ready, first come, first served; then it is the time of the next timer. It waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.micros = 0
        """How much time has passed, in whole microseconds."""
        self._ready: deque[asyncio.Handle | Alarm] = deque()
        self._timers: list[Timer] = []
        self._order = 0

    def time(self) -> float:
        return self.micros / SECOND

    def alarm(self, at: int, action: Callable[..., object], *args: Any) -> Alarm:
        """Call ``action`` when so many microseconds have passed since the beginning."""
        alarm = Alarm(self, action, args)
        self._order += 1
        heappush(self._timers, (at, self._order, alarm))
        return alarm

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._order += 1
        heappush(self._timers, (round(when * SECOND), self._order, timer))
        return timer

    # What the base class asks of a loop

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._leap()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # pyright: ignore[reportPrivateUsage] - this is the loop that handles are for
                handle._run()  # pyright: ignore[reportPrivateUsage] - the same

    def _leap(self) -> None:
        """Let it be the time of the next timer."""
        timers, ready = self._timers, self._ready
        while not ready:
            if not timers:
                raise Stuck("every task waits for another, and no timer is set")
            at, _, first = heappop(timers)
            if first._cancelled:  # pyright: ignore[reportPrivateUsage] - the same
                continue
            ready.append(first)
            self.micros = now = max(self.micros, at)
            while timers and timers[0][0] <= now:
                ready.append(heappop(timers)[2])

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is left where it is until its time comes."""

    def _write_to_self(self) -> None:
        """There is no selector to wake."""

    def _process_events(self, event_list: Any) -> None:
        """There is no selector to bring any."""
