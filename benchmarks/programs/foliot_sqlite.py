"""Foliot on SQLite: enqueue many, drain by one worker process, and idle latency."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from measure import Stopwatch, answer, asked, child, said, spread

from foliot import Scheduler
from foliot.stores.sqlite import SQLiteStore

GAP, WARM = 0.005, 20
wish = asked()
file = getattr(wish, "file", None) or str(Path(tempfile.mkdtemp()) / "foliot.db")
scheduler = Scheduler(SQLiteStore(file, durability=wish.durability), concurrency=wish.slots)
done: list[int] = []
took: list[float] = []
over = asyncio.Event()


@scheduler.job()
async def noop(n: int) -> None:
    """Count."""
    done.append(n)
    if len(done) == wish.runs:
        over.set()


@scheduler.job()
async def hear(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == WARM + wish.runs:
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    async with scheduler.connected():
        watch = Stopwatch()
        await scheduler.enqueue_many([noop.call(n) for n in range(wish.runs)])
        enqueued = watch.rate(wish.runs)
    return {"enqueue": enqueued, **said(child(measure="work", file=file))}


async def work() -> dict[str, float]:
    """Time from here, imports done, until the end of every run is committed."""
    watch = Stopwatch()
    async with scheduler:
        await over.wait()
    return {"drain": watch.rate(wish.runs)}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process or in this one."""
    if wish.where == "within":
        async with scheduler:
            await send()
            await over.wait()
        return spread(took[WARM:], "latency")
    worker = child(measure="listen", file=file)
    said(worker)
    async with scheduler.connected():
        await send()
    return said(worker)


async def listen() -> dict[str, float]:
    """Collect latencies, without the first few."""
    async with scheduler:
        print(json.dumps({}), flush=True)
        await over.wait()
    return spread(took[WARM:], "latency")


async def send() -> None:
    """Enqueue one at a time, with gaps."""
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await hear.enqueue(time.monotonic())
        await asyncio.sleep(GAP)


answer(**asyncio.run({"drain": drain, "work": work, "latency": latency, "listen": listen}[wish.measure]()))
