"""Lanes in memory: who holds places in the limited ones, who is parked before full ones, when to look again."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from sys import maxsize

from foliot.model import Limit, Run, family
from foliot.stores.heaps import Heap
from foliot.stores.lanes import lanes_of, limit_of, opens_at, rate, room

_REMEMBERED = 10_000

Limited = tuple[tuple[str, Limit], ...]


class Traffic:
    """Counts only where limits stand; a lane that nothing limits costs nothing."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self.limits: dict[str, Limit] = {}
        self._runs = runs
        self._limited: dict[tuple[str, str, tuple[str, ...]], Limited] = {}
        self._holders: dict[str, set[str]] = {}
        self._starts: dict[str, list[int]] = {}
        self._sweep_above = _REMEMBERED
        self._parked: dict[str, Heap] = {}
        self._look: set[str] = set()
        self._opens: dict[str, int] = {}
        self._opening = Heap(lambda at, lane: self._opens.get(lane) == at)

    @property
    def hopes(self) -> bool:
        """Whether some lane with parked runs is to be looked at, now or at an instant."""
        return bool(self._look or self._opens)

    # limits

    def put(self, limit: Limit) -> None:
        """Let this limit stand."""
        old = self.limits.get(limit.id)
        self.limits[limit.id] = limit
        self._changed(limit.id, forget=old is None or (old.starts, old.per) != (limit.starts, limit.per))

    def drop(self, ids: Iterable[str]) -> None:
        """Forget these limits."""
        for id in ids:
            del self.limits[id]
            self._changed(id, forget=True)

    def _changed(self, id: str, *, forget: bool) -> None:
        self._limited.clear()
        self._look.update(lane for lane in self._parked if id in {lane, family(lane)})
        if forget:
            for lane in [lane for lane in self._starts if id in {lane, family(lane)}]:
                del self._starts[lane]

    def recount(self, running: Iterable[Run]) -> bool:
        """After limits have changed: count anew who holds a place, and tell whether parked runs hope for one."""
        self._holders.clear()
        for run in running:
            self._take_places(run)
        return bool(self._look)

    # places

    def full_lane(self, run: Run, now: int) -> str | None:
        """The first full lane before this run, were it to start now. A place it holds itself does not count."""
        for lane, limit in self.limited(run):
            if not self._room(lane, limit, now, but=run.id):
                return lane
        return None

    def enter(self, run: Run, now: int) -> None:
        """This run was claimed."""
        for lane, limit in self.limited(run):
            self._holders.setdefault(lane, set()).add(run.id)
            if (allowed := rate(limit)) is not None:
                starts = self._starts.setdefault(lane, [])
                del starts[: bisect_right(starts, now - allowed[1])]
                insort(starts, now)
        if len(self._starts) > self._sweep_above:
            self._sweep_starts(now)

    def leave(self, run: Run) -> bool:
        """This run no longer holds its places; tells whether somebody was parked for one."""
        hope = False
        for lane, _ in self.limited(run):
            self._holders[lane].discard(run.id)
            if not self._holders[lane]:
                del self._holders[lane]
            if lane in self._parked:
                self._look.add(lane)
                hope = True
        return hope

    def _sweep_starts(self, now: int) -> None:
        """Forget lanes in which no start counts any more: of keys that are used once there is no end."""
        counting = {lane for lane in self._starts if self._started(lane, limit_of(lane, self.limits), now)}
        self._starts = {lane: starts for lane, starts in self._starts.items() if lane in counting}
        self._sweep_above = 2 * len(counting) + _REMEMBERED

    def _take_places(self, run: Run) -> None:
        for lane, _ in self.limited(run):
            self._holders.setdefault(lane, set()).add(run.id)

    # parking

    def park(self, run: Run, lane: str) -> None:
        """This run is parked before this lane, with its present priority."""
        heap = self._parked.get(lane)
        if heap is None:
            heap = self._parked[lane] = Heap(self._stands(lane))
        heap.push(run.rank, run.id)
        self._look.add(lane)

    def unpark(self, lane: str) -> None:
        """A run is no longer parked before this lane."""
        if lane in self._parked and self._parked[lane].first() is None:
            del self._parked[lane]
            self._look.discard(lane)
            self._opens.pop(lane, None)

    def to_wake(self, now: int, most: int) -> Iterator[str]:
        """Look at every lane whose instant has come; the runs to wake, at most so many in each."""
        self._look.update(self._opening.take(maxsize, now))
        for lane in sorted(self._look):
            yield from self._look_at(lane, now, most)

    def look_at(self) -> int | None:
        """The earliest instant at which the passing of time alone makes room for a parked run."""
        first = self._opening.first()
        return None if first is None else first[0]

    def _look_at(self, lane: str, now: int, most: int) -> list[str]:
        self._look.discard(lane)
        self._opens.pop(lane, None)
        limit = limit_of(lane, self.limits)
        free = min(most, self._room(lane, limit, now))
        if not free:
            self._look_later(lane, limit)
            return []
        heap = self._parked[lane]
        waking = heap.take(free)
        if heap.first() is not None:
            self._look.add(lane)
        return waking

    def _look_later(self, lane: str, limit: Limit | None) -> None:
        starts, allowed = self._starts.get(lane, []), rate(limit)
        if allowed is None:
            return
        oldest = starts[-allowed[0]] if 0 < allowed[0] <= len(starts) else None
        at = opens_at(limit, len(self._holders.get(lane, ())), oldest)
        if at is not None:
            self._opens[lane] = at
            self._opening.push(at, lane)

    def _stands(self, lane: str) -> Callable[[int, str], bool]:
        get = self._runs.get

        def stands(rank: int, id: str) -> bool:
            run = get(id)
            return run is not None and run.parked == lane and run.rank == rank

        return stands

    # arithmetic

    def limited(self, run: Run) -> Limited:
        """The lanes of this run that are limited, each with its limit."""
        if not self.limits:
            return ()
        key = (run.queue, run.job, run.lanes)
        limited = self._limited.get(key)
        if limited is None:
            if len(self._limited) >= _REMEMBERED:
                self._limited.clear()
            lanes = ((lane, limit_of(lane, self.limits)) for lane in lanes_of(run))
            limited = self._limited[key] = tuple((lane, limit) for lane, limit in lanes if limit is not None)
        return limited

    def _room(self, lane: str, limit: Limit | None, now: int, but: str = "") -> int:
        holders = self._holders.get(lane, ())
        return room(limit, len(holders) - (but in holders), self._started(lane, limit, now))

    def _started(self, lane: str, limit: Limit | None, now: int) -> int:
        starts, allowed = self._starts.get(lane), rate(limit)
        if not starts or allowed is None:
            return 0
        return len(starts) - bisect_right(starts, now - allowed[1])
