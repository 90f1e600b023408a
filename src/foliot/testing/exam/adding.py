# ruff: noqa: S101 - an exam asserts
"""Adding: twice is once, and nothing that was given is lost."""

from __future__ import annotations

from msgspec.structs import replace

from foliot.model import Added, Fate, State, Terms, Unique
from foliot.moments import MINUTE
from foliot.retry import exponential
from foliot.stores.base import Store
from foliot.testing.exam.scene import (
    a_run,
    add,
    an_over_run,
    claim,
    everything,
    fates,
    finish,
    names,
    see,
    take,
    take_one,
)

NEW_YEAR_9999 = 253_370_764_800_000_001


class Adding:
    async def test_an_added_run_is_pending_and_wakes_when_due(self, store: Store) -> None:
        answer = await add(store, a_run("a", due_at=10))

        assert answer == [Added(id="a", fate=Fate.ADDED)]
        assert await see(store, "a") == a_run("a", due_at=10, wakes_at=10)

    async def test_adding_nothing_is_nothing(self, store: Store) -> None:
        assert await store.add([], 0) == []
        assert await everything(store) == []

    async def test_adding_twice_is_adding_once(self, store: Store) -> None:
        await add(store, a_run("a"))

        again = await add(store, a_run("a", due_at=99, args='{"other": 1}'))

        assert again == [Added(id="a", fate=Fate.KNOWN)]
        assert await see(store, "a") == a_run("a", wakes_at=0)

    async def test_adding_twice_in_one_call_is_adding_once(self, store: Store) -> None:
        assert await fates(store, a_run("a"), a_run("a")) == [Fate.ADDED, Fate.KNOWN]
        assert names(await everything(store)) == ["a"]

    async def test_adding_a_running_run_again_leaves_it_alone(self, store: Store) -> None:
        await add(store, a_run("a"))
        running = await take_one(store)

        again = await fates(store, a_run("a"))

        assert again == [Fate.KNOWN]
        assert await see(store, "a") == running

    async def test_adding_a_run_that_is_over_again_does_not_start_it_again(self, store: Store) -> None:
        await add(store, a_run("a"))
        await finish(store, await take_one(store))

        again = await fates(store, a_run("a"))

        assert again == [Fate.KNOWN]
        assert await take(store) == []

    async def test_each_added_run_has_its_own_answer(self, store: Store) -> None:
        await add(store, a_run("b"))

        answers = await add(store, a_run("c"), a_run("b"), a_run("a"))

        assert [(each.id, each.fate) for each in answers] == [("c", "added"), ("b", "known"), ("a", "added")]

    async def test_a_run_that_is_over_when_added_is_kept_as_it_is_and_never_wakes(self, store: Store) -> None:
        missed = an_over_run("a", reason="missed", finished_at=7)

        answer = await fates(store, missed, now=9)

        assert answer == [Fate.ADDED]
        assert await see(store, "a") == missed
        assert await claim(store, 10) == await claim(store, 20)
        assert await take(store, 20) == []

    async def test_a_run_that_is_over_when_added_ended_now_unless_it_says_when(self, store: Store) -> None:
        await add(store, a_run("a", state=State.SKIPPED), now=9)

        assert (await see(store, "a")).finished_at == 9

    async def test_a_run_cannot_be_added_as_running(self, store: Store) -> None:
        await add(store, a_run("a", state=State.RUNNING, wakes_at=900, due_at=5))

        assert names(await take(store, 5)) == ["a"]

    async def test_nothing_that_was_given_is_lost(self, store: Store) -> None:
        given = a_run(
            "a",
            job="report",
            created_at=3,
            queue="slow",
            priority=9,
            args='{"to": "Zoë"}',
            due_at=5,
            schedule="daily",
            nominal_at=4,
            expires_at=6,
            deadline_at=7,
            terms=Terms(timeout=8, retries=exponential(3)),
            key="k",
            lanes=("key/report#k", "tenant/acme"),
            unique=Unique(key="u", until=MINUTE),
            target="w1",
            after=("gone",),
            tags=("x", "y"),
            meta={"tenant": {"name": "acme", "size": 3}, "vip": True, "none": None},
            headers={"trace": "1-2"},
        )

        await add(store, given)

        assert await see(store, "a") == replace(given, wakes_at=5)

    async def test_text_of_every_script_comes_back_as_it_went(self, store: Store) -> None:
        text = "naïve 日本語 العربية 🦊 \u0001\t\"quoted\" 'single' \\ % _ ; -- {} \u2028"

        await add(
            store,
            a_run("é/🦊", args=f'"{text}"', tags=(text,), meta={text.replace(".", ""): text}, queue="日本"),
        )

        kept = await see(store, "é/🦊")
        assert (kept.args, kept.tags, list(kept.meta.values()), kept.queue) == (
            f'"{text}"',
            (text,),
            [text],
            "日本",
        )
        assert names(await take(store, queues=["日本"])) == ["é/🦊"]

    async def test_a_megabyte_of_arguments_and_of_result_comes_back_whole(self, store: Store) -> None:
        large = '"' + "0123456789abcdef" * 65_536 + '"'
        await add(store, a_run("a", args=large))

        running = await take_one(store)
        await finish(store, running, result=large)

        over = await see(store, "a")
        assert running.args == large
        assert (over.args, over.result) == (large, large)

    async def test_times_far_in_the_future_are_exact_to_the_microsecond(self, store: Store) -> None:
        await add(store, a_run("a", due_at=NEW_YEAR_9999))

        early, due = await claim(store, NEW_YEAR_9999 - 1), await claim(store, NEW_YEAR_9999, lease=7)

        assert (early.runs, early.wake_at) == ((), NEW_YEAR_9999)
        assert [run.wakes_at for run in due.runs] == [NEW_YEAR_9999 + 7]
        assert (await see(store, "a")).due_at == NEW_YEAR_9999

    async def test_two_thousand_runs_are_each_claimed_once_in_order(self, store: Store) -> None:
        many = [a_run(f"{n:04}", due_at=n % 7) for n in range(2_000)]
        await add(store, *many)

        claimed = [run for _ in range(20) for run in (await claim(store, 10, limit=100)).runs]

        assert names(claimed) == [f"{n:04}" for n in sorted(range(2_000), key=lambda n: (n % 7, n))]
        assert await take(store, 10) == []
        assert {run.state for run in await everything(store)} == {State.RUNNING}
