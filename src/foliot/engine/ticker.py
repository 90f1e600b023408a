"""The ticker: due schedules, through pure policy, into one atomic step of the store.

Any number may run; nobody leads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.errors import DefinitionError, StoreError
from foliot.events import Event, Kind, Listeners
from foliot.flow.doors import Doors
from foliot.model import Agenda, Clash, Firing, Query, Run, Schedule, State
from foliot.moments import MILLISECOND
from foliot.policy import fire, follow, unreadable
from foliot.stores.base import Store
from foliot.triggers import loads

log = logging.getLogger("foliot")

AHEAD = 100 * MILLISECOND
"""How long before their instant firings are decided, so that one step of the store is left to do when it comes."""
BREATH = 20 * MILLISECOND
"""How long what was just fired has to start, before what comes next is decided."""
MOST_AHEAD = 2000
"""How many firings are decided ahead at most."""
MOST_REMEMBERED = 100
"""How many schedules a ticker remembers that decides nothing ahead."""


class Prepared(NamedTuple):
    """A firing decided ahead, for its instant; from ``until`` on it would be another."""

    firing: Firing
    at: int
    until: int


class Ticker:
    """Fires what is due, decided ahead as far as can be. A round tells when to come back.

    What was decided ahead is no promise: the store refuses it if its schedule has changed, and what it lists as due is
    decided anew. ``ahead=0`` decides nothing ahead, for clocks that jump; it remembers how the schedules stand that it
    has fired, and need not ask for them when they are due.
    """

    def __init__(
        self, store: Store, clock: Clock, listeners: Listeners, ahead: int = AHEAD, doors: Doors | None = None
    ) -> None:
        self._store, self._clock, self._listeners, self._doors = store, clock, listeners, doors
        self._ahead = ahead
        self.on_firing: Callable[[], object] = lambda: None
        """Called when runs are about to be fired: a worker beside may claim them in the same step."""
        self._prepared: dict[str, Prepared] = {}
        self._prepared_until = 0
        self._remembered: dict[str, Schedule] = {}

    async def round(self) -> int | None:
        """Fire all that is due; the instant to come back is the store's own word, or a moment before it."""
        now = self._clock.now()
        ready = self._ready(now) if self._ahead else [await self._decide(each, now) for each in self._recalled(now)]
        agenda = await self._fire(ready, now)
        fired = bool(ready or agenda.due)
        while agenda.due:
            agenda = await self._fire([await self._decide(each, now) for each in agenda.due], now)
        return await self._look_ahead(agenda.wake_at, now, fired)

    async def _fire(self, firings: Sequence[Firing], now: int) -> Agenda:
        """Fire these, and learn what else is due."""
        *pages, last = paged(firings, self._store.batch)
        for page in pages:
            await self._fire_page(page, now, 0)
        return await self._fire_page(last, now, self._store.batch)

    async def _fire_page(self, page: Sequence[Firing], now: int, limit: int) -> Agenda:
        if page and self._store.gathers:
            self.on_firing()
        agenda = await self._store.fire(page, now, limit)
        if self._doors is not None and (
            routed := [run for firing in page if _has_route(firing) for run in firing.runs]
        ):
            await self._doors.answerable(routed)
        if self._listeners.want(_TOLD):
            await self._tell(page, agenda.fired, now)
        if not self._ahead:
            self._remember(page, agenda.fired)
        return agenda

    # Remembered

    def _remember(self, firings: Sequence[Firing], fired: Sequence[bool]) -> None:
        """How schedules stand that were just fired, except what follows a run: its end sets the next time."""
        for each, accepted in zip(firings, fired, strict=True):
            if accepted and _goes_on(each.schedule) and len(self._remembered) < MOST_REMEMBERED:
                self._remembered[each.schedule.id] = replace(each.schedule, version=each.expect + 1)

    def _recalled(self, now: int) -> list[Schedule]:
        """What is due of those remembered; it is remembered no longer."""
        due = [each for each in self._remembered.values() if each.wakes_at is not None and each.wakes_at <= now]
        for each in due:
            del self._remembered[each.id]
        return due

    # Ahead

    async def _look_ahead(self, wake_at: int | None, now: int, fired: bool) -> int | None:
        """Decide what is due next if that is soon; tells when to come back."""
        if wake_at is None or wake_at <= self._prepared_until or not self._ahead:
            return wake_at
        soon = max(wake_at - self._ahead, now + BREATH if fired else now)
        if now < soon < wake_at:
            return soon
        await self._prepare(now + self._ahead)
        return wake_at

    async def _prepare(self, until: int) -> None:
        """Decide what is due by ``until``, except what follows a run: that may have ended by then."""
        agenda = await self._store.fire((), until, MOST_AHEAD)
        self._prepared = {each.id: await self._decided(each) for each in agenda.due if each.follows is None}
        self._prepared_until = until

    def _ready(self, now: int) -> list[Firing]:
        """What was decided for now; it leaves the prepared."""
        due = [each for each in self._prepared.values() if each.at <= now]
        for each in due:
            del self._prepared[each.firing.schedule.id]
        return [each.firing for each in due if now < each.until]

    async def _decided(self, schedule: Schedule) -> Prepared:
        at = schedule.wakes_at or 0
        firing = await self._decide(schedule, at)
        following = firing.schedule.wakes_at
        return Prepared(firing, at, at + AHEAD if following is None else min(at + AHEAD, following))

    # Each

    async def _decide(self, schedule: Schedule, now: int) -> Firing:
        try:
            trigger = loads(schedule.trigger).bound(schedule.id)
            if schedule.follows is None:
                firing = fire(schedule, trigger, now)
                return await self._addressed(firing, self._doors) if self._doors and _has_route(firing) else firing
            return follow(schedule, trigger, await self._find(schedule.follows), now)
        except DefinitionError as problem:
            log.warning("schedule %r is paused: %s", schedule.id, problem)
            return unreadable(schedule, str(problem), now)

    async def _addressed(self, firing: Firing, doors: Doors) -> Firing:
        """A firing whose runs have the workers that they prefer."""
        return replace(firing, runs=tuple(await doors.addressed(firing.runs)))

    async def _find(self, run: str) -> Run | None:
        page = await self._store.find(Query(ids=(run,)))
        return page.runs[0] if page.runs else None

    async def _tell(self, firings: Sequence[Firing], fired: Sequence[bool], now: int) -> None:
        runs = [run for firing, accepted in zip(firings, fired, strict=True) if accepted for run in firing.runs]
        clashed = await self._clashed([run.id for run in runs if _may_clash(run)])
        for each in runs:
            run = clashed.get(each.id, each)
            kind = Kind.SKIPPED if run is not each else Kind.MISSED if run.state is State.SKIPPED else Kind.FIRED
            self._listeners.publish(Event(kind=kind, at=now, run=run, schedule=run.schedule, reason=run.reason))

    async def _clashed(self, ids: Sequence[str]) -> dict[str, Run]:
        """Those of these runs that the store recorded as skipped on arrival, because another holds their key."""
        found: list[Run] = []
        with suppress(StoreError):  # they are fired; only the news would be lost
            for at in range(0, len(ids), self._store.batch):
                page = tuple(ids[at : at + self._store.batch])
                found += (await self._store.find(Query(ids=page, states=(State.SKIPPED,), limit=len(page)))).runs
        return {run.id: run for run in found if not run.token}


def _goes_on(schedule: Schedule) -> bool:
    return schedule.wakes_at is not None and schedule.follows is None


def _has_route(firing: Firing) -> bool:
    return firing.schedule.placement.terms is not None


_TOLD = frozenset({Kind.FIRED, Kind.MISSED, Kind.SKIPPED})


def _may_clash(run: Run) -> bool:
    return run.state is not State.SKIPPED and run.unique is not None and run.unique.clash is Clash.SKIP


def paged(firings: Sequence[Firing], runs: int) -> list[Sequence[Firing]]:
    """Part firings into pages of about so many runs, at least one page, so that no step of the store is long."""
    if len(firings) < 2:
        return [firings]
    pages: list[list[Firing]] = []
    room = 0
    for firing in firings:
        if room <= 0:
            pages.append([])
            room = runs
        pages[-1].append(firing)
        room -= max(1, len(firing.runs))
    return list(pages)
