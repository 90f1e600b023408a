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


class Threads:
    """A bounded number of threads, started when needed. They end with the process, busy or not.

    ``size`` defaults to four more than there are processors, 32 at most. A function that is cancelled before a thread
    has taken it up never runs; one that is cancelled later is left behind: whoever waits for it is free at once, but
    its thread stays taken until it returns.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size or min(32, (os.cpu_count() or 1) + 4)
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
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
        context.enter()
        call = _Call(partial(contextvars.copy_context().run, function, *args, **kwargs))
        self._begin(call)
        try:
            return await asyncio.shield(call.future)
        except asyncio.CancelledError as error:
            context.stop(str(error) or "cancelled")
            context.begun = not call.withdraw()
            if not context.begun:
                call.future.cancel()
            elif not call.future.done():
                self._left_behind[context] = call.future
                call.future.add_done_callback(partial(self._returned, context))
            raise

    def rest(self, context: Context) -> asyncio.Future[Any] | None:
        """A function that was left behind, until it has returned."""
        return self._left_behind.get(context)

    async def close(self) -> None:
        """Send home the threads that have nothing to do; the others follow when their function returns."""
        for _ in self._threads:
            self._calls.put(None)
        self._threads = []

    def _begin(self, call: _Call) -> None:
        self._open += 1
        call.future.add_done_callback(self._ended)
        self._calls.put(call)
        if len(self._threads) < min(self._open, self._size):
            thread = threading.Thread(target=_live, args=(self._calls,), name="foliot thread", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _ended(self, _: asyncio.Future[Any]) -> None:
        self._open -= 1

    def _returned(self, context: Context, future: asyncio.Future[Any]) -> None:
        del self._left_behind[context]
        if not future.cancelled():
            future.exception()  # nobody else will ask for it


class _Call:
    """A function on its way through a thread, and the future that holds what comes of it."""

    __slots__ = ("_loop", "_taken", "_work", "future")

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._taken = threading.Lock()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def withdraw(self) -> bool:
        """Whether no thread has taken it up; then none will."""
        return self._taken.acquire(blocking=False)

    def carry_out(self) -> None:
        """Do the work, in the thread that calls this, unless it was withdrawn."""
        if not self._taken.acquire(blocking=False):
            return
        value, error = None, None
        try:
            value = self._work()
        except (StopIteration, GeneratorExit, KeyboardInterrupt) as raised:  # what would not arrive, or as Ctrl-C
            error = RuntimeError(f"the function raised {raised!r}")
        except BaseException as raised:
            error = raised
        try:
            self._loop.call_soon_threadsafe(self._settle, value, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


def _live(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        call.carry_out()
        del call  # so that nothing of it is kept while there is nothing to do
