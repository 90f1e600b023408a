"""A Redis of several servers: the node of a cluster that keeps a namespace, and the master that sentinels name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.crc import key_slot
from tests.stores.redises import redis_at

from foliot.errors import StoreError, StoreUnavailable
from foliot.model import Hint, Topic
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.testing import StoreExam
from foliot.testing.exam.durability import Durability
from foliot.testing.exam.keeping import hint
from foliot.testing.exam.scene import a_run, add, everything, finish, names, take
from foliot.testing.servers import RedisClusterServer, SentinelServer, ServerMissing
from foliot.testing.servers.redis import ask

PATIENCE = 30.0
PAGE = (Path(__file__).parents[2] / "docs/redis.md").read_text("utf-8")


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


@pytest.fixture(scope="module")
def sentinels() -> Iterator[SentinelServer]:
    try:
        with SentinelServer() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
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


async def test_a_name_that_sentinels_do_not_know_is_said(sentinels: SentinelServer):
    store = open_store(sentinels.url.replace("mymaster", "nobody"))

    with pytest.raises(StoreUnavailable, match=r"knows a living master of this name .*'nobody'"):
        await store.open()
    await store.close()


async def test_why_sentinels_did_not_answer_is_said(sentinels: SentinelServer):
    store = open_store(sentinels.url, sentinel_password="wrong")

    with pytest.raises(StoreUnavailable, match=r"No master found for 'mymaster'; auth:AuthenticationError\)"):
        await store.open()
    await store.close()


async def test_a_replica_of_a_living_master_is_refused(sentinels: SentinelServer):
    [replica] = {*sentinels.ports} - {sentinels.master}
    store = open_store(f"redis://127.0.0.1:{replica}")

    with pytest.raises(StoreUnavailable, match="read-only replica"):
        await store.open()
    await store.close()


async def test_the_rights_of_the_page_are_enough_for_a_cluster_and_a_password_is_needed(
    cluster: RedisClusterServer, namespace: str
):
    [command] = re.findall("^ACL SETUSER .*$", PAGE, re.MULTILINE)
    for port in cluster.ports:
        assert ask(port, command.replace("foliot", namespace)) == "+OK"
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    stranger = open_store(cluster.url.replace("//", "//service:wrong@"), namespace=namespace)
    store = open_store(cluster.url.replace("//", "//service:word@"), namespace=namespace)

    with pytest.raises(StoreError, match="put the user and its password into the URL"):
        await stranger.open()
    await store.open()
    stop = store.watch(heard.put_nowait)
    await add(store, a_run("a"))

    assert await hint(heard, Topic.RUNS)
    assert names(await take(store)) == ["a"]
    stop()
    await store.close()
    await stranger.close()


async def test_after_a_failover_the_new_master_is_found(sentinels: SentinelServer):
    store = open_store(sentinels.url, timeout="2", wait="1")
    before = open_store(sentinels.url, timeout="2")
    await store.open()
    await before.open()
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
    await in_time(before, "d")
    assert {"a", "c", "d"} <= set(names(await everything(after)))
    await store.close()
    await before.close()
    await after.close()


async def test_namespaces_are_spread_over_the_nodes_of_a_cluster(cluster: RedisClusterServer):
    places: set[int] = set()
    for name in "abcdefgh":
        store = open_store(cluster.url, namespace=name)
        await store.open()
        await add(store, a_run(name))
        places |= {port for port in cluster.ports if f"{{{name}}}:schema" in ask(port, "KEYS *")}
        await store.close()

    assert places == set(cluster.ports)


async def test_a_line_to_a_node_that_fell_while_idle_is_laid_anew_unnoticed(
    cluster: RedisClusterServer, namespace: str
):
    store = open_store(cluster.url, namespace=namespace)
    await store.open()
    await add(store, a_run("a"))
    for port in cluster.ports:
        assert ask(port, "CLIENT KILL TYPE normal SKIPME yes").startswith(":")
    await asyncio.sleep(0.05)

    assert names(await take(store)) == ["a"]
    await store.close()


async def test_a_namespace_that_moved_to_another_node_is_found_there(cluster: RedisClusterServer, namespace: str):
    store = open_store(cluster.url, namespace=namespace)
    await store.open()
    await add(store, a_run("a"))
    move = Move(cluster, namespace)

    move.carry(move.keys)
    move.end()

    assert names(await take(store)) == ["a"]
    await store.close()


async def test_while_a_namespace_moves_nothing_is_half_done(cluster: RedisClusterServer, namespace: str):
    store = open_store(cluster.url, namespace=namespace)
    await store.open()
    await add(store, a_run("a"), a_run("b"))
    [held] = await take(store, limit=1)
    move = Move(cluster, namespace)
    keys = sorted(move.keys)

    for part in (keys[: len(keys) // 2], [key for key in keys if key.endswith(":schema")], keys):
        with pytest.raises(StoreUnavailable, match="not ready"):
            await finish(store, held)
        move.carry(part)
    with pytest.raises(StoreUnavailable, match="not ready"):
        await add(store, a_run("c"))
    move.end()

    assert names(await everything(store)) == ["b", "a"]
    assert await finish(store, held)
    assert names(await take(store)) == ["b"]
    await store.close()


async def test_hints_are_heard_from_the_node_to_which_a_namespace_moved(cluster: RedisClusterServer, namespace: str):
    store = open_store(cluster.url, namespace=namespace)
    await store.open()
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    stop = store.watch(heard.put_nowait)
    assert await hint(heard, Topic.CANCELS)
    move = Move(cluster, namespace)

    move.carry(move.keys)
    move.end()

    assert await hint(heard, Topic.CANCELS)
    stop()
    await store.close()


class Move:
    """The slot of a namespace goes to a node that does not keep it, as ``redis-cli --cluster reshard`` does it."""

    def __init__(self, cluster: RedisClusterServer, namespace: str) -> None:
        self.slot = key_slot(f"{{{namespace}}}".encode())
        self.ids = {port: ask(port, "CLUSTER MYID").splitlines()[1] for port in cluster.ports}
        self.namespace = namespace
        self.source = next(port for port in cluster.ports if self._counted(port) not in {":0", ""})
        self.goal = next(port for port in cluster.ports if port != self.source)
        ask(self.goal, f"CLUSTER SETSLOT {self.slot} IMPORTING {self.ids[self.source]}")
        ask(self.source, f"CLUSTER SETSLOT {self.slot} MIGRATING {self.ids[self.goal]}")

    @property
    def keys(self) -> list[str]:
        return [line for line in ask(self.source, f"KEYS {{{self.namespace}}}*").splitlines() if line.startswith("{")]

    def carry(self, keys: list[str]) -> None:
        for key in keys:
            assert ask(self.source, f'MIGRATE 127.0.0.1 {self.goal} "{key}" 0 5000').startswith(("+OK", "+NOKEY"))

    def end(self) -> None:
        for port in self.ids:
            ask(port, f"CLUSTER SETSLOT {self.slot} NODE {self.ids[self.goal]}")

    def _counted(self, port: int) -> str:
        return ask(port, f"CLUSTER COUNTKEYSINSLOT {self.slot}")
