"""What each hot verb costs a store, by how many items one call carries: wall time per call and per item."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from statistics import median

from msgspec.structs import replace

from foliot.clock import SystemClock
from foliot.ids import Ids
from foliot.model import Claim, Ending, Firing, Run, Schedule, State
from foliot.moments import HOUR, MINUTE
from foliot.policy import created, fire
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.testing.servers import PostgresServer, RedisServer, available
from foliot.triggers import every, loads

NOW = 1_800_000_000_000_000
ROUNDS = 30
SERVERS = {"postgres": PostgresServer, "redis": RedisServer}


async def main() -> None:
    """Measure the stores that were named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.costs", description=__doc__)
    parser.add_argument(
        "stores", nargs="+", metavar="store", help="URLs; or postgres and redis, for servers of our own"
    )
    with ExitStack() as stack:
        for named in parser.parse_args().stores:
            kind = SERVERS.get(named)
            store = open_store(named if kind is None else stack.enter_context(available(kind)))
            await store.open()
            try:
                await _measure(named.partition(":")[0], store)
            finally:
                await store.close()


async def _measure(name: str, store: Store) -> None:
    ids = Ids(SystemClock().random)

    def runs(count: int) -> list[Run]:
        return [Run(id=ids.new(NOW), job="noop", due_at=NOW, created_at=NOW) for _ in range(count)]

    async def turn(claimed: list[Run], count: int) -> list[Run]:
        endings = [Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result="null") for run in claimed]
        _, batch = await store.turn(endings, Claim(worker="w", limit=count, lease=MINUTE), NOW)
        return list(batch.runs)

    for size in (1, 100):
        made = [runs(size) for _ in range(ROUNDS + 1)]
        print(f"{name:12} add   x{size:<4} {await _timed(lambda: store.add(made.pop(), NOW), size)}", flush=True)
        held: list[Run] = []

        async def step(size: int = size) -> None:
            nonlocal held
            held = await turn(held, size)

        print(f"{name:12} turn  x{size:<4} {await _timed(step, size)}", flush=True)
        print(f"{name:12} empty x{size:<4} {await _timed(lambda: turn([], 1), 1)}", flush=True)
        firings = await _firings(store, size)
        print(
            f"{name:12} fire  x{size:<4} {await _timed(lambda: store.fire(firings.pop(), NOW, 100), size)}", flush=True
        )


async def _firings(store: Store, size: int) -> list[list[Firing]]:
    """Pages of firings, each of schedules of their own."""
    usual = created(Schedule(id="s", job="noop", trigger="", created_at=NOW - HOUR), every("1h"), NOW - HOUR)
    trigger = loads(usual.trigger)
    pages: list[list[Firing]] = []
    for page in range(ROUNDS + 1):
        schedules = [replace(usual, id=f"s{size}-{page}-{n}") for n in range(size)]
        await store.put(schedules)
        pages.append([fire(replace(each, version=1), trigger.bound(each.id), NOW) for each in schedules])
    return pages


async def _timed(step: Callable[[], Awaitable[object]], size: int) -> str:
    await step()
    took: list[float] = []
    cpu = time.process_time()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await step()
        took.append(time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / ROUNDS
    middle = median(took)
    return (
        f"{middle * 1e6:9.0f} us a call, best {min(took) * 1e6:7.0f}, {middle / size * 1e6:7.1f} us each, "
        f"{cpu / size * 1e6:7.1f} us CPU each here"
    )


if __name__ == "__main__":
    asyncio.run(main())
