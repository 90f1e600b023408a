"""What a job can ask for, seen from outside: the real engine in virtual time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from foliot.context import Context
from foliot.control import Cancel, Retry, Skip, Snooze
from foliot.errors import DefinitionError, JobError, RunFailed, SettingsError
from foliot.events import Event, Kind
from foliot.jobs import resource
from foliot.model import Fate, Outcome, Run, State
from foliot.moments import MINUTE, SECOND, instant
from foliot.retry import delays, fixed
from foliot.scheduler import Scheduler
from foliot.testing import simulated


def ours(runs: list[Run]) -> list[Run]:
    """Without the scheduler's own housekeeping."""
    return [each for each in runs if not each.job.startswith("foliot.")]


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler("memory://", concurrency=10)


# Firing


async def test_a_schedule_fires_each_of_its_instants_once(scheduler: Scheduler):
    seen: list[Any] = []

    @scheduler.cron("*/5 * * * *", name="tick")
    async def tick(context: Context) -> None:
        seen.append(context.nominal_at)

    async with simulated(scheduler) as time:
        await time.advance(hours=2)

    assert len(seen) == len(set(seen)) == 24


async def test_a_firing_that_overlaps_is_skipped_and_says_so(scheduler: Scheduler):
    @scheduler.every("10s", name="slow")
    async def slow() -> None:
        await asyncio.sleep(25)

    async with simulated(scheduler) as time:
        await time.advance(seconds=69)
        runs = ours(await scheduler.runs.find(job="slow"))

    states = [each.state for each in reversed(runs)]
    assert states[:4] == [State.SUCCEEDED, State.SKIPPED, State.SKIPPED, State.SUCCEEDED]
    assert "overlap with" in (runs[-2].reason or "")


async def test_a_firing_that_overlaps_is_told_as_skipped_and_never_as_fired(scheduler: Scheduler):
    heard: list[tuple[Kind, str | None]] = []
    scheduler.on(lambda event: heard.append((event.kind, event.reason)), Kind.FIRED, Kind.SKIPPED, Kind.MISSED)

    @scheduler.every("10s", name="slow")
    async def slow() -> None:
        await asyncio.sleep(15)

    async with simulated(scheduler) as time:
        await time.advance(seconds=35)
        runs = ours(await scheduler.runs.find())

    assert heard == [(Kind.FIRED, None), (Kind.SKIPPED, f"overlap with {runs[-1].id}"), (Kind.FIRED, None)]


@pytest.mark.parametrize(
    ("overlap", "starts"),
    [
        ("skip", [10, 40]),
        ("queue", [10, 35]),
        ("queue_one", [10, 35]),
        ("allow", [10, 20, 30, 40, 50]),
        ("delay", [10, 45]),
        ("replace", [10, 20, 30, 40, 50]),
    ],
)
async def test_each_overlap_policy_starts_when_it_says(scheduler: Scheduler, overlap: str, starts: list[int]):
    began: list[int] = []

    async with simulated(scheduler) as time:
        zero = time.clock.now()

        @scheduler.job(name="slow")
        async def slow() -> None:
            began.append((time.clock.now() - zero) // SECOND)
            await asyncio.sleep(25)

        await scheduler.schedules.put("slow", slow, every="10s", overlap=overlap)
        await time.advance(seconds=55)

    assert began == starts


async def test_a_schedule_that_is_paused_fires_nothing_and_makes_up_for_nothing(scheduler: Scheduler):
    count = 0

    @scheduler.every("1m", name="tick")
    def tick() -> None:
        nonlocal count
        count += 1

    async with simulated(scheduler) as time:
        await scheduler.schedules.pause("tick", note="maintenance")
        await time.advance(minutes=10)
        paused = await scheduler.schedules.get("tick")
        await scheduler.schedules.resume("tick")
        await time.advance(minutes=3)

    assert paused.paused is not None
    assert paused.paused.note == "maintenance"
    assert count == 3


async def test_a_schedule_that_keeps_failing_pauses_itself(scheduler: Scheduler):
    @scheduler.every("1m", name="broken", pause_after=3)
    def broken() -> None:
        raise ValueError("always")

    async with simulated(scheduler) as time:
        await time.advance(minutes=10)
        schedule = await scheduler.schedules.get("broken")
        count = await scheduler.runs.count(job="broken")

    assert count == {"failed": 3}
    assert schedule.paused is not None
    assert "3 runs failed" in schedule.paused.note


async def test_one_occurrence_can_be_skipped(scheduler: Scheduler):
    @scheduler.every("1h", name="hourly")
    def hourly() -> None: ...

    async with simulated(scheduler) as time:
        await scheduler.schedules.skip("hourly")
        await time.advance(hours=2)
        runs = await scheduler.runs.find(job="hourly")

    assert [each.state for each in runs] == [State.SUCCEEDED, State.SKIPPED]
    assert runs[1].reason == "skipped by hand"


async def test_a_schedule_can_be_triggered_now_with_other_arguments(scheduler: Scheduler):
    seen: list[int] = []

    @scheduler.every("1h", name="add", args={"x": 1})
    def add(x: int) -> None:
        seen.append(x)

    async with simulated(scheduler) as time:
        before = await scheduler.schedules.get("add")
        await scheduler.schedules.trigger("add", args={"x": 5})
        await time.settle()
        after = await scheduler.schedules.get("add")

    assert seen == [5]
    assert after.wakes_at == before.wakes_at


async def test_a_range_can_be_backfilled_and_twice_is_once(scheduler: Scheduler):
    seen: list[Any] = []

    @scheduler.cron("0 * * * *", name="report")
    def report(context: Context) -> None:
        seen.append(context.nominal_at)

    async with simulated(scheduler) as time:
        await scheduler.schedules.backfill("report", "2025-12-01 00:00", "2025-12-01 06:00")
        await time.settle()
        added = await scheduler.schedules.backfill("report", "2025-12-01 00:00", "2025-12-01 06:00")
        await time.settle()

    assert len(seen) == 6
    assert {each.fate for each in added} == {Fate.KNOWN}


async def test_a_job_can_run_once_at_start(scheduler: Scheduler):
    count = 0

    @scheduler.every("1h", name="warm", at_start=True)
    def warm() -> None:
        nonlocal count
        count += 1

    async with simulated(scheduler) as time:
        await time.advance(minutes=1)

    assert count == 1


async def test_a_schedule_whose_job_is_not_defined_stands_and_is_orphaned(scheduler: Scheduler):
    from msgspec.structs import replace

    @scheduler.every("1h", name="known")
    def known() -> None: ...

    async with simulated(scheduler) as time:
        stranger = replace(await scheduler.schedules.get("known"), id="stranger", job="gone")
        await scheduler.store.put([stranger])
        await time.advance(hours=1)
        schedule = await scheduler.schedules.get("stranger")
        runs = await scheduler.runs.find(schedule="stranger")

    assert scheduler.schedules.orphaned(schedule)
    assert [each.state for each in runs] == [State.PENDING]
    assert "unknown job 'gone'" in (runs[0].reason or "")


# Enqueuing


async def test_an_enqueued_job_gives_its_result(scheduler: Scheduler):
    @scheduler.job(name="double")
    def double(x: int) -> int:
        return 2 * x

    async with simulated(scheduler):
        handle = await double.enqueue(21)
        result = await handle.result(timeout=5)

    assert result == 42


async def test_a_run_waits_until_it_is_due(scheduler: Scheduler):
    ran: list[int] = []

    @scheduler.job(name="note")
    def note(n: int) -> None:
        ran.append(n)

    async with simulated(scheduler) as time:
        await note.options(after="10m").enqueue(1)
        await note.options(at="2026-01-01 00:05", tz="UTC").enqueue(2)
        await time.advance(minutes=4)
        early = list(ran)
        await time.advance(minutes=1)
        middle = list(ran)
        await time.advance(minutes=5)

    assert (early, middle, ran) == ([], [2], [2, 1])


async def test_an_id_given_twice_is_one_run(scheduler: Scheduler):
    @scheduler.job(name="pay")
    def pay() -> None: ...

    async with simulated(scheduler):
        first = await pay.options(id="order-42").enqueue()
        second = await pay.options(id="order-42").enqueue()

    assert (first.fate, second.fate, second.id) == (Fate.ADDED, Fate.KNOWN, "order-42")


async def test_a_unique_run_is_added_once_while_it_is_live(scheduler: Scheduler):
    @scheduler.job(name="sync", unique="{who}")
    async def sync(who: str) -> None:
        await asyncio.sleep(10)

    async with simulated(scheduler) as time:
        first = await sync.enqueue("a")
        again = await sync.enqueue("a")
        other = await sync.enqueue("b")
        await time.advance(seconds=11)
        later = await sync.enqueue("a")

    assert (again.fate, again.id) == (Fate.DROPPED, first.id)
    assert (other.fate, later.fate) == (Fate.ADDED, Fate.ADDED)


async def test_unique_for_a_period_holds_after_the_run_is_over(scheduler: Scheduler):
    @scheduler.job(name="mail", unique=True, unique_for="1h")
    def mail(to: str) -> None: ...

    async with simulated(scheduler) as time:
        await mail.enqueue("a")
        await time.advance(minutes=30)
        within = await mail.enqueue("a")
        await time.advance(minutes=31)
        beyond = await mail.enqueue("a")

    assert (within.fate, beyond.fate) == (Fate.DROPPED, Fate.ADDED)


async def test_a_debounced_job_runs_once_after_the_last_call(scheduler: Scheduler):
    ran: list[tuple[int, str]] = []

    async with simulated(scheduler) as time:
        zero = time.clock.now()

        @scheduler.job(name="save", debounce="5s")
        def save(text: str) -> None:
            ran.append(((time.clock.now() - zero) // SECOND, text))

        for text in "abc":
            await save.enqueue(text)
            await time.advance(seconds=2)
        await time.advance(seconds=20)

    assert ran == [(9, "c")]


async def test_priorities_order_only_what_is_due(scheduler: Scheduler):
    order: list[str] = []

    @scheduler.job(name="note", concurrency=1)
    async def note(name: str) -> None:
        order.append(name)
        await asyncio.sleep(1)

    async with simulated(scheduler) as time:
        await note.options(priority=0).enqueue("low")
        await note.options(priority=9).enqueue("high")
        await note.options(priority=9, after="1h").enqueue("later")
        await time.advance(minutes=1)

    assert order in (["high", "low"], ["low", "high"])
    assert "later" not in order


async def test_a_job_s_concurrency_is_kept(scheduler: Scheduler):
    running, most = 0, 0

    @scheduler.job(name="heavy", concurrency=2)
    async def heavy() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    async with simulated(scheduler) as time:
        await scheduler.enqueue_many([heavy.call() for _ in range(9)])
        await time.advance(seconds=6)
        count = await scheduler.runs.count(job="heavy")

    assert (most, count) == (2, {"succeeded": 9})


async def test_a_key_has_its_own_concurrency(scheduler: Scheduler):
    running: dict[str, int] = {}
    clashes = 0

    @scheduler.job(name="import", per_key=1, key="{tenant}")
    async def work(tenant: str) -> None:
        nonlocal clashes
        running[tenant] = running.get(tenant, 0) + 1
        clashes += running[tenant] > 1
        await asyncio.sleep(1)
        running[tenant] -= 1

    async with simulated(scheduler) as time:
        await scheduler.enqueue_many([work.call(tenant) for tenant in "aabbab"])
        await time.advance(seconds=4)
        count = await scheduler.runs.count(job="import")

    assert (clashes, count) == (0, {"succeeded": 6})


async def test_a_rate_limit_spreads_starts(scheduler: Scheduler):
    starts: list[int] = []

    async with simulated(scheduler) as time:
        zero = time.clock.now()

        @scheduler.job(name="call", limit="2/10s")
        def call() -> None:
            starts.append((time.clock.now() - zero) // SECOND)

        await scheduler.declaration().apply()
        await scheduler.enqueue_many([call.call() for _ in range(5)])
        await time.advance(seconds=30)

    assert starts == [0, 0, 10, 10, 20]


async def test_a_paused_queue_starts_nothing_until_resumed(scheduler: Scheduler):
    @scheduler.job(name="mail", queue="mail")
    def mail() -> None: ...

    async with simulated(scheduler) as time:
        await scheduler.queues.pause("mail", note="provider is down")
        handle = await mail.enqueue()
        await time.advance(minutes=5)
        waiting = await handle.status()
        await scheduler.queues.resume("mail")
        await time.settle()
        done = await handle.status()

    assert (waiting.state, done.state) == (State.PENDING, State.SUCCEEDED)


async def test_a_paused_job_starts_nothing_until_resumed(scheduler: Scheduler):
    @scheduler.job(name="mail")
    def mail() -> None: ...

    @scheduler.job(name="other")
    def other() -> None: ...

    async with simulated(scheduler) as time:
        await mail.pause("the template is broken")
        paused, free = await mail.enqueue(), await other.enqueue()
        await time.advance(minutes=5)
        before = [(await each.status()).state for each in (paused, free)]
        limit = await scheduler.lanes.get("mail")
        await mail.resume()
        await time.settle()
        after = (await paused.status()).state

    assert before == [State.PENDING, State.SUCCEEDED]
    assert limit.paused is not None
    assert limit.paused.note == "the template is broken"
    assert after is State.SUCCEEDED


# Failing


async def test_a_failed_run_is_tried_again_later_and_keeps_its_timeline(scheduler: Scheduler):
    tries = 0

    @scheduler.job(name="flaky", retries=delays(["10s", "1m"]))
    def flaky() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionError("no route")
        return "done"

    async with simulated(scheduler) as time:
        handle = await flaky.enqueue()
        await time.advance(minutes=2)
        run = await handle.status()

    assert (run.state, run.failures) == (State.SUCCEEDED, 2)
    assert [each.outcome for each in run.timeline] == [Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED]
    begins = [each.started_at or 0 for each in run.timeline]
    assert [b - a for a, b in pairwise(begins)] == [10 * SECOND, MINUTE]
    assert run.timeline[0].error is not None
    assert run.timeline[0].error.message == "no route"


async def test_a_retry_never_moves_the_cadence(scheduler: Scheduler):
    starts: list[int] = []

    async with simulated(scheduler) as time:
        zero = time.clock.now()

        @scheduler.job(name="flaky", retries=fixed(1, "90s"))
        def flaky(context: Context) -> None:
            starts.append((time.clock.now() - zero) // MINUTE)
            if context.attempt == 1:
                raise ValueError

        await scheduler.schedules.put("flaky", flaky, every="5m")
        await time.advance(minutes=16)

    assert starts == [5, 6, 10, 11, 15]


async def test_the_last_failure_is_the_result(scheduler: Scheduler):
    @scheduler.job(name="broken", retries=fixed(1, "1s"))
    def broken() -> None:
        raise ValueError("always")

    async with simulated(scheduler) as time:
        handle = await broken.enqueue()
        await time.advance(seconds=5)
        with pytest.raises(RunFailed, match="ValueError: always") as failed:
            await handle.result()

    assert isinstance(failed.value.run, Run)
    assert failed.value.run.error is not None
    assert "raise ValueError" in failed.value.run.error.traceback


async def test_an_attempt_that_takes_too_long_is_stopped_and_counts_as_a_failure(scheduler: Scheduler):
    @scheduler.job(name="slow", timeout="5s", retries=fixed(1, "1s"))
    async def slow() -> None:
        await asyncio.sleep(60)

    async with simulated(scheduler) as time:
        handle = await slow.enqueue()
        await time.advance(seconds=30)
        run = await handle.status()

    assert run.state is State.FAILED
    assert [each.outcome for each in run.timeline] == [Outcome.TIMED_OUT, Outcome.FAILED]
    assert run.error is not None
    assert run.error.message == "took longer than 5s"


async def test_a_deadline_covers_all_attempts(scheduler: Scheduler):
    @scheduler.job(name="broken", retries=fixed(10, "10s"), deadline="35s")
    def broken() -> None:
        raise ValueError

    async with simulated(scheduler) as time:
        handle = await broken.enqueue()
        await time.advance(minutes=5)
        run = await handle.status()

    assert (run.state, run.failures) == (State.FAILED, 4)
    assert "deadline" in (run.reason or "")


async def test_a_run_that_is_not_started_in_time_expires(scheduler: Scheduler):
    @scheduler.job(name="quote", expires="1m", queue="paused")
    def quote() -> None: ...

    async with simulated(scheduler) as time:
        await scheduler.queues.pause("paused")
        handle = await quote.enqueue()
        await time.advance(minutes=2)
        await scheduler.queues.resume("paused")
        await time.settle()
        run = await handle.status()

    assert run.state is State.SKIPPED
    assert "expired" in (run.reason or "")


async def test_a_job_steers_its_own_end(scheduler: Scheduler):
    @scheduler.job(name="steer", retries=3)
    def steer(context: Context, how: str) -> str:
        if context.token > 1:
            return "second time"
        raise {"retry": Retry(after="5s"), "snooze": Snooze("5s"), "cancel": Cancel("enough"), "skip": Skip("no")}[how]

    async with simulated(scheduler) as time:
        handles = [await steer.enqueue(how) for how in ("retry", "snooze", "cancel", "skip")]
        await time.advance(seconds=6)
        runs = [await each.status() for each in handles]

    assert [each.state for each in runs] == [State.SUCCEEDED, State.SUCCEEDED, State.CANCELLED, State.SKIPPED]
    assert [each.failures for each in runs] == [1, 0, 0, 0]
    assert [each.reason for each in runs[2:]] == ["enough", "no"]


# Cancelling


async def test_a_queued_run_is_cancelled_at_once(scheduler: Scheduler):
    @scheduler.job(name="later")
    def later() -> None: ...

    async with simulated(scheduler):
        handle = await later.options(after="1h").enqueue()
        run = await handle.cancel("changed my mind")

    assert (run.state, run.reason) == (State.CANCELLED, "changed my mind")


async def test_a_worker_that_hears_of_a_cancel_says_so_once(scheduler: Scheduler):
    heard: list[tuple[str | None, str | None]] = []
    scheduler.on(lambda event: heard.append((event.run and event.run.id, event.reason)), Kind.STOP_ASKED)

    @scheduler.job(name="stubborn")
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(3600 * 2)

    async with simulated(scheduler) as time:
        handle = await stubborn.enqueue()
        await time.advance(seconds=1)
        await handle.cancel("not needed")
        await time.advance(hours=1)

    assert heard == [(handle.id, "not needed")]


async def test_a_running_async_job_is_cancelled(scheduler: Scheduler):
    cleaned = False

    @scheduler.job(name="long")
    async def long() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned = True

    async with simulated(scheduler) as time:
        handle = await long.enqueue()
        await time.advance(seconds=1)
        await handle.cancel("not needed")
        await time.settle()
        run = await handle.status()

    assert (run.state, run.reason, cleaned) == (State.CANCELLED, "not needed", True)


async def test_what_is_over_can_be_run_again(scheduler: Scheduler):
    tries = 0

    @scheduler.job(name="flaky")
    def flaky() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError

    async with simulated(scheduler) as time:
        handle = await flaky.enqueue()
        await time.settle()
        await scheduler.runs.retry(handle.id)
        await time.settle()
        run = await handle.status()

    assert run.state is State.SUCCEEDED
    assert [each.outcome for each in run.timeline] == [Outcome.FAILED, Outcome.SUCCEEDED]


# What a job is given


class Database:
    """A resource for tests."""

    open = False

    async def count(self) -> int:
        return 3


async def test_resources_are_given_by_annotation_and_closed_at_the_end(scheduler: Scheduler):
    database = Database()

    @scheduler.resource
    async def connect() -> AsyncIterator[Database]:
        database.open = True
        yield database
        database.open = False

    @scheduler.job(name="query")
    async def query(title: str, db: Database = resource()) -> tuple[str, int, bool]:
        return title, await db.count(), db.open

    async with simulated(scheduler):
        result = await (await query.enqueue("rows")).result(timeout=5)

    assert result == ("rows", 3, True)
    assert not database.open


async def test_middleware_wraps_every_execution(scheduler: Scheduler):
    trail: list[str] = []

    async def outer(call: Any, next: Any) -> Any:
        trail.append(f"before {call.job}")
        result = await next(call)
        trail.append("after")
        return result + 1

    scheduler.middleware.append(outer)

    @scheduler.job(name="one")
    async def one() -> int:
        trail.append("job")
        return 1

    async with simulated(scheduler) as time:
        handle = await one.enqueue()
        await time.settle()
        result = await handle.result()

    assert result == 2
    assert trail == ["before one", "job", "after"]


async def test_callbacks_hear_of_success_and_failure(scheduler: Scheduler):
    heard: list[Any] = []

    async def well(run: Run, result: int) -> None:
        heard.append((run.state, result))

    def badly(run: Run, error: BaseException) -> None:
        heard.append((run.state, str(error)))

    @scheduler.job(name="maybe", on_success=well, on_failure=badly)
    def maybe(ok: bool) -> int:
        if not ok:
            raise ValueError("no")
        return 7

    async with simulated(scheduler) as time:
        await maybe.enqueue(True)
        await maybe.enqueue(False)
        await time.settle()

    assert heard == [(State.SUCCEEDED, 7), (State.FAILED, "no")]


async def test_what_a_job_logs_is_kept_with_its_run(scheduler: Scheduler):
    @scheduler.job(name="talk")
    def talk(context: Context) -> None:
        logging.getLogger("shop").info("selling %d", 3, extra={"sku": "A1"})
        context.log("done", level="warning", count=3)
        context.progress(3, 10, "selling")

    async with simulated(scheduler) as time:
        handle = await talk.enqueue()
        await time.settle()
        lines = await scheduler.runs.logs(handle.id)
        run = await handle.status()

    assert [(each.n, each.level, each.text) for each in lines] == [(1, "info", "selling 3"), (2, "warning", "done")]
    assert lines[0].fields is not None
    assert lines[0].fields["sku"] == "A1"
    assert run.progress is not None
    assert (run.progress.done, run.progress.total, run.progress.note) == (3, 10, "selling")


async def test_every_transition_is_told(scheduler: Scheduler):
    heard: list[Kind] = []

    @scheduler.on
    def listen(event: Event) -> None:
        if event.run is not None and event.run.job == "flaky":
            heard.append(event.kind)

    @scheduler.job(name="flaky", retries=fixed(1, "1s"))
    def flaky(context: Context) -> None:
        if context.attempt == 1:
            raise ValueError

    async with simulated(scheduler) as time:
        await flaky.enqueue()
        await time.advance(seconds=2)

    assert heard == [Kind.ADDED, Kind.STARTED, Kind.RETRYING, Kind.STARTED, Kind.SUCCEEDED]


# Being kind


async def test_a_bad_payload_fails_its_run_and_no_other(scheduler: Scheduler):
    from msgspec.structs import replace

    @scheduler.job(name="double")
    def double(x: int) -> int:
        return 2 * x

    async with simulated(scheduler) as time:
        good = await double.enqueue(1)
        template = await good.status()
        bad = replace(template, id="bad", args='{"x": "many"}', state=State.PENDING, wakes_at=template.due_at, token=0)
        await scheduler.store.add([bad], time.clock.now())
        await time.settle()
        run = await scheduler.runs.get("bad")

    assert run.state is State.FAILED
    assert run.error is not None
    assert "x" in run.error.message


async def test_a_result_that_is_not_json_fails_the_run_with_the_reason(scheduler: Scheduler):
    @scheduler.job(name="odd")
    def odd() -> object:
        return object()

    async with simulated(scheduler) as time:
        handle = await odd.enqueue()
        await time.settle()
        run = await handle.status()

    assert run.state is State.FAILED
    assert run.error is not None
    assert "JSON" in run.error.message


async def test_including_jobs_that_clash_takes_in_none_of_them(scheduler: Scheduler):
    from foliot.jobs import job

    @scheduler.job(name="taken")
    def taken() -> None: ...

    @job(name="fresh")
    def fresh() -> None: ...

    @job(name="taken")
    def other() -> None: ...

    with pytest.raises(JobError, match="two jobs are called 'taken'"):
        scheduler.include(fresh, other)

    assert "fresh" not in scheduler.jobs


async def test_housekeeping_forgets_old_runs():
    scheduler = Scheduler("memory://", keep="1d")

    @scheduler.job(name="note")
    def note() -> None: ...

    async with simulated(scheduler) as time:
        handle = await note.enqueue()
        await time.advance(hours=23)
        kept = await scheduler.runs.find(job="note")
        await time.advance(hours=3)
        left = await scheduler.runs.find(job="note")

    assert [each.id for each in kept] == [handle.id]
    assert left == []


async def test_resources_that_nobody_provides_are_missed_at_start(scheduler: Scheduler):
    @scheduler.job(name="query")
    async def query(db: Database = resource()) -> None: ...

    with pytest.raises(JobError, match=r"which no @scheduler\.resource provides"):
        async with simulated(scheduler):
            pass


# What is refused before anything begins


@pytest.mark.parametrize("store", [5, object(), ["memory://"]])
def test_what_is_no_store_is_refused(store: Any):
    with pytest.raises(SettingsError, match="is no store"):
        Scheduler(store)


@pytest.mark.parametrize(
    ("source", "says"), [(5, "5 is no source of jobs"), ("", "'' names no module"), ("shop..jobs", "names no module")]
)
def test_what_is_no_source_of_jobs_is_refused(scheduler: Scheduler, source: Any, says: str):
    with pytest.raises(JobError, match=says):
        scheduler.include(source)


async def test_a_schedule_needs_an_id(scheduler: Scheduler):
    @scheduler.job(name="tick")
    def tick() -> None: ...

    async with simulated(scheduler):
        with pytest.raises(DefinitionError, match="id=' ': give a text"):
            await scheduler.schedules.put(" ", tick, every="5s")


async def test_a_schedule_may_spread_its_runs(scheduler: Scheduler):
    seen: list[Any] = []

    @scheduler.job(name="tick")
    def tick(context: Context) -> None:
        seen.append((context.nominal_at, scheduler.clock.now()))

    async with simulated(scheduler, start="2026-06-01T00:30:00Z") as time:
        await scheduler.schedules.put("tick", tick, cron="0 * * * *", spread="10m")
        await time.advance(hours=3)

    late = {now - instant(nominal) for nominal, now in seen}
    assert len(seen) == 3
    assert len(late) == 1
    assert 0 < late.pop() < 10 * MINUTE
