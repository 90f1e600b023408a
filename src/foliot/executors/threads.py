"""In threads: plain functions that may block.

A thread cannot be killed: a function that was stopped is told, and left behind.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any

from foliot.context import Context

Work = Callable[[], None]


class Threads:
    """A bounded number of threads, started when needed. They end with the process, busy or not.

    ``size`` defaults to four more than there are processors, 32 at most.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size or min(32, (os.cpu_count() or 1) + 4)
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._left_behind: dict[Context, asyncio.Future[Any]] = {}

    @property
    def busy(self) -> int:
        """How many functions are queued or running, those left behind included."""
        return self._open

    async def run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> Any:
        future = self._begin(function, args, kwargs, context)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not future.done():
                self._left_behind[context] = future
                future.add_done_callback(partial(self._returned, context))
            raise

    async def gone(self, context: Context) -> None:
        """Wait until a function that was left behind has returned."""
        if (future := self._left_behind.get(context)) is not None:
            await asyncio.wait([future])

    async def close(self) -> None:
        """Send home the threads that have nothing to do; the others follow when their function returns."""
        for _ in self._threads:
            self._work.put(None)
        self._threads = []

    def _begin(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context.enter()
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        self._work.put(partial(_carry_out, call, future, loop))
        self._open += 1
        future.add_done_callback(self._ended)
        if len(self._threads) < min(self._open, self._size):
            thread = threading.Thread(target=self._live, name="foliot thread", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def _live(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _ended(self, _: asyncio.Future[Any]) -> None:
        self._open -= 1

    def _returned(self, context: Context, future: asyncio.Future[Any]) -> None:
        del self._left_behind[context]
        if not future.cancelled():
            future.exception()  # nobody else will ask for it


def _carry_out(call: Callable[[], Any], future: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
    try:
        value, error = call(), None
    except BaseException as raised:
        value, error = None, raised
        if isinstance(error, StopIteration):  # a future cannot hold one
            error = RuntimeError("the function raised StopIteration")
    try:
        loop.call_soon_threadsafe(_settle, future, value, error)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


def _settle(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
