"""Foliot: a map of parts that do nothing and a reduce, beside as many independent runs."""

import asyncio
from contextlib import ExitStack

from measure import Stopwatch, answer, asked
from places import url

from foliot import Event, Kind, Scheduler, flow

wish = asked()
open_servers = ExitStack()


async def noop(n: int) -> int:
    """Nothing."""
    return n


async def total(numbers: list[int]) -> int:
    """How many there are."""
    return len(numbers)


async def measured() -> dict[str, float]:
    """Parts and runs per second, and how much longer the fan-out took; each once, on an empty store."""
    scheduler = Scheduler(url(wish.store, open_servers), concurrency=wish.concurrency)
    part, reduce = scheduler.job(name="part")(noop), scheduler.job(name="total")(total)
    alone = scheduler.job(name="alone")(noop)
    async with scheduler:
        independent = await drained(scheduler, alone)
        watch = Stopwatch()
        handle = await flow.map(part, range(wish.runs)).reduce(reduce).enqueue()
        assert await handle.result(timeout="10m") == wish.runs
        together = watch.seconds()
    return {"parts": wish.runs / together, "runs": wish.runs / independent, "longer": together / independent}


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


figures = asyncio.run(measured())
open_servers.close()
answer(**figures)
