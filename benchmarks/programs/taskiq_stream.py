"""taskiq on a Redis stream: enqueue one by one (it has no other way), drain by one worker process, and idle latency."""

import asyncio
import json
import time

from measure import Stopwatch, answer, asked, child, quickly, said, spread
from serving import redis
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

GAP, WARM = 0.005, 20
wish = asked()
url = getattr(wish, "url", None) or redis()
broker = RedisStreamBroker(url)
took: list[float] = []
over = asyncio.Event()
enough = wish.runs + (WARM if "hear" in wish.measure or wish.measure == "latency" else 0)


@broker.task
async def noop(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == enough:
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    await broker.startup()
    watch = Stopwatch()
    for _ in range(wish.runs):
        await noop.kiq(0.0)
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
    await broker.startup()
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await noop.kiq(time.monotonic())
        await asyncio.sleep(GAP)
    return said(worker)


async def hear() -> dict[str, float]:
    """Collect latencies, without the first few."""
    print(json.dumps({}), flush=True)
    await receive()
    return spread(took[WARM:], "latency")


async def receive() -> None:
    """Work until there was enough."""
    broker.is_worker_process = True
    await broker.startup()
    working = asyncio.ensure_future(run_receiver_task(broker, max_async_tasks=1000, run_startup=False))
    await over.wait()
    working.cancel()


answer(**quickly({"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()))
