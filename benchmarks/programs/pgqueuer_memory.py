"""pgqueuer's in-memory queue: enqueue all, then drain."""

import asyncio
import logging

from measure import Stopwatch, answer, asked
from pgqueuer import PgQueuer
from pgqueuer.types import QueueExecutionMode


async def main() -> None:
    """Enqueue and drain, each timed by itself."""
    wish = asked()
    logging.disable(logging.CRITICAL)
    queue = PgQueuer.in_memory()
    done: list[object] = []

    @queue.entrypoint("noop")
    async def noop(job: object) -> None:
        done.append(job)

    whole = Stopwatch()
    for _ in range(0, wish.runs, wish.page):
        await queue.qm.queries.enqueue(["noop"] * wish.page, [b"1"] * wish.page, [0] * wish.page)
    enqueued = whole.rate(wish.runs)
    watch = Stopwatch()
    await queue.qm.run(mode=QueueExecutionMode.drain, batch_size=wish.batch)
    drained, through = watch.rate(wish.runs), whole.rate(wish.runs)
    assert len(done) == wish.runs, len(done)
    answer(enqueue=enqueued, drain=drained, through=through)


asyncio.run(main())
