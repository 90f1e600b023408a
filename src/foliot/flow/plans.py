"""What a fan-out is made of, as plain values that travel as the arguments of one run, and how they are carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, assert_never

import msgspec
from msgspec.structs import replace

from foliot.codec import loads
from foliot.errors import ArgumentsError, JobError
from foliot.flow.home import FLOW_JOB
from foliot.flow.parts import Calls, Each, Parts
from foliot.flow.shares import share
from foliot.flow.story import Fan, Story
from foliot.handle import Call
from foliot.jobs import USUAL, Job, Wish
from foliot.joining import Tolerance, tolerance
from foliot.model import Route, Run, Terms, Value, Worker
from foliot.options import RunOptions
from foliot.retry import Retries

if TYPE_CHECKING:
    from foliot.context import Context


class Asked(Value):
    """A job by name, and what its runs ask for."""

    job: str
    priority: int | None = None
    queue: str | None = None
    key: str | None = None
    needs: tuple[str, ...] = ()
    route: Route | None = None
    timeout: int | None = None
    deadline: int | None = None
    expires: int | None = None
    retries: Retries | None = None
    tags: tuple[str, ...] = ()
    meta: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])

    def wish(self, acts: Story) -> Wish[..., Any]:
        """The job with its options, as this worker knows it. Raises UnknownJob."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "job"}
        return Wish(acts.job(self.job), RunOptions(**given))


class Single(Value, tag="call"):
    """One run."""

    asked: Asked
    args: str


class Chain(Value, tag="chain"):
    """One thing, then jobs that each take the result of what came before."""

    first: Plan
    then: tuple[Asked, ...]


class Group(Value, tag="group"):
    """Several things together."""

    parts: tuple[Plan, ...]


class Items(Value, tag="items"):
    """Values that are there already, as plain data."""

    items: tuple[Any, ...]


class Mapped(Value, tag="map"):
    """One run for each of some values."""

    of: Plan
    asked: Asked
    at_once: int | None = None
    failed: str = "fail"


class Reduced(Value, tag="reduce"):
    """Runs that each take many values and give one, until one is left."""

    of: Plan
    asked: Asked
    shards: int = 1
    width: int | None = None
    merge: Asked | None = None


class Sharded(Value, tag="shards"):
    """The same job several times, each with its share of the work; or with an argument of its own."""

    asked: Asked
    total: int
    args: str | None = None
    items: tuple[Any, ...] = ()


class Broadcast(Value, tag="broadcast"):
    """The same call once on each worker that serves a queue and has some labels."""

    asked: Asked
    args: str
    queue: str | None = None
    labels: tuple[str, ...] = ()


Plan = Single | Chain | Group | Items | Mapped | Reduced | Sharded | Broadcast


def written(wish: Job[..., Any, Any] | Wish[..., Any]) -> Asked:
    """A job with its options, as it travels. Raises JobError for options that make no sense for a part."""
    if isinstance(wish, Job):
        return Asked(job=wish.name)
    given = wish.given
    strange = [name for name in given.__struct_fields__ if name not in Asked.__struct_fields__]
    if asked := [name for name in strange if getattr(given, name) != getattr(USUAL, name)]:
        raise JobError(
            f"job {wish.job.name!r}: {asked[0]!r} is no option for a part; give it to the whole, or leave it"
        )
    known = {name: getattr(given, name) for name in Asked.__struct_fields__ if name not in ("job", "meta")}
    return Asked(job=wish.job.name, **known, meta=dict(given.meta))


# Carrying out


async def carried_out(context: Context, plan: Plan) -> Any:
    """The result of a plan, each of whose runs is a child of this one."""
    acts: Any = context.acts
    match plan:
        case Single():
            return await acts.call(_call(acts, plan))
        case Chain():
            return await _chained(context, plan)
        case Group():
            return await acts.gather([_part(acts, each) for each in plan.parts], "group", None, "fail")
        case Items():
            return plan.items
        case Mapped():
            return await _mapped(context, plan, None)
        case Reduced():
            return await _reduced(context, plan)
        case Sharded():
            return await _sharded(acts, plan)
        case Broadcast():
            return await _broadcast(acts, plan)
        case _:
            assert_never(plan)


def _call(acts: Story, plan: Single) -> Call[Any]:
    wish = plan.asked.wish(acts)
    return Call(wish.job, plan.args, wish.given, wish.job.shape.decode(plan.args))


def _part(acts: Story, plan: Plan) -> Call[Any]:
    """A part of a group: its own run, or a run that carries it out if it is more than one."""
    return _call(acts, plan) if isinstance(plan, Single) else FLOW_JOB.call(plan)


async def _chained(context: Context, plan: Chain) -> Any:
    acts: Any = context.acts
    value = await carried_out(context, plan.first)
    for each in plan.then:
        value = await acts.call(each.wish(acts).call(value))
    return value


LEFT_OUT: Any = object()
"""In the place of a part that failed where only the others count."""


async def _mapped(context: Context, plan: Mapped, missing: Any) -> list[Any]:
    acts: Any = context.acts
    items = await carried_out(context, plan.of)
    fan = Fan(name=plan.asked.job, at_once=plan.at_once, tolerance=tolerance(plan.failed), missing=missing)
    return await acts.fan_out(Each(plan.asked.wish(acts), items), fan)


async def _reduced(context: Context, plan: Reduced) -> Any:
    acts: Any = context.acts
    values = await _values(context, plan.of)
    job, merge = plan.asked.wish(acts), (plan.merge or plan.asked).wish(acts)
    fan = Fan(name=plan.asked.job, tolerance=Tolerance())
    if plan.shards > 1 or plan.merge is not None:
        shares = list(split(values, plan.shards))
        return await acts.call(merge.call(await acts.fan_out(Each(job, shares), fan)))
    while plan.width is not None and len(values) > plan.width:
        values = await acts.fan_out(Each(job, list(chunks(values, plan.width))), fan)
    return await acts.call(job.call(values))


async def _values(context: Context, plan: Plan) -> list[Any]:
    """What is to be reduced: without the parts that have no result."""
    if isinstance(plan, Mapped):
        return [each for each in await _mapped(context, plan, LEFT_OUT) if each is not LEFT_OUT]
    return list(await carried_out(context, plan))


def split(values: Sequence[Any], shares: int) -> Iterator[list[Any]]:
    """Part values into so many shares, as equal as can be, in order; fewer if there are fewer values, at least one."""
    count = max(1, min(shares, len(values)))
    edges = [len(values) * n // count for n in range(count + 1)]
    for start, stop in pairwise(edges):
        yield list(values[start:stop])


def chunks(values: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Part values into pieces of this size, the last one maybe smaller."""
    for at in range(0, len(values), size):
        yield list(values[at : at + size])


async def _sharded(acts: Story, plan: Sharded) -> list[Any]:
    wish = plan.asked.wish(acts)
    if plan.args is not None:
        parts: Parts = Calls([_call(acts, Single(asked=plan.asked, args=plan.args))] * plan.total)
    else:
        parts = Each(wish, plan.items)
    return await acts.fan_out(parts, Fan(name=plan.asked.job, tolerance=Tolerance(), adapt=share(plan.total)))


async def _broadcast(acts: Story, plan: Broadcast) -> Mapping[str, Any]:
    wish = plan.asked.wish(acts)
    queue = plan.queue or wish.given.queue or wish.job.settings.queue

    async def workers() -> list[str]:
        return [each.id for each in await acts.workers() if _serves(each, queue, plan.labels)]

    names: list[str] = await acts.step("workers", workers, (), {})

    def address(run: Run, n: int) -> Run:
        return replace(run, target=names[n], needs=(), terms=replace(run.terms or Terms(), only=True))

    fan = Fan(name=plan.asked.job, tolerance=Tolerance(share=None), adapt=address)
    parts = Calls([_call(acts, Single(asked=plan.asked, args=plan.args))] * len(names))
    return dict(zip(names, await acts.fan_out(parts, fan), strict=True))


def _serves(worker: Worker, queue: str, labels: Sequence[str]) -> bool:
    """Whether a worker serves a queue and has these labels."""
    return (not worker.queues or queue in worker.queues) and set(labels) <= set(worker.labels)


def read(plan: Any) -> Plan:
    """A plan as it travelled. Raises ArgumentsError for what is none."""
    try:
        return msgspec.convert(plan, Plan, str_keys=True)
    except msgspec.ValidationError as problem:
        raise ArgumentsError(f"this is no plan: {problem}") from None


async def result(context: Context, plan: Plan) -> Any:
    """What a plan gives: the result of its last act if that one is the whole's, so that nothing is read again."""
    acts: Any = context.acts
    last = _last(plan)
    done = None if last is None else await acts.done(_acts(plan) - 1, last)
    return await carried_out(context, plan) if done is None else loads(done)


def _last(plan: Plan) -> str | None:
    """The job whose one run is the last act, and whose result is the whole's; None if the result is made of several."""
    match plan:
        case Chain(then=(*_, last)):
            return last.job
        case Reduced(asked=asked, width=None, merge=merge):
            return (merge or asked).job
        case _:
            return None


def _acts(plan: Plan) -> int:
    """How many acts carry out a plan; only a reduce by width cannot tell that before."""
    match plan:
        case Items():
            return 0
        case Chain(first=first, then=then):
            return _acts(first) + len(then)
        case Mapped(of=of):
            return _acts(of) + 1
        case Reduced(of=of, shards=shards, merge=merge):
            return _acts(of) + (2 if shards > 1 or merge is not None else 1)
        case Broadcast():
            return 2
        case _:
            return 1
