"""Many at once on one database: limits hold exactly, nothing is claimed twice, nobody waits for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from foliot.model import Claim, Clash, Ending, Fate, Firing, Limit, Query, Run, Schedule, State, Unique
from foliot.stores.postgres import PostgresStore
from foliot.stores.postgres.statements import statements
from foliot.stores.postgres.wire import ending_columns

CLAIMERS = 6


@pytest.fixture
async def stores(postgres_server: str, namespace: str) -> AsyncIterator[list[PostgresStore]]:
    stores = [PostgresStore(postgres_server, namespace=namespace) for _ in range(CLAIMERS)]
    await asyncio.gather(*(each.open() for each in stores))
    yield stores
    await asyncio.gather(*(each.close() for each in stores))


def some(count: int, **fields: object) -> list[Run]:
    return [
        Run(id=f"{n:04}", job="job", due_at=0, created_at=0, **{"queue": "default", **fields}) for n in range(count)
    ]


async def claimed(store: PostgresStore, worker: str, limit: int) -> list[Run]:
    return list((await store.claim(Claim(worker=worker, limit=limit, lease=10**9), 1)).runs)


@pytest.mark.parametrize("limit", [Limit(id="key/k", running=5), Limit(id="key/k", starts=5, per=10**6)])
async def test_no_more_start_in_a_lane_than_it_has_room_for_however_many_claim_at_once(
    stores: list[PostgresStore], limit: Limit
):
    await stores[0].put([limit])
    await stores[0].add(some(60, lanes=("key/k",)), 0)

    for _ in range(10):
        await asyncio.gather(*(claimed(each, f"w{n}", 12) for n, each in enumerate(stores)))

    running = await stores[0].tally(Query(states=(State.RUNNING,)), "state")
    assert running == {"running": 5}


async def test_places_that_are_left_all_at_once_are_taken_by_no_more_than_there_are(stores: list[PostgresStore]):
    await stores[0].put([Limit(id="key/k", running=5)])
    await stores[0].add([*some(300, lanes=("key/k",)), Run(id="x", job="x", due_at=0, created_at=0)], 0)
    most = 0

    for now in range(2, 12):
        await stores[0].put([Limit(id="key/k", running=5, paused=None)])  # whoever is parked is looked at again
        for _ in range(3):
            await asyncio.gather(*(claimed(each, f"w{n}", 12) for n, each in enumerate(stores)))
        running = (await stores[0].find(Query(states=(State.RUNNING,), limit=1000))).runs
        most = max(most, sum(run.job == "job" for run in running))
        await stores[0].finish([Ending(run=run.id, token=run.token, state=State.SUCCEEDED) for run in running], now)

    assert most == 5


async def test_while_all_claim_and_finish_the_lane_is_never_overfull_and_everything_ends(stores: list[PostgresStore]):
    await stores[0].put([Limit(id="key/k", running=3), Limit(id="queue/default", running=10)])
    await stores[0].add(some(150, lanes=("key/k",)), 0)
    most = Counter[str]()
    inside: set[str] = set()

    async def work(store: PostgresStore, worker: str) -> None:
        idle = 0
        ending: list[Ending] = []
        while idle < 200:
            inside.difference_update(each.run for each in ending)
            _, batch = await store.turn(ending, Claim(worker=worker, limit=4, lease=10**9), 1)
            inside.update(run.id for run in batch.runs)
            most["inside"] = max(most["inside"], len(inside))
            ending = [Ending(run=run.id, token=run.token, state=State.SUCCEEDED) for run in batch.runs]
            idle = 0 if batch.runs else idle + 1
            if idle and not await store.tally(Query(states=(State.PENDING, State.RUNNING)), "state"):
                return

    await asyncio.gather(*(work(each, f"w{n}") for n, each in enumerate(stores)))

    assert await stores[0].tally(Query(), "state") == {"succeeded": 150}
    assert most["inside"] <= 3


async def test_a_run_added_while_what_it_waits_for_ends_is_released_exactly_once(stores: list[PostgresStore]):
    children = some(60)
    await stores[0].add(children, 0)
    held = [run for _ in range(6) for run in await claimed(stores[0], "w", 10)]

    async def parents(n: int, store: PostgresStore) -> None:
        for k in range(n, 60, 2):
            await store.add([Run(id=f"p{k}", job="job", due_at=9, created_at=0, after=(f"{k:04}", "0000"))], 0)

    async def ends(n: int, store: PostgresStore) -> None:
        for run in held[n::2]:
            await store.finish([Ending(run=run.id, token=run.token, state=State.SUCCEEDED)], 2)

    await asyncio.gather(
        *(parents(n, each) for n, each in enumerate(stores[:2])), *(ends(n, each) for n, each in enumerate(stores[2:4]))
    )

    waiting = (await stores[0].find(Query(states=(State.PENDING,), limit=1000))).runs
    assert {(run.waits, run.wakes_at) for run in waiting} == {(0, 9)}
    assert len(waiting) == 60


async def so_many_wait(holder: asyncpg.Connection, count: int) -> None:
    """Come back when so many wait for locks that others hold."""
    enough = "SELECT count(*) >= $1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await holder.fetchval(enough, count):
        await holder.execute("SELECT pg_stat_clear_snapshot()")


async def test_who_ends_several_with_followers_takes_all_their_lanes_in_order(stores: list[PostgresStore]):
    store, schema = stores[0], stores[0].address.namespace
    await store.put([Limit(id=f"key/{lane}", running=9) for lane in "xy"])
    await store.add([replace(run, lanes=(f"key/{lane}",)) for run, lane in zip(some(4), "xyyx", strict=True)], 0)
    held = await claimed(store, "w", 4)
    holder, *enders = [await asyncpg.connect(store.address.url) for _ in range(3)]

    async def end(ender: asyncpg.Connection, runs: list[Run]) -> None:
        spawns = [replace(run, id=f"{run.id}.1", state=State.PENDING) for run in runs]
        endings = [
            Ending(run=run.id, token=run.token, state=State.SUCCEEDED, spawn=(spawn,))
            for run, spawn in zip(runs, spawns, strict=True)
        ]
        await ender.fetch(statements(schema)["finish"], *ending_columns(endings), 5)

    async with holder.transaction():
        await holder.execute(f"SELECT FROM {schema}.lanes WHERE lane = 'key/y' FOR UPDATE")
        second = asyncio.ensure_future(end(enders[1], held[2:]))
        await so_many_wait(holder, 1)
        first = asyncio.ensure_future(end(enders[0], held[:2]))
        await so_many_wait(holder, 2)
    await asyncio.gather(first, second)  # crosswise, the server would have undone one of them
    await asyncio.gather(*(each.close() for each in (holder, *enders)))

    assert await store.tally(Query(), "state") == {"succeeded": 4, "pending": 4}


async def test_what_comes_while_a_step_waits_for_locks_is_not_waited_for(stores: list[PostgresStore]):
    one, other, third, *_ = stores
    early, late, *waiting = some(4)
    await one.add([early], 0)
    holder = await asyncpg.connect(one.address.url)
    async with holder.transaction():
        await holder.execute(f"UPDATE {one.address.namespace}.runs SET priority = 5")
        adding = asyncio.ensure_future(other.add([replace(run, after=(early.id, late.id)) for run in waiting], 0))
        await so_many_wait(holder, 1)
        await third.add([late], 0)
    await holder.close()
    await adding

    assert [run.waits for run in (await one.find(Query(ids=(waiting[0].id, waiting[1].id)))).runs] == [1, 1]


async def test_a_run_is_added_once_however_many_add_it_at_once(stores: list[PostgresStore]):
    async def add(n: int, store: PostgresStore) -> list[Fate]:
        return [each.fate for each in await store.add(some(40)[:: 1 if n % 2 else -1], 0)]

    fates = [fate for each in await asyncio.gather(*(add(n, each) for n, each in enumerate(stores))) for fate in each]

    assert Counter(fates) == {Fate.ADDED: 40, Fate.KNOWN: 40 * (CLAIMERS - 1)}
    assert await stores[0].tally(Query(), "state") == {"pending": 40}


@pytest.mark.parametrize("clash", [Clash.DROP, Clash.SKIP, Clash.REPLACE])
async def test_a_key_has_one_holder_however_many_want_it_at_once(stores: list[PostgresStore], clash: Clash):
    def wish(n: int, k: int) -> Run:
        return Run(id=f"{n}-{k}", job="job", due_at=0, created_at=0, unique=Unique(key=f"u{k}", clash=clash))

    async def want(n: int, store: PostgresStore) -> list[Fate]:
        order = range(8) if n % 2 else range(7, -1, -1)
        return [each.fate for each in await store.add([wish(n, k) for k in order], 0)]

    fates = [fate for each in await asyncio.gather(*(want(n, each) for n, each in enumerate(stores))) for fate in each]

    live = (await stores[0].find(Query(states=(State.PENDING,)))).runs
    assert sorted(run.unique.key for run in live if run.unique) == [f"u{k}" for k in range(8)]
    assert clash is Clash.REPLACE or Counter(fates)[Fate.ADDED] == 8


@pytest.mark.parametrize("clash", [Clash.DROP, Clash.SKIP])
async def test_whoever_is_added_while_the_holders_of_keys_end_holds_its_key(stores: list[PostgresStore], clash: Clash):
    def wishes(what: str) -> list[Run]:
        return [
            Run(id=f"{what}{k:03}", job="job", due_at=0, created_at=0, unique=Unique(key=f"u{k}", clash=clash))
            for k in range(300)
        ]

    async def end(store: PostgresStore, some: list[Run]) -> None:
        for run in some:
            await store.finish([Ending(run=run.id, token=run.token, state=State.SUCCEEDED)], 2)

    await stores[0].add(wishes("holder"), 0)
    held = await claimed(stores[0], "w", 300)

    enders = [end(store, held[n :: CLAIMERS - 1]) for n, store in enumerate(stores[1:])]
    adding = asyncio.ensure_future(stores[0].add(wishes("next"), 2))
    await asyncio.gather(adding, *enders)
    after = await stores[0].add(wishes("last"), 3)

    nobodys = [each.fate is not Fate.ADDED for each in adding.result()]
    assert [each.fate is Fate.ADDED for each in after] == nobodys


async def test_each_instant_is_fired_once_however_many_fire(stores: list[PostgresStore]):
    await stores[0].put([Schedule(id=f"s{n}", job="job", trigger="{}", created_at=0, wakes_at=0) for n in range(20)])

    async def fire(store: PostgresStore) -> int:
        count = 0
        for now in range(5):
            due = (await store.fire([], now, 100)).due
            firings = [
                Firing(
                    schedule=Schedule(id=each.id, job="job", trigger="{}", created_at=0, wakes_at=now + 1),
                    expect=each.version,
                    runs=(Run(id=f"{each.id}-{each.version}", job="job", due_at=now, created_at=now),),
                )
                for each in due
            ]
            count += sum((await store.fire(firings, now, 0)).fired)
        return count

    fired = sum(await asyncio.gather(*map(fire, stores)))

    assert sum((await stores[0].tally(Query(), "state")).values()) == fired


async def test_a_limit_that_is_put_while_all_claim_counts_who_runs(stores: list[PostgresStore]):
    await stores[0].add(some(200), 0)

    async def claim(n: int, store: PostgresStore) -> None:
        for _ in range(6):
            await claimed(store, f"w{n}", 5)

    async def limit() -> None:
        await asyncio.sleep(0.01)
        await stores[0].put([Limit(id="queue/default", running=40)])

    await asyncio.gather(limit(), *(claim(n, each) for n, each in enumerate(stores)))
    before = (await stores[0].tally(Query(states=(State.RUNNING,)), "state"))["running"]
    await claimed(stores[0], "w", 100)
    after = (await stores[0].tally(Query(states=(State.RUNNING,)), "state"))["running"]

    assert after == max(before, 40)


async def test_pruning_a_history_keeps_nobody_waiting(stores: list[PostgresStore]):
    store = stores[0]
    await store.add([replace(run, id=f"old{run.id}", state=State.SUCCEEDED) for run in some(50)], 0)
    await store.add(some(3), 0)
    [held] = await claimed(store, "w", 1)
    connection = await asyncpg.connect(store.address.url)

    async with connection.transaction():  # it has pruned, and does not come to an end
        pruned = await connection.fetchval(f"SELECT {store.address.namespace}.prune(10, NULL, 40)")
        await claimed(store, "w", 1)
        await store.turn([Ending(run=held.id, token=1, state=State.SUCCEEDED)], Claim(worker="w", limit=1, lease=9), 1)
        await store.add([Run(id="new", job="job", due_at=0, created_at=0)], 0)
        await store.fire([], 0, 10)

    assert pruned == 40
    assert await store.tally(Query(), "state") == {"succeeded": 11, "running": 2, "pending": 1}
    await connection.close()
