"""taskiq's in-memory broker. The call that enqueues starts the task, so enqueueing and draining are one."""

import asyncio
import time

from measure import Stopwatch, answer, asked, spread
from taskiq import InMemoryBroker

GAP = 0.005


async def drain(broker: InMemoryBroker, runs: int) -> dict[str, float]:
    """Enqueue all, and wait until all have run."""
    done: list[int] = []
    over = asyncio.Event()

    @broker.task
    async def noop(n: int) -> None:
        done.append(n)
        if len(done) == runs:
            over.set()

    watch = Stopwatch()
    for n in range(runs):
        await noop.kiq(n)
    await over.wait()
    return {"through": watch.rate(runs)}


async def latency(broker: InMemoryBroker, runs: int) -> dict[str, float]:
    """How long from the call that enqueues to the start of the function, while nothing else goes on."""
    took: list[float] = []

    @broker.task
    async def hear(sent: float) -> None:
        took.append(time.monotonic() - sent)

    for _ in range(runs):
        await hear.kiq(time.monotonic())
        await asyncio.sleep(GAP)
    return spread(took, "latency")


async def main() -> None:
    """Do what is asked."""
    wish = asked()
    broker = InMemoryBroker(max_async_tasks=100)
    await broker.startup()
    answer(**await {"drain": drain, "latency": latency}[wish.measure](broker, wish.runs))


asyncio.run(main())
