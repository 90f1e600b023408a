"""The work of a proof: schedules that fire each second with every overlap policy, and jobs to enqueue."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from foliot.context import Context
from foliot.jobs import Job
from foliot.model import Catchup, Overlap, Value
from foliot.options import DecoratorKeywords
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.testing.faults.notes import History, Log
from foliot.testing.faults.spreading import MANY, spread


class Standing(Value, kw_only=True):
    """A schedule of the proof: ``takes`` is how long its runs take, milliseconds, from shortest to longest."""

    name: str
    overlap: Overlap
    catchup: Catchup = Catchup.ALL
    takes: tuple[int, int]
    threads: bool = False

    @property
    def alone(self) -> bool:
        """Whether no two of its runs may be executed at once."""
        return self.overlap is not Overlap.ALLOW

    @property
    def each_second(self) -> bool:
        """Whether it has an instant in every second."""
        return self.overlap is not Overlap.DELAY


STANDING = (
    Standing(name="allow", overlap=Overlap.ALLOW, takes=(10, 400)),
    Standing(name="skip", overlap=Overlap.SKIP, catchup=Catchup.LATEST, takes=(100, 1500)),
    Standing(name="skip_in_threads", overlap=Overlap.SKIP, takes=(100, 1200), threads=True),
    Standing(name="queue", overlap=Overlap.QUEUE, takes=(50, 400)),
    Standing(name="queue_one", overlap=Overlap.QUEUE_ONE, takes=(200, 1400)),
    Standing(name="replace", overlap=Overlap.REPLACE, takes=(200, 1600)),
    Standing(name="delay", overlap=Overlap.DELAY, catchup=Catchup.LATEST, takes=(50, 800)),
)

ENQUEUED = ("steady", "flaky", "precious")
"""Jobs to enqueue: one that just works, one that fails at first, one that may be executed at most once."""


def define(scheduler: Scheduler, history: History | None = None) -> dict[str, Job[..., Any, Any]]:
    """Give a scheduler the jobs to enqueue, and if it is to work, the schedules; tells the jobs to enqueue."""
    log = Log(history)
    if history is not None:
        for each in STANDING:
            _stand(scheduler, each, log)
    return {job.name: job for job in (*_enqueued(scheduler, log), *spread(scheduler, log))}


def _stand(scheduler: Scheduler, standing: Standing, log: Log) -> None:
    async def occupied(context: Context) -> None:
        with log.noted(context) as dice:
            await asyncio.sleep(dice.uniform(*standing.takes) / 1000)

    def busy(context: Context) -> None:
        with log.noted(context) as dice:
            time.sleep(dice.uniform(*standing.takes) / 1000)

    wishes = DecoratorKeywords(name=standing.name, overlap=standing.overlap, catchup=standing.catchup, max_crashes=MANY)
    if standing.catchup is Catchup.ALL:
        wishes["most"] = MANY
    decorate = scheduler.cron("* * * * * *", **wishes)
    decorate(busy if standing.threads else occupied)


def _enqueued(scheduler: Scheduler, log: Log) -> list[Job[..., Any, Any]]:
    @scheduler.job(name="steady", max_crashes=MANY)
    async def steady(context: Context, n: int) -> int:
        with log.noted(context) as dice:
            await asyncio.sleep(dice.uniform(0, 0.2))
        return n

    @scheduler.job(name="flaky", retries=fixed(5, "100ms"), max_crashes=MANY)
    async def flaky(context: Context, n: int) -> int:
        with log.noted(context) as dice:
            await asyncio.sleep(dice.uniform(0, 0.1))
            if context.attempt <= n % 3:
                raise ConnectionError("not yet")
        return n

    @scheduler.job(name="precious", at_most_once=True)
    async def precious(context: Context, n: int) -> int:
        with log.noted(context) as dice:
            await asyncio.sleep(dice.uniform(0, 0.5))
        return n

    return [steady, flaky, precious]
