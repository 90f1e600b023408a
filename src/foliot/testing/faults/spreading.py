"""The work of a proof that spreads: maps that are reduced, sales in durable steps, orders that wait for a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, TypedDict

from foliot import flow
from foliot.context import Context
from foliot.jobs import Job
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.testing.faults.notes import Log
from foliot.workflows.building import workflow

MANY = 1_000_000
"""More crashes, and more instants to catch up with, than any proof brings."""

SHAPES: tuple[dict[str, int], ...] = ({"shards": 4}, {"width": 100})
"""How maps are reduced, in turn: by shares, and level by level."""

UNSEEN = frozenset({"order", "order@1/ok", "order@1/ship_or_refund"})
"""Jobs whose functions are not ours, so that nobody notes when they are executed."""

ANSWER = "yes"
"""What a sale waits to be told."""


class Reserved(TypedDict):
    """What the first node of an order gives."""

    shelf: str


def spread(scheduler: Scheduler, log: Log) -> list[Job[..., Any, Any]]:
    """Give a scheduler the jobs that spread; tells those to enqueue."""
    return [_fan(scheduler, log), _sale(scheduler, log), _order(scheduler, log)]


def _fan(scheduler: Scheduler, log: Log) -> Job[..., Any, Any]:
    """A map and a reduce: each part gives its number, the reduce gives all numbers that reached it."""

    @scheduler.job(name="part", priority=0, retries=fixed(5, "100ms"), max_crashes=MANY)
    async def part(context: Context, n: int) -> list[int]:
        with log.noted(context) as dice:
            await asyncio.sleep(dice.uniform(0, 0.02))
            if n % 50 == 0 and context.attempt == 1:
                raise ConnectionError("not yet")
        return [n]

    @scheduler.job(name="gather", max_crashes=MANY)
    async def gather(context: Context, several: list[list[int]]) -> list[int]:
        with log.noted(context):
            return [n for numbers in several for n in numbers]

    @scheduler.job(name="fan", max_crashes=MANY)
    async def fan(context: Context, n: int, parts: int) -> list[int]:
        with log.noted(context):
            return await flow.map(part, range(parts)).reduce(gather, **SHAPES[n % 2]).within(context)

    return fan


def _sale(scheduler: Scheduler, log: Log) -> Job[..., Any, Any]:
    """Two steps that give something else each time they are taken, with a sleep between, and an answer to wait for."""

    @scheduler.job(name="sale", max_crashes=MANY)
    async def sale(context: Context, n: int) -> list[str]:
        with log.noted(context):
            charged = log.told(context, "charge", await context.step("charge", log.unlike_any, n))
            await context.sleep("500ms")
            shipped = log.told(context, "ship", await context.step("ship", log.unlike_any, n))
            return [charged, shipped, await context.wait_for(ANSWER, kind=str)]

    return sale


def _order(scheduler: Scheduler, log: Log) -> Job[..., Any, Any]:
    """A workflow that does something, waits for a person, and goes one of two ways."""

    @scheduler.job(name="reserve", max_crashes=MANY)
    async def reserve(context: Context, n: int) -> Reserved:
        with log.noted(context):
            return {"shelf": f"shelf {n}"}

    @scheduler.job(name="ship", max_crashes=MANY)
    async def ship(context: Context, shelf: str) -> str:
        with log.noted(context):
            return f"shipped from {shelf}"

    @scheduler.job(name="refund", max_crashes=MANY)
    async def refund(context: Context, shelf: str) -> str:
        with log.noted(context):
            return f"put back to {shelf}"

    order = workflow("order")
    ok = order.approval("ok", after=order.node(reserve))
    order.node(ship, after=ok, when="approved")
    order.node(refund, after=ok, otherwise=True)
    scheduler.include(order)
    return scheduler.jobs["order"]


def approved(n: int) -> bool:
    """What the person says to an order."""
    return n % 3 > 0


def outcome(n: int) -> dict[str, str]:
    """What must come of an order."""
    return {"ship": f"shipped from shelf {n}"} if approved(n) else {"refund": f"put back to shelf {n}"}


def miscounted(numbers: list[int], parts: int) -> list[str]:
    """What is wrong with the numbers that reached the end of a map and a reduce: each part gives its own once."""
    times = Counter(numbers)
    lost = [n for n in range(parts) if not times[n]]
    more = sorted(n for n, often in times.items() if often > 1 or not 0 <= n < parts)
    return [f"{what} {some[:5]}" for what, some in (("without", lost), ("with too many of", more)) if some]
