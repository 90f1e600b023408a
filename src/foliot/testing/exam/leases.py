# ruff: noqa: S101 - an exam asserts
"""Leases: kept by beats; one that has ended makes a due run of its run."""

from __future__ import annotations

from foliot.model import Attempt, Beat, Outcome, Progress, Reply, State, Verdict, Worker
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_line,
    a_run,
    a_worker,
    add,
    again,
    beat,
    cancel,
    claim,
    finish,
    names,
    see,
    take,
    take_one,
)


class Leases:
    async def test_an_expired_lease_is_just_a_due_run(self, store: Store) -> None:
        await add(store, a_run("a"))
        await take_one(store)

        early, late = await claim(store, LEASE - 1, worker="w2"), await claim(store, LEASE, worker="w2")

        assert (names(early.runs), names(late.runs)) == ([], ["a"])

    async def test_a_take_over_keeps_the_lost_attempt_and_raises_the_token(self, store: Store) -> None:
        await add(store, a_run("a"))
        await take_one(store, 5)

        taken = await take_one(store, 200, worker="w2")

        lost = Attempt(token=1, worker="w", started_at=5, ended_at=200, outcome=Outcome.LOST)
        assert (taken.token, taken.attempts, taken.failures) == (2, (lost,), 0)
        assert (taken.worker, taken.started_at, taken.wakes_at) == ("w2", 200, 200 + LEASE)
        assert await see(store, "a") == taken

    async def test_every_lost_attempt_is_kept(self, store: Store) -> None:
        await add(store, a_run("a"))

        taken = [await take_one(store, n * LEASE, worker=f"w{n}") for n in range(4)][-1]

        assert [each.worker for each in taken.attempts] == ["w0", "w1", "w2"]
        assert [each.token for each in taken.timeline] == [1, 2, 3, 4]

    async def test_a_beat_keeps_the_lease(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        reply = await beat(store, run, 60, lease=70)

        assert reply == Reply(verdict=Verdict.KEEP)
        assert await take(store, 129, worker="w2") == []
        assert names(await take(store, 130, worker="w2")) == ["a"]

    async def test_a_lapsed_run_that_nobody_has_taken_is_kept_by_a_late_beat(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        reply = await beat(store, run, LEASE + 50)

        assert reply.verdict == Verdict.KEEP
        assert await take(store, 2 * LEASE, worker="w2") == []

    async def test_a_lapsed_run_that_was_seen_but_not_taken_is_kept_by_a_late_beat(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await add(store, a_run("b", due_at=0))

        seen = await claim(store, LEASE, worker="w2", limit=1)
        reply = await beat(store, run, LEASE)

        assert (names(seen.runs), reply.verdict) == (["b"], Verdict.KEEP)
        assert (await see(store, "a")).wakes_at == 2 * LEASE

    async def test_a_lapsed_run_that_was_seen_but_not_taken_is_ended_by_a_late_finish(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await add(store, a_run("b", due_at=0))

        await claim(store, LEASE, worker="w2", limit=1)

        assert await finish(store, run, LEASE)
        assert (await see(store, "a")).attempts == ()

    async def test_a_beat_after_a_take_over_is_lost_and_changes_nothing(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        taken = await take_one(store, LEASE, worker="w2")

        reply = await beat(store, zombie, LEASE + 1, lines=(a_line("boo"),), progress=Progress(done=1))

        assert reply == Reply(verdict=Verdict.LOST)
        assert await see(store, "a") == taken
        assert await store.lines("a") == []

    async def test_the_holder_keeps_its_run_whatever_a_zombie_says(self, store: Store) -> None:
        await add(store, a_run("a"))
        zombie = await take_one(store)
        holder = await take_one(store, LEASE)

        replies = await store.beat(a_worker(), [Beat(run="a", token=run.token) for run in (zombie, holder)], LEASE, 7)

        assert [reply.verdict for reply in replies] == [Verdict.LOST, Verdict.KEEP]
        assert (await see(store, "a")).wakes_at == LEASE + 7

    async def test_a_beat_for_an_unknown_run_is_lost(self, store: Store) -> None:
        replies = await store.beat(a_worker(), [Beat(run="nobody", token=1)], 0, LEASE)

        assert replies == [Reply(verdict=Verdict.LOST)]

    async def test_a_beat_for_a_run_that_is_over_is_lost(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await finish(store, run)

        reply = await beat(store, run, 5)

        assert reply.verdict == Verdict.LOST
        assert (await see(store, "a")).wakes_at is None

    async def test_a_beat_for_a_run_that_was_put_down_is_lost(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)
        await again(store, run, due_at=50)

        reply = await beat(store, run, 5)

        assert reply.verdict == Verdict.LOST
        assert (await see(store, "a")).wakes_at == 50

    async def test_a_beat_hands_in_lines_and_progress(self, store: Store) -> None:
        await add(store, a_run("a"))
        run = await take_one(store)

        await beat(
            store,
            run,
            5,
            lines=(a_line("one", 3), a_line("two", 4, fields={"n": 2})),
            progress=Progress(done=1, total=4),
        )
        await beat(store, run, 9, lines=(a_line("three", 8),))

        assert (await see(store, "a")).progress == Progress(done=1, total=4)
        assert await store.lines("a") == [
            a_line("one", 3, n=1),
            a_line("two", 4, n=2, fields={"n": 2}),
            a_line("three", 8, n=3),
        ]

    async def test_a_beat_puts_the_worker_as_seen_now(self, store: Store) -> None:
        me = Worker(id="w1", host="h", pid=7, queues=("mail",), slots=4, busy=1, started_at=3, seen_at=1)

        assert await store.beat(me, [], 20, LEASE) == []

        assert await store.records(Worker) == [
            Worker(id="w1", host="h", pid=7, queues=("mail",), slots=4, busy=1, started_at=3, seen_at=20)
        ]

    async def test_a_beat_learns_that_its_run_is_to_be_cancelled_and_keeps_the_lease(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, b = await take(store)
        await cancel(store, "b", 10, "too late")

        replies = await store.beat(a_worker(), [Beat(run=run.id, token=1) for run in (a, b)], 20, LEASE)

        assert replies == [Reply(verdict=Verdict.KEEP), Reply(verdict=Verdict.STOP, reason="too late")]
        assert (await see(store, "b")).wakes_at == 20 + LEASE

    async def test_a_run_to_be_cancelled_whose_worker_died_tells_who_takes_it_over(self, store: Store) -> None:
        await add(store, a_run("a"))
        await take_one(store)
        await cancel(store, "a", 10, "too late")

        taken = await take_one(store, LEASE, worker="w2")

        assert (taken.state, taken.cancelling) == (State.RUNNING, "too late")

    async def test_a_token_only_grows(self, store: Store) -> None:
        await add(store, a_run("a"))

        tokens = [(await take_one(store, 0)).token]
        await again(store, await see(store, "a"), due_at=0)
        tokens += [(await take_one(store, 0)).token, (await take_one(store, LEASE)).token]
        await finish(store, await see(store, "a"), LEASE)

        assert [*tokens, (await see(store, "a")).token] == [1, 2, 3, 3]
