# ruff: noqa: S101 - an exam asserts
"""Fanning out: a run spawns runs in pages, waits for those that join them, and is told things while it waits."""

from __future__ import annotations

from foliot.model import Clash, Fate, Query, Run, State, Unique
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_run,
    add,
    again,
    an_over_run,
    cancel,
    everything,
    fates,
    finish,
    names,
    see,
    take,
    take_one,
)

FAR = 7_258_118_400_000_000
"""2200-01-01: when what has no end of its own is due."""


def a_page(*parts: str) -> list[Run]:
    """Some parts of a run, and the run that joins them."""
    return [*(a_run(name, parent="p") for name in parts), a_run("join", parent="p", after=parts)]


def a_wait(**fields: object) -> Run:
    """A run that waits to be told something."""
    return a_run("wait", parent="p", **{"due_at": FAR, "unique": Unique(key="told"), **fields})


def a_word(name: str, text: str = '{"value":1}') -> Run:
    """A run that brings who waits what it waits for."""
    return a_run(name, due_at=5, args=text, unique=Unique(key="told", clash=Clash.RENEW))


class FanningOut:
    async def test_a_join_wakes_with_the_last_of_its_parts_and_then_its_parent(self, store: Store) -> None:
        await add(store, a_run("p"))
        p = await take_one(store)
        await add(store, *a_page("b", "c"))
        await again(store, p, wait=("join",))

        order: list[list[str]] = []
        while runs := await take(store):
            order.append(names(runs))
            for run in runs:
                await finish(store, run)

        assert order == [["b", "c"], ["join"], ["p"]]

    async def test_a_page_that_is_spawned_in_the_ending_is_waited_for(self, store: Store) -> None:
        await add(store, a_run("p"))

        await again(store, await take_one(store), spawn=(an_over_run("done", parent="p"), *a_page("b")), wait=("join",))

        assert (await see(store, "p")).waits == 1
        assert (await see(store, "join")).waits == 1
        assert names((await store.find(Query(parents=("p",)))).runs) == ["join", "done", "b"]
        assert await store.tally(Query(parents=("p",)), "parent") == {"p": 3}

    async def test_a_join_that_comes_after_its_parts_waits_for_those_that_are_left(self, store: Store) -> None:
        *parts, join = a_page("b", "c")
        await add(store, *parts)
        b, c = await take(store)
        await finish(store, b)

        await add(store, join)
        await again(store, c)
        waits = (await see(store, "join")).waits
        await finish(store, await take_one(store))

        assert waits == 1
        assert names(await take(store)) == ["join"]

    async def test_a_page_added_again_by_who_took_the_run_over_is_added_once(self, store: Store) -> None:
        await add(store, a_run("p"))
        zombie = await take_one(store)
        await add(store, *a_page("b", "c"))
        [b, c] = [run for run in await take(store, LEASE - 1) if run.id != "p"]
        await finish(store, b, LEASE - 1)

        p = next(run for run in await take(store, LEASE) if run.id == "p")
        answers = await fates(store, *a_page("b", "c"), now=LEASE)
        late = await again(store, zombie, LEASE, spawn=(a_run("stray", parent="p"),), wait=("join",))
        await again(store, p, LEASE, wait=("join",))
        await finish(store, c, LEASE)

        assert (answers, late) == ([Fate.KNOWN] * 3, False)
        assert names(await take(store, LEASE)) == ["join"]
        assert names(await everything(store)) == ["p", "join", "c", "b"]

    async def test_a_zombie_that_adds_its_page_late_changes_nothing_that_was_done(self, store: Store) -> None:
        await add(store, an_over_run("b", state=State.SUCCEEDED, result="1", parent="p"))

        answers = await fates(store, an_over_run("b", state=State.SUCCEEDED, result="2", parent="p"))

        assert (answers, (await see(store, "b")).result) == ([Fate.KNOWN], "1")

    async def test_a_part_that_is_cancelled_or_fails_leaves_nobody_waiting(self, store: Store) -> None:
        await add(store, *a_page("b", "c", "d"))
        b, c, d = await take(store)
        await finish(store, b, state=State.FAILED)
        await finish(store, c, state=State.SKIPPED)

        await cancel(store, "d")
        await finish(store, d, state=State.CANCELLED)

        assert names(await take(store)) == ["join"]

    async def test_a_whole_page_is_cancelled_in_one_step(self, store: Store) -> None:
        await add(store, a_run("p"))
        await again(store, await take_one(store), spawn=tuple(a_page("b", "c")), wait=("join",))

        await cancel(store, "p")
        for name in ("b", "c", "join"):
            await cancel(store, name)

        assert await take(store) == []
        assert {run.state for run in await everything(store)} == {State.CANCELLED}

    async def test_a_zombie_that_was_cancelled_meanwhile_spawns_nothing(self, store: Store) -> None:
        await add(store, a_run("p"))
        zombie = await take_one(store)
        await cancel(store, "p")
        await finish(store, await take_one(store, LEASE), LEASE, State.CANCELLED)

        late = await again(store, zombie, LEASE, spawn=tuple(a_page("b")), wait=("join",))

        assert (late, names(await everything(store))) == (False, ["p"])
        assert (await see(store, "p")).state is State.CANCELLED

    async def test_a_word_wakes_who_waits_for_it_and_brings_what_it_says(self, store: Store) -> None:
        await add(store, a_run("p"))
        await again(store, await take_one(store), spawn=(a_wait(),), wait=("wait",))

        answers = await fates(store, a_word("word"), now=5)
        told = await take_one(store, 5)
        await finish(store, told, 5)

        assert (answers, told.id, told.args) == ([Fate.RENEWED], "wait", '{"value":1}')
        assert names(await take(store, 5)) == ["p"]

    async def test_a_word_that_comes_when_nobody_waits_any_more_is_a_run_of_its_own(self, store: Store) -> None:
        await add(store, a_wait(due_at=3))
        await finish(store, await take_one(store, 3), 3)

        assert await fates(store, a_word("word"), now=5) == [Fate.ADDED]
        assert (await see(store, "wait")).args == "{}"

    async def test_a_word_that_was_kept_is_not_waited_for(self, store: Store) -> None:
        kept = an_over_run("wait", state=State.SUCCEEDED, result='{"value":1}', parent="p")
        await add(store, a_run("p"), kept)

        await again(store, await take_one(store), spawn=(a_wait(),), wait=("wait",))

        assert names(await take(store)) == ["p"]
        assert (await see(store, "wait")).result == '{"value":1}'
