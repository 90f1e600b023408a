"""In processes: functions that need a processor of their own, or must be stoppable.

A child that dies takes one run with it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from foliot.clock import SystemClock
from foliot.context import Context
from foliot.errors import ArgumentsError, Crashed, RemoteError
from foliot.executors.wire import (
    Answer,
    Begun,
    Done,
    Errand,
    Leave,
    Raised,
    Said,
    Setup,
    Stop,
    framed,
    received,
    unpacked,
)
from foliot.importing import address, at_home, script
from foliot.moments import SECOND

GRACE = 5 * SECOND
"""How long a child that was told to stop may take to clean up before it is killed, microseconds."""
LAST_WORDS = 1.0
"""How long a child's line may outlive it, or it its line, seconds: a process that it forked may hold the line open."""


class Processes:
    """A bounded number of child processes, started when needed and used again, one run at a time in each.

    ``size`` defaults to the processors. A function that is cancelled is told so; if it has not ended after ``grace``
    microseconds its process is killed, with all that it started. Whoever cancelled it learns so when it is over.
    """

    def __init__(self, size: int | None = None, grace: int = GRACE) -> None:
        self._room = asyncio.Semaphore(size or os.cpu_count() or 1)
        self._grace = grace
        self._idle: list[Child] = []
        self._children: set[Child] = set()

    async def run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> Any:
        context.enter()
        errand = _errand(function, args, kwargs, context)
        async with self._room:
            while True:
                child = await self._free_child()
                try:
                    return await child.carry_out(errand, context, self._grace)
                except _DiedIdle:
                    context.begun = False  # no fault of this run
                finally:
                    if child.alive:
                        self._idle.append(child)

    def rest(self, context: Context) -> None:
        """Nothing: a run that was stopped here is over when its execution is: its process was stopped, or killed."""

    async def close(self) -> None:
        """End all children: the idle ones leave, the others are killed."""
        for child in self._children:
            child.dismiss()
        while self._children:
            await _seen_through(next(iter(self._children)).end)

    async def _free_child(self) -> Child:
        while True:
            while self._idle:
                if (child := self._idle.pop()).alive:
                    return child
            await _seen_through(asyncio.ensure_future(self._start()))

    async def _start(self) -> None:
        child = await _started()
        self._idle.append(child)
        self._children.add(child)
        child.end.add_done_callback(lambda _: self._children.discard(child))


class _DiedIdle(Exception):
    """A child that has worked before was dead before it took up the function."""


class Child:
    """One child process and the line to it."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._context: Context | None = None
        self._answer: asyncio.Future[Answer | int] | None = None
        self._begun = self._proven = False
        self.end = asyncio.ensure_future(self._live())
        """Done when its process is over."""
        self._say(Setup(sys.path, sys.argv, script()))

    @property
    def alive(self) -> bool:
        """Whether it can be given more to do."""
        return self._process.returncode is None and not self._reader.at_eof() and not self.end.done()

    async def carry_out(self, errand: Errand, context: Context, grace: int) -> Any:
        """Have a function run there. Raises what it raises, or Crashed; CancelledError only when it runs no more."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._context, self._begun, context.begun = context, False, True
        self._say(errand)
        context.when_stopped(lambda reason: self._say(Stop(reason)))
        try:
            return self._result(await asyncio.shield(answer))
        except asyncio.CancelledError as error:
            context.stop(str(error) or "cancelled")
            await self._stopped(answer, grace)
            raise
        finally:
            context.when_stopped(None)  # the child belongs to another run from now on
            self._context = None

    def _result(self, answer: Answer | int) -> Any:
        match answer:
            case Done(value):
                self._proven = True
                return unpacked(value, at_home)
            case Raised():
                self._proven = True
                raise _error(answer)
            case code if self._begun or not self._proven:
                raise Crashed(_obituary(code))
            case _:
                raise _DiedIdle

    async def _stopped(self, answer: asyncio.Future[Any], grace: int) -> None:
        """Wait until a function that was told to stop has ended, or kill it; at once if that is asked again."""
        with suppress(asyncio.CancelledError):
            await asyncio.wait([answer], timeout=grace / SECOND)
        if not answer.done():
            self.kill()
            with suppress(asyncio.CancelledError):
                await _seen_through(self.end)

    def dismiss(self) -> None:
        """End it: if it has nothing to do it may take its leave."""
        if self._context is not None:
            self.kill()
        else:
            self._say(Leave())
            asyncio.get_running_loop().call_later(LAST_WORDS, self.kill)

    def kill(self) -> None:
        """End it at once, whatever it does, with all programs that it has started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has ended just now
                _kill(self._process)

    async def _live(self) -> None:
        """Hear it until it ends."""
        listening = asyncio.ensure_future(self._listen())
        code = await self._process.wait()
        await asyncio.wait([listening], timeout=LAST_WORDS)
        listening.cancel()
        await asyncio.wait([listening])
        self._writer.close()
        self._settle(code)

    async def _listen(self) -> None:
        try:
            while True:
                match await received(self._reader):
                    case Begun():
                        self._begun = True
                    case Said() as said:
                        self._note(said)
                    case answer:
                        self._settle(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:  # without its line it is of no use, should it live on
            asyncio.get_running_loop().call_later(LAST_WORDS, self.kill)

    def _note(self, said: Said) -> None:
        if self._context is not None:
            for line in said.lines:
                self._context.notes.add(line)
            if said.progress is not None:
                self._context.notes.report(said.progress)

    def _settle(self, answer: Answer | int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _say(self, message: Setup | Errand | Stop | Leave) -> None:
        if not self._writer.is_closing():
            self._writer.write(framed(message))


async def _started() -> Child:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await _spawned(theirs)
            return Child(process, *await asyncio.open_connection(sock=ours))
        except BaseException:
            ours.close()
            raise


async def _spawned(line: socket.socket) -> Process:
    """A child process that holds this end of the line, in a session of its own: Ctrl-C is our affair."""
    python = (sys.executable, "-m", "foliot.executors.child")
    if sys.platform == "win32":  # pragma: no cover
        process = await asyncio.create_subprocess_exec(*python, stdin=PIPE)
        if process.stdin is not None:
            process.stdin.write(line.share(process.pid))
            process.stdin.close()
        return process
    return await asyncio.create_subprocess_exec(
        *python, str(line.fileno()), stdin=DEVNULL, pass_fds=(line.fileno(),), start_new_session=True
    )


def _kill(process: Process) -> None:
    if sys.platform == "win32":  # pragma: no cover
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _errand(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context) -> Errand:
    try:
        arguments = pickle.dumps((tuple(args), dict(kwargs)))
    except Exception as problem:
        raise ArgumentsError(
            f"job {context.job!r}: its arguments cannot be sent to a process ({problem}); "
            "give it plain data, or let it run in threads"
        ) from problem
    notes = context.notes
    ahead = context.clock.ahead if isinstance(context.clock, SystemClock) else None
    return Errand(address(function), context.run, context.times_out_at, ahead, notes.level, notes.most, arguments)


def _error(raised: Raised) -> BaseException:
    """The exception, or one that stands for it, with the child's traceback as ``remote_traceback``."""
    error: Any = None
    if raised.packed is not None:
        with suppress(Exception):  # it can be rebuilt there, but not here
            error = unpacked(raised.packed, at_home)
    if error is None:
        error = type(raised.kind, (RemoteError,), {})(raised.message)
    with suppress(AttributeError):  # an exception with slots of its own
        error.remote_traceback = raised.trace
    return error


def _obituary(code: int) -> str:
    if code >= 0:
        return f"its process ended itself with exit code {code}"
    with suppress(ValueError):
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process was killed by signal {-code}"


async def _seen_through(what: asyncio.Future[Any]) -> None:
    """Wait for something that must not be left half done; who is cancelled meanwhile learns it afterwards."""
    cancelled = None
    while not what.done():
        try:
            await asyncio.wait([what])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    what.result()
