"""Foliot on PostgreSQL: what a claim costs in front of many rows, which are put there by SQL."""

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


async def without_indexes(server: Any, fill: Callable[[], Awaitable[None]]) -> None:
    """Fill first, make the indexes afterwards: that is how millions come quickly."""
    made = await server.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'runs'"
        " AND indexname <> 'runs_id'",
        wish.namespace,
    )
    for name, _ in made:
        await server.execute(f"DROP INDEX {name}")
    await fill()
    for _, sql in made:
        await server.execute(sql)
    await server.execute("VACUUM (ANALYZE) runs")


async def filled() -> None:
    """Half history, a quarter for later, a quarter due, and in front of it what is blocked."""
    server = await asyncpg.connect(wish.server, server_settings={"search_path": wish.namespace})

    async def fill() -> None:
        await rows(server, "00000001-over", wish.rows // 2, **HISTORY)
        await rows(server, "00000002-latr", wish.rows // 4, **LATER)
        await rows(server, "00000003-duex", wish.rows // 4, **DUE)
        await rows(server, "00000000-full", wish.blocked, **BLOCKED)

    await without_indexes(server, fill)
    await server.execute("CHECKPOINT")
    await server.close()


async def claimed(limit: int) -> tuple[float, tuple[Run, ...]]:
    """How many seconds a claim takes, and what it brings."""
    began = time.perf_counter()
    batch = await store.claim(Claim(worker="w", limit=limit, lease=LEASE), now)
    return time.perf_counter() - began, batch.runs


async def timed(limit: int, times: int) -> list[float]:
    """So many claims, each of whose runs are ended."""
    took: list[float] = []
    for _ in range(times):
        seconds, runs = await claimed(limit)
        took.append(seconds)
        await store.finish([Ending(run=each.id, token=each.token, state=State.SUCCEEDED) for each in runs], now)
    return took


async def parked() -> float:
    """Claims until what is blocked lies before its lane, with one of its runs running; the longest, in milliseconds."""
    if not wish.blocked:
        return 0.0
    await store.put([Limit(id="key/full", running=1)])
    longest = 0.0
    while True:
        seconds, runs = await claimed(1)
        longest = max(longest, seconds)
        if any(not each.lanes for each in runs):
            return longest * 1000


async def vacuumed() -> None:
    """Clear away what is dead, as the server does by itself each minute."""
    server = await asyncpg.connect(wish.server)
    await server.execute(f"VACUUM {wish.namespace}.runs")
    await server.close()


async def main() -> None:
    """Fill, let plans be made, measure."""
    await store.open()
    await filled()
    longest = await parked()
    if wish.vacuumed:
        await vacuumed()
    await timed(1, 10)
    one, page = await timed(1, CLAIMS), await timed(PAGE, min(CLAIMS, wish.rows // 4 // PAGE - 3))
    answer(**spread(one, "one"), **spread(page, "page"), parking=longest)


asyncio.run(main())
