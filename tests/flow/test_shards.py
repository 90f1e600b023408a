"""Jobs that are run in shards, however they are wanted: each run is parted, and its shares are its children."""

from datetime import timedelta
from typing import Any

import pytest

from foliot.context import Context
from foliot.errors import JobError, RunFailed, WorkflowError
from foliot.model import State
from foliot.scheduler import Scheduler
from foliot.testing import simulated
from foliot.workflows.building import workflow


async def _share(context: Context, first: int = 0) -> list[int]:
    return [context.shard.index, context.shard.total, first]


async def test_a_run_of_a_job_in_shards_gives_what_each_share_gave_in_order(scheduler: Scheduler):
    job = scheduler.job(name="sync", shards=3)(_share)

    async with simulated(scheduler) as time:
        handle = await job.enqueue(7)
        await time.settle()
        result: Any = await handle.result()
        parts = await scheduler.runs.count(parent=handle.id, job="sync")

    assert (result, parts) == ([[0, 3, 7], [1, 3, 7], [2, 3, 7]], {"succeeded": 3})


async def test_each_share_may_have_an_argument_of_its_own(scheduler: Scheduler):
    job = scheduler.job(name="sync")(_share)

    async with simulated(scheduler) as time:
        handle = await job.options(shards=[5, 6]).enqueue()
        await time.settle()
        result: Any = await handle.result()

    assert result == [[0, 2, 5], [1, 2, 6]]


async def test_a_schedule_fires_a_job_in_shards_one_firing_at_a_time(scheduler: Scheduler):
    seen: list[int] = []

    @scheduler.every("1h", name="sync", shards=2, unique="only", per_key=2, key="all")
    async def sync(context: Context) -> None:
        seen.append(context.shard.index)

    async with simulated(scheduler) as time:
        await time.advance(hours=2)

    assert sorted(seen) == [0, 0, 1, 1]


async def test_a_share_that_fails_for_good_fails_the_whole_once(scheduler: Scheduler):
    tried: list[int] = []

    @scheduler.job(name="sync", shards=2, retries=[timedelta(seconds=1)])
    async def sync(context: Context) -> None:
        tried.append(context.shard.index)
        if context.shard.index:
            raise ValueError("this share is lost")

    async with simulated(scheduler) as time:
        handle = await sync.enqueue()
        await time.advance(minutes=1)
        run = await handle.status()
        with pytest.raises(RunFailed, match="1 of 2 parts of 'sync' have no result"):
            await handle.result()

    assert (run.state, run.failures, sorted(tried)) == (State.FAILED, 1, [0, 1, 1])


@pytest.mark.parametrize("shards", [0, -1, True, [], "abc", [object()], {"a": 1}])
def test_shards_that_are_none_are_refused(scheduler: Scheduler, shards: Any):
    with pytest.raises(JobError, match="shards="):
        scheduler.job(name="sync", shards=shards)(_share)


def test_an_argument_for_each_share_needs_a_parameter_that_the_whole_can_go_without(scheduler: Scheduler):
    async def sync(region: str) -> None: ...

    with pytest.raises(JobError, match="is given as its first argument; take one, with a default"):
        scheduler.job(name="sync", shards=["eu", "us"])(sync)


@pytest.mark.parametrize(
    "asked",
    [
        {"shards": 2},
        {"unique": True},
        {"debounce": "1s"},
        {"key": "all"},
        {"per_key": 1, "key": "all"},
        {"deadline": "1h"},
        {"expires": "1h"},
        {"route": "first"},
    ],
)
def test_what_cannot_hold_for_a_node_is_refused_where_the_workflow_is_defined(scheduler: Scheduler, asked: Any):
    job = scheduler.job(name="sync", **asked)(_share)
    flow = workflow("nightly")
    flow.node(job)

    with pytest.raises(WorkflowError, match=rf"node 'sync': '{next(iter(asked))}' of job 'sync' cannot hold"):
        scheduler.include(flow)
