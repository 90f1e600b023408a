"""The line to a Redis: whatever befalls it, each verb is done whole or not at all, and the next one finds its way."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from foliot import Scheduler
from foliot.errors import StoreUnavailable
from foliot.model import Beat, Change, Claim, Hint, Limit, Query, Run, Schedule, State, Topic, Worker
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.stores.redis import RedisStore
from foliot.stores.redis.exchange import AT_ONCE
from foliot.testing.exam.keeping import hint
from foliot.testing.exam.scene import (
    LEASE,
    a_firing,
    a_line,
    a_run,
    a_schedule,
    add,
    an_ending,
    everything,
    names,
    put,
    take,
    the_schedule,
)
from foliot.testing.proxy import Proxy
from foliot.testing.servers import RedisServer, ServerMissing
from foliot.testing.servers.redis import ask

WORKER = Worker(id="w")
PATIENCE = 30.0

Verb = Callable[[Store, list[Run], Schedule], Awaitable[Any]]

VERBS: dict[str, Verb] = {
    "add": lambda store, held, schedule: store.add([a_run("new"), a_run("newer", after=("new",))], 5),
    "amend": lambda store, held, schedule: store.amend(["d", "e"], Change(cancel="no", priority=7), 5),
    "claim": lambda store, held, schedule: store.claim(Claim(worker="w", limit=9, lease=LEASE), 5),
    "beat": lambda store, held, schedule: store.beat(
        WORKER, [Beat(run=run.id, token=run.token, lines=(a_line("said"),)) for run in held], 5, LEASE
    ),
    "finish": lambda store, held, schedule: store.finish(
        [an_ending(held[0], spawn=(a_run("child"),)), an_ending(held[1], State.PENDING, due_at=9)], 5
    ),
    "turn": lambda store, held, schedule: store.turn(
        [an_ending(each) for each in held], Claim(worker="w", limit=9, lease=LEASE), 5
    ),
    "fire": lambda store, held, schedule: store.fire([a_firing(schedule, a_run("fired"), wakes_at=60)], 5, 10),
    "put": lambda store, held, schedule: store.put([a_schedule("t"), Limit(id="job/job", running=1)]),
    "drop": lambda store, held, schedule: store.drop(Limit, ["queue/mail"]),
    "prune": lambda store, held, schedule: store.prune(10, None, 10),
    "find": lambda store, held, schedule: store.find(Query()),
    "tally": lambda store, held, schedule: store.tally(Query(), "job"),
    "lines": lambda store, held, schedule: store.lines("a"),
    "records": lambda store, held, schedule: store.records(Schedule),
}


@pytest.fixture
async def proxy(redis_server: str) -> AsyncIterator[Proxy]:
    host, port = redis_server.removeprefix("redis://").partition("/")[0].rpartition("@")[2].split(":")
    async with Proxy(host, int(port)) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy, redis_url: str) -> AsyncIterator[Store]:
    store = open_store(proxy.in_front_of(redis_url), timeout="0.5")
    await store.open()
    yield store
    proxy.restore()
    await store.close()


async def given_some(store: Store) -> tuple[list[Run], Schedule]:
    """Runs in every state, two of them held; a schedule and a limit."""
    await put(store, a_schedule("s"), Limit(id="queue/mail", running=0))
    await add(store, a_run("a"), a_run("b"))
    held = await take(store)
    over = a_run("o", state=State.SKIPPED, finished_at=0)
    await add(store, a_run("c", after=("a",)), a_run("d"), a_run("e", queue="mail"), over)
    return held, await the_schedule(store, "s")


async def given_the_scripts(store: Store, verb: str) -> None:
    """Let the server learn the scripts in another namespace: else what is lost may be the word that it knows none."""
    assert isinstance(store, RedisStore)
    other = RedisStore(replace(store.address, namespace=f"{store.address.namespace}-other"))
    await other.open()
    await VERBS[verb](other, *await given_some(other))
    await contents(other)
    await other.close()


async def contents(store: Store) -> list[Any]:
    """All that a store holds."""
    kinds: list[type[Any]] = [Schedule, Limit, Worker]
    every: list[list[Any]] = [await store.records(kind) for kind in kinds]
    return [await everything(store), *every, [await store.lines(name) for name in "ab"]]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_whose_answer_is_lost_was_done_whole(store: Store, proxy: Proxy, verb: str):
    await given_the_scripts(store, verb)
    reference = MemoryStore()
    await VERBS[verb](reference, *await given_some(reference))
    given = await given_some(store)
    proxy.lose_replies()

    with pytest.raises(StoreUnavailable):
        await VERBS[verb](store, *given)

    proxy.restore()
    assert await contents(store) == await contents(reference)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_that_never_arrives_did_nothing(store: Store, proxy: Proxy, verb: str):
    given = await given_some(store)
    before = await contents(store)
    proxy.cut()

    with pytest.raises(StoreUnavailable):
        await VERBS[verb](store, *given)

    proxy.restore()
    assert await contents(store) == before
    await VERBS[verb](store, *given)


async def test_a_server_that_does_not_answer_is_given_up_in_time(store: Store, proxy: Proxy):
    proxy.black_hole()

    with pytest.raises(StoreUnavailable, match=r"no answer within 0\.5 s"):
        await store.time()


async def test_a_line_that_fell_while_idle_is_laid_anew_unnoticed(store: Store, proxy: Proxy):
    await add(store, a_run("a"))
    proxy.cut()
    await asyncio.sleep(0.05)
    proxy.restore()

    assert names(await take(store)) == ["a"]


async def test_who_stops_waiting_for_an_answer_does_not_mix_up_the_others(store: Store, proxy: Proxy):
    await add(store, a_run("a"))
    proxy.delay(0.05)
    impatient = asyncio.ensure_future(store.time())
    patient = asyncio.ensure_future(everything(store))
    await asyncio.sleep(0)
    impatient.cancel()

    assert names(await patient) == ["a"]
    assert await store.tally(Query(), "state") == {"pending": 1}


async def test_a_call_that_never_came_back_leaves_the_others_a_line(store: Store, proxy: Proxy):
    proxy.black_hole()
    lost = await asyncio.gather(store.time(), store.time(), return_exceptions=True)
    proxy.restore()

    assert [type(each) for each in lost] == [StoreUnavailable, StoreUnavailable]
    assert await store.time()


async def test_any_number_of_calls_at_once_share_a_few_connections(redis_url: str):
    store = open_store(redis_url)
    await store.open()

    before = clients_of(redis_url)

    await asyncio.gather(*(add(store, a_run(f"{n:03}")) for n in range(300)))

    assert clients_of(redis_url) <= before + AT_ONCE
    assert await store.tally(Query(), "state") == {"pending": 300}
    await store.close()


def clients_of(url: str) -> int:
    said = ask(urlsplit(url).port or 6379, "INFO clients")
    return int(re.findall(r"connected_clients:(\d+)", said)[0])


async def test_hints_are_heard_again_after_the_line_fell(store: Store, proxy: Proxy):
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    stop = store.watch(heard.put_nowait)
    assert await hint(heard, Topic.RUNS)
    proxy.cut()
    proxy.restore()

    assert await hint(heard, Topic.RUNS)
    stop()


@pytest.mark.parametrize("server", ["redis_url", "redis_cluster_url"])
async def test_a_hint_says_what_may_be_due_and_from_when_on(request: pytest.FixtureRequest, server: str):
    url: str = request.getfixturevalue(server)
    here, there = open_store(url), open_store(url)
    heard: asyncio.Queue[Hint] = asyncio.Queue()
    await here.open()
    await there.open()
    stop = there.watch(heard.put_nowait)
    first = [await asyncio.wait_for(heard.get(), PATIENCE) for _ in Topic]

    await add(here, a_run("a", due_at=90), a_run("b", due_at=70))
    later = await asyncio.wait_for(heard.get(), PATIENCE)
    await put(here, a_schedule("s", wakes_at=50))
    ticking = await asyncio.wait_for(heard.get(), PATIENCE)
    [run] = await take(here, 70, limit=1)
    await here.amend([run.id], Change(cancel="no"), 70)
    cancelled = await asyncio.wait_for(heard.get(), PATIENCE)

    assert {each.topic for each in first} == set(Topic)
    assert later == Hint(topic=Topic.RUNS, at=70)
    assert ticking == Hint(topic=Topic.SCHEDULES, at=50)
    assert cancelled == Hint(topic=Topic.CANCELS)
    stop()
    await here.close()
    await there.close()


async def test_a_hint_is_heard_in_the_event_loop_of_who_watches(redis_url: str):
    store = open_store(redis_url)
    await store.open()
    heard: list[Hint] = []
    watching, enough = threading.Event(), threading.Event()

    async def watch() -> None:
        def ring(hint: Hint) -> None:
            heard.append(hint)
            enough.set()

        stop = store.watch(ring)
        watching.set()
        await asyncio.to_thread(enough.wait, PATIENCE)
        stop()

    thread = threading.Thread(target=lambda: asyncio.run(watch()))
    thread.start()
    await asyncio.to_thread(watching.wait, PATIENCE)
    await asyncio.to_thread(thread.join)

    assert heard
    await store.close()


async def test_a_store_that_is_not_open_says_so(redis_url: str):
    store = open_store(redis_url)

    with pytest.raises(StoreUnavailable, match="is not open"):
        await store.time()


async def test_what_does_not_speak_as_a_redis_is_said():
    gone = asyncio.Event()

    async def chat(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(chat, "127.0.0.1", 0)
    store = open_store(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await store.open()
    await gone.wait()
    await store.close()
    server.close()


async def test_threads_with_event_loops_of_their_own_may_share_a_store(redis_url: str):
    store = open_store(redis_url)
    await store.open()
    beside = store.beside()
    there: list[list[str]] = []

    def live() -> None:
        there.append(asyncio.run(names_in(beside)))

    await add(store, a_run("a"))
    thread = threading.Thread(target=live)
    thread.start()
    await asyncio.to_thread(thread.join)

    assert there == [["a"]]
    await store.close()


async def names_in(store: Store) -> list[str]:
    return names(await everything(store))


async def test_a_closed_store_refuses_calls_from_other_threads_too(redis_url: str):
    store = open_store(redis_url)
    await store.open()
    called, closed = threading.Event(), threading.Event()
    after: list[tuple[object, ...]] = []

    async def linger() -> None:
        await store.time()
        called.set()
        await asyncio.to_thread(closed.wait)
        after.append(tuple(await asyncio.gather(store.time(), return_exceptions=True)))

    thread = threading.Thread(target=lambda: asyncio.run(linger()))
    thread.start()
    await asyncio.to_thread(called.wait)
    await store.close()
    closed.set()
    await asyncio.to_thread(thread.join)

    [[problem]] = after
    assert isinstance(problem, StoreUnavailable)


async def test_a_restarted_server_is_found_again_and_learns_the_scripts_anew():
    try:
        with RedisServer() as server:
            store = open_store(server.url)
            await store.open()
            await add(store, a_run("a"))
            server.kill()

            with pytest.raises(StoreUnavailable):
                await take(store)

            server.start()
            assert names(await take(store)) == ["a"]
            assert ask(server.port, "SCRIPT FLUSH") == "+OK"
            assert names(await everything(store)) == ["a"]
            await store.close()
    except ServerMissing as missing:
        pytest.skip(str(missing))


async def test_a_scheduler_works_on_when_its_server_is_back():
    try:
        with RedisServer() as server:
            scheduler = Scheduler(server.url)

            @scheduler.job()
            async def greet() -> str:
                return "hello"

            async with scheduler:
                server.kill()
                with pytest.raises(StoreUnavailable):
                    await greet.enqueue()
                server.start()
                run = await greet.enqueue()

                assert await run.result(timeout=PATIENCE) == "hello"
    except ServerMissing as missing:
        pytest.skip(str(missing))


async def test_a_store_closes_however_far_its_doorbell_has_come(redis_url: str):
    store = open_store(redis_url)

    for steps in range(60):  # at some of them the line is just laid, or the channel asked for
        await store.open()
        stop = store.watch(lambda _: None)
        for _ in range(steps):
            await asyncio.sleep(0)
        closed, _ = await asyncio.wait([asyncio.ensure_future(store.close())], timeout=PATIENCE)
        stop()

        assert closed, f"it still waits {steps} steps after it was opened"
