"""Foliot in memory: enqueue all, then drain; and idle latency."""

import asyncio
import time

from measure import Stopwatch, answer, asked, spread

from foliot import Scheduler
from foliot.stores import open_store

GAP = 0.005
wish = asked()
store = open_store("memory://")
scheduler = Scheduler(store, concurrency=wish.slots)
done: list[int] = []
over = asyncio.Event()
took: list[float] = []


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


async def drain() -> dict[str, float]:
    """Enqueue while nobody works; then work until every run is over and its end kept."""
    await store.open()
    whole = Stopwatch()
    await scheduler.enqueue_many([noop.call(n) for n in range(wish.runs)])
    enqueued = whole.rate(wish.runs)
    watch = Stopwatch()
    async with scheduler:
        await over.wait()
    drained, through = watch.rate(wish.runs), whole.rate(wish.runs)
    return {"enqueue": enqueued, "drain": drained, "through": through}


async def latency() -> dict[str, float]:
    """From the call that enqueues to the start of the function, while nothing else goes on."""
    async with scheduler:
        for _ in range(wish.runs):
            await hear.enqueue(time.monotonic())
            await asyncio.sleep(GAP)
    return spread(took, "latency")


answer(**asyncio.run({"drain": drain, "latency": latency}[wish.measure]()))
