"""Foliot: a map of parts that do nothing and a reduce, beside as many independent runs; or maps of growing size."""

import asyncio
from contextlib import ExitStack

from measure import Stopwatch, answer, asked
from places import url

from foliot import Event, Kind, Scheduler, flow

WARM = 100
wish = asked()
open_servers = ExitStack()


async def noop(n: int) -> int:
    """Nothing."""
    return n


async def total(numbers: list[int]) -> int:
    """How many there are."""
    return len(numbers)


async def beside() -> dict[str, float]:
    """Parts and runs per second, and how much longer the fan-out took; each once, on an empty store."""
    scheduler = Scheduler(url(wish.store, open_servers), concurrency=wish.concurrency)
    part, reduce = scheduler.job(name="part")(noop), scheduler.job(name="total")(total)
    alone = scheduler.job(name="alone")(noop)
    async with scheduler:
        independent = await drained(scheduler, alone)
        together = await mapped(part, reduce, wish.runs)
    return {"parts": wish.runs / together, "runs": wish.runs / independent, "longer": together / independent}


async def growing() -> dict[str, float]:
    """Milliseconds for each part, by the number of parts."""
    scheduler = Scheduler(url(wish.store, open_servers), concurrency=wish.concurrency)
    part, reduce = scheduler.job(name="part")(noop), scheduler.job(name="total")(total)
    async with scheduler:
        await mapped(part, reduce, WARM)
        return {f"of_{parts}": await mapped(part, reduce, parts) * 1000 / parts for parts in wish.sizes}


async def mapped(part: object, reduce: object, parts: int) -> float:
    """Seconds for a map and its reduce, from the first word to the last end."""
    watch = Stopwatch()
    handle = await flow.map(part, range(parts)).reduce(reduce).enqueue()
    assert await handle.result(timeout="10m") == parts
    return watch.seconds()


async def drained(scheduler: Scheduler, job: object) -> float:
    """Seconds for independent runs, from the first word to the last end."""
    left, done = wish.runs, asyncio.Event()

    def ended(event: Event) -> None:
        nonlocal left
        left -= event.run is not None and event.run.job == "alone"
        if not left:
            done.set()

    stop = scheduler.on(ended, Kind.SUCCEEDED)
    watch = Stopwatch()
    await scheduler.enqueue_many([job.call(n) for n in range(wish.runs)])
    await done.wait()
    stop()
    return watch.seconds()


figures = asyncio.run({"beside": beside, "growing": growing}[wish.measure]())
open_servers.close()
answer(**figures)
