"""What should happen: pure functions from values to values.

No clock, no store, no await; all of it tested with tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from random import Random
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from foliot.context import words
from foliot.control import Cancel, PutDown, Retry, Skip, Snooze
from foliot.errors import PartsFailed
from foliot.ids import firing_id
from foliot.joining import BOOKS, concluded
from foliot.model import (
    Catchup,
    Clash,
    Ending,
    Failure,
    Firing,
    Hold,
    Limit,
    Outcome,
    Overlap,
    Pause,
    Run,
    Schedule,
    State,
    Terms,
    Unique,
)
from foliot.moments import DAY, MINUTE, SECOND, moment, spell
from foliot.retry import Retries
from foliot.triggers import Trigger, dumps

PAGE = 100
"""How many instants one firing of one schedule passes at most; a longer gap takes several rounds."""
PUNCTUAL = 30 * SECOND
"""A firing no later than this is on time, also for a schedule that catches up with nothing."""
LOOK = MINUTE
"""How often a schedule that follows a run looks whether that run is over, in case nobody told it."""
STRANGER = "unknown job"
"""How the reason of a run begins that waits for such a worker."""
STRANGER_PATIENCE = DAY
"""How long a run waits for a worker that knows its job."""

OVERLAP = Limit(id="overlap", running=1)
"""The standing limit behind the overlap policies: one run at a time in each schedule's lane."""


# Firing: from schedules to runs


def fire(schedule: Schedule, trigger: Trigger, now: int) -> Firing:
    """Pass the next due instants of a schedule: each leaves one run, or one skipped run that says why."""
    since = schedule.wakes_at
    if since is None or since > now:
        return Firing(schedule=schedule, expect=schedule.version)
    following = trigger.next_at(since)
    if _is_on_time(schedule, since, following, now):
        run = wanted(schedule, trigger, since, now)
        fired = replace(schedule, wakes_at=following, last_at=since, last_run=run.id, fired=schedule.fired + 1)
        return _settle(fired, schedule, (run,), now)
    return _catch_up(schedule, trigger, since, now)


def _is_on_time(schedule: Schedule, since: int, following: int | None, now: int) -> bool:
    """Whether just one instant is due, and nothing is to be considered but that it has come."""
    late = now - since
    one = following is None or following > now
    return one and late <= PUNCTUAL and late <= schedule.window and not (schedule.behind or schedule.skips)


def _catch_up(schedule: Schedule, trigger: Trigger, since: int, now: int) -> Firing:
    """Pass what is due, a page of it at most, by the policies for what was missed or is to be skipped."""
    old = since < now - schedule.window
    forgotten, first = _outside_window(schedule, trigger, since, now) if old else ([], since)
    passed, following = _passed(trigger, first, now)
    behind = following is not None and following <= now
    chosen = _chosen(schedule, passed, behind, now)
    runs = forgotten + [_fired(schedule, trigger, each, now, chosen) for each in passed]
    return _settle(_advanced(schedule, passed, following, behind, runs), schedule, tuple(runs), now)


def _outside_window(schedule: Schedule, trigger: Trigger, since: int, now: int) -> tuple[list[Run], int | None]:
    """Instants that passed too long ago are one skipped run together; tells where the window begins."""
    opens = now - schedule.window
    first = trigger.next_at(opens - 1)
    until, window = moment(opens).isoformat(), spell(schedule.window)
    reason = f"missed: nobody fired from here until {until}, longer ago than the catch-up window of {window}"
    return [_skipped(schedule, since, now, reason)], first


def _passed(trigger: Trigger, since: int | None, now: int) -> tuple[list[int], int | None]:
    """The instants that are due, a page of them at most, and the one that follows."""
    if since is None or since > now:
        return [], since
    following = trigger.next_at(since)
    if following is None or following > now:
        return [since], following
    passed = [since, *islice(trigger.instants(since, now), PAGE - 1)]
    return passed, trigger.next_at(passed[-1])


def _chosen(schedule: Schedule, passed: Sequence[int], behind: bool, now: int) -> frozenset[int]:
    """Which of these instants run, by the schedule's catch-up policy."""
    wanted = [each for each in passed if each not in schedule.skips] if schedule.skips else passed
    match schedule.catchup:
        case Catchup.LATEST:
            return frozenset(() if behind else wanted[-1:])
        case Catchup.EARLIEST:
            return frozenset(() if schedule.behind else wanted[:1])
        case Catchup.ALL:
            return frozenset(wanted[: max(0, schedule.most - schedule.behind)])
        case Catchup.NONE:
            return frozenset(() if behind else [each for each in wanted[-1:] if now - each <= PUNCTUAL])


def _fired(schedule: Schedule, trigger: Trigger, nominal: int, now: int, chosen: frozenset[int]) -> Run:
    if nominal in chosen:
        return wanted(schedule, trigger, nominal, now)
    if nominal in schedule.skips:
        return _skipped(schedule, nominal, now, "skipped by hand")
    return _skipped(schedule, nominal, now, f"missed: nobody fired in time, and catch-up is {schedule.catchup.value!r}")


def _advanced(
    schedule: Schedule, passed: Sequence[int], following: int | None, behind: bool, runs: Sequence[Run]
) -> Schedule:
    real = [each for each in runs if each.state is State.PENDING]
    return replace(
        schedule,
        wakes_at=following,
        behind=schedule.behind + len(passed) if behind else 0,
        last_at=passed[-1] if passed else schedule.last_at,
        last_run=real[-1].id if real else schedule.last_run,
        fired=schedule.fired + len(real),
        skips=schedule.skips and tuple(each for each in schedule.skips if following is not None and each >= following),
    )


def _settle(after: Schedule, before: Schedule, runs: tuple[Run, ...], now: int) -> Firing:
    """With overlap ``delay`` a schedule that fired waits for its run before it looks for the next time."""
    if before.overlap is Overlap.DELAY and after.last_run != before.last_run:
        after = replace(after, follows=after.last_run, wakes_at=now + LOOK)
    return Firing(schedule=after, expect=before.version, runs=runs)


def follow(schedule: Schedule, trigger: Trigger, run: Run | None, now: int) -> Firing:
    """Let the end of the run that a schedule follows set its next time; while it is live, look again later."""
    if run is not None and not run.state.over:
        return Firing(schedule=replace(schedule, wakes_at=now + LOOK), expect=schedule.version)
    ended = now if run is None or run.finished_at is None else run.finished_at
    since = max(ended, schedule.last_at or ended)  # a clock that was set back fires no instant again
    return Firing(schedule=replace(schedule, follows=None, wakes_at=trigger.next_at(since)), expect=schedule.version)


def unreadable(schedule: Schedule, problem: str, now: int) -> Firing:
    """Pause a schedule whose trigger cannot be read here, so that it neither fires wrongly nor stops the others."""
    stopped = replace(schedule, wakes_at=None, paused=Pause(at=now, note=f"its trigger cannot be read: {problem}"))
    return Firing(schedule=stopped, expect=schedule.version)


def wanted(schedule: Schedule, trigger: Trigger, nominal: int, now: int) -> Run:
    """The run that a schedule wants for an instant; whoever fires it fires the same one, for its id comes from both."""
    due = nominal + trigger.delay(nominal)
    unique, lanes = overlapping(schedule.id, schedule.overlap)
    place = schedule.placement
    return Run(
        id=firing_id(schedule.id, nominal),
        job=schedule.job,
        schedule=schedule.id,
        nominal_at=nominal,
        created_at=now,
        due_at=due,
        wakes_at=due,
        args=schedule.args,
        queue=place.queue,
        priority=place.priority,
        needs=place.needs,
        key=place.key,
        lanes=(*place.lanes, *lanes),
        unique=unique,
        expires_at=None if place.expires is None else due + place.expires,
        deadline_at=None if place.deadline is None else due + place.deadline,
        terms=place.terms if schedule.overlap is not Overlap.DELAY else replace(place.terms or Terms(), followed=True),
        tags=place.tags,
        meta=place.meta,
    )


@lru_cache(maxsize=1024)
def overlapping(schedule: str, overlap: Overlap) -> tuple[Unique | None, tuple[str, ...]]:
    """How an overlap policy is said to a store: a unique key, a lane of one, both or neither."""
    lane = f"{OVERLAP.id}#{schedule}"
    match overlap:
        case Overlap.SKIP | Overlap.DELAY:
            return Unique(key=lane, clash=Clash.SKIP), ()
        case Overlap.QUEUE:
            return None, (lane,)
        case Overlap.QUEUE_ONE:
            return Unique(key=lane, clash=Clash.SKIP, hold=Hold.START), (lane,)
        case Overlap.REPLACE:
            return Unique(key=lane, clash=Clash.REPLACE), (lane,)
        case Overlap.ALLOW:
            return None, ()


def _skipped(schedule: Schedule, nominal: int, now: int, reason: str) -> Run:
    return Run(
        id=firing_id(schedule.id, nominal),
        job=schedule.job,
        schedule=schedule.id,
        nominal_at=nominal,
        created_at=now,
        due_at=nominal,
        finished_at=now,
        args=schedule.args,
        queue=schedule.placement.queue,
        state=State.SKIPPED,
        reason=reason,
        tags=schedule.placement.tags,
        meta=schedule.placement.meta,
    )


def created(schedule: Schedule, trigger: Trigger, now: int) -> Schedule:
    """A new schedule with its trigger settled, and the time of its first firing."""
    overlap = Overlap.DELAY if trigger.from_finish else schedule.overlap
    settled = (trigger.counted_from_finish() if overlap is Overlap.DELAY else trigger).settled(now)
    bound = settled.bound(schedule.id)
    if bound is trigger:
        plain = _plain(trigger)
        return replace(schedule, trigger=plain.text, declared=plain.text, overlap=overlap, wakes_at=plain.next_at(now))
    text = dumps(settled)
    declared = text if settled is trigger else dumps(trigger)
    return replace(schedule, trigger=text, declared=declared, overlap=overlap, wakes_at=bound.next_at(now))


class _Plain:
    """A trigger that is the same for every schedule: its text, and its next instant, until that has come."""

    __slots__ = ("_known", "_trigger", "text")

    def __init__(self, trigger: Trigger) -> None:
        self._trigger, self.text = trigger, dumps(trigger)
        self._known: tuple[int, int | None] = 0, 0

    def next_at(self, now: int) -> int | None:
        since, following = self._known
        if following is None or not since <= now < following:
            following = self._trigger.next_at(now)
            self._known = now, following
        return following


_plain = lru_cache(maxsize=1024)(_Plain)


def rezoned(schedule: Schedule, trigger: Trigger, now: int) -> Schedule:
    """A standing schedule with the next time that its trigger gives now, which new rules of a time zone may have moved.

    What is due already stays due, and what counts from the end of a run stays as it is.
    """
    settled = schedule.wakes_at is None or schedule.wakes_at <= now or schedule.overlap is Overlap.DELAY
    return schedule if settled else replace(schedule, wakes_at=trigger.next_at(now))


def renewed(kept: Schedule, declared: Schedule) -> Schedule:
    """A standing schedule as it is ``created`` anew by the code: it keeps its identity and its past.

    An unchanged trigger keeps its next time across restarts; a changed one counts from now, so an edit never fires at
    once.
    """
    same = (kept.declared, kept.overlap) == (declared.declared, declared.overlap)
    return replace(
        declared,
        created_at=kept.created_at,
        trigger=kept.trigger if same else declared.trigger,
        wakes_at=None if kept.paused else kept.wakes_at if same else declared.wakes_at,
        follows=kept.follows if same else None,
        behind=kept.behind if same else 0,
        last_at=kept.last_at,
        last_run=kept.last_run,
        fired=kept.fired,
        skips=kept.skips,
        paused=kept.paused,
        owner=declared.owner or kept.owner,
        version=kept.version,
    )


# Admitting: from claimed runs to those that are worth executing


class Rules(Protocol):
    """What a job says about its failures."""

    @property
    def retries(self) -> Retries: ...
    @property
    def retry_on(self) -> tuple[type[BaseException], ...]: ...
    @property
    def give_up_on(self) -> tuple[type[BaseException], ...]: ...
    @property
    def max_crashes(self) -> int: ...
    @property
    def at_most_once(self) -> bool: ...


def admit(run: Run, rules: Rules | None, around: Mapping[str, Run], now: int) -> Ending | None:
    """Decide about a claimed run before it is executed: None to go ahead, else how it ends without being executed.

    ``around`` has those of the runs that it waited for, and its parent, that there still are.
    """
    if run.cancelling is not None:
        return _over(run, State.CANCELLED, run.cancelling)
    if run.parent is not None and (problem := _orphaned(around.get(run.parent))) is not None:
        return _over(run, State.CANCELLED, problem)
    if run.target not in (None, run.worker) and run.terms is not None and run.terms.only:
        return _over(run, State.SKIPPED, f"worker gone: it was meant for {run.target} only")
    if run.job in BOOKS and (ending := concluded(run, around)) is not None:
        return ending
    return _unfit(run, rules, around, now)


def _orphaned(parent: Run | None) -> str | None:
    """Why nobody wants a run with this parent any more."""
    if parent is None:
        return "its parent is gone"
    if parent.state.over or parent.cancelling is not None:
        return f"its parent {parent.id} is {'cancelled' if parent.cancelling is not None else parent.state.value}"
    return None


def _unfit(run: Run, rules: Rules | None, around: Mapping[str, Run], now: int) -> Ending | None:
    if run.expires_at is not None and run.expires_at <= now and not run.attempts:
        return _over(run, State.SKIPPED, f"expired: not started by {moment(run.expires_at).isoformat()}")
    if run.deadline_at is not None and run.deadline_at <= now:
        return _over(run, State.FAILED, f"deadline: not done by {moment(run.deadline_at).isoformat()}")
    if run.after and (failed := _failed_upstream(run, around)):
        return _over(run, State.SKIPPED, f"upstream failed: {', '.join(failed)}")
    if rules is None:
        return _stranger(run, now)
    return _worn_out(run, rules) if run.attempts else None


def _worn_out(run: Run, rules: Rules) -> Ending | None:
    """Whether too many workers have died under it."""
    crashes = _crashes(run)
    if crashes and rules.at_most_once:
        return _over(run, State.FAILED, "lost: its worker died, and the job asks to run at most once")
    if crashes > rules.max_crashes:
        return _over(
            run, State.FAILED, f"crashed too often: {crashes} workers died under it, max_crashes is {rules.max_crashes}"
        )
    return None


def _failed_upstream(run: Run, around: Mapping[str, Run]) -> list[str]:
    """Those it waited for in vain; what is not there any more is taken to have succeeded."""
    if run.terms is not None and run.terms.anyway:
        return []
    return [each for each in run.after if each in around and around[each].state is not State.SUCCEEDED]


def _stranger(run: Run, now: int) -> Ending:
    """A job that is not known here may be known to another worker, or after the next deploy; but not for ever.

    The first look is kept as an attempt: looking again later moves when the run is due, so nothing else tells since
    when it waits.
    """
    waits = run.reason is not None and run.reason.startswith(STRANGER)
    waited = now - (run.attempts[-1].started_at or now if waits and run.attempts else run.due_at)
    reason = f"{STRANGER} {run.job!r}: no worker that claimed it defines it"
    if waited > STRANGER_PATIENCE:
        return _over(run, State.FAILED, reason)
    again = Ending(
        run=run.id, token=run.token, state=State.PENDING, due_at=now + min(MINUTE, SECOND + waited), reason=reason
    )
    return again if waits else replace(again, outcome=Outcome.SNOOZED)


def _crashes(run: Run) -> int:
    return sum(each.outcome in (Outcome.LOST, Outcome.CRASHED) for each in run.attempts)


def _over(run: Run, state: State, reason: str) -> Ending:
    return Ending(run=run.id, token=run.token, state=state, reason=reason)


# Concluding: from what came of an execution to how the run ends


class Returned(Struct, frozen=True):
    """The function returned; its result as JSON."""

    result: str


class Raised(Struct, frozen=True):
    """The function raised."""

    error: BaseException
    failure: Failure


class TimedOut(Struct, frozen=True):
    """The attempt took longer than its timeout, microseconds."""

    timeout: int


class Died(Struct, frozen=True):
    """Its process died under it."""

    failure: Failure


class Stopped(Struct, frozen=True):
    """It stopped because somebody asked for that."""

    reason: str


class GivenBack(Struct, frozen=True):
    """Its worker is shutting down: no fault of the job's. ``begun``: its function was called, or may have been."""

    begun: bool = False


class Waits(Struct, frozen=True):
    """It asked to be put down until other runs are over, or until a time."""

    down: PutDown


Conclusion = Returned | Waits | Raised | TimedOut | Died | Stopped | GivenBack


def conclude(run: Run, rules: Rules, conclusion: Conclusion, now: int, random: Random) -> Ending:
    """How a run ends, or goes on, after an execution."""
    match conclusion:
        case Returned(result):
            return Ending(run=run.id, token=run.token, state=State.SUCCEEDED, result=result)
        case Stopped(reason):
            return _over(run, State.CANCELLED, reason)
        case Waits(down):
            return _waiting(run, down, now)
        case GivenBack(begun=True) if rules.at_most_once:
            return _over(
                run, State.FAILED, "stopped: its worker shut down in the middle, and the job asks to run at most once"
            )
        case GivenBack():
            return _put_down(run, now, Outcome.RELEASED)
        case Died(failure):
            return _after_crash(run, rules, failure, now, random)
        case TimedOut(timeout):
            failure = Failure(kind="TimeoutError", message=f"took longer than {spell(timeout)}")
            return _after_failure(run, rules, TimeoutError(), failure, Outcome.TIMED_OUT, now, random)
        case Raised():
            return _after_raise(run, rules, conclusion, now, random)


def _after_raise(run: Run, rules: Rules, raised: Raised, now: int, random: Random) -> Ending:
    match raised.error:
        case Cancel() as cancel:
            return _over(run, State.CANCELLED, words(cancel) or "cancelled by the job itself")
        case Skip() as skip:
            return _over(run, State.SKIPPED, words(skip) or "skipped by the job itself")
        case Snooze() as snooze:
            return _put_down(run, now + snooze.after, Outcome.SNOOZED)
        case Retry() as retry if retry.after is not None:
            return _again(run, now + retry.after, raised.failure, Outcome.FAILED)
        case error:
            return _after_failure(run, rules, error, raised.failure, Outcome.FAILED, now, random)


def _after_failure(
    run: Run, rules: Rules, error: BaseException, failure: Failure, outcome: Outcome, now: int, random: Random
) -> Ending:
    wait = _retries(run, rules).wait(run.failures + 1, random) if _worth_retrying(error, rules) else None
    if wait is None:
        return _failed(run, failure, f"failed after {run.failures + 1} of {_retries(run, rules).attempts + 1} attempts")
    if run.deadline_at is not None and now + wait >= run.deadline_at:
        return _failed(
            run, failure, f"deadline: the next attempt would come after {moment(run.deadline_at).isoformat()}"
        )
    return _again(run, now + wait, failure, outcome)


def _after_crash(run: Run, rules: Rules, failure: Failure, now: int, random: Random) -> Ending:
    crashes = _crashes(run) + 1
    if rules.at_most_once:
        return _failed(run, failure, "crashed, and the job asks to run at most once")
    if crashes > rules.max_crashes:
        return _failed(run, failure, f"crashed too often: {crashes} times, max_crashes is {rules.max_crashes}")
    wait = _retries(run, rules).wait(crashes, random) or SECOND * crashes
    return Ending(
        run=run.id, token=run.token, state=State.PENDING, due_at=now + wait, outcome=Outcome.CRASHED, error=failure
    )


def _worth_retrying(error: BaseException, rules: Rules) -> bool:
    if isinstance(error, Retry | PartsFailed):
        return isinstance(error, Retry)  # parts that failed stay failed, however often they are asked for
    return isinstance(error, rules.retry_on) and not isinstance(error, rules.give_up_on)


def _retries(run: Run, rules: Rules) -> Retries:
    return rules.retries if run.terms is None or run.terms.retries is None else run.terms.retries


def _again(run: Run, due: int, failure: Failure, outcome: Outcome) -> Ending:
    return Ending(
        run=run.id, token=run.token, state=State.PENDING, due_at=due, failed=True, outcome=outcome, error=failure
    )


def unkept(run: Run, problem: Exception) -> Ending:
    """How a run ends whose own ending its store cannot write, so that no other has to wait for that."""
    failure = Failure(kind=type(problem).__name__, message=words(problem))
    return _failed(run, failure, "its ending cannot be written down")


def _put_down(run: Run, due: int, outcome: Outcome) -> Ending:
    return Ending(run=run.id, token=run.token, state=State.PENDING, due_at=due, outcome=outcome)


def _waiting(run: Run, down: PutDown, now: int) -> Ending:
    due = now if down.due_at is None else down.due_at
    if run.deadline_at is not None:
        due = min(due, run.deadline_at)
    return replace(_put_down(run, due, Outcome.SNOOZED), spawn=down.spawn, wait=down.wait)


def _failed(run: Run, failure: Failure, reason: str) -> Ending:
    return Ending(run=run.id, token=run.token, state=State.FAILED, failed=True, error=failure, reason=reason)


def time_left(run: Run, timeout: int | None, now: int) -> int | None:
    """How long this attempt may take: its timeout, or less if the deadline over all attempts comes first."""
    asked = timeout if run.terms is None or run.terms.timeout is None else run.terms.timeout
    left = None if run.deadline_at is None else run.deadline_at - now
    if asked is None or left is None:
        return left if asked is None else asked
    return min(asked, left)
