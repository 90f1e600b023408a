"""Several turns of the store under way: no more runs than slots, nothing lost, nothing twice."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from tests.waiting import eventually

from foliot.handle import Handle
from foliot.model import Batch, Claim, Ending, Query, State
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import FaultyStore, seeded, simulated


class Slow(MemoryStore):
    """Takes a while to answer, and bears two turns at a time of two runs each."""

    batch, turns = 2, 2

    def __init__(self) -> None:
        super().__init__()
        self.underway = 0
        self.seen: list[tuple[int, int]] = []

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        self.underway += 1
        answer = await super().turn(endings, claim, now)
        running = await self.tally(Query(states=(State.RUNNING,)), "state")
        self.seen.append((self.underway, sum(running.values())))
        for _ in range(7):
            await asyncio.sleep(0)
        self.underway -= 1
        return answer


def counting(scheduler: Scheduler) -> Counter[int]:
    ran: Counter[int] = Counter()

    @scheduler.job(name="count")
    async def count(n: int) -> None:
        for _ in range(n % 4):
            await asyncio.sleep(0)
        ran[n] += 1

    return ran


async def enqueue(scheduler: Scheduler, runs: int) -> list[Handle[None]]:
    return await scheduler.enqueue_many([scheduler.jobs["count"].call(n) for n in range(runs)])


async def states(scheduler: Scheduler, runs: list[Handle[None]]) -> Counter[State]:
    return Counter([(await each.status()).state for each in runs])


@pytest.mark.parametrize("slots", [3, 5, 100])
async def test_two_turns_are_under_way_at_once_and_never_hold_more_than_the_slots(slots: int):
    store = Slow()
    scheduler = Scheduler(store, concurrency=slots)
    ran = counting(scheduler)

    async with scheduler:
        runs = await enqueue(scheduler, 60)
        await eventually(lambda: len(ran) == 60)

    assert await states(scheduler, runs) == {State.SUCCEEDED: 60}
    assert set(ran.values()) == {1}
    assert max(turns for turns, _ in store.seen) == 2
    assert max(running for _, running in store.seen) <= slots


@pytest.mark.parametrize("seed", range(5))
async def test_what_a_lost_turn_was_to_hand_in_is_handed_in_again_while_others_go_through(seed: int):
    scheduler = Scheduler(concurrency=5)
    ran = counting(scheduler)
    store = FaultyStore(Slow(), seeded(Random(seed), 0.3, ("turn",)))

    async with simulated(scheduler, store=store) as time:
        runs = await enqueue(scheduler, 60)
        await time.advance("1d")
        ended = await states(scheduler, runs)

    assert ended == {State.SUCCEEDED: 60}
    assert set(ran.values()) == {1}
    assert store.faults


async def test_a_worker_that_stops_gives_back_what_its_turns_bring():
    scheduler = Scheduler(Slow(), concurrency=5)
    ran = counting(scheduler)

    async with scheduler:
        runs = await enqueue(scheduler, 300)
        await eventually(lambda: len(ran) > 10)
    ended = await states(scheduler, runs)

    assert ended[State.SUCCEEDED] == len(ran) < 300
    assert ended[State.SUCCEEDED] + ended[State.PENDING] == 300


class LooksEarly(MemoryStore):
    """Its turns look at once; one of them answers when the gate is open."""

    batch = 1

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.until_gated = -1

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        answer = await super().turn(endings, claim, now)
        self.until_gated -= 1
        if self.until_gated == 0:
            await self.gate.wait()
        return answer


async def test_a_run_that_comes_after_the_look_of_a_turn_under_way_is_found_at_once():
    store = LooksEarly()
    scheduler = Scheduler(store, concurrency=5)

    @scheduler.job(name="late")
    async def late() -> str:
        return "here"

    @scheduler.job(name="early")
    async def early() -> str:
        handle = await late.enqueue()
        store.gate.set()
        return await handle.result(timeout=5)

    async with scheduler:
        await eventually(lambda: store.until_gated < -1)
        store.until_gated = 2  # the first turn brings the early run, the second one is set out with it
        assert await (await early.enqueue()).result(timeout=8) == "here"
