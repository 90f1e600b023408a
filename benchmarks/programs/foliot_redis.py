"""Foliot on Redis: enqueue many, drain by one worker process or by several, and idle latency."""

import asyncio
import json
import time

from measure import Stopwatch, answer, asked, child, said, spread
from serving import redis

from foliot import Scheduler
from foliot.model import Batch, Claim, Ending, Limit, Query, Run, State

GAP, WARM = 0.005, 20
wish = asked()
url = getattr(wish, "url", None) or redis()
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
    """How fast so many processes drain, from when they may begin until the end of every run is committed."""
    await enqueue()
    others = [child(measure="join", url=url) for _ in range(workers)]
    for other in others:
        said(other)
    async with scheduler.connected():
        before = await succeeded()
        watch = Stopwatch()
        for other in others:
            print(file=other.stdin, flush=True)
        while await succeeded() - before < wish.runs:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        rate = watch.rate(wish.runs)
    for other in others:
        other.kill()
    return rate


async def succeeded() -> int:
    """How many runs have ended well."""
    return (await scheduler.store.tally(Query(), "state")).get(State.SUCCEEDED, 0)


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


async def claims() -> dict[str, float]:
    """The middle of fifty claims, of few due runs, of many, and behind many whose key is full."""
    short = await claimed(10_000, 1)
    long = await claimed(wish.runs, 2)
    await scheduler.store.open()
    await scheduler.store.put([Limit(id="key/full", running=0)])
    await add(wish.blocked, 0, lanes=("key/full",))
    while (await claim(limit=1)).wake_at is not None:
        pass
    await scheduler.store.close()
    return {"short": short, "long": long, "behind": await claimed(10_000, 3)}


async def claimed(runs: int, due: int) -> float:
    """Milliseconds for a claim of a hundred when so many are due."""
    async with scheduler.connected():
        await add(runs, due)
        times: list[float] = []
        for _ in range(50):
            watch = Stopwatch()
            batch = await claim(limit=100)
            times.append(watch.seconds() * 1000)
            ended = [Ending(run=run.id, token=run.token, state=State.SUCCEEDED) for run in batch.runs]
            await scheduler.store.finish(ended, 10)
        await clear()
    return sorted(times)[len(times) // 2]


async def add(runs: int, due: int, **fields: object) -> None:
    """Put so many runs into the store, due at that instant."""
    store, start = scheduler.store, time.monotonic_ns()
    for at in range(0, runs, store.batch):
        await store.add(
            [
                Run(id=f"{start}-{n}", job="noop", due_at=due, created_at=0, **fields)
                for n in range(at, at + store.batch)
            ],
            0,
        )


async def claim(limit: int) -> Batch:
    """Claim for an hour."""
    return await scheduler.store.claim(Claim(worker="w", limit=limit, lease=3_600_000_000), 10)


async def clear() -> None:
    """End what is left."""
    while (batch := await claim(limit=100)).runs:
        ended = [Ending(run=run.id, token=run.token, state=State.SUCCEEDED) for run in batch.runs]
        await scheduler.store.finish(ended, 10)


MEASURES = {
    "claims": claims,
    "drain": drain,
    "work": work,
    "share": share,
    "join": join,
    "latency": latency,
    "listen": listen,
}
answer(**asyncio.run(MEASURES[wish.measure]()))
