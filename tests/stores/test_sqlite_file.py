# ruff: noqa: ASYNC240 - these tests are about files
"""The file: made once, brought up to date, and never touched when it is not ours."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.stores.sqlite import SQLiteStore
from foliot.stores.sqlite.connection import _switch_to_wal, checkpoint_pages, explained, writable
from foliot.stores.sqlite.schema import APPLICATION, FIRST, MIGRATIONS, Migration, migrate
from foliot.testing.exam.scene import a_run, add, everything, names

SECOND = Migration(
    "a colour for runs", "ALTER TABLE runs ADD COLUMN colour TEXT; CREATE TABLE paints (name TEXT) STRICT"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path)
    await store.open()
    yield store
    await store.close()


def change(path: Path, *statements: str) -> None:
    """Do something to the file behind the store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def ask(path: Path, statement: str) -> object:
    """The first thing that a statement answers."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchone()[0]


async def given_a_store_with_a_run(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await add(store, a_run("a"))
    await store.close()


async def refused(path: Path, error: type[Exception] = StoreCorrupt) -> str:
    """Why a store at this path cannot be opened."""
    with pytest.raises(error) as caught:
        await SQLiteStore(path).open()
    return str(caught.value)


# what it is


async def test_a_file_of_ours_says_so_in_its_header(store: SQLiteStore, path: Path) -> None:
    assert ask(path, "PRAGMA application_id") == APPLICATION
    assert ask(path, "PRAGMA journal_mode") == "wal"


@pytest.mark.parametrize(("free", "pages"), [(10**12, 4000), (1024 * 1024, 32), (0, 1)])
def test_on_a_small_disk_the_log_is_kept_short(free: int, pages: int) -> None:
    assert checkpoint_pages(free) == pages


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("relaxed", 1)])
def test_commits_are_synced_unless_asked_otherwise(path: Path, durability, synchronous: int) -> None:
    with closing(writable(path, durability)) as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == synchronous


async def test_a_run_is_a_row_that_people_can_read(store: SQLiteStore, path: Path) -> None:
    await add(store, a_run("a", job="mail", queue="slow", tags=("x",), meta={"tenant": "acme"}, due_at=7))

    with closing(sqlite3.connect(path)) as db:
        row = db.execute(
            "SELECT id, job, queue, state, due_at, tags, json_extract(meta, '$.tenant') FROM runs"
        ).fetchone()
    assert row == ("a", "mail", "slow", "pending", 7, '["x"]', "acme")


# what is not ours


async def test_a_missing_directory_is_named_and_not_made(tmp_path: Path) -> None:
    why = await refused(tmp_path / "nowhere" / "jobs.db", StoreUnavailable)

    assert f"no directory {tmp_path / 'nowhere'}" in why
    assert not (tmp_path / "nowhere").exists()


async def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert "must be a file" in await refused(tmp_path, StoreUnavailable)


@pytest.mark.parametrize("made", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"])
async def test_the_database_of_another_program_is_refused_and_stays_as_it_is(path: Path, made: str) -> None:
    change(path, made)
    before = path.read_bytes()

    assert "another program" in await refused(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["jobs.db"]


async def test_a_text_is_refused_and_stays_as_it_is(path: Path) -> None:
    path.write_text("Dear diary,\n" * 1000)

    assert "no SQLite database" in await refused(path)
    assert path.read_text().startswith("Dear diary")


async def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()

    await given_a_store_with_a_run(path)

    assert ask(path, "SELECT id FROM runs") == "a"


async def test_a_damaged_file_is_told_as_damaged_with_the_remedy(path: Path) -> None:
    await given_a_store_with_a_run(path)
    root = ask(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'")
    assert isinstance(root, int)
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    store = SQLiteStore(path)
    await store.open()

    with pytest.raises(StoreCorrupt, match=r"damaged.*\.recover"):
        await everything(store)
    await store.close()


SAID = [
    (sqlite3.SQLITE_FULL, StoreFull, "prune"),
    (sqlite3.SQLITE_BUSY, StoreUnavailable, "locked by another program"),
    (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable, "locked by another program"),
    (sqlite3.SQLITE_NOTADB, StoreCorrupt, "give another path"),
    (sqlite3.SQLITE_CORRUPT_INDEX, StoreCorrupt, "restore a backup"),
    (sqlite3.SQLITE_CANTOPEN, StoreUnavailable, "must be a file in a directory"),
    (sqlite3.SQLITE_READONLY_DIRECTORY, StoreUnavailable, "let this user write"),
    (sqlite3.SQLITE_IOERR_WRITE, StoreUnavailable, "look at the disk"),
    (sqlite3.SQLITE_CONSTRAINT, StoreError, "nothing was written"),
]


@pytest.mark.parametrize("said", SAID)
def test_what_sqlite_says_is_said_with_the_place_and_the_remedy(said: tuple[int, type[StoreError], str]) -> None:
    code, kind, remedy = said
    error = sqlite3.OperationalError("what it says")
    error.sqlite_errorcode = code

    told = explained(error, Path("/data/jobs.db"))

    assert type(told) is kind
    assert remedy in str(told)
    assert "/data/jobs.db" in str(told)


def test_a_file_system_that_cannot_share_memory_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as db, pytest.raises(StoreUnavailable, match="put it on a local disk"):
        _switch_to_wal(db, path)


# migrations


async def test_a_file_is_brought_up_to_date_and_keeps_what_is_in_it(path: Path) -> None:
    await given_a_store_with_a_run(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, (*MIGRATIONS, SECOND))

    assert ask(path, "SELECT count(*) FROM migrations") == len(MIGRATIONS) + 1
    assert ask(path, "SELECT id FROM runs WHERE colour IS NULL") == "a"
    assert ask(path, "SELECT count(*) FROM paints") == 0


async def test_migrating_twice_is_migrating_once(path: Path) -> None:
    for _ in range(2):
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            migrate(db, path, (*MIGRATIONS, SECOND))

    assert ask(path, "SELECT count(*) FROM migrations") == len(MIGRATIONS) + 1


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    await given_a_store_with_a_run(path)
    broken = Migration("broken", "CREATE TABLE half (x); CREATE TABLE runs (x)")

    with closing(sqlite3.connect(path, isolation_level=None)) as db, pytest.raises(sqlite3.OperationalError):
        migrate(db, path, (*MIGRATIONS, broken))

    assert ask(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0
    await given_a_store_with_a_run(path)


async def test_a_file_of_a_newer_foliot_is_refused(path: Path) -> None:
    await given_a_store_with_a_run(path)
    change(path, "INSERT INTO migrations VALUES (99, 'the future', 'x')")

    assert "newer Foliot ('the future'); upgrade" in await refused(path)


async def test_a_file_made_by_another_step_of_that_name_is_refused(path: Path) -> None:
    await given_a_store_with_a_run(path)
    change(path, "UPDATE migrations SET checksum = 'other' WHERE number = 1")

    assert FIRST.name in await refused(path)


@pytest.mark.parametrize(
    "damage", ["DROP INDEX runs_due", "ALTER TABLE lines RENAME COLUMN text TO said", "DROP TABLE waits"]
)
async def test_an_altered_schema_is_refused(path: Path, damage: str) -> None:
    await given_a_store_with_a_run(path)
    change(path, damage)

    why = await refused(path)

    assert "altered schema" in why
    assert damage.split()[2] in why


async def test_a_file_without_its_table_of_migrations_is_refused(path: Path) -> None:
    await given_a_store_with_a_run(path)
    change(path, "DROP TABLE migrations")

    assert "lost its table of migrations" in await refused(path)


async def test_what_people_add_to_the_file_is_theirs(path: Path) -> None:
    await given_a_store_with_a_run(path)
    change(
        path, "CREATE INDEX mine ON runs (reason)", "CREATE VIEW failed AS SELECT * FROM runs WHERE state = 'failed'"
    )

    await given_a_store_with_a_run(path)

    assert ask(path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('mine', 'failed')") == 2


# several processes

OPENER = """
import asyncio, sys
from foliot.model import Run
from foliot.stores.sqlite import SQLiteStore

async def main(path, name):
    store = SQLiteStore(path)
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open()
    await store.add([Run(id=name, job="job", due_at=0, created_at=0)], 0)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_that_open_a_fresh_file_at_once_make_it_once(path: Path) -> None:
    several = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in "abcd"
    ]
    for each in several:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in several:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in several:
        each.communicate()

    assert [each.returncode for each in several] == [0, 0, 0, 0]
    assert ask(path, "SELECT count(*) FROM migrations") == len(MIGRATIONS)
    assert ask(path, "SELECT group_concat(id, '') FROM (SELECT id FROM runs ORDER BY id)") == "abcd"


async def test_a_store_may_be_opened_where_another_is_open(store: SQLiteStore, path: Path) -> None:
    await add(store, a_run("a"))
    other = SQLiteStore(path)
    await other.open()

    await add(other, a_run("b"))

    assert names(await everything(store)) == ["b", "a"]
    await other.close()
