"""Adding runs inside a transaction of somebody else: one function call on their connection, kept if they commit.

They may hold a connection of asyncpg, psycopg (2 or 3), SQLAlchemy (or a session) or Django.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from foliot.errors import ArgumentsError
from foliot.model import Added, Fate, Run
from foliot.stores.postgres.schema import quoted
from foliot.stores.postgres.wire import runs_text


class Join(Protocol):
    """Asks for one row on a connection."""

    def __call__(self, connection: Any, sql: str, text: str, now: int) -> Any:
        """The row, or, on an async connection, something to await for it."""
        ...


def join(connection: Any, namespace: str, runs: Sequence[Run], now: int) -> list[Added]:
    """Add runs inside the transaction that this connection is in. Raises ArgumentsError for an async connection."""
    if not runs:
        return []
    way = _way(connection)
    if way in (_asyncpg, _psycopg_async, _sqlalchemy_async):
        raise ArgumentsError(f"{_named(connection)} is async; await aenqueue_within(connection, calls)")
    return _answered(runs, way(connection, _sql(namespace), runs_text(runs), now))


async def ajoin(connection: Any, namespace: str, runs: Sequence[Run], now: int) -> list[Added]:
    """Add runs inside the transaction that this async connection is in. Raises ArgumentsError for one that is not."""
    if not runs:
        return []
    way = _way(connection)
    if way not in (_asyncpg, _psycopg_async, _sqlalchemy_async):
        raise ArgumentsError(f"{_named(connection)} is not async; call enqueue_within(connection, calls)")
    return _answered(runs, await way(connection, _sql(namespace), runs_text(runs), now))


def _sql(namespace: str) -> str:
    return f"SELECT ids, fates FROM {quoted(namespace)}.add(CAST(CAST({{}} AS text) AS jsonb), CAST({{}} AS bigint))"


def _answered(runs: Sequence[Run], row: Any) -> list[Added]:
    ids, fates = row.values() if isinstance(row, Mapping) else row  # pyright: ignore[reportUnknownVariableType]
    if ids is None:
        return [Added(id=run.id, fate=Fate.ADDED) for run in runs]
    answers = zip(ids, fates, strict=True)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return [Added(id=id, fate=Fate(fate)) for id, fate in answers]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _way(connection: Any) -> Join:
    """How to ask on this connection. Raises ArgumentsError for what is none."""
    match type(connection).__module__.split(".")[:2]:
        case ["asyncpg", _]:
            return _asyncpg
        case ["sqlalchemy", "ext"]:
            return _sqlalchemy_async
        case ["sqlalchemy", _]:
            return _sqlalchemy
        case _ if not hasattr(connection, "cursor"):
            raise ArgumentsError(
                f"{_named(connection)} is no connection; give one of asyncpg, psycopg, SQLAlchemy or Django"
            )
        case _:
            return _psycopg_async if hasattr(connection, "__aenter__") else _by_cursor


def _named(connection: Any) -> str:
    return f"{type(connection).__module__}.{type(connection).__qualname__}"


async def _asyncpg(connection: Any, sql: str, text: str, now: int) -> Any:
    return tuple(await connection.fetchrow(sql.format("$1", "$2"), text, now))


async def _psycopg_async(connection: Any, sql: str, text: str, now: int) -> Any:
    async with connection.cursor() as cursor:
        await cursor.execute(sql.format("%s", "%s"), (text, now))
        return await cursor.fetchone()


def _by_cursor(connection: Any, sql: str, text: str, now: int) -> Any:
    """As PEP 249 has it: psycopg and Django."""
    with connection.cursor() as cursor:
        cursor.execute(sql.format("%s", "%s"), (text, now))
        return cursor.fetchone()


def _sqlalchemy(connection: Any, sql: str, text: str, now: int) -> Any:
    from sqlalchemy import text as clause

    return tuple(connection.execute(clause(sql.format(":runs", ":now")), {"runs": text, "now": now}).one())


async def _sqlalchemy_async(connection: Any, sql: str, text: str, now: int) -> Any:
    from sqlalchemy import text as clause

    answer = await connection.execute(clause(sql.format(":runs", ":now")), {"runs": text, "now": now})
    return tuple(answer.one())
