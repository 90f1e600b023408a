"""Foliot: a chain of a hundred nodes that do nothing, beside a hundred runs one after the other."""

import asyncio
from contextlib import ExitStack

from measure import Stopwatch, answer, asked
from places import url

from foliot import Scheduler, Workflow, workflow

NODES = 100
wish = asked()
open_servers = ExitStack()


async def noop() -> None:
    """Nothing."""


def chain() -> Workflow:
    """A node after the other."""
    made = workflow("chain")
    last = made.node(noop, "n0")
    for n in range(1, NODES):
        last = made.node(noop, f"n{n}", after=last)
    return made


async def measured() -> dict[str, float]:
    """Milliseconds for one node, and for one run that is enqueued and waited for; the middle of all rounds."""
    scheduler, made = Scheduler(url(wish.store, open_servers)), chain()
    scheduler.include(made)
    alone = scheduler.job(name="alone")(noop)
    async with scheduler:
        await (await made.enqueue()).result(timeout="5m")  # warm
        nodes = [await timed(scheduler, made.enqueue, 1) for _ in range(wish.rounds)]
        runs = [await timed(scheduler, alone.enqueue, NODES) for _ in range(wish.rounds)]
    return {"node": middle(nodes), "alone": middle(runs)}


async def timed(scheduler: Scheduler, enqueue: object, times: int) -> float:
    """Milliseconds for each of a hundred."""
    watch = Stopwatch()
    for _ in range(times):
        handle = await enqueue()
        await scheduler.runs.ended(handle.id, timeout="5m")
    return watch.seconds() * 1000 / NODES


def middle(values: list[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


figures = asyncio.run(measured())
open_servers.close()
answer(**figures)
