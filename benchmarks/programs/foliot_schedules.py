"""Foliot's schedules, in memory or in a SQLite file."""

import asyncio
import tempfile
from datetime import UTC, datetime

from due import DISTANT, at_once, fired, idle, register
from measure import answer, asked

from foliot import Scheduler

URLS = {"memory": "memory://", "sqlite": f"sqlite:///{tempfile.mkdtemp()}/foliot.db"}
scheduler = Scheduler(URLS[asked().store], concurrency=asked().slots)
AHEAD = 8


@scheduler.job()
async def noop() -> None:
    """The function that is due."""
    fired()


async def many() -> None:
    """Far away, as a program would put them: one draft each, kept in batches."""
    draft = scheduler.schedules.draft
    await scheduler.schedules.put_many(draft(f"distant-{n}", noop, cron=DISTANT) for n in range(asked().count))


async def soon(at: float) -> None:
    """All at once."""
    draft, when = scheduler.schedules.draft, datetime.fromtimestamp(at, UTC)
    await scheduler.schedules.put_many(draft(f"soon-{n}", noop, at=when) for n in range(asked().due))


async def main() -> None:
    """Register, wait, fire."""
    async with scheduler:
        answer(**await register(many), **await idle(), **await at_once(soon, AHEAD))


asyncio.run(main())
