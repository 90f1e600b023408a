"""The Redis that tests share, and a namespace in it for each place."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pytest

from foliot.stores import open_store
from foliot.stores.redis import RedisStore
from foliot.testing.servers import RedisClusterServer, RedisServer, SentinelServer, Server, ServerMissing, available

_running = ExitStack()


@cache
def url_of(kind: type[Server] = RedisServer) -> str:
    """A server of this kind, for as long as this process lives. Skips where there can be none."""
    try:
        return _running.enter_context(available(kind))
    except ServerMissing as problem:
        pytest.skip(str(problem))


def redis_at(place: Path, kind: type[Server] = RedisServer) -> RedisStore:
    """The store of this place, not yet open."""
    store = open_store(url_of(kind), namespace=f"t{blake2b(str(place).encode(), digest_size=6).hexdigest()}")
    assert isinstance(store, RedisStore)
    return store


__all__ = ["RedisClusterServer", "RedisServer", "SentinelServer", "redis_at", "url_of"]
