"""What a join costs: as much for the last of a hundred thousand parts as for one of a hundred. Counted, not timed."""

import sys
from pathlib import Path
from typing import Any, Self

import asyncpg
import pytest

from foliot import flow
from foliot.model import Claim, Ending, Page, Query, Run, State
from foliot.scheduler import Scheduler
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.stores.postgres import PostgresStore
from foliot.stores.sqlite import SQLiteStore
from foliot.testing import simulated

PAGE = 400


def a_page(n: int) -> list[Run]:
    """Some parts of a fan-out, and the join that waits for them."""
    parts = [Run(id=f"p.{n:03}.{i:05}", job="part", parent="p", due_at=0, created_at=0) for i in range(PAGE)]
    after = tuple(each.id for each in parts)
    return [*parts, Run(id=f"p.{n:03}.join", job="foliot.join", due_at=0, created_at=0, after=after)]


async def fanned_out(store: Store, pages: int) -> None:
    """A parent that waits for the joins of so many pages, whose parts all run to their end."""
    joins = tuple(f"p.{n:03}.join" for n in range(pages))
    await store.add([Run(id="p", job="p", due_at=0, created_at=0, priority=0)], 0)
    for n in range(pages):
        await store.add(a_page(n), 0)
    while runs := (await store.claim(Claim(worker="w", limit=PAGE, lease=1_000_000), 1)).runs:
        await store.finish([ending(run, joins) for run in runs], 1)


def ending(run: Run, joins: tuple[str, ...]) -> Ending:
    if run.id == "p" and run.token == 1:
        return Ending(run=run.id, token=run.token, state=State.PENDING, wait=joins)
    return Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result="1")


class Calls:
    """Counts the calls of functions while it stands."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _called(self, frame: Any, event: str, arg: Any) -> None:
        self.count += event in ("call", "c_call")


async def calls_per_part(pages: int) -> float:
    store = MemoryStore()
    with Calls() as calls:
        await fanned_out(store, pages)
    return calls.count / (pages * PAGE)


@pytest.mark.untraced
async def test_in_memory_a_part_costs_the_same_whether_it_is_one_of_hundreds_or_of_a_hundred_thousand():
    few, many = await calls_per_part(1), await calls_per_part(250)

    assert many < 1.2 * few


async def steps_per_part(place: Path, pages: int) -> float:
    """How many instructions of SQLite's machine a part costs, in units of a thousand."""
    store = SQLiteStore(place, durability="relaxed")
    await store.open()
    ticks: list[None] = []
    await store._writer.ask(lambda on: on.db.set_progress_handler(lambda: ticks.append(None), 1000))  # type: ignore[union-attr]
    await fanned_out(store, pages)
    await store.close()
    return len(ticks) / (pages * PAGE)


@pytest.mark.untraced
async def test_in_a_file_a_part_costs_the_same_whether_it_is_one_of_hundreds_or_of_ten_thousand(tmp_path: Path):
    few, many = await steps_per_part(tmp_path / "few.db", 1), await steps_per_part(tmp_path / "many.db", 25)

    assert many < 1.5 * few


TOUCHED = """
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del + coalesce(idx_tup_fetch, 0) + seq_tup_read)::float,
      sum(n_tup_del)::integer
    FROM pg_stat_user_tables WHERE schemaname = $1
"""


async def rows_per_part(url: str, namespace: str, pages: int) -> float:
    """How many rows PostgreSQL reads and writes for a part. It says so once a connection is closed."""
    store = PostgresStore(url, namespace=namespace)
    await store.open()
    await fanned_out(store, pages)
    await store.close()
    server = await asyncpg.connect(url)
    released = touched = 0
    while released < pages * PAGE:
        [[touched, released]] = await server.fetch(TOUCHED, namespace)
    await server.close()
    return touched / (pages * PAGE)


@pytest.mark.untraced
async def test_in_postgresql_a_part_costs_the_same_whether_it_is_one_of_hundreds_or_of_ten_thousand(
    postgres_server: str, namespace: str
):
    few, many = [await rows_per_part(postgres_server, f"{namespace}_{pages}", pages) for pages in (1, 15)]

    assert many < 1.2 * few


class Asked(MemoryStore):
    """Remembers which runs were asked for by id."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    async def find(self, query: Query) -> Page:
        self.ids += query.ids
        return await super().find(query)


async def test_a_parent_is_not_looked_at_anew_for_every_batch_of_its_parts():
    store = Asked()
    scheduler = Scheduler(store, concurrency=5)

    @scheduler.job(name="part")
    async def part(n: int) -> int:
        return n

    async with simulated(scheduler, store=store) as time:
        handle = await flow.map(part, range(200)).enqueue()
        await time.settle()
        result = await handle.result()

    assert result == list(range(200))
    assert store.ids.count(handle.id) < 10


async def test_a_reduce_that_is_done_needs_no_look_at_what_it_was_made_of():
    store = Asked()
    scheduler = Scheduler(store, concurrency=5)
    part, total = scheduler.job(name="part")(_same), scheduler.job(name="total")(_sum)

    async with simulated(scheduler, store=store) as time:
        handle = await flow.map(part, range(50)).reduce(total).enqueue()
        await time.settle()
        result = await handle.result()

    assert result == sum(range(50))
    assert store.ids.count(f"{handle.id}.0.join-00000") == 1


async def _same(n: int) -> int:
    return n


async def _sum(numbers: list[int]) -> int:
    return sum(numbers)
