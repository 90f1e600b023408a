"""Firings decided ahead of their instant: quicker, and never other than decided at it."""

import pytest
from msgspec.structs import replace

from foliot.clock import ManualClock
from foliot.engine.ticker import AHEAD, Ticker
from foliot.events import Listeners
from foliot.model import Catchup, Pause, Query, Run, Schedule, State
from foliot.moments import SECOND
from foliot.policy import created
from foliot.stores.memory import MemoryStore
from foliot.triggers import every

START = 1_800_000_000 * SECOND


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + SECOND // 2)


@pytest.fixture
async def store(clock: ManualClock) -> MemoryStore:
    store = MemoryStore()
    await store.open()
    schedule = Schedule(id="tick", job="tick", trigger="", created_at=START, catchup=Catchup.LATEST)
    await store.put([created(schedule, every("1s"), START)])
    return store


@pytest.fixture
async def ticker(store: MemoryStore, clock: ManualClock) -> Ticker:
    """A ticker that has decided the firing at one second."""
    ticker = Ticker(store, clock, Listeners())
    soon = await ticker.round()
    assert soon == START + SECOND - AHEAD
    clock.turn_to(soon)
    assert await ticker.round() == START + SECOND
    return ticker


async def fired(store: MemoryStore) -> list[Run]:
    page = await store.find(Query(oldest_first=True))
    return list(page.runs)


async def test_what_is_decided_ahead_is_not_fired_ahead(store: MemoryStore, ticker: Ticker, clock: ManualClock):
    assert await fired(store) == []

    clock.turn_to(START + SECOND)
    await ticker.round()

    assert [run.nominal_at for run in await fired(store)] == [START + SECOND]


async def test_what_is_decided_ahead_fires_once(store: MemoryStore, ticker: Ticker, clock: ManualClock):
    for late in (0, 1, 1000):
        clock.turn_to(START + SECOND + late)
        await ticker.round()

    assert [run.nominal_at for run in await fired(store)] == [START + SECOND]


async def test_a_schedule_changed_after_the_decision_fires_as_it_is_now(
    store: MemoryStore, ticker: Ticker, clock: ManualClock
):
    [schedule] = await store.records(Schedule)
    await store.put([replace(schedule, args='{"n":2}')])

    clock.turn_to(START + SECOND)
    await ticker.round()

    assert [run.args for run in await fired(store)] == ['{"n":2}']


async def test_a_schedule_paused_after_the_decision_does_not_fire(
    store: MemoryStore, ticker: Ticker, clock: ManualClock
):
    [schedule] = await store.records(Schedule)
    await store.put([replace(schedule, wakes_at=None, paused=Pause(at=clock.now()))])

    clock.turn_to(START + SECOND)
    await ticker.round()

    assert await fired(store) == []


async def test_a_decision_that_comes_too_late_is_made_anew(store: MemoryStore, ticker: Ticker, clock: ManualClock):
    clock.turn_to(START + 3 * SECOND)
    await ticker.round()

    states = {run.nominal_at: run.state for run in await fired(store)}
    assert states == {
        START + SECOND: State.SKIPPED,
        START + 2 * SECOND: State.SKIPPED,
        START + 3 * SECOND: State.PENDING,
    }


async def test_a_clock_set_back_fires_nothing_early(store: MemoryStore, ticker: Ticker, clock: ManualClock):
    clock.turn_to(START)
    await ticker.round()

    assert await fired(store) == []


# Remembered, where nothing is decided ahead


@pytest.fixture
async def remembering(store: MemoryStore, clock: ManualClock) -> Ticker:
    """A ticker that has fired at one second, and remembers how the schedule stands."""
    ticker = Ticker(store, clock, Listeners(), ahead=0)
    clock.turn_to(START + SECOND)
    assert await ticker.round() == START + 2 * SECOND
    return ticker


async def test_what_is_remembered_fires_at_its_instant_and_once(
    store: MemoryStore, remembering: Ticker, clock: ManualClock
):
    for late in (-1, 0, 1, 1000):
        clock.turn_to(START + 2 * SECOND + late)
        await remembering.round()

    assert [run.nominal_at for run in await fired(store)] == [START + SECOND, START + 2 * SECOND]


@pytest.mark.parametrize(
    ("change", "args"),
    [({"args": '{"n":2}'}, ["{}", '{"n":2}']), ({"paused": Pause(at=START), "wakes_at": None}, ["{}"])],
)
async def test_a_schedule_that_is_changed_fires_as_it_is_now_and_not_as_it_is_remembered(
    store: MemoryStore, remembering: Ticker, clock: ManualClock, change: dict, args: list[str]
):
    [schedule] = await store.records(Schedule)
    await store.put([replace(schedule, **change)])

    clock.turn_to(START + 2 * SECOND)
    await remembering.round()

    assert [run.args for run in await fired(store)] == args


async def test_instants_that_passed_meanwhile_are_caught_up_with_from_what_is_remembered(
    store: MemoryStore, remembering: Ticker, clock: ManualClock
):
    clock.turn_to(START + 4 * SECOND)
    await remembering.round()

    reasons = [(run.nominal_at, (run.reason or "").split()[0]) for run in (await fired(store))[1:]]
    assert reasons == [
        (START + 2 * SECOND, "missed:"),
        (START + 3 * SECOND, "missed:"),
        (START + 4 * SECOND, "overlap"),
    ]


class Gathering(MemoryStore):
    """Takes what is asked for together as one step."""

    gathers = True


async def test_a_worker_is_told_of_what_is_about_to_be_fired_and_of_nothing_else(clock: ManualClock):
    store, told = Gathering(), list[int]()
    ticker = Ticker(store, clock, Listeners(), ahead=0)
    ticker.on_firing = lambda: told.append(clock.now())
    await store.put([created(Schedule(id="tick", job="tick", trigger="", created_at=START), every("1s"), START)])

    await ticker.round()
    clock.turn_to(START + SECOND)
    await ticker.round()

    assert told == [START + SECOND]
