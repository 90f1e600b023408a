"""Fan-outs, in virtual time: maps and groups, what becomes of failed parts, and of all parts when their parent ends."""

import asyncio
from collections.abc import Iterable
from itertools import count
from typing import Any

import pytest

from foliot.context import Context
from foliot.errors import PartsFailed, RunFailed
from foliot.flow import story
from foliot.model import State
from foliot.scheduler import Scheduler
from foliot.testing import simulated


@pytest.fixture
def double(scheduler: Scheduler) -> Any:
    """Doubles a number, except 13."""

    @scheduler.job(name="double")
    async def double(n: int) -> int:
        if n == 13:
            raise ValueError("13 brings bad luck")
        return n * 2

    return double


async def outcome(scheduler: Scheduler, job: Any, *args: Any) -> Any:
    async with simulated(scheduler) as time:
        handle = await job.enqueue(*args)
        await time.advance(hours=1)
        return await handle.result()


async def test_a_map_gives_results_in_the_order_of_its_items(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context, items: list[int]) -> list[int]:
        return await context.map(double, items)

    assert await outcome(scheduler, report, [3, 1, 2]) == [6, 2, 4]


async def test_a_map_of_nothing_is_an_empty_list(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> list[int]:
        return await context.map(double, [])

    assert await outcome(scheduler, report) == []


async def test_a_map_of_many_pages_is_complete_and_in_order(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> bool:
        return await context.map(double, range(100, 2100)) == [2 * n for n in range(100, 2100)]

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.settle()
        result = await handle.result()
        counts = await scheduler.runs.count(by="job", parent=handle.id)

    assert result is True
    assert counts == {"double": 2000, "foliot.join": 5, "foliot.map": 1}


async def test_maps_nest(scheduler: Scheduler, double: Any):
    @scheduler.job(name="row")
    async def row(context: Context, numbers: list[int]) -> int:
        return sum(await context.map(double, numbers))

    @scheduler.job(name="table")
    async def table(context: Context) -> list[int]:
        return await context.map(row, [[1, 2], [], [3]])

    assert await outcome(scheduler, table) == [6, 0, 6]


async def test_a_map_that_is_tried_again_spawns_nothing_twice(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report", retries=[1])
    async def report(context: Context) -> int:
        total = sum(await context.map(double, range(10)))
        if context.attempt == 1:
            raise ValueError("once")
        return total

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.advance(minutes=1)
        result = await handle.result()
        counts = await scheduler.runs.count(job="double")

    assert (result, counts) == (90, {"succeeded": 10})


async def test_no_more_parts_run_at_once_than_asked(scheduler: Scheduler):
    running: list[int] = []
    most = 0

    @scheduler.job(name="part")
    async def part(n: int) -> None:
        nonlocal most
        running.append(n)
        most = max(most, len(running))
        await asyncio.sleep(1)
        running.remove(n)

    @scheduler.job(name="report")
    async def report(context: Context) -> int:
        return len(await context.map(part, range(10), at_once=3))

    assert await outcome(scheduler, report) == 10
    assert most == 3


async def test_a_failed_part_fails_the_map_and_says_why(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> str:
        try:
            await context.map(double, [12, 13, 14])
        except PartsFailed as problem:
            return str(problem)
        return "?"

    told = await outcome(scheduler, report)

    assert told.startswith("1 of 3 parts of 'double' have no result; the first: run ")
    assert "13 brings bad luck" in told


async def test_failed_parts_may_be_skipped(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> list[Any]:
        return await context.map(double, [12, 13, 14], failed="skip")

    assert await outcome(scheduler, report) == [24, None, 28]


@pytest.mark.parametrize(("share", "fine"), [("33%", False), ("33.4%", True), ("100%", True), ("0%", False)])
async def test_a_share_of_parts_may_fail(scheduler: Scheduler, double: Any, share: str, fine: bool):
    @scheduler.job(name="report")
    async def report(context: Context) -> list[Any]:
        return await context.map(double, [12, 13, 14], failed=share)

    if fine:
        assert await outcome(scheduler, report) == [24, None, 28]
    else:
        with pytest.raises(RunFailed, match="1 of 3 parts"):
            await outcome(scheduler, report)


@pytest.mark.parametrize("share", ["some", "5", "101%", "-1%", "%"])
async def test_a_policy_that_is_none_is_refused(scheduler: Scheduler, double: Any, share: str):
    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        await context.map(double, [1], failed=share)

    with pytest.raises(RunFailed, match="write 'fail', 'skip', or the share"):
        await outcome(scheduler, report)


async def test_parts_have_retries_of_their_own(scheduler: Scheduler):
    tries: list[int] = []

    @scheduler.job(name="part")
    async def part(n: int) -> int:
        tries.append(n)
        if n == 2 and tries.count(2) < 3:
            raise OSError("no network")
        return n

    @scheduler.job(name="report")
    async def report(context: Context) -> list[int]:
        return await context.map(part.options(retries=[1, 1]), [1, 2, 3])

    assert await outcome(scheduler, report) == [1, 2, 3]
    assert sorted(tries) == [1, 2, 2, 2, 3]


async def test_an_item_that_is_not_json_is_named(scheduler: Scheduler):
    @scheduler.job(name="part")
    async def part(n: str) -> None: ...

    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        items: list[Any] = ["a", object()]
        await context.map(part, items)

    with pytest.raises(RunFailed, match=r"item 1: argument 'n' of .*is not JSON"):
        await outcome(scheduler, report)


@pytest.mark.parametrize("items", [range(11), count()])
async def test_more_parts_than_the_limit_are_refused(
    scheduler: Scheduler, double: Any, monkeypatch: pytest.MonkeyPatch, items: Iterable[int]
):
    monkeypatch.setattr(story, "MOST_PARTS", 10)

    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        await context.map(double, items)

    with pytest.raises(RunFailed, match="'double' has more than 10 parts"):
        await outcome(scheduler, report)


@pytest.mark.parametrize("at_once", [0, -1, "2", True])
async def test_a_bound_that_would_let_nothing_run_is_refused(scheduler: Scheduler, double: Any, at_once: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        await context.map(double, [1], at_once=at_once)

    with pytest.raises(RunFailed, match="at_once="):
        await outcome(scheduler, report)


async def test_a_map_of_an_unknown_job_says_so(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        await context.map("duble", [1])

    with pytest.raises(RunFailed, match="no job is called 'duble' here; did you mean 'double'"):
        await outcome(scheduler, report)


async def test_items_that_change_are_told(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report")
    async def report(context: Context) -> None:
        await context.map(double, [context.token])

    with pytest.raises(RunFailed, match="must not depend on time, chance or data that changes"):
        await outcome(scheduler, report)


async def test_a_group_runs_different_jobs_and_gives_their_results_in_order(scheduler: Scheduler, double: Any):
    @scheduler.job(name="greet")
    async def greet(name: str, *, loud: bool = False) -> str:
        return f"hello {name}".upper() if loud else f"hello {name}"

    @scheduler.job(name="both")
    async def both(context: Context) -> list[Any]:
        return await context.group(greet.call("Ann", loud=True), double.call(4))

    assert await outcome(scheduler, both) == ["HELLO ANN", 8]


async def test_one_child_may_be_called(scheduler: Scheduler, double: Any):
    @scheduler.job(name="one")
    async def one(context: Context) -> int:
        return await context.call(double.call(await context.call(double.call(1))))

    assert await outcome(scheduler, one) == 4


async def test_a_child_that_fails_fails_the_call(scheduler: Scheduler, double: Any):
    @scheduler.job(name="one")
    async def one(context: Context) -> int:
        return await context.call(double.call(13))

    with pytest.raises(RunFailed, match="13 brings bad luck"):
        await outcome(scheduler, one)


async def test_a_child_whose_key_is_taken_is_skipped_and_nobody_waits_for_ever(scheduler: Scheduler):
    @scheduler.job(name="single", unique="only-one")
    async def single(n: int) -> int:
        await asyncio.sleep(10)
        return n

    @scheduler.job(name="pair")
    async def pair(context: Context) -> list[Any]:
        return await context.map(single, [1, 2], failed="skip")

    assert await outcome(scheduler, pair) == [1, None]


# Ends


async def test_cancelling_a_run_cancels_all_that_it_has_spawned(scheduler: Scheduler):
    @scheduler.job(name="part")
    async def part(n: int) -> None:
        await asyncio.sleep(1000)

    @scheduler.job(name="row")
    async def row(context: Context, n: int) -> None:
        await context.map(part, range(n))

    @scheduler.job(name="table")
    async def table(context: Context) -> None:
        await context.map(row, [3, 4])

    async with simulated(scheduler, seed=1) as time:
        handle = await table.enqueue()
        await time.settle()
        await scheduler.runs.cancel(handle.id, reason="enough")
        await time.advance(hours=1)
        states = await scheduler.runs.count()
        reasons = {each.reason for each in await scheduler.runs.find(job=["part", "row"])}

    assert states["cancelled"] == 1 + 2 + 7 + 3  # the table, its rows, their parts, and three joins
    assert "running" not in states
    assert reasons == {"its parent was cancelled: enough"}


async def test_what_is_spawned_after_the_cancel_is_not_executed(scheduler: Scheduler):
    executed: list[int] = []

    @scheduler.job(name="part")
    async def part(n: int) -> None:
        executed.append(n)

    @scheduler.job(name="late")
    async def late(context: Context) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            acts: Any = context.acts
            await acts.add([acts.place(part.call(1), f"{context.run_id}.late")])

    async with simulated(scheduler) as time:
        handle = await late.enqueue()
        await time.advance(seconds=1)
        await handle.cancel()
        await time.advance(hours=1)
        [run] = await scheduler.runs.find(job="part")

    assert executed == []
    assert run.state is State.CANCELLED
    assert "its parent" in (run.reason or "")


async def test_parts_of_a_run_that_failed_are_not_executed(scheduler: Scheduler):
    executed: list[int] = []

    @scheduler.job(name="part")
    async def part(n: int) -> None:
        executed.append(n)

    @scheduler.job(name="hasty")
    async def hasty(context: Context) -> None:
        acts: Any = context.acts
        await acts.add([acts.place(part.options(after="1h").call(1), f"{context.run_id}.later")])
        raise ValueError("too hasty")

    async with simulated(scheduler) as time:
        await hasty.enqueue()
        await time.advance(hours=2)
        [run] = await scheduler.runs.find(job="part")

    assert executed == []
    assert (run.state, run.reason) == (State.CANCELLED, "its parent failed")


async def test_a_cancelled_part_does_not_leave_its_map_waiting(scheduler: Scheduler):
    @scheduler.job(name="part")
    async def part(n: int) -> int:
        await asyncio.sleep(60 if n else 0)
        return n

    @scheduler.job(name="report")
    async def report(context: Context) -> list[Any]:
        return await context.map(part, range(3), failed="skip")

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.advance(seconds=1)
        [part_one, *_] = reversed(await scheduler.runs.find(job="part", state="running"))
        await scheduler.runs.cancel(part_one.id)
        await time.advance(hours=1)
        result = await handle.result()

    assert result == [0, None, 2]


async def test_a_cancelled_join_does_not_leave_its_map_waiting(scheduler: Scheduler):
    @scheduler.job(name="part")
    async def part(n: int) -> None:
        await asyncio.sleep(60)

    @scheduler.job(name="report")
    async def report(context: Context) -> list[Any]:
        return await context.map(part, range(3), failed="skip")

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.advance(seconds=1)
        [join] = await scheduler.runs.find(job="foliot.join")
        await scheduler.runs.cancel(join.id)
        await time.advance(hours=1)
        result = await handle.result()

    assert result == [None, None, None]


async def test_the_deadline_of_a_run_is_that_of_its_children(scheduler: Scheduler, double: Any):
    @scheduler.job(name="report", deadline="5m")
    async def report(context: Context) -> int:
        return await context.call(double.options(after="1h").call(1))

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.settle()
        parent = await handle.status()
        [child] = await scheduler.runs.find(job="double")

    assert child.deadline_at == parent.deadline_at


# Again


async def test_retrying_a_run_runs_only_the_parts_that_failed_again(scheduler: Scheduler):
    tries: list[int] = []

    @scheduler.job(name="part")
    async def part(n: int) -> int:
        tries.append(n)
        if n == 2 and tries.count(2) == 1:
            raise OSError("no network")
        return n

    @scheduler.job(name="row")
    async def row(context: Context, n: int) -> int:
        return sum(await context.map(part, range(n)))

    @scheduler.job(name="table")
    async def table(context: Context) -> list[int]:
        return await context.map(row, [2, 3])

    async with simulated(scheduler) as time:
        handle = await table.enqueue()
        await time.settle()
        before = await handle.status()
        await scheduler.runs.retry(handle.id)
        await time.settle()
        result = await handle.result()

    assert before.state is State.FAILED
    assert result == [1, 3]
    assert sorted(tries) == [0, 0, 1, 1, 2, 2]


async def test_retrying_a_cancelled_run_waits_for_its_signal_again(scheduler: Scheduler):
    @scheduler.job(name="approval")
    async def approval(context: Context) -> str:
        return await context.wait_for("approve", timeout="2d", kind=str)

    async with simulated(scheduler) as time:
        handle = await approval.enqueue()
        await time.settle()
        await handle.cancel()
        await scheduler.runs.retry(handle.id)
        await time.settle()
        waiting = await handle.status()
        await scheduler.signal(handle.id, "approve", "after all")
        await time.settle()
        result = await handle.result()

    assert (waiting.state, result) == (State.PENDING, "after all")
