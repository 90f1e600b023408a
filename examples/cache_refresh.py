"""A broadcast: each worker that is there refreshes the cache that it holds in its own memory.

    python examples/cache_refresh.py

Here two workers live in one process; in earnest each is a process of its own, on the same store.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from foliot import Context, Scheduler, flow


def shop(url: str, name: str) -> tuple[Scheduler, dict[str, int]]:
    """One worker of a shop, and the prices that it remembers."""
    scheduler = Scheduler(url, name=name)
    prices: dict[str, int] = {}

    @scheduler.job(name="refresh")
    async def refresh(context: Context, version: int) -> int:
        prices["tea"] = version
        context.log(f"{context.worker} has the prices of version {version}")
        return len(prices)

    return scheduler, prices


async def main(url: str) -> None:
    """Start two workers, and let both refresh."""
    (north, northern), (south, southern) = shop(url, "north"), shop(url, "south")
    async with north, south:
        handle = await flow.broadcast(north.jobs["refresh"].call(7)).enqueue()
        print(await handle.result(timeout=30))
        print(northern, southern)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(f"sqlite:///{Path(folder)}/shop.db"))
