"""What follows the end of a run: events, callbacks, a schedule that counts from it, a pause after too many failures."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.engine.attempt import Held
from foliot.errors import FoliotError, StoreError
from foliot.events import Event, Kind, Listeners
from foliot.flow.family import cancel_orphans
from foliot.jobs import Job
from foliot.model import Ending, Firing, Outcome, Pause, Query, Run, Schedule, State
from foliot.options import JobOptions
from foliot.policy import Conclusion, Raised, follow
from foliot.stores.base import Store
from foliot.triggers import loads

log = logging.getLogger("foliot")

_FINAL = {
    State.SUCCEEDED: Kind.SUCCEEDED,
    State.FAILED: Kind.FAILED,
    State.CANCELLED: Kind.CANCELLED,
    State.SKIPPED: Kind.SKIPPED,
}
_ONWARD = {Outcome.RELEASED: Kind.RELEASED, Outcome.SNOOZED: Kind.SNOOZED, None: Kind.SNOOZED}


class Aftermath:
    """Does what follows the end of a run, without ever holding up the worker."""

    def __init__(self, store: Store, clock: Clock, listeners: Listeners) -> None:
        self._store, self._clock, self._listeners = store, clock, listeners
        self._tasks: set[asyncio.Task[None]] = set()

    def ended(self, held: Held, ending: Ending, conclusion: Conclusion | None) -> None:
        """The store has accepted this ending."""
        final, job = _FINAL.get(ending.state), held.job
        if final is not None:
            if held.context.acted or held.run.attempts:
                self._sweep_behind(held, ending)
            if held.run.terms is not None and held.run.terms.followed and ending.firing is None:
                self._spawn(self._go_on(held.run))
        kind = final or _ONWARD.get(ending.outcome, Kind.RETRYING)
        wanted = self._listeners.wants(kind)
        callback = None if job is None else _callback(job.settings, ending.state)
        if not (wanted or callback or (ending.state is State.FAILED and held.run.schedule)):
            return
        run = _after(held.run, ending, self._clock.now())
        if wanted:
            self._publish(kind, run)
        if callback is not None and job is not None:
            self._spawn(_call(callback, run, job, conclusion))
        if run.state is State.FAILED and run.schedule is not None:
            self._spawn(self._pause_if_failing(run.schedule))

    def _sweep_behind(self, held: Held, ending: Ending) -> None:
        """Let nothing of a run live on that may have children: it acts durably, or was put down before."""
        if held.context.acted or any(each.outcome is Outcome.SNOOZED for each in held.run.attempts):
            self._spawn(self._clear_up(held.run.id, ending.state))

    async def _clear_up(self, run: str, state: State) -> None:
        """Cancel what a run has left behind; what a store that is away keeps is swept up later."""
        with suppress(StoreError):
            await cancel_orphans(self._store, self._clock, run, f"its parent {state.value}")

    def refused(self, held: Held, ending: Ending, conclusion: Conclusion | None) -> None:
        """The store has refused this ending: another worker has the run, or it was accepted before, unheard."""
        self._spawn(self._look_again(held, ending, conclusion))

    async def _look_again(self, held: Held, ending: Ending, conclusion: Conclusion | None) -> None:
        """Let follow what follows, if it was the reply that was lost and not the run."""
        try:
            found = (await self._store.find(Query(ids=(ending.run,)))).runs
        except StoreError as problem:
            log.warning(
                "run %s of %r: its ending was refused, and whether it was accepted before cannot be asked now: %s",
                held.run.id,
                held.run.job,
                problem,
            )
            return
        if any(_was_accepted(ending, run) for run in found):
            self.ended(held, ending, conclusion)
            return
        log.warning("run %s of %r: its lease was lost, this ending does not count", held.run.id, held.run.job)
        if self._listeners.wants(Kind.LOST):
            self._publish(Kind.LOST, held.run)

    async def firing(self, run: Run, now: int) -> Firing | None:
        """How the schedule of a run that ends now goes on, if it counts its next time from there.

        None also if the store cannot say now: the run must end all the same, and its schedule looks each minute.
        """
        try:
            return await self._firing(run, now)
        except FoliotError as problem:
            log.warning("schedule %r will find out by itself that run %s is over: %s", run.schedule, run.id, problem)
            return None

    async def _firing(self, run: Run, now: int) -> Firing | None:
        for schedule in await self._store.records(Schedule, [run.schedule or ""]):
            if schedule.follows == run.id:
                over = replace(run, state=State.SUCCEEDED, finished_at=now)
                return follow(schedule, loads(schedule.trigger).bound(schedule.id), over, now)
        return None

    async def _go_on(self, run: Run) -> None:
        """Let the schedule that follows a run go on, if the end of the run did not do that itself."""
        now = self._clock.now()
        if (firing := await self.firing(run, now)) is not None:
            try:
                await self._store.fire([firing], now, 0)
            except StoreError as problem:
                log.warning(
                    "schedule %r will find out by itself that run %s is over: %s", run.schedule, run.id, problem
                )

    async def settled(self) -> None:
        """Wait until everything that followed so far is done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _publish(self, kind: Kind, run: Run) -> None:
        now = self._clock.now()
        duration = None if run.started_at is None else now - run.started_at
        self._listeners.publish(
            Event(kind=kind, at=now, run=run, schedule=run.schedule, reason=run.reason, duration=duration)
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pause_if_failing(self, id: str) -> None:
        """Pause a schedule whose newest ``pause_after`` runs that were executed have all failed."""
        try:
            await self._look_at_failures(id)
        except StoreError as problem:
            log.warning("schedule %r is not paused before its next failure, if it is to be: %s", id, problem)

    async def _look_at_failures(self, id: str) -> None:
        for schedule in await self._store.records(Schedule, [id]):
            if schedule.pause_after is None or schedule.paused is not None:
                continue
            ended = (State.SUCCEEDED, State.FAILED)
            page = await self._store.find(Query(schedules=(id,), states=ended, limit=schedule.pause_after))
            if len(page.runs) == schedule.pause_after and all(each.state is State.FAILED for each in page.runs):
                await self._pause(schedule)

    async def _pause(self, schedule: Schedule) -> None:
        now = self._clock.now()
        note = f"its last {schedule.pause_after} runs failed"
        paused = replace(schedule, wakes_at=None, paused=Pause(at=now, note=note))
        agenda = await self._store.fire([Firing(schedule=paused, expect=schedule.version)], now, 1)
        if agenda.fired == (True,):
            log.warning("schedule %r is paused: %s", schedule.id, note)
            self._listeners.publish(Event(kind=Kind.PAUSED, at=now, schedule=schedule.id, reason=note))


def _was_accepted(ending: Ending, run: Run) -> bool:
    """Whether this very ending stands in the run's timeline."""
    told = Outcome(ending.state) if ending.state.over else ending.outcome
    return any((each.token, each.outcome) == (ending.token, told) for each in run.timeline)


def _after(run: Run, ending: Ending, now: int) -> Run:
    """The run as the store now has it, as far as listeners and callbacks need to know."""
    return replace(
        run,
        state=ending.state,
        reason=ending.reason,
        failures=run.failures + ending.failed,
        due_at=run.due_at if ending.due_at is None else ending.due_at,
        result=ending.result,
        error=ending.error,
        finished_at=now if ending.state.over else None,
    )


def _callback(options: JobOptions, state: State) -> Callable[..., Any] | None:
    if state is State.SUCCEEDED:
        return options.on_success
    return options.on_failure if state is State.FAILED else None


async def _call(callback: Callable[..., Any], run: Run, job: Job[..., Any, Any], conclusion: Conclusion | None) -> None:
    try:
        answer = callback(run, _told(run, job, conclusion))
        if inspect.isawaitable(answer):
            await answer
    except Exception:
        log.exception("the callback of run %s (%s) raised", run.id, run.job)


def _told(run: Run, job: Job[..., Any, Any], conclusion: Conclusion | None) -> object:
    """What a callback is told beside the run: its result; or the exception, or else what is recorded of the failure."""
    if run.state is State.SUCCEEDED:
        return job.told(run.result or "null", shared=job.shards(run.terms) is not None)
    return conclusion.error if isinstance(conclusion, Raised) else run.error
