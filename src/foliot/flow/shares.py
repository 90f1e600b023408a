"""A job that is run in shards: its run spawns one run of the same job for each share of the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from foliot.codec import dumps, loads
from foliot.flow.parts import Calls
from foliot.flow.story import Fan
from foliot.handle import Call
from foliot.jobs import USUAL, Job
from foliot.joining import Tolerance
from foliot.model import Run, Shards, Terms, family

if TYPE_CHECKING:
    from foliot.context import Context


def share(total: int) -> Callable[[Run, int], Run]:
    """Makes of a run the one that has the share of a number, of so many."""

    def shared(run: Run, n: int) -> Run:
        return replace(run, terms=replace(run.terms or Terms(), shard=(n, total), shards=None))

    return shared


def shared_out(context: Context, job: Job[..., Any, Any], shards: Shards) -> Awaitable[list[Any]]:
    """What the shares of this run's work give, in order. Raises PartsFailed, ArgumentsError."""
    acts: Any = context.acts
    texts = _arguments(job, context.run.args, shards)
    fan = Fan(name=job.name, tolerance=Tolerance(), adapt=_like(context.run, job, len(texts)))
    return acts.fan_out(_Shares([Call(job, each, USUAL, ((), {})) for each in texts]), fan)


class _Shares(Calls):
    """Calls whose results are those of one share each."""

    def read(self, n: int, text: str) -> Any:
        """As the job says of one run."""
        return self._calls[n].job.shape.decode_result(text)


def _arguments(job: Job[..., Any, Any], args: str, shards: Shards) -> Sequence[str]:
    """The arguments of each share: those of the whole, with its own for the first parameter if it has one."""
    if isinstance(shards, int):
        return [args] * shards
    first = next(iter(job.shape.signature.parameters))
    texts = [dumps({**loads(args), first: each}) for each in shards]
    for text in texts:
        job.shape.check(text)
    return texts


def _like(whole: Run, job: Job[..., Any, Any], total: int) -> Callable[[Run, int], Run]:
    """Places a share where the whole was placed; what keeps the whole apart from others is not for its shares."""
    shared = share(total)
    lanes = tuple(each for each in whole.lanes if family(each) == f"key/{job.name}")
    terms = replace(whole.terms or Terms(), followed=False)
    same = ("queue", "priority", "needs", "key", "tags", "meta", "headers")
    like = {name: getattr(whole, name) for name in same} | {"lanes": lanes, "terms": terms, "unique": None}

    def placed(run: Run, n: int) -> Run:
        return shared(replace(run, due_at=run.created_at, wakes_at=run.created_at, expires_at=None, **like), n)

    return placed
