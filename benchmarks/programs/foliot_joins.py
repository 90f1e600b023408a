"""Foliot: what a finished part costs in maps of growing size, each with a reduce that takes all results."""

import asyncio
from contextlib import ExitStack

from measure import Stopwatch, answer, asked
from places import url

from foliot import Scheduler, flow

WARM = 100
wish = asked()
open_servers = ExitStack()


async def noop(n: int) -> int:
    """Nothing."""
    return n


async def total(numbers: list[int]) -> int:
    """How many there are."""
    return len(numbers)


async def measured() -> dict[str, float]:
    """Milliseconds for each part, by the number of parts."""
    scheduler = Scheduler(url(wish.store, open_servers), concurrency=wish.concurrency)
    part, reduce = scheduler.job(name="part")(noop), scheduler.job(name="total")(total)
    async with scheduler:
        await timed(part, reduce, WARM)
        return {f"of_{parts}": await timed(part, reduce, parts) for parts in wish.sizes}


async def timed(part: object, reduce: object, parts: int) -> float:
    """Milliseconds for each, from the first word to the last end."""
    watch = Stopwatch()
    handle = await flow.map(part, range(parts)).reduce(reduce).enqueue()
    assert await handle.result(timeout="2m") == parts
    return watch.seconds() * 1000 / parts


figures = asyncio.run(measured())
open_servers.close()
answer(**figures)
