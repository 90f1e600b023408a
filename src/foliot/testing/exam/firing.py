# ruff: noqa: S101 - an exam asserts
"""Firing: compare, advance and add in one step, so that a firing happens once whoever makes it."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from foliot.model import Clash, Pause, Schedule, State, Unique
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_firing,
    a_run,
    a_schedule,
    add,
    again,
    everything,
    finish,
    names,
    put,
    see,
    take,
    take_one,
    the_schedule,
)


class FiringSchedules:
    async def test_an_accepted_firing_advances_the_schedule_and_adds_its_run(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")

        agenda = await store.fire([a_firing(standing, a_run("s1"), wakes_at=60, fired=1, last_run="s1")], 5, 10)

        assert agenda.fired == (True,)
        assert await the_schedule(store, "s") == a_schedule("s", wakes_at=60, fired=1, last_run="s1", version=2)
        assert names(await take(store, 5)) == ["s1"]

    async def test_a_firing_decided_from_an_older_version_is_refused_whole(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")
        await store.fire([a_firing(standing, a_run("s1"), wakes_at=60)], 5, 10)

        agenda = await store.fire([a_firing(standing, a_run("s2"), wakes_at=90)], 6, 10)

        assert agenda.fired == (False,)
        assert (await the_schedule(store, "s")).wakes_at == 60
        assert names(await everything(store)) == ["s1"]

    async def test_an_edit_in_between_refuses_the_firing(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")
        await put(store, a_schedule("s", args='{"new": 1}'))

        agenda = await store.fire([a_firing(standing, a_run("s1"), wakes_at=60)], 5, 10)

        assert agenda.fired == (False,)
        assert (await the_schedule(store, "s")).args == '{"new": 1}'

    async def test_who_expects_version_0_creates_a_schedule_that_fires_at_once_and_from_then_on(
        self, store: Store
    ) -> None:
        created = a_firing(a_schedule("s", version=0), a_run("s1"), wakes_at=60)
        next_one = a_firing(a_schedule("s", version=1), a_run("s2"), wakes_at=90)

        agenda = await store.fire([created, next_one], 5, 10)

        assert agenda.fired == (True, True)
        assert await the_schedule(store, "s") == a_schedule("s", wakes_at=90, version=2)
        assert names(await take(store, 5)) == ["s1", "s2"]

    async def test_who_comes_late_with_a_schedule_to_create_leaves_it_as_it_stands(self, store: Store) -> None:
        await put(store, a_schedule("s", wakes_at=60))
        late = a_firing(a_schedule("s", version=0), a_run("s1"), wakes_at=5)
        other = a_firing(a_schedule("t", version=0), wakes_at=70)

        agenda = await store.fire([late, other, other], 5, 10)

        assert agenda.fired == (False, True, False)
        assert await the_schedule(store, "s") == a_schedule("s", wakes_at=60, version=1)
        assert agenda.wake_at == 60

    async def test_a_schedule_that_is_gone_fires_nothing(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")
        await store.drop(Schedule, ["s"])

        agenda = await store.fire([a_firing(standing, a_run("s1"))], 5, 10)

        assert (agenda.fired, agenda.due) == ((False,), ())
        assert await everything(store) == []
        assert await store.records(Schedule) == []

    async def test_of_two_who_fire_at_once_one_wins(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")
        firings = [a_firing(standing, a_run(name), wakes_at=60, last_run=name) for name in ("mine", "yours")]

        agendas = await asyncio.gather(*(store.fire([firing], 5, 10) for firing in firings))

        winner = "mine" if agendas[0].fired == (True,) else "yours"
        assert sorted(agenda.fired for agenda in agendas) == [(False,), (True,)]
        assert names(await everything(store)) == [winner]
        assert (await the_schedule(store, "s")).last_run == winner

    async def test_one_refused_firing_does_not_hold_back_the_others(self, store: Store) -> None:
        await put(store, a_schedule("s"), a_schedule("t"))
        s, t = await store.records(Schedule)
        await put(store, s)

        agenda = await store.fire([a_firing(s, a_run("s1")), a_firing(t, a_run("t1"))], 5, 10)

        assert agenda.fired == (False, True)
        assert names(await everything(store)) == ["t1"]

    async def test_two_firings_of_one_schedule_in_one_call_are_compared_one_after_the_other(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        standing = await the_schedule(store, "s")
        first = a_firing(standing, a_run("s1"), wakes_at=60)
        second = a_firing(replace(standing, version=2), a_run("s2"), wakes_at=90)

        agenda = await store.fire([first, first, second], 5, 10)

        assert agenda.fired == (True, False, True)
        assert (await the_schedule(store, "s")).wakes_at == 90

    async def test_firing_a_run_that_is_known_advances_the_schedule_all_the_same(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        await add(store, a_run("s1", args='{"by": "hand"}'))

        agenda = await store.fire([a_firing(await the_schedule(store, "s"), a_run("s1"), wakes_at=60)], 5, 10)

        assert agenda.fired == (True,)
        assert (await the_schedule(store, "s")).wakes_at == 60
        assert (await see(store, "s1")).args == '{"by": "hand"}'

    async def test_a_fired_run_that_overlaps_is_recorded_as_skipped(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        unique = Unique(key="schedule/s", clash=Clash.SKIP)
        await store.fire([a_firing(await the_schedule(store, "s"), a_run("s1", unique=unique))], 5, 10)

        await store.fire([a_firing(await the_schedule(store, "s"), a_run("s2", unique=unique))], 6, 10)

        skipped = await see(store, "s2")
        assert (skipped.state, skipped.reason, skipped.finished_at) == (State.SKIPPED, "overlap with s1", 6)

    async def test_a_firing_may_add_runs_that_are_over_and_runs_that_wait(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        missed = a_run("s1", state=State.SKIPPED, reason="missed", finished_at=5)

        await store.fire(
            [a_firing(await the_schedule(store, "s"), missed, a_run("s2", after=("s1", "s3")), a_run("s3"))],
            5,
            10,
        )

        assert await see(store, "s1") == missed
        assert names(await take(store, 5)) == ["s3"]

    async def test_the_agenda_has_the_due_schedules_in_order(self, store: Store) -> None:
        await put(store, a_schedule("c", wakes_at=3), a_schedule("b", wakes_at=4), a_schedule("a", wakes_at=4))
        await put(store, a_schedule("d", wakes_at=9), a_schedule("e", wakes_at=None, paused=Pause(at=0)))

        agenda = await store.fire([], 5, 10)

        assert names(agenda.due) == ["c", "a", "b"]
        assert agenda.due[0] == a_schedule("c", wakes_at=3, version=1)
        assert agenda.wake_at == 9

    async def test_a_schedule_is_due_at_its_instant_and_not_before(self, store: Store) -> None:
        await put(store, a_schedule("s", wakes_at=10))

        early, due = await store.fire([], 9, 10), await store.fire([], 10, 10)

        assert (early.due, early.wake_at, names(due.due), due.wake_at) == ((), 10, ["s"], None)

    async def test_the_agenda_is_no_longer_than_asked(self, store: Store) -> None:
        await put(store, *(a_schedule(name, wakes_at=3) for name in "abcd"))

        assert names((await store.fire([], 5, 3)).due) == ["a", "b", "c"]

    async def test_the_agenda_is_read_after_the_firings(self, store: Store) -> None:
        await put(store, a_schedule("a", wakes_at=3), a_schedule("b", wakes_at=4))
        a = await the_schedule(store, "a")

        agenda = await store.fire([a_firing(a, wakes_at=60)], 5, 10)

        assert (names(agenda.due), agenda.wake_at) == (["b"], 60)

    async def test_an_empty_agenda_knows_no_time_to_come_back(self, store: Store) -> None:
        await put(store, a_schedule("s", wakes_at=None))

        agenda = await store.fire([], 5, 10)

        assert (agenda.fired, agenda.due, agenda.wake_at) == ((), (), None)

    async def test_an_edited_schedule_wakes_when_the_edit_says(self, store: Store) -> None:
        await put(store, a_schedule("s", wakes_at=3))

        await put(store, a_schedule("s", wakes_at=90))

        agenda = await store.fire([], 5, 10)
        assert (agenda.due, agenda.wake_at) == ((), 90)

    async def test_the_end_of_a_run_may_set_the_next_time_of_its_schedule(self, store: Store) -> None:
        await put(store, a_schedule("s", wakes_at=500, follows="a"))
        await add(store, a_run("a", schedule="s"))
        firing = a_firing(await the_schedule(store, "s"), a_run("b", due_at=90), wakes_at=99, follows=None)

        done = await finish(store, await take_one(store), 9, firing=firing)

        assert done
        assert await the_schedule(store, "s") == a_schedule("s", wakes_at=99, version=2)
        assert (await see(store, "b")).wakes_at == 90

    async def test_a_run_ends_even_if_its_schedule_was_edited_meanwhile(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        await add(store, a_run("a", schedule="s"))
        firing = a_firing(await the_schedule(store, "s"), a_run("b"), wakes_at=99)
        await put(store, a_schedule("s", wakes_at=7))

        done = await finish(store, await take_one(store), 9, firing=firing)

        assert done
        assert (await the_schedule(store, "s")).wakes_at == 7
        assert names(await everything(store)) == ["a"]

    async def test_a_zombie_sets_no_schedule(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        await add(store, a_run("a", schedule="s"))
        zombie = await take_one(store)
        await take_one(store, LEASE)
        standing = await the_schedule(store, "s")

        await finish(store, zombie, LEASE, firing=a_firing(standing, a_run("b"), wakes_at=99))

        assert await the_schedule(store, "s") == standing
        assert names(await everything(store)) == ["a"]

    async def test_a_run_that_goes_on_may_set_its_schedule_too(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        await add(store, a_run("a", schedule="s"))
        firing = a_firing(await the_schedule(store, "s"), wakes_at=99)

        await again(store, await take_one(store), 9, firing=firing)

        assert (await the_schedule(store, "s")).wakes_at == 99
