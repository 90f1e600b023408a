"""The ticker: due schedules, through pure policy, into one atomic step of the store.

Any number may run; nobody leads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from foliot.clock import Clock
from foliot.errors import DefinitionError
from foliot.events import Event, Kind, Listeners
from foliot.model import Firing, Query, Run, Schedule, State
from foliot.policy import fire, follow, unreadable
from foliot.stores.base import Store
from foliot.triggers import loads

log = logging.getLogger("foliot")


class Ticker:
    """Fires what is due. One round fires everything that is due now and tells when to come back."""

    def __init__(self, store: Store, clock: Clock, listeners: Listeners) -> None:
        self._store, self._clock, self._listeners = store, clock, listeners

    async def round(self) -> int | None:
        """Fire all that is due; the instant to come back is the store's own word."""
        now = self._clock.now()
        agenda = await self._store.fire((), now, self._store.batch)
        while agenda.due:
            firings = [await self._decide(each, now) for each in agenda.due]
            for page in pages(firings, self._store.batch):
                agenda = await self._store.fire(page, now, self._store.batch)
                self._tell(page, agenda.fired, now)
        return agenda.wake_at

    async def _decide(self, schedule: Schedule, now: int) -> Firing:
        try:
            trigger = loads(schedule.trigger).bound(schedule.id)
            if schedule.follows is None:
                return fire(schedule, trigger, now)
            return follow(schedule, trigger, await self._find(schedule.follows), now)
        except DefinitionError as problem:
            log.warning("schedule %r is paused: %s", schedule.id, problem)
            return unreadable(schedule, str(problem), now)

    async def _find(self, run: str) -> Run | None:
        page = await self._store.find(Query(ids=(run,)))
        return page.runs[0] if page.runs else None

    def _tell(self, firings: Sequence[Firing], fired: Sequence[bool], now: int) -> None:
        if not self._listeners.wants(Kind.FIRED) and not self._listeners.wants(Kind.MISSED):
            return
        for firing, accepted in zip(firings, fired, strict=True):
            for run in firing.runs if accepted else ():
                kind = Kind.MISSED if run.state is State.SKIPPED else Kind.FIRED
                self._listeners.publish(Event(kind=kind, at=now, run=run, schedule=run.schedule, reason=run.reason))


def pages(firings: Sequence[Firing], runs: int) -> Iterator[list[Firing]]:
    """Part firings into pages of about so many runs, so that no step of the store is long."""
    page: list[Firing] = []
    room = runs
    for firing in firings:
        page.append(firing)
        room -= max(1, len(firing.runs))
        if room <= 0:
            yield page
            page, room = [], runs
    if page:
        yield page
