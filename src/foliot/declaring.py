"""Brings the records of a store in line with what code declares: at start, and on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.errors import JobError
from foliot.jobs import Job, Jobs, Timer
from foliot.model import Firing, Limit, Schedule
from foliot.options import RunOptions
from foliot.planning import Declared, Deed, Plan, R, plan
from foliot.policy import OVERLAP
from foliot.schedules import plan as drafted
from foliot.stores.base import Store

SHARED = "foliot."
"""How the names of our own jobs begin, which every program defines, so that nobody owns their records."""


class Declaration:
    """What the jobs of a program say should stand in a store."""

    def __init__(self, store: Store, clock: Clock, jobs: Jobs, owner: str) -> None:
        self._store, self._clock, self._jobs, self._owner = store, clock, jobs, owner

    def declared(self) -> Declared:
        """The schedules as they would be created now, and the limits. Raises DefinitionError."""
        schedules = [draft for job in self._jobs.values() for draft in self._schedules(job)]
        _refuse_doubles(schedules)
        return Declared(
            owner=self._owner,
            jobs=frozenset(self._jobs),
            schedules=schedules,
            limits=[OVERLAP, *(limit for job in self._jobs.values() for limit in self._limits(job))],
        )

    def _schedules(self, job: Job[..., Any, Any]) -> list[Schedule]:
        now, owner = self._clock.now(), self._owner_of(job)
        drafts = [
            drafted(schedule_id(job, timer, n), job, timer.trigger, timer.options, RunOptions(), now)
            for n, timer in enumerate(job.timers, start=1)
        ]
        return [replace(each, owner=owner) for each in drafts] if owner else drafts

    def _limits(self, job: Job[..., Any, Any]) -> list[Limit]:
        return [replace(each, owner=self._owner_of(job)) for each in job.settings.limits(job.name)]

    def _owner_of(self, job: Job[..., Any, Any]) -> str:
        return "" if job.name.startswith(SHARED) else self._owner

    # Look, and act

    async def plan(self) -> Plan:
        """What to create, change and remove, beside everything that stands in the store."""
        standing = [each async for each in _all_schedules(self._store)]
        return plan(self.declared(), _by_id(standing), _by_id(await self._store.records(Limit)))

    async def apply(self) -> Plan:
        """Do all that is to be done, and tell it as it was planned."""
        first = await self.plan()
        rest = first
        while not await self._carried_out(rest):
            rest = await self.plan()
        return first

    async def renew(self) -> None:
        """Create and change what is declared. What is not declared any more stays, limits of our jobs excepted."""
        while not await self._carried_out(await self._plan_without_orphans()):
            pass

    async def _plan_without_orphans(self) -> Plan:
        declared = self.declared()
        ids = [each.id for each in declared.schedules]
        standing: list[Schedule] = []
        for at in range(0, len(ids), 1000):
            standing += await self._store.records(Schedule, ids[at : at + 1000])
        lanes = {f"{kind}/{name}" for name in self._jobs for kind in ("job", "key")}
        limits = [each for each in await self._store.records(Limit) if each.id in lanes | {OVERLAP.id}]
        return plan(declared, _by_id(standing), _by_id(limits))

    async def _carried_out(self, plan: Plan) -> bool:
        """Do it; False where a schedule was created, fired or edited meanwhile, so that it is to be looked at again."""
        change = [each.after for each in plan.schedules if each.after is not None]
        unchanged = [page for page in self._pages(change) if not await self._changed(page)]
        await self._store.drop(Schedule, [each.id for each in plan.schedules if each.deed is Deed.REMOVE])
        await self._store.put([each.after for each in plan.limits if each.after is not None])
        await self._store.drop(Limit, [each.id for each in plan.limits if each.deed is Deed.REMOVE])
        return not unchanged

    async def _changed(self, schedules: Sequence[Schedule]) -> bool:
        firings = [Firing(schedule=each, expect=each.version) for each in schedules]
        return all((await self._store.fire(firings, self._clock.now(), 0)).fired)

    def _pages(self, schedules: Sequence[Schedule]) -> Iterable[Sequence[Schedule]]:
        size = self._store.batch
        return (schedules[at : at + size] for at in range(0, len(schedules), size))


def _refuse_doubles(schedules: Sequence[Schedule]) -> None:
    """Of two schedules with one id the second would take the place of the first, at every start."""
    seen: dict[str, Schedule] = {}
    for each in schedules:
        if (other := seen.setdefault(each.id, each)) is not each:
            raise JobError(
                f"two schedules are called {each.id!r}: one of job {other.job!r} and one of job {each.job!r}; "
                "give one of them schedule_id=..."
            )


async def _all_schedules(store: Store) -> AsyncIterator[Schedule]:
    after = ""
    while page := await store.records(Schedule, after=after, limit=1000):
        for each in page:
            yield each
        after = page[-1].id


def _by_id(records: Iterable[R]) -> dict[str, R]:
    return {each.id: each for each in records}


def schedule_id(job: Job[..., Any, Any], timer: Timer, n: int) -> str:
    """The id of a job's ``n``-th own schedule: as asked, else the job's name, numbered from the second on."""
    return timer.options.id or (job.name if n == 1 else f"{job.name}-{n}")
