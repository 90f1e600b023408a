"""Virtual time: the real engine on a clock that you turn. Thirty days pass in seconds, the same way every time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from sys import maxsize
from typing import Any, Self

from msgspec.structs import replace

from foliot.clock import ManualClock
from foliot.errors import FoliotError
from foliot.moments import HOUR, SECOND, Length, Moment, instant, length, moment
from foliot.scheduler import Scheduler
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)
_AS_LONG_AS_IT_TAKES = maxsize
_LOOK_OUTSIDE = 64
"""In every so many turns of a busy loop it looks whether something came from outside: there should be nothing."""


class Time:
    """The time of a simulation. It stands still except when you turn it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self._wishes: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def now(self) -> datetime:
        """What time it is, in UTC."""
        return moment(self.clock.now())

    async def advance(self, by: Length = 0, **units: float) -> None:
        """Let this much time pass, with everything that happens in it: ``advance("90s")``, ``advance(days=30)``."""
        await self.to(self.clock.now() + length(by) + length(timedelta(**units)))

    async def until(self, when: Moment) -> None:
        """Let time pass up to a moment."""
        await self.to(instant(when))

    async def settle(self) -> None:
        """Let everything happen that can happen now."""
        await self.to(self.clock.now())

    async def to(self, target: int) -> None:
        """Let time pass up to an instant, alarm by alarm."""
        await self._pass(target, asyncio.get_running_loop().create_future())

    async def through(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something, letting as much time pass as it needs."""
        task, done = asyncio.ensure_future(work), asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: done.done() or done.set_result(None))
        await self._pass(_AS_LONG_AS_IT_TAKES, done)
        await task

    async def _pass(self, target: int, done: asyncio.Future[None]) -> None:
        wish = (target, done)
        self._wishes.append(wish)
        try:
            await done
        finally:
            self._wishes.remove(wish)

    def turn(self) -> bool:
        """Nothing is left to do now: let it be the time of the next alarm, as far as was wished. False: nobody did.

        Of several who wish for that, whoever did so last comes first: it may be what another waits for.
        """
        if not self._wishes:
            return False
        target, done = self._wishes[-1]
        alarm = self.clock.next_alarm()
        if alarm is not None and alarm <= target:
            self._sound(alarm, done)
        elif target == _AS_LONG_AS_IT_TAKES:
            return False  # what was to be done waits for something else than time
        else:
            self.clock.turn_to(max(target, self.clock.now()))
            done.set_result(None)
        return True

    def _sound(self, alarm: int, done: asyncio.Future[None]) -> None:
        try:
            self.clock.turn_to(max(alarm, self.clock.now()))
        except Exception as problem:
            done.set_exception(problem)


@asynccontextmanager
async def simulated(
    scheduler: Scheduler, start: Moment = START, *, seed: int = 0, store: Store | None = None
) -> AsyncGenerator[Time]:
    """Start a scheduler in virtual time: on an empty store in memory, every function run in place.

    Another ``store`` must answer without threads or sockets, whose time nobody turns: memory, or memory with faults.
    A lease that was not asked for lasts an hour, so that days pass without a beat every ten seconds.
    ``asyncio.sleep`` and timeouts inside follow the virtual time too; those that were begun around it go on in real
    time. The scheduler is as before afterwards.
    """
    clock = ManualClock(instant(start), seed)
    own = scheduler.settings
    settings = own if "lease" in own.sources else replace(own, lease=HOUR)
    time = Time(clock)
    with scheduler.furnished(store or MemoryStore(), clock, settings), _turned(asyncio.get_running_loop(), time):
        await time.through(scheduler.__aenter__())
        try:
            yield time
        finally:
            await time.through(scheduler.__aexit__(None, None, None))


@asynccontextmanager
async def inline(scheduler: Scheduler, start: Moment = START, *, seed: int = 0) -> AsyncGenerator[Time]:
    """Start a scheduler in virtual time in which whatever is enqueued and due has run when ``enqueue`` returns.

    What is due later, a retry with a wait included, waits for the time to be turned.
    """
    async with simulated(scheduler, start, seed=seed) as time:
        scheduler.enqueued = time.settle
        try:
            yield time
        finally:
            scheduler.enqueued = None


@contextmanager
def _turned(loop: asyncio.AbstractEventLoop, time: Time) -> Generator[None]:
    """Let the timers of an event loop follow a clock that is turned whenever nothing is left to do."""
    clock = time.clock
    selector: Any = getattr(loop, "_selector", None)  # there is no public way to know when a loop is idle
    if selector is None:
        raise FoliotError(f"virtual time needs asyncio's own event loop, and this is {type(loop)}; use asyncio.run")

    def call_at(when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        return clock.call_at(round(when * SECOND), partial((context or copy_context()).run, callback, *args))

    def call_later(delay: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        return call_at(clock.now() / SECOND + delay, callback, *args, context=context)

    wait, turns = selector.select, count(1)

    def select(timeout: float | None = None) -> Any:
        if timeout == 0 and next(turns) % _LOOK_OUTSIDE:
            return ()
        sounded = around.sound()
        return wait(0) or (() if timeout == 0 or sounded or time.turn() else wait(around.left()))

    with (
        _TimersAround(loop) as around,
        _replaced(selector, select=select),
        _replaced(loop, time=lambda: clock.now() / SECOND, call_at=call_at, call_later=call_later),
    ):
        yield


class _TimersAround:
    """The timers that a loop had before its time was turned: they go on in real time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._now = loop, loop.time
        self._timers: list[Any] = []

    def __enter__(self) -> Self:
        self._timers = self._exchange([])
        return self

    def __exit__(self, *_: object) -> None:
        self._exchange(self._timers)

    def sound(self) -> bool:
        """Call those that are due. Tells whether there were any."""
        sounded = False
        while self._timers and (self._timers[0].cancelled() or self._timers[0].when() <= self._now()):
            timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                timer._run()
                sounded = True
        return sounded

    def left(self) -> float | None:
        """How many seconds are left until the next one is due; None if there is none."""
        return max(0.0, self._timers[0].when() - self._now()) if self._timers else None

    def _exchange(self, timers: list[Any]) -> list[Any]:
        """Give the loop these timers instead of those that it has; a loop counts cancels of its own ones only."""
        before, vars(self._loop)["_scheduled"] = vars(self._loop)["_scheduled"], timers
        for each in before:
            each._scheduled = False
        for each in timers:
            each._scheduled = True
        return before


@contextmanager
def _replaced(owner: object, **methods: Callable[..., object]) -> Generator[None]:
    """Let an object have these methods for a while."""
    before = {name: vars(owner)[name] for name in methods if name in vars(owner)}
    vars(owner).update(methods)
    try:
        yield
    finally:
        for name in methods:
            del vars(owner)[name]
        vars(owner).update(before)
