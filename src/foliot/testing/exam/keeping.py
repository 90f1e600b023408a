# ruff: noqa: S101 - an exam asserts
"""Keeping and forgetting: records, lines, pruning, and hints to who watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from foliot.model import Hint, Limit, Pause, Placement, Record, Schedule, State, Terms, Topic, Worker
from foliot.retry import fixed
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    LEASE,
    a_firing,
    a_line,
    a_run,
    a_schedule,
    a_worker,
    add,
    amend,
    an_over_run,
    beat,
    cancel,
    everything,
    fates,
    finish,
    names,
    put,
    take,
    take_one,
    the_schedule,
)

PATIENCE = 10
"""Seconds after which a hint counts as never sent."""

Kind = tuple[type[Any], Callable[[str], Record]]
"""A kind of record, and how to make one of a name."""

KINDS: list[Kind] = [
    (Schedule, a_schedule),
    (Limit, lambda name: Limit(id=name)),
    (Worker, a_worker),
]


class Keeping:
    # records

    @pytest.mark.parametrize("kind", KINDS)
    async def test_records_come_by_id(self, store: Store, kind: Kind) -> None:
        of, make = kind
        await put(store, *(make(name) for name in "cabd"))

        assert names(await store.records(of)) == ["a", "b", "c", "d"]
        assert names(await store.records(of, ["d", "nobody", "b"])) == ["b", "d"]
        assert names(await store.records(of, [])) == []

    @pytest.mark.parametrize("kind", KINDS)
    async def test_records_come_a_page_at_a_time(self, store: Store, kind: Kind) -> None:
        of, make = kind
        await put(store, *(make(name) for name in "cabd"))

        first = await store.records(of, limit=3)
        rest = await store.records(of, after=first[-1].id, limit=3)

        assert (names(first), names(rest)) == (["a", "b", "c"], ["d"])

    @pytest.mark.parametrize("kind", KINDS)
    async def test_dropped_records_are_gone(self, store: Store, kind: Kind) -> None:
        of, make = kind
        await put(store, make("a"), make("b"))

        assert await store.drop(of, ["b", "nobody"]) == [True, False]
        assert await store.drop(of, ["b"]) == [False]
        assert names(await store.records(of)) == ["a"]

    async def test_records_of_different_kinds_may_have_one_id(self, store: Store) -> None:
        await put(store, a_schedule("x"), Limit(id="x", running=1), a_worker("x"))

        await store.drop(Limit, ["x"])

        assert names(await store.records(Schedule)) == ["x"]
        assert names(await store.records(Worker)) == ["x"]

    async def test_a_record_is_kept_as_it_was_given(self, store: Store) -> None:
        limit = Limit(id="key/job#é/🦊", running=3, starts=10, per=60, paused=Pause(at=5, note="für später"))
        worker = Worker(
            id="w",
            host="h",
            pid=7,
            queues=("a", "b"),
            jobs=("j",),
            labels=("gpu",),
            slots=4,
            started_at=2,
            seen_at=3,
        )
        placement = Placement(
            queue="slow", lanes=("key/k",), terms=Terms(timeout=3, retries=fixed(2)), meta={"a": {"b": 1}}
        )
        schedule = a_schedule("s", placement=placement, skips=(5, 6), paused=Pause(at=1), window=7, last_at=2**53 + 1)

        await put(store, limit, worker, schedule)

        assert await store.records(Limit) == [limit]
        assert await store.records(Worker) == [worker]
        assert await store.records(Schedule) == [
            a_schedule(
                "s",
                placement=placement,
                skips=(5, 6),
                paused=Pause(at=1),
                window=7,
                last_at=2**53 + 1,
                version=1,
            )
        ]

    async def test_a_record_put_again_replaces_the_first(self, store: Store) -> None:
        await put(store, Limit(id="x", running=1))

        await put(store, Limit(id="x", starts=2, per=60))

        assert await store.records(Limit) == [Limit(id="x", starts=2, per=60)]

    async def test_each_put_raises_the_version_of_a_schedule_whatever_it_says(self, store: Store) -> None:
        versions: list[int] = []
        for claimed in (0, 7, 0):
            await put(store, a_schedule("s", version=claimed))
            versions.append((await the_schedule(store, "s")).version)

        assert versions == [1, 2, 3]

    async def test_the_runs_of_a_dropped_schedule_stay(self, store: Store) -> None:
        await put(store, a_schedule("s"))
        await store.fire([a_firing(await the_schedule(store, "s"), a_run("a", schedule="s"))], 5, 10)

        await store.drop(Schedule, ["s"])

        assert names(await take(store, 5)) == ["a"]

    # lines

    async def test_lines_are_numbered_within_their_run(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, b = await take(store)

        await beat(store, a, lines=(a_line("one"), a_line("two")))
        await beat(store, b, lines=(a_line("eins"),))
        await beat(store, a, lines=(a_line("three"),))

        assert [(line.n, line.text) for line in await store.lines("a")] == [
            (1, "one"),
            (2, "two"),
            (3, "three"),
        ]
        assert [(line.n, line.text) for line in await store.lines("b")] == [(1, "eins")]

    async def test_lines_are_read_from_where_one_stopped(self, store: Store) -> None:
        await add(store, a_run("a"))
        await beat(store, await take_one(store), lines=tuple(a_line(f"{n}") for n in range(1, 8)))

        assert [line.n for line in await store.lines("a", after=3, limit=2)] == [4, 5]
        assert [line.n for line in await store.lines("a", after=5)] == [6, 7]
        assert await store.lines("a", after=7) == []
        assert await store.lines("nobody") == []

    async def test_lines_go_on_counting_through_all_attempts(self, store: Store) -> None:
        await add(store, a_run("a"))
        await beat(store, await take_one(store), lines=(a_line("one"),))

        await beat(store, await take_one(store, LEASE), LEASE, lines=(a_line("two"),))

        assert [line.n for line in await store.lines("a")] == [1, 2]

    async def test_a_line_is_kept_as_it_was_given(self, store: Store) -> None:
        line = a_line("zwölf\n🦊", at=2**53 + 1, fields={"deep": {"n": [1, None]}})
        await add(store, a_run("a"))

        await beat(store, await take_one(store), lines=(line,))

        assert await store.lines("a") == [a_line("zwölf\n🦊", at=2**53 + 1, fields={"deep": {"n": [1, None]}}, n=1)]

    # prune

    async def test_old_runs_that_are_over_are_forgotten(self, store: Store) -> None:
        await add(
            store,
            *(an_over_run(name, finished_at=at) for name, at in (("a", 5), ("b", 9), ("c", 10), ("d", 11))),
        )

        gone = await store.prune(10, None, 100)

        assert gone == 2
        assert names(await everything(store)) == ["d", "c"]

    async def test_a_runs_age_counts_from_its_end(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"))
        a, b = await take(store)
        await finish(store, a, 5)
        await finish(store, b, 15)

        await store.prune(10, None, 100)

        assert names(await everything(store)) == ["b"]

    async def test_live_runs_are_never_forgotten(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b", due_at=900), a_run("c", after=("b",)), a_run("d", due_at=1))
        await put(store, Limit(id="queue/default", running=1))
        await take(store, 5)

        gone = await store.prune(1_000_000, 0, 100), await store.prune(1_000_000, None, 100)

        assert gone == (0, 0)
        assert names(await everything(store)) == ["d", "c", "b", "a"]

    async def test_the_newest_of_each_job_are_kept(self, store: Store) -> None:
        await add(store, *(an_over_run(f"a{n}", job="a", finished_at=n) for n in range(5)))
        await add(store, *(an_over_run(f"b{n}", job="b", finished_at=n) for n in range(2)), a_run("a9", job="a"))

        gone = await store.prune(None, 2, 100)

        assert gone == 3
        assert names(await everything(store)) == ["b1", "b0", "a9", "a4", "a3"]

    async def test_age_and_number_forget_together(self, store: Store) -> None:
        await add(
            store,
            *(an_over_run(f"a{n}", job="a", finished_at=n) for n in range(5)),
            an_over_run("b", job="b", finished_at=0),
        )

        gone = await store.prune(1, 3, 100)

        assert gone == 3
        assert names(await everything(store)) == ["a4", "a3", "a2"]

    async def test_no_more_are_forgotten_than_asked(self, store: Store) -> None:
        await add(store, *(an_over_run(f"{n}") for n in range(5)))

        counts = [await store.prune(10, None, 2) for _ in range(4)]

        assert counts == [2, 2, 1, 0]

    async def test_what_a_live_run_has_spawned_is_not_forgotten(self, store: Store) -> None:
        await add(
            store, a_run("p"), *(an_over_run(name, parent="p") for name in ("q", "r")), an_over_run("s", parent="x")
        )
        p = await take_one(store)

        gone = [await store.prune(10, 0, 100)]
        await amend(store, "r", 5, revive=True)
        await finish(store, p, 5)
        gone += [await store.prune(10, 0, 100), await store.prune(10, 0, 100)]

        assert gone == [1, 2, 0]
        assert names(await everything(store)) == ["r"]

    async def test_what_is_held_back_counts_among_the_newest(self, store: Store) -> None:
        await add(store, a_run("p"), an_over_run("c", job="j", parent="p"))
        await store.prune(10, 0, 100)
        await add(store, an_over_run("a", job="j"), an_over_run("d", job="j"))

        gone = await store.prune(None, 2, 100)

        assert gone == 1
        assert names(await everything(store)) == ["p", "d", "c"]

    async def test_a_run_that_lives_again_holds_back_what_it_has_spawned(self, store: Store) -> None:
        await add(store, an_over_run("p", finished_at=50), an_over_run("q", parent="p"))

        await amend(store, "p", 60, revive=True)

        assert await store.prune(40, 0, 100) == 0
        assert names(await everything(store)) == ["q", "p"]

    async def test_without_an_age_or_a_number_nothing_is_forgotten(self, store: Store) -> None:
        await add(store, an_over_run("a"))

        assert await store.prune(None, None, 100) == 0

    async def test_the_lines_of_a_forgotten_run_go_with_it(self, store: Store) -> None:
        await add(store, a_run("a"))
        await finish(store, await take_one(store), 5, lines=(a_line("bye"),))

        await store.prune(10, None, 100)

        assert await store.lines("a") == []

    async def test_a_forgotten_run_may_be_added_again(self, store: Store) -> None:
        await add(store, an_over_run("a"))
        await store.prune(10, None, 100)

        assert await fates(store, a_run("a")) == ["added"]
        assert (await take_one(store)).state == State.RUNNING

    # hints

    async def test_who_watches_hears_of_new_runs(self, store: Store) -> None:
        heard: asyncio.Queue[Hint] = asyncio.Queue()
        stop = store.watch(heard.put_nowait)

        await add(store, a_run("a"))

        assert await hint(heard, Topic.RUNS)
        stop()

    async def test_who_watches_hears_of_changed_schedules(self, store: Store) -> None:
        heard: asyncio.Queue[Hint] = asyncio.Queue()
        stop = store.watch(heard.put_nowait)

        await put(store, a_schedule("s"))

        assert await hint(heard, Topic.SCHEDULES)
        stop()

    async def test_who_watches_hears_of_cancels(self, store: Store) -> None:
        await add(store, a_run("a"))
        await take(store)
        heard: asyncio.Queue[Hint] = asyncio.Queue()
        stop = store.watch(heard.put_nowait)

        await cancel(store, "a")

        assert await hint(heard, Topic.CANCELS)
        stop()

    async def test_who_stops_watching_hears_no_more(self, store: Store) -> None:
        deaf: asyncio.Queue[Hint] = asyncio.Queue()
        heard: asyncio.Queue[Hint] = asyncio.Queue()
        stop_first, stop_second = store.watch(deaf.put_nowait), store.watch(heard.put_nowait)

        stop_first()
        await add(store, a_run("a"))

        assert await hint(heard, Topic.RUNS)
        assert deaf.empty()
        stop_second()


async def hint(heard: asyncio.Queue[Hint], topic: Topic, within: float = PATIENCE) -> bool:
    """Wait for a hint about this topic; False if none comes within so many seconds."""
    try:
        async with asyncio.timeout(within):
            while (await heard.get()).topic != topic:
                pass
    except TimeoutError:
        return False
    return True
