"""Virtual time is the real engine, and the plugin brings it to every test."""

import asyncio
from contextvars import ContextVar

import pytest

from foliot import Context, Scheduler, fixed
from foliot.moments import SECOND
from foliot.stores.memory import MemoryStore
from foliot.testing import simulated


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler("sqlite:///never-made.db")


@pytest.mark.untraced
async def test_days_of_a_minutely_job_pass_and_none_is_missing(simulate, scheduler: Scheduler):
    count = 0

    @scheduler.cron("* * * * *", name="minutely")
    async def minutely() -> None:
        nonlocal count
        count += 1

    async with simulate(scheduler) as time:
        await time.advance(days=5)

    assert count == 5 * 24 * 60


async def test_the_same_seed_gives_the_same_history(simulate):
    async def history(seed: int) -> list[tuple[str, int]]:
        scheduler = Scheduler()

        @scheduler.every("10s", name="flaky", retries=5, overlap="allow")
        async def flaky() -> None:
            if scheduler.clock.random.random() < 0.5:
                raise ValueError

        async with simulate(scheduler, seed=seed) as time:
            await time.advance(minutes=10)
            runs = await scheduler.runs.find(limit=1000)
            return [(run.id, run.finished_at or 0) for run in runs]

    assert await history(1) == await history(1) != await history(2)


async def test_sleeping_and_timeouts_inside_a_job_follow_the_virtual_time(simulate, scheduler: Scheduler):
    seen: list[int] = []

    async with simulate(scheduler) as time:
        zero = time.clock.now()

        @scheduler.job(name="sleepy")
        async def sleepy() -> None:
            await asyncio.sleep(3600)
            seen.append((time.clock.now() - zero) // SECOND)
            try:
                async with asyncio.timeout(60):
                    await asyncio.sleep(3600)
            except TimeoutError:
                seen.append((time.clock.now() - zero) // SECOND)

        await sleepy.enqueue()
        await time.advance(hours=3)

    assert seen == [3600, 3660]


async def test_the_scheduler_is_as_before_afterwards(simulate, scheduler: Scheduler):
    before = scheduler.store, scheduler.clock, scheduler.settings

    async with simulate(scheduler):
        assert isinstance(scheduler.store, MemoryStore)

    assert (scheduler.store, scheduler.clock, scheduler.settings) == before
    assert "time" not in vars(asyncio.get_running_loop())


async def test_inline_whatever_is_enqueued_has_run_when_enqueue_returns(inline, scheduler: Scheduler):
    done: list[int] = []

    @scheduler.job(name="note", retries=fixed(1, "1m"))
    def note(context: Context, n: int) -> None:
        if n == 2 and context.attempt == 1:
            raise ValueError
        done.append(n)

    async with inline(scheduler) as time:
        await note.enqueue(1)
        assert done == [1]
        await note.enqueue(2)
        assert done == [1]
        await time.advance(minutes=1)

    assert done == [1, 2]


async def test_time_can_be_turned_to_a_moment(simulate, scheduler: Scheduler):
    async with simulate(scheduler, start="2026-03-01T00:00:00Z") as time:
        await time.until("2026-03-02T12:00:00Z")

        assert time.now.isoformat() == "2026-03-02T12:00:00+00:00"


async def test_inline_what_a_job_enqueues_has_run_when_its_enqueue_returns(inline, scheduler: Scheduler):
    done: list[str] = []

    @scheduler.job(name="inner")
    async def inner() -> None:
        done.append("inner")

    @scheduler.job(name="outer")
    async def outer() -> None:
        await inner.enqueue()
        done.append("outer")

    async with inline(scheduler):
        await outer.enqueue()

    assert done == ["inner", "outer"]


async def test_what_an_alarm_raises_is_raised_where_the_time_is_turned(simulate, scheduler: Scheduler):
    def broken() -> None:
        raise ValueError("broken")

    async with simulate(scheduler) as time:
        asyncio.get_running_loop().call_later(60, broken)

        with pytest.raises(ValueError, match="broken"):
            await time.advance(minutes=2)


async def test_time_passes_while_something_waits_for_what_comes_from_a_thread(simulate, scheduler: Scheduler):
    async with simulate(scheduler) as time:
        await time.through(asyncio.to_thread(len, "abc"))


async def test_a_timeout_around_a_simulation_counts_real_time(scheduler: Scheduler):
    async with asyncio.timeout(600):
        async with simulated(scheduler) as time:
            await time.advance(days=30)

        assert time.now.isoformat() == "2026-01-31T00:00:00+00:00"


async def test_a_simulation_in_which_nothing_happens_ends_at_the_timeout_around_it(scheduler: Scheduler):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), simulated(scheduler):
            await asyncio.Event().wait()

    assert await asyncio.wait_for(asyncio.sleep(0, "as before"), 5) == "as before"


async def test_a_timer_around_a_simulation_goes_off_after_it_as_well(scheduler: Scheduler):
    loop, gone_off = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(0.05, gone_off.set)
    called_off = loop.call_later(0.05, pytest.fail)

    async with simulated(scheduler):
        called_off.cancel()

    await asyncio.wait_for(gone_off.wait(), 5)


async def test_a_timer_in_virtual_time_runs_in_the_context_it_was_made_in(simulate, scheduler: Scheduler):
    name, seen = ContextVar("name", default="nobody"), list[str]()

    async with simulate(scheduler) as time:
        name.set("caller")
        asyncio.get_running_loop().call_later(60, lambda: seen.append(name.get()))
        name.set("later")
        await time.advance(minutes=2)

    assert seen == ["caller"]
