# ruff: noqa: S101 - an exam asserts
"""Finishing: whoever holds the newest token ends a run, once; all others learn that the claim is lost."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from foliot.model import Attempt, Failure, Outcome, Progress, State
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_line,
    a_run,
    add,
    again,
    an_ending,
    beat,
    cancel,
    claim,
    everything,
    finish,
    names,
    see,
    take,
    take_one,
)

OVER = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED)
BROKEN = Failure(kind="ValueError", message="no", traceback="line 1")


class Finishing:
    @pytest.mark.parametrize("state", OVER)
    async def test_a_final_state_ends_a_run_for_good(self, store: Store, state: State) -> None:
        await add(store, a_run("a"))

        done = await finish(store, await take_one(store, 3), 9, state)

        over = await see(store, "a")
        assert done
        assert (over.state, over.finished_at, over.wakes_at) == (state, 9, None)
        assert (over.worker, over.started_at, over.token) == ("w", 3, 1)
        assert await take(store, 10_000) == []

    async def test_an_ending_hands_in_all_it_has(self, store: Store) -> None:
        await add(store, a_run("a"))

        await finish(
            store,
            await take_one(store),
            9,
            State.FAILED,
            failed=True,
            reason="gave up",
            result="1",
            error=BROKEN,
            progress=Progress(done=2),
            lines=(a_line("bye"),),
        )

        over = await see(store, "a")
        assert (over.reason, over.result, over.error, over.progress) == (
            "gave up",
            "1",
            BROKEN,
            Progress(done=2),
        )
        assert over.failures == 1
        assert await store.lines("a") == [a_line("bye", n=1)]

    async def test_the_lines_of_an_ending_follow_those_of_the_beats(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await beat(store, run, lines=(a_line("one"), a_line("two")))

        await finish(store, run, lines=(a_line("three"),))

        assert [(line.n, line.text) for line in await store.lines("a")] == [
            (1, "one"),
            (2, "two"),
            (3, "three"),
        ]

    async def test_an_ending_that_says_nothing_of_progress_keeps_what_was_reported(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await beat(store, run, progress=Progress(done=3))

        await finish(store, run)

        assert (await see(store, "a")).progress == Progress(done=3)

    async def test_a_run_ends_once(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await finish(store, run, 5)

        twice = await finish(store, run, 9, State.FAILED)

        over = await see(store, "a")
        assert not twice
        assert (over.state, over.finished_at) == (State.SUCCEEDED, 5)

    async def test_two_endings_of_one_claim_in_one_call_end_it_once(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        done = await store.finish([an_ending(run), an_ending(run, State.FAILED)], 5)

        assert done == [True, False]
        assert (await see(store, "a")).state == State.SUCCEEDED

    async def test_a_zombie_ends_nothing(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        taken = await take_one(store, LEASE, worker="w2")

        done = await finish(store, zombie, LEASE + 1, State.FAILED, failed=True, lines=(a_line("boo"),))

        assert not done
        assert await see(store, "a") == taken
        assert await store.lines("a") == []

    async def test_a_zombie_spawns_nothing(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        await take_one(store, LEASE, worker="w2")

        await finish(store, zombie, LEASE + 1, spawn=(a_run("child"),))

        assert names(await everything(store)) == ["a"]

    async def test_the_holder_ends_its_run_whatever_a_zombie_says_in_the_same_call(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        holder = await take_one(store, LEASE)

        done = await store.finish([an_ending(zombie, State.FAILED), an_ending(holder)], LEASE)

        assert done == [False, True]
        assert (await see(store, "a")).state == State.SUCCEEDED

    async def test_a_late_finish_counts_while_nobody_has_taken_the_run(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        done = await finish(store, run, 3 * LEASE)

        assert done
        assert await take(store, 3 * LEASE) == []

    @pytest.mark.parametrize("token", [0, 2, -1])
    async def test_a_token_nobody_was_given_ends_nothing(self, store: Store, token: int) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        assert not await finish(store, replace(run, token=token))
        assert (await see(store, "a")) == run

    async def test_a_run_that_nobody_has_claimed_cannot_be_ended(self, store: Store) -> None:
        await add(store, a_run("a"))

        assert not await finish(store, a_run("a", token=0))
        assert not await finish(store, a_run("unknown", token=1))
        assert (await see(store, "a")).state == State.PENDING

    async def test_a_run_that_was_put_down_cannot_be_ended_by_who_put_it_down(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await again(store, run, due_at=50)

        assert not await finish(store, run)
        assert (await see(store, "a")).state == State.PENDING

    async def test_each_ending_has_its_own_answer(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, b = await take(store)
        await finish(store, a)

        assert await store.finish([an_ending(b), an_ending(a), an_ending(a_run("c", token=1))], 0) == [
            True,
            False,
            False,
        ]
        assert await store.finish([], 0) == []

    async def test_a_retry_is_the_same_run_due_later(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store, 3)

        done = await again(store, run, 9, due_at=50, failed=True, outcome=Outcome.FAILED, error=BROKEN)

        waiting = await see(store, "a")
        tried = Attempt(token=1, worker="w", started_at=3, ended_at=9, outcome=Outcome.FAILED, error=BROKEN)
        assert done
        assert (waiting.state, waiting.due_at, waiting.wakes_at) == (State.PENDING, 50, 50)
        assert (waiting.attempts, waiting.failures, waiting.token) == ((tried,), 1, 1)
        assert (waiting.worker, waiting.started_at, waiting.finished_at) == (None, None, None)

    async def test_a_retry_is_claimed_when_it_is_due(self, store: Store) -> None:
        await add(store, a_run("a"))
        await again(store, await take_one(store), 9, due_at=50)

        early, due = await claim(store, 49), await claim(store, 50)

        assert (names(early.runs), early.wake_at) == ([], 50)
        assert [run.token for run in due.runs] == [2]

    async def test_attempts_are_kept_in_order(self, store: Store) -> None:
        await add(store, a_run("a"))
        await again(store, await take_one(store, 0), 1, outcome=Outcome.FAILED, failed=True)
        await take_one(store, 2)
        await again(store, await take_one(store, 2 + LEASE), 300, outcome=Outcome.SNOOZED)

        await finish(store, await take_one(store, 300), 301)

        over = await see(store, "a")
        assert [each.outcome for each in over.timeline] == ["failed", "lost", "snoozed", "succeeded"]
        assert [each.token for each in over.timeline] == [1, 2, 3, 4]

    async def test_going_back_without_an_outcome_leaves_no_attempt(self, store: Store) -> None:
        await add(store, a_run("a"))

        await again(store, await take_one(store), due_at=50)

        waiting = await see(store, "a")
        assert (waiting.attempts, waiting.failures) == ((), 0)

    async def test_a_cancel_asked_for_meanwhile_ends_a_run_that_would_go_on(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await cancel(store, "a", 5, "too late")

        done = await again(store, run, 9, due_at=50, failed=True, outcome=Outcome.FAILED)

        over = await see(store, "a")
        assert done
        assert (over.state, over.reason, over.finished_at, over.wakes_at) == (
            State.CANCELLED,
            "too late",
            9,
            None,
        )
        assert await take(store, 50) == []

    async def test_a_run_that_was_to_be_cancelled_spawns_nothing_and_waits_for_nothing(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("x", due_at=900))
        run = await take_one(store)
        await cancel(store, "a", 5)

        await again(store, run, 9, spawn=(a_run("b"),), wait=("b", "x"))

        assert (await see(store, "a")).state == State.CANCELLED
        assert names(await everything(store)) == ["x", "a"]

    async def test_a_run_put_down_without_a_due_time_is_due_now(self, store: Store) -> None:
        await add(store, a_run("a"))

        await finish(store, await take_one(store), 9, State.PENDING)

        waiting = await see(store, "a")
        assert (waiting.due_at, waiting.wakes_at) == (9, 9)

    async def test_a_cancelled_ending_takes_the_reason_of_the_cancel(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await cancel(store, "a", 5, "too late")

        await finish(store, run, 9, State.CANCELLED)

        assert (await see(store, "a")).reason == "too late"

    async def test_a_cancelled_ending_may_bring_a_reason_of_its_own(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await cancel(store, "a", 5, "too late")

        await finish(store, run, 9, State.CANCELLED, reason="stopped half way")

        assert (await see(store, "a")).reason == "stopped half way"

    async def test_a_run_that_succeeds_before_it_hears_of_the_cancel_has_succeeded(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await cancel(store, "a", 5)

        await finish(store, run, 9)

        over = await see(store, "a")
        assert (over.state, over.reason) == (State.SUCCEEDED, None)

    async def test_what_an_ending_spawns_is_added(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("known"))
        run = (await take(store))[0]

        await finish(store, run, 9, spawn=(a_run("b", due_at=50), a_run("known", due_at=99)))

        assert (await see(store, "b")).wakes_at == 50
        assert (await see(store, "known")).due_at == 0
