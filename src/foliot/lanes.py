"""The lanes of queues and jobs, for people: pause, resume, limit."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal

from msgspec.structs import replace

from foliot import readers
from foliot.clock import Clock
from foliot.errors import DefinitionError, UnknownJob
from foliot.model import Limit, Pause, Query, Schedule, State, Worker
from foliot.options import rate as read_rate
from foliot.readers import given
from foliot.stores.base import Store


class Lanes:
    """Pause and limit queues, or jobs, by name. A pause is a limit of nothing."""

    def __init__(self, kind: Literal["queue", "job"], store: Store, clock: Clock, jobs: Container[str] = ()) -> None:
        self._kind, self._store, self._clock, self._jobs = kind, store, clock, jobs

    async def pause(self, name: str, note: str = "") -> None:
        """Let nothing more start here until it is resumed; what runs goes on. Raises UnknownJob for a job of nobody."""
        pause = Pause(at=self._clock.now(), note=given("note", note, readers.text))
        await self._store.put([replace(await self._known(name), paused=pause)])

    async def resume(self, name: str) -> None:
        """Let runs start here again. Raises UnknownJob for a job of nobody."""
        await self._keep(replace(await self._known(name), paused=None))

    async def limit(self, name: str, *, concurrency: int | None = None, rate: str | None = None) -> None:
        """Let at most ``concurrency`` runs run at once, and ``rate`` (like ``"100/m"``) start; None is no bound.

        Raises UnknownJob for a job of nobody.
        """
        running = None if concurrency is None else given("concurrency", concurrency, self._at_once)
        starts, per = (None, None) if rate is None else given("rate", rate, read_rate)
        kept = await self._known(name)
        await self._keep(replace(kept, running=running, starts=starts, per=per, source="api"))

    def _at_once(self, value: object) -> int:
        try:
            return readers.positive(value)
        except DefinitionError as problem:
            raise DefinitionError(f"{problem}, or pause the {self._kind}") from None

    async def get(self, name: str) -> Limit:
        """The limit that stands here; one without bounds if none does."""
        lane = f"{self._kind}/{given('name', name, readers.queue if self._kind == 'queue' else readers.lane)}"
        found = await self._store.records(Limit, [lane])
        return found[0] if found else Limit(id=lane, source="api")

    async def _known(self, name: str) -> Limit:
        """The limit of a lane that there is: a queue may be empty yet, but a job that nobody knows is misspelled."""
        limit = await self.get(name)
        if self._kind == "job" and limit.unbounded and not await self._is_known(name):
            raise UnknownJob(
                f"no job is called {name!r}: no code here and no worker defines it, and no schedule or run is of it"
            )
        return limit

    async def _is_known(self, job: str) -> bool:
        if job in self._jobs or any(job in each.jobs for each in await self._store.records(Worker)):
            return True
        return bool((await self._store.find(Query(jobs=(job,), limit=1))).runs) or await self._is_scheduled(job)

    async def _is_scheduled(self, job: str) -> bool:
        page = await self._store.records(Schedule, limit=1000)
        while page and all(each.job != job for each in page):
            page = await self._store.records(Schedule, after=page[-1].id, limit=1000)
        return bool(page)

    async def all(self) -> list[Limit]:
        """Every limit of this kind."""
        prefix = f"{self._kind}/"
        return [each for each in await self._store.records(Limit) if each.id.startswith(prefix)]

    async def depth(self) -> dict[str, int]:
        """How many runs are waiting to start, by name."""
        return await self._store.tally(Query(states=(State.PENDING,)), by=self._kind)

    async def _keep(self, limit: Limit) -> None:
        if limit.unbounded:
            await self._store.drop(Limit, [limit.id])
        else:
            await self._store.put([limit])
