"""A process that works on a store until it is killed: ``python mill.py URL``."""

import asyncio
import sys
from random import Random

from foliot import flow
from foliot.context import Context
from foliot.scheduler import Scheduler

PARTS = 600
"""How many parts the fan-out has: more than one page on every store."""


def mill(url: str, **settings: object) -> Scheduler:
    """A scheduler with a fan-out of many small parts, some of which fail at first."""
    scheduler = Scheduler(url, lease="2s", concurrency=20, **settings)  # type: ignore[arg-type]

    @scheduler.job(name="double", retries=["50ms"] * 3, max_crashes=1000)
    async def double(context: Context, n: int) -> int:
        dice = Random(f"{context.run_id} {context.token}")
        await asyncio.sleep(dice.uniform(0, 0.1))
        if context.attempt == 1 and n % 7 == 0:
            raise ConnectionError("not yet")
        return n * 2

    @scheduler.job(name="total", max_crashes=1000)
    async def total(numbers: list[int]) -> dict[str, int]:
        return {"count": len(numbers), "sum": sum(numbers)}

    @scheduler.job(name="add", max_crashes=1000)
    async def add(parts: list[dict[str, int]]) -> list[int]:
        return [sum(each["count"] for each in parts), sum(each["sum"] for each in parts)]

    @scheduler.job(name="report", max_crashes=1000)
    async def report(context: Context) -> list[int]:
        start = await context.step("start", lambda: 1)
        return await flow.map(double, range(start, start + PARTS)).reduce(total, shards=4).merge(add).within(context)

    return scheduler


if __name__ == "__main__":
    mill(sys.argv[1]).run()
