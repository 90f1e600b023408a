"""Engines go by the store's time: nodes whose clocks are minutes apart fire once, and on time."""

import asyncio
import logging
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.executors import work
from tests.waiting import eventually

from foliot.clock import SystemClock
from foliot.engine.following import FIRST_LOOKS, Follower, bounds, narrowed
from foliot.errors import StoreUnavailable
from foliot.model import Query, State
from foliot.moments import HOUR, MILLISECOND, MINUTE, SECOND
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore

trips = st.tuples(st.integers(0, SECOND), st.integers(0, SECOND))


class Timed(MemoryStore):
    """A store with a clock of its own, on the other side of a wire, in a world whose steady time we turn."""

    def __init__(self, ahead: int, trip: int = 2 * MILLISECOND) -> None:
        super().__init__()
        self.ahead, self.trip, self.reachable = ahead, trip, True
        self.clock = Still()

    async def time(self) -> int:
        if not self.reachable:
            raise StoreUnavailable("the store cannot be reached")
        self.clock.passed += self.trip // 2
        told = self.clock.passed + self.ahead
        self.clock.passed += self.trip - self.trip // 2
        return told


class Still(SystemClock):
    """The clock of a machine on which time passes only as we say; set anywhere."""

    def __init__(self) -> None:
        super().__init__(0)
        self.passed = self.off = 0

    def steady(self) -> int:
        return self.passed

    def machine(self) -> int:
        return self.passed + self.off


class Off(SystemClock):
    """The clock of a machine that somebody has set wrong."""

    def __init__(self, off: int) -> None:
        super().__init__()
        self.off = off

    def machine(self) -> int:
        return super().machine() + self.off


class Right(MemoryStore):
    """A store that knows the right time."""

    async def time(self) -> int:
        return SystemClock().machine()


# What replies prove


@given(st.integers(-HOUR, HOUR), st.lists(trips, min_size=1))
def test_what_is_proven_always_holds_the_truth_within_half_of_the_shortest_trip(ahead: int, trips):
    known, now = None, 0
    for there, back in trips:
        known = narrowed(known, bounds(now, now + there + ahead, now + there + back))
        now += there + back

        assert known.low <= ahead <= known.high

    assert known is not None
    assert abs(known.middle - ahead) <= min(there + back for there, back in trips) // 2 + now // 1000 + len(trips)


@given(st.integers(-HOUR, HOUR), st.integers(1, HOUR), trips)
def test_a_reply_that_refutes_what_was_known_replaces_it(ahead: int, by: int, trip):
    known = bounds(0, ahead, 0)
    now, (there, back) = MINUTE, trip
    new = bounds(now, now + there + ahead + by, now + there + back)

    after = narrowed(known, new)

    assert new.low <= after.middle <= new.high


# The follower


async def test_the_clock_is_that_of_the_store_whatever_the_machine_says():
    store = Timed(ahead=HOUR)
    store.clock.off = -17 * MINUTE

    assert await Follower(store, store.clock).begin()

    assert abs(store.clock.now() - (store.clock.passed + HOUR)) <= MILLISECOND


async def test_a_slow_reply_does_not_spoil_what_a_quick_one_told():
    store = Timed(ahead=HOUR, trip=MILLISECOND)
    follower = Follower(store, store.clock)
    await follower.begin()

    store.trip = 3 * SECOND
    await follower.round()

    assert abs(store.clock.now() - (store.clock.passed + HOUR)) <= 4 * MILLISECOND


@pytest.mark.parametrize("by", [MINUTE, -MINUTE])
async def test_a_store_whose_clock_is_set_is_followed_and_that_is_said(by: int, caplog):
    store = Timed(ahead=HOUR)
    follower = Follower(store, store.clock)
    await follower.begin()

    store.ahead += by
    await follower.round()

    assert abs(store.clock.now() - (store.clock.passed + HOUR + by)) <= 2 * MILLISECOND
    assert f"the store's clock was set by {'-' if by < 0 else ''}" in caplog.text


async def test_a_machine_whose_clock_is_set_meanwhile_goes_on_as_if_nothing_had_happened():
    store = Timed(ahead=0)
    await Follower(store, store.clock).begin()
    before = store.clock.now()

    store.clock.off = HOUR

    assert store.clock.now() == before


async def test_a_store_that_does_not_answer_leaves_the_clock_as_it_is(caplog):
    caplog.set_level(logging.WARNING, "foliot")
    store = Timed(ahead=0)
    follower = Follower(store, store.clock)
    await follower.begin()
    before = store.clock.now()

    store.reachable = False
    again = await follower.round()

    assert store.clock.now() == before < again
    assert not caplog.records


async def test_a_store_without_a_clock_leaves_the_machine_to_its_own():
    clock = SystemClock()

    assert not await Follower(MemoryStore(), clock).begin()

    assert clock.ahead is None


# The whole of it


async def three_are_done(store: MemoryStore) -> bool:
    return len((await store.find(Query(jobs=("tick",), states=(State.SUCCEEDED,)))).runs) >= 3


async def test_nodes_with_clocks_minutes_apart_fire_each_instant_once_and_on_time(caplog):
    store = Right()
    nodes = [Scheduler(store, clock=Off(off), name=f"node{n}") for n, off in enumerate((7 * MINUTE, -4 * MINUTE))]

    for node in nodes:

        @node.cron("* * * * * *", name="tick", overlap="allow")
        async def tick() -> None: ...

    async with nodes[0], nodes[1]:
        await eventually(lambda: three_are_done(store))
        page = await store.find(Query(jobs=("tick",), states=(State.SUCCEEDED,)))

    counted = Counter(run.nominal_at for run in page.runs)
    assert len(counted) >= 3
    assert set(counted.values()) == {1}
    for run in page.runs:
        assert 0 <= run.created_at - (run.nominal_at or 0) < MINUTE
        assert abs((run.started_at or 0) - (run.nominal_at or 0)) < MINUTE
    assert "the store's time is" in caplog.text


async def test_who_only_enqueues_goes_by_the_stores_time_too():
    store = Right()
    scheduler = Scheduler(store, clock=Off(HOUR))

    @scheduler.job(name="note")
    async def note() -> None: ...

    async with scheduler.connected():
        run = await (await note.enqueue()).status()

    assert abs(run.created_at - SystemClock().now()) < MINUTE


async def test_what_a_job_in_a_process_logs_has_the_stores_time():
    scheduler = Scheduler(Right(), clock=Off(HOUR))
    talk = scheduler.job(name="talk", executor="processes")(work.talk)

    async with scheduler:
        handle = await talk.enqueue()
        await handle.result(timeout=30)
        lines = await scheduler.runs.logs(handle.id)

    assert [line.text for line in lines] == ["hello", "stock is low"]
    assert all(abs(line.at - SystemClock().now()) < MINUTE for line in lines)


async def test_the_follower_looks_again_while_the_scheduler_runs():
    asked = asyncio.Event()

    class Asked(Right):
        times = 0

        async def time(self) -> int:
            self.times += 1
            if self.times > FIRST_LOOKS:
                asked.set()
            return await super().time()

    async with Scheduler(Asked()):
        await asyncio.wait_for(asked.wait(), 30)
