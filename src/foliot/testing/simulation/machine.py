"""Machines, the processes on them, and the time as they know it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from random import Random
from typing import Any

from foliot.clock import Alarm, SystemClock
from foliot.moments import SECOND
from foliot.testing.simulation.loop import SimulatedLoop

EPOCH = 1_800_000_000_000_000
"""When simulations begin, microseconds since 1970: a Friday in January 2027."""

PROCESS: ContextVar[Process | None] = ContextVar("foliot.simulation.process", default=None)


class Machine:
    """A machine: its clock may be wrong, it may stand still for a while, and be cut off from the store."""

    def __init__(self, name: str, loop: SimulatedLoop, seed: int) -> None:
        self.name, self.loop = name, loop
        self.dice = Random(f"{seed} {name}")  # noqa: S311 - a simulation
        self.skew = 0
        self.frozen_until = self.cut_until = 0
        self.boots = 0
        self.process: Process | None = None


class Process:
    """A process: dies without a word, and then nothing of it happens any more."""

    def __init__(self, machine: Machine) -> None:
        machine.boots += 1
        self.machine = machine
        self.name = f"{machine.name}.{machine.boots}"
        self.dead = False
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.farewells: list[Callable[[], object]] = []
        """What the world does when it has died."""

    def let(self, action: Callable[..., object], *args: Any) -> None:
        """Let something happen in it, if it lives, and once it does not stand still."""
        machine = self.machine
        if self.dead:
            return
        if machine.frozen_until > machine.loop.micros:
            machine.loop.alarm(machine.frozen_until, self.let, action, *args)
        else:
            action(*args)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Let a task die with it."""
        if not task.done():
            self.tasks[task] = None
            task.add_done_callback(lambda ended: self.tasks.pop(ended, None))

    def die(self) -> None:
        """Vanish, finishing nothing."""
        self.dead = True
        for farewell in self.farewells:
            farewell()
        self._bury()

    def _bury(self) -> None:
        """Cancel what is left of it; what waits for something else then is cancelled again."""
        for task in list(self.tasks):
            task.cancel()
        if self.tasks:
            self.machine.loop.alarm(self.machine.loop.micros + SECOND, self._bury)


class MachineClock(SystemClock):
    """The clock of a machine, as a process on it sees it: real to the engine, and as wrong as the machine's."""

    threaded = False

    def __init__(self, process: Process, look: int) -> None:
        super().__init__()
        self.random = Random(f"{process.name} {process.machine.dice.random()}")  # noqa: S311 - a simulation
        self._process, self._loop, self.look = process, process.machine.loop, look

    def steady(self) -> int:
        return self._loop.micros

    def machine(self) -> int:
        return EPOCH + self._loop.micros + self._process.machine.skew

    def call_at(self, when: int, action: Callable[[], object]) -> Alarm:
        return self._loop.alarm(self._loop.micros + max(0, when - self.now()), self._process.let, action)


def owned(loop: asyncio.AbstractEventLoop, work: Any, **how: Any) -> asyncio.Task[Any]:
    """The task factory: every task belongs to the process in which it was made, and dies with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **how)
    if (process := PROCESS.get()) is not None:
        process.own(task)
    return task


def begun(process: Process, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Do something in a process, and all that comes of it."""

    async def live() -> None:
        await work()

    token = PROCESS.set(process)
    try:
        return asyncio.get_running_loop().create_task(live())
    finally:
        PROCESS.reset(token)
