"""Behind PgBouncer in transaction mode: every verb is one statement, and hints that are lost cost only time."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from foliot import Scheduler
from foliot.model import Beat, Change, Claim, Ending, Fate, Hint, Limit, Query, Run, Schedule, State, Topic, Worker
from foliot.stores.postgres import PostgresStore
from foliot.testing.servers.program import Program, binary, free_port

MANY = 30


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[str]:
    """The URL of a pooler with two server connections for all its clients."""
    from sqlalchemy import make_url

    from foliot.testing.servers import ServerMissing

    try:
        program = binary("pgbouncer", beside="usr/sbin", package="pgbouncer")
    except ServerMissing as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))
    server, port = make_url(postgres_server), free_port()
    home = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    (home / "users").write_text(f'"{server.username}" "{server.password or ""}"\n')
    (home / "pgbouncer.ini").write_text(
        f"""
[databases]
* = host={server.host} port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {home}/users
pool_mode = transaction
default_pool_size = 2
"""
    )
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(home, user)
    bouncer = Program([program, home / "pgbouncer.ini"], home, user=user)
    bouncer.start()
    try:
        bouncer.until(lambda: _answers(port))
        yield f"postgresql://{server.username}@127.0.0.1:{port}/{server.database}"
    finally:
        bouncer.kill()
        shutil.rmtree(home)


def _answers(port: int) -> bool:
    import socket

    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def store(pooler: str, namespace: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(pooler, namespace=namespace)
    await store.open()
    yield store
    await store.close()


async def test_every_verb_works_whichever_server_connection_it_gets(store: PostgresStore, pooler: str, namespace: str):
    others = [PostgresStore(pooler, namespace=namespace) for _ in range(3)]
    await asyncio.gather(*(each.open() for each in others))
    stores = [store, *others]
    runs = [Run(id=f"{n:03}", job="job", due_at=0, created_at=0) for n in range(MANY)]

    added = await asyncio.gather(*(each.add(runs, 0) for each in stores))
    batches = await asyncio.gather(
        *(each.claim(Claim(worker=f"w{n}", limit=5, lease=100), 0) for n, each in enumerate(stores * 2))
    )
    claimed = [run for batch in batches for run in batch.runs]
    beats = [Beat(run=run.id, token=1) for run in claimed]
    replies = await asyncio.gather(*(each.beat(Worker(id="w"), beats, 1, 100) for each in stores))
    ended = [Ending(run=run.id, token=1, state=State.SUCCEEDED) for run in claimed]
    done = await asyncio.gather(*(each.finish(ended, 2) for each in stores))

    assert sorted(fate for answers in added for fate in [each.fate for each in answers]) == sorted(
        [Fate.ADDED] * MANY + [Fate.KNOWN] * MANY * 3
    )
    assert len(claimed) == len({run.id for run in claimed})
    assert {reply.verdict for answers in replies for reply in answers} == {"keep"}
    assert [sum(each) for each in zip(*done, strict=True)] == [1] * len(claimed)
    await asyncio.gather(*(each.close() for each in others))


async def test_records_firings_and_questions_go_through_too(store: PostgresStore):
    await store.put([Schedule(id="s", job="job", trigger="{}", created_at=0, wakes_at=0), Limit(id="x", running=1)])
    agenda = await store.fire([], 0, 10)
    await store.add([Run(id="a", job="job", due_at=9, created_at=0)], 0)

    cancelled = await store.amend(["a"], Change(cancel="no"), 1)

    assert [each.id for each in agenda.due] == ["s"]
    assert [run and run.state for run in cancelled] == [State.CANCELLED]
    assert await store.tally(Query(), "state") == {"cancelled": 1}
    assert await store.prune(5, None, 10) == 1
    assert (await store.time() or 0) > 0


async def test_who_watches_hears_at_once_of_what_is_done_here_and_within_moments_of_the_rest(
    store: PostgresStore, pooler: str, namespace: str
):
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    stop = store.watch(heard.put_nowait)

    await store.put([Schedule(id="s", job="job", trigger="{}", created_at=0, wakes_at=0)])
    first = later = heard.get_nowait()
    for _ in range(6):
        async with asyncio.timeout(30):
            later = await heard.get()

    assert first.topic in Topic
    assert later.topic in Topic
    stop()


async def test_a_whole_scheduler_works_behind_it(pooler: str, namespace: str):
    scheduler = Scheduler(f"{pooler}?namespace={namespace}")

    @scheduler.job()
    async def double(n: int) -> int:
        return 2 * n

    async with scheduler:
        handles = [await double.enqueue(n) for n in range(5)]
        results = [await each.result(timeout=30) for each in handles]

    assert results == [0, 2, 4, 6, 8]
