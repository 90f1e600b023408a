"""What a run does durably: steps, sleeps and signals, seen from outside, in virtual time."""

from foliot.context import Context
from foliot.model import State
from foliot.scheduler import Scheduler
from foliot.testing import simulated


async def test_a_step_is_done_once_however_often_its_run_is_tried():
    scheduler = Scheduler("memory://")
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

    assert run.state is State.SUCCEEDED, run
    assert run.result == "42"
    assert charged == [21]


async def test_map():
    scheduler = Scheduler("memory://")

    @scheduler.job(name="double")
    async def double(n: int) -> int:
        return n * 2

    @scheduler.job(name="report")
    async def report(context: Context) -> int:
        return sum(await context.map(double, range(1, 7)))

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.advance(minutes=1)
        run = await handle.status()
        for each in await scheduler.runs.find():
            print(each)

    assert run.result == "42"
