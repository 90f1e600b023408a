"""What each hot verb costs a store, by how many items one call carries, as the table of ``docs/scale.md``."""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from msgspec.structs import replace

from foliot.clock import SystemClock
from foliot.ids import Ids
from foliot.model import Claim, Ending, Firing, Run, Schedule, State
from foliot.moments import HOUR, MINUTE, SECOND
from foliot.policy import created, fire
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.testing.servers import PostgresServer, RedisServer, available
from foliot.triggers import every, loads

NOW = 1_800_000_000_000_000
ROUNDS = 30
BATCH = 100
SERVERS = {"postgres": PostgresServer, "redis": RedisServer}


Costs = dict[tuple[str, int], "Cost"]
"""By verb, and how many items a call carries."""


class Cost(NamedTuple):
    """Microseconds: of the best call, and of this process's processor on the average."""

    best: float
    cpu: float


async def main() -> None:
    """Measure the stores that were named, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.costs", description=__doc__)
    parser.add_argument(
        "stores", nargs="+", metavar="store", help="URLs; or postgres and redis, for servers of our own"
    )
    columns: dict[str, Costs] = {}
    with ExitStack() as stack:
        for named in parser.parse_args().stores:
            kind = SERVERS.get(named)
            store = open_store(named if kind is None else stack.enter_context(available(kind)))
            columns[named.partition(":")[0]] = await _measured(store)
    print(table(columns))


async def _measured(store: Store) -> Costs:
    await store.open()
    try:
        return {
            (verb, size): await _timed(step)
            for size in (1, BATCH)
            for verb, step in Measures(store, size, await _firings(store, size)).steps()
        }
    finally:
        await store.close()


def _firing(costs: Costs) -> float:
    return (costs["fire", BATCH].best + costs["turn", BATCH].best) / BATCH


ROWS: tuple[tuple[str, Callable[[Costs], float]], ...] = (
    ("`add`, one run", lambda costs: costs["add", 1].best),
    (f"`add`, each of {BATCH}", lambda costs: costs["add", BATCH].best / BATCH),
    ("`turn`, ends one and takes one", lambda costs: costs["turn", 1].best),
    (f"`turn`, each of {BATCH}", lambda costs: costs["turn", BATCH].best / BATCH),
    ("`turn` in vain", lambda costs: costs["ask", 1].best),
    ("`fire`, one schedule", lambda costs: costs["fire", 1].best),
    (f"`fire`, each of {BATCH}", lambda costs: costs["fire", BATCH].best / BATCH),
    (f"a firing and its run, each of {BATCH}", _firing),
    ("such firings a second, one connection", lambda costs: SECOND / _firing(costs)),
    (f"CPU of the process that asks, each of {BATCH} (`turn`)", lambda costs: costs["turn", BATCH].cpu / BATCH),
)


def table(columns: Mapping[str, Costs]) -> str:
    """The costs as Markdown: two figures of each."""
    lines = [f"| microseconds | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(_short(of(costs)) for costs in columns.values())} |" for name, of in ROWS]
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{round(value, 1 - math.floor(math.log10(max(value, 1)))):,.0f}"


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

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[object]]]]:
        """What is measured, in order: a turn takes what was added."""
        return ("add", self.add), ("turn", self.turn), ("ask", self.ask), ("fire", self.fire)

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


async def _timed(step: Callable[[], Awaitable[object]]) -> Cost:
    await step()
    took: list[float] = []
    cpu = time.process_time()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await step()
        took.append(time.perf_counter() - began)
    return Cost(min(took) * SECOND, (time.process_time() - cpu) / ROUNDS * SECOND)


if __name__ == "__main__":
    asyncio.run(main())
