"""Foliot on PostgreSQL: what claims cost in front of many rows, in turn with few; SQL puts the rows there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from measure import answer, asked, spread

from foliot.model import Claim, Ending, Limit, Run, State
from foliot.stores.postgres import PostgresStore

CLAIMS, PAGE, LEASE = 200, 100, 3_600_000_000
wish = asked()
store = PostgresStore(wish.server, namespace=wish.namespace)
plain = PostgresStore(wish.server, namespace=f"{wish.namespace}few")
now = time.time_ns() // 1000

HISTORY = {"state": "'succeeded'", "finished_at": f"{now} - n", "token": "1", "worker": "'w'", "started_at": "1"}
LATER = {"wakes_at": f"{now} + 3600000000 + n"}
DUE = {"wakes_at": f"{now} - 60000000 + n"}
BLOCKED = {"wakes_at": f"{now} - 120000000 + n", "lanes": "ARRAY['key/full']"}


async def rows(server: Any, kind: str, count: int, **columns: str) -> None:
    """So many runs of a kind, without ado."""
    given = {"id": f"'{kind}-4000-8000-' || lpad(n::text, 12, '0')", "job": "'noop'", "queue": "'default'"}
    given |= {"place": "'default'", "priority": "5", "due_at": f"{now} - n", "created_at": f"{now}", "args": "'{}'"}
    given |= columns
    names, values = ", ".join(given), ", ".join(given.values())
    await server.execute(f"INSERT INTO runs ({names}) SELECT {values} FROM generate_series(1, {count}) AS n")


async def connected(which: PostgresStore) -> Any:
    """A connection of our own to where a store is."""
    return await asyncpg.connect(wish.server, server_settings={"search_path": which.address.namespace})


async def without_indexes(server: Any, fill: Callable[[], Awaitable[None]]) -> None:
    """Fill first, make the indexes afterwards: that is how millions come quickly."""
    made = await server.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'runs'"
        " AND indexname <> 'runs_id'"
    )
    for name, _ in made:
        await server.execute(f"DROP INDEX {name}")
    await fill()
    for _, sql in made:
        await server.execute(sql)
    await server.execute("VACUUM (ANALYZE) runs")


async def filled(which: PostgresStore, count: int, blocked: int) -> None:
    """Half history, a quarter for later, a quarter due, and in front of it what is blocked."""
    await which.open()
    server = await connected(which)

    async def fill() -> None:
        await rows(server, "00000001-over", count // 2, **HISTORY)
        await rows(server, "00000002-latr", count // 4, **LATER)
        await rows(server, "00000003-duex", count // 4, **DUE)
        await rows(server, "00000000-full", blocked, **BLOCKED)

    await without_indexes(server, fill)
    await server.execute("CHECKPOINT")
    await server.close()


async def claimed(which: PostgresStore, limit: int) -> tuple[float, tuple[Run, ...]]:
    """How many seconds a claim takes, and what it brings."""
    began = time.perf_counter()
    batch = await which.claim(Claim(worker="w", limit=limit, lease=LEASE), now)
    return time.perf_counter() - began, batch.runs


async def timed(limit: int, times: int) -> tuple[list[float], list[float]]:
    """So many claims in front of many rows and of few, in turn; the runs of each are ended."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for which, its in zip((store, plain), took, strict=True):
            seconds, runs = await claimed(which, limit)
            its.append(seconds)
            await which.finish([Ending(run=each.id, token=each.token, state=State.SUCCEEDED) for each in runs], now)
    return took


async def parked() -> float:
    """Claims until what is blocked lies before its lane, with one of its runs running; the longest, in milliseconds."""
    if not wish.blocked:
        return 0.0
    await store.put([Limit(id="key/full", running=1)])
    longest = 0.0
    while True:
        seconds, runs = await claimed(store, 1)
        longest = max(longest, seconds)
        if any(not each.lanes for each in runs):
            return longest * 1000


async def snapshot() -> Any:
    """What a dump or a forgotten transaction does: keep in mind how the database was."""
    server = await connected(store)
    await server.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM limits")
    return server


async def vacuumed() -> None:
    """Clear away what is dead, as the server does by itself each minute."""
    server = await connected(store)
    await server.execute("VACUUM runs")
    await server.close()


async def gone() -> None:
    """Leave nothing behind that the server works on while others are measured."""
    server = await connected(store)
    for each in (store, plain):
        await each.close()
        await server.execute(f"DROP SCHEMA {each.address.namespace} CASCADE")


async def main() -> None:
    """Fill, let plans be made, measure."""
    await filled(store, wish.rows, wish.blocked)
    await filled(plain, wish.few, 0)
    holder = await snapshot() if wish.held else None
    longest = await parked()
    if wish.vacuumed:
        await vacuumed()
    await timed(1, 10)
    (one, few_one), (page, few_page) = await timed(1, CLAIMS), await timed(PAGE, wish.few // 4 // PAGE - 3)
    if holder:
        await holder.close()
    await gone()
    figures = spread(one, "one") | spread(page, "page") | spread(few_one, "few_one") | spread(few_page, "few_page")
    answer(**figures, parking=longest)


asyncio.run(main())
