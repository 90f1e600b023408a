"""A claim looks at as many pages whatever the backlog, the history, and the runs before a full lane."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from foliot.model import Limit, Query
from foliot.stores.postgres import PostgresStore, finding
from foliot.stores.postgres.statements import statements

FEW, MANY = 200, 20_000
WISH = "'w', 10, 1000000, ARRAY['', 'A'], ARRAY['@', chr(1114111)], '{}', '{}', 1000"
CLAIM = f"SELECT * FROM claim_2({WISH}, NULL)"


@pytest.fixture
async def store(postgres_server: str, namespace: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_server, namespace=namespace)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def server(store: PostgresStore) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(store.address.url, server_settings={"search_path": store.address.namespace})
    yield connection
    await connection.close()


async def fill(server: asyncpg.Connection, kind: str, count: int, **columns: str) -> None:
    """Put so many runs of a kind there, without ado."""
    given = {"id": f"'{kind}' || lpad(n::text, 8, '0')", "job": "'job'", "queue": "'default'", "place": "'default'"}
    given |= {"priority": "5", "due_at": "n", "created_at": "0", "args": "'{}'"} | columns
    rows = f"SELECT {', '.join(given.values())} FROM generate_series(1, {count}) AS n"
    await server.execute(f"INSERT INTO runs ({', '.join(given)}) {rows}")


async def pages(server: asyncpg.Connection, statement: str) -> int:
    """How many pages a statement looks at, with all that it calls. It is undone."""
    undone = server.transaction()
    await undone.start()
    [[told]] = await server.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
    await undone.rollback()
    plan = json.loads(told)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def settled(server: asyncpg.Connection, statement: str) -> int:
    """The pages of a statement once its plans are made."""
    await pages(server, statement)
    return await pages(server, statement)


async def test_a_claim_costs_the_same_with_a_hundred_times_the_backlog_and_history(server: asyncpg.Connection):
    await fill(server, "due", FEW, wakes_at="n")
    few = await settled(server, CLAIM)

    await fill(server, "later", MANY, wakes_at="1000000 + n")
    await fill(server, "over", MANY, state="'succeeded'", finished_at="n")
    await fill(server, "more", MANY, wakes_at="500 + n % 500")
    many = await settled(server, CLAIM)

    assert many < 2 * few


async def test_an_empty_claim_looks_at_a_handful_of_pages(server: asyncpg.Connection):
    await fill(server, "later", MANY, wakes_at="1000000 + n")
    await fill(server, "over", MANY, state="'succeeded'", finished_at="n")

    assert await settled(server, CLAIM) < 40


async def test_runs_before_a_full_lane_cost_nothing_once_they_are_parked(
    server: asyncpg.Connection, store: PostgresStore
):
    await store.put([Limit(id="key/full", running=0)])
    await fill(server, "due", FEW, wakes_at="900")
    alone = await settled(server, CLAIM)

    await fill(server, "blocked", 3_000, wakes_at="n % 800", lanes="ARRAY['key/full']")
    for _ in range(3):
        await server.fetch(CLAIM)
    before = await server.fetchval("SELECT count(*) FROM runs WHERE parked = 'key/full'")
    behind = await settled(server, CLAIM)

    assert before == 3_000
    assert behind < 2 * alone


async def test_a_claim_steps_over_what_a_held_snapshot_keeps_dead_no_more_than_once(
    server: asyncpg.Connection, store: PostgresStore
):
    await fill(server, "dead", MANY, wakes_at="n % 500")
    await fill(server, "due", FEW, wakes_at="900")
    holder = await asyncpg.connect(store.address.url)
    await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
    alone = await settled(server, CLAIM)

    await server.execute("UPDATE runs SET wakes_at = NULL WHERE starts_with(id, 'dead')")
    once = await settled(server, "SELECT * FROM heads(ARRAY['', 'A'], ARRAY['@', chr(1114111)], '{}', '{}')")
    behind = await settled(server, CLAIM)
    await holder.close()

    assert once > 3 * alone
    assert behind < 1.5 * once


RUNNING = {"wakes_at": "n", "state": "'running'", "worker": "'w'", "token": "1", "started_at": "0"}
FINISH = (
    "SELECT finish(ARRAY['due00000001'], ARRAY[1], ARRAY['succeeded'], NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL, NULL, NULL, 5)"
)


async def test_an_ending_is_found_by_the_id_of_its_run(server: asyncpg.Connection):
    await fill(server, "due", FEW, **RUNNING)
    few = await settled(server, FINISH)

    await fill(server, "over", MANY, state="'succeeded'", finished_at="n")
    await fill(server, "held", MANY, **RUNNING)
    many = await settled(server, FINISH)

    assert many < 2 * few


async def test_an_ending_does_not_step_over_those_who_waited_once(server: asyncpg.Connection):
    await fill(server, "due", FEW, **RUNNING)
    await server.execute("INSERT INTO waits VALUES ('zzz', 'someone')")
    few = await settled(server, FINISH)

    await server.execute(f"INSERT INTO waits SELECT 'a' || n, 'join' FROM generate_series(1, {MANY}) AS n")
    await server.execute("DELETE FROM waits WHERE run = 'join'")
    many = await settled(server, FINISH)

    assert many < 2 * few


async def test_pruning_a_little_looks_at_little(server: asyncpg.Connection):
    await fill(server, "over", FEW, state="'succeeded'", finished_at="n")
    few = await settled(server, "SELECT prune(100, NULL, 10)")

    await fill(server, "more", MANY, state="'succeeded'", finished_at="n")
    many = await settled(server, "SELECT prune(100, NULL, 10)")

    assert many < 3 * few


async def test_schedules_are_read_by_name_without_reading_the_others(server: asyncpg.Connection, namespace: str):
    named = statements(namespace)["these schedules"].replace("$1", "''").replace("$2", "10").replace("$3", "'{s7, s8}'")
    fill_schedules = (
        "INSERT INTO schedules SELECT 's' || n, 'job', n, 1, '{}' FROM generate_series(%d, %d) AS n; ANALYZE"
    )
    await server.execute(fill_schedules % (1, FEW))
    few = await settled(server, named)

    await server.execute(fill_schedules % (FEW + 1, MANY))

    assert await settled(server, named) <= few + 8


@pytest.mark.parametrize("above", [("over00000001",), ("over00000001", "over00000002")], ids=["of one", "of two"])
async def test_children_are_found_without_looking_through_other_runs(
    server: asyncpg.Connection, namespace: str, above: tuple[str, ...]
):
    await fill(server, "over", MANY, state="'succeeded'", finished_at="n")
    for parent in above:
        await fill(server, f"{parent}.", 5, parent=f"'{parent}'", wakes_at="n")
        await fill(server, f"far from {parent}", 2, parent=f"'{parent}'", wakes_at="n")
    await server.execute("ANALYZE")
    question = finding.find(Query(parents=above, limit=10, brief=True), namespace)

    found = await server.fetch(question.sql, *question.values)
    told = await server.fetch(f"EXPLAIN {question.sql}", *question.values)

    assert len(found) == min(7 * len(above), question.values[-1])
    assert not any("Seq Scan" in line for [line] in told)


async def test_nodes_of_the_version_before_claim_children_too(server: asyncpg.Connection):
    await fill(server, "p.", 2, parent="'p'", wakes_at="n")

    *taken, rest = await server.fetch(f"SELECT * FROM claim({WISH})")

    assert [json.loads(run["more"])["parent"] for run in taken] == ["p", "p"]
    assert rest["id"] is None
