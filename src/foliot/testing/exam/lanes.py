# ruff: noqa: S101 - an exam asserts
"""Lanes: running runs take places; who meets a full lane is parked, and whoever leaves wakes the next."""

from __future__ import annotations

import pytest

from foliot.model import Attempt, Limit, Outcome, Pause, State
from foliot.stores.base import PARKS, Store
from foliot.testing.exam.scene import (
    LEASE,
    LONG,
    a_run,
    add,
    again,
    amend,
    an_ending,
    cancel,
    claim,
    finish,
    names,
    put,
    see,
    take,
    take_one,
)

QUEUE = "queue/default"
STOPPED = Pause(at=0, note="maintenance")


class Lanes:
    @pytest.mark.parametrize("lane", [QUEUE, "job/job", "key/k", "key/job#x"])
    async def test_no_more_runs_run_in_a_lane_than_it_has_places(self, store: Store, lane: str) -> None:
        await put(store, Limit(id=lane, running=2))
        await add(store, *(a_run(name, lanes=("key/k", "key/job#x")) for name in "abc"))

        assert names(await take(store)) == ["a", "b"]
        assert await take(store, 5, worker="w2") == []

    async def test_a_lane_without_a_limit_has_room_for_all(self, store: Store) -> None:
        await put(store, Limit(id="key/other", running=1), Limit(id="queue/mail", running=0))
        await add(store, *(a_run(f"{n:02}", lanes=("key/k",)) for n in range(50)))

        assert len(await take(store, limit=99)) == 50

    async def test_a_limit_that_limits_nothing_has_room_for_all(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE))
        await add(store, a_run("a"), a_run("b"))

        assert names(await take(store)) == ["a", "b"]

    async def test_only_the_runs_of_a_full_lane_are_held_back(self, store: Store) -> None:
        await put(store, Limit(id="queue/mail", running=1))
        await add(store, a_run("a", queue="mail"), a_run("b", queue="mail"), a_run("c"))

        assert names(await take(store)) == ["a", "c"]

    async def test_every_lane_of_a_run_must_have_room(self, store: Store) -> None:
        await put(store, Limit(id="key/x", running=1), Limit(id="key/y", running=1))
        await add(
            store,
            a_run("a", lanes=("key/x",)),
            a_run("b", lanes=("key/y", "key/x")),
            a_run("c", lanes=("key/y",)),
        )

        assert names(await take(store)) == ["a", "c"]

    async def test_a_run_that_names_a_lane_twice_takes_one_place_in_it(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=2))
        await add(store, a_run("a", lanes=(QUEUE, "key/k", "key/k")), a_run("b", lanes=(QUEUE,)), a_run("c"))

        assert names(await take(store)) == ["a", "b"]

    async def test_a_familys_limit_holds_for_each_of_its_lanes_by_itself(self, store: Store) -> None:
        await put(store, Limit(id="key/job", running=1))
        await add(store, *(a_run(name, lanes=(f"key/job#{key}",)) for name, key in zip("abcd", "xxyy", strict=True)))

        assert names(await take(store)) == ["a", "c"]

    async def test_a_family_is_known_by_its_whole_name(self, store: Store) -> None:
        await put(store, Limit(id="key/job", running=0))
        await add(store, a_run("a", lanes=("key/jobs#x",)), a_run("b", lanes=("key/jo#b",)))

        assert names(await take(store)) == ["a", "b"]

    async def test_a_lanes_own_limit_goes_before_its_familys(self, store: Store) -> None:
        await put(store, Limit(id="key/job", running=1), Limit(id="key/job#x", running=2), Limit(id="key/job#z"))
        await add(
            store,
            *(a_run(name, lanes=(f"key/job#{key}",)) for name, key in zip("abcdefg", "xxxyyzz", strict=True)),
        )

        assert names(await take(store)) == ["a", "b", "d", "f", "g"]

    async def test_a_run_that_meets_a_full_lane_is_parked_before_it(self, store: Store) -> None:
        await put(store, Limit(id="job/job", running=1), Limit(id="key/k", running=0))
        await add(store, a_run("a"), a_run("b", lanes=("key/k",)))

        await take(store)

        parked = await see(store, "b")
        assert (parked.state, parked.parked, parked.wakes_at, parked.waits) == (
            State.PENDING,
            "job/job",
            None,
            0,
        )
        assert parked.shown(5) == "waiting"

    async def test_a_parked_run_does_not_make_workers_come_back(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=0))
        await add(store, a_run("a"))
        await claim(store)

        assert (await claim(store)).wake_at is None

    async def test_a_thousand_runs_before_a_full_lane_are_parked_once_and_cost_no_more(self, store: Store) -> None:
        await put(store, Limit(id="queue/mail", running=0))
        await add(store, *(a_run(f"{n:04}", queue="mail") for n in range(PARKS + 50)), a_run("z", due_at=1))

        first, second = await claim(store, 5, limit=2), await claim(store, 5, limit=2)
        third = await claim(store, 6, limit=2)

        assert first.runs == ()
        assert first.wake_at is not None
        assert first.wake_at <= 5
        assert (names(second.runs), second.wake_at) == (["z"], 5 + LEASE)
        assert (third.runs, third.wake_at) == ((), 5 + LEASE)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED])
    async def test_who_ends_wakes_the_next(self, store: Store, state: State) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"), a_run("c"))
        first = await take_one(store)

        await finish(store, first, 5, state)

        assert names(await take(store, 5)) == ["b"]

    async def test_who_is_put_down_wakes_the_next(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"))

        await again(store, await take_one(store), 5, due_at=90)

        assert names(await take(store, 5)) == ["b"]

    async def test_several_who_leave_wake_as_many(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=2))
        await add(store, *(a_run(name) for name in "abcde"))

        await store.finish([an_ending(run) for run in await take(store)], 5)

        assert names(await take(store, 5)) == ["c", "d"]

    async def test_a_place_left_in_one_turn_is_taken_in_the_next(self, store: Store) -> None:
        from foliot.model import Claim

        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"))
        first = await take_one(store)
        wish = Claim(worker="w", limit=3, lease=LEASE)

        _, batch = await store.turn([an_ending(first)], wish, 5)
        soon = batch.wake_at is not None and batch.wake_at <= 5
        _, after = await store.turn([], wish, 5)

        assert names([*batch.runs, *after.runs]) == ["b"]
        assert soon or batch.runs

    async def test_the_first_in_line_is_woken_first(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b", due_at=3), a_run("c", due_at=2), a_run("d", due_at=4, priority=6))
        first = await take_one(store, 0)
        await take(store, 5)

        order: list[str] = []
        for _ in range(3):
            await finish(store, first, 5)
            first = await take_one(store, 5)
            order.append(first.id)

        assert order == ["d", "c", "b"]

    async def test_who_comes_while_the_lane_is_free_again_does_not_wait(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"))
        await finish(store, await take_one(store))
        await add(store, a_run("b"))

        assert names(await take(store)) == ["b"]

    async def test_a_lapsed_lease_does_not_free_the_place(self, store: Store) -> None:
        await put(store, Limit(id="key/k", running=1))
        await add(store, a_run("a", lanes=("key/k",), queue="mail"), a_run("b", lanes=("key/k",), queue="video"))
        await take(store, queues=["mail"])

        assert await take(store, 5 * LEASE, queues=["video"]) == []

    async def test_a_lapsed_run_is_taken_over_into_the_place_it_still_has(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"))
        await take(store)

        taken = await take(store, LEASE)

        assert [(run.id, run.token) for run in taken] == [("a", 2)]

    async def test_a_run_taken_over_has_one_place_and_not_two(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=2))
        await add(store, a_run("a"), a_run("b", due_at=LEASE))
        await take_one(store)

        assert names(await take(store, LEASE)) == ["a", "b"]

    async def test_a_lapsed_run_before_a_full_lane_is_put_down(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=2))
        await add(store, a_run("a"), a_run("b"))
        zombie = (await take(store, 3))[0]
        await put(store, Limit(id=QUEUE, running=1))

        taken = await take_one(store, 200)

        down = await see(store, "a")
        lost = Attempt(token=1, worker="w", started_at=3, ended_at=200, outcome=Outcome.LOST)
        assert (taken.id, taken.token) == ("b", 2)
        assert (down.state, down.parked, down.wakes_at, down.token) == (State.PENDING, QUEUE, None, 1)
        assert (down.worker, down.started_at, down.attempts) == (None, None, (lost,))
        assert not await finish(store, zombie, 201)

    async def test_a_run_that_was_put_down_is_taken_when_there_is_room(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=2))
        await add(store, a_run("a"), a_run("b"))
        await take(store)
        await put(store, Limit(id=QUEUE, running=1))
        taken = await take_one(store, LEASE)

        await finish(store, taken, LEASE)

        revenant = await take_one(store, LEASE)
        assert (revenant.id, revenant.token, len(revenant.attempts)) == ("a", 2, 1)

    async def test_a_cancel_of_a_run_that_was_put_down_still_stands(self, store: Store) -> None:
        await add(store, a_run("a"))
        await take_one(store)
        await cancel(store, "a", 5, "too late")
        await put(store, Limit(id=QUEUE, paused=STOPPED))
        await take(store, LEASE)

        await store.drop(Limit, [QUEUE])

        assert (await take_one(store, LEASE)).cancelling == "too late"

    async def test_a_run_that_was_put_down_leaves_its_other_lanes_to_the_next(self, store: Store) -> None:
        await put(store, Limit(id="key/k", running=1))
        await add(store, a_run("a", queue="mail", lanes=("key/k",)), a_run("b", lanes=("key/k",)))
        await take(store)
        await put(store, Limit(id="queue/mail", paused=STOPPED))

        assert names(await take(store, LEASE)) == ["b"]

    async def test_nothing_starts_in_a_lane_that_is_paused(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=5, paused=STOPPED))
        await add(store, a_run("a"))

        assert await take(store, 5) == []
        assert (await see(store, "a")).parked == QUEUE

    async def test_what_runs_when_its_lane_is_paused_may_end(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", due_at=5))
        run = await take_one(store)
        await put(store, Limit(id=QUEUE, paused=STOPPED))

        assert await finish(store, run, 5)
        assert await take(store, 5) == []

    async def test_what_was_held_back_by_a_pause_starts_when_it_is_lifted(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, paused=STOPPED))
        await add(store, a_run("a"), a_run("b"))
        await take(store)

        await put(store, Limit(id=QUEUE))

        assert names(await take(store, 5)) == ["a", "b"]

    async def test_what_was_held_back_by_a_limit_starts_when_it_is_dropped(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=0))
        await add(store, a_run("a"), a_run("b"))
        await take(store)

        await store.drop(Limit, [QUEUE])

        assert names(await take(store, 5)) == ["a", "b"]

    async def test_a_wider_limit_wakes_as_many_as_there_is_room_for(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, *(a_run(name) for name in "abcde"))
        await take(store)

        await put(store, Limit(id=QUEUE, running=3))

        assert names(await take(store, 5)) == ["b", "c"]

    async def test_a_familys_limit_that_is_dropped_wakes_all_its_lanes(self, store: Store) -> None:
        await put(store, Limit(id="key/job", paused=STOPPED))
        await add(
            store,
            a_run("a", lanes=("key/job#x",)),
            a_run("b", lanes=("key/job#y",)),
            a_run("c", lanes=("key/job",)),
        )
        await take(store)

        await store.drop(Limit, ["key/job"])

        assert names(await take(store, 5)) == ["a", "b", "c"]

    async def test_a_lanes_own_limit_that_is_dropped_leaves_it_to_its_familys(self, store: Store) -> None:
        await put(store, Limit(id="key/job", running=1), Limit(id="key/job#x", running=0))
        await add(store, *(a_run(name, lanes=("key/job#x",)) for name in "ab"))
        await take(store)

        await store.drop(Limit, ["key/job#x"])

        assert names(await take(store, 5)) == ["a"]

    async def test_a_new_limit_counts_who_runs_already(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, b = await take(store, lease=LONG)
        await add(store, a_run("c"))

        await put(store, Limit(id=QUEUE, running=2))
        before = await take(store, 5)
        await finish(store, a, 5)

        assert before == []
        assert names(await take(store, 5)) == ["c"]
        assert (await see(store, "b")) == b

    async def test_a_narrower_limit_stops_nobody_and_lets_nobody_start(self, store: Store) -> None:
        await add(store, *(a_run(name) for name in "abc"))
        runs = await take(store, lease=LONG)
        await add(store, a_run("d"))
        await put(store, Limit(id=QUEUE, running=1))

        counts: list[int] = []
        for run in runs:
            counts.append(len(await take(store, 5)))
            assert await finish(store, run, 5)

        assert counts == [0, 0, 0]
        assert names(await take(store, 5)) == ["d"]

    async def test_a_new_due_time_wakes_a_parked_run(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=0))
        await add(store, a_run("a"))
        await take(store)

        amended = await amend(store, "a", 5, due_at=50)

        assert amended is not None
        assert (amended.parked, amended.wakes_at) == (None, 50)

    async def test_a_parked_run_can_be_cancelled_and_is_not_woken(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"), a_run("c"))
        first = await take_one(store)

        cancelled = await cancel(store, "b", 5)
        await finish(store, first, 5)

        assert cancelled is not None
        assert (cancelled.state, cancelled.parked, cancelled.wakes_at) == (State.CANCELLED, None, None)
        assert names(await take(store, 5)) == ["c"]

    async def test_a_new_priority_is_a_new_place_before_a_full_lane(self, store: Store) -> None:
        await put(store, Limit(id=QUEUE, running=1))
        await add(store, a_run("a"), a_run("b"), a_run("c"))
        first = await take_one(store)

        await amend(store, "c", 5, priority=9)
        await finish(store, first, 5)

        assert names(await take(store, 5)) == ["c"]

    async def test_a_run_woken_by_one_lane_may_be_parked_before_another(self, store: Store) -> None:
        await put(store, Limit(id="key/x", running=1), Limit(id="key/y", running=1))
        await add(
            store,
            a_run("a", lanes=("key/x",)),
            a_run("b", lanes=("key/y",)),
            a_run("c", lanes=("key/x", "key/y")),
        )
        a, b = await take(store)
        before = await see(store, "c")

        await finish(store, a, 5)
        between = await take(store, 5), await see(store, "c")
        await finish(store, b, 5)

        assert (before.parked, between[0], between[1].parked) == ("key/x", [], "key/y")
        assert names(await take(store, 5)) == ["c"]

    async def test_a_place_offered_to_a_queue_that_nobody_serves_is_offered_to_the_next(self, store: Store) -> None:
        await put(store, Limit(id="key/k", running=1))
        await add(store, a_run("a", lanes=("key/k",)), a_run("b", lanes=("key/k",), queue="ghost town"))
        first = await take_one(store, queues=["default"])
        await take(store, queues=["ghost town"], worker="visitor")
        await add(store, a_run("c", lanes=("key/k",), due_at=1))
        await take(store, 1, queues=["default"])

        await finish(store, first, 5)

        assert names(await take(store, 5, queues=["default"])) == ["c"]

    async def test_a_run_in_a_lane_of_another_queue_counts(self, store: Store) -> None:
        await put(store, Limit(id="key/k", running=1))
        await add(store, a_run("a", lanes=("key/k",), queue="mail"), a_run("b", lanes=("key/k",), queue="video"))
        first = await take_one(store, queues=["mail"])

        before = await take(store, 5, queues=["video"])
        await finish(store, first, 5)

        assert before == []
        assert names(await take(store, 5, queues=["video"])) == ["b"]
