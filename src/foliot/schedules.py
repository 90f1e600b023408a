"""Schedules, for people: put, look, pause, trigger now, backfill, skip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from msgspec.structs import replace

from foliot import readers, triggers
from foliot.clock import Clock
from foliot.codec import dumps as to_json
from foliot.errors import ArgumentsError, DefinitionError, JobError, TriggerError, UnknownSchedule
from foliot.events import Event, Kind, Listeners
from foliot.flow.doors import Doors
from foliot.ids import Ids
from foliot.jobs import Job, Jobs, of_its_own
from foliot.model import Added, Firing, Overlap, Pause, Placement, Run, Schedule
from foliot.moments import Length, Moment, instant, moment
from foliot.options import PLACING, RunOptions, ScheduleOptions, read
from foliot.policy import created, overlapping, renewed, rezoned, wanted
from foliot.stores.base import Store
from foliot.triggers import Trigger
from foliot.when import LATE, late

MOST_BACKFILLED = 100_000


class PutKeywords(TypedDict, total=False):
    """When (``trigger``, or one of ``cron``, ``every``, ``at``, ``after``), how late, with what arguments, and how."""

    trigger: Trigger
    cron: str
    every: Length
    at: Moment | Sequence[Moment]
    after: Length
    tz: str
    jitter: Length
    spread: Length
    args: Mapping[str, Any]
    meta: Mapping[str, Any]
    tags: Sequence[str]
    queue: str
    priority: int
    key: str
    timeout: Length
    expires: Length
    deadline: Length
    retries: Any
    overlap: Overlap | str
    catchup: str
    window: Length
    most: int
    pause_after: int


_WHEN = ("trigger", "cron", "every", "at", "after", "tz")
_TRIGGERS = frozenset(_WHEN[:-1])
_TIMES = frozenset({*_WHEN, *LATE})


def plan(
    id: str,
    job: Job[..., Any, Any],
    when: Trigger,
    options: ScheduleOptions,
    own: RunOptions,
    now: int,
    source: str = "code",
) -> Schedule:
    """A schedule as it would be created now. Raises ArgumentsError if its arguments do not fit the job."""
    args = dict(options.args)
    schedule = Schedule(
        id=id,
        job=job.name,
        trigger="",
        created_at=now,
        args=job.shape.encode((), args),
        placement=job.placement(own, ((), args)),
        overlap=options.overlap,
        catchup=options.catchup,
        window=options.window,
        most=options.most,
        pause_after=options.pause_after,
        source=source,
    )
    return created(schedule, when, now)


class Schedules:
    """The schedules of a store, for people and their programs."""

    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        clock: Clock,
        ids: Ids,
        listeners: Listeners,
        default_zone: str,
        named_zone: str | None,
        doors: Doors,
    ) -> None:
        self._doors = doors
        self._store, self._jobs, self._clock, self._ids = store, jobs, clock, ids
        self._listeners, self._default_zone, self._named_zone = listeners, default_zone, named_zone

    # Put and look

    async def put(self, id: str, job: Job[..., Any, Any] | str, **wishes: Unpack[PutKeywords]) -> Schedule:
        """Keep a schedule under this id, new or changed.

        A changed trigger counts from now; an unchanged one keeps its next time.

        Raises DefinitionError for anything that makes no sense, before anything is kept.
        """
        [schedule] = await self.put_many([self.draft(id, job, **wishes)])
        return schedule

    def draft(self, id: str, job: Job[..., Any, Any] | str, **wishes: Unpack[PutKeywords]) -> Schedule:
        """A schedule as ``put`` would keep it, for ``put_many``."""
        where = f"schedule {id!r}"
        known = self._jobs[job] if isinstance(job, str) else job
        if not isinstance(known, Job):  # pyright: ignore[reportUnnecessaryIsInstance] - for those without a checker
            raise JobError(f"{where}: {job!r} is no job; give a job or its name, and decorate functions with @job()")
        readers.given("id", id, readers.name)
        given: dict[str, Any] = {**of_its_own(wishes.get("trigger")), **wishes}
        place, rest = _parted(given) if given.keys() - _TIMES else ({}, {})
        if "at_start" in rest:
            raise JobError(
                f"{where}: at_start is for decorators: it runs when the code that defines the job is started"
            )
        own, options = read(RunOptions, place, where), read(ScheduleOptions, rest, where)
        when = late(self._trigger(where, given), given)
        try:
            return plan(id, known, when, options, own, self._clock.now(), "api")
        except ArgumentsError as problem:
            raise JobError(f"{where}: {problem}") from None

    async def put_many(self, drafts: Iterable[Schedule]) -> list[Schedule]:
        """Keep many schedules at once; those that stand already keep their past."""
        kept: list[Schedule] = []
        batch: list[Schedule] = []
        for draft in drafts:
            batch.append(_drafted(draft))
            if len(batch) >= self._store.batch:
                kept += await self._keep(batch)
                batch = []
        return kept + await self._keep(batch)

    async def _keep(self, drafts: Sequence[Schedule]) -> list[Schedule]:
        if not drafts:
            return []
        standing = {each.id: each for each in await self._store.records(Schedule, [each.id for each in drafts])}
        merged = [renewed(standing[each.id], each) if each.id in standing else each for each in drafts]
        await self._store.put(merged)
        return merged

    def _trigger(self, where: str, wishes: Mapping[str, Any]) -> Trigger:
        given = _TRIGGERS.intersection(wishes)
        if len(given) != 1:
            got = ", ".join(name for name in _WHEN if name in given) or "none"
            raise JobError(f"{where}: give exactly one of {', '.join(_WHEN[:-1])}; got {got}")
        [name] = given
        value = wishes[name]
        if "tz" in wishes and name not in ("cron", "at"):
            raise JobError(f"{where}: tz={wishes['tz']!r} is for cron and at; {name} does not heed it")
        match name:
            case "trigger":
                return _checked(where, value)
            case "cron":
                return _cron(value, wishes.get("tz", self._default_zone))
            case "every":
                return triggers.every(value)
            case "at":
                return triggers.at(*_several(value), tz=wishes.get("tz", self._named_zone))
            case _:
                return triggers.after(value)

    async def get(self, id: str) -> Schedule:
        """One schedule. Raises UnknownSchedule."""
        found = await self._store.records(Schedule, [id])
        if not found:
            raise UnknownSchedule(f"no schedule has the id {id!r}")
        return found[0]

    async def all(self) -> AsyncIterator[Schedule]:
        """Every schedule, by id."""
        after = ""
        while page := await self._store.records(Schedule, after=after, limit=1000):
            for each in page:
                yield each
            after = page[-1].id

    async def list(self) -> list[Schedule]:
        """Every schedule, by id, at once."""
        return [each async for each in self.all()]

    async def rezone(self) -> list[str]:
        """Give the next time of each schedule anew, for the rules of time zones have changed; tells whose moved."""
        moved: list[str] = []
        async for each in self.all():
            with suppress(TriggerError):  # one that cannot be read is said by whoever would fire it
                trigger = triggers.loads(each.trigger).bound(each.id)
                if (again := rezoned(each, trigger, self._clock.now())) != each:
                    agenda = await self._store.fire([Firing(schedule=again, expect=each.version)], self._clock.now(), 0)
                    moved += [each.id] if agenda.fired == (True,) else []
        return moved

    def orphaned(self, schedule: Schedule) -> bool:
        """Whether the schedule's job is not defined in this process.

        Its schedule stands, and fires again once it is.
        """
        return schedule.job not in self._jobs

    async def upcoming(self, id: str, count: int = 5) -> list[int]:
        """The next nominal instants of a schedule, skipped ones left out; empty while it is paused."""
        schedule = await self.get(id)
        return upcoming(schedule, readers.given("count", count, readers.count))

    async def delete(self, id: str) -> None:
        """Forget a schedule; its runs stay. Raises UnknownSchedule."""
        if await self._store.drop(Schedule, [id]) != [True]:
            raise UnknownSchedule(f"no schedule has the id {id!r}")

    # Steer

    async def pause(self, id: str, note: str = "") -> Schedule:
        """Let it fire no more until it is resumed."""
        now = self._clock.now()
        pause = Pause(at=now, note=readers.given("note", note, readers.text))
        paused = await self._change(id, lambda each: replace(each, wakes_at=None, paused=pause))
        self._listeners.publish(Event(kind=Kind.PAUSED, at=now, schedule=id, reason=note))
        return paused

    async def resume(self, id: str) -> Schedule:
        """Let it fire again, from now on: what passed while it was paused is not made up for."""
        now = self._clock.now()

        def resumed(each: Schedule) -> Schedule:
            following = triggers.loads(each.trigger).bound(id).next_at(now)
            return replace(each, wakes_at=following, follows=None, behind=0, paused=None) if each.paused else each

        kept = await self._change(id, resumed)
        self._listeners.publish(Event(kind=Kind.RESUMED, at=now, schedule=id))
        return kept

    async def skip(self, id: str, at: Moment | None = None) -> int:
        """Skip one occurrence, the next if ``at`` does not name another; its record will say so.

        Tells which instant.
        """
        chosen: list[int] = []

        def skipping(each: Schedule) -> Schedule:
            trigger = triggers.loads(each.trigger).bound(id)
            chosen[:] = [_occurrence(each, trigger, at)]
            return replace(each, skips=tuple(sorted({*each.skips, *chosen})))

        await self._change(id, skipping)
        return chosen[0]

    async def _change(self, id: str, change: Callable[[Schedule], Schedule]) -> Schedule:
        """Change a schedule as it stands; tried again if it fired meanwhile."""
        while True:
            standing = await self.get(id)
            changed = change(standing)
            agenda = await self._store.fire([Firing(schedule=changed, expect=standing.version)], self._clock.now(), 0)
            if agenda.fired == (True,):
                return replace(changed, version=standing.version + 1)

    # Fire by hand

    async def trigger(
        self, id: str, *, args: Mapping[str, Any] | None = None, overlap: Overlap | str | None = None
    ) -> Added:
        """Run it now, with other arguments if given; its next time stays.

        ``overlap`` defaults to the schedule's own.
        """
        schedule, now = await self.get(id), self._clock.now()
        if args is not None:
            schedule = replace(schedule, args=self._fitting(schedule.job, args))
        run = self._by_hand(schedule, now, schedule.overlap if overlap is None else _overlap(overlap))
        [added] = await self._add([replace(run, id=self._ids.new(now))], now)
        return added

    async def backfill(
        self, id: str, start: Moment, end: Moment, *, overlap: Overlap | str = Overlap.QUEUE
    ) -> list[Added]:
        """Run now what has no record from ``start`` to ``end`` (exclusive), one after the other by default."""
        how = _overlap(overlap)
        schedule, now = await self.get(id), self._clock.now()
        trigger = triggers.loads(schedule.trigger).bound(id)
        low, high = (instant(each, trigger.zone) for each in (start, end))
        if high < low:
            raise DefinitionError(f"start={start!s}, end={end!s}: give the earlier time first")
        runs: list[Run] = []
        for nominal in trigger.instants(low - 1, high - 1):
            runs.append(replace(self._by_hand(schedule, nominal, how), due_at=now, wakes_at=now))
            if len(runs) > MOST_BACKFILLED:
                raise TriggerError(f"more than {MOST_BACKFILLED} instants lie in that range; backfill it in parts")
        added: list[Added] = []
        for at in range(0, len(runs), self._store.batch):
            added += await self._add(runs[at : at + self._store.batch], now)
        return added

    async def _add(self, runs: Sequence[Run], now: int) -> list[Added]:
        """Add runs, those that have a route to the worker that it leads to."""
        addressed = await self._doors.addressed(runs)
        added = await self._store.add(addressed, now)
        await self._doors.answerable(addressed)
        return added

    def _by_hand(self, schedule: Schedule, nominal: int, overlap: Overlap) -> Run:
        unique, lanes = overlapping(schedule.id, overlap)
        run = wanted(schedule, triggers.loads(schedule.trigger), nominal, self._clock.now())
        return replace(run, unique=unique, lanes=(*schedule.placement.lanes, *lanes), terms=schedule.placement.terms)

    def _fitting(self, job: str, args: Mapping[str, Any]) -> str:
        """Arguments given by hand, checked where the job is known and else only as JSON."""
        arguments = readers.given("args", args, readers.mapping)
        if job not in self._jobs:
            return to_json(arguments)
        return self._jobs[job].shape.encode((), arguments)


def _checked(where: str, value: object) -> Trigger:
    if not isinstance(value, Trigger):
        raise JobError(f"{where}: {value!r} is not a trigger; give cron('0 9 * * *') and the like")
    return value


def _drafted(value: object) -> Schedule:
    if not isinstance(value, Schedule):
        raise JobError(f"{value!r} is not a schedule; give what schedules.draft(...) makes")
    return value


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]  # pyright: ignore[reportUnknownVariableType]


def _overlap(value: Overlap | str) -> Overlap:
    return readers.given("overlap", value, readers.choice(Overlap))


def _parted(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was given beside the time: of the runs, and of the schedule."""
    place = {name: value for name, value in given.items() if name in PLACING}
    return place, {name: value for name, value in given.items() if name not in PLACING and name not in _TIMES}


@lru_cache(maxsize=4096)
def _cron(expression: str, tz: tzinfo | str) -> Trigger:
    """Many schedules share few lines."""
    return triggers.cron(expression, tz=tz)


def upcoming(schedule: Schedule, count: int) -> list[int]:
    """The next nominal instants of a schedule, skipped ones left out. Raises TriggerError."""
    trigger = triggers.loads(schedule.trigger).bound(schedule.id)
    at = None if schedule.follows else schedule.wakes_at
    found: list[int] = []
    while at is not None and len(found) < count:
        if at not in schedule.skips:
            found.append(at)
        at = trigger.next_at(at)
    return found


def _occurrence(schedule: Schedule, trigger: Trigger, at: Moment | None) -> int:
    if at is None:
        following = upcoming(schedule, 1)
        if not following:
            raise TriggerError(f"schedule {schedule.id!r} has no next occurrence to skip")
        return following[0]
    wanted_at = instant(at, trigger.zone)
    if trigger.next_at(wanted_at - 1) != wanted_at:
        nearest = trigger.next_at(wanted_at)
        hint = "" if nearest is None else f"; the next one after it is {moment(nearest, trigger.zone).isoformat()}"
        raise TriggerError(
            f"schedule {schedule.id!r} does not fire at {moment(wanted_at, trigger.zone).isoformat()}{hint}"
        )
    return wanted_at


__all__ = ["Placement", "PutKeywords", "Schedules", "plan"]
