"""Heaps that may hold what is no longer so: entries are checked when they come up, and swept when most are stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from sys import maxsize

from foliot.model import AGEING, Run

_ROOM = 64


class Heap:
    """Ids by a number, lowest first, ties by id. ``holds(number, id)`` says whether an entry is still so.

    The same entry may be in it twice; whoever takes entries out must not mind.
    """

    __slots__ = ("_entries", "_holds", "_sweep_above")

    def __init__(self, holds: Callable[[int, str], bool]) -> None:
        self._entries: list[tuple[int, str]] = []
        self._holds = holds
        self._sweep_above = _ROOM

    def push(self, number: int, id: str) -> None:
        """Put an entry in."""
        heappush(self._entries, (number, id))
        if len(self._entries) > self._sweep_above:
            self._sweep()

    def first(self) -> tuple[int, str] | None:
        """The lowest entry that holds, left in place."""
        entries, holds = self._entries, self._holds
        while entries:
            first = entries[0]
            if holds(*first):
                return first
            heappop(entries)
        return None

    def peek(self, most: int, up_to: int) -> list[str]:
        """At most so many ids whose number is no higher than ``up_to``, in order, left in place."""
        taken = self._taken(most, up_to)
        for entry in taken:
            heappush(self._entries, entry)
        return [id for _, id in taken]

    def first_above(self, number: int) -> int | None:
        """The lowest number above this one; entries below it are left in place."""
        below = self._taken(maxsize, number)
        first = self.first()
        for entry in below:
            heappush(self._entries, entry)
        return None if first is None else first[0]

    def _taken(self, most: int, up_to: int) -> list[tuple[int, str]]:
        taken: dict[tuple[int, str], None] = {}
        while len(taken) < most and (first := self.first()) is not None and first[0] <= up_to:
            taken[heappop(self._entries)] = None
        return list(taken)

    def pop(self) -> None:
        """Take out the lowest entry."""
        heappop(self._entries)

    def take(self, most: int, up_to: int = maxsize) -> list[str]:
        """Take out, in order and each once, at most so many ids whose number is no higher than ``up_to``."""
        return [id for _, id in self._taken(most, up_to)]

    def _sweep(self) -> None:
        """Keep what holds. Sweeping anew only when twice as long makes this a constant cost per entry."""
        self._entries = [entry for entry in self._entries if self._holds(*entry)]
        heapify(self._entries)
        self._sweep_above = 2 * len(self._entries) + _ROOM


class Due:
    """Which runs somebody should look at, by place and priority, in the order of claims."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self._runs = runs
        self._places: dict[str, dict[int, Heap]] = {}

    def push(self, run: Run, wakes_at: int) -> None:
        """Look at this run then."""
        heaps = self._places.setdefault(run.place, {})
        heap = heaps.get(run.priority)
        if heap is None:
            heap = heaps[run.priority] = Heap(self._wakes(run.priority))
        heap.push(wakes_at, run.id)

    def served(self, queues: Iterable[str], worker: str) -> list[tuple[int, Heap]]:
        """The heaps of these queues (none: all) and of what is meant for this worker, each with its priority."""
        places = dict.fromkeys(queues) or [place for place in self._places if not place.startswith("@")]
        return [
            (priority, heap)
            for place in dict.fromkeys((*places, f"@{worker}"))
            for priority, heap in self._live_heaps(place)
        ]

    def _live_heaps(self, place: str) -> list[tuple[int, Heap]]:
        heaps = self._places.get(place)
        if heaps is None:
            return []
        live = [(priority, heap) for priority, heap in heaps.items() if heap.first() is not None]
        if len(live) < len(heaps):
            self._places[place] = dict(live)
            if not live:
                del self._places[place]
        return live

    def _wakes(self, priority: int) -> Callable[[int, str], bool]:
        get = self._runs.get

        def wakes(at: int, id: str) -> bool:
            run = get(id)
            return run is not None and run.wakes_at == at and run.priority == priority

        return wakes


def in_order(heaps: Iterable[tuple[int, Heap]], now: int) -> Iterator[str]:
    """Take out what is due by now, in the order of claims. The taker changes each before asking for the next."""
    heads: list[tuple[int, str, int, Heap]] = []
    for priority, heap in heaps:
        if (first := heap.first()) is not None and first[0] <= now:
            heads.append((first[0] - priority * AGEING, first[1], priority, heap))
    heapify(heads)
    while heads:
        _, id, priority, heap = heads[0]
        heap.pop()
        yield id
        if (first := heap.first()) is not None and first[0] <= now:
            heapreplace(heads, (first[0] - priority * AGEING, first[1], priority, heap))
        else:
            heappop(heads)


def earliest(heaps: Iterable[tuple[int, Heap]]) -> int | None:
    """When somebody should look at the first of these."""
    return min((first[0] for _, heap in heaps if (first := heap.first()) is not None), default=None)


class History:
    """The runs that are over, by job, oldest first: what pruning asks for."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self._runs = runs
        self._jobs: dict[str, Heap] = {}
        self._counts: dict[str, int] = {}

    def enter(self, run: Run) -> None:
        """This run is over."""
        heap = self._jobs.get(run.job)
        if heap is None:
            heap = self._jobs[run.job] = Heap(self._ended)
            self._counts[run.job] = 0
        self._counts[run.job] += 1
        heap.push(run.finished_at or 0, run.id)

    def leave(self, run: Run) -> None:
        """This run was over, and lives again or is forgotten."""
        self._counts[run.job] -= 1
        if not self._counts[run.job]:
            del self._jobs[run.job], self._counts[run.job]

    def beyond(self, before: int | None, keep: int | None) -> Iterator[str]:
        """Take out what finished before ``before`` or is not of its job's newest ``keep``, oldest first.

        The taker forgets each before asking for the next.
        """
        heads = [head for job in self._jobs if (head := self._oldest(job, before, keep)) is not None]
        heapify(heads)
        while heads:
            _, id, job = heappop(heads)
            yield id
            if (head := self._oldest(job, before, keep)) is not None:
                heappush(heads, head)

    def _oldest(self, job: str, before: int | None, keep: int | None) -> tuple[int, str, str] | None:
        first = self._jobs[job].first() if job in self._jobs else None
        if first is None:
            return None
        old = before is not None and first[0] < before
        many = keep is not None and self._counts[job] > keep
        return (*first, job) if old or many else None

    def _ended(self, at: int, id: str) -> bool:
        run = self._runs.get(id)
        return run is not None and run.finished_at == at
