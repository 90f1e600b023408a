"""Waiting for something real: a bounded look, again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool] | bool], seconds: float = 15) -> None:
    """Return as soon as it holds; fail if it does not within so many seconds."""
    latest = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > latest:
            raise AssertionError(f"not within {seconds} s: {holds}")
        await asyncio.sleep(0.01)
