"""Who wants things done while everything goes wrong, and what the store does not answer for wants again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import TypeVar

from foliot.errors import RunOver, StoreError, UnknownRun
from foliot.model import LIVE, Query, Run, Schedule
from foliot.scheduler import Scheduler
from foliot.testing.faults.spreading import ANSWER, approved
from foliot.testing.faults.work import ENQUEUED, STANDING, define

T = TypeVar("T")

LOOK = 0.2
SOON = 0.1
"""Seconds between two single runs that are wanted."""
STORY = 1.0
"""Seconds between two sales, and two orders."""
BREAK = 1.0
"""Seconds between the end of one map and the next."""


class Office:
    """A scheduler that neither fires nor works. ``wanted`` are the ids of all that the store has answered for."""

    def __init__(self, url: str, parts: int) -> None:
        self.scheduler = Scheduler(url, fire=False, work=False)
        self.wanted: list[str] = []
        self._jobs = define(self.scheduler)
        self._parts = parts
        self._closed = asyncio.Event()

    def close(self) -> None:
        """Want nothing more."""
        self._closed.set()

    async def work(self) -> None:
        """Want this and that, until it is closed and everything that waits for an answer has one."""
        await asyncio.gather(self._single_runs(), self._maps(), self._stories())

    # Wanting

    async def _single_runs(self) -> None:
        for n in count():
            await self._want(ENQUEUED[n % len(ENQUEUED)], n)
            if await self._closes_within(SOON):
                return

    async def _maps(self) -> None:
        """One map after the other."""
        for n in count():
            fan = await self._want("fan", n, parts=self._parts)
            while not await self._is_over(fan):
                if await self._closes_within(LOOK):
                    return
            if await self._closes_within(BREAK):
                return

    async def _stories(self) -> None:
        """Sales and orders, and answers to the ones before."""
        for n in count():
            await self._want("sale", n)
            await self._want("order", n)
            last = await self._closes_within(STORY)
            await self._answer(n)
            if last:
                return

    async def _want(self, name: str, n: int, **more: int) -> str:
        wish = self._jobs[name].options(id=f"{name}-{n}")
        handle = await until_answered(lambda: wish.enqueue(n=n, **more))
        self.wanted.append(handle.id)
        return handle.id

    async def _answer(self, n: int) -> None:
        """Say what is waited for. One whose end nobody has told us of has heard it."""
        workflows = self.scheduler.workflows
        says = workflows.approve if approved(n) else workflows.refuse
        with suppress(RunOver):
            await until_answered(lambda: self.scheduler.signal(f"sale-{n}", ANSWER, f"{ANSWER} {n}"))
        with suppress(RunOver):
            await until_answered(lambda: says(f"order-{n}", "ok"))

    async def _closes_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)
        return self._closed.is_set()

    async def _is_over(self, id: str) -> bool:
        page = await until_answered(lambda: self.scheduler.store.find(Query(ids=(id,))))
        return all(run.state.over for run in page.runs)

    # The end

    async def quiet(self, patience: float) -> None:
        """Pause the schedules, and wait until nothing is live any more, or for too many seconds."""
        for each in STANDING:
            await until_answered(lambda each=each: self.scheduler.schedules.pause(each.name))
        latest = time.monotonic() + patience
        live = Query(states=tuple(LIVE), limit=1)
        while time.monotonic() < latest:
            if not (await until_answered(lambda: self.scheduler.store.find(live))).runs:
                return
            await asyncio.sleep(LOOK)

    async def everything(self) -> list[Run]:
        """All runs there are."""
        runs: list[Run] = []
        query: Query | None = Query(limit=500)
        while query is not None:
            page = await until_answered(lambda query=query: self.scheduler.store.find(query))
            runs += page.runs
            query = None if page.cursor is None else Query(limit=500, after=page.cursor)
        return runs

    async def schedules(self) -> list[Schedule]:
        """All schedules, as they stand."""
        return await until_answered(lambda: self.scheduler.store.records(Schedule))


async def until_answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask a store that may be away, or for a run that is still to be spawned, again and again."""
    while True:
        try:
            return await ask()
        except (StoreError, UnknownRun):
            await asyncio.sleep(LOOK)
