"""The ground of a proof: each way to hurt a store passes, and what it leaves behind is the same store."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from foliot.errors import SettingsError
from foliot.model import Run
from foliot.moments import MILLISECOND
from foliot.stores import open_store
from foliot.testing.faults.ground import prepared
from foliot.testing.faults.plan import Fault, Kind
from foliot.testing.servers import RedisServer
from foliot.testing.servers.redis import ask


def briefly(kind: Kind) -> Fault:
    return Fault(at=0, kind=kind, lasts=100 * MILLISECOND)


@pytest.mark.parametrize("kind", [Kind.STORE_KILL, Kind.STORE_RESTART, Kind.STORE_FREEZE])
async def test_a_server_that_was_hurt_comes_back_with_what_it_had(kind: Kind, redis_server: str, tmp_path: Path):
    async with prepared("redis", tmp_path, 1) as ground:
        assert isinstance(ground.server, RedisServer)
        ask(ground.server.port, "SET a 1")

        await ground.hurt(briefly(kind))

        assert ask(ground.server.port, "GET a").endswith("1")


async def test_a_locked_file_lets_nobody_write_until_it_is_over(tmp_path: Path):
    async with prepared("sqlite", tmp_path, 1) as ground:
        hurting = asyncio.ensure_future(ground.hurt(briefly(Kind.STORE_LOCK)))
        await asyncio.sleep(0.05)
        with (
            closing(sqlite3.connect(str(ground.file), timeout=0)) as file,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            file.execute("CREATE TABLE a (b)")

        await hurting

        with closing(sqlite3.connect(str(ground.file), timeout=0)) as file:
            file.execute("CREATE TABLE a (b)")


async def test_of_a_server_that_somebody_named_only_the_wire_and_the_processes_are_hurt(tmp_path: Path):
    async with prepared("postgresql://me@db.example/jobs", tmp_path, 2) as ground:
        urls = {ground.url_for(0), ground.url_for(1)}

    assert len(urls) == 2
    assert all(url.startswith("postgresql://me@127.0.0.1:") for url in urls)
    assert "namespace=proof_" in ground.url
    assert Kind.STORE_KILL not in ground.kinds
    assert Kind.CUT in ground.kinds


async def namespaces(url: str) -> list[str]:
    """What a server keeps of namespaces that proofs made up."""
    if url.startswith("redis"):
        return ask(int(url.rpartition(":")[2].split("/")[0]), "KEYS *proof_*").split()[1:]
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'proof\\_%'")
    finally:
        await connection.close()
    return [each[0] for each in found]


@pytest.fixture(params=["postgres", "redis"])
def server(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_server")


async def fill(url: str) -> None:
    store = open_store(url)
    await store.open()
    await store.add([Run(id=f"r{n}", job="j", due_at=0, created_at=0) for n in range(10)], 0)
    await store.close()


async def test_nothing_is_left_on_a_server_that_somebody_named(server: str, tmp_path: Path):
    async with prepared(server, tmp_path, 1) as ground:
        name = ground.url.rpartition("=")[2]
        await fill(ground.url)
        before = [each for each in await namespaces(server) if name in each]

        await ground.leave()

        after = [each for each in await namespaces(server) if name in each]
    assert before
    assert after == []


async def test_a_namespace_that_somebody_named_is_left_as_it_is(postgres_server: str, tmp_path: Path):
    mine = f"proof_mine_{uuid4().hex[:8]}"
    async with prepared(f"{postgres_server}?namespace={mine}", tmp_path, 1) as ground:
        await fill(ground.url)

        await ground.leave()

        assert mine in await namespaces(postgres_server)


async def test_where_no_proxy_can_stand_replies_are_lost_by_the_processes_themselves(tmp_path: Path):
    async with prepared("redis+sentinel://a:1,b:2/mymaster/0?namespace=mine", tmp_path, 2) as ground:
        assert ground.url_for(1) == "redis+sentinel://a:1,b:2/mymaster/0?namespace=mine"
        assert {Kind.LOSE, Kind.KILL} <= ground.kinds
        assert Kind.CUT not in ground.kinds


async def test_a_file_that_somebody_named_is_proven_on(tmp_path: Path):
    async with prepared(f"sqlite:///{tmp_path}/mine.db", tmp_path, 2) as ground:
        assert ground.file == tmp_path / "mine.db"
        assert not ground.own_time


async def test_what_is_no_store_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="nothing to prove there"):
        async with prepared("oracle", tmp_path, 2):
            pass
