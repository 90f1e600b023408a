"""APScheduler 3 in memory, in an event loop."""

import asyncio
import logging
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from due import DISTANT, at_once, fired, idle, register
from measure import answer, asked

scheduler = AsyncIOScheduler(timezone=UTC)


async def noop() -> None:
    """The function that is due."""
    fired()


async def many() -> None:
    """Far away."""
    for n in range(asked().count):
        scheduler.add_job(noop, CronTrigger.from_crontab(DISTANT, timezone=UTC), id=str(n))


async def soon(at: float) -> None:
    """All at once."""
    for _ in range(asked().due):
        scheduler.add_job(noop, "date", run_date=datetime.fromtimestamp(at, UTC), misfire_grace_time=60)


async def main() -> None:
    """Register, wait, fire."""
    logging.disable(logging.CRITICAL)
    scheduler.start()
    answer(**await register(many), **await idle(), **await at_once(soon, 6))


asyncio.run(main())
