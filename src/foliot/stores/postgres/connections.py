"""Connections: few, made when they are needed, each for one verb at a time, forgotten as soon as one breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from foliot.errors import StoreUnavailable
from foliot.moments import SECOND
from foliot.stores.postgres.driver import BROKEN, ServerError, asyncpg, code_of
from foliot.stores.postgres.trouble import AGAIN, explained, refused_at_the_door

MOST = 4
"""How many connections a store has at most for its verbs; one more listens for hints."""
CONNECT_WITHIN = 10.0
"""Seconds within which a connection must be made."""
ANSWER_WITHIN = 30.0
"""Seconds within which a verb must be done, or its connection is given up."""
SOONEST = 2.0
"""Seconds that a verb has at least, however short the leases are."""
ATTEMPTS = 5
"""How often a verb is done that the server undoes for standing in another's way."""

Row = Sequence[Any]


def patience(lease: int) -> float:
    """Seconds within which who keeps such leases must have an answer: a third of one, to try again before it lapses."""
    return min(ANSWER_WITHIN, max(SOONEST, lease / SECOND / 3))


class Address(NamedTuple):
    """Where a store is: the server's URL, and the schema in its database."""

    url: str
    namespace: str = "foliot"

    @property
    def place(self) -> str:
        """What people call it: without its password."""
        parts = urlsplit(self.url)
        return f"PostgreSQL at {parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path}"

    @property
    def server(self) -> str:
        """The URL as asyncpg reads it."""
        parts = urlsplit(self.url)
        rest = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("namespace", "migrate")]
        return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(rest), ""))


class Link:
    """One connection. Behind a pooler, no statement is prepared: the next may go to another server process."""

    def __init__(self, connection: Any, *, pooled: bool) -> None:
        self.connection, self.pooled = connection, pooled
        self._prepared: dict[str, Any] = {}

    @classmethod
    async def to(cls, address: Address) -> Link:
        """Connect. Who pools connections gives another number of the server process than it has itself."""
        try:
            connection: Any = await asyncpg.connect(
                address.server,
                timeout=CONNECT_WITHIN,
                statement_cache_size=0,
                server_settings={"application_name": "foliot"},
            )
        except (*BROKEN, ServerError) as error:
            raise refused_at_the_door(error, address.place) from error
        try:
            process = await connection.fetchval("SELECT pg_backend_pid()")
        except BROKEN as error:
            connection.terminate()
            raise explained(error, address.place) from error
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, pooled=process != connection.get_server_pid())

    @property
    def broken(self) -> bool:
        """Whether it can no longer be used."""
        return self.connection.is_closed()

    async def fetch(self, sql: str, arguments: Sequence[Any], within: float = ANSWER_WITHIN) -> list[Row]:
        """Ask, and give the rows of the answer."""
        if self.pooled:
            return await self.connection.fetch(sql, *arguments, timeout=within)
        if (statement := self._prepared.get(sql)) is None:
            name = f"foliot_{len(self._prepared)}"
            statement = self._prepared[sql] = await self.connection.prepare(sql, name=name, timeout=within)
        return await statement.fetch(*arguments, timeout=within)

    async def run(self, script: str) -> None:
        """Have several statements done. If one fails, the connection is in the middle of something, and dropped."""
        try:
            await self.connection.execute(script)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Let go of it at once."""
        self.connection.terminate()

    async def close(self) -> None:
        """Take leave."""
        try:
            await self.connection.close(timeout=1)
        except (*BROKEN, ServerError):
            self.drop()


class Connections:
    """At most so many connections to one address, all in one event loop."""

    def __init__(self, address: Address, most: int = MOST) -> None:
        self._address = address
        self._room = asyncio.Semaphore(most)
        self._idle: list[Link] = []
        self.home = asyncio.get_running_loop()

    async def fetch(self, sql: str, *arguments: Any, within: float = ANSWER_WITHIN) -> list[Row]:
        """Ask, and give the rows of the answer. A verb that stood in another's way is done again.

        Raises StoreUnavailable and its kin in our own words.
        """
        attempts = 1
        while True:
            try:
                return await self._fetch(sql, arguments, within)
            except ServerError as error:
                if code_of(error) not in AGAIN or attempts == ATTEMPTS:
                    raise explained(error, self._address.place) from error
            attempts += 1

    async def _fetch(self, sql: str, arguments: Sequence[Any], within: float) -> list[Row]:
        async with self.borrowed() as link:
            return await link.fetch(sql, arguments, within)

    @asynccontextmanager
    async def link(self) -> AsyncGenerator[Link]:
        """A connection of one's own meanwhile; what it says goes out in our words."""
        try:
            async with self.borrowed() as link:
                yield link
        except ServerError as error:
            raise explained(error, self._address.place) from error

    @asynccontextmanager
    async def borrowed(self) -> AsyncGenerator[Link]:
        """A connection of one's own meanwhile. Unless the server itself said what is wrong, it is not used again."""
        async with self._room:
            link = await self._found()
            try:
                yield link
            except ServerError:
                self._take_back(link)
                raise
            except BROKEN as error:
                link.drop()
                raise explained(error, self._address.place) from error
            except BaseException:
                link.drop()
                raise
            self._take_back(link)

    async def _found(self) -> Link:
        while self._idle:
            if not (link := self._idle.pop()).broken:
                return link
        return await Link.to(self._address)

    def _take_back(self, link: Link) -> None:
        if not link.broken:
            self._idle.append(link)

    async def close(self) -> None:
        """Take leave of the server."""
        while self._idle:
            await self._idle.pop().close()


def refuse_closed(connections: Connections | None, address: Address) -> Connections:
    """The connections of a store that is open. Raises StoreUnavailable for one that is not."""
    if connections is None:
        raise StoreUnavailable(f"the store at {address.place} is not open; open it first")
    return connections
