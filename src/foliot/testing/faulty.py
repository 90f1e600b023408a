"""A store that fails when told to: before a verb, after it so that only the reply is lost, or late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar, assert_never

from foliot.errors import StoreError, StoreUnavailable
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
from foliot.stores.base import R, Store

T = TypeVar("T")

VERBS = (
    "add", "amend", "claim", "beat", "finish", "turn", "fire", "find", "tally", "lines", "put", "drop", "records",
    "prune",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """The call fails and nothing was done."""

    error: StoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class After:
    """All was done, and the call fails: the reply is lost on the way."""

    error: StoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """Nothing happens until ``gate`` has been waited for, such as an event's ``wait`` or a sleep by some clock."""

    gate: Callable[[], Awaitable[object]]


Fault = Before | After | Late
"""What goes wrong with one call."""

Plan = Callable[[str], Fault | None]
"""Asked at each call with the verb's name: what goes wrong with this one, if anything."""


def scripted(**faults: Sequence[Fault | None]) -> Plan:
    """What goes wrong with the calls of each verb, in order; then nothing: ``finish=[None, After(error=e)]``."""
    rest = {verb: iter(each) for verb, each in faults.items()}
    return lambda verb: next(rest[verb], None) if verb in rest else None


def seeded(random: Random, share: float, verbs: Sequence[str] = VERBS) -> Plan:
    """Fail this share of the calls of these verbs, half of them before and half after."""
    unreachable = StoreUnavailable("the store cannot be reached: a fault was planned")

    def plan(verb: str) -> Fault | None:
        if verb not in verbs or random.random() >= share:
            return None
        return random.choice((Before(error=unreachable), After(error=unreachable)))

    return plan


class FaultyStore(Store):
    """Another store, whose calls go wrong as planned. ``faults`` tells what went wrong so far, in order."""

    def __init__(self, inner: Store, plan: Plan) -> None:
        self.inner, self._plan = inner, plan
        self.faults: list[tuple[str, Fault]] = []
        self.batch, self.turns = inner.batch, inner.turns

    async def _call(self, verb: str, act: Callable[[], Awaitable[T]]) -> T:
        fault = self._plan(verb)
        if fault is None:
            return await act()
        self.faults.append((verb, fault))
        match fault:
            case Before(error=error):
                raise error
            case After(error=error):
                await act()
                raise error
            case Late(gate=gate):
                await gate()
                return await act()
            case _:
                assert_never(fault)

    def beside(self) -> Store:
        if (inner := self.inner.beside()) is self.inner:
            return self
        beside = FaultyStore(inner, self._plan)
        beside.faults = self.faults
        return beside

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        return self.inner.watch(ring)

    async def close(self) -> None:
        await self.inner.close()

    async def open(self) -> None:
        await self._call("open", self.inner.open)

    async def time(self) -> int | None:
        return await self._call("time", self.inner.time)

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        return await self._call("add", lambda: self.inner.add(runs, now))

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        return await self._call("amend", lambda: self.inner.amend(ids, change, now))

    async def claim(self, claim: Claim, now: int) -> Batch:
        return await self._call("claim", lambda: self.inner.claim(claim, now))

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        return await self._call("beat", lambda: self.inner.beat(worker, beats, now, lease))

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        return await self._call("finish", lambda: self.inner.finish(endings, now))

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        return await self._call("turn", lambda: self.inner.turn(endings, claim, now))

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        return await self._call("fire", lambda: self.inner.fire(firings, now, limit))

    async def find(self, query: Query) -> Page:
        return await self._call("find", lambda: self.inner.find(query))

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        return await self._call("tally", lambda: self.inner.tally(query, by))

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        return await self._call("lines", lambda: self.inner.lines(run, after, limit))

    async def put(self, records: Sequence[Record]) -> None:
        await self._call("put", lambda: self.inner.put(records))

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        return await self._call("drop", lambda: self.inner.drop(kind, ids))

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        return await self._call("records", lambda: self.inner.records(kind, ids, after, limit))

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        return await self._call("prune", lambda: self.inner.prune(before, keep, limit))
