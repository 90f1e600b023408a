"""Four worker processes on one file, killed at random for half a minute: the promises hold."""

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tests.waiting import eventually

from foliot.model import Query, Run, Schedule, State
from foliot.moments import SECOND
from foliot.scheduler import Scheduler

SECONDS = 30
ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("crashing.py")


def start(place: Path, n: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with (place / "log").open("ab") as log:
        return subprocess.Popen([sys.executable, str(WORKER), str(place), f"w{n}"], env=env, stdout=log, stderr=log)


def end_all(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.wait()


async def everything(scheduler: Scheduler) -> list[Run]:
    runs: list[Run] = []
    page = await scheduler.store.find(Query(limit=500))
    while True:
        runs += page.runs
        if page.cursor is None:
            return runs
        page = await scheduler.store.find(Query(limit=500, after=page.cursor))


async def test_killed_workers_lose_nothing_and_repeat_no_ending(tmp_path: Path):
    seed = int(os.environ.get("FOLIOT_SEED", random.SystemRandom().randrange(10**6)))
    print(f"FOLIOT_SEED={seed}")
    dice = random.Random(seed)
    clients = Scheduler(f"sqlite:///{tmp_path}/runs.db", fire=False, work=False)

    @clients.job(name="flaky")
    async def flaky(n: int) -> int:
        return n

    wanted: list[str] = []
    workers = [start(tmp_path, n) for n in range(4)]
    kills = 0
    async with clients:
        await eventually(lambda: fired(clients))
        ends = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < ends:
            wanted += [handle.id for handle in await clients.enqueue_many([flaky.call(n) for n in range(5)])]
            await asyncio.sleep(dice.uniform(0.1, 0.8))
            victim = dice.randrange(4)
            workers[victim].kill()
            workers[victim].wait()
            kills += 1
            workers[victim] = start(tmp_path, victim)
        await clients.schedules.pause("each_second")
        await clients.schedules.pause("also_each_second")
        await eventually(lambda: quiet(clients), seconds=40)
        end_all(workers)
        runs = await everything(clients)
        schedules = {each.id: each for each in await clients.store.records(Schedule)}

    assert kills > 20
    the_promises_hold(runs, schedules, wanted, (tmp_path / "trace").read_text())


def the_promises_hold(runs: list[Run], schedules: dict[str, Schedule], wanted: list[str], trace: str) -> None:
    for name in ("each_second", "also_each_second"):
        each_instant_has_one_record(name, runs, schedules[name])
    assert {run.id for run in runs if run.job == "flaky"} == set(wanted)
    assert all(run.state.over for run in runs)
    assert all(run.state is State.SUCCEEDED for run in runs if run.job == "flaky")
    who_ended_it_really_ran(runs, trace)


async def fired(scheduler: Scheduler) -> bool:
    return bool(await scheduler.runs.find(job="each_second", limit=1))


async def quiet(scheduler: Scheduler) -> bool:
    count = await scheduler.runs.count()
    return not count.keys() & {"pending", "running"}


def each_instant_has_one_record(name: str, runs: list[Run], schedule: Schedule) -> None:
    instants = sorted(run.nominal_at or 0 for run in runs if run.schedule == name)
    assert len(instants) >= SECONDS
    gaps = Counter(later - earlier for earlier, later in pairwise(instants))
    assert gaps == {SECOND: len(instants) - 1}, f"{name} left {gaps} between its records"
    assert schedule.last_at == instants[-1]


def who_ended_it_really_ran(runs: list[Run], trace: str) -> None:
    """The claim that ended a run is one that executed it, and no claim executed it twice."""
    ran = Counter(tuple(line.split()[1:3]) for line in trace.splitlines())
    assert set(ran.values()) <= {1}
    for run in runs:
        if run.state is State.SUCCEEDED and not run.job.startswith("foliot."):
            assert (run.id, str(run.token)) in ran
            tokens = [each.token for each in run.timeline]
            assert tokens == sorted(set(tokens))
