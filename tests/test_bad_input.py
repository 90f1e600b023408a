"""What makes no sense is refused where it is handed in: with the value, and what would do instead."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.waiting import eventually

from foliot import triggers
from foliot.errors import FoliotError, JobError
from foliot.jobs import job
from foliot.model import State, Worker
from foliot.scheduler import Scheduler
from foliot.when import at, cron, every


def double(x: int = 1) -> int:
    return 2 * x


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"middleware": [5]}, r"middleware=\[5\]: give a list of functions"),
        ({"middleware": double}, "middleware=.* give a list of functions"),
        ({"clock": 5}, "5 is no clock"),
        ({"fire": "yes"}, "fire='yes': give True or False"),
        ({"work": None}, "work=None: give True or False"),
        ({"queues": ["a+b"]}, r"queues: 'a\+b' is no queue"),
        ({"labels": ["a@b"]}, "labels: 'a@b' is no label"),
        ({"store": "memory://mine"}, "has no name"),
    ],
)
def test_a_scheduler_refuses_what_it_cannot_use(keywords: dict[str, Any], says: str):
    with pytest.raises(FoliotError, match=says):
        Scheduler(**keywords)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda scheduler: scheduler.on(5), "5 is no listener"),
        (lambda scheduler: scheduler.on(print, "flopped"), "no 'flopped' events; there are .*'failed'"),
        (lambda scheduler: scheduler.resource(5), "5 is no function"),
        (lambda scheduler: scheduler.stop(-1), "timeout=-1: give a length of time from zero"),
        (lambda scheduler: scheduler.job(double), r"write @job\(\) with parentheses"),
        (lambda scheduler: scheduler.job()(int), "is not a function"),
        (lambda scheduler: scheduler.job(tags=5)(double), "tags=5: give a list of texts"),
        (lambda scheduler: scheduler.job(middleware=5)(double), "middleware=5: give a list of functions"),
        (lambda scheduler: scheduler.job(name="a#b")(double), "name='a#b': give a name without '#'"),
        (lambda scheduler: every(None), "give an interval like '30s'"),  # type: ignore[arg-type]
        (lambda scheduler: at(5), "5 is not a time"),  # type: ignore[arg-type]
        (lambda scheduler: cron("* * * * *").until(None), "None is not a time"),  # type: ignore[arg-type]
        (lambda scheduler: every("1s", anchor=5), "5 is not a time"),  # type: ignore[typeddict-item]
        (lambda scheduler: triggers.cron("* * * * *") & "x", "'x' is neither a trigger nor a calendar"),  # type: ignore[operator]
        (lambda scheduler: triggers.cron("* * * * *") - 5, "5 is neither a trigger nor a calendar"),  # type: ignore[operator]
    ],
)
def test_definitions_that_make_no_sense_are_refused_at_once(act: Callable[[Any], object], says: str):
    with pytest.raises(FoliotError, match=says):
        act(Scheduler())


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda s: s.runs.find(state="x"), "state='x': choose one of 'pending', 'running'"),
        (lambda s: s.runs.find(state=5), "state=5: give a text, or a list of texts"),
        (
            lambda s: s.runs.find(stat="failed"),
            "runs are not found by 'stat'; there are: state, job",
        ),
        (lambda s: s.runs.find(job=[5]), r"job=\[5\]: give a text"),
        (lambda s: s.runs.find(limit=0), "limit=0: give a whole number from 1"),
        (lambda s: s.runs.find(since=5), "since=5: 5 is not a time"),
        (lambda s: s.runs.find(meta={"a": object()}), "meta=.*: give plain data that is JSON"),
        (lambda s: s.runs.page(after=5), "after=5: give a text"),
        (
            lambda s: s.schedules.put("z", "double", every="1h", retires=2),
            "unknown option 'retires'; did you mean 'retries'",
        ),
        (lambda s: s.runs.page(after="xyz"), "after='xyz': give the cursor of the page before"),
        (lambda s: s.runs.count(by="colour"), "by='colour': count by one of 'state', 'job'.* or 'meta.<path>'"),
        (lambda s: s.runs.count(by="meta."), "by='meta.'"),
        (lambda s: s.runs.count(by=5), "by=5"),
        (lambda s: s.runs.cancel("known", reason=None), "reason=None: give a text"),
        (lambda s: s.runs.prioritise("known", priority=99), "priority=99: give a priority from 0"),
        (lambda s: s.runs.logs("unknown"), "no run has the id 'unknown'"),
        (lambda s: s.runs.logs("known", limit=-1), "limit=-1: give a whole number from 1"),
        (lambda s: s.runs.logs("known", after="x"), "after='x': give a whole number from 0"),
        (lambda s: s.runs.prune(keep=-1), "keep=-1: give a whole number from 0"),
        (lambda s: s.runs.prune(older_than=-5), "older_than=-5: give a length of time from zero"),
        (lambda s: s.pause("dobule"), "no job is called 'dobule'"),
        (lambda s: s.resume("dobule"), "no job is called 'dobule'"),
        (lambda s: s.pause("double", note=5), "note=5: give a text"),
        (lambda s: s.lanes.limit("dobule", concurrency=1), "no job is called 'dobule'"),
        (lambda s: s.queues.pause("a+b"), r"name='a\+b': give a name without '\+'"),
        (lambda s: s.queues.pause(5), "name=5: give a text"),
        (
            lambda s: s.queues.limit("mail", concurrency=0),
            "concurrency=0: give a whole number from 1, or pause the queue",
        ),
        (lambda s: s.queues.limit("mail", concurrency=True), "concurrency=True"),
        (lambda s: s.queues.limit("mail", rate="x"), "rate='x': write a rate like '100/m'"),
        (lambda s: s.schedules.put("new", "double", trigger=5), "5 is not a trigger"),
        (lambda s: s.schedules.put("new", double, every="1h"), "is no job; give a job or its name"),
        (lambda s: s.schedules.put(5, "double", every="1h"), "id=5: give a text of 1 to 200 characters"),
        (lambda s: s.schedules.put("a\0", "double", every="1h"), "give text without NUL"),
        (lambda s: s.schedules.put("new", "double", every="1h", most=3), "most=3 bounds catchup='all'"),
        (lambda s: s.schedules.put_many(["new"]), r"'new' is not a schedule; give what schedules.draft\(...\) makes"),
        (lambda s: s.runs.get("\udce9"), "without half a surrogate pair"),
        (lambda s: s.runs.find(job="\udce9"), "job=.* give a text, or a list of texts"),
        (lambda s: s.schedules.put("new", "double", every="1h", tz="UTC"), "tz='UTC' is for cron and at"),
        (lambda s: s.schedules.put("new", "double", every="1h", at_start=True), "at_start is for decorators"),
        (lambda s: s.schedules.put("new", "double", at=5), "5 is not a time"),
        (
            lambda s: s.schedules.put("new", "double", trigger=every("1h", concurrency=2)),
            "unknown option 'concurrency'",
        ),
        (lambda s: s.schedules.pause("hourly", note=5), "note=5: give a text"),
        (lambda s: s.schedules.upcoming("hourly", "x"), "count='x': give a whole number"),
        (lambda s: s.schedules.skip("hourly", at=5), "5 is not a time"),
        (lambda s: s.schedules.trigger("hourly", overlap="x"), "overlap='x': choose one of 'skip'"),
        (lambda s: s.schedules.trigger("hourly", args=5), "args=5: give a mapping"),
        (lambda s: s.schedules.backfill("hourly", "2026-01-02", "2026-01-01"), "give the earlier time first"),
        (
            lambda s: s.schedules.backfill("hourly", "2026-01-01", "2026-01-02", overlap="x"),
            "overlap='x': choose one of",
        ),
        (lambda s: s.enqueue_many([5]), "5 is no call"),
        (lambda s: s.jobs["double"].options(at=5).enqueue(), "5 is not a time"),
        (lambda s: s.jobs["double"].options(tz="UTC").enqueue(), "give 'at', too"),
        (lambda s: s.jobs["double"].options(unique_for="1m").enqueue(), "give 'unique', too"),
        (lambda s: s.__aenter__(), "has been started already"),
    ],
)
async def test_what_is_asked_of_a_live_scheduler_is_checked(act: Callable[[Any], Any], says: str):
    scheduler = Scheduler()
    scheduler.every("1h", name="double", schedule_id="hourly")(double)

    async with scheduler:
        await scheduler.jobs["double"].options(id="known", after="1h").enqueue()
        with pytest.raises(FoliotError, match=says):
            await act(scheduler)
        run, schedules = await scheduler.runs.get("known"), await scheduler.schedules.list()

    assert (run.state, run.priority) == (State.PENDING, 5)
    assert "new" not in {each.id for each in schedules}


async def is_listed(scheduler: Scheduler) -> bool:
    return bool(await scheduler.store.records(Worker))


async def test_a_job_may_be_paused_by_who_does_not_define_it_once_the_store_knows_it():
    scheduler = Scheduler()
    scheduler.job(name="double")(double)
    client = Scheduler(scheduler.store, fire=False, work=False)

    async with scheduler:
        await eventually(lambda: is_listed(scheduler))
        await client.pause("double")
        limit = await client.lanes.get("double")

    assert limit.paused is not None


@pytest.mark.parametrize("how", ["run", "schedule", "limit"])
async def test_a_job_that_no_worker_defines_may_be_steered_when_something_stands_of_it(how: str):
    scheduler = Scheduler()
    made = scheduler.job(name="double", concurrency=2)(double)
    client = Scheduler(scheduler.store, fire=False, work=False)

    async with scheduler.connected():
        match how:
            case "run":
                await made.enqueue()
            case "schedule":
                await scheduler.schedules.put("daily", made, every="1d")
            case _:
                await scheduler.lanes.limit("double", concurrency=2)
        await client.pause("double")
        await client.resume("double")


async def test_options_of_a_trigger_that_is_put_as_a_schedule_are_the_schedule_s():
    scheduler = Scheduler()
    made = scheduler.job(name="double")(double)

    async with scheduler.connected():
        schedule = await scheduler.schedules.put("x", made, trigger=every("1h", overlap="queue", queue="mail"))

    assert (schedule.overlap, schedule.placement.queue) == ("queue", "mail")


def test_a_job_without_parentheses_is_told_before_it_is_called():
    with pytest.raises(JobError, match=r"write @job\(\) with parentheses"):

        @job  # type: ignore[arg-type]
        def forgot() -> None: ...
