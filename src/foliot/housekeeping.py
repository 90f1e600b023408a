"""Our own jobs: ordinary scheduled jobs that keep the store tidy."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from foliot import triggers
from foliot.flow.family import sweep
from foliot.jobs import Job
from foliot.model import Worker
from foliot.moments import DAY
from foliot.options import JobOptions, ScheduleOptions
from foliot.triggers.zones import tzdata_version

if TYPE_CHECKING:
    from foliot.scheduler import Scheduler

PRUNE = "foliot.prune"
TZDATA = "tzdata"
"""Under this name the schedule of our own job keeps the version of the time zone database last used with its store."""
GONE = DAY
"""How long a worker that is not heard of any more stays listed."""


def housekeeping(scheduler: Scheduler) -> Job[..., Any, Any]:
    """The job that forgets runs beyond the retention, workers that are long gone, and who waits in vain; hourly."""

    async def prune() -> int:
        long_ago = scheduler.clock.now() - GONE
        gone = [each.id for each in await scheduler.store.records(Worker) if each.seen_at < long_ago]
        await scheduler.store.drop(Worker, gone)
        await sweep(scheduler.store, scheduler.clock)
        settings = scheduler.settings
        return await scheduler.runs.prune(older_than=timedelta(microseconds=settings.keep), keep=settings.keep_runs)

    job: Job[..., Any, Any] = Job(prune, JobOptions(name=PRUNE, priority=0, meta={TZDATA: tzdata_version()}))
    job.scheduled(triggers.every("1h"), ScheduleOptions())
    return job
