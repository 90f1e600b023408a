"""Runs that are meant for one worker: broadcast, and what becomes of them when the worker is gone."""

from contextlib import AsyncExitStack
from typing import Any

from foliot import flow
from foliot.context import Context
from foliot.model import Run, State, Worker
from foliot.moments import HOUR
from foliot.policy import admit
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import simulated


def a_worker_of(store: MemoryStore, name: str, *labels: str) -> Scheduler:
    """A process of a cluster: it has the job, and its own caches."""
    scheduler = Scheduler(store, name=name, labels=labels, lease="1h")

    @scheduler.job(name="refresh")
    async def refresh(context: Context, cache: str) -> str:
        return f"{cache} on {context.worker}"

    return scheduler


async def refreshed(scheduler: Scheduler, **which: Any) -> Any:
    job = scheduler.jobs["refresh"]
    return await flow.broadcast(job.call("prices"), **which).enqueue()


async def test_a_broadcast_runs_once_on_each_worker_that_is_there():
    store = MemoryStore()
    one, two, three = a_worker_of(store, "one"), a_worker_of(store, "two", "eu"), a_worker_of(store, "three", "eu")

    async with AsyncExitStack() as stack:
        time = await stack.enter_async_context(simulated(one, store=store))
        await stack.enter_async_context(joined(two, store, time))
        await stack.enter_async_context(joined(three, store, time))
        everywhere, in_eu = await refreshed(one), await refreshed(one, labels=["eu"])
        await time.settle()
        results = await everywhere.result(), await in_eu.result()

    assert results[0] == {name: f"prices on {name}" for name in ("one", "three", "two")}
    assert results[1] == {name: f"prices on {name}" for name in ("three", "two")}


def joined(scheduler: Scheduler, store: MemoryStore, time: Any) -> Any:
    """Another process on the same store, in the same time."""

    class Joined:
        async def __aenter__(self) -> None:
            self.furnished = scheduler.furnished(store, time.clock, scheduler.settings)
            self.furnished.__enter__()
            await scheduler.__aenter__()
            await time.settle()

        async def __aexit__(self, *_: object) -> None:
            await time.through(scheduler.__aexit__(None, None, None))
            self.furnished.__exit__(None, None, None)

    return Joined()


async def test_a_worker_that_dies_meanwhile_is_recorded_and_not_waited_for():
    store = MemoryStore()
    one = a_worker_of(store, "one")

    async with simulated(one, store=store) as time:
        await store.put([Worker(id="dead", seen_at=time.clock.now(), slots=1)])
        handle = await refreshed(one)
        await time.advance(hours=1)
        early = await handle.status()
        await time.advance(hours=2)
        result = await handle.result()
        [run] = await one.runs.find(job="refresh", state="skipped")

    assert early.state is State.PENDING
    assert result == {"dead": None, "one": "prices on one"}
    assert run.reason == "worker gone: it was meant for dead only"


async def test_a_worker_that_leaves_before_it_comes_to_it_is_answered_for():
    store = MemoryStore()
    one, two = a_worker_of(store, "one"), a_worker_of(store, "two")

    async with simulated(one, store=store) as time:
        async with joined(two, store, time):
            assert two.worker is not None
            two.worker.draining = True  # it takes nothing any more
            handle = await refreshed(one)
            await time.settle()
        await time.advance(hours=1)
        result = await handle.result()
        [gone] = await store.records(Worker, ["two"])

    assert result == {"one": "prices on one", "two": None}
    assert gone.stopping


class Leaving(MemoryStore):
    """A worker leaves right after it was listed."""

    async def records(self, kind: Any, ids: Any = None, after: str = "", limit: int | None = None) -> Any:
        listed = await super().records(kind, ids, after, limit)
        if kind is Worker and ids is None:
            await self.drop(Worker, ["leaving"])
        return listed


async def test_a_worker_that_has_left_while_it_was_addressed_is_answered_for():
    store = Leaving()
    one = a_worker_of(store, "one")

    async with simulated(one, store=store) as time:
        await store.put([Worker(id="leaving", seen_at=time.clock.now(), slots=1)])
        handle = await refreshed(one)
        await time.settle()
        [gone] = await store.records(Worker, ["leaving"])
        await time.advance(hours=1)
        result = await handle.result()

    assert gone.stopping
    assert result == {"leaving": None, "one": "prices on one"}


async def test_a_broadcast_to_nobody_is_empty():
    store = MemoryStore()
    one = a_worker_of(store, "one")

    async with simulated(one, store=store) as time:
        handle = await refreshed(one, labels=["gpu"])
        await time.settle()
        result = await handle.result()

    assert result == {}


def test_a_run_that_only_prefers_a_worker_is_executed_by_another():
    run = Run(id="r", job="refresh", due_at=0, created_at=0, state=State.RUNNING, token=1, target="gone", worker="me")

    assert admit(run, scheduler_rules(), {}, HOUR) is None


def scheduler_rules() -> Any:
    return a_worker_of(MemoryStore(), "x").jobs["refresh"].settings
