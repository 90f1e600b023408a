"""A Redis of several servers: the node of a cluster that keeps a namespace, and the master that sentinels name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stores.redises import redis_at

from foliot.errors import StoreError, StoreUnavailable
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.stores.redis.finder import slot_of
from foliot.testing import StoreExam
from foliot.testing.exam.durability import Durability
from foliot.testing.exam.scene import a_run, add, everything, names, take
from foliot.testing.servers import RedisClusterServer, SentinelServer, ServerMissing
from foliot.testing.servers.redis import ask

PATIENCE = 30.0


class TestRedisClusterStore(StoreExam):
    durable = True

    async def open_store(self, place: Path) -> Store:
        store = redis_at(place, RedisClusterServer)
        await store.open()
        return store


class TestSentinelStore(Durability):
    durable = True

    async def open_store(self, place: Path) -> Store:
        store = redis_at(place, SentinelServer)
        await store.open()
        return store

    @pytest.fixture
    async def store(self, tmp_path: Path):
        store = await self.open_store(tmp_path)
        yield store
        await store.close()


@pytest.fixture
def sentinels() -> Iterator[SentinelServer]:
    try:
        with SentinelServer() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def cluster() -> Iterator[RedisClusterServer]:
    try:
        with RedisClusterServer() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


async def in_time(store: Store, name: str) -> None:
    """Add a run, trying again as long as the store cannot be reached."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await asyncio.shield(_add(store, name))
            except StoreUnavailable:
                await asyncio.sleep(0.1)


async def _add(store: Store, name: str) -> None:
    await add(store, a_run(name))


async def test_after_a_failover_the_new_master_is_found(sentinels: SentinelServer):
    store = open_store(sentinels.url, timeout="2", wait="1")
    await store.open()
    await in_time(store, "a")
    sentinels.kill_master()

    with pytest.raises(StoreUnavailable):
        await add(store, a_run("b"))
    after = open_store(sentinels.url, timeout="2")
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await after.open()
                break
            except StoreError:
                await asyncio.sleep(0.1)

    await in_time(after, "c")
    assert {"a", "c"} <= set(names(await everything(after)))
    await store.close()
    await after.close()


async def test_a_name_that_sentinels_do_not_know_is_said(sentinels: SentinelServer):
    store = open_store(sentinels.url.replace("mymaster", "nobody"))

    with pytest.raises(StoreUnavailable, match="knows no master 'nobody'"):
        await store.open()
    await store.close()


async def test_namespaces_are_spread_over_the_nodes_of_a_cluster(cluster: RedisClusterServer):
    places: set[int] = set()
    for name in "abcdefgh":
        store = open_store(cluster.url, namespace=name)
        await store.open()
        await add(store, a_run(name))
        places |= {port for port in cluster.ports if f"{{{name}}}:schema" in ask(port, "KEYS *")}
        await store.close()

    assert places == set(cluster.ports)


async def test_a_namespace_that_moved_to_another_node_is_found_there(cluster: RedisClusterServer):
    store = open_store(cluster.url, namespace="mover")
    await store.open()
    await add(store, a_run("a"))

    move(cluster, slot_of("mover"))

    assert names(await take(store)) == ["a"]
    await store.close()


def move(cluster: RedisClusterServer, slot: int) -> None:
    """Move a slot with all that is in it to a node that does not keep it, as ``redis-cli --cluster reshard`` does."""
    ids = {port: ask(port, "CLUSTER MYID").splitlines()[1] for port in cluster.ports}
    source = next(port for port in cluster.ports if ask(port, f"CLUSTER COUNTKEYSINSLOT {slot}") not in {":0", ""})
    goal = next(port for port in cluster.ports if port != source)
    ask(goal, f"CLUSTER SETSLOT {slot} IMPORTING {ids[source]}")
    ask(source, f"CLUSTER SETSLOT {slot} MIGRATING {ids[goal]}")
    for key in [line for line in ask(source, "KEYS {mover}*").splitlines() if line.startswith("{")]:
        assert ask(source, f'MIGRATE 127.0.0.1 {goal} "{key}" 0 5000').startswith("+OK")
    for port in (goal, source):
        ask(port, f"CLUSTER SETSLOT {slot} NODE {ids[goal]}")
