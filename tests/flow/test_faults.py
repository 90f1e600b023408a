"""Fan-outs on a store that fails now and then: what could not be asked or kept is asked or done again."""

import logging
from random import Random
from typing import Any

import pytest

from foliot.context import Context
from foliot.errors import StoreUnavailable
from foliot.model import Change, State
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import FaultyStore, seeded, simulated


@pytest.mark.parametrize("seed", range(6))
async def test_a_run_is_put_down_while_the_store_is_away_and_each_part_still_counts_once(seed: int, caplog: Any):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler("memory://", lease="10s", concurrency=20)

    @scheduler.job(name="double")
    async def double(n: int) -> int:
        return n * 2

    @scheduler.job(name="report")
    async def report(context: Context) -> int:
        start = await context.step("start", lambda: 1)
        total = sum(await context.map(double, range(start, start + 60)))
        bonus: int = await context.wait_for("bonus", kind=int)
        return total + bonus

    store = MemoryStore()
    plan = seeded(Random(seed), 0.2, ("find", "add", "turn", "finish", "beat"))
    async with simulated(scheduler, seed=seed, store=FaultyStore(store, plan)) as time:
        run = await wanted(scheduler, report)
        await time.advance(minutes=5)
        await told(scheduler, run)
        await time.advance(minutes=5)
        found = {each.id: each for each in store._runs.values()}

    assert (found[run].state, found[run].result) == (State.SUCCEEDED, str(60 * 61 + 100))
    assert sum(each.job == "double" for each in found.values()) == 60


async def wanted(scheduler: Scheduler, job: Any) -> str:
    while True:
        try:
            return (await job.options(id="the-report").enqueue()).id
        except StoreUnavailable:
            continue


async def told(scheduler: Scheduler, run: str) -> None:
    while True:
        try:
            await scheduler.signal(run, "bonus", 100)
            return
        except StoreUnavailable:
            continue


async def test_who_waits_for_a_signal_to_a_run_that_is_over_is_swept_away():
    scheduler = Scheduler("memory://")

    @scheduler.job(name="approval")
    async def approval(context: Context) -> None:
        await context.wait_for("approve")

    async with simulated(scheduler) as time:
        handle, other = await approval.enqueue(), await approval.enqueue()
        await time.settle()
        await scheduler.store.amend([handle.id], Change(cancel="by hand"), time.clock.now())  # and no more
        await time.advance(hours=2)
        [gone] = await scheduler.runs.find(parent=handle.id)
        [waits] = await scheduler.runs.find(parent=other.id)

    assert (gone.state, gone.reason) == (State.CANCELLED, "its parent is over")
    assert waits.state is State.PENDING
