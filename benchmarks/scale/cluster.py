"""A cluster simulated: the real engine of many nodes on one store that takes its time, from what each verb costs it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from dataclasses import replace as changed
from heapq import heapreplace
from typing import Any

from msgspec.structs import replace

from foliot.context import Context
from foliot.model import Schedule
from foliot.moments import MILLISECOND, SECOND
from foliot.policy import created
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.loop import SimulatedLoop
from foliot.testing.simulation.machine import EPOCH, Machine, MachineClock, Process, begun, owned
from foliot.testing.simulation.network import Distant, Network, Way, at_once
from foliot.testing.simulation.plan import planned
from foliot.triggers import cron

WARM = 30 * SECOND
"""How long the nodes take to start before anything is counted."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The size of things. ``call`` and ``item`` are what a call and each run or schedule in it cost the store, us."""

    workers: int
    tickers: int
    schedules: int
    stores: int
    seconds: int
    lanes: int
    call: int
    item: int
    trip: int
    takes: int


class Busy(Network):
    """The network to a store that works on so many calls at once, first come, first served."""

    def __init__(self, asked: Asked, store: MemoryStore, loop: SimulatedLoop) -> None:
        super().__init__(store, changed(planned(0), trip=asked.trip, follow=False), loop, Chronicle())
        self.stormy = False
        self.verbs: Counter[str] = Counter()
        self.busy = 0
        self._asked = asked
        self._free_at = [0] * asked.lanes

    def _arrive(
        self, process: Process, verb: str, args: tuple[Any, ...], answer: asyncio.Future[Any], way: Way
    ) -> None:
        cost = self._asked.call + self._asked.item * _items(verb, args)
        begins = max(self.loop.micros, self._free_at[0])
        heapreplace(self._free_at, begins + cost)
        if self.loop.micros >= WARM:
            self.verbs[verb] += 1
            self.busy += cost
        self.loop.alarm(begins + cost, super()._arrive, process, verb, args, answer, way)


def _items(verb: str, args: tuple[Any, ...]) -> int:
    match verb:
        case "turn" | "finish" | "add":
            return len(args[0])
        case "fire":
            return sum(1 + len(each.runs) for each in args[0])
        case "beat":
            return len(args[1])
        case _:
            return 0


@dataclass
class Cluster:
    """One store with its nodes."""

    asked: Asked
    loop: SimulatedLoop
    network: Busy
    late: list[int] = field(default_factory=list)

    def boot(self, n: int, seed: int) -> None:
        """Start a node."""
        process = Process(Machine(f"node{seed}-{n}", self.loop, seed))
        begun(process, lambda: self._live(process, fires=n < self.asked.tickers))

    async def _live(self, process: Process, *, fires: bool) -> None:
        clock = MachineClock(process, 10 * SECOND)
        store = Distant(self.network, process)
        scheduler = Scheduler(
            store,
            clock=clock,
            name=process.name,
            fire=fires,
            concurrency=10,
            lease="30s",
            tz="UTC",
            log_level="CRITICAL",
        )

        @scheduler.job(name="tick")
        async def tick(context: Context) -> None:
            if self.loop.micros >= WARM:
                self.late.append(EPOCH + self.loop.micros - context.run.due_at)
            await clock.sleep(self.asked.takes)

        await asyncio.sleep(process.machine.dice.random() * WARM / SECOND / 2)
        await scheduler.__aenter__()
        await asyncio.get_running_loop().create_future()


def filled(count: int) -> MemoryStore:
    """A store with so many hourly schedules, spread over the seconds of the hour."""
    store = MemoryStore()
    begins = EPOCH + WARM // 2
    kinds = [
        created(Schedule(id="", job="tick", trigger="", created_at=EPOCH), cron(f"{n % 60} {n // 60} * * * *"), begins)
        for n in range(3600)
    ]
    for at in range(0, count, 10_000):
        page = [replace(kinds[n % 3600], id=f"s{n}") for n in range(at, min(count, at + 10_000))]
        at_once(store.put(page))
    return store


def simulated(asked: Asked) -> None:
    """Let the cluster work for a while, and tell how late it was and what kept the store busy."""
    loop = SimulatedLoop()
    loop.set_task_factory(owned)  # type: ignore[arg-type]
    loop.set_exception_handler(lambda *_: None)  # what is still under way at the end
    began = time.process_time()
    clusters = [
        Cluster(asked, loop, Busy(asked, filled(asked.schedules // asked.stores), loop)) for _ in range(asked.stores)
    ]
    print(f"{asked.schedules:,} schedules stand after {time.process_time() - began:.0f} s of CPU", flush=True)

    async def unfold() -> None:
        for seed, cluster in enumerate(clusters):
            for n in range(asked.workers // asked.stores):
                cluster.boot(n, seed)
        await asyncio.sleep(WARM / SECOND + asked.seconds)

    loop.run_until_complete(unfold())
    late = sorted(each for cluster in clusters for each in cluster.late)
    verbs = sum((cluster.network.verbs for cluster in clusters), Counter())
    busy = sum(cluster.network.busy for cluster in clusters) / (asked.seconds * SECOND * asked.lanes * asked.stores)
    rates = ", ".join(f"{verb} {count / asked.seconds:,.0f}/s" for verb, count in verbs.most_common(5))
    print(f"{asked}")
    print(f"  {len(late) / asked.seconds:,.0f} starts/s; late by " + ", ".join(_quantiles(late)))
    print(f"  calls: {rates}; each store {busy:.0%} busy")
    print(f"  {time.process_time() - began:.0f} s of CPU", flush=True)


def _quantiles(late: list[int]) -> list[str]:
    if not late:
        return ["nothing ran"]
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return [f"{name} {late[min(len(late) - 1, int(q * len(late)))] / MILLISECOND:,.1f} ms" for name, q in at.items()]


def main() -> None:
    """Simulate what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--tickers", type=int, default=3, help="how many of the nodes of a store fire")
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--stores", type=int, default=1, help="over how many stores all is spread")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--lanes", type=int, default=4, help="how many calls a store works on at once")
    parser.add_argument("--call", type=int, default=300, help="what a call costs the store, us")
    parser.add_argument("--item", type=int, default=20, help="what each run or schedule in it costs, us")
    parser.add_argument("--trip", type=int, default=500, help="one way, us")
    parser.add_argument("--takes", type=int, default=100_000, help="how long a run lasts, us")
    simulated(Asked(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
