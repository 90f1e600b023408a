# ruff: noqa: S101 - an exam asserts
"""Amending: people cancel, delay, reprioritise and revive runs, and see each as it is now."""

from __future__ import annotations

import pytest

from foliot.model import Attempt, Change, Failure, Outcome, State
from foliot.stores.base import Store
from foliot.testing.exam.finishing import OVER
from foliot.testing.exam.scene import (
    LEASE,
    a_line,
    a_run,
    add,
    again,
    amend,
    an_over_run,
    beat,
    cancel,
    finish,
    names,
    see,
    take,
    take_one,
)


class Amending:
    async def test_each_amended_run_is_told_as_it_is_now_and_none_where_there_is_none(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))

        told = await store.amend(["b", "nobody", "a"], Change(priority=7), 5)

        assert told == [await see(store, "b"), None, await see(store, "a")]
        assert [run.priority for run in told if run] == [7, 7]

    async def test_a_change_of_nothing_changes_nothing(self, store: Store) -> None:
        await add(store, a_run("a"))
        before = await see(store, "a")

        assert await amend(store, "a", 5) == before
        assert await store.amend([], Change(cancel="x"), 5) == []
        assert await see(store, "a") == before

    async def test_a_pending_run_is_cancelled_at_once(self, store: Store) -> None:
        await add(store, a_run("a"))

        told = await cancel(store, "a", 7, "too late")

        cancelled = await see(store, "a")
        assert told == cancelled
        assert (cancelled.state, cancelled.reason) == (State.CANCELLED, "too late")
        assert (cancelled.finished_at, cancelled.wakes_at) == (7, None)
        assert await take(store, 9) == []

    async def test_a_running_run_is_marked_and_runs_on_until_it_hears_of_it(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        told = await cancel(store, "a", 7, "too late")

        marked = await see(store, "a")
        assert told == marked
        assert (marked.state, marked.cancelling, marked.wakes_at) == (State.RUNNING, "too late", run.wakes_at)
        assert marked.shown(8) == "cancelling"

    async def test_a_run_that_is_over_cannot_be_cancelled(self, store: Store) -> None:
        await add(store, a_run("a"))
        await finish(store, await take_one(store))
        over = await see(store, "a")

        assert await cancel(store, "a", 7) == over

    async def test_a_cancel_between_two_attempts_ends_the_run(self, store: Store) -> None:
        await add(store, a_run("a"))
        await again(store, await take_one(store), 5, due_at=50, outcome=Outcome.FAILED, failed=True)

        await cancel(store, "a", 7)

        over = await see(store, "a")
        assert (over.state, len(over.attempts)) == (State.CANCELLED, 1)
        assert await take(store, 50) == []

    async def test_the_first_cancel_of_a_running_run_is_heard(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        await cancel(store, "a", 5, "too late")

        assert (await beat(store, run, 6)).reason == "too late"

    @pytest.mark.parametrize("due", [2, 90])
    async def test_a_pending_run_moves_to_its_new_due_time(self, store: Store, due: int) -> None:
        await add(store, a_run("a", due_at=50))

        moved = await amend(store, "a", 1, due_at=due)

        assert moved is not None
        assert (moved.due_at, moved.wakes_at) == (due, due)
        assert await take(store, due - 1) == []
        assert names(await take(store, due)) == ["a"]

    async def test_a_running_run_keeps_its_lease_and_its_due_time(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        assert await amend(store, "a", 5, due_at=3) == run
        assert await take(store, LEASE - 1) == []

    async def test_a_run_that_is_over_stays_as_it_ended(self, store: Store) -> None:
        await add(store, a_run("a"))
        await finish(store, await take_one(store))
        over = await see(store, "a")

        assert await store.amend(["a"], Change(due_at=90, priority=9), 5) == [over]

    async def test_a_running_run_may_change_its_priority_for_its_next_attempt(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, _ = await take(store)

        await amend(store, "a", 5, priority=9)

        assert (await see(store, "a")).priority == 9
        assert await finish(store, a, 6)

    @pytest.mark.parametrize("state", OVER)
    async def test_a_revived_run_is_pending_and_due_now(self, store: Store, state: State) -> None:
        await add(store, a_run("a", expires_at=40, deadline_at=50))
        await finish(store, await take_one(store, 3), 9, state, reason="r", result="1", failed=True)

        told = await amend(store, "a", 20, revive=True)

        revived = await see(store, "a")
        assert told == revived
        assert (revived.state, revived.due_at, revived.wakes_at) == (State.PENDING, 20, 20)
        assert (revived.reason, revived.result, revived.error, revived.finished_at) == (
            None,
            None,
            None,
            None,
        )
        assert (revived.expires_at, revived.deadline_at, revived.failures) == (None, None, 0)
        assert (revived.worker, revived.started_at, revived.token) == (None, None, 1)

    async def test_a_change_of_several_things_revives_first_and_cancels_last(self, store: Store) -> None:
        await add(store, an_over_run("a"))

        changed = await amend(store, "a", 20, revive=True, due_at=90, priority=7, cancel="second thoughts")

        assert changed is not None
        assert (changed.state, changed.reason) == (State.CANCELLED, "second thoughts")
        assert (changed.due_at, changed.priority) == (90, 7)

    async def test_a_revived_run_keeps_its_last_attempt(self, store: Store) -> None:
        await add(store, a_run("a"))
        broken = Failure(kind="E", message="m")
        await finish(store, await take_one(store, 3), 9, State.FAILED, error=broken, failed=True)

        revived = await amend(store, "a", 20, revive=True)

        assert revived is not None
        assert revived.attempts == (
            Attempt(token=1, worker="w", started_at=3, ended_at=9, outcome=Outcome.FAILED, error=broken),
        )

    async def test_reviving_what_never_started_leaves_no_attempt(self, store: Store) -> None:
        await add(store, an_over_run("a", reason="missed"))

        revived = await amend(store, "a", 20, revive=True)

        assert revived is not None
        assert (revived.state, revived.attempts, revived.reason) == (State.PENDING, (), None)

    async def test_a_revived_run_is_claimed_with_a_newer_token(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        await finish(store, zombie)

        await amend(store, "a", 20, revive=True)

        assert (await take_one(store, 20)).token == 2
        assert not await finish(store, zombie, 21)

    async def test_a_run_cancelled_while_it_ran_is_revived_without_the_cancel(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await cancel(store, "a", 5)
        await finish(store, run, 6, State.CANCELLED)

        await amend(store, "a", 20, revive=True)

        revived = await take_one(store, 20)
        assert revived.cancelling is None
        assert (await beat(store, revived, 21)).verdict == "keep"

    async def test_reviving_a_live_run_changes_nothing(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", due_at=50))
        running = await take_one(store)
        pending = await see(store, "b")

        told = await store.amend(["a", "b"], Change(revive=True), 20)

        assert told == [running, pending]

    # lines that come from elsewhere

    async def test_lines_are_kept_with_a_run_in_any_state(self, store: Store) -> None:
        given = tuple(a_line(f"line {n}", at=n, n=n, fields={"n": n} if n % 2 else None) for n in (1, 2, 3))
        await add(store, a_run("a"), an_over_run("b"))

        for name in ("a", "b"):
            await amend(store, name, 5, lines=given)
            assert await store.lines(name) == list(given)

    async def test_lines_handed_in_twice_are_kept_once(self, store: Store) -> None:
        first, second, third = (a_line(text, n=n) for n, text in enumerate("xyz", 1))
        await add(store, an_over_run("a"))

        await amend(store, "a", 5, lines=(first, second))
        await amend(store, "a", 5, lines=(first, second, third))
        await amend(store, "a", 5, lines=(second,))

        assert await store.lines("a") == [first, second, third]

    async def test_lines_from_elsewhere_go_on_where_those_of_the_worker_end(self, store: Store) -> None:
        await add(store, a_run("a"))
        await beat(store, await take_one(store), lines=(a_line("here"),))

        await amend(store, "a", 5, lines=(a_line("too early", n=1), a_line("elsewhere", n=2)))

        assert [line.text for line in await store.lines("a")] == ["here", "elsewhere"]
        assert (await see(store, "a")).state is State.RUNNING
