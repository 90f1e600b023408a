"""A worker that comes to nothing: ``python herald.py URL NAME`` begins what it is given, until it is killed."""

import asyncio
import sys

from foliot.context import Context
from foliot.scheduler import Scheduler


def herald(url: str, name: str, busy: bool) -> Scheduler:
    """A scheduler with a job that says where it runs; if it is ``busy``, the job comes to no end."""
    scheduler = Scheduler(url, name=name, lease="500ms", fire=False)

    @scheduler.job(name="refresh")
    async def refresh(context: Context) -> str:
        await asyncio.sleep(3600 if busy else 0)
        return f"on {context.worker}"

    return scheduler


if __name__ == "__main__":
    herald(sys.argv[1], sys.argv[2], busy=True).run()
