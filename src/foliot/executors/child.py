"""The child's side: a process that runs one function after the other and says what comes of each.

Started by its parent as ``python -m foliot.executors.child``, with the number of the socket they share.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from types import FrameType
from typing import Any

from foliot import capture
from foliot.clock import SystemClock
from foliot.context import Context, Notes, words
from foliot.errors import ArgumentsError
from foliot.executors.wire import Answer, Begun, Done, Errand, Leave, Raised, Said, Setup, Stop, framed, read, unpacked
from foliot.importing import Imports
from foliot.model import Line, Progress

BREATH = 0.05
"""How long progress may gather before it is told, seconds. Lines are told at once."""


def main() -> None:
    """Run what the parent sends until it sends us home."""
    _leave_signals_to_the_parent()
    if (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(line_buffering=True)  # what a job prints is not lost when it is killed
    child = _Child(_line())
    for task in (child.listen, child.breathe):
        threading.Thread(target=task, name=f"foliot {task.__name__}", daemon=True).start()
    capture.install()
    child.work()


def _leave_signals_to_the_parent() -> None:
    """Ctrl-C, and a service manager's SIGTERM to all of a service, are the parent's to answer.

    They are caught, not ignored: what is ignored would be ignored by every program that a job starts, too.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _take_no_notice)


def _take_no_notice(number: int, frame: FrameType | None) -> None: ...


def _line() -> socket.socket:
    if sys.platform == "win32":  # pragma: no cover
        return socket.fromshare(sys.stdin.buffer.read())
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    return line


class _Child:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._imports = Imports(None)
        self._errands: SimpleQueue[tuple[Errand, Context] | None] = SimpleQueue()
        self._context: Context | None = None
        self._progress: Progress | None = None
        self._progressed = threading.Event()
        self._speaking = threading.RLock()

    # The parent speaks

    def listen(self) -> None:
        """Hear the parent; without one there is nothing left to do, however busy we are."""
        try:
            with self._line.makefile("rb") as heard:
                while (message := read(heard)) is not None:
                    self._heed(message)
        finally:
            _end()

    def _heed(self, message: Setup | Errand | Stop | Leave) -> None:
        match message:
            case Setup(path, argv, script):
                sys.path[:], sys.argv[:] = path, argv
                self._imports = Imports(script)
            case Errand():
                self._context = self._prepare(message)  # here and now, so that a stop right behind it finds it
                self._errands.put((message, self._context))
            case Stop(reason):
                if self._context is not None:
                    self._context.stop(reason)
            case Leave():
                self._errands.put(None)

    def _prepare(self, errand: Errand) -> Context:
        notes = Notes(lambda: self._tell(context), errand.level, errand.most)
        context = Context(errand.run, notes, SystemClock(ahead=errand.ahead), errand.times_out_at)
        return context

    # The child works

    def work(self) -> None:
        """Carry out one errand after the other."""
        while (given := self._errands.get()) is not None:
            answer = contextvars.copy_context().run(self._carry_out, *given)
            with self._speaking:
                self._flush()
                self._context = None
                self._say(answer)

    def _carry_out(self, errand: Errand, context: Context) -> Answer:
        context.enter()
        self._say(Begun())
        try:
            function = self._imports.found(errand.place)
            args, kwargs = unpacked(errand.arguments, self._imports.here)
            return _done(_called(function, args, kwargs, context))
        except BaseException as error:
            return _raised(error)

    # The child speaks

    def _tell(self, context: Context) -> None:
        with self._speaking:
            if context is not self._context:  # a thread that outlived the function it belonged to
                return
            lines, progress = context.notes.drain()
            self._progress = progress or self._progress
            if lines:
                self._flush(lines)
            else:
                self._progressed.set()

    def breathe(self) -> None:
        """Tell progress now and then: a loop may report it more often than anybody can listen."""
        while self._progressed.wait():
            time.sleep(BREATH)
            self._progressed.clear()
            self._flush()

    def _flush(self, lines: tuple[Line, ...] = ()) -> None:
        with self._speaking:
            progress, self._progress = self._progress, None
            if lines or progress is not None:
                self._say(Said(lines, progress))

    def _say(self, message: Answer | Begun | Said) -> None:
        with self._speaking, suppress(OSError):  # where nobody listens any more, our ear ends this process
            self._line.sendall(framed(message))


def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
    value = function(*args, **kwargs)
    return asyncio.run(_awaited(value, context)) if inspect.isawaitable(value) else value


async def _awaited(value: Any, context: Context) -> Any:
    """What an async function returns; it is cancelled when the parent says stop."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(value)

    def cancel(reason: str) -> None:
        with suppress(RuntimeError):  # it has ended just now
            loop.call_soon_threadsafe(task.cancel, reason)

    context.when_stopped(cancel)
    return await task


def _done(value: Any) -> Done:
    try:
        return Done(pickle.dumps(value))
    except Exception as problem:  # whatever a foreign object does when it is packed
        raise ArgumentsError(f"its result cannot leave its process ({problem}); return plain data") from problem


def _raised(error: BaseException) -> Raised:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace.tb_frame.f_globals):
        trace = trace.tb_next
    return Raised(
        packed=_packed(error),
        kind=type(error).__name__,
        message=words(error),
        trace="".join(traceback.format_exception(type(error), error, trace)),
    )


def _is_ours(names: dict[str, Any]) -> bool:
    name = names.get("__name__", "")
    return name == "__main__" or name.startswith("foliot.")


def _packed(error: BaseException) -> bytes | None:
    """The exception, if it survives the journey, and is one that may end a run but not the parent."""
    if not isinstance(error, Exception):
        return None
    try:
        packed = pickle.dumps(error)
        return packed if type(pickle.loads(packed)) is type(error) else None  # noqa: S301 - our own
    except Exception:  # whatever a foreign exception does when it is packed
        return None


def _end() -> None:
    """End at once, and the programs that the job has started with us."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGTERM)
    os._exit(1)


if __name__ == "__main__":
    main()
