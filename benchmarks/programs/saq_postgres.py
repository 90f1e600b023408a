"""SAQ on PostgreSQL: enqueue, drain by one worker process, latency."""

import asyncio
import json
import logging
import time
from typing import Any

from measure import Stopwatch, answer, asked, child, quickly, said, spread
from saq import Job, Queue, Worker

GAP, WARM = 0.005, 20
wish = asked()
logging.disable(logging.CRITICAL)
queue = Queue.from_url(wish.server)
took: list[float] = []
over = asyncio.Event()


async def noop(_ctx: Any, *, sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == wish.runs + (WARM if wish.measure == "listen" else 0):
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    await queue.connect()
    watch = Stopwatch()
    for at in range(0, wish.runs, 50):
        jobs = [Job("noop", kwargs={"sent": 0.0}) for _ in range(at, min(at + 50, wish.runs))]
        await asyncio.gather(*(queue.enqueue(each) for each in jobs))
    return {"enqueue": watch.rate(wish.runs), **said(child(measure="work"))}


async def consume() -> None:
    """Work until all have come."""
    await queue.connect()
    worker = asyncio.ensure_future(Worker(queue, functions=[("noop", noop)], concurrency=wish.slots).start())
    if wish.measure == "listen":
        print(json.dumps({}), flush=True)
    await over.wait()
    del worker


async def work() -> dict[str, float]:
    """Time from here until the last call of the function."""
    watch = Stopwatch()
    await consume()
    return {"drain": watch.rate(wish.runs)}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    await queue.connect()
    worker = child(measure="listen")
    said(worker)
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await queue.enqueue("noop", sent=time.monotonic())
        await asyncio.sleep(GAP)
    return said(worker)


async def listen() -> dict[str, float]:
    """Collect latencies, without the first few."""
    await consume()
    return spread(took[WARM:], "latency")


answer(**quickly({"drain": drain, "work": work, "latency": latency, "listen": listen}[wish.measure]()))
