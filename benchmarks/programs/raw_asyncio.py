"""What asyncio itself does: a task for each no-op, awaited one by one or gathered by the thousand."""

import asyncio

from measure import Stopwatch, answer, asked

GATHERED = 1000


async def noop() -> None:
    """Nothing."""


async def each(runs: int) -> None:
    """Create a task, await it, and so on."""
    for _ in range(runs):
        await asyncio.create_task(noop())


async def gather(runs: int) -> None:
    """A thousand tasks at a time."""
    for _ in range(0, runs, GATHERED):
        await asyncio.gather(*(noop() for _ in range(GATHERED)))


async def main() -> None:
    """Tell how many tasks go through in a second."""
    wish = asked()
    watch = Stopwatch()
    await {"each": each, "gather": gather}[wish.way](wish.runs)
    answer(drain=watch.rate(wish.runs))


asyncio.run(main())
