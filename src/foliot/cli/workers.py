"""Who is alive, and which jobs and queues they serve."""

from __future__ import annotations

from collections.abc import Iterable

from foliot.cli.desk import Desk
from foliot.model import Worker
from foliot.moments import MINUTE

SILENCE = MINUTE
"""A worker not heard of for this long counts as gone; a live one is heard of every few seconds."""


def alive(worker: Worker, now: int) -> bool:
    """Whether a worker was heard of lately."""
    return worker.seen_at > now - SILENCE


async def workers(desk: Desk) -> list[Worker]:
    """Every worker the store has heard of."""
    return await desk.scheduler.store.records(Worker)


async def defined_jobs(desk: Desk) -> frozenset[str]:
    """The jobs that live workers define, and those of the scheduler that ``--app`` names."""
    live = [each for each in await workers(desk) if alive(each, desk.now)]
    return jobs_of(live) | frozenset(desk.scheduler.jobs)


def jobs_of(workers: Iterable[Worker]) -> frozenset[str]:
    """All jobs that these workers define."""
    return frozenset(job for each in workers for job in each.jobs)
