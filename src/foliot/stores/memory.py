"""The store in memory: the readable definition of all stores. It forgets everything when its process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from msgspec.structs import replace

from foliot.model import (
    LIVE,
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Claim,
    Clash,
    Ending,
    Fate,
    Firing,
    Hint,
    Hold,
    Limit,
    Line,
    Page,
    Query,
    Record,
    Reply,
    Run,
    Schedule,
    State,
    Topic,
    Unique,
    Verdict,
    Worker,
)
from foliot.stores.base import PARKS, R, Store
from foliot.stores.bells import Bells
from foliot.stores.catalogue import Catalogue
from foliot.stores.heaps import Due, Head, Heap, History, earliest, in_order, looked_at
from foliot.stores.moves import (
    arrived,
    beaten,
    cancelled,
    claimed,
    ended,
    parked,
    put_off,
    renewed,
    revived,
    settled,
    skipped,
    woken,
)
from foliot.stores.shelves import Records
from foliot.stores.ties import Keys, Waits
from foliot.stores.traffic import Traffic

PENDING, RUNNING = State.PENDING, State.RUNNING


class MemoryStore(Store):
    """Everything in dictionaries and heaps, each verb under one lock, so threads may share it. Nothing scans.

    Every change of a run goes through ``_change``, which does all that follows from the difference.
    """

    batch, costly = 1000, False

    def __init__(self) -> None:
        self._step = Bells()
        self._runs: dict[str, Run] = {}
        self._due = Due(self._runs)
        self._traffic = Traffic(self._runs)
        self._waits = Waits()
        self._keys = Keys()
        self._catalogue = Catalogue(self._runs)
        self._history = History(self._runs)
        self._lines: dict[str, list[Line]] = {}
        self._schedules: Records[Schedule] = Records()
        self._limits: Records[Limit] = Records()
        self._workers: Records[Worker] = Records()
        self._kept: dict[type[Any], Records[Any]] = {
            Schedule: self._schedules,
            Limit: self._limits,
            Worker: self._workers,
        }
        self._agenda = Heap(self._ticks_at)

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close; what is kept stays until the process ends."""

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        return self._step.watch(ring)

    # producers

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        with self._step:
            return self._add_all(runs, now)

    def _add_all(self, runs: Sequence[Run], now: int) -> list[Added]:
        answers = [self._add(run, now) for run in runs]
        for n in [n for n, run in enumerate(runs) if run.after]:
            if answers[n].fate is Fate.ADDED and self._runs[runs[n].id].state is PENDING:
                self._settle(runs[n].id, runs[n].after)
        return answers

    def _add(self, run: Run, now: int) -> Added:
        if run.id in self._runs:
            return Added(id=run.id, fate=Fate.KNOWN)
        if run.unique is not None and run.state in LIVE:
            return self._add_unique(run, run.unique, now)
        if run.unique is not None:
            self._keep_key(run.id, run.unique, now)
        return self._enter(arrived(run, now))

    def _keep_key(self, id: str, unique: Unique, now: int) -> None:
        """A run that is over when added holds its key to the instant that was said, if nobody else does."""
        if unique.until is not None and unique.until > now and self._keys.holder(unique.key, now) is None:
            self._keys.take(unique, id)

    def _add_unique(self, run: Run, unique: Unique, now: int) -> Added:
        name = self._keys.holder(unique.key, now)
        if name is None:
            return self._take_key(run, unique, now)
        holder = self._runs.get(name)
        match unique.clash:
            case Clash.DROP:
                return Added(id=name, fate=Fate.DROPPED)
            case Clash.SKIP:
                return self._enter(skipped(arrived(run, now), f"overlap with {name}", now), Fate.SKIPPED)
            case Clash.REPLACE:
                if holder is not None:
                    self._cancel(holder, f"replaced by {run.id}", now)
                return self._take_key(run, unique, now)
            case Clash.RENEW:
                if holder is None or holder.token or holder.state.over:
                    return self._take_key(run, unique, now)
                self._change(holder, renewed(holder, run))
                return Added(id=name, fate=Fate.RENEWED)

    def _take_key(self, run: Run, unique: Unique, now: int) -> Added:
        self._keys.take(unique, run.id)
        return self._enter(arrived(run, now))

    def _enter(self, run: Run, fate: Fate = Fate.ADDED) -> Added:
        self._runs[run.id] = run
        self._catalogue.enter(run)
        if run.state.over:
            self._history.enter(run)
        elif run.wakes_at is not None:
            self._wake(run, run.wakes_at)
        return Added(id=run.id, fate=fate)

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        with self._step:
            if change.revive:
                self._revive([self._runs[id] for id in dict.fromkeys(ids) if id in self._runs], now)
            for id in dict.fromkeys(ids):
                if id in self._runs:
                    self._amend(self._runs[id], change, now)
            return [self._runs.get(id) for id in ids]

    def _amend(self, run: Run, change: Change, now: int) -> None:
        if change.due_at is not None and run.state is PENDING:
            run = self._change(run, put_off(run, change.due_at))
        if change.priority is not None and not run.state.over:
            run = self._reprioritised(run, change.priority)
        if change.lines:
            self._log(run.id, [each for each in change.lines if each.n > len(self._lines.get(run.id, ()))])
        if change.cancel is not None:
            self._cancel(run, change.cancel, now)

    def _reprioritised(self, run: Run, priority: int) -> Run:
        new = self._change(run, replace(run, priority=priority))
        if new.parked is not None:
            self._traffic.park(new, new.parked)
        return new

    def _cancel(self, run: Run, reason: str, now: int) -> None:
        self._change(run, cancelled(run, reason, now))
        if run.state is RUNNING:
            self._step.note(Topic.CANCELS)

    def _revive(self, runs: Iterable[Run], now: int) -> None:
        again = [run for run in runs if run.state.over and self._may_live(run, now)]
        for run in again:
            self._change(run, revived(run, now))
        for run in again:
            if run.after:
                self._settle(run.id, run.after)

    def _may_live(self, run: Run, now: int) -> bool:
        """Whether its key, if it has one, is free; it is taken then."""
        if run.unique is None:
            return True
        if self._keys.holder(run.unique.key, now) not in {None, run.id}:
            return False
        self._keys.take(run.unique, run.id)
        return True

    # workers

    async def claim(self, claim: Claim, now: int) -> Batch:
        with self._step:
            return self._claim(claim, now)

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        with self._step:
            return [self._finish(each, now) for each in endings], self._claim(claim, now)

    def _claim(self, claim: Claim, now: int) -> Batch:
        if claim.limit <= 0:
            return Batch()
        heads, soonest = looked_at(self._due.served(claim), now)
        came = [heap for *_, heap in heads]
        taken = self._taken(heads, claim, now) if heads else ()
        hopes = self._traffic.hopes
        woke = hopes and self._wake_parked(now)
        if len(taken) == claim.limit:
            return Batch(runs=taken)
        if heads:
            soonest = earliest(came, soonest, now + claim.lease if taken else None)
        return Batch(runs=taken, wake_at=self._next_look(soonest, now, woke) if hopes else soonest)

    def _taken(self, heads: list[Head], claim: Claim, now: int) -> tuple[Run, ...]:
        taken: list[Run] = []
        for id in islice(in_order(heads, now), claim.limit + PARKS):
            if (run := self._try_to_claim(self._runs[id], claim, now)) is not None:
                taken.append(run)
                if len(taken) == claim.limit:
                    break
        self._catalogue.claimed(taken)
        return tuple(taken)

    def _try_to_claim(self, run: Run, claim: Claim, now: int) -> Run | None:
        limited = self._traffic.limited(run)
        if limited and (full := self._traffic.full_lane(run, now)) is not None:
            self._change(run, parked(run, full, now))
            return None
        if limited and run.state is RUNNING:
            self._traffic.leave(run)
        new = self._change(run, claimed(run, claim, now))
        if limited:
            self._traffic.enter(new, now)
        if run.unique is not None and run.unique.hold is Hold.START:
            self._keys.give_up(run.unique, run.id)
        return new

    def _wake_parked(self, now: int) -> bool:
        waking = list(self._traffic.to_wake(now, PARKS))
        for id in waking:
            self._change(self._runs[id], woken(self._runs[id]))
        return bool(waking)

    def _next_look(self, soonest: int | None, now: int, woke: bool) -> int | None:
        known = (soonest, self._traffic.look_at(), now if woke else None)
        return min((each for each in known if each is not None), default=None)

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        with self._step:
            self._workers.put(replace(worker, seen_at=now))
            return [self._beat(each, now, lease) for each in beats]

    def _beat(self, beat: Beat, now: int, lease: int) -> Reply:
        run = self._held(beat.run, beat.token)
        if run is None:
            return Reply(verdict=Verdict.LOST)
        self._change(run, beaten(run, beat, now, lease))
        self._log(run.id, beat.lines)
        verdict = Verdict.KEEP if run.cancelling is None else Verdict.STOP
        return Reply(verdict=verdict, reason=run.cancelling)

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        with self._step:
            return [self._finish(each, now) for each in endings]

    def _finish(self, ending: Ending, now: int) -> bool:
        run = self._held(ending.run, ending.token)
        if run is None:
            return False
        new = self._change(run, ended(run, ending, now))
        if ending.lines:
            self._log(run.id, ending.lines)
        if ending.spawn or ending.wait or ending.firing is not None:
            self._follow_up(new, ending, now)
        return True

    def _follow_up(self, run: Run, ending: Ending, now: int) -> None:
        """What an accepted ending brings with it: new runs, waiting for runs, the next time of its schedule."""
        instead = ending.state is PENDING and run.state.over
        if not instead:
            self._add_all(ending.spawn, now)
        if ending.wait and not run.state.over:
            self._settle(run.id, ending.wait)
        if ending.firing is not None:
            self._fire(ending.firing, now)

    def _held(self, id: str, token: int) -> Run | None:
        run = self._runs.get(id)
        return run if run is not None and run.state is RUNNING and run.token == token else None

    # schedulers

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        with self._step:
            fired = tuple([self._fire(each, now) for each in firings])
            first = self._agenda.first()
            due = self._due_schedules(now, limit) if first is not None and first[0] <= now else ()
            if due:
                first = self._agenda.first()
            for schedule in due:
                self._tick(schedule)
            return Agenda(fired=fired, due=due, wake_at=None if first is None or first[0] <= now else first[0])

    def _due_schedules(self, now: int, limit: int) -> tuple[Schedule, ...]:
        """What is due, taken out of the agenda."""
        due = map(self._schedules.get, self._agenda.take(limit, now))
        return tuple([schedule for schedule in due if schedule is not None])

    def _fire(self, firing: Firing, now: int) -> bool:
        standing = self._schedules.get(firing.schedule.id)
        if firing.expect != (0 if standing is None else standing.version):
            return False
        self._replace(standing, replace(firing.schedule, version=firing.expect + 1))
        self._add_all(firing.runs, now)
        return True

    # people

    async def find(self, query: Query) -> Page:
        with self._step:
            return self._catalogue.find(query)

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        with self._step:
            return self._catalogue.tally(query, by)

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        with self._step:
            return self._lines.get(run, [])[max(0, after) :][:limit]

    # records

    async def put(self, records: Sequence[Record]) -> None:
        with self._step:
            for record in records:
                self._put(record)
            if Limit in map(type, records):
                self._recount()

    def _put(self, record: Record) -> None:
        match record:
            case Schedule():
                self._put_schedule(record)
            case Limit():
                self._limits.put(record)
                self._traffic.put(record)
            case Worker():
                self._workers.put(record)

    def _put_schedule(self, schedule: Schedule) -> None:
        standing = self._schedules.get(schedule.id)
        self._replace(standing, replace(schedule, version=1 if standing is None else standing.version + 1))

    def _replace(self, standing: Schedule | None, schedule: Schedule) -> None:
        """Keep a schedule; who sleeps until it is due is told if that is earlier now."""
        self._schedules.put(schedule)
        at, before = schedule.wakes_at, None if standing is None else standing.wakes_at
        if at is not None and at != before:
            self._agenda.push(at, schedule.id)
            if before is None or at < before:
                self._step.note(Topic.SCHEDULES, at)

    def _tick(self, schedule: Schedule) -> None:
        if schedule.wakes_at is not None:
            self._agenda.push(schedule.wakes_at, schedule.id)

    def _ticks_at(self, at: int, id: str) -> bool:
        schedule = self._schedules.get(id)
        return schedule is not None and schedule.wakes_at == at

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        with self._step:
            dropped = [self._kept[kind].drop(id) for id in ids]
            if kind is Limit:
                self._traffic.drop([id for id, gone in zip(ids, dropped, strict=True) if gone])
                self._recount()
            return dropped

    def _recount(self) -> None:
        if self._traffic.recount(self._runs[id] for id in self._catalogue.states[RUNNING]):
            self._step.note(Topic.RUNS)

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        with self._step:
            return self._kept[kind].page(ids, after, limit)

    # care

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        with self._step:
            count = 0
            for id in islice(self._history.take(before, keep), limit):
                self._forget(id)
                count += 1
            return count

    def _forget(self, id: str) -> None:
        self._catalogue.leave(self._runs.pop(id))
        self._lines.pop(id, None)

    # every change of a run goes through here

    def _change(self, old: Run, new: Run) -> Run:
        self._runs[new.id] = new
        if new.state is not old.state:
            self._moved(old, new)
        if old.parked is not None and new.parked != old.parked:
            self._traffic.unpark(old.parked)
        if new.parked is not None and new.parked != old.parked:
            self._traffic.park(new, new.parked)
        wakes_at = new.wakes_at
        if wakes_at is not None and (
            wakes_at != old.wakes_at or new.state is not old.state or new.priority != old.priority
        ):
            self._wake(new, wakes_at)
        return new

    def _moved(self, old: Run, new: Run) -> None:
        """From one state to another, with all that hangs on it."""
        self._catalogue.move(old, new)
        if old.state is RUNNING and self._traffic.limits and self._traffic.leave(old):
            self._step.note(Topic.RUNS)
        if new.state not in LIVE:
            self._end(new)
        elif old.state not in LIVE:
            self._history.revive(old)

    def _end(self, run: Run) -> None:
        self._history.enter(run)
        if run.unique is not None:
            self._keys.give_up(run.unique, run.id)
        for waiter, waits in self._waits.over(run.id):
            self._change(self._runs[waiter], settled(self._runs[waiter], waits))

    def _wake(self, run: Run, at: int) -> None:
        self._due.push(run, at)
        if run.state is PENDING:
            self._step.note(Topic.RUNS, at)

    def _settle(self, id: str, upstreams: Iterable[str]) -> None:
        """Let a run that has just become pending wait for those of these that are live, or wake."""
        live = {each for each in upstreams if each in self._runs and self._runs[each].state in LIVE}
        self._waits.begin(id, live)
        self._change(self._runs[id], settled(self._runs[id], len(live)))

    def _log(self, id: str, lines: Sequence[Line]) -> None:
        if lines:
            kept = self._lines.setdefault(id, [])
            kept += [replace(line, n=n) for n, line in enumerate(lines, start=len(kept) + 1)]
