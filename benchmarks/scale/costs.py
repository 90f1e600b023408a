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
    for size in (1, 100):
        measures = Measures(store, size, await _firings(store, size))
        for verb, step in (
            ("add", measures.add),
            ("turn", measures.turn),
            ("empty", measures.ask),
            ("fire", measures.fire),
        ):
            print(f"{name:12} {verb:5} x{size:<4} {await _timed(step, 1 if verb == 'empty' else size)}", flush=True)


class Measures:
    """One call of each verb with so many items."""

    def __init__(self, store: Store, size: int, firings: list[list[Firing]]) -> None:
        ids = Ids(SystemClock().random)
        self._store, self._size, self._firings = store, size, firings
        self._runs = [
            [Run(id=ids.new(NOW), job="noop", due_at=NOW, created_at=NOW) for _ in range(size)]
            for _ in range(ROUNDS + 1)
        ]
        self._held: list[Run] = []

    async def add(self) -> None:
        """Add runs."""
        await self._store.add(self._runs.pop(), NOW)

    async def turn(self) -> None:
        """End what is held, and take as many."""
        ends = [Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result="null") for run in self._held]
        _, batch = await self._store.turn(ends, Claim(worker="w", limit=self._size, lease=MINUTE), NOW)
        self._held = list(batch.runs)

    async def ask(self) -> None:
        """Ask in vain: nothing is due before the beginning."""
        await self._store.turn([], Claim(worker="w", limit=1, lease=MINUTE), 1)

    async def fire(self) -> None:
        """Fire schedules."""
        await self._store.fire(self._firings.pop(), NOW, 100)


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
