"""Foliot on PostgreSQL: enqueue many, drain by one or several worker processes, and idle latency."""

import asyncio
import json
import time

from measure import Stopwatch, answer, asked, child, said, spread

from foliot import Scheduler
from foliot.model import Query, State
from foliot.stores.postgres import PostgresStore

GAP, WARM = 0.005, 20
wish = asked()
scheduler = Scheduler(PostgresStore(wish.server, namespace=wish.namespace), concurrency=wish.slots, keep_runs=None)
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
    async with scheduler.connected():
        watch = Stopwatch()
        await scheduler.enqueue_many([noop.call(n) for n in range(wish.runs)])
        enqueued = watch.rate(wish.runs)
        if wish.workers == 1:
            return {"enqueue": enqueued, **said(child(measure="work"))}
        return {"enqueue": enqueued, "drain": await shared()}


async def shared() -> float:
    """The rate of several processes: from when the first is ready until every run is over."""
    workers = [child(measure="share") for _ in range(wish.workers)]
    for each in workers:
        said(each)
    watch = Stopwatch()
    for each in workers:
        print("go", file=each.stdin, flush=True)
    while await scheduler.store.tally(Query(states=(State.PENDING, State.RUNNING)), "state"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    rate = watch.rate(wish.runs)
    for each in workers:
        each.kill()
    return rate


async def share() -> dict[str, float]:
    """Work, once told to, until killed."""
    print(json.dumps({}), flush=True)
    await asyncio.to_thread(input)
    async with scheduler:
        await asyncio.Event().wait()
    return {}


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
    async with scheduler.connected():
        worker = child(measure="listen")
        said(worker)
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


parts = {"drain": drain, "work": work, "share": share, "latency": latency, "listen": listen}
answer(**asyncio.run(parts[wish.measure]()))
