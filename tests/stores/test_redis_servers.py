"""What a Redis must be, and what is said when it is not: refused with the reason, and never half done."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from tests.flow.test_cost import PAGE as PARTS
from tests.flow.test_cost import fanned_out

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.model import Limit, Query, Worker
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.stores.redis import RedisStore
from foliot.stores.redis.address import OPTIONS, SCHEMES
from foliot.stores.redis.entrance import SCHEMA, unfit
from foliot.testing.exam.scene import (
    a_line,
    a_run,
    a_schedule,
    add,
    beat,
    cancel,
    claim,
    everything,
    finish,
    names,
    put,
    take,
)
from foliot.testing.faults.leaving import removed
from foliot.testing.servers import RedisServer, ServerMissing
from foliot.testing.servers.redis import ask

PAGE = (Path(__file__).parents[2] / "docs/redis.md").read_text("utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of our own, whose settings may be turned."""
    try:
        with RedisServer() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def told(server: RedisServer) -> Iterator[RedisServer]:
    """The same, with its settings turned back afterwards."""
    yield server
    for setting in ("maxmemory 0", "maxmemory-policy noeviction", "requirepass ''", "min-replicas-to-write 0"):
        ask(server.port, f"CONFIG SET {setting}")
    ask(server.port, "REPLICAOF NO ONE")


async def refusal(url: str, error: type[Exception] = StoreError) -> str:
    """Why a store cannot be opened."""
    store = open_store(url)
    with pytest.raises(error) as refused:
        await store.open()
    await store.close()
    return str(refused.value)


def setuser(namespace: str) -> str:
    """The command of the page that gives a user enough rights."""
    [command] = re.findall("^ACL SETUSER .*$", PAGE, re.MULTILINE)
    return command.replace("foliot", namespace)


async def opened(url: str) -> Store:
    store = open_store(url)
    await store.open()
    return store


# What it must be


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"redis_version": "7.0.15"}, None),
        ({"redis_version": "8.2.1", "maxmemory_policy": "noeviction", "role": "master"}, None),
        ({"redis_version": "6.2.7"}, "7.0 or newer"),
        ({"redis_version": "7.2.4", "maxmemory_policy": "allkeys-lru"}, "set it to noeviction"),
        ({"redis_version": "7.2.4", "maxmemory_policy": "volatile-ttl"}, "set it to noeviction"),
        ({"redis_version": "7.2.4", "role": "slave"}, "read-only replica"),
    ],
)
def test_a_server_that_would_lose_or_refuse_runs_is_unfit(info: dict[str, str], reason: str | None):
    problem = unfit(info)

    assert problem is None if reason is None else problem is not None and reason in problem[1]


async def test_an_evicting_redis_is_refused(told: RedisServer):
    ask(told.port, "CONFIG SET maxmemory-policy allkeys-lru")

    assert "maxmemory-policy is allkeys-lru" in await refusal(told.url)


async def test_a_replica_is_refused(told: RedisServer):
    ask(told.port, "REPLICAOF 127.0.0.1 1")

    assert "read-only replica" in await refusal(told.url, StoreUnavailable)


async def test_a_master_that_became_a_replica_is_unavailable_until_it_is_one_again(told: RedisServer, namespace: str):
    store = await opened(f"{told.url}?namespace={namespace}")
    ask(told.port, "REPLICAOF 127.0.0.1 1")

    with pytest.raises(StoreUnavailable, match="read-only replica"):
        await add(store, a_run("a"))

    ask(told.port, "REPLICAOF NO ONE")
    assert names(await everything(store)) == []
    await add(store, a_run("a"))
    await store.close()


async def test_what_a_newer_foliot_wrote_is_refused(server: RedisServer, namespace: str):
    ask(server.port, f"SET {{{namespace}}}:schema {SCHEMA + 1}")

    assert "written by a newer Foliot" in await refusal(f"{server.url}?namespace={namespace}", StoreCorrupt)


async def test_namespaces_never_see_each_other(server: RedisServer, namespace: str):
    one, other = [await opened(f"{server.url}?namespace={namespace}{n}") for n in "12"]

    await add(one, a_run("a"))

    assert names(await take(other)) == []
    assert names(await take(one)) == ["a"]
    await one.close()
    await other.close()


# Who may


async def test_a_missing_password_is_said(told: RedisServer):
    ask(told.port, "CONFIG SET requirepass secret")

    answers = await refusal(told.url), await refusal(told.url.replace("//", "//:wrong@"))
    store = await opened(told.url.replace("//", "//:secret@"))
    await store.close()
    ask(told.port, "AUTH secret\r\nCONFIG SET requirepass ''")

    assert all("put the user and its password into the URL" in answer for answer in answers)
    assert not any("secret" in answer for answer in answers)


async def test_a_user_with_too_few_rights_is_told_so(server: RedisServer, namespace: str):
    ask(server.port, "ACL SETUSER visitor on >word ~other:* +@read")

    assert "this user may not do what the store needs" in await refusal(
        server.url.replace("//", "//visitor:word@") + f"?namespace={namespace}"
    )


async def test_a_user_with_the_rights_of_the_page_can_do_everything(server: RedisServer, namespace: str):
    assert ask(server.port, setuser(namespace)) == "+OK"
    store = await opened(server.url.replace("//", "//service:word@") + f"?namespace={namespace}")

    await put(store, a_schedule("s"), Limit(id="queue/default", running=1))
    await add(store, a_run("a"), a_run("b"))
    [run] = await take(store)
    await beat(store, run, lines=(a_line("hello"),))
    await finish(store, run)

    assert names(await take(store)) == ["b"]
    assert await store.prune(10, None, 10) == 1
    assert await store.time()
    await store.close()


async def test_a_user_that_loses_its_rights_meanwhile_is_told_so(server: RedisServer, namespace: str):
    ask(server.port, setuser(namespace).replace("service", "novice"))
    store = await opened(server.url.replace("//", "//novice:word@") + f"?namespace={namespace}")
    ask(server.port, "ACL SETUSER novice resetkeys ~other:*")

    with pytest.raises(StoreError, match="this user may not"):
        await add(store, a_run("a"))
    await store.close()


# When it is full


async def test_a_full_redis_takes_no_new_runs_and_lets_others_end(told: RedisServer, namespace: str):
    store_url = f"{told.url}?namespace={namespace}"
    store = await opened(store_url)
    await add(store, a_run("a"), a_run("b"))
    runs = await take(store)
    ask(told.port, "CONFIG SET maxmemory 1mb")

    with pytest.raises(StoreFull, match="raise maxmemory"):
        await add(store, a_run("c"))
    with pytest.raises(StoreFull):
        await put(store, a_schedule("s"))

    assert (await beat(store, runs[0], 5)).verdict == "keep"
    assert await finish(store, runs[0], 5)
    assert (await cancel(store, "b", 5)) is not None
    again = await opened(store_url)
    await again.close()
    assert await store.prune(10, None, 10) == 1
    assert names(await everything(store)) == ["b"]
    await store.close()


async def test_what_is_pruned_leaves_nothing_behind(server: RedisServer, namespace: str):
    store = await opened(f"{server.url}?namespace={namespace}")
    before = keys_of(server, namespace)
    await add(
        store,
        *(a_run(f"{n}", tags=("t",), meta={"a": n}, schedule="s", parent="p", lanes=("key/k",)) for n in range(30)),
        a_run("last", after=("0", "1"), priority=3, target="w"),
    )
    for run in await take(store, limit=30):
        await beat(store, run, lines=(a_line("hello"),))
        await finish(store, run, 5)
    [last] = await take(store, 6)
    await finish(store, last, 6)
    assert (await claim(store, 7)).runs == ()

    await store.prune(10, None, 100)
    await store.drop(Worker, ["w"])

    assert keys_of(server, namespace) == before
    await store.close()


async def test_what_a_proof_leaves_is_removed_and_a_server_that_is_gone_has_nothing_left(
    server: RedisServer, namespace: str
):
    store = await opened(f"{server.url}?namespace={namespace}")
    await add(store, a_run("a"))
    await store.close()

    await removed(f"{server.url}?namespace={namespace}")
    await removed("redis://127.0.0.1:1")

    assert keys_of(server, namespace) == set()


async def test_starts_that_no_longer_count_are_forgotten_with_their_lanes(server: RedisServer, namespace: str):
    store = await opened(f"{server.url}?namespace={namespace}")
    await put(store, Limit(id="key/job", starts=1, per=10))
    await add(store, a_run("a", lanes=("key/job#once",)), a_run("b", lanes=("key/job#never again",), due_at=50))

    await take(store)
    before = keys_of(server, namespace)
    await take(store, 50)

    assert f"{{{namespace}}}:starts:key/job#once" in before
    assert f"{{{namespace}}}:starts:key/job#once" not in keys_of(server, namespace)
    await store.close()


def keys_of(server: RedisServer, namespace: str) -> set[str]:
    return {word for word in ask(server.port, f"KEYS {{{namespace}}}*").split() if namespace in word}


# When it is gone, or elsewhere


async def test_nobody_at_the_door_is_said():
    assert "cannot be reached" in await refusal("redis://127.0.0.1:1", StoreUnavailable)


async def test_sentinels_and_nodes_that_are_not_there_are_said():
    assert "no sentinel that can be reached" in await refusal(
        "redis+sentinel://:secret@127.0.0.1:1/mymaster?sentinel_password=secret", StoreUnavailable
    )
    assert "127.0.0.1:1" in await refusal("redis+cluster://127.0.0.1:1", StoreUnavailable)


async def test_a_server_that_is_no_cluster_is_told_so(server: RedisServer):
    assert "Cluster mode is not enabled" in await refusal(
        server.url.replace("redis:", "redis+cluster:"), StoreUnavailable
    )


async def test_promises_wait_for_replicas(server: RedisServer, namespace: str):
    store = await opened(f"{server.url}?namespace={namespace}&wait=1&timeout=2")

    with pytest.raises(StoreUnavailable, match="only 0 of 1 replicas"):
        await add(store, a_run("a"))

    assert names(await take(store)) == ["a"]
    await store.close()


async def test_a_store_behind_a_socket_is_a_store(tmp_path: Path):
    with RedisServer(unixsocket=str(tmp_path / "redis.sock")):
        store = await opened(f"redis+unix://{tmp_path}/redis.sock?db=2")
        await add(store, a_run("a"))

        assert names(await take(store)) == ["a"]
        await store.close()


@pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")
async def test_a_store_behind_tls_is_a_store_and_strangers_are_not_trusted(tmp_path: Path):
    cert, key = certificate(tmp_path)
    with RedisServer() as server:
        for setting in (f"tls-cert-file {cert}", f"tls-key-file {key}", f"tls-ca-cert-file {cert}"):
            ask(server.port, f"CONFIG SET {setting}")
        assert ask(server.port, f"CONFIG SET port 0 tls-port {server.port}") == "+OK"
        url = f"rediss://localhost:{server.port}"

        stranger = await refusal(url, StoreUnavailable)
        store = await opened(f"{url}?tls_ca={cert}&tls_cert={cert}&tls_key={key}")
        unverified = await opened(f"{url}?tls_verify=no&tls_cert={cert}&tls_key={key}")
        await add(store, a_run("a"))

        assert "CERTIFICATE_VERIFY_FAILED" in stranger
        assert names(await take(unverified)) == ["a"]
        await store.close()
        await unverified.close()


def certificate(home: Path) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    cert, key = home / "cert.pem", home / "key.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -out {cert} -keyout {key}"
    subprocess.run([*command.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return cert, key


async def test_the_time_is_the_servers(server: RedisServer, namespace: str):
    store = await opened(f"{server.url}?namespace={namespace}")

    earlier, later = await store.time(), await store.time()

    assert isinstance(store, RedisStore)
    assert earlier is not None
    assert later is not None
    assert earlier <= later
    await store.close()


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_a_block_of_the_page_is_a_program_that_works(redis_url: str, block: str):
    program = block.replace("redis://localhost:6379/0", redis_url)

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "hello Ada\n", "")


def test_every_option_and_kind_of_url_is_on_the_page():
    assert all(f"`{name}`" in PAGE or f"?{name}" in PAGE for name in OPTIONS)
    assert all(f"{scheme}://" in PAGE or f"`{scheme}`" in PAGE for scheme in SCHEMES)


# Too many for one step


async def test_thousands_who_waited_for_one_run_are_released_a_thousand_at_a_time(redis_url: str):
    store = await opened(redis_url)
    await add(store, a_run("first"), *(a_run(f"{n:04}", after=("first",)) for n in range(2500)))
    [first] = await take(store, limit=1)

    await finish(store, first, 5)
    counts = [await awake(store)]
    told: list[bool] = []
    for _ in range(4):
        batch = await claim(store, 5, limit=1)
        told.append(bool(batch.runs))
        counts.append(await awake(store))

    assert counts == [1000, 2000, 2500, 2500, 2500]
    assert told == [True] * 4
    await store.close()


async def awake(store: Store) -> int:
    """How many runs no longer wait."""
    return sum(not run.waits for run in await everything(store, Query(limit=500)) if run.id != "first")


async def test_a_part_costs_the_same_whether_it_is_one_of_hundreds_or_of_thousands(server: RedisServer):
    few, many = await work_per_part(server, 1), await work_per_part(server, 8)

    assert many < 1.2 * few
    assert many < 5


async def work_per_part(server: RedisServer, pages: int) -> float:
    """How many commands a part of a fan-out costs, those within scripts counted, and how many keys they look at."""
    store = await opened(f"{server.url}?namespace=pages-{pages}")
    before = work_done(server)
    await fanned_out(store, pages)
    after = work_done(server)
    await store.close()
    return (after - before) / (pages * PARTS)


def work_done(server: RedisServer) -> int:
    told = ask(server.port, "INFO commandstats") + ask(server.port, "INFO stats")
    return sum(map(int, re.findall(r"(?:\bcalls=|keyspace_hits:|keyspace_misses:)([0-9]+)", told)))
