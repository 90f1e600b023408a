"""A node: a process with the real scheduler, jobs that last and fail at random, and somebody who enqueues."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from foliot import capture
from foliot.context import Context
from foliot.errors import FoliotError, StoreError
from foliot.handle import Handle
from foliot.jobs import Job
from foliot.model import Added, Catchup
from foliot.moments import SECOND, spell
from foliot.options import DecoratorKeywords
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.machine import Machine, MachineClock, Process, begun
from foliot.testing.simulation.network import Distant, Network
from foliot.testing.simulation.plan import Load, Plan
from foliot.testing.simulation.spreading import ANSWER, PARTS, spread

LATER = 5 * SECOND
"""How long after a failed start a process tries again."""

FANS = 0.25
"""The share of what is enqueued that fans out."""


class Trouble(Exception):
    """What failing jobs raise."""


class Node:
    """One life of a node, from its start to its crash, or until it has left."""

    def __init__(self, machine: Machine, plan: Plan, network: Network, chronicle: Chronicle) -> None:
        self.process = Process(machine)
        self._plan, self._chronicle, self._dice = plan, chronicle, machine.dice
        self._loop = machine.loop
        self._clock = MachineClock(self.process, plan.look)
        self._network, self._store = network, Distant(network, self.process)
        self._leave = asyncio.Event()
        self._scheduler: Scheduler | None = None
        self._up = False
        self._serial = count()
        self._life = begun(self.process, self._live)

    # Fortunes

    def crash(self) -> None:
        """Vanish without finishing anything."""
        self._own_what_is_held()
        self.process.die()
        if self._up:
            self._up = False
            capture.remove()  # what a real process takes with it

    def _own_what_is_held(self) -> None:
        """Workers begin runs past the loop's factory of tasks."""
        worker = None if self._scheduler is None else self._scheduler.worker
        for held in () if worker is None else worker.held.values():
            if held.task is not None:
                self.process.own(held.task)

    def leave(self) -> None:
        """Stop as one should."""
        self._leave.set()

    # Life

    async def _live(self) -> None:
        scheduler = await self._started()
        self._up = True
        asyncio.get_running_loop().create_task(self._enqueue_now_and_then(scheduler))
        await self._leave.wait()
        self._up = False
        self._own_what_is_held()
        await scheduler.__aexit__(None, None, None)
        self.process.die()

    async def _started(self) -> Scheduler:
        self._scheduler = scheduler = self._made()
        while True:
            try:
                return await scheduler.__aenter__()
            except StoreError:
                await self._clock.sleep(LATER)

    def _made(self) -> Scheduler:
        plan = self._plan
        scheduler = Scheduler(
            self._store,
            clock=self._clock,
            name=self.process.name,
            concurrency=plan.slots,
            lease=spell(plan.lease),
            grace=spell(plan.lease),
            tz="UTC",
            log_level="CRITICAL",
        )
        for load in plan.loads:
            self._define(scheduler, load)
        quick = replace(plan.loads[0], takes=plan.loads[0].every // 100)
        spread(scheduler, plan, self._chronicle, self._unlike_any, partial(self._work, quick))
        return scheduler

    def _unlike_any(self) -> str:
        return f"{self.process.name} {next(self._serial)}"

    def _define(self, scheduler: Scheduler, load: Load) -> None:
        async def work(context: Context) -> None:
            await self._work(load, context)

        wishes = DecoratorKeywords(
            name=load.name,
            overlap=load.overlap,
            catchup=load.catchup,
            window="30d",
            retries=fixed(3, spell(load.every)),
            max_crashes=1000,
            at_most_once=load.at_most_once,
        )
        if load.catchup is Catchup.ALL:
            wishes["most"] = 1_000_000
        if load.timeout is not None:
            wishes["timeout"] = spell(load.timeout)
        if load.concurrency is not None:
            wishes["concurrency"] = load.concurrency
        scheduler.every(spell(load.every), **wishes)(work)

    async def _work(self, load: Load, context: Context) -> None:
        self._chronicle.executing(context.run)
        await self._clock.sleep(min(10 * load.takes, round(self._dice.expovariate(1 / load.takes))))
        if self._dice.random() < load.fails:
            raise Trouble

    async def _enqueue_now_and_then(self, scheduler: Scheduler) -> None:
        jobs = [scheduler.jobs[load.name] for load in self._plan.loads]
        await self._clock.sleep(round(self._dice.expovariate(1 / self._plan.enqueue)))
        while not self._network.ending:
            with suppress(FoliotError):
                await (
                    self._fan_out(scheduler) if self._dice.random() < FANS else self._enqueue(self._dice.choice(jobs))
                )
            await self._clock.sleep(round(self._dice.expovariate(1 / self._plan.enqueue)))

    async def _enqueue(self, job: Job[..., Any, Any]) -> None:
        dice, lease = self._dice, self._plan.lease
        wish = job.options(priority=dice.randrange(10), after=spell(dice.choice((0, dice.randrange(1, lease)))))
        if dice.random() < 0.5:
            wish = wish.options(unique=dice.choice(("one", "two")))
        handle = await wish.enqueue()
        self._chronicle.acknowledged(Added(id=handle.id, fate=handle.fate), self._loop.micros)
        await self._cancelled_sometimes(handle)

    async def _fan_out(self, scheduler: Scheduler) -> None:
        dice = self._dice
        handle = await scheduler.jobs["fan"].enqueue(parts=dice.choice(PARTS), at_once=dice.choice((None, 2)))
        self._chronicle.acknowledged(Added(id=handle.id, fate=handle.fate), self._loop.micros)
        if dice.random() < 0.7:
            await self._clock.sleep(round(dice.expovariate(1 / self._plan.lease)))
            await scheduler.signal(handle.id, ANSWER, self._unlike_any())
        await self._cancelled_sometimes(handle)

    async def _cancelled_sometimes(self, handle: Handle[Any]) -> None:
        if self._dice.random() < 0.2:
            await self._clock.sleep(round(self._dice.expovariate(1 / self._plan.lease)))
            await handle.cancel()
