"""What becomes of runs under way when their worker is stopped, on every store."""

import asyncio
import threading
from pathlib import Path

import pytest
from tests.executors import work
from tests.waiting import eventually

from foliot.engine import worker
from foliot.engine.attempt import Held
from foliot.jobs import Job
from foliot.model import Outcome, State
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import FaultyStore
from foliot.testing.faulty import Late


def stopped_soon(url: str) -> Scheduler:
    return Scheduler(url, grace="10ms", threads=1, processes=1, concurrency=2)


def deaf(scheduler: Scheduler, begun: threading.Event, go: threading.Event) -> Job[[], None, None]:
    """A job that heeds nothing until it may go on."""

    @scheduler.job(name="deaf")
    def heedless() -> None:
        begun.set()
        go.wait(10)

    return heedless


def here(scheduler: Scheduler) -> list[Held]:
    return [] if scheduler.worker is None else list(scheduler.worker.held.values())


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
        await eventually(lambda: len(here(scheduler)) == 2)
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
        await eventually(lambda: len(here(scheduler)) == 2)
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


def blocking(scheduler: Scheduler, go: threading.Event) -> Job[[], None, None]:
    """A job that times out, and whose function heeds nothing until it may go."""

    @scheduler.job(name="deaf", timeout="20ms", retries=1)
    def deaf() -> None:
        go.wait(10)

    return deaf


async def test_a_cancel_that_comes_while_a_function_is_left_behind_is_heeded_when_it_has_returned():
    scheduler, go = stopped_soon("memory://"), threading.Event()
    job = blocking(scheduler, go)

    async with scheduler:
        handle = await job.enqueue()
        await eventually(lambda: any(each.context.cancelled for each in here(scheduler)))
        await handle.cancel("enough")
        await eventually(lambda: any(each.interruption for each in here(scheduler)))
        await asyncio.sleep(0.05)  # real time: the worker hears of the cancel by a beat
        go.set()
        run = await scheduler.runs.ended(handle.id, timeout=5)

    assert (run.state, run.reason) == (State.CANCELLED, "enough")


async def test_a_function_that_heeds_nothing_is_given_back_when_its_worker_leaves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "GRACE", 100_000)
    scheduler, go, begun = stopped_soon("memory://"), threading.Event(), threading.Event()

    async with scheduler:
        handle = await deaf(scheduler, begun, go).enqueue()
        await eventually(begun.is_set)
    run = await scheduler.runs.get(handle.id)
    go.set()

    assert (run.state, [each.outcome for each in run.timeline]) == (State.PENDING, [Outcome.RELEASED])


async def test_a_function_that_heeds_nothing_does_not_hold_up_who_stops_at_once():
    scheduler, go, begun = Scheduler(grace="1m"), threading.Event(), threading.Event()

    async with scheduler:
        handle = await deaf(scheduler, begun, go).enqueue()
        await eventually(begun.is_set)
        asyncio.get_running_loop().call_later(0.05, scheduler.stop_now)
    run = await scheduler.runs.get(handle.id)
    go.set()

    assert (run.state, [each.outcome for each in run.timeline]) == (State.PENDING, [Outcome.RELEASED])


async def test_what_is_asked_of_a_run_whose_end_is_on_its_way_changes_nothing(caplog: pytest.LogCaptureFixture):
    slow = asyncio.Event()
    store = FaultyStore(MemoryStore(), lambda verb: Late(gate=slow.wait) if verb == "turn" and concluding() else None)
    scheduler = Scheduler(store)

    def concluding() -> bool:
        return any(each.concluded for each in here(scheduler))

    @scheduler.job(name="quick")
    async def quick() -> None: ...

    async with scheduler:
        handle = await quick.enqueue()
        await eventually(concluding)
        assert scheduler.worker is not None
        scheduler.worker.lose(handle.id, 1)
        scheduler.worker.stop(handle.id, 1, "too late")
        slow.set()
        await handle.result(timeout=5)

    assert "lease was lost" not in caplog.text
