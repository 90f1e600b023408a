# ruff: noqa: S101 - an exam asserts
"""Claiming: a run may be taken when it is due, by who serves its place."""

from __future__ import annotations

from foliot.model import Ending, State
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_run,
    add,
    an_ending,
    an_over_run,
    claim,
    finish,
    names,
    see,
    take,
    take_one,
)


class Claiming:
    async def test_a_run_is_claimed_when_it_is_due_and_not_before(self, store: Store) -> None:
        await add(store, a_run("a", due_at=10))

        early, due = await claim(store, 9), await claim(store, 10)

        assert (names(early.runs), names(due.runs)) == ([], ["a"])

    async def test_a_claimed_run_runs_under_a_lease(self, store: Store) -> None:
        await add(store, a_run("a"))

        [run] = (await claim(store, 5, worker="w1", lease=30)).runs

        expected = a_run("a", state=State.RUNNING, token=1, wakes_at=35, worker="w1", started_at=5)
        assert run == expected
        assert await see(store, "a") == expected

    async def test_a_claimed_run_is_not_claimed_again(self, store: Store) -> None:
        await add(store, a_run("a"))

        first, second = await claim(store, worker="w1"), await claim(store, worker="w2")

        assert (names(first.runs), names(second.runs)) == (["a"], [])

    async def test_a_claim_brings_no_more_than_its_limit(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"), a_run("c"))

        first, second = await claim(store, limit=2), await claim(store, limit=2)

        assert (names(first.runs), names(second.runs)) == (["a", "b"], ["c"])

    async def test_an_empty_store_has_nothing_and_knows_no_time_to_come_back(self, store: Store) -> None:
        batch = await claim(store)

        assert (batch.runs, batch.wake_at) == ((), None)

    async def test_the_time_to_come_back_is_when_the_next_run_is_due(self, store: Store) -> None:
        await add(store, a_run("a", due_at=30), a_run("b", due_at=20), a_run("c", due_at=40))

        assert (await claim(store)).wake_at == 20

    async def test_the_time_to_come_back_is_no_later_than_the_end_of_a_lease(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", due_at=500))

        taking, waiting = await claim(store, 5), await claim(store, 6)

        assert (names(taking.runs), taking.wake_at) == (["a"], 5 + LEASE)
        assert (waiting.runs, waiting.wake_at) == ((), 5 + LEASE)

    async def test_what_is_over_is_no_reason_to_come_back(self, store: Store) -> None:
        await add(store, a_run("a"), an_over_run("b"))
        await finish(store, await take_one(store))

        assert (await claim(store, 10_000)).wake_at is None

    async def test_a_claim_serves_only_its_queues(self, store: Store) -> None:
        await add(store, a_run("a", queue="mail"), a_run("b", queue="video"), a_run("c", queue="other"))

        one, two = await claim(store, queues=["video"]), await claim(store, queues=["other", "mail"])

        assert (names(one.runs), names(two.runs)) == (["b"], ["a", "c"])

    async def test_a_claim_without_queues_serves_every_queue(self, store: Store) -> None:
        await add(store, a_run("a", queue="mail"), a_run("b"))
        await take(store)

        await add(store, a_run("c", queue="never heard of"), a_run("d", queue="mail"))

        assert names(await take(store)) == ["c", "d"]

    async def test_the_time_to_come_back_looks_only_at_the_queues_served(self, store: Store) -> None:
        await add(store, a_run("a", queue="mail", due_at=10), a_run("b", queue="video", due_at=20))

        assert (await claim(store, queues=["video"])).wake_at == 20
        assert (await claim(store, queues=["other"])).wake_at is None

    async def test_a_run_with_a_target_goes_to_that_worker_only(self, store: Store) -> None:
        await add(store, a_run("a", target="w1"))

        other, meant = await claim(store, worker="w2"), await claim(store, worker="w1")

        assert (names(other.runs), other.wake_at, names(meant.runs)) == ([], None, ["a"])

    async def test_a_target_reaches_its_worker_whatever_queues_it_serves(self, store: Store) -> None:
        await add(store, a_run("a", target="w1", queue="mail"), a_run("b", queue="mail"))

        assert names(await take(store, worker="w1", queues=["video"])) == ["a"]

    async def test_a_target_is_not_reached_through_its_queue(self, store: Store) -> None:
        await add(store, a_run("a", target="w1", queue="mail"))

        assert await take(store, worker="w2", queues=["mail"]) == []

    async def test_a_lapsed_run_with_a_target_waits_for_that_worker(self, store: Store) -> None:
        await add(store, a_run("a", target="w1"))
        await take_one(store, worker="w1")

        other, meant = await claim(store, LEASE, worker="w2"), await claim(store, LEASE, worker="w1")

        assert (names(other.runs), names(meant.runs)) == ([], ["a"])

    async def test_what_is_meant_for_a_worker_that_is_gone_goes_to_who_answers_for_it(self, store: Store) -> None:
        await add(store, a_run("a", target="gone"), a_run("b", target="alive"))

        batch = await claim(store, worker="heir", queues=["mail"], targets=["gone"])

        assert (names(batch.runs), batch.wake_at) == (["a"], LEASE)
        assert (await see(store, "a")).target == "gone"

    async def test_a_run_goes_to_a_worker_that_has_every_label_it_needs(self, store: Store) -> None:
        await add(store, a_run("a", needs=("gpu", "eu")), a_run("b", needs=("eu",)), a_run("c"))

        some = await claim(store, worker="w1", labels=["eu"])
        every = await claim(store, worker="w2", labels=["us", "gpu", "eu"])

        assert (names(some.runs), names(every.runs)) == (["b", "c"], ["a"])
        assert every.runs[0].needs == ("gpu", "eu")

    async def test_a_worker_without_labels_is_not_woken_for_runs_that_need_some(self, store: Store) -> None:
        await add(store, a_run("a", needs=("gpu",)), a_run("b", needs=("gpu",), queue="mail"))

        anywhere, mail = await claim(store), await claim(store, queues=["mail"])

        assert (anywhere.runs, anywhere.wake_at, mail.runs, mail.wake_at) == ((), None, (), None)

    async def test_a_claim_with_queues_and_labels_serves_what_fits_both(self, store: Store) -> None:
        await add(
            store,
            a_run("a", queue="mail", needs=("gpu",)),
            a_run("b", queue="mail"),
            a_run("c", queue="video", needs=("gpu",)),
            a_run("d", queue="mail", needs=("gpu",), due_at=9),
        )

        batch = await claim(store, queues=["mail"], labels=["gpu"])

        assert (names(batch.runs), batch.wake_at) == (["a", "b"], 9)

    async def test_queues_whose_names_begin_alike_are_looked_at_once(self, store: Store) -> None:
        await add(store, a_run("a", queue="mail!"), a_run("b", queue="mail slow"), a_run("c", queue="mail", due_at=1))

        batch = await claim(store, now=1, queues=["mail", "mail slow", "mail!"], labels=["gpu"], limit=3)

        assert names(batch.runs) == ["a", "b", "c"]

    async def test_a_lapsed_run_that_needs_labels_waits_for_a_worker_that_has_them(self, store: Store) -> None:
        await add(store, a_run("a", needs=("gpu",)))
        await take_one(store, worker="w1", labels=["gpu"])

        other, able = await claim(store, LEASE), await claim(store, LEASE, worker="w2", labels=["gpu"])

        assert (names(other.runs), names(able.runs)) == ([], ["a"])

    async def test_a_turn_finishes_and_then_claims(self, store: Store) -> None:
        from foliot.model import Claim

        await add(store, a_run("a"), a_run("b", after=("a",)))
        first = await take_one(store)
        stale = Ending(run="a", token=9, state=State.FAILED)

        done, batch = await store.turn([an_ending(first), stale], Claim(worker="w", limit=5, lease=LEASE), 3)

        assert (done, names(batch.runs)) == ([True, False], ["b"])
        assert (await see(store, "a")).state == State.SUCCEEDED
