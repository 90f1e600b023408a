"""What all programs about schedules share: how they are registered, left alone, and due all at once."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

from measure import Stopwatch, asked, processor_time, resident, spread

DISTANT = "0 9 * * mon-fri"
"""When the many fire that only stand there."""
PATIENCE = 30

started: list[float] = []
everybody = asyncio.Event()


def fired(after: float = 0) -> None:
    """Tell when the function has started that is due so many seconds after the whole one."""
    started.append(time.time() - after)
    if len(started) == asked().due:
        everybody.set()


async def register(all_of_them: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """How many a second, and how much memory each takes."""
    gc.collect()
    before, watch = resident(), Stopwatch()
    await all_of_them()
    rate = watch.rate(asked().count)
    await asyncio.sleep(1)
    return {"register": rate, "memory": (resident() - before) / asked().count}


async def idle() -> dict[str, float]:
    """How much of a processor goes into waiting."""
    used, watch = processor_time(), Stopwatch()
    await asyncio.sleep(asked().idle)
    return {"idle": (processor_time() - used) / watch.seconds()}


async def at_once(all_of_them: Callable[[float], Awaitable[None]], ahead: float) -> dict[str, float]:
    """How late each of many that are due at the same whole second starts."""
    due_at = float(int(time.time() + ahead))
    await all_of_them(due_at)
    if time.time() > due_at - 1:
        raise SystemExit(f"registering what is due took more than {ahead - 2} s")
    await asyncio.wait_for(everybody.wait(), ahead + PATIENCE)
    return spread([each - due_at for each in started], "late")
