"""Foliot on a store: enqueue many, drain by one worker process or by several, and idle latency."""

import asyncio
import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import places
from measure import Stopwatch, answer, asked, child, said, spread

from foliot import Handle, Scheduler, eventloop
from foliot.model import Query, State

GAP, WARM, SOON = 0.005, 20, timedelta(seconds=3)
LIVE = Query(states=(State.PENDING, State.RUNNING))
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
    """Enqueue here, drain in a fresh process."""
    return {"enqueue": await enqueue(), **said(child(measure="work", url=url))}


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
    return {"several": await shared(wish.workers), "alone": await shared(1)}


async def shared(workers: int) -> float:
    """How fast so many processes that are up drain what is due at one instant, until every end is committed."""
    others = [child(measure="join", url=url) for _ in range(workers)]
    for other in others:
        said(other)
    async with scheduler.connected():
        due = datetime.now(UTC) + SOON
        handles = await scheduler.enqueue_many([noop.options(at=due).call(n) for n in range(wish.runs)])
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
        watch = Stopwatch()
        while not await all_over(handles[-1]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        rate = watch.rate(wish.runs)
    for other in others:
        other.kill()
    return rate


async def all_over(last: Handle[None]) -> bool:
    """Whether nothing is left; what was enqueued last tells for less, most of the time."""
    return (await last.status()).state.over and not await scheduler.store.tally(LIVE, "state")


async def join() -> dict[str, float]:
    """Work until killed."""
    async with scheduler:
        print(json.dumps({}), flush=True)
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
