"""Why a run does not run, or a schedule does not fire: from facts to one sentence with its evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from foliot import triggers
from foliot.errors import DefinitionError
from foliot.model import Claim, Limit, Outcome, Run, Schedule, State, Worker, family, serves
from foliot.moments import SECOND, moment, spell
from foliot.policy import OVERLAP

LATE = 10 * SECOND
"""How late a firing may be before nobody fires: longer than any loop sleeps."""
NAMED = 3
"""How many of the responsible are named; the others are counted."""

Tell = Callable[[int], str]


class Cause(StrEnum):
    """What stands in the way, in a word for programs."""

    WAITING = "waiting"
    PAUSED = "paused"
    LIMITED = "limited"
    OVERLAPPED = "overlapped"
    NOT_DUE = "not due"
    RETRYING = "retrying"
    NO_WORKER = "no worker"
    ORPHANED = "orphaned"
    BUSY = "busy"
    ANY_MOMENT = "any moment"
    RUNNING = "running"
    CANCELLING = "cancelling"
    LOST = "lost"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    MISSED = "missed"
    SKIPPED = "skipped"
    FOLLOWING = "following"
    ENDED = "ended"
    OVERDUE = "overdue"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: the cause, a sentence about ``it``, what proves it, and what to do if there is something."""

    cause: Cause
    sentence: str
    evidence: Sequence[tuple[str, str]] = ()
    remedy: str = ""


def iso(at: int) -> str:
    """An instant as text, in UTC."""
    return moment(at).isoformat()


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was read about a run or a schedule, and how times are told.

    ``workers`` are the living ones; ``others`` the runs it waits for, or that its reason names, or that it follows;
    ``holders`` the runs that hold a place in each of its limited lanes.
    """

    now: int
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    holders: Mapping[str, Sequence[Run]] = field(default_factory=dict[str, Sequence[Run]])
    others: Sequence[Run] = ()
    workers: Sequence[Worker] = ()
    last: Run | None = None
    tell: Tell = iso

    def limit(self, lane: str) -> Limit | None:
        """The limit that counts in a lane."""
        return self.limits.get(lane) or self.limits.get(family(lane))


# A run


def why_run(run: Run, facts: Facts) -> Verdict:
    """Why a run is where it is."""
    match run.state:
        case State.PENDING:
            return next(_pending(run, facts))
        case State.RUNNING:
            return _running(run, facts)
        case State.SUCCEEDED:
            return Verdict(Cause.SUCCEEDED, f"it ran and succeeded {facts.tell(run.finished_at or facts.now)}")
        case State.FAILED:
            return Verdict(Cause.FAILED, f"it failed: {_said(run)}", _attempts(run, facts), "foliot runs retry ID")
        case State.CANCELLED:
            return Verdict(Cause.CANCELLED, f"it was cancelled: {_said(run)}", _told(facts.others, facts))
        case State.SKIPPED:
            return _skipped(run, facts)


def _pending(run: Run, facts: Facts) -> Iterator[Verdict]:
    """Everything that stands in its way, the first first; there is always something."""
    if run.cancelling is not None:
        yield Verdict(Cause.CANCELLING, f"it is to be cancelled by the next worker that looks at it: {run.cancelling}")
    if run.waits:
        yield _waits(run, facts)
    if run.parked is not None:
        yield _stopped(run.parked, facts)
    if run.due_at > facts.now:
        yield _later(run, facts)
    yield from (_stopped(lane, facts) for lane in run.every_lane if _is_full(lane, facts))
    yield from _nobody(run, facts)
    yield Verdict(
        Cause.ANY_MOMENT,
        f"it is due since {facts.tell(run.due_at)}, and nothing is in its way: a worker takes it at its next look",
        _serving(_able(run, facts.workers)),
        "if this stays so, ask foliot doctor",
    )


def _waits(run: Run, facts: Facts) -> Verdict:
    live = [each for each in facts.others if not each.state.over]
    names = f": {_names(live)}" if live else ""
    return Verdict(Cause.WAITING, f"it waits for {_many(run.waits, 'run')}{names}", _told(live, facts), "foliot why ID")


def _later(run: Run, facts: Facts) -> Verdict:
    due, last = facts.tell(run.due_at), run.attempts[-1] if run.attempts else None
    if run.failures:
        return Verdict(
            Cause.RETRYING,
            f"it failed {_many(run.failures, 'time')} and is tried again {due}",
            _attempts(run, facts),
        )
    if last is not None and last.outcome is Outcome.SNOOZED:
        return Verdict(Cause.NOT_DUE, f"it asked to be looked at later: {due}", _attempts(run, facts))
    return Verdict(Cause.NOT_DUE, f"it is not due before {due}", _paused_lanes(run.every_lane, facts))


# Lanes


def _is_full(lane: str, facts: Facts) -> bool:
    limit = facts.limit(lane)
    if limit is None:
        return False
    return limit.paused is not None or (limit.running is not None and len(facts.holders.get(lane, ())) >= limit.running)


def _stopped(lane: str, facts: Facts) -> Verdict:
    """What a lane without room says."""
    limit, holders = facts.limit(lane), facts.holders.get(lane, ())
    if limit is None:
        return Verdict(Cause.ANY_MOMENT, f"it stood before {_lane(lane)}, which nothing limits any more: it wakes soon")
    if limit.paused is not None:
        return _paused(lane, limit, facts)
    if family(lane) == OVERLAP.id:
        return Verdict(
            Cause.OVERLAPPED,
            f"an earlier run of its schedule is not over: {_names(holders)}",
            _told(holders, facts),
            "wait for it, or: foliot runs cancel ID",
        )
    if limit.running is not None and len(holders) >= limit.running:
        return Verdict(
            Cause.LIMITED,
            f"{_lane(lane)} is full: {limit.running} may run at once, held by {_names(holders)}",
            _told(holders, facts),
            _raise(lane),
        )
    return _rated(lane, limit)


def _rated(lane: str, limit: Limit) -> Verdict:
    if limit.starts is None:
        return Verdict(Cause.ANY_MOMENT, f"{_lane(lane)} was full and has room now: it wakes at the next claim")
    rate = f"{limit.starts} starts per {spell(limit.per or 0)}"
    return Verdict(Cause.LIMITED, f"{_lane(lane)} has used up {rate}; it goes on when there is room", (), _raise(lane))


def _paused(lane: str, limit: Limit, facts: Facts) -> Verdict:
    pause = limit.paused
    note = f": {pause.note}" if pause is not None and pause.note else ""
    since = "" if pause is None else f" since {facts.tell(pause.at)}"
    kind, _, name = lane.partition("/")
    remedy = f"foliot {kind}s resume {name}" if kind in _STEERED else "whoever paused it can resume it"
    return Verdict(Cause.PAUSED, f"{_lane(lane)} is paused{since}{note}", (), remedy)


_STEERED = frozenset({"queue", "job"})
"""The kinds of lanes that have commands."""


def _paused_lanes(lanes: Iterable[str], facts: Facts) -> list[tuple[str, str]]:
    found = [(lane, facts.limit(lane)) for lane in lanes]
    return [(_lane(lane), _paused(lane, limit, facts).sentence) for lane, limit in found if limit and limit.paused]


def _lane(lane: str) -> str:
    kind, _, name = lane.partition("/")
    return f"{kind} {name!r}" if kind in _STEERED else f"lane {lane!r}"


def _raise(lane: str) -> str:
    kind, _, name = lane.partition("/")
    return f"foliot {kind}s limit {name} --concurrency N" if kind in _STEERED else "wait, or raise its limit"


# Workers


def _nobody(run: Run, facts: Facts) -> Iterator[Verdict]:
    """Why no worker takes it, if so."""
    if not facts.workers:
        yield Verdict(Cause.NO_WORKER, "no worker is alive", (), "foliot run MODULE:SCHEDULER")
        return
    serving = [each for each in facts.workers if _serves(each, run)]
    able = _able(run, facts.workers)
    if not serving:
        yield _unserved(run, facts)
    elif not able:
        yield Verdict(
            Cause.ORPHANED,
            f"no living worker that serves {_place(run)} defines the job {run.job!r}",
            _serving(serving),
            "deploy the job, or cancel the run",
        )
    elif all(each.busy >= each.slots for each in able):
        yield Verdict(
            Cause.BUSY, "every worker that could take it is full", _serving(able), "start more, or raise --concurrency"
        )


def _unserved(run: Run, facts: Facts) -> Verdict:
    if run.target is not None:
        sentence, remedy = f"it is meant for worker {run.target!r}, which is not alive", f"start {run.target!r} again"
    elif run.needs and any(not each.queues or run.queue in each.queues for each in facts.workers):
        labels = ", ".join(run.needs)
        sentence, remedy = (
            f"no living worker has what it needs: {labels}",
            f"foliot run … --labels {','.join(run.needs)}",
        )
    else:
        sentence, remedy = f"no living worker serves {_place(run)}", f"foliot run … --queues {run.queue}"
    return Verdict(Cause.NO_WORKER, sentence, _serving(facts.workers), remedy)


def _able(run: Run, workers: Iterable[Worker]) -> list[Worker]:
    return [each for each in workers if _serves(each, run) and run.job in each.jobs]


def _serves(worker: Worker, run: Run) -> bool:
    wish = Claim(worker=worker.id, limit=1, lease=1, queues=worker.queues, labels=worker.labels)
    return not worker.stopping and serves(run.place, wish)


def _place(run: Run) -> str:
    return f"queue {run.queue!r}"


def _serving(workers: Sequence[Worker]) -> list[tuple[str, str]]:
    return [(f"worker {each.id}", _served(each)) for each in workers[:NAMED]]


def _served(worker: Worker) -> str:
    labels = f", labels {', '.join(worker.labels)}" if worker.labels else ""
    stopping = ", stopping" if worker.stopping else ""
    return f"queues {', '.join(worker.queues) or 'all'}{labels}, {worker.busy} of {worker.slots} busy{stopping}"


# Running, over


def _running(run: Run, facts: Facts) -> Verdict:
    started = facts.tell(run.started_at or facts.now)
    if run.wakes_at is not None and run.wakes_at <= facts.now:
        nobody = next(_nobody(run, facts), None)
        return Verdict(
            Cause.LOST,
            f"its worker {run.worker!r} stopped giving signs of life, its lease ended {facts.tell(run.wakes_at)}"
            + (f", and {nobody.sentence}" if nobody else "; another worker takes it over at its next look"),
            nobody.evidence if nobody else (),
            nobody.remedy if nobody else "",
        )
    if run.cancelling is not None:
        return Verdict(Cause.CANCELLING, f"worker {run.worker!r} is asked to stop it: {run.cancelling}")
    return Verdict(Cause.RUNNING, f"it runs: worker {run.worker!r} started it {started}", _attempts(run, facts))


_SKIPS = (
    (
        re.compile(r"overlap with "),
        Cause.OVERLAPPED,
        "to run it nevertheless: foliot schedules trigger --overlap allow",
    ),
    (re.compile(r"expired"), Cause.EXPIRED, "more workers, or a longer expiry"),
    (re.compile(r"missed"), Cause.MISSED, "to make up for it: foliot schedules backfill"),
)


def _skipped(run: Run, facts: Facts) -> Verdict:
    reason = run.reason or ""
    for pattern, cause, remedy in _SKIPS:
        if pattern.match(reason):
            return Verdict(cause, f"it was skipped: {_said(run)}", _told(facts.others, facts), remedy)
    return Verdict(Cause.SKIPPED, f"it was skipped: {_said(run)}", _told(facts.others, facts))


def _said(run: Run) -> str:
    error = None if run.error is None else f"{run.error.kind}: {run.error.message}".strip().splitlines()[0]
    return ": ".join(filter(None, (run.reason, error))) or "no reason was given"


def _attempts(run: Run, facts: Facts) -> list[tuple[str, str]]:
    return [
        (f"attempt {n}", f"{each.outcome or 'running'} on {each.worker}, started {facts.tell(each.started_at or 0)}")
        for n, each in enumerate(run.timeline, start=1)
    ][-NAMED:]


def _told(runs: Sequence[Run], facts: Facts) -> list[tuple[str, str]]:
    return [
        (f"run {each.id}", f"{each.job} is {each.shown(facts.now)}, {_since(each, facts)}") for each in runs[:NAMED]
    ]


def _since(run: Run, facts: Facts) -> str:
    if run.finished_at is not None:
        return f"since {facts.tell(run.finished_at)}"
    if run.started_at is not None:
        return f"started {facts.tell(run.started_at)} by {run.worker}"
    return f"due {facts.tell(run.due_at)}"


def _names(runs: Sequence[Run]) -> str:
    rest = len(runs) - NAMED
    more = f" and {_many(rest, 'other')}" if rest > 0 else ""
    return (", ".join(each.id for each in runs[:NAMED]) or "none that is known") + more


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


# A schedule


def why_schedule(schedule: Schedule, facts: Facts) -> Verdict:
    """Why a schedule does not fire now."""
    try:
        trigger = triggers.loads(schedule.trigger)
    except DefinitionError as problem:
        return Verdict(Cause.UNREADABLE, f"its trigger cannot be read: {problem}", (), "put it again, or delete it")
    when = [("when", trigger.explain()), *_last(facts)]
    return next(_unfired(schedule, facts, when))


def _unfired(schedule: Schedule, facts: Facts, when: Sequence[tuple[str, str]]) -> Iterator[Verdict]:
    if schedule.paused is not None:
        note = f": {schedule.paused.note}" if schedule.paused.note else ""
        since = facts.tell(schedule.paused.at)
        yield Verdict(Cause.PAUSED, f"it is paused since {since}{note}", when, f"foliot schedules resume {schedule.id}")
    if facts.workers and not any(schedule.job in each.jobs for each in facts.workers):
        yield Verdict(
            Cause.ORPHANED,
            f"no living worker defines its job {schedule.job!r}",
            [*when, *_serving(facts.workers)],
            f"deploy the job, or: foliot schedules delete {schedule.id}",
        )
    if schedule.follows is not None:
        others = _told(facts.others, facts)
        yield Verdict(Cause.FOLLOWING, f"it counts from the end of run {schedule.follows}", [*others, *when])
    if schedule.wakes_at is None:
        yield Verdict(Cause.ENDED, "it never fires again: its trigger has no further time", when)
        return
    if schedule.wakes_at < facts.now - LATE:
        yield Verdict(
            Cause.OVERDUE,
            f"nobody fires: it was due {facts.tell(schedule.wakes_at)}",
            [*when, *_serving(facts.workers)],
            "start a scheduler on this store, or look at its log: foliot doctor",
        )
    yield _next(schedule, schedule.wakes_at, facts, when)


def _next(schedule: Schedule, at: int, facts: Facts, when: Sequence[tuple[str, str]]) -> Verdict:
    skips = ", and that occurrence is to be skipped" if at in schedule.skips else ""
    lanes = (f"queue/{schedule.placement.queue}", f"job/{schedule.job}")
    paused = _paused_lanes(lanes, facts)
    held = f", but its runs would wait: {paused[0][1]}" if paused else ""
    return Verdict(Cause.NOT_DUE, f"it is next due {facts.tell(at)}{skips}{held}", when)


def _last(facts: Facts) -> list[tuple[str, str]]:
    if facts.last is None:
        return []
    run = facts.last
    return [(f"last run {run.id}", why_run(run, Facts(now=facts.now, tell=facts.tell)).sentence)]
