"""In processes: functions that need a processor of their own, or must be stoppable.

A child that dies takes one run with it.
"""

from __future__ import annotations

import asyncio
import atexit
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from foliot.context import Context
from foliot.errors import Crashed
from foliot.executors.child import Done, Errand, Raised, Said, Stop, live
from foliot.importing import address

GRACE = 2.0
"""How long a child that was told to stop may take to clean up before it is killed, seconds."""

_spawn = multiprocessing.get_context("spawn")


class Processes:
    """A bounded number of child processes, started when needed, one run at a time in each.

    ``size`` defaults to the processors.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size or os.cpu_count() or 1
        self._room = asyncio.Semaphore(self._size)
        self._idle: list[Child] = []
        self._ears: ThreadPoolExecutor | None = None

    async def run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> Any:
        context.enter()
        errand = Errand(
            address(function),
            context.run,
            context.times_out_at,
            context.notes.level,
            pickle.dumps((args, dict(kwargs))),
        )
        async with self._room:
            return await self._send(errand, context)

    async def _send(self, errand: Errand, context: Context) -> Any:
        loop = asyncio.get_running_loop()
        if self._ears is None:
            self._ears = ThreadPoolExecutor(self._size, thread_name_prefix="foliot ear")
        child = self._idle.pop() if self._idle else Child()
        context.when_stopped(child.stop)
        answer = loop.run_in_executor(self._ears, child.carry_out, errand, context)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            await _until_stopped(child, answer)
            raise
        finally:
            if child.alive:
                self._idle.append(child)

    async def gone(self, context: Context) -> None:
        """A run that was stopped here is over when its execution is: its process was stopped, or killed."""

    async def close(self) -> None:
        """End all children."""
        for child in self._idle:
            child.kill()
        self._idle = []
        if self._ears is not None:
            self._ears.shutdown(wait=False)
            self._ears = None


async def _until_stopped(child: Child, answer: asyncio.Future[Any]) -> None:
    """Wait for a child that was told to stop, and kill it if it takes too long. Being told again changes nothing."""
    alarm = asyncio.get_running_loop().call_later(GRACE, child.kill)
    while not answer.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([answer])
    alarm.cancel()
    if not answer.cancelled():
        answer.exception()  # it was stopped; how does not matter any more


class Child:
    """One child process and the pipe to it."""

    def __init__(self) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=live, args=(theirs,), name="foliot child", daemon=False)
        self._process.start()
        theirs.close()
        atexit.register(self.kill)

    @property
    def alive(self) -> bool:
        """Whether it can be given more to do."""
        return self._process.is_alive()

    def stop(self, reason: str) -> None:
        """Tell the function that runs there to stop."""
        with suppress(OSError):
            self._pipe.send(Stop(reason))

    def kill(self) -> None:
        """End it at once, whatever it does."""
        atexit.unregister(self.kill)
        self._process.kill()

    def carry_out(self, errand: Errand, context: Context) -> Any:
        """Have a function run there, in this thread's time. Raises what it raises, or Crashed."""
        try:
            self._pipe.send(errand)
            while True:
                match self._pipe.recv():
                    case Said(lines, progress):
                        for line in lines:
                            context.notes.add(line)
                        if progress is not None:
                            context.notes.report(progress)
                    case Done(value):
                        return pickle.loads(value)  # noqa: S301 - from our own child
                    case Raised() as raised:
                        raise raised.error()
                    case stranger:
                        raise Crashed(f"its process said {stranger!r}, which makes no sense")
        except (EOFError, OSError) as broken:
            raise Crashed(self._obituary()) from broken

    def _obituary(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        if code >= 0:
            return f"its process ended itself with exit code {code}"
        with suppress(ValueError):
            return f"its process was killed by {signal.Signals(-code).name}"
        return f"its process was killed by signal {-code}"
