"""APScheduler 4 in memory."""

import asyncio
import logging
from datetime import UTC, datetime

from apscheduler import AsyncScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from due import DISTANT, fired, idle, in_one_second, offset, register
from measure import answer, asked


async def noop(after: float = 0) -> None:
    """The function that is due."""
    fired(after)


async def main() -> None:
    """Register, wait, fire."""
    logging.disable(logging.CRITICAL)
    async with AsyncScheduler() as scheduler:

        async def many() -> None:
            for n in range(asked().count):
                await scheduler.add_schedule(noop, CronTrigger.from_crontab(DISTANT, timezone=UTC), id=str(n))

        async def soon(at: float) -> None:
            for n in range(asked().due):
                when = DateTrigger(datetime.fromtimestamp(at + offset(n), UTC))
                await scheduler.add_schedule(noop, when, args=[offset(n)])

        await scheduler.start_in_background()
        answer(**await register(many), **await idle(), **await in_one_second(soon, 8))


asyncio.run(main())
