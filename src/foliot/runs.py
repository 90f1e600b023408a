"""Runs, for people: look, count, follow, cancel, retry, prune."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from msgspec.structs import replace

from foliot import readers
from foliot.clock import Clock
from foliot.errors import DefinitionError, UnknownRun
from foliot.events import Event, Kind, Listeners
from foliot.flow.family import MOST_SHOWN, Branch, cancel_below, revive, tree
from foliot.ids import is_made
from foliot.model import Change, Line, Page, Query, Run, State
from foliot.moments import MILLISECOND, SECOND, Length, Moment, instant, length
from foliot.readers import given
from foliot.stores.base import Store

FIRST_LOOK = 20 * MILLISECOND
LAST_LOOK = SECOND
"""How often to look for the end of a run in another process: twice as seldom each time, down to this."""

ENDS = (Kind.SUCCEEDED, Kind.FAILED, Kind.CANCELLED, Kind.SKIPPED)


class RunFilters(TypedDict, total=False):
    """Which runs: each may be one value or several; all given ones must match."""

    state: State | str | Sequence[State | str]
    job: str | Sequence[str]
    schedule: str | Sequence[str]
    queue: str | Sequence[str]
    worker: str | Sequence[str]
    parent: str | Sequence[str]
    tags: str | Sequence[str]
    meta: Mapping[str, Any]
    since: Moment
    until: Moment


def query(filters: RunFilters) -> Query:
    """Read filters into a query. Raises DefinitionError that names the filter, its value and what would do."""
    return Query(**{_FIELDS.get(name, name): given(name, value, _reader(name)) for name, value in filters.items()})


def _several(value: Any) -> tuple[str, ...]:
    try:
        return () if value is None else readers.texts((value,) if isinstance(value, str) else value)
    except DefinitionError:
        raise DefinitionError("give a text, or a list of texts") from None


def _states(value: Any) -> tuple[State, ...]:
    return tuple(map(readers.choice(State), _several(value)))


def _instant(value: Any) -> int | None:
    return None if value is None else instant(value)


def _reader(name: str) -> Callable[[Any], Any]:
    if name not in _READERS:
        raise DefinitionError(f"runs are not found by {name!r}; there are: {', '.join(_READERS)}")
    return _READERS[name]


_FIELDS = {
    "state": "states",
    "job": "jobs",
    "schedule": "schedules",
    "queue": "queues",
    "worker": "workers",
    "parent": "parents",
}
_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((*_FIELDS, "tags"), _several),
    "state": _states,
    "meta": readers.plain,
    "since": _instant,
    "until": _instant,
}
_COUNTED = (*_FIELDS, "tag")


def _thing(by: Any) -> str:
    if by not in _COUNTED and not (isinstance(by, str) and by.removeprefix("meta.") not in (by, "")):
        raise DefinitionError(f"count by one of {', '.join(map(repr, _COUNTED))} or 'meta.<path>'")
    return by


class Runs:
    """The runs of a store, for people and their programs."""

    def __init__(self, store: Store, clock: Clock, listeners: Listeners) -> None:
        self._store, self._clock, self._listeners = store, clock, listeners
        self._waiting: dict[str, list[asyncio.Event]] = {}
        self._unsubscribe: Callable[[], None] = lambda: None

    async def get(self, id: str) -> Run:
        """One run as it is now. Raises UnknownRun."""
        page = await self._store.find(Query(ids=(given("id", id, readers.text),)))
        if not page.runs:
            raise UnknownRun(f"no run has the id {id!r}; it may have been pruned")
        return page.runs[0]

    async def tree(self, id: str, most: int = MOST_SHOWN) -> Branch:
        """A run and all that it has spawned, and what that has spawned; at most so many below each, the rest counted.

        Raises UnknownRun.
        """
        return await tree(self._store, await self.get(id), most)

    async def page(
        self, *, limit: int = 100, after: str | None = None, oldest_first: bool = False, **filters: Unpack[RunFilters]
    ) -> Page:
        """A page of matching runs, newest first; give its ``cursor`` as ``after`` for the next.

        Raises DefinitionError for an ``after`` that is no cursor.
        """
        found = replace(query(filters), limit=given("limit", limit, readers.positive))
        cursor = None if after is None else given("after", after, readers.text)
        if cursor is not None and not is_made(cursor) and not await self._all([cursor]):
            raise DefinitionError(f"after={after!r}: give the cursor of the page before, or leave it out")
        return await self._store.find(replace(found, after=cursor, oldest_first=oldest_first))

    async def find(self, *, limit: int = 100, **filters: Unpack[RunFilters]) -> list[Run]:
        """The newest matching runs, at most ``limit``."""
        return list((await self.page(limit=limit, **filters)).runs)

    async def count(self, by: str = "state", **filters: Unpack[RunFilters]) -> dict[str, int]:
        """Count matching runs by state, job, schedule, queue, worker, parent, tag or ``meta.<path>``."""
        return await self._store.tally(query(filters), given("by", by, _thing))

    async def cancel(self, *ids: str, reason: str = "cancelled by hand") -> list[Run]:
        """Cancel runs, and all that they have spawned: at once if pending, at their next beat if running.

        Raises UnknownRun if there is none of an id.
        """
        runs = await self._amend(ids, Change(cancel=given("reason", reason, readers.text)))
        await cancel_below(self._store, self._clock, ids, f"its parent was cancelled: {reason}")
        for run in runs:
            if run.state is State.CANCELLED and run.started_at is None and self._listeners.wants(Kind.CANCELLED):
                self._listeners.publish(Event(kind=Kind.CANCELLED, at=self._clock.now(), run=run, reason=reason))
        return runs

    async def retry(self, *ids: str) -> list[Run]:
        """Run again what is over: pending, due now, with no failures counted.

        Of what a run has spawned, what has no result is run again with it; what has one keeps it.
        """
        over = [each.id for each in await self._all(ids) if each.state.over]
        await revive(self._store, self._clock, over)
        return await self._amend(ids, Change())

    async def delay(self, *ids: str, to: Moment) -> list[Run]:
        """Move pending runs to another time."""
        return await self._amend(ids, Change(due_at=instant(to)))

    async def prioritise(self, *ids: str, priority: int) -> list[Run]:
        """Give live runs another priority, 0 (last) to 9 (first)."""
        return await self._amend(ids, Change(priority=given("priority", priority, readers.priority)))

    async def _all(self, ids: Sequence[str]) -> list[Run]:
        """Those of these runs that there are."""
        pages = [tuple(ids[at : at + self._store.batch]) for at in range(0, len(ids), self._store.batch)]
        return [run for page in pages for run in (await self._store.find(Query(ids=page, limit=len(page)))).runs]

    async def _amend(self, ids: Sequence[str], change: Change) -> list[Run]:
        amended: list[Run] = []
        for at in range(0, len(ids), self._store.batch):
            page = ids[at : at + self._store.batch]
            for id, run in zip(page, await self._store.amend(page, change, self._clock.now()), strict=True):
                if run is None:
                    raise UnknownRun(f"no run has the id {id!r}; it may have been pruned")
                amended.append(run)
        return amended

    async def logs(self, id: str, after: int = 0, limit: int = 1000) -> list[Line]:
        """The lines a run has logged, those numbered above ``after``. Raises UnknownRun."""
        first, most = given("after", after, readers.count), given("limit", limit, readers.positive)
        return await self._store.lines(id, first, most) or await self._no_lines(id)

    async def _no_lines(self, id: str) -> list[Line]:
        """Nothing, of a run that there is."""
        await self.get(id)
        return []

    async def follow(self, id: str, after: int = 0) -> AsyncIterator[Line]:
        """The lines of a run as they come, until it is over."""
        look = FIRST_LOOK
        while True:
            over = (await self.get(id)).state.over
            lines = await self._store.lines(id, after)
            for line in lines:
                yield line
            after = lines[-1].n if lines else after
            if over and not lines:
                return
            look = FIRST_LOOK if lines else min(LAST_LOOK, 2 * look)
            await self._clock.sleep(look)

    async def ended(self, id: str, timeout: Length | None = None) -> Run:
        """The run once it is over. Raises TimeoutError if it is not over in time, UnknownRun if there is none."""
        latest = None if timeout is None else self._clock.now() + length(timeout)
        look = FIRST_LOOK
        while not (run := await self.get(id)).state.over:
            now = self._clock.now()
            if latest is not None and now >= latest:
                raise TimeoutError(f"run {id} of {run.job!r} is not over after {timeout}: it is {run.shown(now)}")
            await self._wait(id, now + look if latest is None else min(latest, now + look))
            look = min(LAST_LOOK, 2 * look)
        return run

    async def _wait(self, id: str, until: int) -> None:
        """Wait until a run ends here, or until it is time to look whether it has ended elsewhere."""
        over = asyncio.Event()
        alarm = self._clock.call_at(until, over.set)
        if not self._waiting:
            self._unsubscribe = self._listeners.subscribe(self._ended, *ENDS)
        self._waiting.setdefault(id, []).append(over)
        try:
            await over.wait()
        finally:
            alarm.cancel()
            self._no_longer(id, over)

    def _ended(self, event: Event) -> None:
        for over in self._waiting.get(event.run.id, ()) if event.run is not None else ():
            over.set()

    def _no_longer(self, id: str, over: asyncio.Event) -> None:
        self._waiting[id].remove(over)
        if not self._waiting[id]:
            del self._waiting[id]
        if not self._waiting:
            self._unsubscribe()

    async def prune(self, *, older_than: Length | None = None, keep: int | None = None) -> int:
        """Forget runs that are over and ended longer ago, or beyond the newest ``keep`` of their job.

        Tells how many.
        """
        age = None if older_than is None else given("older_than", older_than, readers.any_length)
        keep = None if keep is None else given("keep", keep, readers.count)
        before = None if age is None else self._clock.now() - age
        total = 0
        while pruned := await self._store.prune(before, keep, self._store.batch):
            total += pruned
            if pruned < self._store.batch:
                break
        return total
