"""Foliot's schedules, in memory, in a SQLite file or on a PostgreSQL server."""

import asyncio
import tempfile
from datetime import UTC, datetime

from due import DISTANT, fired, idle, in_one_second, offset, register
from measure import answer, asked

from foliot import Context, Scheduler

URLS = {
    "memory": "memory://",
    "sqlite": f"sqlite:///{tempfile.mkdtemp()}/foliot.db",
    "postgres": getattr(asked(), "server", ""),
}
scheduler = Scheduler(URLS[asked().store], concurrency=asked().slots)
AHEAD = 8
NEVER = datetime.fromtimestamp(0, UTC)


@scheduler.job()
async def noop(context: Context) -> None:
    """The function that is due."""
    fired((context.nominal_at or NEVER).timestamp() % 1)


async def many() -> None:
    """Far away, as a program would put them: one draft each, kept in batches."""
    draft = scheduler.schedules.draft
    await scheduler.schedules.put_many(draft(f"distant-{n}", noop, cron=DISTANT) for n in range(asked().count))


async def soon(at: float) -> None:
    """All at once, or spread over one second."""
    draft = scheduler.schedules.draft
    whens = (datetime.fromtimestamp(at + offset(n), UTC) for n in range(asked().due))
    await scheduler.schedules.put_many(draft(f"soon-{n}", noop, at=when) for n, when in enumerate(whens))


async def main() -> None:
    """Register, wait, fire."""
    async with scheduler:
        answer(**await register(many), **await idle(), **await in_one_second(soon, AHEAD))


asyncio.run(main())
