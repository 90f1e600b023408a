"""The schema: made by whoever comes first, readable by anybody, and refused when it is not as this version made it."""

import asyncio
import json

import asyncpg
import pytest
from tests.cli.console import Console
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.errors import SettingsError, StoreCorrupt
from foliot.model import Claim, Fate, Limit, Run, Schedule
from foliot.stores.postgres import PostgresStore
from foliot.stores.postgres.connections import Address, Connections
from foliot.stores.postgres.migrating import bring_up_to_date
from foliot.stores.postgres.schema import MIGRATIONS, Migration, script

A_RUN = Run(id="a", job="job", due_at=0, created_at=0)
A_SCHEDULE = Schedule(id="s", job="job", trigger="{}", created_at=0, wakes_at=0)
MORE = Migration("one more table", "CREATE TABLE more (id text PRIMARY KEY);")


async def changed(server: str, sql: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(sql)
    await connection.close()


async def asked(server: str, sql: str) -> list[tuple]:
    connection = await asyncpg.connect(server)
    rows = await connection.fetch(sql)
    await connection.close()
    return [tuple(row) for row in rows]


async def test_of_many_nodes_that_open_a_fresh_database_each_finds_it_ready(postgres_server: str, namespace: str):
    stores = [PostgresStore(postgres_server, namespace=namespace) for _ in range(6)]

    await asyncio.gather(*(store.open() for store in stores))

    assert [each.fate for each in await stores[3].add([A_RUN], 0)] == [Fate.ADDED]
    kept = await asked(postgres_server, f"SELECT number, name FROM {namespace}.migrations ORDER BY number")
    assert kept == list(enumerate((each.name for each in MIGRATIONS), 1))
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_run_is_a_row_that_plain_sql_can_read(postgres_server: str, namespace: str):
    store = PostgresStore(postgres_server, namespace=namespace)
    await store.open()
    await store.add([Run(id="a", job="job", due_at=5, created_at=0, tags=("x",), args='{"n":1}')], 0)
    await store.close()

    told = await asked(postgres_server, f"SELECT id, job, state, due_at, tags, args FROM {namespace}.runs")

    assert told == [("a", "job", "pending", 5, ["x"], '{"n":1}')]


@pytest.mark.parametrize("ends", [("_a", '_"b"'), ("_a", "_A"), ("_é 中", "_'.$1")])
async def test_two_namespaces_in_one_database_never_see_each_other(
    postgres_server: str, namespace: str, ends: tuple[str, str]
):
    mine, yours = (PostgresStore(postgres_server, namespace=f"{namespace}{end}") for end in ends)
    await mine.open()
    await yours.open()

    await mine.add([A_RUN], 0)
    await mine.put([A_SCHEDULE, Limit(id="queue/default", running=0)])

    assert [each.fate for each in await yours.add([A_RUN], 0)] == [Fate.ADDED]
    assert [run.id for run in (await yours.claim(Claim(worker="w", limit=1, lease=1), 0)).runs] == ["a"]
    assert (await yours.fire([], 0, 1)).due == ()
    await asyncio.gather(mine.close(), yours.close())


async def test_a_schema_from_a_newer_version_is_refused(postgres_server: str, namespace: str):
    await changed(postgres_server, script(namespace, (*MIGRATIONS, MORE)))

    with pytest.raises(StoreCorrupt, match=r"newer Foliot \('one more table'\); upgrade Foliot"):
        await PostgresStore(postgres_server, namespace=namespace).open()


async def test_a_schema_made_by_another_step_is_refused(postgres_server: str, namespace: str):
    await changed(postgres_server, script(namespace))
    await changed(postgres_server, f"UPDATE {namespace}.migrations SET checksum = 'other'")

    with pytest.raises(StoreCorrupt, match="made by another step"):
        await PostgresStore(postgres_server, namespace=namespace).open()


async def test_older_nodes_work_on_while_a_newer_one_adds_its_step(postgres_server: str, namespace: str):
    older = PostgresStore(postgres_server, namespace=namespace)
    await older.open()
    newer = Connections(Address(postgres_server, namespace))

    applied = await bring_up_to_date(
        newer, Address(postgres_server, namespace), apply=True, migrations=(*MIGRATIONS, MORE)
    )

    assert applied == 1
    assert [each.fate for each in await older.add([A_RUN], 0)] == [Fate.ADDED]
    await newer.close()
    await older.close()


async def test_a_step_that_fails_leaves_nothing_behind(postgres_server: str, namespace: str):
    broken = Migration("broken", "CREATE TABLE half (id text); SELECT 1 / 0;")
    connections = Connections(Address(postgres_server, namespace))

    with pytest.raises(Exception, match="division by zero"):
        await bring_up_to_date(connections, Address(postgres_server, namespace), apply=True, migrations=[broken])

    assert await asked(postgres_server, f"SELECT to_regclass('{namespace}.half')") == [(None,)]
    await connections.close()


async def test_who_may_not_migrate_is_told_what_is_missing_and_opens_what_is_there(
    postgres_server: str, namespace: str
):
    modest = PostgresStore(postgres_server, namespace=namespace, migrate=False)
    with pytest.raises(SettingsError, match="has 0 of 2 migrations, and migrate=no"):
        await modest.open()

    await changed(postgres_server, script(namespace))

    await modest.open()
    assert await modest.records(Schedule) == []
    await modest.close()


@pytest.mark.parametrize("name", ["", "x" * 64, "a}b", "{0}", "a%s", "a:b"])
async def test_a_name_that_no_schema_can_have_is_refused(postgres_server: str, name: str):
    with pytest.raises(SettingsError, match="a schema's name has 1 to 63 bytes"):
        await PostgresStore(postgres_server, namespace=name).open()


# foliot migrate


def migrate(url: str, *words: str) -> str:
    told = CliRunner().invoke(app, ["--store", url, "migrate", *words], prog_name="foliot")
    assert told.exit_code == 0, told.output
    return told.stdout


def test_migrate_applies_what_is_missing_and_says_how_much(postgres_url: str):
    assert [migrate(f"{postgres_url}&migrate=no") for _ in range(2)] == ["2 steps applied.\n", "It is up to date.\n"]


def test_what_migrate_prints_does_what_it_would_do(postgres_server: str, postgres_url: str):
    printed = migrate(postgres_url, "--sql")
    document = json.loads(migrate(postgres_url, "--sql", "--json"))

    asyncio.run(changed(postgres_server, printed))
    asyncio.run(changed(postgres_server, document["sql"]))

    assert migrate(postgres_url) == "It is up to date.\n"


def test_migrate_is_for_postgresql_only(tmp_path):
    refused = Console(tmp_path).typed("migrate")

    assert refused.exit_code == 1
    assert "only PostgreSQL stores are migrated by hand" in refused.stderr
