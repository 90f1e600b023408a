# ruff: noqa: S101 - an exam asserts
"""Durability: what a store keeps is at its place, for who opens one there later, or at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from foliot.model import Hint, Limit, Schedule, Topic, Unique, Worker
from foliot.stores.base import Store
from foliot.testing.exam.keeping import PATIENCE, hint
from foliot.testing.exam.scene import (
    LEASE,
    LONG,
    a_firing,
    a_line,
    a_run,
    a_schedule,
    a_worker,
    add,
    beat,
    claim,
    everything,
    fates,
    finish,
    names,
    put,
    take,
    take_one,
    the_schedule,
)


class Durability:
    durable: bool = False
    """Whether the store keeps everything when it is closed and opened again."""

    async def open_store(self, place: Path) -> Store:
        """Said by who sits the exam."""
        raise NotImplementedError

    async def reopened(self, store: Store, place: Path) -> Store:
        """Close the store and open one at the same place; stores that forget do not sit these examples."""
        if not self.durable:
            pytest.skip("this store does not promise to survive")
        await store.close()
        fresh = await self.open_store(place)
        await fresh.open()
        return fresh

    async def test_opening_twice_is_opening_once(self, store: Store) -> None:
        await add(store, a_run("a"))

        await store.open()

        assert names(await take(store)) == ["a"]

    async def test_a_closed_store_may_be_opened_again(self, store: Store) -> None:
        await store.close()
        await store.open()

        assert await fates(store, a_run("a")) == ["added"]

    async def test_closing_twice_is_closing_once(self, store: Store) -> None:
        await store.close()
        await store.close()
        await store.open()

        assert await fates(store, a_run("a")) == ["added"]

    async def test_every_run_and_its_lines_survive(self, store: Store, tmp_path: Path) -> None:
        await add(store, a_run("a", meta={"x": {"y": 1}}), a_run("b", due_at=900), a_run("c", after=("b",)))
        await beat(store, await take_one(store), lines=(a_line("one"),))
        before = await everything(store), await store.lines("a")

        store = await self.reopened(store, tmp_path)

        assert (await everything(store), await store.lines("a")) == before
        await store.close()

    async def test_every_record_survives(self, store: Store, tmp_path: Path) -> None:
        await put(store, a_schedule("s", wakes_at=7), Limit(id="x", running=1), a_worker("w"))
        kinds: list[type[Any]] = [Schedule, Limit, Worker]
        before: list[list[Any]] = [await store.records(kind) for kind in kinds]

        store = await self.reopened(store, tmp_path)

        assert [await store.records(kind) for kind in kinds] == before
        assert names((await store.fire([], 7, 10)).due) == ["s"]
        await store.close()

    async def test_a_claim_survives(self, store: Store, tmp_path: Path) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        store = await self.reopened(store, tmp_path)

        assert await take(store, LEASE - 1) == []
        assert await finish(store, run, LEASE - 1)
        assert not await finish(store, run, LEASE - 1)
        await store.close()

    async def test_a_lease_lapses_while_the_store_is_closed(self, store: Store, tmp_path: Path) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)

        store = await self.reopened(store, tmp_path)

        assert (await take_one(store, LEASE, worker="w2")).token == 2
        assert not await finish(store, zombie, LEASE)
        await store.close()

    async def test_who_waits_for_a_run_is_still_released_by_it(self, store: Store, tmp_path: Path) -> None:
        await add(store, a_run("a"), a_run("b", after=("a", "unknown")))
        run = await take_one(store)

        store = await self.reopened(store, tmp_path)
        await finish(store, run)

        assert names(await take(store)) == ["b"]
        await store.close()

    async def test_a_unique_key_is_still_held(self, store: Store, tmp_path: Path) -> None:
        await add(
            store,
            a_run("a", unique=Unique(key="u"), due_at=900),
            a_run("b", unique=Unique(key="v", until=50)),
        )
        await finish(store, await take_one(store))

        store = await self.reopened(store, tmp_path)

        newcomers = a_run("c", unique=Unique(key="u")), a_run("d", unique=Unique(key="v"))
        assert await fates(store, *newcomers, now=49) == ["dropped", "dropped"]
        await store.close()

    async def test_a_lane_is_still_full_and_still_wakes_who_was_parked(self, store: Store, tmp_path: Path) -> None:
        await put(store, Limit(id="queue/default", running=1))
        await add(store, a_run("a"), a_run("b"))
        run = await take_one(store)

        store = await self.reopened(store, tmp_path)
        before = await take(store, 5)
        await finish(store, run, 5)

        assert before == []
        assert names(await take(store, 5)) == ["b"]
        await store.close()

    async def test_a_rate_is_still_counted(self, store: Store, tmp_path: Path) -> None:
        await put(store, Limit(id="queue/default", starts=1, per=100))
        await add(store, a_run("a"), a_run("b"))
        await take(store, lease=LONG)

        store = await self.reopened(store, tmp_path)

        assert await take(store, 99) == []
        assert names(await take(store, 100)) == ["b"]
        await store.close()

    # One place, two stores

    async def beside(self, place: Path) -> Store:
        """A second store at the place of the first, as in another process."""
        if not self.durable:
            pytest.skip("this store has no place that others could share")
        second = await self.open_store(place)
        await second.open()
        return second

    async def test_two_stores_at_one_place_are_one_store(self, store: Store, tmp_path: Path) -> None:
        second = await self.beside(tmp_path)
        await add(store, a_run("a"), a_run("b", after=("a",)))

        run = await take_one(second)
        late = await take(store, worker="w2")
        await finish(store, run)

        assert (run.id, late) == ("a", [])
        assert not await finish(second, run)
        assert names(await take(second)) == ["b"]
        await second.close()

    async def test_two_stores_at_one_place_share_the_runs_of_one_moment(self, store: Store, tmp_path: Path) -> None:
        second = await self.beside(tmp_path)
        await add(store, *(a_run(f"{n:03}") for n in range(200)))

        batches = await asyncio.gather(*(claim(each, limit=10) for each in (store, second) * 10))

        claimed = [run.id for batch in batches for run in batch.runs]
        assert sorted(claimed) == [f"{n:03}" for n in range(200)]
        await second.close()

    async def test_a_limit_put_in_one_store_holds_in_the_other(self, store: Store, tmp_path: Path) -> None:
        second = await self.beside(tmp_path)
        await add(store, a_run("a"), a_run("b"), a_run("c", due_at=5))
        await take(second, limit=1)

        await put(store, Limit(id="queue/default", running=2))
        await put(second, Limit(id="key/other", running=1))

        assert names(await take(second, 5)) == ["b"]
        assert await take(store, 5) == []
        await second.close()

    async def test_of_two_who_fire_in_two_stores_one_wins(self, store: Store, tmp_path: Path) -> None:
        second = await self.beside(tmp_path)
        await put(store, a_schedule("s"))
        standing = await the_schedule(second, "s")
        firings = [a_firing(standing, a_run(name), wakes_at=60) for name in ("mine", "yours")]

        agendas = await asyncio.gather(store.fire(firings[:1], 5, 10), second.fire(firings[1:], 5, 10))

        assert sorted(agenda.fired for agenda in agendas) == [(False,), (True,)]
        assert len(await everything(store)) == 1
        await second.close()

    async def test_who_watches_one_store_hears_of_what_happens_in_the_other(self, store: Store, tmp_path: Path) -> None:
        second = await self.beside(tmp_path)
        heard: asyncio.Queue[Hint] = asyncio.Queue()
        stop = second.watch(heard.put_nowait)

        for n in range(PATIENCE):  # it may take a moment until the other listens, and a hint may be lost
            await add(store, a_run(f"a{n}"))
            if await hint(heard, Topic.RUNS, within=1):
                break
        else:
            pytest.fail("nothing was heard of what happened in the other")
        stop()
        await second.close()
