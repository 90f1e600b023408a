"""The event loop that we make ourselves: uvloop's where it is installed, and all works in it as in asyncio's."""

import asyncio
import sys

import pytest
from tests.executors import work

from foliot import eventloop
from foliot.clock import SystemClock
from foliot.errors import FoliotError, RunFailed
from foliot.moments import MILLISECOND
from foliot.scheduler import Scheduler
from foliot.testing import simulated

uvloop = pytest.importorskip("uvloop")


async def here() -> object:
    return asyncio.get_running_loop()


def test_uvloop_is_used_where_it_is_installed():
    assert isinstance(eventloop.run(here()), uvloop.Loop)


def test_without_uvloop_it_is_asyncios_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert isinstance(eventloop.run(here()), asyncio.BaseEventLoop)


def test_a_started_scheduler_lives_in_uvloop_and_works_on_every_store(url: str):
    scheduler = Scheduler(url, concurrency=5)

    @scheduler.job(name="whereabouts")
    async def whereabouts(n: int) -> list[str]:
        await asyncio.sleep(0.001 * n)
        return [type(asyncio.get_running_loop()).__module__, str(n)]

    @scheduler.job(name="slow")
    async def slow() -> None:
        await asyncio.sleep(3600)

    scheduler.start()
    try:
        scheduler.wait(check_life(scheduler, whereabouts, slow), timeout=30)
    finally:
        scheduler.stop(timeout="5s")


async def check_life(scheduler: Scheduler, whereabouts, slow) -> None:
    handles = await scheduler.enqueue_many([whereabouts.call(n) for n in range(20)])
    assert [await each.result(timeout=20) for each in handles] == [["uvloop", str(n)] for n in range(20)]
    stopped = await slow.enqueue()
    await stopped.cancel("enough")
    with pytest.raises(RunFailed, match="enough"):
        await stopped.result(timeout=20)


def test_child_processes_work_and_are_ended_from_uvloop(tmp_path):
    scheduler = Scheduler(processes=1)
    double = scheduler.job(executor="processes", name="double")(work.double)
    wait = scheduler.job(executor="processes", timeout="300ms", name="wait")(work.sleep_until_cancelled)
    die = scheduler.job(executor="processes", max_crashes=0, name="die")(work.kill_itself)

    async def outcomes() -> None:
        assert await (await double.enqueue(21)).result(timeout=20) == 42
        with pytest.raises(RunFailed, match="took longer"):
            await (await wait.enqueue(str(tmp_path / "trace"))).result(timeout=20)
        with pytest.raises(RunFailed, match="SIGKILL"):
            await (await die.enqueue()).result(timeout=20)

    scheduler.start()
    try:
        scheduler.wait(outcomes(), timeout=40)
    finally:
        scheduler.stop()


def test_no_alarm_of_the_clock_is_early_in_a_loop_that_counts_in_milliseconds():
    clock, early = SystemClock(ahead=0), []

    async def sound(length: int) -> None:
        done, when = asyncio.Event(), clock.now() + length
        clock.call_at(when, lambda: (early.append(when - clock.now()), done.set()))
        await done.wait()

    async def sound_all() -> None:
        await asyncio.gather(*(sound(n * MILLISECOND // 7) for n in range(1, 80)))

    eventloop.run(sound_all())

    assert max(early) <= 0


def test_virtual_time_says_that_it_needs_asyncios_own_loop():
    async def simulate() -> None:
        async with simulated(Scheduler()):
            pass

    with pytest.raises(FoliotError, match=r"needs asyncio's own event loop, and this is <class 'uvloop\.Loop'>"):
        eventloop.run(simulate())
