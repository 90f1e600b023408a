"""Enqueuing inside the caller's own transaction: the runs are wanted if it commits, and never were if it does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import psycopg
import psycopg.rows
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from foliot import ArgumentsError, Scheduler
from foliot.errors import JobError
from foliot.model import Fate, Query, Worker


@pytest.fixture
async def shop(postgres_url: str) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(postgres_url)

    @scheduler.job(name="resize", tags=["pictures"])
    async def resize(path: str) -> None: ...

    async with scheduler.connected():
        yield scheduler


def calls(shop: Scheduler) -> list[Any]:
    return [shop.jobs["resize"].call("a.png"), shop.jobs["resize"].options(id="b").call("b.png")]


async def wanted(shop: Scheduler) -> int:
    return len((await shop.store.find(Query(tags=("pictures",)))).runs)


# Connections: how each is opened, and how its transaction is ended


def of_psycopg(url: str) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    connection = psycopg.connect(url)
    return connection, connection.commit, connection.close


def of_psycopg_with_rows_as_dicts(url: str) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    by_name: Any = psycopg.rows.dict_row
    connection = psycopg.connect(url, row_factory=by_name)
    return connection, connection.commit, connection.close


def engine(url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sqlalchemy.NullPool)


def of_sqlalchemy(url: str) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    connection = engine(url).connect()
    return connection, connection.commit, connection.close


def of_a_session(url: str) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    session = Session(engine(url))
    return session, session.commit, session.close


def of_django(url: str) -> tuple[Any, Callable[[], None], Callable[[], None]]:
    import django
    from django.conf import settings
    from django.db import ConnectionHandler
    from django.utils.connection import ConnectionProxy

    if not settings.configured:
        settings.configure()
        django.setup()

    parts = sqlalchemy.make_url(url)
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": parts.database, "USER": parts.username}
    handler = ConnectionHandler({"default": database | {"HOST": parts.host, "PORT": parts.port}})
    connection = ConnectionProxy(handler, "default")
    connection.set_autocommit(False)
    return connection, connection.commit, connection.close


PLAIN = [of_psycopg, of_psycopg_with_rows_as_dicts, of_sqlalchemy, of_a_session, of_django]


@pytest.mark.parametrize("opened", PLAIN)
async def test_what_a_committed_transaction_has_enqueued_is_wanted(opened: Any, shop: Scheduler, postgres_server: str):
    loop = asyncio.get_running_loop()

    def transact() -> tuple[list[Any], int]:
        connection, commit, close = opened(postgres_server)
        handles = shop.enqueue_within(connection, calls(shop))
        before = asyncio.run_coroutine_threadsafe(wanted(shop), loop).result()
        commit()
        close()
        return handles, before

    handles, before = await asyncio.to_thread(transact)

    assert [(each.fate, each.job.name) for each in handles] == [(Fate.ADDED, "resize")] * 2
    assert (before, await wanted(shop)) == (0, 2)
    assert (await handles[0].status()).args == '{"path":"a.png"}'


@pytest.mark.parametrize("opened", PLAIN)
async def test_what_a_transaction_has_enqueued_that_is_rolled_back_never_was(
    opened: Any, shop: Scheduler, postgres_server: str
):
    def transact() -> list[Any]:
        connection, _, close = opened(postgres_server)
        handles = shop.enqueue_within(connection, calls(shop))
        close()
        return handles

    handles = await asyncio.to_thread(transact)

    assert len(handles) == 2
    assert await wanted(shop) == 0


async def test_asyncpg_enqueues_within_its_transaction(shop: Scheduler, postgres_server: str):
    connection = await asyncpg.connect(postgres_server)
    undoing = connection.transaction()
    await undoing.start()
    await shop.aenqueue_within(connection, calls(shop))
    await undoing.rollback()
    undone = await wanted(shop)

    async with connection.transaction():
        await shop.aenqueue_within(connection, calls(shop))
    await connection.close()

    assert (undone, await wanted(shop)) == (0, 2)


async def test_async_psycopg_enqueues_within_its_transaction(shop: Scheduler, postgres_server: str):
    async with await psycopg.AsyncConnection.connect(postgres_server) as connection:
        await shop.aenqueue_within(connection, calls(shop))
        before = await wanted(shop)

    assert (before, await wanted(shop)) == (0, 2)


async def test_an_async_session_enqueues_within_its_transaction(shop: Scheduler, postgres_server: str):
    url = postgres_server.replace("postgresql:", "postgresql+asyncpg:")
    async with AsyncSession(create_async_engine(url, poolclass=sqlalchemy.NullPool)) as session:
        await shop.aenqueue_within(session, calls(shop))
        before = await wanted(shop)
        await session.commit()

    assert (before, await wanted(shop)) == (0, 2)


async def test_a_run_that_is_known_is_answered_as_known(shop: Scheduler, postgres_server: str):
    await shop.jobs["resize"].options(id="b").enqueue("b.png")

    with psycopg.connect(postgres_server) as connection:
        handles = shop.enqueue_within(connection, calls(shop))

    assert [each.fate for each in handles] == [Fate.ADDED, Fate.KNOWN]


async def test_enqueuing_nothing_asks_nothing(shop: Scheduler):
    assert shop.enqueue_within(None, []) == []
    assert await shop.aenqueue_within(None, []) == []


async def test_a_connection_of_the_wrong_kind_is_refused_with_the_right_call(shop: Scheduler, postgres_server: str):
    connection = await asyncpg.connect(postgres_server)
    with pytest.raises(ArgumentsError, match="await aenqueue_within"):
        shop.enqueue_within(connection, calls(shop))
    await connection.close()

    with psycopg.connect(postgres_server) as plain, pytest.raises(ArgumentsError, match="call enqueue_within"):
        await shop.aenqueue_within(plain, calls(shop))
    with pytest.raises(ArgumentsError, match=r"builtins\.int is no connection"):
        shop.enqueue_within(7, calls(shop))


async def test_another_store_joins_no_transaction():
    shop = Scheduler()

    with pytest.raises(ArgumentsError, match="only a PostgreSQL store"):
        shop.enqueue_within(None, [])
    with pytest.raises(ArgumentsError, match="only a PostgreSQL store"):
        await shop.aenqueue_within(None, [])


async def test_a_run_with_a_route_is_led_to_its_worker_where_that_can_be_asked_and_else_refused(
    shop: Scheduler, postgres_server: str
):
    await shop.store.put([Worker(id="there", seen_at=shop.clock.now())])
    routed = [shop.jobs["resize"].options(route="first").call("a.png")]

    connection = await asyncpg.connect(postgres_server)
    async with connection.transaction():
        [handle] = await shop.aenqueue_within(connection, routed)
    await connection.close()

    assert (await handle.status()).target == "there"
    with pytest.raises(JobError, match="use aenqueue_within, or ask for no route"):
        shop.enqueue_within(object(), routed)
