"""Real servers for tests: those that the environment names, else our own, as private child processes.

    with PostgresServer() as server:
        scheduler = Scheduler(server.url)
        server.kill()
        server.start()

    with available(RedisServer) as url:
        scheduler = Scheduler(f"{url}?namespace=mine")

``FOLIOT_TEST_POSTGRES``, ``FOLIOT_TEST_REDIS``, ``FOLIOT_TEST_REDIS_CLUSTER`` and ``FOLIOT_TEST_REDIS_SENTINEL`` are
URLs of servers to use instead.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from foliot.testing.servers.base import Server
from foliot.testing.servers.postgres import PostgresServer
from foliot.testing.servers.program import ServerFailed, ServerMissing
from foliot.testing.servers.redis import RedisClusterServer, RedisServer, SentinelServer

__all__ = [
    "PostgresServer",
    "RedisClusterServer",
    "RedisServer",
    "SentinelServer",
    "Server",
    "ServerFailed",
    "ServerMissing",
    "available",
]


@contextmanager
def available(kind: type[Server]) -> Generator[str]:
    """The URL of a server of this kind: the one that the environment names, else one of our own meanwhile.

    Raises ServerMissing when there is neither.
    """
    if named := os.environ.get(kind.variable):
        yield named
        return
    with kind() as server:
        yield server.url
