"""One attempt at one run: from stored arguments to what came of it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.context import Context, Notes, clean, fit, words
from foliot.control import PutDown
from foliot.executors import Crashed, Executor
from foliot.flow.shares import shared_out
from foliot.jobs import Job
from foliot.model import Ending, Failure, Run
from foliot.options import Middleware
from foliot.policy import Conclusion, Died, GivenBack, Raised, Returned, TimedOut, Waits, time_left

LONGEST_TRACEBACK = 16_384


class Held:
    """A claimed run in this worker's hands, and the reason to stop it once there is one."""

    __slots__ = ("concluded", "context", "interruption", "job", "notes", "run", "task", "underway")

    def __init__(self, run: Run, job: Job[..., Any, Any] | None, context: Context, notes: Notes) -> None:
        self.run, self.job, self.context, self.notes = run, job, context, notes
        self.task: asyncio.Task[None] | None = None
        self.interruption: Conclusion | None = None
        self.underway = self.concluded = False
        """Whether the attempt is under way and can be interrupted; whether its ending is on its way to the store."""

    def interrupt(self, conclusion: Conclusion, reason: str) -> None:
        """Stop the attempt; it will be concluded as given unless it ends by itself first. Asking again asks harder."""
        if self.interruption is None:
            self.interruption = conclusion
        self.context.stop(reason)
        if self.task is not None and self.underway:
            self.task.cancel()

    def signed(self, ending: Ending) -> Ending:
        """The ending, with what the run has logged since its last beat."""
        lines, progress = self.notes.drain()
        return replace(ending, lines=lines, progress=progress)


@dataclass(frozen=True, slots=True)
class Execution:
    """What middleware sees and may hand on changed: the run, its job's name, the decoded arguments and the context."""

    run: Run
    job: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    context: Context


async def attempt(
    held: Held,
    job: Job[..., Any, Any],
    executor: Executor,
    middleware: Sequence[Middleware],
    resources: Mapping[Any, Any],
    clock: Clock,
) -> Conclusion:
    """Execute a run once and tell what came of it. Raises nothing that a job can cause."""
    held.underway = True
    if held.interruption is not None:
        return held.interruption
    left = alarm = None
    if job.settings.timeout is not None or held.run.deadline_at is not None or held.run.terms is not None:
        left = time_left(held.run, job.settings.timeout, clock.now())
    if left is not None:
        held.context.times_out_at = clock.now() + left
        alarm = clock.call_at(held.context.times_out_at, partial(held.interrupt, TimedOut(left), "timed out"))
    try:
        value = await _called(held, job, executor, middleware, resources)
        return Returned(job.shape.encode_result(value))
    except asyncio.CancelledError as error:
        return _interrupted(held) or Raised(error, _failure(error))
    except Crashed as crash:
        return Died(_failure(crash))
    except KeyboardInterrupt:  # Ctrl-C, which is meant for the program and not for this run
        raise
    except BaseException as error:
        down = PutDown.found(error)
        return Raised(error, _failure(error)) if down is None else Waits(down)
    finally:
        held.underway = False
        if alarm is not None:
            alarm.cancel()


def _interrupted(held: Held) -> Conclusion | None:
    """What somebody stopped the attempt for; a run that is given back says whether its function was called."""
    match held.interruption:
        case GivenBack():
            return GivenBack(begun=held.context.begun)
        case interruption:
            return interruption


def _called(
    held: Held,
    job: Job[..., Any, Any],
    executor: Executor,
    middleware: Sequence[Middleware],
    resources: Mapping[Any, Any],
) -> Awaitable[object]:
    """The call of the function, to be awaited, inside of whatever is wrapped around it; or of its shares."""
    if (shards := job.shards(held.run.terms)) is not None:
        return shared_out(held.context, job, shards)
    args, kwargs = job.shape.decode(held.run.args)
    if job.wants_context:
        args = (held.context, *args)
    if job.resources:
        kwargs |= {name: resources[kind] for name, kind in job.resources.items()}
    layers = (*middleware, *job.settings.middleware)
    if not layers:
        return executor.run(job.function, args, kwargs, held.context)
    execution = Execution(held.run, job.name, args, kwargs, held.context)
    return _wrapped(layers, partial(_innermost, job, executor))(execution)


async def _innermost(job: Job[..., Any, Any], executor: Executor, call: Execution) -> object:
    return await executor.run(job.function, call.args, dict(call.kwargs), call.context)


def _wrapped(
    layers: Sequence[Middleware], innermost: Callable[[Execution], Awaitable[object]]
) -> Callable[[Execution], Awaitable[object]]:
    call = innermost
    for layer in reversed(layers):
        call = partial(_through, layer, call)
    return call


def _through(layer: Middleware, inner: Callable[[Execution], Awaitable[object]], call: Execution) -> Awaitable[object]:
    return layer(call, inner)


def _failure(error: BaseException) -> Failure:
    return Failure(kind=fit(type(error).__name__), message=words(error), traceback=_traceback(error))


def _traceback(error: BaseException) -> str:
    """The end of the traceback, as it can be kept; nothing if the exception raises when it is asked."""
    try:
        told = getattr(error, "remote_traceback", None)
        text = "".join(traceback.format_exception(type(error), error, _since_the_job(error))) if told is None else told
        return clean(text[-LONGEST_TRACEBACK:])
    except Exception:
        return ""


def _since_the_job(error: BaseException) -> TracebackType | None:
    """The way from the job's first line on; what lies between our engine and that tells nobody anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_globals.get("__name__", "").startswith("foliot.")
