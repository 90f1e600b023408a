"""The engine in real time, with real threads and processes: what virtual time cannot show."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.executors import work
from tests.waiting import eventually

from foliot.context import Context
from foliot.errors import FoliotError, JobError, RunFailed, StoreUnavailable
from foliot.jobs import resource
from foliot.model import Outcome, State, Worker
from foliot.retry import fixed
from foliot.scheduler import Scheduler

ROOT = Path(__file__).parents[2]


async def is_running(scheduler: Scheduler, run: str) -> bool:
    return (await scheduler.runs.get(run)).state is State.RUNNING


# Leases


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/runs.db"])
async def test_a_job_that_blocks_the_event_loop_keeps_its_lease(url: str, tmp_path: Path):
    scheduler = Scheduler(url.format(tmp_path), lease="300ms")
    starts = 0

    @scheduler.job(name="block")
    async def block() -> None:
        nonlocal starts
        starts += 1
        time.sleep(1.2)  # noqa: ASYNC251 - that is the point

    async with scheduler:
        handle = await block.enqueue()
        await handle.result(timeout=10)
        run = await handle.status()

    assert (starts, run.token) == (1, 1)


# Stopping


async def test_a_plain_function_hears_that_its_run_is_cancelled(tmp_path: Path):
    scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db")
    heard = threading.Event()

    @scheduler.job(name="loop")
    def loop(context: Context) -> None:
        while not context.cancelled:
            time.sleep(0.005)
        heard.set()

    async with scheduler:
        handle = await loop.enqueue()
        await eventually(lambda: is_running(scheduler, handle.id))
        await handle.cancel("not needed")
        with pytest.raises(RunFailed, match="not needed"):
            await handle.result(timeout=10)
        await eventually(heard.is_set)

        assert (await handle.status()).state is State.CANCELLED


async def test_a_plain_function_that_timed_out_is_not_started_again_beside_itself():
    scheduler = Scheduler()
    running, most = 0, 0
    go = threading.Event()

    @scheduler.job(name="stuck", timeout="50ms", retries=fixed(1, "1ms"))
    def stuck(context: Context) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if context.attempt == 1:
            go.wait(10)
        running -= 1
        return "second time"

    async with scheduler:
        handle = await stuck.enqueue()
        await eventually(lambda: running == 1)
        await asyncio.sleep(0.15)  # real time: well past the timeout
        held_back = await handle.status()
        go.set()
        assert await handle.result(timeout=10) == "second time"
        run = await handle.status()

    assert (held_back.state, most) == (State.RUNNING, 1)
    assert [each.outcome for each in run.timeline] == [Outcome.TIMED_OUT, Outcome.SUCCEEDED]


async def test_a_process_job_is_ended_by_its_timeout(tmp_path: Path):
    scheduler = Scheduler(processes=1)
    job = scheduler.job(executor="processes", timeout="1s", name="wait")(work.sleep_until_cancelled)
    path = tmp_path / "trace"

    async with scheduler:
        handle = await job.enqueue(str(path))
        with pytest.raises(RunFailed, match="took longer than 1s"):
            await handle.result(timeout=20)

    assert path.read_text() == "started cleaned"


async def test_a_job_that_kills_its_process_too_often_is_put_aside():
    scheduler = Scheduler(processes=1)
    job = scheduler.job(executor="processes", max_crashes=1, retries=fixed(9, "1ms"), name="die")(work.kill_itself)

    async with scheduler:
        handle = await job.enqueue()
        with pytest.raises(RunFailed, match="SIGKILL"):
            await handle.result(timeout=20)
        run = await handle.status()

    assert "crashed too often: 2 times, max_crashes is 1" in (run.reason or "")
    assert [each.outcome for each in run.timeline] == [Outcome.CRASHED, Outcome.FAILED]


# Several on one file


async def test_two_schedulers_on_one_file_fire_each_instant_once(tmp_path: Path):
    def one() -> Scheduler:
        scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db", name=f"w{id(object())}")

        @scheduler.every("20ms", name="tick", overlap="allow")
        async def tick() -> None: ...

        return scheduler

    first, second = one(), one()
    async with first, second:
        await eventually(lambda: counted(first, 20))
        runs = await first.runs.find(job="tick", limit=1000)

    instants = [run.nominal_at for run in runs]
    assert len(instants) == len(set(instants)) >= 20


async def counted(scheduler: Scheduler, enough: int) -> bool:
    return sum((await scheduler.runs.count(job="tick")).values()) >= enough


async def test_a_schedule_that_did_not_change_keeps_its_next_time_across_a_restart(tmp_path: Path):
    def again() -> Scheduler:
        scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db")

        @scheduler.every("1h", name="hourly")
        def hourly() -> None: ...

        return scheduler

    async with (first := again()):
        before = await first.schedules.get("hourly")
    async with (second := again()):
        after = await second.schedules.get("hourly")

    assert (after.wakes_at, after.version) == (before.wakes_at, before.version)


# Programs

PROGRAM = """
import asyncio, sys, time
from foliot import Context, Scheduler

scheduler = Scheduler("sqlite:///runs.db", lease="5s", grace="20s")

@scheduler.job()
async def slow(seconds: float) -> str:
    print("started", flush=True)
    await asyncio.sleep(seconds)
    return "done"

@scheduler.job()
def quick() -> int:
    return 7

if __name__ == "__main__":
    scheduler.run()
"""


@pytest.fixture
def program(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM)
    started = subprocess.Popen([sys.executable, "program.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    yield started
    started.kill()
    started.wait()
    assert started.stdout is not None
    started.stdout.close()


def client(tmp_path: Path) -> Scheduler:
    scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db", fire=False, work=False)

    @scheduler.job(name="slow")
    async def slow(seconds: float) -> str:
        return ""

    @scheduler.job(name="quick")
    def quick() -> int:
        return 0

    return scheduler


async def test_another_process_takes_up_what_is_enqueued_at_once_and_hands_back_its_result(program, tmp_path: Path):
    async with client(tmp_path) as scheduler:
        quick = scheduler.jobs["quick"]
        assert await (await quick.enqueue()).result(timeout=20) == 7
        started = time.monotonic()
        assert await (await quick.enqueue()).result(timeout=20) == 7

    assert time.monotonic() - started < 5  # woken by a hint, not by the look each ten seconds


async def test_a_cancel_reaches_another_process(program, tmp_path: Path):
    async with client(tmp_path) as scheduler:
        handle = await scheduler.jobs["slow"].enqueue(3600.0)
        await eventually(lambda: is_running(scheduler, handle.id))
        await handle.cancel("from outside")
        await eventually(lambda: over(scheduler, handle.id))

        assert (await handle.status()).reason == "from outside"


async def over(scheduler: Scheduler, run: str) -> bool:
    return (await scheduler.runs.get(run)).state.over


async def test_a_program_that_is_told_to_end_finishes_what_runs(program, tmp_path: Path):
    async with client(tmp_path) as scheduler:
        handle = await scheduler.jobs["slow"].enqueue(0.5)
        await asyncio.to_thread(program.stdout.readline)
        program.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(program.wait, 20)
        run = await handle.status()

    assert (code, run.state, run.token) == (0, State.SUCCEEDED, 1)


async def test_a_second_signal_gives_back_what_runs_and_counts_no_failure(program, tmp_path: Path):
    async with client(tmp_path) as scheduler:
        handle = await scheduler.jobs["slow"].enqueue(3600.0)
        await asyncio.to_thread(program.stdout.readline)
        program.send_signal(signal.SIGTERM)
        await eventually(lambda: is_stopping(scheduler))
        program.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(program.wait, 20)
        run = await handle.status()

    assert (code, run.state, run.failures) == (0, State.PENDING, 0)
    assert [each.outcome for each in run.timeline] == [Outcome.RELEASED]


async def is_stopping(scheduler: Scheduler) -> bool:
    from foliot.model import Worker

    return any(worker.stopping for worker in await scheduler.store.records(Worker))


# Programs without an event loop


def test_a_program_without_a_loop_starts_waits_and_stops_and_starts_again():
    scheduler = Scheduler()

    @scheduler.job(name="double")
    def double(x: int) -> int:
        return 2 * x

    for _ in range(2):
        scheduler.start()
        assert scheduler.wait(scheduler.wait(double.enqueue(21)).result(timeout=10)) == 42
        scheduler.stop(timeout="5s")

    scheduler.stop()
    with pytest.raises(FoliotError, match=r"start\(\) the scheduler first"):
        scheduler.wait(double.enqueue(1))


def test_starting_twice_is_refused():
    scheduler = Scheduler()
    scheduler.start()
    try:
        with pytest.raises(FoliotError, match="started already"):
            scheduler.start()
    finally:
        scheduler.stop()


class Database: ...


def test_a_start_that_fails_raises_and_leaves_nothing_running(tmp_path: Path):
    scheduler = Scheduler()

    @scheduler.job(name="query")
    async def query(db: Database = resource()) -> None: ...

    threads = threading.active_count()
    with pytest.raises(JobError, match="asks for db"):
        scheduler.start()
    assert threading.active_count() == threads

    with pytest.raises(StoreUnavailable, match="there is no directory"):
        Scheduler(f"sqlite:///{tmp_path}/missing/runs.db").start()


async def test_whoever_has_started_is_known_as_a_worker(tmp_path: Path):
    scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db", name="north")

    async with scheduler:
        known = await scheduler.store.records(Worker)

    assert [worker.id.partition("-")[0] for worker in known] == ["north"]
