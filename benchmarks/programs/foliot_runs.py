"""Foliot on a store: enqueue many, drain by one worker process or by several, and idle latency."""

import asyncio
import json
import time
from contextlib import ExitStack

import places
from measure import Stopwatch, answer, asked, child, said, spread

from foliot import Scheduler, eventloop
from foliot.model import Query, State

GAP, WARM = 0.005, 20
wish = asked()
url = getattr(wish, "url", None) or places.url(wish.store, ExitStack()) + getattr(wish, "options", "")
scheduler = Scheduler(url, concurrency=wish.slots, keep_runs=None)
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
    """Enqueue here, drain in fresh processes."""
    enqueued = await enqueue()
    if wish.workers == 1:
        return {"enqueue": enqueued, **said(child(measure="work", url=url))}
    return {"enqueue": enqueued, "drain": await shared(wish.workers)}


async def enqueue() -> float:
    """Put all runs into the store; how many a second."""
    async with scheduler.connected():
        watch = Stopwatch()
        await scheduler.enqueue_many([noop.call(n) for n in range(wish.runs)])
        return watch.rate(wish.runs)


async def work() -> dict[str, float]:
    """Time from here, imports done, until the end of every run is committed."""
    watch = Stopwatch()
    async with scheduler:
        await over.wait()
    return {"drain": watch.rate(wish.runs)}


async def share() -> dict[str, float]:
    """Drain with several processes, as seen from outside, and the same with one."""
    await enqueue()
    several = await shared(wish.workers)
    await enqueue()
    return {"several": several, "alone": await shared(1)}


async def shared(workers: int) -> float:
    """How fast so many processes drain, from when they may begin until the end of every run is committed."""
    others = [child(measure="join", url=url) for _ in range(workers)]
    for other in others:
        said(other)
    async with scheduler.connected():
        watch = Stopwatch()
        for other in others:
            print(file=other.stdin, flush=True)
        while await scheduler.store.tally(Query(states=(State.PENDING, State.RUNNING)), "state"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        rate = watch.rate(wish.runs)
    for other in others:
        other.kill()
    return rate


async def join() -> dict[str, float]:
    """Work until killed, from when that is wanted."""
    print(json.dumps({}), flush=True)
    await asyncio.to_thread(input)
    async with scheduler:
        await asyncio.Event().wait()
    return {}


async def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process or in this one."""
    if wish.where == "within":
        async with scheduler:
            await send()
            await over.wait()
        return spread(took[WARM:], "latency")
    worker = child(measure="listen", url=url)
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


MEASURES = {
    "drain": drain,
    "work": work,
    "share": share,
    "join": join,
    "latency": latency,
    "listen": listen,
}
answer(**eventloop.run(MEASURES[wish.measure]()))
