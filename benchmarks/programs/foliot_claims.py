"""Foliot on Redis: how long a claim takes in front of few runs, of many, and behind a full key."""

import asyncio
import time

from measure import Stopwatch, answer, asked
from serving import redis

from foliot import Scheduler
from foliot.model import Batch, Claim, Ending, Limit, Run, State

wish = asked()
scheduler = Scheduler(redis(), keep_runs=None)


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


answer(**asyncio.run(claims()))
