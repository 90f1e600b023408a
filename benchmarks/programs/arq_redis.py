"""arq on Redis: enqueue a hundred at a time, drain by one worker process, and idle latency."""

import asyncio
import json
import time
from typing import Any

from arq import Worker, create_pool, func
from arq.connections import RedisSettings
from measure import Stopwatch, answer, asked, child, quickly, said, spread
from serving import redis

GAP, WARM, AT_ONCE = 0.005, 20, 100
wish = asked()
url = getattr(wish, "url", None) or redis()
settings = RedisSettings.from_dsn(url)
took: list[float] = []
over = asyncio.Event()
enough = wish.runs + (WARM if wish.measure in {"hear", "latency"} else 0)


async def noop(_: Any, sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == enough:
        over.set()


async def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    pool = await create_pool(settings)
    watch = Stopwatch()
    for _ in range(0, wish.runs, AT_ONCE):
        await asyncio.gather(*(pool.enqueue_job("noop", 0.0) for _ in range(AT_ONCE)))
    return {"enqueue": watch.rate(wish.runs), **said(child(measure="work", url=url))}


async def work() -> dict[str, float]:
    """Time from here, imports done, to the last call of the function."""
    watch = Stopwatch()
    await receive(jobs=500, delay=0.5)
    return {"drain": watch.rate(wish.runs)}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process that looks a hundred times a second."""
    other = child(measure="hear", url=url)
    said(other)
    pool = await create_pool(settings)
    await asyncio.sleep(1)
    for _ in range(WARM + wish.runs):
        await pool.enqueue_job("noop", time.monotonic())
        await asyncio.sleep(GAP)
    return said(other)


async def hear() -> dict[str, float]:
    """Collect latencies, without the first few."""
    print(json.dumps({}), flush=True)
    await receive(jobs=10, delay=0.01)
    return spread(took[WARM:], "latency")


async def receive(jobs: int, delay: float) -> None:
    """Work until there was enough."""
    functions = [func(noop, name="noop")]
    worker = Worker(functions, redis_settings=settings, max_jobs=jobs, poll_delay=delay, handle_signals=False)
    working = asyncio.ensure_future(worker.async_run())
    await over.wait()
    working.cancel()


answer(**quickly({"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()))
