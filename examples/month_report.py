"""A month report by map-reduce: the figures of each region are fetched together, then added up.

python examples/month_report.py
"""

import asyncio

from foliot import Context, Scheduler, flow

scheduler = Scheduler()  # with "sqlite:///report.db" it goes on where it was after a crash


@scheduler.job(retries=3)
async def double(region: int) -> int:
    """The figures of one region. A region that fails is tried again by itself; the others are not."""
    return region * 2


@scheduler.job()
async def total(figures: list[int]) -> int:
    """The sum of some figures."""
    return sum(figures)


@scheduler.cron("0 6 1 * *", tz="Asia/Seoul")
async def month_report(context: Context, regions: int = 6) -> str:
    """The report, on the first of each month. It holds no worker while its parts run."""
    figures = flow.map(double, range(1, regions + 1), at_once=4).reduce(total, shards=2)
    return f"This month: {await figures.within(context)}"


async def main() -> None:
    """Do not wait for the first of the month."""
    async with scheduler:
        handle = await month_report.enqueue()
        print(await handle.result(timeout=30))


if __name__ == "__main__":
    asyncio.run(main())
