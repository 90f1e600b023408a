"""The doorbell: who watches hears of what others did, in this process and in others, without asking."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from foliot.model import Hint, Limit, Topic
from foliot.stores.sqlite import SQLiteStore
from foliot.testing.exam.keeping import PATIENCE
from foliot.testing.exam.scene import a_run, a_schedule, add, again, amend, cancel, finish, names, put, take, take_one

Heard = asyncio.Queue[Hint]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(path)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(path: Path) -> AsyncIterator[SQLiteStore]:
    """Another store on the same file, as another process would have."""
    other = SQLiteStore(path)
    await other.open()
    yield other
    await other.close()


async def listening(store: SQLiteStore) -> Heard:
    """Watch a store from here on, and go on when its door can be found."""
    heard: Heard = asyncio.Queue()
    await put(store)  # whatever went before has been told by now
    store.watch(heard.put_nowait)
    await put(store)
    return heard


async def next_of(heard: Heard, topic: Topic) -> int | None:
    """From when on something is due, as the next hint about this topic says."""
    async with asyncio.timeout(PATIENCE):
        while (hint := await heard.get()).topic != topic:
            pass
    return hint.at


def doors(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as db:
        return {port for [port] in db.execute("SELECT port FROM bells")}


# what is told


async def test_new_runs_are_told_with_when_the_first_is_due(store: SQLiteStore) -> None:
    heard = await listening(store)

    await add(store, a_run("a", due_at=90), a_run("b", due_at=70))

    assert await next_of(heard, Topic.RUNS) == 70


async def test_a_retry_is_told_with_when_it_is_due(store: SQLiteStore) -> None:
    await add(store, a_run("a"))
    run = await take_one(store)
    heard = await listening(store)

    await again(store, run, due_at=50)

    assert await next_of(heard, Topic.RUNS) == 50


async def test_a_run_that_is_released_is_told(store: SQLiteStore) -> None:
    await add(store, a_run("a"), a_run("b", after=("a",), due_at=40))
    run = await take_one(store)
    heard = await listening(store)

    await finish(store, run, 5)

    assert await next_of(heard, Topic.RUNS) == 40


async def test_a_place_that_becomes_free_is_told_if_somebody_waits_for_it(store: SQLiteStore) -> None:
    await put(store, Limit(id="queue/default", running=1))
    await add(store, a_run("a"), a_run("b"))
    [run] = await take(store)
    heard = await listening(store)

    await finish(store, run, 5)

    assert await next_of(heard, Topic.RUNS) == 5


async def test_a_run_that_is_moved_is_told(store: SQLiteStore) -> None:
    await add(store, a_run("a", due_at=90))
    heard = await listening(store)

    await amend(store, "a", due_at=30)

    assert await next_of(heard, Topic.RUNS) == 30


async def test_a_schedule_that_was_put_is_told_with_when_it_wakes(store: SQLiteStore) -> None:
    heard = await listening(store)

    await put(store, a_schedule("s", wakes_at=60), a_schedule("t", wakes_at=None))

    assert await next_of(heard, Topic.SCHEDULES) == 60


async def test_a_watcher_whose_event_loop_is_gone_is_forgotten(store: SQLiteStore) -> None:
    async def watch_and_go() -> None:
        store.watch(print)

    await asyncio.to_thread(asyncio.run, watch_and_go())
    heard = await listening(store)

    await add(store, a_run("a", due_at=90))
    await add(store, a_run("b", due_at=80))

    assert [await next_of(heard, Topic.RUNS) for _ in range(2)] == [90, 80]


async def test_what_failed_is_not_told(store: SQLiteStore) -> None:
    heard = await listening(store)

    with pytest.raises(OverflowError):
        await add(store, a_run("a", due_at=2**70))
    await put(store, a_schedule("s"))

    assert (await heard.get()).topic == Topic.SCHEDULES


# others


async def test_another_store_on_the_file_hears_it(store: SQLiteStore, other: SQLiteStore) -> None:
    heard = await listening(other)

    await add(store, a_run("a", due_at=90))

    assert await next_of(heard, Topic.RUNS) == 90


async def test_a_cancel_reaches_the_worker_in_another_store(store: SQLiteStore, other: SQLiteStore) -> None:
    await add(store, a_run("a"))
    await take(other)
    heard = await listening(other)

    await cancel(store, "a")

    assert await next_of(heard, Topic.CANCELS) is None


async def test_who_watched_before_the_store_was_opened_hears_it_too(path: Path, store: SQLiteStore) -> None:
    late, heard = SQLiteStore(path), asyncio.Queue[Hint]()
    late.watch(heard.put_nowait)
    await late.open()
    await put(late)

    await add(store, a_run("a", due_at=90))

    assert await next_of(heard, Topic.RUNS) == 90
    await late.close()


ADDER = """
import asyncio, sys
from foliot.model import Run
from foliot.stores.sqlite import SQLiteStore

async def main(path):
    store = SQLiteStore(path)
    await store.open()
    await store.add([Run(id="a", job="job", due_at=70, created_at=0)], 0)
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_another_process_is_heard_here(store: SQLiteStore, path: Path) -> None:
    heard = await listening(store)

    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ADDER, str(path)], check=True)

    assert await next_of(heard, Topic.RUNS) == 70
    assert names(await take(store, 70)) == ["a"]


# doors


async def test_nobody_has_a_door_who_does_not_watch(store: SQLiteStore, path: Path) -> None:
    await add(store, a_run("a"))

    assert doors(path) == set()


async def test_who_stops_watching_takes_the_door_away(store: SQLiteStore, path: Path) -> None:
    first, second = store.watch(print), store.watch(print)
    await put(store)
    with_two = doors(path)
    first()
    second()
    await put(store)

    assert (len(with_two), doors(path)) == (1, set())


async def test_a_store_that_is_closed_has_no_door_and_has_one_again_when_it_is_opened(
    store: SQLiteStore, path: Path
) -> None:
    await listening(store)

    await store.close()
    closed = doors(path)
    await store.open()
    await put(store)

    assert (closed, len(doors(path))) == (set(), 1)


async def test_the_door_of_a_process_that_died_is_forgotten(store: SQLiteStore, path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("INSERT INTO bells VALUES (?, 1)", (port,))

    for name in "abc":  # the first ring is lost, and the next one learns of it
        await add(store, a_run(name))
    await put(store)

    assert doors(path) == set()


@pytest.mark.parametrize("noise", [b"", b"\xff\xfe", b"{}", b'[{"topic": "weather"}]', b"x" * 60_000])
async def test_noise_at_the_door_is_no_hint_and_deafens_nobody(
    store: SQLiteStore, other: SQLiteStore, path: Path, noise: bytes
) -> None:
    heard = await listening(other)
    [port] = doors(path)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(noise, ("127.0.0.1", port))
    await add(store, a_run("a", due_at=90))

    assert await heard.get() == Hint(topic=Topic.RUNS, at=90)
