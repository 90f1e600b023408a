"""A store that fails when told to is a store all the same."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from foliot.errors import StoreFull, StoreUnavailable
from foliot.model import Query, Run, State
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.stores.postgres import PostgresStore
from foliot.testing import After, Before, FaultyStore, Late, StoreExam, scripted, seeded
from foliot.testing.exam.scene import a_run, add, an_ending, see, take, take_one

FULL = StoreFull("no space left: nothing was written")
GONE = StoreUnavailable("the reply was lost")


class TestFaultyStoreWithoutFaults(StoreExam):
    async def open_store(self, place: Path) -> Store:
        return FaultyStore(MemoryStore(), scripted())


async def kept(store: FaultyStore) -> tuple[Run, ...]:
    """What the store behind the faults has."""
    return (await store.inner.find(Query())).runs


async def test_a_call_that_fails_before_does_nothing():
    store = FaultyStore(MemoryStore(), scripted(add=[Before(error=FULL)]))

    with pytest.raises(StoreFull, match="no space left"):
        await add(store, a_run("a"))

    assert await kept(store) == ()


async def test_a_call_that_fails_after_has_done_it_all():
    store = FaultyStore(MemoryStore(), scripted(finish=[After(error=GONE)]))
    await add(store, a_run("a"))
    run = await take_one(store)

    with pytest.raises(StoreUnavailable, match="reply was lost"):
        await store.finish([an_ending(run)], 5)

    assert (await see(store, "a")).state == State.SUCCEEDED
    assert await store.finish([an_ending(run)], 6) == [False]


async def test_a_late_call_does_nothing_until_its_gate_opens():
    gate = asyncio.Event()
    store = FaultyStore(MemoryStore(), scripted(add=[Late(gate=gate.wait)]))
    adding = asyncio.ensure_future(add(store, a_run("a")))
    await asyncio.sleep(0)
    before = await kept(store)

    gate.set()
    await adding

    assert before == ()
    assert [run.id for run in await kept(store)] == ["a"]


async def test_a_script_is_followed_verb_by_verb_and_then_nothing_more_goes_wrong():
    store = FaultyStore(MemoryStore(), scripted(add=[None, Before(error=FULL)], claim=[Before(error=GONE)]))

    await add(store, a_run("a"))
    with pytest.raises(StoreFull):
        await add(store, a_run("b"))
    with pytest.raises(StoreUnavailable):
        await take(store)
    await add(store, a_run("c"))

    assert [run.id for run in await take(store)] == ["a", "c"]
    assert store.faults == [("add", Before(error=FULL)), ("claim", Before(error=GONE))]


async def failures(store: FaultyStore, calls: int) -> int:
    """How many of so many calls fail."""
    answers = await asyncio.gather(*(store.find(Query()) for _ in range(calls)), return_exceptions=True)
    return sum(isinstance(answer, StoreUnavailable) for answer in answers)


async def test_a_seeded_plan_fails_its_share_of_the_calls_before_and_after():
    store = FaultyStore(MemoryStore(), seeded(Random(1), 0.25))

    failed = await failures(store, 2_000)

    assert 400 < failed < 600
    assert {type(fault) for _, fault in store.faults} == {Before, After}


async def test_a_seeded_plan_fails_the_same_calls_each_time():
    stores = [FaultyStore(MemoryStore(), seeded(Random(7), 0.5)) for _ in range(2)]

    for store in stores:
        await failures(store, 50)

    assert [type(fault) for _, fault in stores[0].faults] == [type(fault) for _, fault in stores[1].faults]


async def test_a_seeded_plan_leaves_other_verbs_alone():
    store = FaultyStore(MemoryStore(), seeded(Random(1), 1.0, verbs=("finish",)))

    assert await failures(store, 20) == 0
    with pytest.raises(StoreUnavailable):
        await store.finish([], 0)


async def test_a_store_beside_fails_by_the_same_plan():
    store = FaultyStore(PostgresStore("postgresql://127.0.0.1:1/nowhere"), scripted(add=[Before(error=FULL)]))
    beside = store.beside()

    with pytest.raises(StoreFull):
        await beside.add([], 0)

    assert beside is not store
    assert store.faults == [("add", Before(error=FULL))]


def test_a_store_that_is_safe_to_share_is_its_own_store_beside():
    store = FaultyStore(MemoryStore(), scripted())

    assert store.beside() is store


async def test_opening_may_fail_too():
    store = FaultyStore(MemoryStore(), scripted(open=[Before(error=GONE)]))

    with pytest.raises(StoreUnavailable):
        await store.open()
    await store.open()
