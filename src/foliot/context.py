"""What a running function may ask and say, and where what it says waits to be carried to the store."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from math import isfinite
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

import msgspec

from foliot.clock import Clock, SystemClock
from foliot.control import Cancel
from foliot.errors import ArgumentsError, JobError
from foliot.model import Line, Progress, Run, Value
from foliot.moments import Length, length, moment

if TYPE_CHECKING:
    from foliot.handle import Call
    from foliot.jobs import Job, Wish

P = ParamSpec("P")
T = TypeVar("T")

MOST_LINES = 10_000
"""How many lines one attempt may log; what comes after is dropped, and one last line says so."""
LONGEST_LINE = 8 * 1024
"""How many bytes of UTF-8 a line, or one of its fields, may have; longer ones are cut, with a mark."""

CURRENT: ContextVar[Context] = ContextVar("foliot.context")
"""The context of the job that runs here; executors set it around every call."""


class Notes:
    """Lines and progress of one attempt, waiting for the store. Any thread may add; the engine drains.

    ``ring`` is called, in whichever thread adds, when something waits again for the first time since the last
    ``drain``. ``level`` is the lowest level of ``logging`` that is captured.
    """

    __slots__ = ("_count", "_lines", "_progress", "_ring", "level", "most", "waiting")
    _lock = RLock()  # one for all, held for moments; a destructor that the collector runs meanwhile may log, too

    def __init__(
        self, ring: Callable[[], object] | None = None, level: int = logging.INFO, most: int = MOST_LINES
    ) -> None:
        self.level = level
        self.most = most
        self._ring = ring
        self._lines: list[Line] | None = None
        self._progress: Progress | None = None
        self._count = 0
        self.waiting = False
        """Whether something waits to be drained."""

    def add(self, line: Line) -> None:
        """Keep a line, the last place being taken by the news that the rest is dropped."""
        with self._lock:
            self._count += 1
            if self._count > self.most + 1:
                return
            if self._lines is None:
                self._lines = []
            self._lines.append(line if self._count <= self.most else _rest_dropped(line, self.most))
            first = self._something_waits()
        if first:
            self._call()

    def report(self, progress: Progress) -> None:
        """Keep how far the job is; only the latest counts."""
        with self._lock:
            self._progress = progress
            first = self._something_waits()
        if first:
            self._call()

    def drain(self) -> tuple[tuple[Line, ...], Progress | None]:
        """Take what waits: the lines since the last time, and the latest progress if it has changed."""
        with self._lock:
            lines, progress = self._lines, self._progress
            self._lines = self._progress = None
            self.waiting = False
        return tuple(lines or ()), progress

    def _something_waits(self) -> bool:
        first, self.waiting = not self.waiting, True
        return first

    def _call(self) -> None:
        if self._ring is not None:
            self._ring()


class Shard(Value):
    """Which of how many equal shares of the work a run has: ``index`` counts from 0 to ``total - 1``."""

    index: int = 0
    total: int = 1


class Acts(Protocol):
    """What a run does durably; each act is kept, and found again when the run is picked up again."""

    async def step(
        self, name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The result of a function that is called once."""
        ...

    async def sleep(self, length: int, name: str) -> None:
        """Go on after this length of time."""
        ...

    async def wait_for(self, name: str, timeout: int | None, kind: Any) -> Any:
        """What a signal carries."""
        ...

    async def call(self, call: Call[Any]) -> Any:
        """The result of one child run."""
        ...

    async def gather(self, calls: Sequence[Call[Any]], name: str, at_once: int | None, failed: str) -> list[Any]:
        """The results of many child runs, in order."""
        ...

    async def map(
        self, job: Any, items: Iterable[Any], name: str | None, at_once: int | None, failed: str
    ) -> list[Any]:
        """The results of one child run for each item, in order."""
        ...


class Context:
    """What a running function may ask about its run, and tell it.

    A job gets one by asking for it in its signature (``context: Context``), and any code it calls by
    ``Context.current()``. It may be used from any thread.
    """

    __slots__ = (
        "_acts",
        "_stopped",
        "_when_stopped",
        "begin",
        "begun",
        "clock",
        "driven",
        "notes",
        "run",
        "times_out_at",
        "upstream",
    )

    def __init__(self, run: Run, notes: Notes, clock: Clock, times_out_at: int | None = None) -> None:
        self.run = run
        """The run as it was claimed."""
        self.notes = notes
        self.times_out_at = times_out_at
        self.clock = clock
        self.begun = False
        """Whether its function may have been called in this attempt; the executors say so."""
        self.driven = False
        """Whether a plain function has one of the verbs that wait done right now."""
        self.upstream: tuple[Run, ...] = ()
        """The runs that this one waited for, as they ended."""
        self.begin: Callable[[Context], Acts] | None = None
        """How the acts of a run are begun; the engine says so for runs that it executes in its own process."""
        self._acts: Acts | None = None
        self._stopped: str | None = None
        self._when_stopped: Callable[[str], object] | None = None

    @classmethod
    def detached(cls, job: str) -> Context:
        """A context of no run, for a job that is called like a plain function; inside a job, that job's own."""
        clock = SystemClock()
        run = Run(id="", job=job, due_at=clock.now(), created_at=clock.now())
        return CURRENT.get(None) or cls(run, Notes(), clock)

    @classmethod
    def current(cls) -> Context:
        """The context of the job that is running here. Raises LookupError outside a job.

        Known in the job's own task or thread and in asyncio tasks it starts; a thread that a job starts by
        itself must be started with ``contextvars.copy_context().run``.
        """
        try:
            return CURRENT.get()
        except LookupError:
            raise LookupError(
                "no job is running here: call Context.current() from inside a job, and start threads of "
                "your own with contextvars.copy_context().run"
            ) from None

    def enter(self) -> None:
        """Be the current context from here on, in this task or thread."""
        CURRENT.set(self)

    def __reduce__(self) -> tuple[Callable[[], Context], tuple[()]]:
        return Context.current, ()  # in another process it is the context of the job that runs there

    @property
    def run_id(self) -> str:
        """The id of the run, the same in every attempt."""
        return self.run.id

    @property
    def job(self) -> str:
        """The name of the job."""
        return self.run.job

    @property
    def schedule(self) -> str | None:
        """The id of the schedule that fired this run; None when somebody enqueued it."""
        return self.run.schedule

    @property
    def attempt(self) -> int:
        """Which attempt this is: 1 for the first, and one more after every failure."""
        return self.run.failures + 1

    @property
    def nominal_at(self) -> datetime | None:
        """The instant of the schedule that this run stands for, in UTC; None when somebody enqueued it."""
        return None if self.run.nominal_at is None else moment(self.run.nominal_at)

    @property
    def due_at(self) -> datetime:
        """When the run was due, in UTC."""
        return moment(self.run.due_at)

    @property
    def deadline(self) -> datetime | None:
        """When this attempt will be stopped, in UTC; None for never.

        That is its timeout or the run's deadline, whichever comes first.
        """
        ends = [at for at in (self.times_out_at, self.run.deadline_at) if at is not None]
        return moment(min(ends)) if ends else None

    @property
    def idempotency_key(self) -> str:
        """A key for the outside world, the same in every attempt: doing it twice can be seen there."""
        return self.run.id

    @property
    def token(self) -> int:
        """The fencing token: larger in each claim of this run; the outside world can refuse an old one."""
        return self.run.token

    @property
    def worker(self) -> str | None:
        """The id of the worker that executes this run."""
        return self.run.worker

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags."""
        return self.run.tags

    @property
    def meta(self) -> dict[str, Any]:
        """The run's metadata, to read."""
        return self.run.meta

    def log(self, text: str, /, level: str = "info", **fields: Any) -> None:
        """Write a line to the run's log, with fields. A field that is not JSON is kept as its ``repr``."""
        self.write(text, level, fields)

    def write(self, text: str, level: str, fields: dict[str, Any]) -> None:
        """What ``log`` does, for fields whose names are not known beforehand."""
        now = self.clock.now()
        self.notes.add(Line(at=now, level=level.lower(), text=fit(str(text)), fields=plain(fields)))

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Say how far the job is: ``done`` of ``total``, in any unit. Cheap enough for any loop."""
        if not isfinite(done) or (total is not None and not isfinite(total)):
            raise ArgumentsError(f"progress({done}, {total}): tell it finite numbers, and no total if there is none")
        self.notes.report(
            Progress(done=float(done), total=None if total is None else float(total), note=fit(str(note)))
        )

    # What outlives an attempt

    @property
    def acts(self) -> Acts:
        """What this run does durably. Raises JobError where no worker of this process stands behind the context."""
        if self._acts is None:
            if self.begin is None:
                raise JobError(
                    f"job {self.job!r} has no worker at hand here: steps, sleeps, signals and fan-outs work in jobs "
                    "that run 'inline' or in 'threads', not in 'processes' and not when called like a plain function"
                )
            self._acts = self.begin(self)
        return self._acts

    @property
    def acted(self) -> bool:
        """Whether this attempt has asked for a step, a sleep, a signal or a fan-out."""
        return self._acts is not None

    @property
    def shard(self) -> Shard:
        """Which of how many equal shares of the work this run has; all of it, unless the job is run in shards."""
        terms = self.run.terms
        return Shard() if terms is None or terms.shard is None else Shard(index=terms.shard[0], total=terms.shard[1])

    @overload
    async def step(self, name: str, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    async def step(self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...
    async def step(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call the function once, and keep its result: a run that is retried or taken over goes on after it.

        It is called again if the worker dies before the result is kept. What it returns must be JSON, and comes back as
        its return annotation says.
        """
        return await self.acts.step(name, function, args, kwargs)

    async def sleep(self, delay: Length, name: str = "sleep") -> None:
        """Go on after this length of time. The run is put down meanwhile: no worker is held, and it may be days."""
        await self.acts.sleep(length(delay), name)

    async def wait_for(self, signal: str, *, timeout: Length | None = None, kind: Any = Any) -> Any:
        """Wait for a signal to this run, and give what it carries, read as ``kind``. No worker is held meanwhile.

        A signal that came before is there at once. Raises TimeoutError when none came within ``timeout``.
        """
        return await self.acts.wait_for(signal, None if timeout is None else length(timeout), kind)

    async def call(self, call: Call[T]) -> T:
        """Have a job run as a child of this run, and give its result. No worker is held meanwhile.

        Raises RunFailed when it failed, was cancelled or skipped.
        """
        return await self.acts.call(call)

    @overload
    async def map(
        self,
        job: Job[[Any], Any, T] | Wish[[Any], T],
        items: Iterable[Any],
        /,
        *,
        name: str | None = None,
        at_once: int | None = None,
        failed: Literal["fail"] = "fail",
    ) -> list[T]: ...
    @overload
    async def map(
        self,
        job: Job[[Any], Any, T] | Wish[[Any], T],
        items: Iterable[Any],
        /,
        *,
        name: str | None = None,
        at_once: int | None = None,
        failed: str,
    ) -> list[T | None]: ...
    @overload
    async def map(
        self,
        job: str,
        items: Iterable[Any],
        /,
        *,
        name: str | None = None,
        at_once: int | None = None,
        failed: str = "fail",
    ) -> list[Any]: ...
    async def map(
        self,
        job: Any,
        items: Iterable[Any],
        /,
        *,
        name: str | None = None,
        at_once: int | None = None,
        failed: str = "fail",
    ) -> list[Any]:
        """Have a job run once for each item, and give the results in order. No worker is held meanwhile.

        At most 100,000 items, at most ``at_once`` at a time. Parts that fail for good, after retries of their own, are
        a PartsFailed (``failed="fail"``), are None (``"skip"``), or that as long as they are no more than a share
        (``"5%"``). Raises ArgumentsError for an item that is not JSON.
        """
        return await self.acts.map(job, items, name, at_once, failed)

    async def group(
        self, *calls: Call[T], name: str = "group", at_once: int | None = None, failed: str = "fail"
    ) -> list[T]:
        """Have several jobs run as children of this run, and give their results in order; as ``map`` otherwise."""
        return await self.acts.gather(calls, name, at_once, failed)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do one of the verbs above from a plain function: ``context.wait(context.sleep("3d"))``."""
        self.driven = True
        try:
            work.send(None)
        except StopIteration as done:
            return done.value
        finally:
            self.driven = False
        work.close()
        raise JobError(f"job {self.job!r} is a plain function; what it waits for must be one of its context's verbs")

    # Stopping

    @property
    def cancelled(self) -> bool:
        """Whether the function should stop: cancelled, timed out, or the worker is shutting down."""
        return self._stopped is not None

    @property
    def stop_reason(self) -> str | None:
        """Why the function should stop; None as long as it need not."""
        return self._stopped

    def raise_if_cancelled(self) -> None:
        """Raise ``Cancel`` with the reason if the function should stop. For loops in plain functions."""
        if self._stopped is not None:
            raise Cancel(self._stopped)

    def stop(self, reason: str) -> None:
        """Tell the function that it should stop, and why. For the engine to say; the first reason stays."""
        if self._stopped is None:
            self._stopped = reason
            if self._when_stopped is not None:
                self._when_stopped(reason)

    def when_stopped(self, act: Callable[[str], object] | None) -> None:
        """Call ``act`` with the reason once the function should stop: executors pass it on. None: no more."""
        self._when_stopped = act
        if act is not None and self._stopped is not None:
            act(self._stopped)


def fit(text: str) -> str:
    """The text as it can be kept: UTF-8 of at most ``LONGEST_LINE`` bytes, cut with a mark if longer, and no NUL."""
    if len(text) <= LONGEST_LINE and text.isascii() and "\0" not in text:
        return text
    raw = clean(text[:LONGEST_LINE]).encode()
    if len(raw) <= LONGEST_LINE and len(text) <= LONGEST_LINE:
        return raw.decode()
    mark = f" … (cut; {len(text)} characters)"
    return raw[: LONGEST_LINE - len(mark.encode())].decode("utf-8", "ignore") + mark


def clean(text: str) -> str:
    """The text as every store can hold it: NUL is shown, and halves of surrogate pairs are spelled out."""
    return text.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()


def plain(fields: dict[str, Any]) -> dict[str, Any] | None:
    """The fields as they can be kept: JSON, each of at most ``LONGEST_LINE`` bytes; None for no fields."""
    return {fit(name): _plain(value) for name, value in fields.items()} or None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return fit(value)
    try:
        text = msgspec.json.encode(value)
    except Exception:  # whatever a foreign object does when asked, the line is worth keeping
        return fit(_shown(value))
    return msgspec.json.decode(text) if len(text) <= LONGEST_LINE else fit(text.decode())


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def words(error: BaseException) -> str:
    """What an exception says, as it can be kept; nothing if it raises when it is asked."""
    try:
        return fit(str(error))
    except Exception:
        return ""


def _rest_dropped(line: Line, most: int) -> Line:
    return Line(at=line.at, level="warning", text=f"more than {most} lines: this line and all after it are dropped")
