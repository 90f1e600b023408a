# ruff: noqa: S101 - an exam asserts
"""Durability: what was there before a store was closed is there when one is opened at the same place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foliot.model import Limit, Schedule, Unique, Worker
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    LONG,
    a_line,
    a_run,
    a_schedule,
    a_worker,
    add,
    beat,
    everything,
    fates,
    finish,
    names,
    put,
    take,
    take_one,
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
