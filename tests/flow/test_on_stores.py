"""Fan-outs, steps and signals on every store, in real time."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.flow.herald import herald
from tests.waiting import eventually

from foliot import flow
from foliot.context import Context
from foliot.model import State, Worker
from foliot.scheduler import Scheduler
from foliot.stores import open_store
from foliot.stores.base import Store


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


async def test_maps_are_reduced_in_shares_and_by_width_and_chained_on_every_store(url: str):
    scheduler = Scheduler(url, concurrency=20)

    @scheduler.job(name="double")
    async def double(n: int) -> int:
        return n * 2

    @scheduler.job(name="total")
    async def total(numbers: list[int]) -> int:
        return sum(numbers)

    doubled = flow.map(double, range(1, 7))
    wanted = flow.group(
        doubled.reduce(total),
        doubled.reduce(total, shards=4).merge(total),
        doubled.reduce(total, width=2),
        flow.chain(total.call([20, 1]), double),
        flow.map(double, []).reduce(total),
        flow.map(double, [1, 2]).map(double),
    )

    async with scheduler:
        handle = await wanted.enqueue()
        result: Any = await handle.result(timeout=30)

    assert result == [42, 42, 42, 42, 0, [4, 8]]


async def test_shares_of_a_job_and_of_a_call_give_their_results_in_order_on_every_store(url: str):
    scheduler = Scheduler(url, concurrency=20)

    @scheduler.job(name="sync", shards=2)
    async def sync(context: Context, first: str = "all") -> str:
        return f"{first} {context.shard.index}/{context.shard.total}"

    @scheduler.job(name="share")
    async def share(context: Context, first: str) -> str:
        return f"{first} {context.shard.index}/{context.shard.total}"

    async with scheduler:
        handles = [await sync.enqueue("here"), await flow.shards(share, ["north", "south"]).enqueue()]
        results: Any = [await each.result(timeout=30) for each in handles]

    assert results == [["here 0/2", "here 1/2"], ["north 0/2", "south 1/2"]]


@asynccontextmanager
async def two_workers(url: str) -> AsyncIterator[Scheduler]:
    """Two processes' worth of workers, ``a`` and ``b``, with a job that tells where it runs."""
    store = open_store(url) if url.startswith("memory") else url
    one, two = _telling(store, "a"), _telling(store, "b")
    async with one, two:
        while len(await one.store.records(Worker)) < 2:
            await one.clock.sleep(10_000)
        yield one


def _telling(store: Store | str, name: str) -> Scheduler:
    scheduler = Scheduler(store, name=name, labels=[name])

    @scheduler.job(name="where", route="last")
    async def where(context: Context, n: int = 0) -> str:
        return f"{n} on {context.worker}"

    @scheduler.job(name="each")
    async def each(context: Context) -> list[str]:
        return await context.map(where, [1, 2])

    return scheduler


async def test_a_broadcast_runs_once_on_each_worker_of_every_store(url: str):
    async with two_workers(url) as one:
        call = one.jobs["where"].call(7)
        handles = [await flow.broadcast(call).enqueue(), await flow.broadcast(call, labels=["a"]).enqueue()]
        results: Any = [await each.result(timeout=30) for each in handles]

    assert results == [{"a": "7 on a", "b": "7 on b"}, {"a": "7 on a"}]


@contextmanager
def a_worker_that_will_die(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    program = [sys.executable, str(Path(__file__).parent / "herald.py"), url, "mortal"]
    with subprocess.Popen(program, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


async def test_a_worker_killed_during_a_broadcast_is_recorded_and_not_waited_for_on_every_store(url: str):
    if url.startswith("memory"):
        pytest.skip("memory dies with its process")
    one = herald(url, "one", busy=False)

    async def begun() -> bool:
        return await one.runs.count(job="refresh", state="running") == {"running": 1}

    async def there() -> bool:
        return len(await one.store.records(Worker)) == 2

    async with one:
        with a_worker_that_will_die(url) as mortal:
            await eventually(there)
            handle = await flow.broadcast(one.jobs["refresh"].call()).enqueue()
            await eventually(begun)
            mortal.kill()
            result: Any = await handle.result(timeout=30)
        [gone] = await one.runs.find(job="refresh", state="skipped")

    assert result == {"mortal": None, "one": "on one"}
    assert gone.reason == "worker gone: it was meant for mortal only"


async def test_a_run_goes_to_the_worker_that_it_prefers_however_it_is_wanted_on_every_store(url: str):
    async with two_workers(url) as one:
        where = one.jobs["where"]
        await one.schedules.put("hourly", where, cron="0 * * * *", overlap="allow")
        triggered = await one.schedules.trigger("hourly")
        filled = await one.schedules.backfill("hourly", "2026-01-01T00:00Z", "2026-01-01T02:00Z", overlap="allow")
        handles = [await where.enqueue(), *await one.enqueue_many([where.call(3)])]
        parts = await (await one.jobs["each"].enqueue()).result(timeout=30)
        ids = [triggered.id, *(each.id for each in (*filled, *handles))]
        runs = [await one.runs.ended(each, timeout=30) for each in ids]

    assert parts == ["1 on b", "2 on b"]
    assert [(run.state, run.target, run.worker) for run in runs] == [(State.SUCCEEDED, "b", "b")] * 5
