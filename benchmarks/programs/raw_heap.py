"""What a bare heap and one timer do: the floor for any scheduler, with nothing of what makes one."""

import asyncio
import heapq
import time

from due import fired, idle, in_one_second, offset, register
from measure import answer, asked

heap: list[tuple[float, int]] = []
"""When each is due, and which it is."""
bell = asyncio.Event()


async def noop(after: float) -> None:
    """The function that is due."""
    fired(after)


async def tick() -> None:
    """Start a task for each that is due, then sleep until the next, or until something new may be earlier."""
    tasks: set[asyncio.Task[None]] = set()
    while True:
        while heap and heap[0][0] <= time.time():
            _, n = heapq.heappop(heap)
            task = asyncio.create_task(noop(offset(n)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        bell.clear()
        alarm = asyncio.get_running_loop().call_later(max(0.0, heap[0][0] - time.time()), bell.set)
        await bell.wait()
        alarm.cancel()


async def many() -> None:
    """Far away."""
    for n in range(asked().count):
        heapq.heappush(heap, (time.time() + 100_000 + n, n))


async def soon(at: float) -> None:
    """All at once, or spread over one second."""
    for n in range(asked().due):
        heapq.heappush(heap, (at + offset(n), n))
    bell.set()


async def main() -> None:
    """Register, wait, fire."""
    registered = await register(many)
    ticker = asyncio.create_task(tick())
    answer(**registered, **await idle(), **await in_one_second(soon, 3))
    await ticker


asyncio.run(main())
