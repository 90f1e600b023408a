"""A store that fails, and a clock that is set: the loops go on, nothing is lost, and nothing fires twice."""

import asyncio
import logging
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.waiting import eventually

from foliot.errors import StoreFull, StoreUnavailable
from foliot.events import Kind
from foliot.model import Outcome, Query, State, Worker
from foliot.moments import HOUR, MINUTE, SECOND
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.stores.sqlite import SQLiteStore
from foliot.testing import FaultyStore, seeded, simulated
from foliot.testing.faulty import After, Before, Fault

FULL = StoreFull("the disk is full: nothing was written")
GONE = StoreUnavailable("the reply was lost")


class Switch:
    """A plan that fails chosen verbs as long as it is on."""

    def __init__(self, fault: Fault, *verbs: str) -> None:
        self.fault, self.verbs, self.on = fault, verbs, False

    def __call__(self, verb: str) -> Fault | None:
        return self.fault if self.on and verb in self.verbs else None


HOT = ("turn", "finish", "fire", "beat", "claim")


def ticking(scheduler: Scheduler) -> list[int]:
    ran: list[int] = []

    @scheduler.every("1s", name="tick", catchup="all", most=10_000, overlap="allow")
    async def tick(context: Any = None) -> None:
        ran.append(1)

    return ran


@pytest.mark.parametrize("fault", [Before(error=FULL), After(error=GONE)], ids=["a full disk", "a lost reply"])
@pytest.mark.parametrize("verb", ["turn", "finish", "fire", "beat"])
async def test_every_loop_survives_a_verb_that_fails_for_a_while(verb: str, fault: Fault, caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler(lease="10s")
    ticking(scheduler)
    plan = Switch(fault, verb)

    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        await time.advance(seconds=10)
        plan.on = True
        await time.advance(seconds=30)
        plan.on = False
        await time.advance(seconds=60)
        runs = await scheduler.runs.find(job="tick", limit=1000)

    instants = sorted(run.nominal_at or 0 for run in runs)
    assert len(instants) == len(set(instants)) == 100
    assert [b - a for a, b in pairwise(instants)] == [SECOND] * 99
    assert Counter(run.state for run in runs) == {State.SUCCEEDED: 100}


@pytest.mark.untraced
@pytest.mark.parametrize("seed", range(10))
async def test_at_random_faults_each_instant_has_one_record_and_each_run_one_end(seed: int, caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler(concurrency=5, lease="10s")
    ticking(scheduler)

    @scheduler.job(name="flaky", retries=fixed(50, "2s"), max_crashes=100)
    async def flaky() -> None:
        await asyncio.sleep(1.5)
        if scheduler.clock.random.random() < 0.3:
            raise ValueError

    calm = seeded(Random(seed), 0.3, HOT)
    stormy = False

    def plan(verb: str) -> Fault | None:
        return calm(verb) if stormy else None

    async with simulated(scheduler, seed=seed, store=FaultyStore(MemoryStore(), plan)) as time:
        stormy = True
        handles = [await flaky.enqueue() for _ in range(10)]
        await time.advance(seconds=120)
        stormy = False
        await time.advance(minutes=10)
        ticks = await scheduler.store.find(Query(jobs=("tick",), limit=20_000))
        ends = [await handle.status() for handle in handles]

    instants = sorted(run.nominal_at or 0 for run in ticks.runs)
    assert instants == list(range(instants[0], instants[0] + len(instants) * SECOND, SECOND))
    assert all(run.state.over for run in ticks.runs)
    assert {run.state for run in ends} == {State.SUCCEEDED}


async def test_a_run_that_its_schedule_follows_ends_even_if_the_schedule_cannot_be_read_then(caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler()

    @scheduler.every("1m", name="steady", overlap="delay")
    async def steady() -> None:
        await asyncio.sleep(10)

    plan = Switch(Before(error=FULL), "records")
    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        plan.on = True
        await time.advance(minutes=10)
        runs = await scheduler.runs.find(job="steady")

    assert len(runs) >= 4
    assert [run.state for run in runs[1:]] == [State.SUCCEEDED] * (len(runs) - 1)


async def test_a_schedule_goes_on_at_once_when_it_could_not_be_read_at_the_very_end_of_its_run(caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler()

    @scheduler.every("5s", name="steady", overlap="delay")
    async def steady() -> None: ...

    ran: list[int] = []
    once = iter([Before(error=GONE)])
    scheduler.on(lambda _: ran.append(1), Kind.STARTED)

    def plan(verb: str) -> Fault | None:
        return next(once, None) if verb == "records" and ran else None

    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        await time.advance(seconds=32)
        runs = await scheduler.runs.find(job="steady")

    assert len(runs) == 6


async def test_what_follows_the_end_of_a_run_follows_although_the_reply_to_that_end_was_lost(caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler()
    called: list[str] = []
    told: list[Kind] = []

    @scheduler.every("5s", name="steady", overlap="delay", on_success=lambda run, _: called.append(run.id))
    async def steady() -> None: ...

    ended = False
    scheduler.on(lambda event: told.append(event.kind), Kind.STARTED, Kind.SUCCEEDED, Kind.LOST)

    def plan(verb: str) -> Fault | None:
        nonlocal ended
        if told != [Kind.STARTED] or ended or verb not in ("records", "turn", "finish"):
            return None
        ended = verb != "records"
        return After(error=GONE) if ended else Before(error=GONE)

    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        await time.advance(seconds=32)
        runs = await scheduler.runs.find(job="steady")

    assert len(runs) == 6
    assert called == [run.id for run in reversed(runs)]
    assert told == [Kind.STARTED, Kind.SUCCEEDED] * 6


async def test_an_ending_that_was_refused_is_not_called_lost_while_nobody_can_say_why(caplog):
    caplog.set_level(logging.WARNING, "foliot")
    scheduler = Scheduler()
    told: list[Kind] = []
    scheduler.on(lambda event: told.append(event.kind), Kind.STARTED, Kind.LOST)

    @scheduler.job(name="steady")
    async def steady() -> None: ...

    ended = False

    def plan(verb: str) -> Fault | None:
        nonlocal ended
        if verb == "find" and ended:
            return Before(error=FULL)
        if not told or ended or verb not in ("turn", "finish"):
            return None
        ended = True
        return After(error=GONE)

    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        await steady.enqueue()
        await time.advance(seconds=32)

    assert told == [Kind.STARTED]
    assert (
        "its ending was refused, and whether it was accepted before cannot be asked now: the disk is full"
        in caplog.text
    )


async def test_a_schedule_that_keeps_failing_is_paused_once_the_store_can_tell(caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    scheduler = Scheduler()

    @scheduler.every("1m", name="broken", pause_after=2)
    async def broken() -> None:
        raise ValueError

    plan = Switch(Before(error=FULL), "find")
    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        plan.on = True
        await time.advance(minutes=5)
        plan.on = False
        await time.advance(minutes=5)
        runs = await scheduler.runs.find(job="broken")

    assert len(runs) == 6


async def test_a_run_claimed_while_its_worker_is_told_to_stop_is_given_back_at_once():
    ran: list[str] = []
    asked, answered = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        slow = False

        async def turn(self, endings, claim, now):
            answer = await super().turn(endings, claim, now)
            if self.slow and answer[1].runs:
                asked.set()
                await answered.wait()
            return answer

    store = Slow()
    scheduler = Scheduler(store)

    @scheduler.job(name="note")
    async def note() -> None:
        ran.append("note")

    async with scheduler:
        store.slow = True
        handle = await note.enqueue()
        await asked.wait()
        asyncio.get_running_loop().call_later(0.05, answered.set)

    [run] = (await store.find(Query(ids=(handle.id,)))).runs
    assert ran == []
    assert (run.state, run.worker, [each.outcome for each in run.attempts]) == (State.PENDING, None, [Outcome.RELEASED])


async def test_the_more_workers_there_are_the_seldomer_each_reads_the_list_of_them():
    asked: list[str] = []
    scheduler = Scheduler(lease="30s")

    def plan(verb: str) -> Fault | None:
        asked.append(verb)
        return None

    store = MemoryStore()
    async with simulated(scheduler, store=FaultyStore(store, plan)) as time:
        now = time.clock.now()
        await store.put([Worker(id=f"other{n}", seen_at=now + 24 * HOUR) for n in range(200)])
        asked.clear()
        await time.advance(hours=1)

    assert asked.count("beat") >= 360
    assert 2 <= asked.count("records") <= 60


async def test_a_failing_store_is_said_once_per_failure_and_again_when_it_is_back(caplog):
    caplog.set_level(logging.INFO, "foliot")
    scheduler = Scheduler()
    ticking(scheduler)
    plan = Switch(Before(error=FULL), "fire")

    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)) as time:
        plan.on = True
        await time.advance(seconds=20)
        plan.on = False
        await time.advance(seconds=20)

    said = [record.getMessage() for record in caplog.records if record.name == "foliot"]
    assert 1 <= sum("the disk is full" in each for each in said) <= 10
    assert sum("the store is back" in each for each in said) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_enqueuing_into_a_full_store_raises_and_the_next_one_works():
    scheduler = Scheduler()

    @scheduler.job(name="note")
    def note() -> None: ...

    plan = Switch(Before(error=FULL), "add")
    async with simulated(scheduler, store=FaultyStore(MemoryStore(), plan)):
        plan.on = True
        with pytest.raises(StoreFull):
            await note.enqueue()
        plan.on = False
        assert await (await note.enqueue()).result(timeout=5) is None


async def test_a_real_file_that_is_full_for_a_while_loses_nothing(tmp_path: Path, caplog):
    caplog.set_level(logging.CRITICAL, "foliot")
    plan = Switch(Before(error=FULL), *HOT)
    scheduler = Scheduler(FaultyStore(SQLiteStore(tmp_path / "runs.db"), plan), lease="1s")

    @scheduler.job(name="double")
    async def double(x: int) -> int:
        return 2 * x

    async with scheduler:
        plan.on = True
        handles = [await double.enqueue(n) for n in range(20)]
        await eventually(lambda: len(scheduler.store.faults) > 3)  # type: ignore[attr-defined]
        plan.on = False
        results = [await handle.result(timeout=20) for handle in handles]

    assert results == [2 * n for n in range(20)]


@pytest.mark.untraced
@pytest.mark.parametrize("jump", [10 * MINUTE, -10 * MINUTE, 30 * SECOND, -30 * SECOND])
async def test_a_clock_that_is_set_fires_nothing_twice_and_loses_nothing(jump: int):
    scheduler = Scheduler()
    ticking(scheduler)

    async with simulated(scheduler) as time:
        await time.advance(seconds=30)
        time.clock.turn_to(time.clock.now() + jump)
        await time.settle()
        await time.advance(minutes=15)
        page = await scheduler.store.find(Query(jobs=("tick",), limit=20_000))

    instants = sorted(run.nominal_at or 0 for run in page.runs)
    assert instants == list(range(instants[0], instants[0] + len(instants) * SECOND, SECOND))
    assert all(run.state is State.SUCCEEDED for run in page.runs)


@pytest.mark.untraced
async def test_a_clock_that_jitters_back_and_forth_keeps_every_promise():
    dice = Random(7)
    scheduler = Scheduler()
    ticking(scheduler)

    async with simulated(scheduler) as time:
        for _ in range(200):
            await time.advance(seconds=dice.randrange(5))
            time.clock.turn_to(time.clock.now() + dice.randrange(-10, 10) * SECOND)
            await time.settle()
        await time.advance(minutes=20)
        page = await scheduler.store.find(Query(jobs=("tick",), limit=20_000))

    instants = sorted(run.nominal_at or 0 for run in page.runs)
    assert instants == list(range(instants[0], instants[0] + len(instants) * SECOND, SECOND))
    assert all(run.state.over for run in page.runs)


class Crossing(MemoryStore):
    """Answers a turn that hands in an ending late."""

    costly = True

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    async def turn(self, endings: Any, claim: Any, now: int) -> Any:
        answer = await super().turn(endings, claim, now)
        if endings:
            await self.answered.wait()
        return answer


async def test_a_beat_that_crosses_the_end_of_its_run_does_not_say_that_the_lease_was_lost(caplog):
    scheduler, store = Scheduler(), Crossing()

    @scheduler.job()
    async def brief() -> int:
        return 1

    async with simulated(scheduler, store=store) as time:
        handle = await brief.enqueue()
        await time.settle()
        assert scheduler.worker is not None
        [(run, token)] = scheduler.worker.held
        scheduler.worker.lose(run, token)
        store.answered.set()
        assert await handle.result() == 1

    assert "lease was lost" not in caplog.text
