"""streaq on Redis: enqueue a thousand at a time, drain by one worker process, and idle latency."""

import asyncio
import json
import time

from measure import Stopwatch, answer, asked, child, quickly, said, spread
from serving import redis
from streaq import Worker

GAP, WARM, AT_ONCE = 0.005, 20, 1000
wish = asked()
url = getattr(wish, "url", None) or redis()
worker = Worker(redis_url=url, concurrency=500, handle_signals=False)
took: list[float] = []
over = asyncio.Event()
enough = wish.runs + (WARM if wish.measure in {"hear", "latency"} else 0)


@worker.task()
async def noop(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == enough:
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    async with worker:
        watch = Stopwatch()
        for at in range(0, wish.runs, AT_ONCE):
            await worker.enqueue_many([noop.enqueue(0.0) for _ in range(min(AT_ONCE, wish.runs - at))])
        enqueued = watch.rate(wish.runs)
    return {"enqueue": enqueued, **said(child(measure="work", url=url))}


async def work() -> dict[str, float]:
    """Time from here, imports done, to the last call of the function."""
    watch = Stopwatch()
    await receive()
    return {"drain": watch.rate(wish.runs)}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    other = child(measure="hear", url=url)
    said(other)
    async with worker:
        await asyncio.sleep(1)
        for _ in range(WARM + wish.runs):
            await noop.enqueue(time.monotonic())
            await asyncio.sleep(GAP)
    return said(other)


async def hear() -> dict[str, float]:
    """Collect latencies, without the first few."""
    print(json.dumps({}), flush=True)
    await receive()
    return spread(took[WARM:], "latency")


async def receive() -> None:
    """Work until there was enough."""
    working = asyncio.ensure_future(worker.run_async())
    await over.wait()
    working.cancel()


answer(**quickly({"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()))
