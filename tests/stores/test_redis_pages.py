"""Pages of runs that are alike go a shorter way into Redis, and nobody can tell which way one went."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from foliot.model import Fate, Run, Terms, Unique
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.stores.redis.alike import page_of
from foliot.testing.exam.scene import a_run, add, everything, finish, names, take


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    store = open_store(redis_url)
    await store.open()
    yield store
    await store.close()


async def test_of_a_page_with_a_run_that_is_known_the_others_are_added(store: Store):
    await add(store, a_run("b", args="1"))

    added = await store.add([a_run(name, args="2") for name in "abc"], 0)

    assert [each.fate for each in added] == [Fate.ADDED, Fate.KNOWN, Fate.ADDED]
    assert {run.id: run.args for run in await everything(store)} == {"a": "2", "b": "1", "c": "2"}


async def test_of_two_runs_of_one_name_in_a_page_the_first_stands(store: Store):
    added = await store.add([a_run("a", args="1"), a_run("a", args="2")], 0)

    assert [each.fate for each in added] == [Fate.ADDED, Fate.KNOWN]
    assert [run.args for run in await everything(store)] == ["1"]


async def test_runs_that_are_alike_end_with_results_of_their_own(store: Store):
    await store.add([a_run(name, args=name, parent="p") for name in "abc"], 0)
    held = await take(store)

    for run in held:
        assert await finish(store, run, result=run.args * 2)

    assert {run.id: (run.args, run.result, run.parent) for run in await everything(store)} == {
        "a": ("a", "aa", "p"),
        "b": ("b", "bb", "p"),
        "c": ("c", "cc", "p"),
    }


async def test_a_page_is_read_as_it_was_added(store: Store):
    like = {"wakes_at": 0, "needs": ("gpu",), "lanes": ("key/k",), "key": "k"}
    page = [a_run(name, args=f'{{"n":"{name}"}}', **like) for name in "abc"]

    await store.add(page, 0)

    assert sorted(await everything(store), key=lambda run: run.id) == page
    assert names(await take(store, labels=("gpu",))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "other",
    [
        a_run("b", due_at=1),
        a_run("b", queue="mail"),
        a_run("b", parent="p"),
        a_run("b", terms=Terms(shards=(True,))),
        a_run("b", meta={"n": 1}),
        a_run("b", unique=Unique(key="k")),
        a_run("b", after=("a",)),
        a_run("a"),
    ],
    ids=repr,
)
def test_runs_that_differ_in_more_than_name_and_arguments_are_no_page(other: Run):
    assert page_of([a_run("a"), a_run("c", args="1")], 0) is not None
    assert page_of([a_run("a"), other], 0) is None


def test_numbers_and_truths_are_not_alike():
    pages = [[a_run("a", meta={"n": 1}), a_run("b", meta={"n": True})]]
    pages += [[a_run("a", terms=Terms(shards=(1,))), a_run("b", terms=Terms(shards=(True,)))]]

    assert [page_of(page, 0) for page in pages] == [None, None]
