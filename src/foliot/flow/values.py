"""Fan-outs as values: what to map, reduce, chain, group, shard or broadcast, to be enqueued or carried out in a job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from foliot import readers
from foliot.codec import dumps, loads
from foliot.context import Context
from foliot.errors import ArgumentsError, DefinitionError
from foliot.flow.home import FLOW_JOB
from foliot.flow.plans import (
    Broadcast,
    Chain,
    Group,
    Items,
    Mapped,
    Plan,
    Reduced,
    Sharded,
    Single,
    carried_out,
    written,
)
from foliot.flow.story import MOST_PARTS
from foliot.handle import Call, Handle
from foliot.jobs import Job, Wish
from foliot.joining import tolerance

T = TypeVar("T")
R = TypeVar("R")

Taker = Job[..., Any, T] | Wish[..., T]


class Flow(Generic[T]):
    """What a fan-out is made of, as a value. ``enqueue`` wants it; ``within`` carries it out as a part of a job.

    ``last`` is the job whose result is the whole's; None if the result is made of several.
    """

    def __init__(self, plan: Plan, job: Job[..., Any, Any], last: Job[..., Any, Any] | None = None) -> None:
        self.plan, self.job, self.last = plan, job, last

    def __repr__(self) -> str:
        return f"<flow {type(self.plan).__name__.lower()} of {self.job.name!r}>"

    async def enqueue(self) -> Handle[T]:
        """Want it carried out: one run, whose children are all the others. Raises JobError if no scheduler knows it."""
        [handle] = await self.job.owner.enqueue_many([self.call()])
        return Handle(handle.id, handle.fate, self.last or handle.job, handle.home)

    def call(self) -> Call[T]:
        """It as a call, for ``context.call``, ``context.group`` and ``scheduler.enqueue_many``."""
        return FLOW_JOB.call(self.plan)

    async def within(self, context: Context) -> T:
        """Carry it out as a part of the job that runs in this context: its runs are that run's children."""
        return await carried_out(context, self.plan)

    def then(self, *jobs: Taker[Any]) -> Flow[Any]:
        """Give the result to a job, its result to the next, and so on."""
        return Flow(Chain(first=self.plan, then=tuple(written(each) for each in jobs)), self.job, _job(jobs[-1]))

    def map(self, job: Taker[R], *, at_once: int | None = None, failed: str = "fail") -> Flow[list[R]]:
        """Have a job run for each value of the result, when all of them are there."""
        return Flow(Mapped(of=self.plan, asked=written(job), at_once=_bound(at_once), failed=_policy(failed)), self.job)

    def reduce(self, job: Taker[R], *, shards: int = 1, width: int | None = None) -> Flow[R]:
        """Have a job make one value of a list of them: of all, or of so many shares, whose values it takes in the end.

        With ``width``, it takes at most so many at a time, level by level. Of nothing, it makes one value of ``[]``.
        """
        if shards < 1 or (width is not None and width < 2):
            raise DefinitionError(f"reduce(shards={shards}, width={width}): give at least 1 share, and a width from 2")
        return Flow(Reduced(of=self.plan, asked=written(job), shards=shards, width=width), self.job, _job(job))

    def merge(self, job: Taker[R]) -> Flow[R]:
        """Have another job make one value of the shares of the reduce before it."""
        if not isinstance(self.plan, Reduced):
            raise DefinitionError("merge() comes after reduce(..., shards=n): it takes what each of the shares gave")
        return Flow(replace(self.plan, merge=written(job)), self.job, _job(job))


def map(job: Taker[R], items: Iterable[Any], *, at_once: int | None = None, failed: str = "fail") -> Flow[list[R]]:
    """One run for each item, and their results in order. Raises ArgumentsError for an item that is not JSON.

    ``at_once`` and ``failed`` as in ``Context.map``.
    """
    return Flow(
        Mapped(of=Items(items=_plain(items)), asked=written(job), at_once=_bound(at_once), failed=_policy(failed)),
        _job(job),
    )


def chain(first: Call[Any] | Flow[Any], *then: Taker[Any]) -> Flow[Any]:
    """A call, and jobs that each take the result of what came before; the last result is the whole's."""
    job = first.job
    return Flow(
        Chain(first=_plan(first), then=tuple(written(each) for each in then)), job, _job(then[-1]) if then else job
    )


def group(*parts: Call[Any] | Flow[Any]) -> Flow[list[Any]]:
    """Several calls, chains, maps or groups at the same time, and their results in order."""
    if not parts:
        raise DefinitionError("group() of nothing: give it calls, like resize.call('a.png')")
    return Flow(Group(parts=tuple(_plan(each) for each in parts)), parts[0].job)


def shards(job: Taker[R], share: int | Sequence[Any], *args: Any, **kwargs: Any) -> Flow[list[R]]:
    """The same job so many times, with these arguments; or once for each of these arguments.

    Each knows by ``context.shard`` which share of the work it has.
    """
    if isinstance(share, int):
        if not 1 <= share <= MOST_PARTS:
            raise DefinitionError(f"{share} shares: give a number from 1 to {MOST_PARTS}, or a list of arguments")
        return Flow(Sharded(asked=written(job), total=share, args=job.call(*args, **kwargs).args), _job(job))
    if args or kwargs:
        raise DefinitionError("each share has its one argument from the list: give no others beside it")
    return Flow(Sharded(asked=written(job), total=len(share), items=_plain(share)), _job(job))


def broadcast(call: Call[R], *, queue: str | None = None, labels: Sequence[str] = ()) -> Flow[dict[str, R | None]]:
    """The call once on each worker that is there, serves the queue (default: the job's) and has these labels.

    The result tells by worker what it gave; None for one that failed, or was gone before it came to it: that run is
    skipped, and says so.
    """
    asked = written(Wish(call.job, call.options))
    return Flow(Broadcast(asked=asked, args=call.args, queue=queue, labels=tuple(labels)), call.job)


def _plan(part: Call[Any] | Flow[Any]) -> Plan:
    if isinstance(part, Flow):
        return part.plan
    return Single(asked=written(Wish(part.job, part.options)), args=part.args)


def _job(wish: Taker[Any]) -> Job[..., Any, Any]:
    return wish if isinstance(wish, Job) else wish.job


def _policy(failed: str) -> str:
    try:
        tolerance(failed)
    except ValueError as problem:
        raise DefinitionError(str(problem)) from None
    return failed


def _bound(at_once: int | None) -> int | None:
    return None if at_once is None else readers.given("at_once", at_once, readers.positive)


def _plain(items: Iterable[Any]) -> tuple[Any, ...]:
    every = list(islice(items, MOST_PARTS + 1))
    if len(every) > MOST_PARTS:
        raise ArgumentsError(f"more than {MOST_PARTS} items, the most that are possible: nest them")
    try:
        return tuple(loads(dumps(every)))
    except ArgumentsError as problem:
        raise _blamed(every) or problem from None


def _blamed(items: Sequence[Any]) -> ArgumentsError | None:
    """Tells which of these items is not JSON."""
    for n, item in enumerate(items):
        try:
            dumps(item)
        except ArgumentsError as problem:
            return ArgumentsError(f"item {n}: {problem}")
    return None
