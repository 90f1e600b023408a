"""What all programs about schedules share: how they are registered, left alone, and due within one second."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

from measure import Stopwatch, asked, processor_time, resident, spread

DISTANT = "0 9 * * mon-fri"
"""When the many fire that only stand there."""
PATIENCE = 30

wish = asked()

started: list[float] = []
everybody = asyncio.Event()


def offset(n: int) -> float:
    """How many seconds after the whole one the n-th is due: all at once, or spread over the second."""
    return n / wish.due if wish.spread else 0.0


def fired(after: float) -> None:
    """Tell when the function has started that is due so many seconds after the whole one."""
    started.append(time.time() - after)
    if len(started) == wish.due:
        everybody.set()


async def register(all_of_them: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """How many a second, and how much memory each takes."""
    gc.collect()
    before, watch = resident(), Stopwatch()
    await all_of_them()
    rate = watch.rate(wish.count)
    await asyncio.sleep(1)
    return {"register": rate, "memory": (resident() - before) / wish.count}


async def idle() -> dict[str, float]:
    """How much of a processor goes into waiting."""
    used, watch = processor_time(), Stopwatch()
    await asyncio.sleep(wish.idle)
    return {"idle": (processor_time() - used) / watch.seconds()}


async def in_one_second(all_of_them: Callable[[float], Awaitable[None]], ahead: float) -> dict[str, float]:
    """How late each of many starts that are due from the same whole second on."""
    due_at = float(int(time.time() + ahead))
    await all_of_them(due_at)
    if time.time() > due_at - 1:
        raise SystemExit(f"registering what is due took more than {ahead - 2} s")
    await asyncio.wait_for(everybody.wait(), ahead + PATIENCE)
    return spread([each - due_at for each in started], "late")
