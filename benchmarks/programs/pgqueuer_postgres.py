"""pgqueuer on PostgreSQL, under uvloop as it is meant to be: bulk enqueue, drain by one worker process, latency."""

import asyncio
import json
import logging
import time

import asyncpg
from measure import Stopwatch, answer, asked, child, quickly, said, spread
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

GAP, WARM = 0.005, 20
wish = asked()
logging.disable(logging.CRITICAL)


async def opened() -> Queries:
    """Its tables, empty."""
    connection = await asyncpg.connect(wish.server)
    queries = Queries(AsyncpgDriver(connection))
    if await connection.fetchval("SELECT to_regclass('pgqueuer')") is None:
        await queries.install()
    await connection.execute("TRUNCATE pgqueuer, pgqueuer_log")
    return queries


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    queries = await opened()
    watch = Stopwatch()
    for _ in range(0, wish.runs, wish.page):
        await queries.enqueue(["noop"] * wish.page, [b"1"] * wish.page, [0] * wish.page)
    return {"enqueue": watch.rate(wish.runs), **said(child(measure="work"))}


async def work() -> dict[str, float]:
    """Time from here until the last call of the function."""
    watch, over, count = Stopwatch(), asyncio.Event(), 0
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(wish.server)))

    @queue.entrypoint("noop")
    async def noop(_job: object) -> None:
        nonlocal count
        count += 1
        if count == wish.runs:
            over.set()

    running = asyncio.ensure_future(queue.run(batch_size=wish.batch))
    await over.wait()
    rate = watch.rate(wish.runs)
    del running
    return {"drain": rate}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    queries = await opened()
    worker = child(measure="listen")
    said(worker)
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await queries.enqueue("noop", repr(time.monotonic()).encode())
        await asyncio.sleep(GAP)
    return said(worker)


async def listen() -> dict[str, float]:
    """Collect latencies, without the first few."""
    took: list[float] = []
    over = asyncio.Event()
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(wish.server)))

    @queue.entrypoint("noop")
    async def noop(job: object) -> None:
        took.append(time.monotonic() - float(job.payload))
        if len(took) == WARM + wish.runs:
            over.set()

    running = asyncio.ensure_future(queue.run(batch_size=10))
    print(json.dumps({}), flush=True)
    await over.wait()
    del running
    return spread(took[WARM:], "latency")


answer(**quickly({"drain": drain, "work": work, "latency": latency, "listen": listen}[wish.measure]()))
