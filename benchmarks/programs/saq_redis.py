"""SAQ on Redis: enqueue a hundred at a time, drain by one worker process, and idle latency."""

import asyncio
import json
import time
from typing import Any

from measure import Stopwatch, answer, asked, child, quickly, said, spread
from saq import Queue, Worker
from serving import redis

GAP, WARM, AT_ONCE = 0.005, 20, 100
wish = asked()
url = getattr(wish, "url", None) or redis()
took: list[float] = []
over = asyncio.Event()
enough = wish.runs + (WARM if wish.measure in {"hear", "latency"} else 0)


async def noop(_: Any, *, sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == enough:
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    queue = Queue.from_url(url)
    await queue.connect()
    watch = Stopwatch()
    for _ in range(0, wish.runs, AT_ONCE):
        await asyncio.gather(*(queue.enqueue("noop", sent=0.0) for _ in range(AT_ONCE)))
    return {"enqueue": watch.rate(wish.runs), **said(child(measure="work", url=url))}


async def work() -> dict[str, float]:
    """Time from here, imports done, to the last call of the function."""
    watch = Stopwatch()
    await receive()
    return {"drain": watch.rate(wish.runs)}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    worker = child(measure="hear", url=url)
    said(worker)
    queue = Queue.from_url(url)
    await queue.connect()
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await queue.enqueue("noop", sent=time.monotonic())
        await asyncio.sleep(GAP)
    return said(worker)


async def hear() -> dict[str, float]:
    """Collect latencies, without the first few."""
    print(json.dumps({}), flush=True)
    await receive()
    return spread(took[WARM:], "latency")


async def receive() -> None:
    """Work until there was enough."""
    worker = Worker(Queue.from_url(url), functions=[noop], concurrency=200)
    working = asyncio.ensure_future(worker.start())
    await over.wait()
    working.cancel()


answer(**quickly({"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()))
