"""procrastinate on PostgreSQL: bulk enqueue, drain by one worker process, latency."""

import asyncio
import json
import logging
import time
from contextlib import suppress

import procrastinate
from measure import Stopwatch, answer, asked, child, quickly, said, spread

GAP, WARM = 0.005, 20
wish = asked()
logging.disable(logging.CRITICAL)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=wish.server, min_size=4, max_size=12))
took: list[float] = []
over = asyncio.Event()


@app.task
async def noop(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == wish.runs + (WARM if wish.measure == "listen" else 0):
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    async with app.open_async():
        await prepare()
        watch = Stopwatch()
        for _ in range(0, wish.runs, 1000):
            await noop.batch_defer_async(*[{"sent": 0.0} for _ in range(1000)])
        return {"enqueue": watch.rate(wish.runs), **said(child(measure="work"))}


async def prepare() -> None:
    """Make its tables, unless an earlier round has."""
    with suppress(procrastinate.exceptions.ConnectorException):
        await app.schema_manager.apply_schema_async()


async def work() -> dict[str, float]:
    """Time from here until the last call of the function."""
    watch = Stopwatch()
    async with app.open_async():
        await consume()
        return {"drain": watch.rate(wish.runs)}


async def consume() -> None:
    """Work until all have come."""
    worker = asyncio.ensure_future(
        app.run_worker_async(concurrency=wish.slots, install_signal_handlers=False, delete_jobs="always")
    )
    if wish.measure == "listen":
        print(json.dumps({}), flush=True)
    await over.wait()
    del worker


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    async with app.open_async():
        await prepare()
        worker = child(measure="listen")
        said(worker)
        await asyncio.sleep(1)
        for _ in range(WARM + wish.runs):
            await noop.defer_async(sent=time.monotonic())
            await asyncio.sleep(GAP)
        return said(worker)


async def listen() -> dict[str, float]:
    """Collect latencies, without the first few."""
    async with app.open_async():
        await consume()
    return spread(took[WARM:], "latency")


answer(**quickly({"drain": drain, "work": work, "latency": latency, "listen": listen}[wish.measure]()))
