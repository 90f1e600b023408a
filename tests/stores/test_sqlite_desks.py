# ruff: noqa: ASYNC240 - a look at the file takes no time
"""The desks: verbs that gather share a commit, a failure is its caller's alone, and readers wait for nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from foliot.errors import StoreError, StoreFull, StoreUnavailable
from foliot.model import Query
from foliot.stores.sqlite import SQLiteStore, adding
from foliot.stores.sqlite import writer as writing
from foliot.stores.sqlite.bulk import STRIDES
from foliot.stores.sqlite.transaction import Transaction
from foliot.stores.sqlite.writer import Desk, Writer
from foliot.testing.exam.scene import a_run, add, an_ending, claim, everything, fates, names, see, take


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path)
    await store.open()
    yield store
    await store.close()


def writer_of(store: SQLiteStore) -> Writer:
    assert store._writer is not None
    return store._writer


@contextmanager
def busy(desk: Desk) -> Iterator[None]:
    """Keep a desk occupied, so that what is asked meanwhile gathers before it."""
    working, done = threading.Event(), threading.Event()

    def work(_: object) -> None:
        working.set()
        done.wait()

    desk.tell(work)
    working.wait()
    try:
        yield
    finally:
        done.set()


async def commits_of(store: SQLiteStore, doing: Callable[[], Any]) -> int:
    """How often SQLite commits while this is done, from a moment when the writer is busy."""
    said: list[str] = []
    await writer_of(store).ask(lambda tx: tx.db.set_trace_callback(said.append))
    with busy(writer_of(store)):
        doings = doing()
    await doings
    await writer_of(store).ask(lambda tx: tx.db.set_trace_callback(None))
    return said.count("COMMIT") - 2  # the tracer's own and that of who kept the writer busy


# groups


async def test_verbs_that_gather_share_one_commit(store: SQLiteStore) -> None:
    count = await commits_of(store, lambda: asyncio.gather(*(add(store, a_run(f"{n}")) for n in range(20))))

    assert count == 1
    assert len(await everything(store)) == 20


async def test_a_group_has_a_largest_size(store: SQLiteStore) -> None:
    many = 2 * writing.GROUP + 1

    count = await commits_of(store, lambda: asyncio.gather(*(add(store, a_run(f"{n}")) for n in range(many))))

    assert count == 3


async def test_verbs_of_one_group_see_each_other_in_order(store: SQLiteStore) -> None:
    with busy(writer_of(store)):
        doings = asyncio.gather(add(store, a_run("a")), fates(store, a_run("a"), a_run("b")))

    _, known = await doings
    assert known == ["known", "added"]


async def test_a_claim_takes_also_what_the_others_of_its_group_make_due(store: SQLiteStore) -> None:
    with busy(writer_of(store)):
        doings = asyncio.gather(take(store), add(store, a_run("a")))

    taken, _ = await doings
    assert names(taken) == ["a"]


async def test_who_no_longer_waits_keeps_nobody_from_the_answer(store: SQLiteStore) -> None:
    with busy(writer_of(store)):
        gone, stayed = asyncio.ensure_future(add(store, a_run("a"))), asyncio.ensure_future(add(store, a_run("b")))
        await asyncio.sleep(0)
        gone.cancel()

    assert [each.id for each in await stayed] == ["b"]


async def test_verbs_may_come_from_several_event_loops(store: SQLiteStore) -> None:
    others = [asyncio.to_thread(asyncio.run, add(store, a_run(name))) for name in "abc"]

    await asyncio.gather(add(store, a_run("d")), *others)

    assert names(await everything(store)) == ["d", "c", "b", "a"]


async def test_an_event_loop_that_is_gone_keeps_nobody_from_the_answer(store: SQLiteStore) -> None:
    async def ask_and_go() -> None:
        writer_of(store).ask(lambda _: "too late")

    with busy(writer_of(store)):
        await asyncio.to_thread(asyncio.run, ask_and_go())
        adding = asyncio.ensure_future(add(store, a_run("a")))
        await asyncio.sleep(0)

    assert [each.id for each in await adding] == ["a"]


@pytest.mark.parametrize("size", [1, 9, *(stride + 1 for stride in STRIDES), 234])
async def test_a_batch_of_any_size_is_written_whole(store: SQLiteStore, size: int) -> None:
    await add(store, *(a_run(f"{n:03}") for n in range(size)))

    taken = (await claim(store, limit=size)).runs
    done = await store.finish([an_ending(run) for run in taken], 1)

    assert names(taken) == [f"{n:03}" for n in range(size)]
    assert done == [True] * size
    assert await store.tally(Query(), "state") == {"succeeded": size}


# failures


async def test_a_failing_verb_fails_its_own_caller_only(store: SQLiteStore) -> None:
    def fails(tx: Transaction) -> None:
        tx.db.execute("DELETE FROM runs")
        raise ZeroDivisionError

    with busy(writer_of(store)):
        doings = [add(store, a_run("a")), writer_of(store).ask(fails), add(store, a_run("b"))]
        gathered = asyncio.gather(*doings, return_exceptions=True)

    answers = await gathered
    assert [type(each) for each in answers] == [list, ZeroDivisionError, list]
    assert names(await everything(store)) == ["b", "a"]


async def test_a_verb_that_loses_the_whole_transaction_loses_only_itself(store: SQLiteStore) -> None:
    def gives_up_everything(tx: Transaction) -> None:
        tx.db.execute("INSERT INTO counters VALUES ('mine', 1)")
        tx.db.execute("INSERT OR ROLLBACK INTO counters VALUES ('mine', 2)")

    with busy(writer_of(store)):
        doings = [add(store, a_run("a")), writer_of(store).ask(gives_up_everything), add(store, a_run("b"))]
        gathered = asyncio.gather(*doings, return_exceptions=True)

    assert [type(each) for each in await gathered] == [list, StoreError, list]
    assert names(await everything(store)) == ["b", "a"]


async def test_what_cannot_be_undone_is_never_committed(store: SQLiteStore, path: Path) -> None:
    def fails(tx: Transaction) -> None:
        tx.db.execute("INSERT INTO counters VALUES ('half', 1)")
        tx.db.set_authorizer(lambda _, what, *__: sqlite3.SQLITE_DENY if what == "ROLLBACK" else sqlite3.SQLITE_OK)
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(StoreError):
            await writer_of(store).ask(fails)
    await asyncio.to_thread(writer_of(store)._db.set_authorizer, None)

    assert await fates(store, a_run("a")) == ["added"]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM counters WHERE name = 'half'").fetchone() == (0,)


async def test_a_value_that_cannot_be_kept_fails_its_own_caller_only(store: SQLiteStore) -> None:
    with busy(writer_of(store)):
        gathered = asyncio.gather(add(store, a_run("a", due_at=2**70)), add(store, a_run("b")), return_exceptions=True)

    too_large, added = await gathered
    assert isinstance(too_large, OverflowError)
    assert isinstance(added, list)
    assert names(await everything(store)) == ["b"]


async def test_a_failing_commit_fails_its_group_and_writes_nothing(store: SQLiteStore) -> None:
    def forbid_commits(tx: Transaction) -> None:
        tx.db.set_authorizer(lambda action, what, *_: sqlite3.SQLITE_DENY if what == "COMMIT" else sqlite3.SQLITE_OK)

    with busy(writer_of(store)):
        doings = [add(store, a_run("a")), writer_of(store).ask(forbid_commits), add(store, a_run("b"))]
        gathered = asyncio.gather(*doings, return_exceptions=True)

    assert [type(each) for each in await gathered] == [StoreError] * 3
    assert await everything(store) == []


async def test_the_writer_goes_on_after_a_failing_commit(store: SQLiteStore) -> None:
    def forbid_one_commit(tx: Transaction) -> None:
        def judge(_: int, what: str | None, *__: object) -> int:
            return sqlite3.SQLITE_DENY if what == "COMMIT" else sqlite3.SQLITE_OK

        tx.db.set_authorizer(judge)
        writer_of(store).tell(lambda tx: tx.db.set_authorizer(None))

    with pytest.raises(StoreError):
        await writer_of(store).ask(forbid_one_commit)

    assert await fates(store, a_run("a")) == ["added"]


async def fill_up(store: SQLiteStore) -> None:
    """Let the file grow no further."""

    def no_more_pages(tx: Transaction) -> None:
        [[pages]] = tx.db.execute("PRAGMA page_count").fetchall()
        tx.db.execute(f"PRAGMA max_page_count = {pages + 2}")

    await writer_of(store).ask(no_more_pages)


async def test_a_full_disk_is_told_as_full_and_nothing_is_written(store: SQLiteStore) -> None:
    await add(store, a_run("a"))
    await fill_up(store)

    with pytest.raises(StoreFull, match="prune"):
        await add(store, a_run("b"), *(a_run(f"{n}", args=f'"{"x" * 9999}"') for n in range(20)))

    assert names(await everything(store)) == ["a"]


async def test_who_wants_little_of_a_full_disk_still_gets_it(store: SQLiteStore) -> None:
    await add(store, a_run("a"))
    await fill_up(store)
    large = [a_run(f"{n}", args=f'"{"x" * 9999}"') for n in range(20)]

    with busy(writer_of(store)):
        gathered = asyncio.gather(take(store), add(store, *large), fates(store, a_run("a")), return_exceptions=True)

    taken, full, known = await gathered
    assert isinstance(taken, list)
    assert (names(taken), type(full), known) == (["a"], StoreFull, ["known"])


async def test_there_is_room_again_after_pruning_a_full_store(store: SQLiteStore) -> None:
    await add(store, *(a_run(f"{n}", args=f'"{"x" * 9999}"') for n in range(20)))
    await store.finish([an_ending(run) for run in await take(store, limit=20)], 5)
    await fill_up(store)

    await store.prune(10, None, 100)

    assert len(await fates(store, *(a_run(f"{n}", args=f'"{"x" * 9999}"') for n in range(15)))) == 15


class SmallDisk(sqlite3.Connection):
    """A connection on a disk that is full as soon as there is a log."""

    log: Path

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.log.stat().st_size:
            super().execute("ROLLBACK")
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return super().execute(sql, *parameters)


async def test_a_log_that_fills_the_disk_is_moved_into_the_file(store: SQLiteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=SmallDisk)) as db:
        db.log = Path(f"{path}-wal")
        small = Writer("small", db, path, lambda db, hints: None)

        for name in ("a", "b"):
            await small.ask(lambda tx, name=name: adding.add(tx, [a_run(name)], 0))
        small.close()

    assert names(await everything(store)) == ["b", "a"]


# locks


async def test_a_file_that_stays_locked_is_told_as_locked(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOCK_WAIT", 0.02)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked by another program"):
            await add(store, a_run("a"))

    assert await fates(store, a_run("a")) == ["added"]


async def test_a_file_that_is_locked_for_a_moment_is_waited_for(store: SQLiteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        adding = asyncio.ensure_future(add(store, a_run("a")))
        await everything(store)
        other.execute("COMMIT")

        await adding

    assert names(await everything(store)) == ["a"]


# readers


async def test_nobody_who_reads_waits_for_who_writes(store: SQLiteStore) -> None:
    await add(store, a_run("a"))

    with busy(writer_of(store)):
        adding = asyncio.ensure_future(add(store, a_run("b")))
        found = await everything(store)

    await adding
    assert names(found) == ["a"]


async def test_nobody_who_writes_waits_for_who_reads(store: SQLiteStore) -> None:
    assert store._searcher is not None

    with busy(store._searcher):
        finding = asyncio.ensure_future(everything(store))
        assert await fates(store, a_run("a")) == ["added"]

    assert names(await finding) == ["a"]


async def test_nobody_who_looks_up_a_run_waits_for_who_searches(store: SQLiteStore) -> None:
    await add(store, a_run("a"))
    assert store._searcher is not None

    with busy(store._searcher):
        assert (await see(store, "a")).id == "a"


async def test_what_was_answered_is_seen_by_who_reads_next(store: SQLiteStore) -> None:
    for n in range(20):
        await add(store, a_run(f"{n:02}"))
        assert len(await everything(store)) == n + 1


async def test_a_question_that_makes_no_sense_is_its_askers_error(store: SQLiteStore) -> None:
    with pytest.raises(ValueError, match=r"by 'colour'.*tag or meta"):
        await store.tally(Query(), "colour")

    assert await everything(store) == []


# life


async def test_closing_does_first_what_was_accepted(store: SQLiteStore) -> None:
    with busy(writer_of(store)):
        adding = [asyncio.ensure_future(add(store, a_run(f"{n:03}"))) for n in range(100)]
        await asyncio.sleep(0)
        closing_down = asyncio.ensure_future(store.close())
        await asyncio.sleep(0)

    await closing_down
    assert len(await asyncio.gather(*adding)) == 100
    await store.open()
    assert len(await everything(store)) == 100


@pytest.mark.parametrize("verb", [lambda store: store.add([], 0), lambda store: store.find(Query())])
async def test_a_store_that_is_not_open_says_so(path: Path, verb: Callable[[SQLiteStore], Any]) -> None:
    store = SQLiteStore(path)

    with pytest.raises(StoreUnavailable, match="open it first"):
        await verb(store)


async def test_a_desk_that_is_closed_takes_nothing_more(store: SQLiteStore) -> None:
    desk = writer_of(store)
    await store.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        desk.tell(lambda _: None)


async def test_a_file_that_was_removed_is_missed(store: SQLiteStore, path: Path) -> None:
    await add(store, a_run("a"))
    path.rename(path.with_suffix(".moved"))

    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        await add(store, a_run("b"))

    path.with_suffix(".moved").rename(path)
    assert await fates(store, a_run("b")) == ["added"]


async def test_the_log_is_cut_back_where_sqlite_does_not_get_to_it(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = path.with_name("jobs.db-wal")
    await add(store, a_run("a"))
    before = log.stat().st_size
    monkeypatch.setattr(writing, "LOG_LOOKS", 1)
    monkeypatch.setattr(writing, "WAL_KEPT", 0)

    await add(store, a_run("b"))
    await add(store, a_run("c"))  # the look comes after the answer

    assert log.stat().st_size < before


FORK = """
import asyncio, os, sys
from foliot.errors import StoreUnavailable
from foliot.stores.sqlite import SQLiteStore

async def main(path):
    store = SQLiteStore(path)
    await store.open()
    if os.fork() == 0:
        try:
            await store.add([], 0)
        except StoreUnavailable as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
    await store.add([], 0)
    await store.close()
    print("the parent goes on")

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_is_told_to_open_its_own(path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(path)], capture_output=True, text=True, check=True
    )

    assert "before this process forked; open a store of its own" in said.stdout
    assert said.stdout.endswith("the parent goes on\n")
