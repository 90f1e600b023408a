"""A whole cluster in one event loop: machines boot, crash, freeze and get lost; then it is calm, then all ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from msgspec.structs import replace

from foliot.model import LIVE, Pause, Query, Schedule
from foliot.moments import MINUTE, SECOND
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.loop import SimulatedLoop, Stuck
from foliot.testing.simulation.machine import EPOCH, Machine, owned
from foliot.testing.simulation.network import PATIENCE, Network, at_once
from foliot.testing.simulation.node import Node
from foliot.testing.simulation.plan import Plan
from foliot.testing.simulation.verdict import Ledger, judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What came of one simulation. ``wrongs`` are broken promises; two of the same seed have the same ``pulse``."""

    plan: Plan
    wrongs: tuple[str, ...]
    pulse: int
    lasted: int
    """How much time passed in the cluster, microseconds."""
    cpu: float
    """How many seconds of this machine's processor it took."""
    runs: int
    fired: int
    lost: int
    """How many attempts were lost with their worker."""
    calls: int
    failed: int
    boots: int


def simulate(plan: Plan, make: Callable[[], Store] = MemoryStore) -> Report:
    """Let a plan unfold, on a store that answers at once, and judge it. Touches neither clock nor network."""
    loop = SimulatedLoop()
    loop.set_task_factory(owned)  # type: ignore[arg-type]  # a factory may return any task
    began = time.process_time()
    world = World(plan, make(), loop)
    loop.set_exception_handler(lambda _, context: world.chronicle.wrong(f"unheard: {context}"))
    with _quiet():
        try:
            loop.run_until_complete(world.unfold())
        except Stuck as problem:
            world.chronicle.wrong(f"stuck after {loop.micros / SECOND:.0f} s: {problem}")
        finally:
            _close(loop)
    return world.report(time.process_time() - began)


class World:
    """Everything there is, and its history."""

    def __init__(self, plan: Plan, store: Store, loop: SimulatedLoop) -> None:
        self.plan, self.store, self.loop = plan, store, loop
        self.chronicle = Chronicle()
        self.network = Network(store, plan, loop, self.chronicle)
        self._dice = Random(f"world {plan.seed}")  # noqa: S311 - a simulation
        self._machines = [Machine(f"node{n}", loop, plan.seed) for n in range(plan.nodes)]
        self._nodes: dict[Machine, Node] = {}
        self._calm_at = 0

    async def unfold(self) -> None:
        """Storm, calm, end."""
        plan = self.plan
        for machine in self._machines:
            machine.skew = self._skew(machine)
            self.loop.alarm(machine.dice.randrange(plan.lease), self._boot, machine)
        storms = self._storms()
        await asyncio.sleep(plan.storm / SECOND)
        for storm in storms:
            storm.cancel()
        self.network.stormy = False
        self._calm_at = self.loop.micros
        await asyncio.sleep(plan.calm / SECOND)
        self.network.ending = True
        stopped = self._stop_schedules()
        await self._ended()
        ledger = Ledger(plan, self.chronicle, self._calm_at, self.network.step, EPOCH)
        judged(ledger, stopped, at_once(self.store.find(Query(limit=10_000_000))).runs)

    # The weather

    def _storms(self) -> list[asyncio.Task[None]]:
        weather = self.plan.weather
        kinds: list[tuple[int, Callable[[Machine], None]]] = [
            (weather.crash, self._crash),
            (weather.freeze, self._freeze),
            (weather.leave, self._leave),
            (weather.cut, self._cut),
            (weather.clock, self._set_clock),
        ]
        storms = [self._now_and_then(every, strike, each) for every, strike in kinds for each in self._machines]
        storms += [self._now_and_then(every, strike, None) for every, strike in self._of_the_store()]
        return [asyncio.get_running_loop().create_task(each) for each in storms]

    def _of_the_store(self) -> list[tuple[int, Callable[[None], None]]]:
        return [(self.plan.weather.outage, self._outage), (self.plan.weather.step, self._step)]

    async def _now_and_then(self, every: int, strike: Callable[[Any], None], where: Machine | None) -> None:
        while every:
            await asyncio.sleep(self._dice.expovariate(SECOND / every))
            strike(where)

    def _boot(self, machine: Machine) -> None:
        node = self._nodes.get(machine)
        if node is None or node.process.dead:
            self._nodes[machine] = Node(machine, self.plan, self.network, self.chronicle)

    def _crash(self, machine: Machine) -> None:
        if (node := self._nodes.get(machine)) is not None and not node.process.dead:
            node.crash()
            self._boot_later(machine)

    def _leave(self, machine: Machine) -> None:
        if (node := self._nodes.get(machine)) is not None and not node.process.dead:
            node.leave()
            self.loop.alarm(self.loop.micros + 2 * self.plan.lease + MINUTE, self._kill, machine, node)

    def _kill(self, machine: Machine, node: Node) -> None:
        """Whoever has not left by now is made to."""
        if not node.process.dead:
            node.crash()
        self._boot_later(machine)

    def _boot_later(self, machine: Machine) -> None:
        self.loop.alarm(self.loop.micros + self._a_while(), self._boot, machine)

    def _freeze(self, machine: Machine) -> None:
        machine.frozen_until = self.loop.micros + self._a_while()

    def _cut(self, machine: Machine) -> None:
        machine.cut_until = self.loop.micros + self._a_while()

    def _set_clock(self, machine: Machine) -> None:
        machine.skew = self._skew(machine)

    def _outage(self, _: None) -> None:
        self.network.down_until = self.loop.micros + self._a_while()

    def _step(self, _: None) -> None:
        self.network.step = self._dice.randint(-self.plan.skew, self.plan.skew)

    def _a_while(self) -> int:
        return self._dice.randrange(3 * self.plan.lease)

    def _skew(self, machine: Machine) -> int:
        return machine.dice.randint(-self.plan.skew, self.plan.skew)

    # The end

    def _stop_schedules(self) -> list[Schedule]:
        """Pause everything; answers the schedules as they stood."""
        schedules = at_once(self.store.records(Schedule))
        pause = Pause(at=EPOCH + self.loop.micros)
        stopped = [replace(each, wakes_at=None, follows=None, paused=pause) for each in schedules]
        at_once(self.store.put(stopped))
        self.chronicle.saw("put", (stopped,), None, self.loop.micros)
        return schedules

    async def _ended(self) -> None:
        """Wait until nothing is live any more, or for too long."""
        latest = self.loop.micros + longest_end(self.plan)
        while self.loop.micros < latest:
            await asyncio.sleep((PATIENCE + self.plan.lease) / SECOND)
            if not at_once(self.store.find(Query(states=tuple(LIVE), limit=1))).runs:
                break
        for node in self._nodes.values():
            node.leave()
        await asyncio.sleep((2 * self.plan.lease + MINUTE) / SECOND)

    def report(self, cpu: float) -> Report:
        """What came of it."""
        chronicle = self.chronicle
        return Report(
            plan=self.plan,
            wrongs=tuple(chronicle.wrongs),
            pulse=chronicle.pulse,
            lasted=self.loop.micros,
            cpu=cpu,
            runs=len(chronicle.tokens),
            fired=len(chronicle.fired),
            lost=chronicle.lost,
            calls=self.network.calls,
            failed=self.network.failed,
            boots=sum(machine.boots for machine in self._machines),
        )


@contextmanager
def _quiet() -> Generator[None]:
    """Nothing that happens here is news for the log of the program that simulates."""
    log = logging.getLogger("foliot")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def longest_end(plan: Plan) -> int:
    """How long after its schedules have stopped a cluster may take to finish what is left."""
    work = max(10 * load.every + 40 * load.takes for load in plan.loads)
    return 40 * (plan.lease + plan.look) + 2 * PATIENCE + plan.skew + work


def _close(loop: SimulatedLoop) -> None:
    """End what still waits for something."""
    for _ in range(100):
        waiting = asyncio.all_tasks(loop)
        if not waiting:
            break
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.sleep(1))
    loop.close()
