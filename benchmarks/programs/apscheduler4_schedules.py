"""APScheduler 4 in memory."""

import asyncio
import logging
from datetime import UTC, datetime

from apscheduler import AsyncScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from due import DISTANT, at_once, fired, idle, register
from measure import answer, asked


async def noop() -> None:
    """The function that is due."""
    fired()


async def main() -> None:
    """Register, wait, fire."""
    logging.disable(logging.CRITICAL)
    async with AsyncScheduler() as scheduler:

        async def many() -> None:
            for n in range(asked().count):
                await scheduler.add_schedule(noop, CronTrigger.from_crontab(DISTANT, timezone=UTC), id=str(n))

        async def soon(at: float) -> None:
            for _ in range(asked().due):
                await scheduler.add_schedule(noop, DateTrigger(datetime.fromtimestamp(at, UTC)))

        await scheduler.start_in_background()
        answer(**await register(many), **await idle(), **await at_once(soon, 8))


asyncio.run(main())
