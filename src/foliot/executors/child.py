"""The child's side: a process that runs one function after the other and says what comes of each."""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from foliot import capture
from foliot.clock import SystemClock
from foliot.context import Context, Notes
from foliot.errors import RemoteError
from foliot.importing import Address, found
from foliot.model import Line, Progress, Run


@dataclass(frozen=True, slots=True)
class Errand:
    """A function to run, for this run; the arguments are packed."""

    place: Address
    run: Run
    times_out_at: int | None
    level: int
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop what you are doing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the function has logged, and how far it is."""

    lines: tuple[Line, ...]
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Done:
    """The function has returned; its value, packed."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """The function has raised: the exception, packed if it can be, and what it was in words."""

    packed: bytes | None
    kind: str
    message: str
    trace: str

    def error(self) -> BaseException:
        """The exception, or one that stands for it, with the child's traceback as ``remote_traceback``."""
        error: Any = None if self.packed is None else pickle.loads(self.packed)  # noqa: S301 - from our own child
        if error is None:
            error = type(self.kind, (RemoteError,), {})(self.message)
        with suppress(AttributeError):  # an exception with slots of its own
            error.remote_traceback = self.trace
        return error


def live(pipe: Connection[Any, Any]) -> None:
    """Run what the parent sends, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    capture.install()
    child = _Child(pipe)
    threading.Thread(target=child.listen, name="foliot ear", daemon=True).start()
    child.work()


class _Child:
    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe
        self._errands: SimpleQueue[Errand] = SimpleQueue()
        self._context: Context | None = None
        self._speaking = threading.Lock()

    def listen(self) -> None:
        """Hear the parent; without one there is nothing left to do, however busy we are."""
        try:
            while True:
                match self._pipe.recv():
                    case Errand() as errand:
                        self._errands.put(errand)
                    case Stop(reason) if self._context is not None:
                        self._context.stop(reason)
                    case _:
                        pass
        except (EOFError, OSError):
            os._exit(1)

    def work(self) -> None:
        """Carry out one errand after the other."""
        while True:
            errand = self._errands.get()
            answer = self._carry_out(errand)
            self._context = None
            self._say(answer)

    def _carry_out(self, errand: Errand) -> Done | Raised:
        notes = Notes(lambda: self._say(Said(*notes.drain())), errand.level)
        context = self._context = Context(errand.run, notes, SystemClock(), errand.times_out_at)
        context.enter()
        try:
            args, kwargs = pickle.loads(errand.arguments)  # noqa: S301 - from our own parent
            return Done(pickle.dumps(_called(found(errand.place), args, kwargs, context)))
        except BaseException as error:
            return _raised(error)

    def _say(self, something: object) -> None:
        with self._speaking:
            self._pipe.send(something)


def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
    if inspect.iscoroutinefunction(function):
        return asyncio.run(_awaited(function, args, kwargs, context))
    return function(*args, **kwargs)


async def _awaited(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], context: Context
) -> Any:
    """An async function, cancelled when the parent says stop."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    context.when_stopped(lambda _: task and loop.call_soon_threadsafe(task.cancel))
    return await function(*args, **kwargs)


def _raised(error: BaseException) -> Raised:
    trace = error.__traceback__
    while (
        trace is not None and trace.tb_next is not None and trace.tb_frame.f_globals["__name__"].startswith("foliot.")
    ):
        trace = trace.tb_next
    return Raised(
        packed=_packed(error),
        kind=type(error).__name__,
        message=str(error),
        trace="".join(traceback.format_exception(type(error), error, trace)),
    )


def _packed(error: BaseException) -> bytes | None:
    """The exception, if it survives the journey."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301 - our own
    except Exception:  # whatever a foreign exception does when it is packed
        return None
    return packed
