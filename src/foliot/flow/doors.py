"""What is meant for one worker only waits at its door; when the worker is gone, another answers for it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.model import Claim, Ending, Run, State, Worker
from foliot.moments import MINUTE
from foliot.routing import Router
from foliot.stores.base import Store

NOBODYS = ("@",)
"""A queue that no run can be in."""


def long_ago(lease: int, now: int) -> int:
    """When a worker was last heard of that is gone for everybody: for other workers, and for people and their tools."""
    return now - 3 * lease - MINUTE


async def answerable(store: Store, workers: Sequence[str], seen_at: int) -> None:
    """See to it that somebody answers for these workers: one that has left the list stands on it as gone.

    To be called after runs were added that are meant for them: a worker that leaves later looks at its door by itself.
    """
    if workers:
        listed = {each.id for each in await store.records(Worker, sorted(set(workers)))}
        left = sorted(set(workers) - listed)
        await store.put([Worker(id=each, seen_at=seen_at, stopping=True) for each in left])


async def leave(store: Store, worker: str, lease: int, now: int) -> None:
    """Leave the list of workers; if something waits at the door, stay on it as gone."""
    await store.drop(Worker, [worker])
    batch = await store.claim(Claim(worker=worker, limit=1, lease=lease, queues=NOBODYS), now)
    again = [Ending(run=each.id, token=each.token, state=State.PENDING) for each in batch.runs]
    await store.finish(again, now)
    if batch.runs or batch.wake_at is not None:
        await answerable(store, [worker], long_ago(lease, now))


async def there(store: Store, lease: int, now: int) -> list[Worker]:
    """The workers that are there: of whom something was heard within two leases."""
    return [each for each in await store.records(Worker) if not each.stopping and each.seen_at >= now - 2 * lease]


class Doors:
    """Addresses runs to the workers that they prefer."""

    def __init__(self, store: Store, clock: Clock, lease: int) -> None:
        self._store, self._clock, self._lease = store, clock, lease
        self._router = Router(clock.random)

    async def addressed(self, runs: Sequence[Run]) -> list[Run]:
        """These runs, those that have a route with the worker that it leads to."""
        if not any(map(_wants_a_worker, runs)):
            return list(runs)
        workers = await there(self._store, self._lease, self._clock.now())
        return [self._addressed(run, workers) if _wants_a_worker(run) else run for run in runs]

    def _addressed(self, run: Run, workers: Sequence[Worker]) -> Run:
        if run.terms is None or run.terms.route is None:
            return run
        return replace(run, target=self._router.choose(run.terms.route, run, workers))

    async def answerable(self, runs: Sequence[Run]) -> None:
        """See to it that somebody answers for the workers that these runs, just added, are meant for."""
        targets = [run.target for run in runs if run.target is not None]
        await answerable(self._store, targets, long_ago(self._lease, self._clock.now()))


def _wants_a_worker(run: Run) -> bool:
    return run.terms is not None and run.terms.route is not None and run.target is None and not run.state.over
