"""Fan-outs, steps and signals on every store, in real time."""

import asyncio

from foliot.context import Context
from foliot.model import State
from foliot.scheduler import Scheduler


async def test_a_map_with_steps_and_a_signal_gives_the_same_on_every_store(url: str):
    scheduler = Scheduler(url, concurrency=20)
    noted: list[int] = []

    @scheduler.job(name="double")
    async def double(n: int) -> int:
        if n == 13:
            raise ValueError("13 brings bad luck")
        return n * 2

    @scheduler.job(name="report")
    async def report(context: Context) -> int:
        await context.step("note", lambda: noted.append(1))
        doubled = await context.map(double, range(1, 701), at_once=50, failed="skip")
        await context.sleep("10ms")
        bonus: int = await context.wait_for("bonus", kind=int)
        return sum(each or 0 for each in doubled) + bonus

    async with scheduler:
        handle = await report.enqueue()
        await scheduler.signal(handle.id, "bonus", 1000)
        result = await handle.result(timeout=60)
        counts = await scheduler.runs.count(parent=handle.id, job="double")

    assert result == sum(2 * n for n in range(1, 701) if n != 13) + 1000
    assert (noted, counts) == ([1], {"succeeded": 699, "failed": 1})


async def test_cancelling_cancels_the_tree_on_every_store(url: str):
    scheduler = Scheduler(url, concurrency=20)

    @scheduler.job(name="leaf")
    async def leaf(context: Context, n: int) -> None:
        await context.wait_for("go")

    @scheduler.job(name="tree")
    async def tree(context: Context) -> None:
        await context.map(leaf, range(5))

    async with scheduler:
        handle = await tree.enqueue()
        while sum((await scheduler.runs.count(job="foliot.signal")).values()) < 5:
            await scheduler.clock.sleep(10_000)
        await handle.cancel("enough")
        run = await scheduler.runs.ended(handle.id, timeout=30)
        while (await scheduler.runs.count(state=["pending", "running"])).keys() - {"x"}:
            await scheduler.clock.sleep(10_000)
        counts = await scheduler.runs.count(job=["leaf", "foliot.signal", "foliot.join"])

    assert run.state is State.CANCELLED
    assert counts == {"cancelled": 11}


async def test_plain_functions_in_threads_wait_on_every_store(url: str):
    scheduler = Scheduler(url)

    def charge() -> int:
        return 21

    @scheduler.job(name="square")
    def square(n: int) -> int:
        return n * n

    @scheduler.job(name="plain")
    def plain(context: Context) -> int:
        first = context.wait(context.step("charge", charge))
        return first + sum(context.wait(context.map(square, [1, 2, 4])))

    async with scheduler:
        handle = await plain.enqueue()
        result = await handle.result(timeout=30)

    assert result == 42


async def test_of_signals_at_the_same_moment_one_stands_and_its_sender_alone_is_told_so(url: str):
    scheduler = Scheduler(url)

    @scheduler.job(name="approval")
    async def approval(context: Context) -> int:
        return await context.wait_for("approve", kind=int)

    async with scheduler:
        handle = await approval.enqueue()
        while not await scheduler.runs.count(job="foliot.signal"):
            await scheduler.clock.sleep(10_000)
        told = await asyncio.gather(*(scheduler.signal(handle.id, "approve", n) for n in range(8)))
        result = await handle.result(timeout=30)

    assert [n for n, heard in enumerate(told) if heard] == [result]


async def test_signals_of_different_names_at_the_same_moment_all_arrive(url: str):
    scheduler = Scheduler(url)

    @scheduler.job(name="votes")
    async def votes(context: Context) -> list[int]:
        return [await context.wait_for(f"vote-{n}", kind=int) for n in range(4)]

    async with scheduler:
        handle = await votes.enqueue()
        told = await asyncio.gather(*(scheduler.signal(handle.id, f"vote-{n}", n) for n in range(4)))
        result = await handle.result(timeout=30)

    assert (told, result) == ([True] * 4, [0, 1, 2, 3])
