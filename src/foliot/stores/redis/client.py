"""redis-py, as far as it is used here: the one place that knows how its clients are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, cast

import hiredis
import redis.asyncio as library
from redis import exceptions as theirs
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from foliot.stores.redis.address import Address, Credentials, Kind, Tls

Word = str | bytes | int | float

CONNECT_WITHIN = 5.0

_packed = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]

FAILURES = (theirs.RedisError, theirs.RedisClusterException, OSError)
"""Whatever redis-py raises."""

_Options = dict[str, Any]


class Listener(Protocol):
    """Messages of channels; ``get_sharded_message`` is how a cluster calls ``get_message``."""

    async def ssubscribe(self, channel: str) -> None: ...
    async def aclose(self) -> None: ...
    async def get_message(self, *, timeout: float | None) -> dict[str, Any] | None: ...
    async def get_sharded_message(self, *, timeout: float | None) -> dict[str, Any] | None: ...


class Pipeline(AbstractAsyncContextManager["Pipeline"], Protocol):
    """Commands that go to one server together."""

    def execute_command(self, *words: Word, **how: Any) -> Any: ...
    async def execute(self) -> list[Any]: ...


class Client(AbstractAsyncContextManager["Client"], Protocol):
    """A client of one server, or of a cluster, with as many connections as calls are under way."""

    async def execute_command(self, *words: Word) -> Any: ...
    def pipeline(self, transaction: bool) -> Pipeline: ...
    def pubsub(self) -> Listener: ...


class Connection(Protocol):
    """One connection of a pool."""

    socket_timeout: float | None

    @property
    def is_connected(self) -> bool: ...
    async def can_read(self) -> bool: ...
    async def connect(self) -> None: ...
    async def disconnect(self) -> None: ...
    async def send_packed_command(self, command: bytes) -> None: ...
    async def read_response(self) -> Any: ...


class Caller:
    """Gives commands on connections of its own, which a client's pool has lent and closes: that takes half the time."""

    def __init__(self, client: Client, timeout: float) -> None:
        self._pool: Any = cast("Any", client).connection_pool
        self._timeout = timeout
        self._free: list[Connection] = []

    async def execute_command(self, *words: Word) -> Any:
        """Give a command, and wait for its answer as long as the address says."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._called(words)
        except TimeoutError:
            raise theirs.TimeoutError(f"no answer within {self._timeout:g} s") from None

    async def _called(self, words: tuple[Word, ...]) -> Any:
        connection = self._free.pop() if self._free else await self._lent()
        try:
            if not connection.is_connected or await connection.can_read():  # it fell while nobody looked
                await connection.disconnect()
                await connection.connect()
            await connection.send_packed_command(_packed(words))
            return await connection.read_response()
        finally:
            self._free.append(connection)

    async def _lent(self) -> Connection:
        connection: Connection = await self._pool.get_connection()
        connection.socket_timeout = None  # one clock runs for the whole call, ours
        return connection


class ClusterCaller:
    """Gives commands by a cluster's client, which knows the node that keeps a key, and lays lines that fell anew."""

    def __init__(self, client: Client, key: str) -> None:
        self._client: Any = client
        self._key = key

    async def execute_command(self, *words: Word) -> Any:
        """Give a command, and wait for its answer as long as the address says."""
        for connection in self._free():
            if connection.is_connected and await connection.can_read():  # it fell while nobody looked
                await connection.disconnect()
        return await self._client.execute_command(*words)

    def _free(self) -> tuple[Connection, ...]:
        """The lines to the node that nobody uses; none before it is known."""
        try:
            return tuple(self._client.get_node_from_key(self._key)._free)
        except theirs.SlotNotCoveredError:
            return ()


async def client_of(address: Address) -> AsyncGenerator[Client]:
    """A client for whoever keeps the namespace, until this generator is closed.

    It never repeats a command by itself: whether one was done that got no answer, nobody knows.
    """
    match address.kind:
        case Kind.CLUSTER:
            async with _cluster(address) as client:
                yield client
        case Kind.SENTINEL:
            async with _sentinels(address) as sentinels, sentinels.master_for(address.master, db=address.db) as client:
                yield client
        case _:
            async with _one(address) as client:
                yield client


def _one(address: Address) -> Client:
    options = _options(address, address.user)
    if address.kind is Kind.UNIX:
        return cast("Client", library.Redis(unix_socket_path=address.path, db=address.db, **options))
    host, port = address.hosts[0]
    return cast("Client", library.Redis(host=host, port=port, db=address.db, **options))


def _sentinels(address: Address) -> Any:
    theirs = _options(address, address.sentinel_user)
    return library.Sentinel(address.hosts, sentinel_kwargs=theirs, **_options(address, address.user))


def _cluster(address: Address) -> Client:
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    return cast("Client", library.RedisCluster(startup_nodes=nodes, **_options(address, address.user)))


def _options(address: Address, user: Credentials) -> _Options:
    return {
        "username": user.username,
        "password": user.password,
        "socket_timeout": address.timeout,
        "socket_connect_timeout": min(CONNECT_WITHIN, address.timeout),
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        **({} if address.tls is None else _trust(address.tls)),
    }


def _trust(tls: Tls) -> _Options:
    return {
        "ssl": True,
        "ssl_ca_certs": tls.ca,
        "ssl_certfile": tls.cert,
        "ssl_keyfile": tls.key,
        "ssl_check_hostname": tls.verify,
        "ssl_cert_reqs": "required" if tls.verify else "none",
    }
