"""What a run does durably, in virtual time: steps, sleeps and signals."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from foliot.context import Context
from foliot.control import Snooze
from foliot.errors import ArgumentsError, JobError, RunOver, UnknownRun
from foliot.handle import Handle
from foliot.model import Outcome, Run, State
from foliot.scheduler import Scheduler
from foliot.testing import simulated


async def test_a_step_is_done_once_however_often_its_run_is_tried(scheduler: Scheduler):
    charged: list[int] = []

    def charge(order: int) -> int:
        charged.append(order)
        return order * 2

    @scheduler.job(name="order", retries=[1, 1])
    async def order(context: Context, number: int) -> int:
        paid = await context.step("charge", charge, number)
        if context.attempt < 3:
            raise ValueError("the printer is out of paper")
        return paid

    async with simulated(scheduler) as time:
        handle = await order.enqueue(21)
        await time.advance(minutes=1)
        run = await handle.status()

    assert (run.state, run.result) == (State.SUCCEEDED, "42")
    assert charged == [21]


@dataclass
class Receipt:
    """What charging gives."""

    order: int
    paid: float


async def test_the_result_of_a_step_comes_back_as_it_is_annotated_the_first_time_too(scheduler: Scheduler):
    seen: list[object] = []

    async def charge(order: int) -> Receipt:
        return Receipt(order, 9.5)

    @scheduler.job(name="order", retries=[1])
    async def order(context: Context) -> None:
        seen.append(await context.step("charge", charge, 7))
        if context.attempt == 1:
            raise ValueError("once")

    async with simulated(scheduler) as time:
        await order.enqueue()
        await time.advance(minutes=1)

    assert seen == [Receipt(7, 9.5)] * 2


async def test_a_step_that_raises_is_tried_again_with_its_run(scheduler: Scheduler):
    tries: list[int] = []

    def flaky() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no network")
        return "sent"

    @scheduler.job(name="send", retries=[1])
    async def send(context: Context) -> str:
        return await context.step("mail", flaky)

    async with simulated(scheduler) as time:
        handle = await send.enqueue()
        await time.advance(minutes=1)
        result = await handle.result()

    assert (result, len(tries)) == ("sent", 2)


async def test_a_step_whose_result_is_not_json_says_which(scheduler: Scheduler):
    @scheduler.job(name="odd")
    async def odd(context: Context) -> None:
        await context.step("open", object)

    async with simulated(scheduler) as time:
        handle = await odd.enqueue()
        await time.settle()
        run = await handle.status()

    assert run.error is not None
    assert "the result of step 'open'" in run.error.message


async def test_a_job_may_be_a_step_and_is_called_in_place(scheduler: Scheduler):
    @scheduler.job(name="inner")
    async def inner(context: Context, n: int) -> str:
        return f"{context.job} {n}"

    @scheduler.job(name="outer")
    async def outer(context: Context) -> str:
        return await context.step("inner", inner, 3)

    async with simulated(scheduler) as time:
        handle = await outer.enqueue()
        await time.settle()
        result = await handle.result()

    assert result == "outer 3"


async def test_a_sleep_of_three_days_holds_no_worker(scheduler: Scheduler):
    moments: list[Any] = []

    @scheduler.job(name="remind")
    async def remind(context: Context) -> None:
        await context.step("first", lambda: moments.append("first"))
        await context.sleep("3d")
        moments.append("second")

    async with simulated(scheduler) as time:
        handle = await remind.enqueue()
        await time.advance(days=2, hours=23)
        asleep, early = await handle.status(), list(moments)
        await time.advance(hours=1)
        run = await handle.status()

    assert (asleep.state, asleep.worker, early) == (State.PENDING, None, ["first"])
    assert (run.state, moments) == (State.SUCCEEDED, ["first", "second"])
    assert [each.outcome for each in run.timeline] == [Outcome.SNOOZED, Outcome.SUCCEEDED]


async def test_a_sleep_counts_from_when_it_began_however_often_its_run_is_picked_up(scheduler: Scheduler):
    async def body(context: Context) -> None:
        await context.sleep("10h")

    job = scheduler.job(name="sleeper")(body)
    async with simulated(scheduler) as time:
        handle = await job.enqueue()
        await time.advance(hours=5)
        await scheduler.runs.delay(handle.id, to=time.now)  # somebody wakes it too early
        await time.advance(hours=4, minutes=59)
        early = await handle.status()
        await time.advance(minutes=1)
        run = await handle.status()

    assert (early.state, run.state) == (State.PENDING, State.SUCCEEDED)


async def test_sleeps_in_a_row_add_up(scheduler: Scheduler):
    @scheduler.job(name="patient")
    async def patient(context: Context) -> None:
        for _ in range(3):
            await context.sleep("1h")

    async with simulated(scheduler) as time:
        handle = await patient.enqueue()
        await time.advance(hours=3)
        run = await handle.status()

    assert run.finished_at is not None
    assert run.finished_at - run.created_at == timedelta(hours=3) / timedelta(microseconds=1)


# Signals


@pytest.fixture
def approval(scheduler: Scheduler) -> Any:
    """A job that waits two days for somebody's word."""

    @scheduler.job(name="approval")
    async def approval(context: Context) -> str:
        try:
            return await context.wait_for("approve", timeout="2d", kind=str)
        except TimeoutError:
            return "nobody cared"

    return approval


async def test_a_signal_wakes_the_run_that_waits_for_it(scheduler: Scheduler, approval: Any):
    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.advance(days=1)
        asleep = await handle.status()
        counted = await scheduler.signal(handle.id, "approve", "by Ann")
        await time.settle()
        run = await handle.status()

    assert (asleep.shown(0), counted) == ("waiting", True)
    assert (run.state, run.result) == (State.SUCCEEDED, '"by Ann"')


async def test_a_signal_that_comes_first_is_kept(scheduler: Scheduler, approval: Any):
    async with simulated(scheduler) as time:
        handle = await approval.options(after="1h").enqueue()
        await scheduler.signal(handle.id, "approve", "in advance")
        await time.advance(hours=1)
        run = await handle.status()

    assert run.result == '"in advance"'


async def test_a_signal_that_does_not_come_is_a_timeout(scheduler: Scheduler, approval: Any):
    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.advance(days=2)
        run = await handle.status()

    assert run.result == '"nobody cared"'


async def test_the_first_of_two_signals_stands(scheduler: Scheduler):
    @scheduler.job(name="approval")
    async def approval(context: Context) -> str:
        word = await context.wait_for("approve")
        await context.sleep("1h")
        return f"{word}, {await context.wait_for('approve')}"

    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.settle()
        first = await scheduler.signal(handle.id, "approve", "yes")
        await time.settle()
        second = await scheduler.signal(handle.id, "approve", "no")
        await time.advance(hours=1)
        run = await handle.status()

    assert (first, second, run.result) == (True, False, '"yes, yes"')


async def test_a_signal_for_a_run_that_is_over_or_unknown_is_an_error(scheduler: Scheduler, approval: Any):
    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.advance(days=2)

        with pytest.raises(RunOver, match=r"run \S+ of 'approval' has succeeded; nobody waits for the signal"):
            await scheduler.signal(handle.id, "approve", "too late")
        with pytest.raises(UnknownRun, match="no run has the id 'nobody'"):
            await scheduler.signal("nobody", "approve")


async def test_a_signal_must_be_json_and_what_is_asked_for(scheduler: Scheduler, approval: Any):
    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.settle()

        with pytest.raises(ArgumentsError, match="is not JSON"):
            await scheduler.signal(handle.id, "approve", object())
        await scheduler.signal(handle.id, "approve", 7)
        await time.settle()
        run = await handle.status()

    assert run.error is not None
    assert "the signal carries 7" in run.error.message


async def test_a_run_that_ends_no_longer_waits_for_signals(scheduler: Scheduler):
    @scheduler.job(name="approval")
    async def approval(context: Context) -> None:
        await context.wait_for("approve")

    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.settle()
        await handle.cancel()
        await time.settle()
        [waiting] = await scheduler.runs.find(parent=handle.id)

    assert (waiting.state, waiting.reason) == (State.CANCELLED, "its parent was cancelled: cancelled by its caller")


async def test_several_things_may_be_waited_for_together(scheduler: Scheduler):
    @scheduler.job(name="both")
    async def both(context: Context) -> list[str]:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(context.wait_for(name)) for name in ("ann", "bob")]
        return [each.result() for each in asked]

    async with simulated(scheduler) as time:
        handle = await both.enqueue()
        await time.settle()
        waiting = await handle.status()
        for name in ("bob", "ann"):
            await scheduler.signal(handle.id, name, f"{name} agrees")
            await time.settle()
        run = await handle.status()

    assert waiting.waits == 2
    assert run.result == '["ann agrees","bob agrees"]'


# The same way every time


async def ending(scheduler: Scheduler, job: Any) -> Run:
    async with simulated(scheduler) as time:
        handle: Handle[Any] = await job.enqueue()
        await time.advance(minutes=1)
        return await handle.status()


async def test_a_run_that_takes_another_way_is_told_so(scheduler: Scheduler):
    @scheduler.job(name="fickle", retries=[1])
    async def fickle(context: Context) -> None:
        await context.step("charge" if context.attempt == 1 else "refund", int)
        raise ValueError("once more")

    run = await ending(scheduler, fickle)

    assert run.error is not None
    assert run.error.kind == "ReplayError"
    assert "did foliot.step 'charge' as its act 0 before, and wants foliot.step 'refund'" in run.error.message


async def test_snoozing_by_hand_replays_too(scheduler: Scheduler):
    count: list[int] = []

    @scheduler.job(name="poll")
    async def poll(context: Context) -> int:
        await context.step("once", lambda: count.append(1))
        if context.token < 3:
            raise Snooze("1s")
        return len(count)

    run = await ending(scheduler, poll)

    assert run.result == "1"


async def test_a_plain_function_waits_through_its_context(scheduler: Scheduler):
    def charge() -> int:
        return 21

    @scheduler.job(name="plain")
    def plain(context: Context) -> int:
        first = context.wait(context.step("charge", charge))
        context.wait(context.sleep("10s"))
        return first * 2

    run = await ending(scheduler, plain)

    assert (run.state, run.result) == (State.SUCCEEDED, "42")


async def test_a_plain_function_cannot_wait_for_anything_else(scheduler: Scheduler):
    @scheduler.job(name="plain")
    def plain(context: Context) -> None:
        context.wait(asyncio.sleep(1))

    run = await ending(scheduler, plain)

    assert run.error is not None
    assert "must be one of its context's verbs" in run.error.message


async def test_a_context_without_a_worker_says_where_steps_work():
    with pytest.raises(JobError, match="has no worker at hand"):
        await Context.detached("lonely").step("charge", int)


@pytest.mark.parametrize("name", ["", None, 5])
async def test_a_signal_without_a_name_is_neither_sent_nor_waited_for(scheduler: Scheduler, name: Any):
    @scheduler.job(name="order")
    async def order(context: Context) -> str:
        return await context.wait_for(name)

    async with simulated(scheduler) as time:
        handle = await order.enqueue()
        await time.advance(seconds=1)
        status = await handle.status()

        with pytest.raises(ArgumentsError, match="no name of a signal"):
            await scheduler.signal(handle.id, name)

    assert status.state is State.FAILED
    assert "no name of a signal" in str(status.error)
