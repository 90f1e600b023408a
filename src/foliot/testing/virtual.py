"""Virtual time: the real engine on a clock that you turn. Thirty days pass in seconds, the same way every time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from foliot.clock import ManualClock
from foliot.moments import HOUR, SECOND, Length, Moment, instant, length, moment
from foliot.scheduler import Scheduler
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore

START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    """The time of a simulation. It stands still except when you turn it."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

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

    async def to(self, target: int) -> None:
        """Let time pass up to an instant, alarm by alarm."""
        await self.settle()
        while (alarm := self.clock.next_alarm()) is not None and alarm <= target:
            self.clock.turn_to(max(alarm, self.clock.now()))
            await self.settle()
        self.clock.turn_to(max(target, self.clock.now()))
        await self.settle()

    async def through(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something, letting as much time pass as it needs."""
        task = asyncio.ensure_future(work)
        await self.settle()
        while not task.done() and (alarm := self.clock.next_alarm()) is not None:
            self.clock.turn_to(max(alarm, self.clock.now()))
            await self.settle()
        await task

    async def settle(self) -> None:
        """Let everything happen that can happen now."""
        ready: Any = getattr(asyncio.get_running_loop(), "_ready")  # noqa: B009 - there is no public way to ask
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110 - there is no event for 'nothing is left to do'
            await asyncio.sleep(0)


@asynccontextmanager
async def simulated(
    scheduler: Scheduler, start: Moment = START, *, seed: int = 0, store: Store | None = None
) -> AsyncGenerator[Time]:
    """Start a scheduler in virtual time: on an empty store in memory, every function run in place.

    Another ``store`` must answer without threads or sockets, whose time nobody turns: memory, or memory with faults.
    A lease that was not asked for lasts an hour, so that days pass without a beat every ten seconds.
    ``asyncio.sleep`` and timeouts inside jobs follow the virtual time too. The scheduler is as before afterwards.
    """
    clock = ManualClock(instant(start), seed)
    own = scheduler.settings
    settings = own if "lease" in own.sources else replace(own, lease=HOUR)
    with scheduler.furnished(store or MemoryStore(), clock, settings), _turned(asyncio.get_running_loop(), clock):
        time = Time(clock)
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
def _turned(loop: asyncio.AbstractEventLoop, clock: ManualClock) -> Generator[None]:
    """Let the timers of an event loop follow a manual clock."""

    def call_at(when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        act = partial(callback, *args) if context is None else partial(context.run, callback, *args)
        return clock.call_at(round(when * SECOND), act)

    def call_later(delay: float, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        return call_at(clock.now() / SECOND + delay, callback, *args, context=context)

    before = {name: loop.__dict__.get(name) for name in ("time", "call_at", "call_later")}
    vars(loop).update(time=lambda: clock.now() / SECOND, call_at=call_at, call_later=call_later)
    try:
        yield
    finally:
        for name, method in before.items():
            if method is None:
                del vars(loop)[name]
            else:
                vars(loop)[name] = method
