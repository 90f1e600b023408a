# ruff: noqa: S101 - an exam asserts
"""Unique keys: one run holds a key; who comes second is dropped, skipped, renews the first or replaces it."""

from __future__ import annotations

from typing import Any

import pytest

from foliot.model import Added, Clash, Fate, Hold, Limit, Run, State, Unique
from foliot.stores.base import Store
from foliot.testing.exam.finishing import OVER
from foliot.testing.exam.scene import (
    LEASE,
    a_run,
    add,
    again,
    amend,
    an_over_run,
    beat,
    cancel,
    everything,
    fates,
    finish,
    names,
    put,
    see,
    take,
    take_one,
)


def keyed(name: str, clash: Clash = Clash.DROP, *, until: int | None = None, **fields: Any) -> Run:
    """A run that wants the key ``u`` until it is over, unless the example says otherwise."""
    key, hold = fields.pop("key", "u"), fields.pop("hold", Hold.OVER)
    return a_run(name, unique=Unique(key=key, clash=clash, hold=hold, until=until), **fields)


class UniqueKeys:
    async def test_a_run_with_a_free_key_is_added(self, store: Store) -> None:
        assert await fates(store, keyed("a"), keyed("b", key="v"), a_run("c")) == [Fate.ADDED] * 3

    async def test_a_second_run_is_dropped_and_the_answer_names_the_holder(self, store: Store) -> None:
        await add(store, keyed("a"))

        answer = await add(store, keyed("b", Clash.DROP))

        assert answer == [Added(id="a", fate=Fate.DROPPED)]
        assert names(await everything(store)) == ["a"]

    async def test_a_second_run_is_added_as_skipped_with_the_reason(self, store: Store) -> None:
        await add(store, keyed("a"))

        answer = await add(store, keyed("b", Clash.SKIP), now=7)

        skipped = await see(store, "b")
        assert answer == [Added(id="b", fate=Fate.SKIPPED)]
        assert (skipped.state, skipped.reason) == (State.SKIPPED, "overlap with a")
        assert (skipped.wakes_at, skipped.finished_at) == (None, 7)
        assert names(await take(store)) == ["a"]

    async def test_a_pending_holder_is_replaced_at_once(self, store: Store) -> None:
        await add(store, keyed("a"))

        answer = await add(store, keyed("b", Clash.REPLACE), now=7)

        replaced = await see(store, "a")
        assert answer == [Added(id="b", fate=Fate.ADDED)]
        assert (replaced.state, replaced.reason, replaced.finished_at) == (
            State.CANCELLED,
            "replaced by b",
            7,
        )
        assert names(await take(store, 7)) == ["b"]

    async def test_a_running_holder_is_replaced_at_its_next_beat(self, store: Store) -> None:
        await add(store, keyed("a"))
        run = await take_one(store)

        await add(store, keyed("b", Clash.REPLACE), now=7)

        reply = await beat(store, run, 8)
        assert (reply.verdict, reply.reason) == ("stop", "replaced by b")
        assert names(await take(store, 9)) == ["b"]

    async def test_a_replaced_run_takes_nothing_from_who_replaced_it_when_it_ends(self, store: Store) -> None:
        await add(store, keyed("a"))
        run = await take_one(store)
        await add(store, keyed("b", Clash.REPLACE))

        await finish(store, run, state=State.CANCELLED)

        assert await add(store, keyed("c")) == [Added(id="b", fate=Fate.DROPPED)]

    async def test_a_replacement_may_itself_be_replaced(self, store: Store) -> None:
        answers = await fates(store, *(keyed(name, Clash.REPLACE) for name in "abc"))

        assert answers == [Fate.ADDED] * 3
        assert names(await take(store)) == ["c"]

    async def test_a_holder_that_has_not_started_is_renewed(self, store: Store) -> None:
        await add(store, keyed("a", due_at=10, args='{"n": 1}', expires_at=20))
        newer = keyed("b", Clash.RENEW, due_at=50, args='{"n": 2}', expires_at=60, deadline_at=70, priority=9)

        answer = await add(store, newer, now=5)

        renewed = await see(store, "a")
        assert answer == [Added(id="a", fate=Fate.RENEWED)]
        assert (renewed.args, renewed.due_at, renewed.wakes_at) == ('{"n": 2}', 50, 50)
        assert (renewed.expires_at, renewed.deadline_at, renewed.priority) == (60, 70, 5)
        assert names(await everything(store)) == ["a"]

    async def test_a_holder_that_is_parked_is_woken_when_it_is_renewed(self, store: Store) -> None:
        await put(store, Limit(id="queue/default", running=0))
        await add(store, keyed("a"))
        await take(store)

        await add(store, keyed("b", Clash.RENEW, due_at=50), now=5)

        renewed = await see(store, "a")
        assert (renewed.parked, renewed.wakes_at) == (None, 50)

    async def test_a_holder_that_has_started_is_not_renewed_but_followed(self, store: Store) -> None:
        await add(store, keyed("a", args='{"n": 1}'))
        run = await take_one(store)

        answer = await add(store, keyed("b", Clash.RENEW, args='{"n": 2}'))

        assert answer == [Added(id="b", fate=Fate.ADDED)]
        assert await see(store, "a") == run
        assert await add(store, keyed("c")) == [Added(id="b", fate=Fate.DROPPED)]

    async def test_a_holder_that_is_to_be_tried_again_has_started(self, store: Store) -> None:
        await add(store, keyed("a", args='{"n": 1}'))
        await again(store, await take_one(store), due_at=50)

        answer = await fates(store, keyed("b", Clash.RENEW, args='{"n": 2}'))

        assert answer == [Fate.ADDED]
        assert (await see(store, "a")).args == '{"n": 1}'

    async def test_renewing_a_run_that_waits_does_not_wake_it(self, store: Store) -> None:
        await add(store, a_run("a"), keyed("b", after=("a",), due_at=90))

        await add(store, keyed("c", Clash.RENEW, due_at=20))

        renewed = await see(store, "b")
        assert (renewed.due_at, renewed.waits, renewed.wakes_at) == (20, 1, None)

    async def test_the_newcomer_says_what_a_clash_means(self, store: Store) -> None:
        await add(store, keyed("a", Clash.REPLACE))

        assert await fates(store, keyed("b", Clash.SKIP), keyed("c", Clash.DROP)) == [
            Fate.SKIPPED,
            Fate.DROPPED,
        ]

    async def test_runs_added_together_clash_as_if_one_after_the_other(self, store: Store) -> None:
        answers = await add(store, keyed("a"), keyed("b"), keyed("c", Clash.SKIP))

        assert [(each.id, each.fate) for each in answers] == [
            ("a", "added"),
            ("a", "dropped"),
            ("c", "skipped"),
        ]

    async def test_the_holder_added_again_is_known_and_clashes_with_nobody(self, store: Store) -> None:
        await add(store, keyed("a", Clash.REPLACE))

        assert await fates(store, keyed("a", Clash.REPLACE)) == [Fate.KNOWN]
        assert names(await take(store)) == ["a"]

    async def test_a_run_that_is_over_when_added_holds_no_key_of_a_live_one(self, store: Store) -> None:
        await add(store, an_over_run("a", unique=Unique(key="u")))

        assert await fates(store, keyed("b")) == [Fate.ADDED]

    async def test_a_run_that_was_skipped_holds_nothing(self, store: Store) -> None:
        await add(store, keyed("a"), keyed("b", Clash.SKIP))
        await finish(store, await take_one(store))

        assert await fates(store, keyed("c")) == [Fate.ADDED]

    @pytest.mark.parametrize("state", OVER)
    async def test_a_key_is_free_when_its_run_is_over(self, store: Store, state: State) -> None:
        await add(store, keyed("a"))
        await finish(store, await take_one(store), state=state)

        assert await fates(store, keyed("b")) == [Fate.ADDED]

    async def test_a_key_is_free_when_its_run_is_cancelled(self, store: Store) -> None:
        await add(store, keyed("a"))
        await cancel(store, "a")

        assert await fates(store, keyed("b")) == [Fate.ADDED]

    async def test_a_key_is_held_while_its_run_is_tried_again(self, store: Store) -> None:
        await add(store, keyed("a"))
        await again(store, await take_one(store), due_at=50)

        assert await fates(store, keyed("b")) == [Fate.DROPPED]

    async def test_a_key_is_held_while_a_run_is_lost_and_taken_over(self, store: Store) -> None:
        await add(store, keyed("a"))
        await take_one(store)

        lapsed = await fates(store, keyed("b"), now=LEASE)
        await take_one(store, LEASE)

        assert [*lapsed, *await fates(store, keyed("b"), now=LEASE)] == [Fate.DROPPED] * 2

    async def test_a_key_held_until_the_start_is_free_once_claimed(self, store: Store) -> None:
        await add(store, keyed("a", hold=Hold.START))
        before = await fates(store, keyed("b"))
        run = await take_one(store)

        after = await fates(store, keyed("c", hold=Hold.START))

        assert (before, after) == ([Fate.DROPPED], [Fate.ADDED])
        assert await again(store, run, due_at=50)
        assert await add(store, keyed("d")) == [Added(id="c", fate=Fate.DROPPED)]

    async def test_a_key_held_until_an_instant_is_held_whatever_becomes_of_the_run(self, store: Store) -> None:
        await add(store, keyed("a", until=50))
        await finish(store, await take_one(store))

        assert await add(store, keyed("b"), now=49) == [Added(id="a", fate=Fate.DROPPED)]
        assert await fates(store, keyed("b"), now=50) == [Fate.ADDED]

    async def test_a_key_held_until_an_instant_is_held_through_the_start(self, store: Store) -> None:
        await add(store, keyed("a", hold=Hold.START, until=50))
        await take_one(store)

        assert await fates(store, keyed("b"), now=49) == [Fate.DROPPED]

    async def test_a_key_held_until_an_instant_is_free_then_even_if_the_run_goes_on(self, store: Store) -> None:
        await add(store, keyed("a", until=50))
        run = await take_one(store, lease=900)

        after = await fates(store, keyed("b"), now=50)
        await finish(store, run, 51)

        assert after == [Fate.ADDED]
        assert await add(store, keyed("c"), now=52) == [Added(id="b", fate=Fate.DROPPED)]

    async def test_a_key_held_until_an_instant_outlives_the_pruning_of_its_run(self, store: Store) -> None:
        await add(store, keyed("a", until=50))
        await finish(store, await take_one(store))
        await store.prune(10, None, 10)

        assert await fates(store, keyed("b"), now=49) == [Fate.DROPPED]
        assert await fates(store, keyed("b"), now=50) == [Fate.ADDED]

    async def test_a_holder_that_is_over_cannot_be_renewed_but_is_followed(self, store: Store) -> None:
        await add(store, keyed("a", until=500))
        await finish(store, await take_one(store))

        assert await fates(store, keyed("b", Clash.RENEW), now=10) == [Fate.ADDED]
        assert await add(store, keyed("c"), now=11) == [Added(id="b", fate=Fate.DROPPED)]

    async def test_a_holder_that_is_over_can_be_replaced_and_stays_as_it_ended(self, store: Store) -> None:
        await add(store, keyed("a", until=500))
        await finish(store, await take_one(store))
        ended = await see(store, "a")

        assert await fates(store, keyed("b", Clash.REPLACE), now=10) == [Fate.ADDED]
        assert await see(store, "a") == ended
        assert await add(store, keyed("c"), now=11) == [Added(id="b", fate=Fate.DROPPED)]

    async def test_a_run_that_is_over_when_added_holds_its_key_to_an_instant_that_lies_ahead(
        self, store: Store
    ) -> None:
        over = keyed("a", until=50, state=State.SUCCEEDED, finished_at=5)

        assert await fates(store, over, keyed("b"), now=49) == [Fate.ADDED, Fate.DROPPED]
        assert await see(store, "a") == over
        assert await fates(store, keyed("b"), now=50) == [Fate.ADDED]

    async def test_a_run_that_is_over_when_added_holds_no_key_that_is_past_or_anothers(self, store: Store) -> None:
        late, second, bare = (
            an_over_run(name, unique=Unique(key="u", until=until))
            for name, until in (("late", 40), ("second", 90), ("bare", None))
        )

        assert await fates(store, late, bare, keyed("a"), second, now=45) == [Fate.ADDED] * 4
        assert await add(store, keyed("b"), now=46) == [Added(id="a", fate=Fate.DROPPED)]
        await finish(store, await take_one(store, 46), 47)
        assert await fates(store, keyed("b"), now=48) == [Fate.ADDED]

    async def test_a_revived_run_takes_its_key_again(self, store: Store) -> None:
        await add(store, keyed("a"))
        await finish(store, await take_one(store))

        await amend(store, "a", 10, revive=True)

        assert await add(store, keyed("b"), now=11) == [Added(id="a", fate=Fate.DROPPED)]

    async def test_a_run_whose_key_another_holds_is_not_revived(self, store: Store) -> None:
        await add(store, keyed("a"))
        await finish(store, await take_one(store))
        await add(store, keyed("b"))
        over = await see(store, "a")

        revived = await amend(store, "a", 10, revive=True)

        assert revived == over
        assert await see(store, "a") == over

    async def test_a_spawned_run_clashes_as_an_added_one(self, store: Store) -> None:
        await add(store, a_run("a"), keyed("held", due_at=900))
        run = await take_one(store)

        await finish(store, run, 5, spawn=(keyed("b", Clash.SKIP), keyed("c", Clash.DROP)))

        assert sorted(names(await everything(store))) == ["a", "b", "held"]
        assert (await see(store, "b")).reason == "overlap with held"
