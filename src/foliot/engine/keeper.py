"""The keeper: beats for what a worker holds. It lives in a thread of its own, so that no job can starve it."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import threading
from asyncio import FIRST_COMPLETED
from collections.abc import Callable, Sequence
from functools import partial

from foliot.clock import Clock
from foliot.engine.attempt import Held
from foliot.engine.loop import Loop
from foliot.engine.worker import Worker
from foliot.model import Beat, Reply, Verdict
from foliot.model import Worker as WorkerRecord
from foliot.moments import MILLISECOND
from foliot.stores.base import Store

log = logging.getLogger("foliot")

SOON = 250 * MILLISECOND
"""How long a log line may wait for the next one before they travel."""

MOST_GONE = 100
"""For how many workers that are gone one claim answers at most."""
LOOKERS = 10
"""How many of all workers look for those that are gone in a third of a lease, by chance: each reads the whole list."""


class Keeper:
    """Renews the leases of a worker's runs, hands in their lines, and learns which of them to stop."""

    def __init__(self, worker: Worker, store: Store, clock: Clock, jobs: Sequence[str]) -> None:
        self._worker, self._store, self._clock = worker, store, clock
        self._jobs = tuple(jobs)
        self._started_at = clock.now()
        self._looks_at = 0
        self._in_worker: Callable[[Callable[[], None]], object] = lambda act: act()
        self._loop = Loop(f"keeper of {worker.id}", self.round, clock)
        self._home: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()

    async def round(self) -> int:
        """Beat once for everything held; the next round is due after a third of the lease."""
        try:
            return await self._beat_for_all()
        finally:
            self._first.set()

    async def _beat_for_all(self) -> int:
        now = self._clock.now()
        held = list(self._worker.held.values())
        for at in range(0, max(1, len(held)), self._store.batch):
            page = held[at : at + self._store.batch]
            replies = await self._store.beat(self._record(now), [_beat(each) for each in page], now, self._worker.lease)
            self._in_worker(lambda page=page, replies=replies: self._obey(page, replies))
        await self._look_for_the_gone(now)
        return now + self._worker.lease // 3

    async def _look_for_the_gone(self, now: int) -> None:
        """Let the worker answer for those of which nothing was heard for two leases."""
        if now < self._looks_at:
            return
        self._looks_at = now + self._worker.lease // 3
        listed = await self._store.records(WorkerRecord)
        if (share := len(listed) / LOOKERS) > 1:
            self._looks_at = now + round(self._clock.random.uniform(0, 2) * share * self._worker.lease / 3)
        if gone := tuple(each.id for each in listed if each.seen_at < now - 2 * self._worker.lease)[:MOST_GONE]:
            self._in_worker(partial(self._worker.answer_for, gone))

    def _obey(self, held: Sequence[Held], replies: Sequence[Reply]) -> None:
        for each, reply in zip(held, replies, strict=True):
            match reply.verdict:
                case Verdict.KEEP:
                    pass
                case Verdict.STOP:
                    self._worker.stop(each.run.id, each.run.token, reply.reason or "cancelled")
                case Verdict.LOST:
                    self._worker.lose(each.run.id, each.run.token)

    def _record(self, now: int) -> WorkerRecord:
        worker = self._worker
        return WorkerRecord(
            id=worker.id,
            host=platform.node(),
            pid=os.getpid(),
            queues=worker.queues,
            jobs=self._jobs,
            labels=worker.labels,
            slots=worker.slots,
            busy=len(worker.held),
            started_at=self._started_at,
            seen_at=now,
            stopping=worker.draining,
        )

    # Where it lives

    async def start(self, *, in_thread: bool) -> None:
        """Beat from a thread of its own, which no blocking of this event loop can stop; or here, in simulated time.

        The first beat is over then, so that everybody knows of a worker that has started.
        """
        if in_thread:
            await self._start_thread()
        else:
            self._task = asyncio.get_running_loop().create_task(self._loop.run(), name="foliot keeper")

    def hint(self, at: int | None) -> None:
        """Beat now: a cancel is waiting. From any thread."""
        self._call(partial(self._loop.hint, at))

    def soon(self) -> None:
        """Beat soon: a job has logged something. From any thread."""
        self._call(lambda: self._clock.call_at(self._clock.now() + SOON, self._loop.bell.ring))

    async def stop(self) -> None:
        """Stop beating."""
        self._call(self._loop.stop)
        if self._task is not None:
            await self._task
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def _start_thread(self) -> None:
        worker_loop = asyncio.get_running_loop()
        ready = asyncio.Event()

        async def live() -> None:
            self._home = asyncio.get_running_loop()
            beating = self._home.create_task(self._loop.run())
            await asyncio.wait((beating, self._home.create_task(self._first.wait())), return_when=FIRST_COMPLETED)
            worker_loop.call_soon_threadsafe(ready.set)
            await beating
            if beside is not store:
                await beside.close()

        store = self._store
        self._store = beside = store.beside()
        self._in_worker = worker_loop.call_soon_threadsafe
        self._thread = threading.Thread(target=lambda: asyncio.run(live()), name="foliot keeper", daemon=True)
        self._thread.start()
        await ready.wait()

    def _call(self, act: Callable[[], object]) -> None:
        if self._home is None:
            act()
        else:
            self._home.call_soon_threadsafe(act)


def _beat(held: Held) -> Beat:
    lines, progress = held.notes.drain()
    return Beat(run=held.run.id, token=held.run.token, lines=lines, progress=progress)
