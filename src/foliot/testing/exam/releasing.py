# ruff: noqa: S101 - an exam asserts
"""Releasing: when a run is over, who waited for it waits for one thing less; at zero it wakes when due."""

from __future__ import annotations

import pytest

from foliot.model import Change, Clash, State, Unique
from foliot.stores.base import Store
from foliot.testing.exam.finishing import OVER
from foliot.testing.exam.scene import (
    LEASE,
    a_run,
    add,
    again,
    amend,
    an_ending,
    an_over_run,
    cancel,
    claim,
    finish,
    names,
    see,
    take,
    take_one,
)


class Releasing:
    async def test_a_run_that_waits_is_not_claimed(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)))

        taken = await take(store)

        waiting = await see(store, "b")
        assert names(taken) == ["a"]
        assert (waiting.state, waiting.waits, waiting.wakes_at) == (State.PENDING, 1, None)

    @pytest.mark.parametrize("state", OVER)
    async def test_any_final_state_releases_who_waits(self, store: Store, state: State) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)))

        await finish(store, await take_one(store), 5, state)

        released = await see(store, "b")
        assert (released.waits, released.wakes_at) == (0, 0)
        assert names(await take(store, 5)) == ["b"]

    async def test_a_retry_releases_nobody(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)))

        await again(store, await take_one(store), due_at=50)

        assert (await see(store, "b")).waits == 1
        assert names(await take(store, 50)) == ["a"]

    async def test_a_zombie_releases_nobody(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)))
        zombie = await take_one(store)
        await take_one(store, LEASE)

        await finish(store, zombie, LEASE)

        assert (await see(store, "b")).waits == 1

    async def test_a_run_waits_for_all_it_comes_after(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"), a_run("c", after=("a", "b")))
        a, b = await take(store)

        await finish(store, a)
        half = await see(store, "c")
        await finish(store, b)

        assert (half.waits, half.wakes_at) == (1, None)
        assert names(await take(store)) == ["c"]

    async def test_one_call_that_ends_all_upstreams_releases(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"), a_run("c", after=("a", "b")))

        await store.finish([an_ending(run) for run in await take(store)], 0)

        assert names(await take(store)) == ["c"]

    async def test_one_run_releases_all_who_wait_for_it(self, store: Store) -> None:
        await add(store, a_run("a"), *(a_run(f"b{n:03}", after=("a",)) for n in range(300)))

        await finish(store, await take_one(store))

        assert len(await take(store, limit=300)) == 300

    async def test_a_released_run_still_wakes_only_when_it_is_due(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",), due_at=90))

        await finish(store, await take_one(store), 5)

        early, due = await claim(store, 89), await claim(store, 90)
        assert (names(early.runs), early.wake_at, names(due.runs)) == ([], 90, ["b"])

    async def test_a_chain_is_released_link_by_link(self, store: Store) -> None:
        await add(store, a_run("c", after=("b",)), a_run("b", after=("a",)), a_run("a"))

        order: list[str] = []
        for _ in range(3):
            run = await take_one(store)
            order.append(run.id)
            await finish(store, run)

        assert order == ["a", "b", "c"]

    async def test_waiting_for_an_unknown_run_is_waiting_for_nothing(self, store: Store) -> None:
        await add(store, a_run("b", after=("nobody",)))

        assert names(await take(store)) == ["b"]

    async def test_a_run_that_was_unknown_when_it_was_waited_for_releases_nobody_later(self, store: Store) -> None:
        await add(store, a_run("x"), a_run("c", after=("late", "x")))
        await add(store, a_run("late", due_at=1))
        x = await take_one(store, 0)

        await finish(store, await take_one(store, 1), 1)
        early = await see(store, "c")
        await finish(store, x, 1)

        assert (early.waits, early.wakes_at) == (1, None)
        assert names(await take(store, 1)) == ["c"]

    async def test_waiting_for_a_run_that_is_over_is_waiting_for_nothing(self, store: Store) -> None:
        await add(store, a_run("a"), an_over_run("s"))
        await finish(store, await take_one(store))

        await add(store, a_run("b", after=("a", "s")))

        assert names(await take(store)) == ["b"]

    async def test_waiting_for_a_pruned_run_is_waiting_for_nothing(self, store: Store) -> None:
        await add(store, an_over_run("a"))
        await store.prune(10, None, 10)

        await add(store, a_run("b", after=("a",)))

        assert names(await take(store)) == ["b"]

    async def test_waiting_twice_for_one_run_is_waiting_once(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a", "a")))

        await finish(store, await take_one(store))

        assert names(await take(store)) == ["b"]

    async def test_runs_added_together_may_come_in_any_order(self, store: Store) -> None:
        await add(store, a_run("c", after=("a", "b", "s")), an_over_run("s"), a_run("b"), a_run("a"))

        assert (await see(store, "c")).waits == 2
        assert names(await take(store)) == ["a", "b"]

    async def test_waiting_for_a_run_that_was_dropped_is_waiting_for_nothing(self, store: Store) -> None:
        unique = Unique(key="u", clash=Clash.DROP)

        await add(store, a_run("c", after=("b",)), a_run("a", unique=unique), a_run("b", unique=unique))

        assert names(await take(store)) == ["a", "c"]

    async def test_waiting_for_a_run_that_was_skipped_is_waiting_for_nothing(self, store: Store) -> None:
        unique = Unique(key="u", clash=Clash.SKIP)

        await add(store, a_run("c", after=("b",)), a_run("a", unique=unique), a_run("b", unique=unique))

        assert names(await take(store)) == ["a", "c"]

    async def test_a_cancelled_run_releases_who_waits_for_it(self, store: Store) -> None:
        await add(store, a_run("a", due_at=900), a_run("b", after=("a",)))

        await cancel(store, "a", 5)

        assert names(await take(store, 5)) == ["b"]

    async def test_a_replaced_run_releases_who_waits_for_it(self, store: Store) -> None:
        unique = Unique(key="u", clash=Clash.REPLACE)
        await add(store, a_run("a", unique=unique, due_at=900), a_run("b", after=("a",)))

        await add(store, a_run("c", unique=unique, due_at=900))

        assert names(await take(store, 5)) == ["b"]

    async def test_a_waiting_run_that_is_cancelled_is_not_woken(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)), a_run("c", after=("b",)))

        await cancel(store, "b")
        a, c = await take(store)
        await finish(store, a)

        cancelled = await see(store, "b")
        assert (cancelled.state, cancelled.wakes_at) == (State.CANCELLED, None)
        assert (c.id, await take(store)) == ("c", [])

    async def test_a_new_due_time_does_not_wake_a_run_that_waits(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",), due_at=90))
        run = await take_one(store)

        await amend(store, "b", due_at=20)
        asleep = await see(store, "b")
        await finish(store, run)

        assert (asleep.due_at, asleep.waits, asleep.wakes_at) == (20, 1, None)
        assert (await see(store, "b")).wakes_at == 20

    async def test_a_revived_upstream_holds_back_only_who_comes_after(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",), due_at=500))
        await finish(store, await take_one(store))

        await amend(store, "a", 10, revive=True)
        await add(store, a_run("c", after=("a",), due_at=500))
        released, waiting = await see(store, "b"), await see(store, "c")
        await finish(store, await take_one(store, 10), 10)

        assert (released.waits, released.wakes_at) == (0, 500)
        assert (waiting.waits, waiting.wakes_at) == (1, None)
        assert [(await see(store, name)).waits for name in "bc"] == [0, 0]
        assert names(await take(store, 500)) == ["b", "c"]

    async def test_a_run_that_is_over_waits_for_nothing(self, store: Store) -> None:
        await add(store, a_run("a", due_at=50), a_run("b", after=("a",)))

        cancelled = await cancel(store, "b", 5)
        await finish(store, await take_one(store, 50), 50)

        assert cancelled is not None
        assert cancelled.waits == 0
        assert await see(store, "b") == cancelled

    async def test_a_revived_run_waits_again_for_what_is_not_over(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("x", due_at=50), a_run("b", after=("a", "x", "nobody")))
        await finish(store, await take_one(store))
        await cancel(store, "b", 5)

        revived = await amend(store, "b", 10, revive=True)
        await finish(store, await take_one(store, 50), 50)

        assert revived is not None
        assert (revived.state, revived.waits, revived.wakes_at) == (State.PENDING, 1, None)
        assert names(await take(store, 50)) == ["b"]

    @pytest.mark.parametrize("order", ["abc", "cba", "bca"])
    async def test_runs_revived_together_wait_for_each_other_whatever_their_order(
        self, store: Store, order: str
    ) -> None:
        await add(store, a_run("a"), a_run("b", after=("a",)), a_run("c", after=("a", "b")))
        for _ in "abc":
            await finish(store, await take_one(store), state=State.FAILED)

        await store.amend(tuple(order), Change(revive=True), 10)

        assert [(await see(store, name)).waits for name in "abc"] == [0, 1, 2]
        assert names(await take(store, 10)) == ["a"]

    async def test_a_run_may_spawn_runs_and_wait_for_them(self, store: Store) -> None:
        await add(store, a_run("a"))

        await again(store, await take_one(store), 5, spawn=(a_run("b"), a_run("c")), wait=("b", "c"))
        asleep = await see(store, "a")
        for run in await take(store, 5):
            await finish(store, run, 5)

        assert (asleep.state, asleep.waits, asleep.wakes_at) == (State.PENDING, 2, None)
        assert [(run.id, run.token) for run in await take(store, 5)] == [("a", 2)]

    async def test_a_run_may_wait_for_runs_that_others_added(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", due_at=50))

        await again(store, await take_one(store), 5, due_at=7, wait=("b",))
        await finish(store, await take_one(store, 50), 50)

        assert (await see(store, "a")).wakes_at == 7

    async def test_a_run_that_waits_for_what_is_over_or_unknown_goes_on_at_once(self, store: Store) -> None:
        await add(store, a_run("a"), an_over_run("b"))

        await again(store, await take_one(store), 5, wait=("b", "nobody"))

        assert names(await take(store, 5)) == ["a"]

    async def test_spawning_the_same_runs_again_after_a_lost_claim_adds_them_once(self, store: Store) -> None:
        await add(store, a_run("a"))
        children = (a_run("b"), a_run("c", due_at=50))
        await again(store, await take_one(store), 5, spawn=children)
        b, a = await take(store, 5)
        await finish(store, b, 5)

        await again(store, a, 6, spawn=children, wait=("b", "c"))

        waiting = await see(store, "a")
        assert (waiting.waits, waiting.wakes_at) == (1, None)

    async def test_who_waits_while_it_sleeps_may_be_waited_for(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("z", after=("a",)))
        await again(store, await take_one(store), 5, spawn=(a_run("b"),), wait=("b",))
        await finish(store, await take_one(store, 5), 5)
        still = await see(store, "z")

        await finish(store, await take_one(store, 5), 6)

        assert still.waits == 1
        assert names(await take(store, 6)) == ["z"]
