# ruff: noqa: S101 - an exam asserts
"""Finding: runs by every filter, a page at a time; and counting them by anything."""

from __future__ import annotations

from typing import Any

import pytest

from foliot.model import Query, State
from foliot.stores.base import Store
from foliot.testing.exam.scene import a_run, add, an_over_run, beat, everything, finish, names, take, take_one

FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "dcba"),
    ({"ids": ("a", "c", "nobody")}, "ca"),
    ({"states": (State.PENDING,)}, "ba"),
    ({"states": (State.PENDING, State.SKIPPED)}, "dba"),
    ({"jobs": ("mail",)}, "cb"),
    ({"jobs": ("mail", "job")}, "dcba"),
    ({"schedules": ("daily",)}, "b"),
    ({"queues": ("slow",)}, "c"),
    ({"queues": ("slow", "never heard of")}, "c"),
    ({"workers": ("w1",)}, "c"),
    ({"workers": ("w1", "w2")}, "c"),
    ({"parents": ("p",)}, "db"),
    ({"parents": ("p", "nobody"), "states": (State.PENDING,)}, "b"),
    ({"tags": ("x",)}, "ba"),
    ({"tags": ("x", "y")}, "b"),
    ({"tags": ("xy",)}, ""),
    ({"meta": {"tenant": "acme"}}, "a"),
    ({"meta": {"owner.name": "Zoë"}}, "b"),
    ({"meta": {"owner.team.floor": 3}}, "b"),
    ({"meta": {"vip": True}}, "a"),
    ({"meta": {"vip": True, "tenant": "acme"}}, "a"),
    ({"meta": {"vip": True, "tenant": "other"}}, ""),
    ({"meta": {"size": "3"}}, ""),
    ({"meta": {"size": 3}}, "a"),
    ({"meta": {"owner": "Zoë"}}, ""),
    ({"meta": {"a.b": "dotted"}}, ""),
    ({"since": 20}, "dcb"),
    ({"until": 20}, "a"),
    ({"since": 20, "until": 40}, "cb"),
    ({"jobs": ("mail",), "states": (State.PENDING,), "tags": ("x",), "since": 5}, "b"),
]


async def given_four_runs(store: Store) -> None:
    await add(
        store,
        a_run(
            "a",
            created_at=10,
            due_at=90,
            tags=("x",),
            meta={"tenant": "acme", "size": 3, "vip": True, "a.b": "dotted"},
        ),
        a_run(
            "b",
            created_at=20,
            due_at=90,
            job="mail",
            schedule="daily",
            parent="p",
            tags=("y", "x"),
            meta={"owner": {"name": "Zoë", "team": {"floor": 3}}},
        ),
        a_run("c", created_at=30, job="mail", queue="slow"),
        an_over_run("d", created_at=40, parent="p"),
    )
    await take_one(store, 50, worker="w1")


class Finding:
    @pytest.mark.parametrize("example", FILTERS)
    async def test_each_filter_finds_what_it_says(self, store: Store, example: tuple[dict[str, Any], str]) -> None:
        fields, expected = example
        await given_four_runs(store)

        assert "".join(names(await everything(store, Query(**fields)))) == expected

    @pytest.mark.parametrize("example", FILTERS)
    async def test_a_tally_counts_what_find_finds(self, store: Store, example: tuple[dict[str, Any], str]) -> None:
        fields, expected = example
        await given_four_runs(store)

        counts = await store.tally(Query(**fields, limit=1, after="b"), "state")

        assert sum(counts.values()) == len(expected)

    async def test_found_runs_are_whole(self, store: Store) -> None:
        await add(store, a_run("a", meta={"deep": {"er": [1, 2.5, None, "x"]}}, tags=("t",), headers={"h": "v"}))
        run = await take_one(store)
        await beat(store, run, lease=70)

        [found] = (await store.find(Query(jobs=("job",)))).runs

        assert found == a_run(
            "a",
            meta={"deep": {"er": [1, 2.5, None, "x"]}},
            tags=("t",),
            headers={"h": "v"},
            state=State.RUNNING,
            token=1,
            wakes_at=70,
            worker="w",
            started_at=0,
        )

    async def test_a_brief_page_tells_how_runs_stand_and_what_they_gave(self, store: Store) -> None:
        await add(store, a_run("a", parent="p", tags=("t",)), an_over_run("b", state=State.SUCCEEDED, result="[1]"))
        await take_one(store)

        page = await store.find(Query(brief=True))

        told = [(run.id, run.job, run.state, run.result, run.parent, run.finished_at) for run in page.runs]
        assert told == [
            ("b", "job", State.SUCCEEDED, "[1]", None, 0),
            ("a", "job", State.RUNNING, None, "p", None),
        ]

    @pytest.mark.parametrize("oldest_first", [False, True])
    @pytest.mark.parametrize("limit", [1, 3, 7, 8])
    async def test_pages_hold_every_run_once_in_order(self, store: Store, oldest_first: bool, limit: int) -> None:
        await add(store, *(a_run(name, job="odd" if n % 2 else "even") for n, name in enumerate("gbdafce")))

        every = await everything(store, Query(limit=limit, oldest_first=oldest_first))
        some = await everything(store, Query(limit=limit, oldest_first=oldest_first, jobs=("even",)))

        assert "".join(names(every)) == ("abcdefg" if oldest_first else "gfedcba")
        assert "".join(names(some)) == ("defg" if oldest_first else "gfed")

    async def test_a_page_has_no_more_runs_than_asked(self, store: Store) -> None:
        await add(store, *(a_run(name) for name in "abc"))

        page = await store.find(Query(limit=2))

        assert names(page.runs) == ["c", "b"]
        assert page.cursor is not None

    async def test_the_last_page_says_so(self, store: Store) -> None:
        await add(store, a_run("a"))

        assert (await store.find(Query(limit=2))).cursor is None
        assert (await store.find(Query(jobs=("nobody",)))).runs == ()

    async def test_a_page_goes_on_where_the_last_one_ended_whatever_came_meanwhile(self, store: Store) -> None:
        await add(store, a_run("b"), a_run("d"))
        first = await store.find(Query(limit=1))

        await add(store, a_run("c"), a_run("e"))

        second = await store.find(Query(limit=5, after=first.cursor))
        assert (names(first.runs), names(second.runs)) == (["d"], ["c", "b"])

    @pytest.mark.parametrize(
        "example",
        [
            ("state", {"pending": 2, "running": 1, "skipped": 1}),
            ("job", {"job": 2, "mail": 2}),
            ("schedule", {"daily": 1}),
            ("queue", {"default": 3, "slow": 1}),
            ("worker", {"w1": 1}),
            ("parent", {"p": 2}),
            ("tag", {"x": 2, "y": 1}),
            ("meta.tenant", {"acme": 1}),
            ("meta.size", {"3": 1}),
            ("meta.vip", {"true": 1}),
            ("meta.owner.name", {"Zoë": 1}),
            ("meta.owner.team", {'{"floor":3}': 1}),
            ("meta.nothing", {}),
        ],
    )
    async def test_runs_are_counted_by(self, store: Store, example: tuple[str, dict[str, int]]) -> None:
        by, expected = example
        await given_four_runs(store)

        assert await store.tally(Query(), by) == expected

    async def test_a_tally_counts_only_what_matches(self, store: Store) -> None:
        await given_four_runs(store)

        assert await store.tally(Query(jobs=("mail",)), "state") == {"pending": 1, "running": 1}
        assert await store.tally(Query(tags=("x",)), "tag") == {"x": 2, "y": 1}
        assert await store.tally(Query(jobs=("nobody",)), "state") == {}

    async def test_a_run_that_is_over_is_still_found_by_who_ran_it(self, store: Store) -> None:
        await add(store, a_run("a"))
        [run] = await take(store, worker="w7")
        await finish(store, run)

        assert names(await everything(store, Query(workers=("w7",), states=(State.SUCCEEDED,)))) == ["a"]
