# ruff: noqa: S101 - an exam asserts
"""Rates: so many starts per time in a lane; when the window opens, whoever was held back goes on."""

from __future__ import annotations

from foliot.model import Limit
from foliot.stores.base import Store
from foliot.testing.exam.lanes import QUEUE
from foliot.testing.exam.scene import LONG, a_run, add, again, claim, finish, names, put, see, take, take_one


class Rates:
    async def test_no_more_runs_start_than_the_rate_allows(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=2, per=100))
        await add(store, a_run("a"), a_run("b"), a_run("c"))

        assert names(await take(store, lease=LONG)) == ["a", "b"]
        assert await take(store, 99, lease=LONG) == []

    async def test_the_time_to_come_back_is_when_the_window_opens(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=2, per=100))
        await add(store, a_run("a"), a_run("b"), a_run("c"))
        await claim(store, 7, limit=2, lease=LONG)

        full = await claim(store, 8, lease=LONG)

        assert (full.runs, full.wake_at) == ((), 107)
        assert names(await take(store, 107, lease=LONG)) == ["c"]

    async def test_the_window_slides(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=2, per=100))
        await add(store, *(a_run(name) for name in "abcd"))
        await claim(store, 0, limit=1, lease=LONG)
        await claim(store, 60, limit=1, lease=LONG)
        await take(store, 60, lease=LONG)

        counts = [names(await take(store, now, lease=LONG)) for now in (99, 100, 159, 160)]

        assert counts == [[], ["c"], [], ["d"]]

    async def test_who_ends_early_makes_no_room_in_a_rate(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=1, per=100))
        await add(store, a_run("a"), a_run("b"))

        await finish(store, await take_one(store), 5)

        assert await take(store, 50) == []
        assert names(await take(store, 100)) == ["b"]

    async def test_a_retry_is_a_start(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=1, per=100))
        await add(store, a_run("a"))

        await again(store, await take_one(store), 5)

        assert await take(store, 99) == []
        assert names(await take(store, 100)) == ["a"]

    async def test_a_take_over_is_a_start(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=1, per=1_000))
        await add(store, a_run("a"))
        await take_one(store, lease=100)

        assert await take(store, 100) == []
        assert (await see(store, "a")).parked == QUEUE
        assert [run.token for run in await take(store, 1_000)] == [2]

    async def test_starts_are_counted_from_when_the_limit_stands(self, store: Store) -> None:
        await add(store, *(a_run(name) for name in "abcd"))
        await claim(store, 0, limit=2, lease=LONG)

        await put(store, Limit(id=QUEUE, starts=1, per=100))

        assert names(await take(store, 5, lease=LONG)) == ["c"]

    async def test_a_rate_and_places_hold_together(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1, starts=2, per=100))
        await add(store, *(a_run(name) for name in "abc"))

        await finish(store, await take_one(store, 0, lease=LONG), 10)
        second = await take_one(store, 10, lease=LONG)
        full = await take(store, 100, lease=LONG)
        await finish(store, second, 105)

        assert full == []
        assert names(await take(store, 105, lease=LONG)) == ["c"]

    async def test_a_lane_whose_places_are_taken_need_not_be_looked_at_when_the_window_opens(
        self, store: Store
    ) -> None:
        await put(store, Limit(id=QUEUE, running=1, starts=1, per=100))
        await add(store, a_run("a"), a_run("b"))
        await claim(store, lease=LONG)

        assert (await claim(store, 5)).wake_at == LONG

    async def test_a_familys_rate_holds_for_each_of_its_lanes_by_itself(self, store: Store) -> None:
        await put(store, Limit(id="key/job", starts=1, per=100))
        await add(store, *(a_run(name, lanes=(f"key/job#{key}",)) for name, key in zip("abcd", "xxyy", strict=True)))

        assert names(await take(store, lease=LONG)) == ["a", "c"]
        assert names(await take(store, 100, lease=LONG)) == ["b", "d"]

    async def test_another_rate_counts_anew_and_wakes_who_was_held_back(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=1, per=100))
        await add(store, *(a_run(name) for name in "abc"))
        await take(store, lease=LONG)

        await put(store, Limit(id=QUEUE, starts=1, per=90))

        assert names(await take(store, 5, lease=LONG)) == ["b"]

    async def test_the_same_rate_put_again_goes_on_counting(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, starts=1, per=100))
        await add(store, a_run("a"), a_run("b"))
        await take(store, lease=LONG)

        await put(store, Limit(id=QUEUE, starts=1, per=100, running=9))

        assert await take(store, 99, lease=LONG) == []
        assert names(await take(store, 100, lease=LONG)) == ["b"]
