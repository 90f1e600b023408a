"""What is meant for one worker only waits at its door; when the worker is gone, another answers for it."""

from __future__ import annotations

from collections.abc import Sequence

from foliot.model import Claim, Ending, State, Worker
from foliot.stores.base import Store

NOBODYS = ("@",)
"""A queue that no run can be in."""


async def answerable(store: Store, workers: Sequence[str], long_ago: int) -> None:
    """See to it that somebody answers for these workers: one that has left the list stands on it as gone.

    To be called after runs were added that are meant for them: a worker that leaves later looks at its door by itself.
    """
    if workers:
        listed = {each.id for each in await store.records(Worker, sorted(set(workers)))}
        left = sorted(set(workers) - listed)
        await store.put([Worker(id=each, seen_at=long_ago, stopping=True) for each in left])


async def leave(store: Store, worker: str, lease: int, now: int) -> None:
    """Leave the list of workers; if something waits at the door, stay on it as gone."""
    await store.drop(Worker, [worker])
    batch = await store.claim(Claim(worker=worker, limit=1, lease=lease, queues=NOBODYS), now)
    again = [Ending(run=each.id, token=each.token, state=State.PENDING) for each in batch.runs]
    await store.finish(again, now)
    if batch.runs or batch.wake_at is not None:
        await answerable(store, [worker], now - 3 * lease)
