"""What ties runs to each other in memory: who waits for whom, and who holds which unique key."""

from __future__ import annotations

from sys import maxsize

from foliot.model import Unique
from foliot.stores.heaps import Heap


class Waits:
    """Who waits for whom, until one of the two is over."""

    def __init__(self) -> None:
        self._upstreams: dict[str, set[str]] = {}
        self._waiters: dict[str, dict[str, None]] = {}

    def begin(self, id: str, upstreams: set[str]) -> None:
        """This run waits for these."""
        if upstreams:
            self._upstreams[id] = upstreams
        for each in upstreams:
            self._waiters.setdefault(each, {})[id] = None

    def over(self, id: str) -> list[tuple[str, int]]:
        """This run is over: who waited for it, each with how many it still waits for."""
        if id not in self._upstreams and id not in self._waiters:
            return []
        for each in self._upstreams.pop(id, ()):
            del self._waiters[each][id]
            if not self._waiters[each]:
                del self._waiters[each]
        return [(waiter, self._without(waiter, id)) for waiter in self._waiters.pop(id, ())]

    def _without(self, waiter: str, id: str) -> int:
        upstreams = self._upstreams[waiter]
        upstreams.discard(id)
        if not upstreams:
            del self._upstreams[waiter]
        return len(upstreams)


class Keys:
    """Who holds which unique key. Keys with an ``until`` are forgotten after it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, int | None]] = {}
        self._expiring = Heap(lambda until, key: key in self._held and self._held[key][1] == until)

    def holder(self, key: str, now: int) -> str | None:
        """The id of the run that holds this key."""
        if self._expiring.entries or self._expiring.row:
            for expired in self._expiring.take(maxsize, now):
                del self._held[expired]
        held = self._held.get(key)
        return None if held is None else held[0]

    def take(self, unique: Unique, id: str) -> None:
        """This run holds its key from now on."""
        self._held[unique.key] = (id, unique.until)
        if unique.until is not None:
            self._expiring.push(unique.until, unique.key)

    def give_up(self, unique: Unique, id: str) -> None:
        """This run no longer needs its key; if it was to be held until an instant, it is."""
        if self._held.get(unique.key) == (id, None):
            del self._held[unique.key]
