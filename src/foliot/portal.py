"""The way in for programs without an event loop: one façade over the async core."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable
from types import FrameType
from typing import TYPE_CHECKING, Any

from foliot import eventloop
from foliot.errors import FoliotError

if TYPE_CHECKING:
    from foliot.scheduler import Scheduler

log = logging.getLogger("foliot")


class Portal:
    """A scheduler living in an event loop of its own thread."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._up = threading.Event()
        self._problem: BaseException | None = None

    def start(self) -> None:
        """Start the thread, and return when the scheduler is up; raises what kept it from coming up."""
        if self._thread is not None:
            raise FoliotError("this scheduler has been started already; stop() it first")
        self._up.clear()
        self._problem = None
        self._thread = threading.Thread(target=self._live, name="foliot", daemon=True)
        self._thread.start()
        self._up.wait()
        if self._problem is not None:
            self._thread.join()
            self._thread = None
            raise self._problem

    def stop(self, grace: int | None) -> None:
        """Drain and end the thread. Stopping what was not started changes nothing."""
        if self._thread is None or self._loop is None or self._done is None:
            return
        if grace is not None:
            self._scheduler.grace = grace
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()
        self._thread = self._loop = self._done = None

    def wait(self, work: Awaitable[Any], timeout: float | None) -> Any:
        """Do async work in the scheduler's loop, and return or raise what it does."""
        if self._loop is None:
            if asyncio.iscoroutine(work):
                work.close()
            raise FoliotError("start() the scheduler first; inside an event loop, await instead of wait()")
        return asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result(timeout)

    def _live(self) -> None:
        try:
            eventloop.run(self._main())
        except BaseException as problem:
            self._problem = problem
        finally:
            self._up.set()

    async def _main(self) -> None:
        async with self._scheduler:
            self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
            self._up.set()
            await self._done.wait()


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


async def until_signalled(scheduler: Scheduler) -> None:
    """Live until SIGINT or SIGTERM; the second one cuts the draining short."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def signalled() -> None:
        if done.is_set():
            log.warning("a second signal: stopping now")
            scheduler.stop_now()
        done.set()

    restore = _on_signals(loop, signalled)
    try:
        async with scheduler:
            await done.wait()
            log.info("stopping: waiting for what is running")
    finally:
        restore()


def _on_signals(loop: asyncio.AbstractEventLoop, act: Any) -> Any:
    """Call ``act`` in the loop on SIGINT and SIGTERM; returns how to restore what was there."""
    both = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.getsignal(each) for each in both}

    def handle(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)

    for each in both:
        signal.signal(each, handle)

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    return restore
