"""What every test may count on: properties are judged by their truth, not by the speed of the machine; real servers."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from foliot.errors import SettingsError
from foliot.stores import open_store
from foliot.testing.servers import (
    PostgresServer,
    RedisClusterServer,
    RedisServer,
    SentinelServer,
    Server,
    ServerMissing,
    available,
)

settings.register_profile("foliot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("foliot")


@pytest.fixture(autouse=True)
def untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count no lines where the same ones are run ten thousand times: a test marked so takes half as long."""
    if request.node.get_closest_marker("untraced") is None:
        yield
        return
    here, elsewhere = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # pyright: ignore[reportArgumentType]
    yield
    sys.settrace(here)
    threading.settrace(elsewhere)  # pyright: ignore[reportArgumentType]


def url_of(kind: type[Server]) -> Iterator[str]:
    """A server for all tests of this process. A machine without one skips; continuous integration fails."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(available(kind))
        except ServerMissing as missing:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL that other tests use too: take a namespace of your own."""
    yield from url_of(PostgresServer)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis that other tests use too: take a namespace of your own."""
    yield from url_of(RedisServer)


@pytest.fixture(scope="session")
def redis_cluster_server() -> Iterator[str]:
    """The URL of a Redis Cluster that other tests use too."""
    yield from url_of(RedisClusterServer)


@pytest.fixture(scope="session")
def sentinel_server() -> Iterator[str]:
    """The URL of a Redis with sentinels that other tests use too."""
    yield from url_of(SentinelServer)


@pytest.fixture
def namespace() -> str:
    """A name that no other test has."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def postgres_url(postgres_server: str, namespace: str) -> str:
    """The URL of an empty store on PostgreSQL."""
    return f"{postgres_server}?namespace={namespace}"


@pytest.fixture
def redis_url(redis_server: str, namespace: str) -> str:
    """The URL of an empty store on Redis."""
    return f"{redis_server}?namespace={namespace}"


@pytest.fixture
def redis_cluster_url(redis_cluster_server: str, namespace: str) -> str:
    """The URL of an empty store on a Redis Cluster."""
    return f"{redis_cluster_server}?namespace={namespace}"


@pytest.fixture
def sentinel_url(sentinel_server: str, namespace: str) -> str:
    """The URL of an empty store on a Redis with sentinels."""
    return f"{sentinel_server}?namespace={namespace}"


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each kind in turn."""
    match request.param:
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{tmp_path}/runs.db?durability=relaxed"
        case kind:
            _skip_what_there_is_not(kind)
            return request.getfixturevalue(f"{kind}_url")


def _skip_what_there_is_not(kind: str) -> None:
    try:
        open_store("postgresql://localhost/foliot" if kind == "postgres" else "redis://localhost")
    except SettingsError as problem:
        pytest.skip(str(problem))
