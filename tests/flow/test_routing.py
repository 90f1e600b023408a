"""Which worker a run prefers, and that another executes it when that one is gone."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from foliot.context import Context
from foliot.model import Route, Run, State, Worker
from foliot.routing import Router
from foliot.scheduler import Scheduler
from foliot.testing import simulated

ABC = [Worker(id=name) for name in "cab"]


def a_run(key: str | None = None, **fields: object) -> Run:
    return replace(Run(id="r", job="job", due_at=0, created_at=0, key=key), **fields)


def chosen(route: Route, count: int = 6) -> str:
    router = Router(Random(0))
    return "".join(router.choose(route, a_run(), ABC) or "-" for _ in range(count))


@pytest.mark.parametrize(
    ("route", "names"),
    [(Route.ROUND, "abcabc"), (Route.LEAST_RECENT, "abcabc"), (Route.FIRST, "aaaaaa"), (Route.LAST, "cccccc")],
)
def test_workers_are_chosen_in_turn_or_by_name(route: Route, names: str):
    assert chosen(route) == names


def test_workers_are_chosen_by_lot():
    assert set(chosen(Route.RANDOM, 100)) == set("abc")


def test_the_least_recent_one_is_the_one_that_just_came():
    router = Router(Random(0))
    for _ in range(3):
        router.choose(Route.LEAST_RECENT, a_run(), ABC[:2])

    assert router.choose(Route.LEAST_RECENT, a_run(), ABC) == "b"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=50, unique=True), st.integers(2, 9))
def test_a_key_moves_only_when_its_worker_goes(keys: list[str], count: int):
    router, workers = Router(Random(0)), [Worker(id=f"w{n}") for n in range(count)]

    before = {key: router.choose(Route.STICKY, a_run(key), workers) for key in keys}
    after = {key: router.choose(Route.STICKY, a_run(key), workers[1:]) for key in keys}

    assert all(after[key] == worker for key, worker in before.items() if worker != "w0")


def test_sticky_keys_are_spread():
    router, workers = Router(Random(0)), [Worker(id=f"w{n}") for n in range(4)]

    counts = Counter(router.choose(Route.STICKY, a_run(f"key {n}"), workers) for n in range(1000))

    assert min(counts.values()) > 150


@pytest.mark.parametrize(
    ("run", "worker", "fit"),
    [
        (a_run(), Worker(id="w"), True),
        (a_run(queue="mail"), Worker(id="w", queues=("video",)), False),
        (a_run(queue="mail"), Worker(id="w", queues=("video", "mail")), True),
        (a_run(needs=("gpu",)), Worker(id="w", labels=("eu",)), False),
        (a_run(needs=("gpu",)), Worker(id="w", labels=("eu", "gpu")), True),
    ],
)
def test_only_who_may_execute_it_is_chosen(run: Run, worker: Worker, fit: bool):
    assert Router(Random(0)).choose(Route.FIRST, run, [worker]) == ("w" if fit else None)


async def test_a_run_goes_to_the_worker_that_it_prefers_however_it_is_wanted():
    scheduler = Scheduler("memory://", name="here")

    @scheduler.job(name="warm", route="last")
    async def warm(n: int = 0) -> int:
        return n

    @scheduler.job(name="all")
    async def all_(context: Context) -> int:
        return len(await context.map(warm, [1, 2]))

    async with simulated(scheduler) as time:
        await scheduler.store.put([Worker(id="there", seen_at=time.clock.now())])
        await scheduler.schedules.put("warm-hourly", warm, every="10m")
        await warm.enqueue(5)
        handle = await all_.enqueue()
        await time.advance(minutes=10)
        waiting = await scheduler.runs.find(job="warm")
        await time.advance(hours=5)
        done = await scheduler.runs.find(job="warm")
        result = await handle.result()

    assert {each.target for each in waiting} == {"there"}
    assert len(waiting) == 4
    assert {each.state for each in waiting} == {State.PENDING}
    assert {(each.state, each.worker) for each in done if each.id in {one.id for one in waiting}} == {
        (State.SUCCEEDED, "here")
    }
    assert result == 2


async def test_a_run_without_anybody_who_fits_goes_to_anybody():
    scheduler = Scheduler("memory://", name="here", labels=["gpu"])

    @scheduler.job(name="warm", route="first", needs=["gpu"])
    async def warm() -> None: ...

    async with simulated(scheduler) as time:
        handle = await warm.enqueue()
        await time.settle()
        run = await handle.status()

    assert (run.state, run.target) == (State.SUCCEEDED, "here")
