"""The plans: no verb of the firing path reads runs that it does not want, whatever is in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from foliot.model import Claim, Clash, Limit, Query, Schedule, State, Unique
from foliot.stores.sqlite import SQLiteStore
from foliot.stores.sqlite.finding import equip
from foliot.testing.exam.scene import (
    LEASE,
    a_firing,
    a_line,
    a_run,
    a_schedule,
    add,
    again,
    amend,
    an_ending,
    beat,
    cancel,
    put,
    take,
    the_schedule,
)

LARGE = ("runs", "terms", "waits", "lines", "schedules", "keys", "lanes", "starts")

Doing = Callable[[SQLiteStore], Awaitable[Any]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    yield store
    await store.close()


async def what_it_says(store: SQLiteStore, doing: Doing) -> set[str]:
    """The statements that SQLite is given meanwhile, by the writer and by the reader."""
    said: set[str] = set()
    desks = [desk for desk in (store._writer, store._glancer, store._searcher) if desk is not None]
    for desk in desks:
        await desk.ask(lambda on: getattr(on, "db", on).set_trace_callback(said.add))
    await doing(store)
    for desk in desks:
        await desk.ask(lambda on: getattr(on, "db", on).set_trace_callback(None))
    return {each for each in said if each.split()[0] in {"SELECT", "UPDATE", "DELETE", "INSERT", "WITH"}}


def scans(path: Path, statements: set[str]) -> list[str]:
    """Where these read a large table from one end to the other, in whatever order."""
    found: list[str] = []
    with closing(sqlite3.connect(path)) as db:
        equip(db)
        for statement in statements:
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {statement}"):
                if any(step.startswith(f"SCAN {table}") for table in LARGE):
                    found.append(f"{step}: {statement}")
    return found


def sorts(path: Path, statements: set[str]) -> list[str]:
    """Where these sort what they have read, because it did not come in order."""
    with closing(sqlite3.connect(path)) as db:
        equip(db)
        steps = [(step, each) for each in statements for *_, step in db.execute(f"EXPLAIN QUERY PLAN {each}")]
    return [f"{step}: {each}" for step, each in steps if "TEMP B-TREE FOR ORDER" in step]


async def work(store: SQLiteStore) -> None:
    unique = Unique(key="u", clash=Clash.REPLACE)
    await put(store, Limit(id="queue/default", running=3, starts=9, per=60), a_schedule("s"))
    await add(
        store, a_run("a"), a_run("b", after=("a",)), a_run("c", unique=unique, tags=("x",)), a_run("d", unique=unique)
    )
    await put(store, Limit(id="key/k", running=0))
    await add(store, a_run("e", lanes=("key/k",)), a_run("t", unique=Unique(key="t", until=70)))
    a, *others = await take(store, 5)
    await beat(store, a, 6, lines=(a_line("hello"),))
    await again(store, a, 7, spawn=(a_run("f"),), wait=("f",))
    await store.finish([an_ending(run) for run in others], 8)
    await store.turn([], Claim(worker="w", limit=5, lease=LEASE, queues=("default", "mail")), 9)
    await store.fire([a_firing(await the_schedule(store, "s"), a_run("g", schedule="s"), wakes_at=90)], 10, 10)
    await take(store, 500)
    await cancel(store, "g", 501)
    await amend(store, "e", 502, due_at=600)
    await amend(store, "g", 503, revive=True)
    await store.finish([an_ending(run, State.FAILED) for run in await take(store, 2_000)], 2_001)
    await store.prune(3_000, 1, 2)
    await store.drop(Schedule, ["s"])


async def test_no_verb_reads_a_table_from_end_to_end(store: SQLiteStore) -> None:
    said = await what_it_says(store, work)

    assert len(said) > 30
    assert scans(store.path, said) == []
    assert sorts(store.path, said) == []


@pytest.mark.parametrize(
    "query",
    [
        Query(ids=("a", "b")),
        Query(states=(State.FAILED, State.PENDING)),
        Query(jobs=("mail",), since=5),
        Query(schedules=("daily",), after="x"),
        Query(queues=("slow",), oldest_first=True),
        Query(workers=("w1", "w2")),
        Query(tags=("x", "y")),
        Query(meta={"tenant": "acme", "owner": {"name": "Zoë"}}),
        Query(states=(State.SUCCEEDED,), jobs=("mail",)),
    ],
)
async def test_no_filter_that_has_an_index_reads_all_runs(store: SQLiteStore, query: Query) -> None:
    async def ask(store: SQLiteStore) -> None:
        await store.find(query)
        await store.tally(query, "job")

    assert scans(store.path, await what_it_says(store, ask)) == []


@pytest.mark.parametrize("query", [Query(), Query(limit=3, after="x"), Query(oldest_first=True)])
async def test_a_page_of_all_runs_is_read_in_order_and_not_sorted(store: SQLiteStore, query: Query) -> None:
    said = await what_it_says(store, lambda store: store.find(query))

    assert len(scans(store.path, said)) <= 1
    assert sorts(store.path, said) == []


async def test_reading_a_table_from_end_to_end_would_be_noticed(store: SQLiteStore) -> None:
    assert scans(store.path, {"SELECT id FROM runs WHERE reason = 'x'"}) != []
