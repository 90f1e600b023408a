"""Fan-outs as values, in virtual time."""

from itertools import count
from typing import Any

import pytest

from foliot import flow
from foliot.context import Context
from foliot.errors import ArgumentsError, DefinitionError, JobError, RunFailed
from foliot.flow import Flow
from foliot.jobs import job
from foliot.scheduler import Scheduler
from foliot.testing import simulated


class Work:
    """Some jobs."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.sizes: list[int] = []

        @scheduler.job(name="double")
        async def double(n: int) -> int:
            if n == 13:
                raise ValueError("13 brings bad luck")
            return n * 2

        @scheduler.job(name="total")
        async def total(numbers: list[int]) -> int:
            self.sizes.append(len(numbers))
            return sum(numbers)

        @scheduler.job(name="text")
        async def text(n: int) -> str:
            return f"it is {n}"

        @scheduler.job(name="share")
        async def share(context: Context, name: str = "all") -> str:
            return f"{name} {context.shard.index}/{context.shard.total}"

        self.double, self.total, self.text, self.share = double, total, text, share


@pytest.fixture
def work(scheduler: Scheduler) -> Work:
    """The jobs of the scheduler."""
    return Work(scheduler)


async def result_of(scheduler: Scheduler, wanted: Flow[Any]) -> Any:
    async with simulated(scheduler) as time:
        handle = await wanted.enqueue()
        await time.advance(hours=1)
        return await handle.result()


async def test_one_to_six_doubled_and_summed_is_forty_two(scheduler: Scheduler, work: Work):
    assert await result_of(scheduler, flow.map(work.double, range(1, 7)).reduce(work.total)) == 42


async def test_maps_come_one_after_the_other(scheduler: Scheduler, work: Work):
    wanted = flow.map(work.double, [1, 2]).map(work.double).map(work.text)

    assert await result_of(scheduler, wanted) == ["it is 4", "it is 8"]


@pytest.mark.parametrize(("shards", "sizes"), [(1, [10]), (3, [3, 3, 4, 3]), (20, [1] * 10 + [10])])
async def test_a_reduce_takes_equal_shares_and_then_their_values(
    scheduler: Scheduler, work: Work, shards: int, sizes: list[int]
):
    wanted = flow.map(work.double, range(10)).reduce(work.total, shards=shards)

    assert await result_of(scheduler, wanted) == 90
    assert sorted(work.sizes) == sorted(sizes)


async def test_another_job_may_merge_the_shares(scheduler: Scheduler, work: Work):
    @scheduler.job(name="show")
    async def show(parts: list[int]) -> str:
        return " + ".join(map(str, parts))

    wanted = flow.map(work.double, range(6)).reduce(work.total, shards=2).merge(show)

    assert await result_of(scheduler, wanted) == "6 + 24"


async def test_a_wide_reduce_is_a_tree(scheduler: Scheduler, work: Work):
    wanted = flow.map(work.double, range(100, 200)).reduce(work.total, width=10)

    assert await result_of(scheduler, wanted) == 29900
    assert work.sizes == [10] * 11


@pytest.mark.parametrize("how", [{}, {"shards": 4}, {"width": 10}])
async def test_an_empty_map_finishes_with_an_empty_reduce(scheduler: Scheduler, work: Work, how: dict[str, int]):
    assert await result_of(scheduler, flow.map(work.double, []).reduce(work.total, **how)) == 0


async def test_a_reduce_leaves_out_the_parts_that_failed(scheduler: Scheduler, work: Work):
    wanted = flow.map(work.double, [12, 13, 14], failed="skip").reduce(work.total)

    assert await result_of(scheduler, wanted) == 52
    assert work.sizes == [2]


async def test_a_part_that_fails_fails_the_reduce_unless_told_otherwise(scheduler: Scheduler, work: Work):
    with pytest.raises(RunFailed, match="1 of 3 parts of 'double' have no result"):
        await result_of(scheduler, flow.map(work.double, [12, 13, 14]).reduce(work.total))


async def test_a_chain_passes_results_on(scheduler: Scheduler, work: Work):
    assert await result_of(scheduler, flow.chain(work.double.call(1), work.double, work.text)) == "it is 4"
    assert await result_of(scheduler, flow.chain(work.double.call(1)).then(work.text)) == "it is 2"


async def test_a_group_has_all_results_in_order_however_it_is_made(scheduler: Scheduler, work: Work):
    wanted = flow.group(
        work.double.call(4),
        flow.chain(work.double.call(1), work.text),
        flow.map(work.double, [1, 2]),
        flow.group(work.text.call(0)),
    )

    assert await result_of(scheduler, wanted) == [8, "it is 2", [2, 4], ["it is 0"]]


async def test_shares_of_one_work_know_which_they_are(scheduler: Scheduler, work: Work):
    assert await result_of(scheduler, flow.shards(work.share, 3)) == ["all 0/3", "all 1/3", "all 2/3"]
    assert await result_of(scheduler, flow.shards(work.share, 1, "alone")) == ["alone 0/1"]
    assert await result_of(scheduler, flow.shards(work.share, ["north", "south"])) == ["north 0/2", "south 1/2"]


async def test_a_run_that_is_no_share_has_all_of_the_work(scheduler: Scheduler, work: Work):
    async with simulated(scheduler) as time:
        handle = await work.share.enqueue()
        await time.settle()
        result = await handle.result()

    assert result == "all 0/1"


async def test_a_value_may_be_carried_out_as_a_part_of_a_job(scheduler: Scheduler, work: Work):
    @scheduler.job(name="report")
    async def report(context: Context) -> str:
        total = await flow.map(work.double, range(1, 7)).reduce(work.total).within(context)
        return await context.call(flow.chain(work.text.call(total)).call())

    async with simulated(scheduler) as time:
        handle = await report.enqueue()
        await time.advance(minutes=1)
        result, children = await handle.result(), await scheduler.runs.count(by="job", parent=handle.id)

    assert result == "it is 42"
    assert children == {"double": 6, "foliot.join": 1, "foliot.map": 1, "total": 1, "foliot.flow": 1}


async def test_parts_keep_the_options_of_their_job(scheduler: Scheduler, work: Work):
    async with simulated(scheduler) as time:
        await flow.map(work.double.options(retries=[1, 1], tags=["blue"], priority=7), [13]).enqueue()
        await time.advance(minutes=1)
        [run] = await scheduler.runs.find(job="double")

    assert (run.tags, run.priority, len(run.timeline)) == (("blue",), 7, 3)


def test_what_makes_no_sense_is_refused_where_it_is_written(scheduler: Scheduler, work: Work):
    with pytest.raises(ArgumentsError, match=r"item 1: .*is not JSON"):
        flow.map(work.double, [1, object()])
    with pytest.raises(DefinitionError, match="write 'fail', 'skip', or the share"):
        flow.map(work.double, [1], failed="perhaps")
    with pytest.raises(DefinitionError, match="at_once=0"):
        flow.map(work.double, [1], at_once=0)
    with pytest.raises(DefinitionError, match="give at least 1 share"):
        flow.map(work.double, [1]).reduce(work.total, shards=0)
    with pytest.raises(DefinitionError, match=r"merge\(\) comes after reduce"):
        flow.map(work.double, [1]).merge(work.total)
    with pytest.raises(DefinitionError, match=r"group\(\) of nothing"):
        flow.group()
    with pytest.raises(DefinitionError, match="0 shares"):
        flow.shards(work.share, 0)
    with pytest.raises(DefinitionError, match="give no others beside it"):
        flow.shards(work.share, ["a"], "b")
    with pytest.raises(JobError, match="'after' is no option for a part"):
        flow.map(work.double.options(after="1h"), [1])
    with pytest.raises(ArgumentsError, match="more than 100000 items"):
        flow.map(work.double, count())


async def test_a_value_of_jobs_that_belong_to_nobody_says_so():
    @job(name="stray")
    async def stray(n: int) -> int:
        return n

    with pytest.raises(JobError, match="belongs to no scheduler yet"):
        await flow.map(stray, [1]).enqueue()
