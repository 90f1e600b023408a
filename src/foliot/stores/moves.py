"""What becomes of a run: each move of its life as a pure function from what it was to what it is."""

from __future__ import annotations

from msgspec.structs import replace

from foliot.model import LIVE, Attempt, Beat, Claim, Ending, Failure, Outcome, Run, State

PENDING, RUNNING, CANCELLED = State.PENDING, State.RUNNING, State.CANCELLED


def arrived(run: Run, now: int) -> Run:
    """A run as it is kept when it is added. With an ``after`` it sleeps until it is ``settled``."""
    if run.state not in LIVE:
        return replace(run, wakes_at=None, finished_at=now if run.finished_at is None else run.finished_at)
    wakes_at = None if run.after else run.due_at
    if run.state is PENDING and run.wakes_at == wakes_at and run.parked is None and not run.waits:
        return run
    return replace(run, state=PENDING, wakes_at=wakes_at, waits=0, parked=None)


def settled(run: Run, waits: int) -> Run:
    """A pending run that waits for so many others, and wakes when due if that is none."""
    return replace(run, waits=waits, wakes_at=None if waits else run.due_at)


def claimed(run: Run, claim: Claim, now: int) -> Run:
    """A due run in the hands of its claimant."""
    return replace(
        run,
        state=RUNNING,
        token=run.token + 1,
        wakes_at=now + claim.lease,
        worker=claim.worker,
        started_at=now,
        attempts=run.attempts if run.state is PENDING else _with_last(run, now, Outcome.LOST),
    )


def parked(run: Run, lane: str, now: int) -> Run:
    """A due run before a full lane; if its lease had lapsed, it is put down."""
    attempts = run.attempts if run.state is PENDING else _with_last(run, now, Outcome.LOST)
    return replace(run, state=PENDING, parked=lane, wakes_at=None, worker=None, started_at=None, attempts=attempts)


def woken(run: Run) -> Run:
    """A parked run that may try again."""
    return replace(run, parked=None, wakes_at=run.due_at)


def put_off(run: Run, due_at: int) -> Run:
    """A pending run that is due at another time; parked, it wakes then."""
    return replace(run, due_at=due_at, parked=None, wakes_at=None if run.waits else due_at)


def renewed(holder: Run, run: Run) -> Run:
    """A pending holder of a key with the arguments and times of the run that wanted the key."""
    times = replace(holder, args=run.args, expires_at=run.expires_at, deadline_at=run.deadline_at)
    return put_off(times, run.due_at)


def beaten(run: Run, beat: Beat, now: int, lease: int) -> Run:
    """A running run with its lease renewed."""
    return replace(run, wakes_at=now + lease, progress=beat.progress or run.progress)


def ended(run: Run, ending: Ending, now: int) -> Run:
    """A claimed run after this ending: over, put down, or cancelled instead of put down."""
    if ending.failed or ending.progress is not None:
        run = replace(run, failures=run.failures + ending.failed, progress=ending.progress or run.progress)
    if ending.state is PENDING and run.cancelling is None:
        return _put_down(run, ending, now)
    state, reason = ending.state, ending.reason
    if state is PENDING:
        state, reason = CANCELLED, run.cancelling
    elif state is CANCELLED and reason is None:
        reason = run.cancelling
    return replace(
        run,
        state=state,
        reason=reason,
        result=ending.result,
        error=ending.error,
        wakes_at=None,
        finished_at=now,
    )


def _put_down(run: Run, ending: Ending, now: int) -> Run:
    due_at = now if ending.due_at is None else ending.due_at
    how = ending.outcome
    return replace(
        run,
        state=PENDING,
        reason=ending.reason,
        due_at=due_at,
        wakes_at=None if ending.wait else due_at,
        worker=None,
        started_at=None,
        attempts=run.attempts if how is None else _with_last(run, now, how, ending.error),
    )


def cancelled(run: Run, reason: str, now: int) -> Run:
    """A run after a cancel: over if it was pending, marked if it runs, the same if it was over."""
    if run.state is PENDING:
        return _over(run, CANCELLED, reason, now)
    return replace(run, cancelling=reason) if run.state is RUNNING else run


def skipped(run: Run, reason: str, now: int) -> Run:
    """A run that is over before it began."""
    return _over(run, State.SKIPPED, reason, now)


def _over(run: Run, state: State, reason: str, now: int) -> Run:
    return replace(run, state=state, reason=reason, wakes_at=None, waits=0, parked=None, finished_at=now)


def revived(run: Run, now: int) -> Run:
    """A run that was over, wanted again at once. With an ``after`` it sleeps until it is ``settled``."""
    return replace(
        run,
        state=PENDING,
        due_at=now,
        wakes_at=None if run.after else now,
        attempts=run.timeline,
        failures=0,
        reason=None,
        result=None,
        error=None,
        progress=None,
        worker=None,
        started_at=None,
        finished_at=None,
        expires_at=None,
        deadline_at=None,
        cancelling=None,
    )


def _with_last(run: Run, now: int, outcome: Outcome, error: Failure | None = None) -> tuple[Attempt, ...]:
    last = Attempt(
        token=run.token,
        worker=run.worker,
        started_at=run.started_at,
        ended_at=now,
        outcome=outcome,
        error=error,
    )
    return (*run.attempts, last)
