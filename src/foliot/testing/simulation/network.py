"""The store on the other side of a network: calls take time, get lost, or get there and are never answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum, auto
from random import Random
from typing import Any, TypeVar

from foliot.errors import StoreUnavailable
from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Firing,
    Hint,
    Line,
    Page,
    Query,
    Record,
    Reply,
    Run,
    Worker,
)
from foliot.moments import MINUTE, SECOND
from foliot.stores.base import R, Store
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.loop import SimulatedLoop
from foliot.testing.simulation.machine import EPOCH, Process
from foliot.testing.simulation.plan import Plan

PATIENCE = 30 * SECOND
"""How long a process waits for a reply."""

T = TypeVar("T")


class Way(Enum):
    """What becomes of a call."""

    FINE = auto()
    NOT_SENT = auto()
    REPLY_LOST = auto()
    SILENCE = auto()
    SILENCE_DONE = auto()


class Network:
    """Carries calls to the one store and replies back, as well as the weather allows."""

    def __init__(self, store: Store, plan: Plan, loop: SimulatedLoop, chronicle: Chronicle) -> None:
        self.store, self.loop, self.chronicle = store, loop, chronicle
        self.stormy, self.ending = True, False
        self.down_until = 0
        self.step = 0
        """How far the store's clock is off."""
        self.calls = self.failed = 0
        self._plan, self._weather = plan, plan.weather
        self._dice = Random(f"network {plan.seed}")  # noqa: S311 - a simulation

    def call(self, process: Process, verb: str, args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Send a call; what becomes of it becomes of the answer."""
        answer: asyncio.Future[Any] = self.loop.create_future()
        self.calls += 1
        way, now = self._way(process, verb), self.loop.micros
        if way in {Way.NOT_SENT, Way.SILENCE}:
            wait = self._trip() if way is Way.NOT_SENT else PATIENCE
            self.loop.alarm(now + wait, process.let, self._refuse, answer)
        else:
            self.loop.alarm(now + self._trip(), self._arrive, process, verb, args, answer, way)
        return answer

    def _arrive(
        self, process: Process, verb: str, args: tuple[Any, ...], answer: asyncio.Future[Any], way: Way
    ) -> None:
        now = self.loop.micros
        if now < self.down_until:
            self.loop.alarm(now + self._trip(), process.let, self._refuse, answer)
            return
        value = self._done(verb, args)
        self.chronicle.saw(verb, args, value, now)
        match way:
            case Way.FINE:
                self.loop.alarm(now + self._trip(), process.let, _settle, answer, value)
            case Way.REPLY_LOST:
                self.loop.alarm(now + self._trip(), process.let, self._refuse, answer)
            case _:
                self.loop.alarm(now + PATIENCE, process.let, self._refuse, answer)

    def _done(self, verb: str, args: tuple[Any, ...]) -> Any:
        if verb == "time":
            return EPOCH + self.loop.micros + self.step if self._plan.follow else None
        return at_once(getattr(self.store, verb)(*args))

    def _refuse(self, answer: asyncio.Future[Any]) -> None:
        self.failed += 1
        if not answer.done():
            answer.set_exception(StoreUnavailable("the store cannot be reached: so the weather is"))

    def _way(self, process: Process, verb: str) -> Way:
        if process.machine.cut_until > self.loop.micros:
            return self._dice.choice((Way.NOT_SENT, Way.SILENCE))
        if not self.stormy or self._says_nothing(verb):
            return Way.FINE
        roll, weather = self._dice.random(), self._weather
        for share, way in (
            (weather.before, Way.NOT_SENT),
            (weather.after, Way.REPLY_LOST),
            (weather.silent / 2, Way.SILENCE),
            (weather.silent / 2, Way.SILENCE_DONE),
        ):
            if roll < share:
                return way
            roll -= share
        return Way.FINE

    def _says_nothing(self, verb: str) -> bool:
        """Whether a call does nothing here; a start needs several, and in a storm would be tried over and over."""
        return verb == "open" or (verb == "time" and not self._plan.follow)

    def _trip(self) -> int:
        if self.stormy and self._dice.random() < self._weather.slow:
            return self._dice.randrange(MINUTE)
        return round(self._plan.trip * (0.5 + self._dice.expovariate(2)))

    def hint(self, process: Process, ring: Callable[[Hint], None], hint: Hint) -> None:
        """Carry a hint, which may get lost like everything else."""
        if process.dead or (self.stormy and self._dice.random() < self._weather.deaf):
            return
        if process.machine.cut_until <= self.loop.micros:
            self.loop.alarm(self.loop.micros + self._trip(), process.let, ring, hint)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What a step comes to that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("the store of a simulation must answer at once")


def _settle(answer: asyncio.Future[Any], value: Any) -> None:
    if not answer.done():
        answer.set_result(value)


class Distant(Store):
    """The store as a process sees it."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network, self._process = network, process
        self.batch = network.store.batch

    async def _call(self, verb: str, *args: Any) -> Any:
        if self._process.dead:
            raise asyncio.CancelledError
        return await self._network.call(self._process, verb, args)

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        stop = self._network.store.watch(lambda hint: self._network.hint(self._process, ring, hint))
        self._process.farewells.append(stop)
        return stop

    async def open(self) -> None:
        await self._call("open")

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def time(self) -> int | None:
        return await self._call("time")

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        return await self._call("add", runs, now)

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        return await self._call("amend", ids, change, now)

    async def claim(self, claim: Claim, now: int) -> Batch:
        return await self._call("claim", claim, now)

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        return await self._call("beat", worker, beats, now, lease)

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        return await self._call("finish", endings, now)

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        return await self._call("turn", endings, claim, now)

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        return await self._call("fire", firings, now, limit)

    async def find(self, query: Query) -> Page:
        return await self._call("find", query)

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        return await self._call("tally", query, by)

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        return await self._call("lines", run, after, limit)

    async def put(self, records: Sequence[Record]) -> None:
        await self._call("put", records)

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        return await self._call("drop", kind, ids)

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        return await self._call("records", kind, ids, after, limit)

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        return await self._call("prune", before, keep, limit)
