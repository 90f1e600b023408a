"""APScheduler 3 in memory, in an event loop."""

import asyncio
import logging
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from due import DISTANT, fired, idle, in_one_second, offset, register
from measure import answer, asked

scheduler = AsyncIOScheduler(timezone=UTC)


async def noop(after: float = 0) -> None:
    """The function that is due."""
    fired(after)


async def many() -> None:
    """Far away."""
    for n in range(asked().count):
        scheduler.add_job(noop, CronTrigger.from_crontab(DISTANT, timezone=UTC), id=str(n))


async def soon(at: float) -> None:
    """All at once, or spread over one second."""
    for n in range(asked().due):
        when = datetime.fromtimestamp(at + offset(n), UTC)
        scheduler.add_job(noop, "date", [offset(n)], run_date=when, misfire_grace_time=60)


async def main() -> None:
    """Register, wait, fire."""
    logging.disable(logging.CRITICAL)
    scheduler.start()
    answer(**await register(many), **await idle(), **await in_one_second(soon, 6))


asyncio.run(main())
