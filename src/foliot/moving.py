"""Copies what a store keeps into another, of whatever kind, and compares the two afterwards.

Adding twice is adding once, so a copy that was interrupted is begun again and goes on. The order is limits, runs,
runs that wait for others, the starts that rates count, schedules: what fires or waits comes after what it fires into or
waits for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from foliot.model import Attempt, Change, Clash, Fate, Hold, Limit, Line, Outcome, Query, Run, Schedule, State, Unique
from foliot.moving_rates import Starts, count_again
from foliot.stores.base import Store

PAGE = 500
"""How many runs are read and added at once, if both stores carry as many."""
READERS = 20
"""How many runs' lines are read at once."""
NAMED = 5
"""How many of those that differ are named."""

Tell = Callable[[str, int, int], None]
"""Told how far it is: the stage, how many of how many."""


# How a run arrives: pure


def moved(run: Run, now: int) -> Run:
    """A run as it is added elsewhere: one that is over as it is, any other pending, due as it was.

    One that runs is put down, its attempt kept as lost when its lease ends; so the job's own policy decides whether it
    is tried again. Its token goes on counting. A key that it no longer holds it does not take.
    """
    if run.state.over:
        return run
    down = replace(run, waits=0, parked=None, wakes_at=run.due_at, unique=_held(run, now))
    if run.state is State.PENDING:
        return down
    last = Attempt(
        token=run.token, worker=run.worker, started_at=run.started_at, ended_at=run.wakes_at, outcome=Outcome.LOST
    )
    return replace(down, state=State.PENDING, worker=None, started_at=None, attempts=(*run.attempts, last))


def _held(run: Run, now: int) -> Unique | None:
    """The key that a live run still holds; never at the cost of a run that is there already."""
    unique = run.unique
    if unique is None or _gave_up(run, unique, now):
        return None
    return replace(unique, clash=Clash.DROP)


def _gave_up(run: Run, unique: Unique, now: int) -> bool:
    if unique.until is not None:
        return unique.until <= now
    started = run.token > 0 and (unique.hold is Hold.START or unique.clash is Clash.RENEW)
    return started or run.cancelling is not None


def essence(run: Run) -> Run:
    """A run without what each store finds out by itself: when to look at it, and what it waits for or holds."""
    unique = run.unique if run.state.over else None
    return replace(run, wakes_at=None, waits=0, parked=None, unique=unique)


def in_order(waiting: Mapping[str, Sequence[str]]) -> list[str]:
    """Runs after those that they wait for; in a circle nobody is first, so such runs come as they are."""
    graph = {id: [each for each in after if each in waiting] for id, after in waiting.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        return sorted(waiting)


# Copying


@dataclass(slots=True)
class Copied:
    """What was copied: how many runs were new, and which could not be added, because another holds their key."""

    fates: Counter[Fate] = field(default_factory=Counter[Fate])
    clashed: list[str] = field(default_factory=list[str])


class Move:
    """One copy of a store into another, both open."""

    def __init__(self, source: Store, target: Store, now: int, tell: Tell) -> None:
        self._source, self._target, self._now, self._tell = source, target, now, tell
        self._page = min(PAGE, source.batch, target.batch)

    async def copy(self, *, live: bool = False) -> Copied:
        """Copy limits, runs with their lines, starts unless somebody is ``live`` at work in the target, and schedules.

        Raises StoreError; what was copied stays then.
        """
        copied, waiting = Copied(), dict[str, tuple[str, ...]]()
        await self._target.put(limits := await self._source.records(Limit))
        starts = Starts(() if live else limits, self._now)
        done, total = 0, await self._count()
        async for runs in self._runs():
            for run in runs:
                starts.see(run)
            waits = {run.id: run.after for run in runs if run.after and not run.state.over}
            await self._add([run for run in runs if run.id not in waits], copied)
            waiting |= waits
            done += len(runs)
            self._tell("copying runs", done - len(waiting), total)
        for ids in _batches(in_order(waiting), self._page):
            found = {run.id: run for run in await _found(self._source, ids)}
            await self._add([found[id] for id in ids if id in found], copied)
        await count_again(starts, self._target)
        async for schedules in self._schedules():
            await self._target.put(schedules)
        self._tell("copying runs", total, total)
        return copied

    async def _count(self) -> int:
        return sum((await self._source.tally(Query(), by="state")).values())

    async def _add(self, runs: Sequence[Run], copied: Copied) -> None:
        added = await self._target.add([moved(run, self._now) for run in runs], self._now)
        copied.fates.update(each.fate for each in added)
        there = [each.fate in (Fate.ADDED, Fate.KNOWN) for each in added]
        copied.clashed += [run.id for run, is_there in zip(runs, there, strict=True) if not is_there]
        await self._copy_lines([run.id for run, is_there in zip(runs, there, strict=True) if is_there and _ran(run)])

    async def _copy_lines(self, ids: Sequence[str]) -> None:
        for some in _batches(ids, READERS):
            await asyncio.gather(*map(self._copy_lines_of, some))

    async def _copy_lines_of(self, run: str) -> None:
        async for lines in _lines(self._source, run):
            await self._target.amend([run], Change(lines=tuple(lines)), self._now)

    async def _runs(self) -> AsyncIterator[tuple[Run, ...]]:
        query = Query(oldest_first=True, limit=self._page)
        while True:
            page = await self._source.find(query)
            yield page.runs
            if page.cursor is None:
                return
            query = replace(query, after=page.cursor)

    async def _schedules(self) -> AsyncIterator[list[Schedule]]:
        after = ""
        while page := await self._source.records(Schedule, after=after, limit=self._page):
            yield page
            after = page[-1].id

    # Comparing

    async def compare(self) -> list[Comparison]:
        """Count and checksum what the source keeps, and the same things in the target."""
        return [await self._compare_schedules(), await self._compare_limits(), *await self._compare_runs()]

    async def _compare_schedules(self) -> Comparison:
        told = Comparison("schedules")
        async for page in self._schedules():
            there = await self._target.records(Schedule, [each.id for each in page])
            told.see([_versionless(each) for each in page], [_versionless(each) for each in there])
        return told

    async def _compare_limits(self) -> Comparison:
        told = Comparison("limits")
        limits = await self._source.records(Limit)
        told.see(limits, await self._target.records(Limit, [each.id for each in limits]))
        return told

    async def _compare_runs(self) -> list[Comparison]:
        runs, lines = Comparison("runs"), Comparison("lines")
        total = await self._count()
        async for page in self._runs():
            there = await _found(self._target, [run.id for run in page])
            runs.see([essence(moved(run, self._now)) for run in page], [essence(run) for run in there])
            for some in _batches([run.id for run in page if _ran(run)], READERS):
                for one, other in await asyncio.gather(*map(self._both_lines, some)):
                    lines.see(one, other)
            self._tell("comparing runs", runs.source, total)
        return [runs, lines]

    async def _both_lines(self, run: str) -> tuple[list[Named], list[Named]]:
        one, other = [
            [Named(run, line) async for page in _lines(store, run) for line in page]
            for store in (self._source, self._target)
        ]
        return one, other


def _batches(ids: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _ran(run: Run) -> bool:
    """Whether a run may have logged something."""
    return run.token > 0 or run.started_at is not None


async def _found(store: Store, ids: Sequence[str]) -> list[Run]:
    """The runs of these ids, in order of id."""
    return list((await store.find(Query(ids=tuple(ids), limit=max(1, len(ids)), oldest_first=True))).runs)


async def _lines(store: Store, run: str) -> AsyncIterator[list[Line]]:
    after = 0
    while lines := await store.lines(run, after):
        yield lines
        after = lines[-1].n


def _versionless(schedule: Schedule) -> Schedule:
    """A schedule without the version, which each store counts for itself."""
    return replace(schedule, version=0)


class Named(msgspec.Struct, frozen=True):
    """A line of a run, as something with an id."""

    run: str
    line: Line

    @property
    def id(self) -> str:
        """Whose line it is."""
        return f"{self.run}:{self.line.n}"


Thing = Run | Schedule | Limit | Named

_encode = msgspec.json.Encoder(order="deterministic").encode


def _text(thing: Thing) -> bytes:
    """A thing as JSON that is the same whether it was ever written down: a number that may have a fraction has one."""
    return _encode(msgspec.json.decode(_encode(thing), type=type(thing)))


class Comparison:
    """One kind of thing in two stores: how many, their checksums, and the first that are missing or differ."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.source = self.target = 0
        self.differing: list[str] = []
        self._sums = blake2b(digest_size=8), blake2b(digest_size=8)

    @property
    def checksums(self) -> tuple[str, str]:
        """The checksum of each side."""
        one, other = (each.hexdigest() for each in self._sums)
        return one, other

    @property
    def equal(self) -> bool:
        """Whether both sides have the same."""
        one, other = self.checksums
        return self.source == self.target and one == other

    def see(self, source: Sequence[Thing], target: Iterable[Thing]) -> None:
        """Look at some things of the source, and at those of the target that have the same ids."""
        there = {each.id: each for each in target}
        for each in source:
            self.source += 1
            self._sums[0].update(text := _text(each))
            other = _text(there[each.id]) if each.id in there else b""
            self.target += each.id in there
            self._sums[1].update(other)
            if text != other and len(self.differing) < NAMED:
                self.differing.append(each.id)
