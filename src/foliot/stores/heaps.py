"""Heaps that may hold what is no longer so: entries are checked when they come up, and swept when most are stale."""

from __future__ import annotations

from bisect import bisect, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from sys import maxsize

from foliot.model import AGEING, Claim, Run, State, serves

_ROOM = 64

_Eyes = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""What decides at which places a claim looks."""


class Heap:
    """Ids by a number, lowest first, ties by id. ``holds(number, id)`` says whether an entry is still so.

    What comes in order is kept in a row beside the heap, and costs nothing to order. The same entry may be in it twice;
    whoever takes entries out must not mind.
    """

    __slots__ = ("_holds", "_sweep_above", "entries", "row")

    def __init__(self, holds: Callable[[int, str], bool]) -> None:
        self.entries: list[tuple[int, str]] = []
        self.row: deque[tuple[int, str]] = deque()
        self._holds = holds
        self._sweep_above = _ROOM

    def push(self, number: int, id: str) -> None:
        """Put an entry in."""
        entry, row = (number, id), self.row
        if not row or entry >= row[-1]:
            row.append(entry)
        else:
            heappush(self.entries, entry)
        if len(row) + len(self.entries) > self._sweep_above:
            self._sweep()

    def first(self) -> tuple[int, str] | None:
        """The lowest entry that holds, left in place."""
        entries, row, holds = self.entries, self.row, self._holds
        while entries or row:
            first = entries[0] if not row or (entries and entries[0] < row[0]) else row[0]
            if holds(*first):
                return first
            self.pop()
        return None

    def pop(self) -> None:
        """Take out the lowest entry."""
        entries, row = self.entries, self.row
        if not row or (entries and entries[0] < row[0]):
            heappop(entries)
        else:
            row.popleft()

    def up_to(self, number: int) -> Iterator[str]:
        """Take out one after the other, as it is asked for, what is no higher than this."""
        holds = self._holds
        while True:
            while self.row and not self.entries and self.row[0][0] <= number:
                entry = self.row.popleft()
                if holds(*entry):
                    yield entry[1]
            if (first := self.first()) is None or first[0] > number:
                return
            self.pop()
            yield first[1]

    def take(self, most: int, up_to: int = maxsize) -> list[str]:
        """Take out, in order and each once, at most so many ids whose number is no higher than ``up_to``."""
        taken: dict[str, None] = {}
        while (first := self.first()) is not None and first[0] <= up_to:
            if len(taken) == most and first[1] not in taken:
                break
            taken[first[1]] = None
            self.pop()
        return list(taken)

    def _sweep(self) -> None:
        """Keep what holds. Sweeping anew only when twice as long makes this a constant cost per entry."""
        self.row = deque(entry for entry in self.row if self._holds(*entry))
        self.entries = [entry for entry in self.entries if self._holds(*entry)]
        heapify(self.entries)
        self._sweep_above = 2 * (len(self.row) + len(self.entries)) + _ROOM


class Due:
    """Which runs somebody should look at, by state, place and priority, in the order of claims."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self._runs = runs
        self._heaps: dict[tuple[State, str, int], Heap] = {}
        self._served: dict[_Eyes, list[tuple[int, Heap]]] = {}
        self._sweep_above = _ROOM

    def push(self, run: Run, wakes_at: int) -> None:
        """Look at this run then."""
        heap = self._heaps.get((run.state, run.place, run.priority))
        if heap is None:
            heap = self._open(run.state, run.place, run.priority)
        heap.push(wakes_at, run.id)

    def served(self, claim: Claim) -> list[tuple[int, Heap]]:
        """The heaps at which a claim looks, pending runs and leases that lapse, each with its priority."""
        eyes = (claim.worker, claim.queues, claim.labels, claim.targets)
        served = self._served.get(eyes)
        if served is None:
            if len(self._served) > _ROOM:
                self._served.clear()
            served = [(priority, heap) for (_, place, priority), heap in self._heaps.items() if serves(place, claim)]
            self._served[eyes] = served
        return served

    def _open(self, state: State, place: str, priority: int) -> Heap:
        """A heap where there was none; where nobody comes any more there is none afterwards."""
        if len(self._heaps) >= self._sweep_above:
            self._heaps = {key: heap for key, heap in self._heaps.items() if heap.first() is not None}
            self._sweep_above = 2 * len(self._heaps) + _ROOM
        self._served.clear()
        heap = self._heaps[state, place, priority] = Heap(self._wakes(state, priority))
        return heap

    def _wakes(self, state: State, priority: int) -> Callable[[int, str], bool]:
        get = self._runs.get

        def wakes(at: int, id: str) -> bool:
            run = get(id)
            return run is not None and run.wakes_at == at and run.state is state and run.priority == priority

        return wakes


Head = tuple[int, str, int, Heap]
"""The first of a heap: its place in the order of claims, its id, and the priority of all that is there."""


def looked_at(heaps: Iterable[tuple[int, Heap]], now: int) -> tuple[list[Head], int | None]:
    """The heads of what is due by now; where nothing is, when something will be."""
    heads: list[Head] = []
    soonest: int | None = None
    for priority, heap in heaps:
        if (heap.row or heap.entries) and (first := heap.first()) is not None:
            if first[0] <= now:
                heads.append((first[0] - priority * AGEING, first[1], priority, heap))
            elif soonest is None or first[0] < soonest:
                soonest = first[0]
    return heads, soonest


def in_order(heads: list[Head], now: int) -> Iterator[str]:
    """Take out what is due by now, in the order of claims. The taker changes each before asking for the next."""
    heapify(heads)
    while len(heads) > 1:
        _, id, priority, heap = heads[0]
        heap.pop()
        yield id
        if (first := heap.first()) is not None and first[0] <= now:
            heapreplace(heads, (first[0] - priority * AGEING, first[1], priority, heap))
        else:
            heappop(heads)
    for *_, heap in heads:  # the last one, or the only one: nothing to put in order
        yield from heap.up_to(now)


def earliest(heaps: Iterable[Heap], *known: int | None) -> int | None:
    """When somebody should look at the first of these, or at what is known besides."""
    firsts = [heap.first() for heap in heaps]
    instants = [*known, *(None if first is None else first[0] for first in firsts)]
    return min((each for each in instants if each is not None), default=None)


class History:
    """The runs that are over, by job, oldest first: what pruning asks for. An end costs one push."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self._runs = runs
        self._jobs: dict[str, list[tuple[int, str]]] = {}
        self._stale: dict[str, int] = {}
        self._held: dict[str, dict[str, Run]] = {}
        self._back: dict[str, list[tuple[int, str]]] = {}

    def enter(self, run: Run) -> None:
        """This run is over, and what was held back for it may go."""
        self._put(run)
        if run.id in self._held:
            for child in self._held.pop(run.id).values():
                self._come_back(child)
                self._put(child)

    def _put(self, run: Run) -> None:
        heappush(self._jobs.setdefault(run.job, []), _by_age(run))

    def revive(self, run: Run) -> None:
        """This run was over and lives again."""
        if (held := self._held.get(run.parent or "", {}).pop(run.id, None)) is not None:
            self._come_back(held)
        else:
            self._stale[run.job] = self._stale.get(run.job, 0) + 1

    def _come_back(self, run: Run) -> None:
        back = self._back[run.job]
        del back[bisect(back, _by_age(run)) - 1]

    def take(self, before: int | None, keep: int | None) -> Iterator[str]:
        """Take out what finished before ``before`` or is not of its job's newest ``keep``, oldest first.

        The taker forgets each before asking for the next.
        """
        heads = [head for job in tuple(self._jobs) if (head := self._oldest(job, before, keep)) is not None]
        heapify(heads)
        while heads:
            _, id, job = heads[0]
            heappop(self._jobs[job])
            yield id
            if (head := self._oldest(job, before, keep)) is not None:
                heapreplace(heads, head)
            else:
                heappop(heads)

    def _oldest(self, job: str, before: int | None, keep: int | None) -> tuple[int, str, str] | None:
        """The oldest of a job, if it is to go; what a live parent may still ask for is held back."""
        ends = self._jobs[job]
        while ends:
            if not self._ended(*ends[0]):
                heappop(ends)
                self._stale[job] -= 1
                continue
            old = before is not None and ends[0][0] < before
            if not old and (keep is None or self._newest_from(job, ends[0]) <= keep):
                return None
            if not self._hold(self._runs[ends[0][1]]):
                return (*ends[0], job)
            heappop(ends)
        del self._jobs[job]
        self._stale.pop(job, None)
        return None

    def _newest_from(self, job: str, oldest: tuple[int, str]) -> int:
        """How many of a job are as new as the oldest of those that are not held back."""
        back = self._back.get(job, ())
        return len(self._jobs[job]) - self._stale.get(job, 0) + len(back) - bisect(back, oldest)

    def _hold(self, run: Run) -> bool:
        """Whether its parent is live, and holds it back."""
        parent = None if run.parent is None else self._runs.get(run.parent)
        if parent is None or parent.state.over:
            return False
        self._held.setdefault(parent.id, {})[run.id] = run
        insort(self._back.setdefault(run.job, []), _by_age(run))
        return True

    def _ended(self, at: int, id: str) -> bool:
        run = self._runs.get(id)
        return run is not None and run.finished_at == at


def _by_age(run: Run) -> tuple[int, str]:
    return run.finished_at or 0, run.id
