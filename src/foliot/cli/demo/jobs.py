"""The jobs of the demo: one for each thing that can happen to a run."""

from __future__ import annotations

import asyncio
import os

from foliot import Context, cron, every, fixed, job

STEPS = 6


@cron("* * * * * *", catchup="all")
async def tick() -> None:
    """To the second."""


@every("250ms")
async def pulse() -> None:
    """Four times a second."""


@every("1s")
async def slow() -> None:
    """Takes longer than its interval."""
    await asyncio.sleep(2.5)


@job(retries=fixed(3, "500ms"))
async def flaky(ctx: Context) -> str:
    """Fails twice, then works."""
    if ctx.attempt < 3:
        raise ConnectionError(f"no answer at attempt {ctx.attempt}")
    return "an answer at last"


@job(timeout="1s")
async def stuck() -> None:
    """Never ends by itself."""
    await asyncio.Event().wait()


@job(executor="processes")
def primes(below: int) -> dict[str, int]:
    """Keeps a processor busy, in a process of its own."""
    found = sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, below))
    return {"primes": found, "pid": os.getpid()}


@job()
async def patience() -> None:
    """Would wait for a minute."""
    await asyncio.sleep(60)


@job()
async def report(ctx: Context) -> int:
    """Goes step by step, and tells how far it is."""
    for step in range(1, STEPS + 1):
        await asyncio.sleep(0.5)
        ctx.progress(step, STEPS)
        ctx.log(f"step {step} done")
    return STEPS
