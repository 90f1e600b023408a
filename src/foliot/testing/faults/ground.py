"""Where the store of a proof stands: a file or a server of our own that can be hurt, or one that somebody named."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from foliot.errors import SettingsError
from foliot.moments import SECOND
from foliot.testing.faults.leaving import removed
from foliot.testing.faults.plan import OF_A_SERVER, OF_PROCESSES, OF_THE_NETWORK, Fault, Kind
from foliot.testing.proxy import Proxy
from foliot.testing.servers import PostgresServer, RedisClusterServer, RedisServer, SentinelServer, Server

SERVERS: dict[str, type[Server]] = {
    "postgres": PostgresServer,
    "redis": RedisServer,
    "redis-cluster": RedisClusterServer,
    "redis-sentinel": SentinelServer,
}
NAMES = ("sqlite", *SERVERS)
PORTS = {"postgresql": 5432, "postgres": 5432, "redis": 6379}
"""The schemes whose wire a proxy can stand in, with their usual ports."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A store's URL, and the way to it for each process: a proxy where there is a wire."""

    name: str
    url: str
    kinds: frozenset[Kind]
    file: Path | None = None
    server: Server | None = None
    proxies: tuple[Proxy, ...] = ()
    apart: bool = False
    """Whether it is a namespace that we made up on somebody's server."""

    @property
    def own_time(self) -> bool:
        """Whether the store has a clock of its own, which the processes follow."""
        return self.file is None

    def url_for(self, node: int) -> str:
        """The URL by which one process goes."""
        return self.proxies[node].in_front_of(self.url) if self.proxies else self.url

    async def leave(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        if self.apart and self.server is None:
            await removed(self.url)

    async def hurt(self, fault: Fault) -> None:
        """Let a fault of the store happen from its beginning to its end."""
        if fault.kind is Kind.STORE_LOCK:
            await self._lock(fault.lasts / SECOND)
        elif self.server is not None:
            await _hurt(self.server, fault)

    async def _lock(self, seconds: float) -> None:
        with closing(
            sqlite3.connect(str(self.file), timeout=30, isolation_level=None, check_same_thread=False)
        ) as file:
            await asyncio.to_thread(file.execute, "BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
            file.execute("ROLLBACK")


async def _hurt(server: Server, fault: Fault) -> None:
    match fault.kind:
        case Kind.STORE_KILL:
            server.kill()
        case Kind.STORE_RESTART:
            server.stop()
        case Kind.STORE_FREEZE:
            server.pause()
        case Kind.FAILOVER if isinstance(server, SentinelServer):
            server.kill_master()
        case _:
            raise AssertionError(fault)
    await asyncio.sleep(fault.lasts / SECOND)
    server.resume()
    server.start()


@asynccontextmanager
async def prepared(store: str, folder: Path, processes: int) -> AsyncGenerator[Ground]:
    """The ground for a store: ``sqlite``, ``postgres`` and ``redis`` are made here, a URL is taken as it is."""
    async with AsyncExitStack() as stack:
        if store == "sqlite":
            file = folder / "runs.db"
            yield Ground(name=store, url=f"sqlite:///{file}", file=file, kinds=_IN_A_FILE)
        elif store in SERVERS:
            server = stack.enter_context(SERVERS[store]())
            there = await _named(stack, server.url, processes)
            yield replace(there, name=store, server=server, kinds=there.kinds | _of(server))
        else:
            yield await _named(stack, store, processes)


_IN_A_FILE = OF_PROCESSES | {Kind.LOSE, Kind.STORE_LOCK}


def _of(server: Server) -> frozenset[Kind]:
    """How a server of our own can be hurt."""
    return OF_A_SERVER | {Kind.FAILOVER} if isinstance(server, SentinelServer) else OF_A_SERVER


async def _named(stack: AsyncExitStack, url: str, processes: int) -> Ground:
    """Somebody's store: its server is left alone, its wire is not. A server is used in a namespace of our own."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return Ground(name=scheme, url=url, file=Path(urlsplit(url).path.removeprefix("/")), kinds=_IN_A_FILE)
    if scheme in PORTS and "," not in urlsplit(url).netloc:
        proxies = await _proxies(stack, url, processes)
        kinds = OF_PROCESSES | OF_THE_NETWORK
        return Ground(name=scheme, url=_apart(url), kinds=kinds, proxies=proxies, apart=not _is_apart(url))
    if scheme.partition("+")[0] in PORTS:
        return Ground(name=scheme, url=_apart(url), kinds=OF_PROCESSES | {Kind.LOSE}, apart=not _is_apart(url))
    raise SettingsError(f"{url!r}: nothing to prove there; name {', '.join(NAMES)}, or the URL of an empty store")


def _apart(url: str) -> str:
    """The URL in a namespace that nobody has used, unless it names one."""
    if _is_apart(url):
        return url
    return f"{url}{'&' if '?' in url else '?'}namespace=proof_{uuid4().hex[:8]}"


def _is_apart(url: str) -> bool:
    return "namespace=" in url


async def _proxies(stack: AsyncExitStack, url: str, processes: int) -> tuple[Proxy, ...]:
    parts = urlsplit(url)
    goal = parts.hostname or "127.0.0.1", parts.port or PORTS[parts.scheme]
    return tuple([await stack.enter_async_context(Proxy(*goal)) for _ in range(processes)])
