"""What becomes of runs under way when their worker is stopped, on every store."""

import asyncio
import threading
from pathlib import Path

import pytest
from tests.executors import work
from tests.waiting import eventually

from foliot.model import Outcome, State
from foliot.scheduler import Scheduler


def stopped_soon(url: str) -> Scheduler:
    return Scheduler(url, grace="10ms", threads=1, processes=1, concurrency=2)


def held(scheduler: Scheduler) -> int:
    return 0 if scheduler.worker is None else len(scheduler.worker.held)


@pytest.mark.parametrize("careful", [True, False])
async def test_a_run_in_the_middle_is_given_back_unless_it_may_run_only_once(url: str, careful: bool):
    scheduler = stopped_soon(url)
    begun = asyncio.Event()

    @scheduler.job(name="charge", at_most_once=careful)
    async def charge() -> None:
        begun.set()
        await asyncio.sleep(3600)

    async with scheduler:
        handle = await charge.enqueue()
        await begun.wait()
    async with scheduler.connected():
        run = await scheduler.runs.get(handle.id)

    assert run.state is (State.FAILED if careful else State.PENDING)
    assert ("its worker shut down in the middle" in (run.reason or "")) is careful
    assert run.failures == 0


async def test_a_run_that_waits_for_a_thread_has_not_begun():
    scheduler = stopped_soon("memory://")
    begun, go = threading.Event(), threading.Event()

    @scheduler.job(name="charge", at_most_once=True)
    def charge() -> None:
        begun.set()
        go.wait(10)

    async with scheduler:
        first = await charge.enqueue()
        await eventually(begun.is_set)
        second = await charge.enqueue()
        await eventually(lambda: held(scheduler) == 2)
    go.set()
    one, other = [await scheduler.runs.get(each.id) for each in (first, second)]

    assert (one.state, other.state) == (State.FAILED, State.PENDING)
    assert [each.outcome for each in other.timeline] == [Outcome.RELEASED]


async def test_a_run_that_waits_for_a_process_has_not_begun(tmp_path: Path):
    scheduler = stopped_soon("memory://")
    job = scheduler.job(name="charge", executor="processes", at_most_once=True)(work.sleep_until_cancelled)

    async with scheduler:
        first = await job.enqueue(str(tmp_path / "first"))
        await eventually((tmp_path / "first").exists)
        second = await job.enqueue(str(tmp_path / "second"))
        await eventually(lambda: held(scheduler) == 2)
    one, other = [await scheduler.runs.get(each.id) for each in (first, second)]

    assert (one.state, other.state) == (State.FAILED, State.PENDING)
    assert not (tmp_path / "second").exists()


async def test_a_run_that_ends_well_although_it_was_stopped_has_succeeded():
    scheduler = stopped_soon("memory://")
    begun = asyncio.Event()

    @scheduler.job(name="charge", at_most_once=True)
    async def charge() -> str:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "charged"
        return "never"

    async with scheduler:
        handle = await charge.enqueue()
        await begun.wait()

    assert (await scheduler.runs.get(handle.id)).state is State.SUCCEEDED
