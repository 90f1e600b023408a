"""What flows and what stands: plain frozen values, the vocabulary of every other module.

Instants are whole microseconds since the epoch, UTC; lengths are whole microseconds. Arguments and results are JSON
text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, dataclass_transform

import msgspec

from foliot.moments import DAY, MINUTE
from foliot.retry import Retries

PRIORITIES = range(10)
USUAL_PRIORITY = 5
AGEING = MINUTE
"""A run that has waited this long counts as one priority higher, so nothing starves."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plain frozen value that travels as JSON. It never contains itself, so the garbage collector need not look."""


class State(StrEnum):
    """Where a run is. Shown states (scheduled, waiting, retrying, lost, paused) are derived, see ``Run.shown``."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def over(self) -> bool:
        """Whether a run in this state has ended for good."""
        return self not in LIVE


LIVE = frozenset({State.PENDING, State.RUNNING})


class Outcome(StrEnum):
    """How one attempt at a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    """Its process died under it: out of memory, or by a signal."""
    LOST = "lost"
    """Its worker stopped beating and somebody else took it over."""
    RELEASED = "released"
    """Its worker shut down and gave it back; no failure of the job's."""
    SNOOZED = "snoozed"
    """It asked to be looked at later."""


class Clash(StrEnum):
    """What to do with a new run whose unique key a live run already holds."""

    DROP = "drop"
    """Add nothing; the answer names the holder."""
    SKIP = "skip"
    """Add it as skipped, with the reason."""
    REPLACE = "replace"
    """Cancel the holder and take its key."""
    RENEW = "renew"
    """Give the holder, if it has not started yet, the new arguments and due time; add nothing (debounce)."""


class Hold(StrEnum):
    """How long a run keeps its unique key."""

    START = "start"
    """Until it first starts."""
    OVER = "over"
    """Until it is over."""


class Unique(Value, kw_only=True):
    """A key that one run holds at a time.

    With ``until``, the key is held to that instant, whatever becomes of the run.
    """

    key: str
    clash: Clash = Clash.DROP
    hold: Hold = Hold.OVER
    until: int | None = None


class Failure(Value, kw_only=True):
    """What went wrong: the exception's class name, its message, and the traceback as text."""

    kind: str
    message: str
    traceback: str = ""


class Attempt(Value, kw_only=True):
    """One attempt at a run: who tried, when, and how it ended."""

    token: int
    worker: str | None
    started_at: int | None
    ended_at: int | None = None
    outcome: Outcome | None = None
    error: Failure | None = None


class Progress(Value, kw_only=True):
    """How far a running job says it is."""

    done: float
    total: float | None = None
    note: str = ""


class Route(StrEnum):
    """How a run finds the worker that it prefers."""

    STICKY = "sticky"
    """Always the same for one key, or for the same arguments if there is none; few move when workers come or go."""
    ROUND = "round"
    """One after the other."""
    RANDOM = "random"
    """Any, by lot."""
    LEAST_RECENT = "least_recent"
    """The one that was chosen here the longest time ago."""
    FIRST = "first"
    """The first by name."""
    LAST = "last"
    """The last by name."""


Shards = int | tuple[Any, ...]
"""How many shares some work is parted into, or an argument for each."""


class Terms(Value, kw_only=True):
    """What a caller asked for in the place of the job's own options; None keeps the job's.

    ``followed`` says that the run's schedule counts its next time from the end of the run (overlap ``delay``);
    ``anyway`` that it runs whatever became of the runs it waits for; ``only`` that nobody but its ``target`` may
    execute it. ``shard`` is the number of its share of the work, from 0, and how many there are. ``route`` says how
    its target is chosen when it is added. ``shards`` is how many shares its work is parted into.
    """

    timeout: int | None = None
    retries: Retries | None = None
    followed: bool = False
    anyway: bool = False
    only: bool = False
    shard: tuple[int, int] | None = None
    shards: Shards | None = None
    route: Route | None = None


class Run(Value, kw_only=True):
    """One wanted execution of a job, from the moment it is wanted until it is over.

    ``wakes_at`` is when somebody should look at it: its due time while pending, the end of its lease while running;
    None while it waits for other runs (``waits`` of them), while it is parked before a full lane, and when it is over.
    ``token`` counts claims, ``failures`` counts failures; only the holder of the newest token may beat or finish.
    ``parent`` is the run that spawned it, ``needs`` are the labels that its worker must have, ``target`` the one worker
    it is meant for.
    """

    id: str
    job: str
    due_at: int
    created_at: int
    queue: str = "default"
    priority: int = USUAL_PRIORITY
    args: str = "{}"
    state: State = State.PENDING
    reason: str | None = None
    wakes_at: int | None = None
    token: int = 0
    failures: int = 0
    schedule: str | None = None
    nominal_at: int | None = None
    expires_at: int | None = None
    deadline_at: int | None = None
    terms: Terms | None = None
    key: str | None = None
    lanes: tuple[str, ...] = ()
    unique: Unique | None = None
    target: str | None = None
    needs: tuple[str, ...] = ()
    parent: str | None = None
    parked: str | None = None
    after: tuple[str, ...] = ()
    waits: int = 0
    cancelling: str | None = None
    worker: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    result: str | None = None
    error: Failure | None = None
    progress: Progress | None = None
    tags: tuple[str, ...] = ()
    meta: dict[str, Any] = {}
    headers: dict[str, str] = {}

    @property
    def place(self) -> str:
        """Where workers look for it: ``queue``, ``queue+label+label``, or ``@worker`` if it is meant for one only."""
        if self.target is not None:
            return f"@{self.target}"
        return "+".join((self.queue, *sorted(self.needs))) if self.needs else self.queue

    @property
    def every_lane(self) -> tuple[str, ...]:
        """All lanes in which it takes a place while it runs."""
        return (f"queue/{self.queue}", f"job/{self.job}", *self.lanes)

    @property
    def rank(self) -> int:
        """Its place in the order of claims among what is due: the lowest goes first, ties by id."""
        return (self.due_at if self.wakes_at is None else self.wakes_at) - self.priority * AGEING

    @property
    def timeline(self) -> tuple[Attempt, ...]:
        """Every attempt at it, the last one included."""
        if self.started_at is None:
            return self.attempts
        how = Outcome(self.state) if self.state.over else None
        last = Attempt(
            token=self.token,
            worker=self.worker,
            started_at=self.started_at,
            ended_at=self.finished_at,
            outcome=how,
            error=self.error,
        )
        return (*self.attempts, last)

    def shown(self, now: int) -> str:
        """The state as people see it."""
        match self.state:
            case State.RUNNING:
                lapsed = self.wakes_at is not None and self.wakes_at <= now
                return "lost" if lapsed else "cancelling" if self.cancelling is not None else "running"
            case State.PENDING if self.waits or self.parked is not None:
                return "waiting"
            case State.PENDING if self.failures:
                return "retrying"
            case State.PENDING if self.due_at > now:
                return "scheduled"
            case state:
                return state.value


def family(lane: str) -> str:
    """The family of a lane: ``key/resize#a.png`` is of the family ``key/resize``; other lanes are their own family."""
    return lane.partition("#")[0]


# What stands: schedules, limits, workers


class Overlap(StrEnum):
    """What a firing does when an earlier run of its schedule is still live."""

    SKIP = "skip"
    QUEUE = "queue"
    QUEUE_ONE = "queue_one"
    DELAY = "delay"
    REPLACE = "replace"
    ALLOW = "allow"


class Catchup(StrEnum):
    """Which of the instants that passed while nobody was there are run; the others are recorded as skipped."""

    LATEST = "latest"
    EARLIEST = "earliest"
    ALL = "all"
    NONE = "none"


class Placement(Value, kw_only=True):
    """Where and how a schedule's runs are placed; lengths count from when a run is due."""

    queue: str = "default"
    priority: int = USUAL_PRIORITY
    needs: tuple[str, ...] = ()
    key: str | None = None
    lanes: tuple[str, ...] = ()
    expires: int | None = None
    deadline: int | None = None
    terms: Terms | None = None
    tags: tuple[str, ...] = ()
    meta: dict[str, Any] = {}


class Pause(Value, kw_only=True):
    """Why something stands still, and since when."""

    at: int
    note: str = ""


class Schedule(Value, kw_only=True):
    """A job with a trigger and arguments, standing in the store.

    ``trigger`` is what fires it, settled for good when the schedule was created; ``declared`` is the trigger as it was
    asked for. ``wakes_at`` is when somebody should look at it: the next nominal instant, or, while ``follows`` names a
    run (overlap ``delay``), the time to look whether that run is over. None: never again, or paused. ``version`` is
    raised by the store at each change; a firing made from an older version is refused. ``behind`` counts the instants
    passed since it last was up to date. ``owner`` is the program that declared it.
    """

    id: str
    job: str
    trigger: str
    created_at: int
    declared: str = ""
    args: str = "{}"
    placement: Placement = Placement()
    overlap: Overlap = Overlap.SKIP
    catchup: Catchup = Catchup.LATEST
    window: int = DAY
    most: int = 100
    pause_after: int | None = None
    wakes_at: int | None = None
    follows: str | None = None
    behind: int = 0
    last_at: int | None = None
    last_run: str | None = None
    fired: int = 0
    skips: tuple[int, ...] = ()
    paused: Pause | None = None
    source: str = "code"
    owner: str = ""
    version: int = 0


class Limit(Value, kw_only=True):
    """How much may happen in a lane: ``running`` at once, ``starts`` per ``per`` microseconds; nothing while paused.

    ``id`` names a lane (``queue/mail``, ``job/resize``, ``key/resize#a.png``) or a family of lanes (``key/resize``),
    each of which then has this limit for itself. A lane's own limit goes before its family's.
    """

    id: str
    running: int | None = None
    starts: int | None = None
    per: int | None = None
    paused: Pause | None = None
    source: str = "code"
    owner: str = ""

    @property
    def unbounded(self) -> bool:
        """Whether it bounds nothing."""
        return self.running is None and self.starts is None and self.paused is None


class Worker(Value, kw_only=True):
    """Who executes runs, as last heard of. An empty ``queues`` means every queue."""

    id: str
    host: str = ""
    pid: int = 0
    queues: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    slots: int = 0
    busy: int = 0
    started_at: int = 0
    seen_at: int = 0
    stopping: bool = False


Record = Schedule | Limit | Worker


# What verbs take and give


class Fate(StrEnum):
    """What became of a run that was to be added."""

    ADDED = "added"
    KNOWN = "known"
    SKIPPED = "skipped"
    DROPPED = "dropped"
    RENEWED = "renewed"


class Added(Value, kw_only=True):
    """What became of one run to be added, and the id of the run that stands for it now: the holder's, if it clashed."""

    id: str
    fate: Fate


class Change(Value, kw_only=True):
    """A change to runs. Fields left None stay as they are."""

    cancel: str | None = None
    """Cancel it, with this reason: at once if it is pending, at its next beat if it runs."""
    due_at: int | None = None
    priority: int | None = None
    revive: bool = False
    """Make a run that is over pending again, due now, with no failures counted."""
    lines: tuple[Line, ...] = ()
    """Keep these lines with it: those numbered above the last one it has, so handing them in twice is once."""


class Claim(Value, kw_only=True):
    """A worker's wish for due runs: at most ``limit``, from these queues (empty: all), each leased for ``lease``.

    ``labels`` are what this worker has, so that it may take runs that need them. ``targets`` are other workers, known
    to be gone, for whom it answers too.
    """

    worker: str
    limit: int
    lease: int
    queues: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def doors(self) -> tuple[str, ...]:
        """The places of what is meant for one worker only at which this claim looks."""
        return tuple(dict.fromkeys(f"@{name}" for name in (self.worker, *self.targets)))


def serves(place: str, claim: Claim) -> bool:
    """Whether a claim looks at a place: at its queues, where it has every label that is needed, and at its doors."""
    if place.startswith("@"):
        return place in claim.doors
    queue, *needs = place.split("+")
    return (not claim.queues or queue in claim.queues) and set(needs) <= set(claim.labels)


class Batch(Value, kw_only=True):
    """What a claim brought, in order, and when to come back: None when the batch is full, or nothing will be due."""

    runs: tuple[Run, ...] = ()
    wake_at: int | None = None


class Line(Value, kw_only=True):
    """One line of a run's log; ``n`` is given by the store and grows within a run, from 1."""

    at: int
    level: str
    text: str
    fields: dict[str, Any] | None = None
    n: int = 0


class Beat(Value, kw_only=True):
    """A sign of life for one claimed run, with what it has logged and how far it is."""

    run: str
    token: int
    lines: tuple[Line, ...] = ()
    progress: Progress | None = None


class Verdict(StrEnum):
    """The answer to a beat."""

    KEEP = "keep"
    STOP = "stop"
    LOST = "lost"


class Reply(Value, kw_only=True):
    """The answer to a beat, and for STOP the reason why."""

    verdict: Verdict
    reason: str | None = None


class Firing(Value, kw_only=True):
    """A schedule as it should stand after firing, the version it was decided from, and the runs it fires."""

    schedule: Schedule
    expect: int
    runs: tuple[Run, ...] = ()


class Agenda(Value, kw_only=True):
    """Which firings were accepted, which schedules are due now, and when to come back."""

    fired: tuple[bool, ...] = ()
    due: tuple[Schedule, ...] = ()
    wake_at: int | None = None


class Ending(Value, kw_only=True):
    """How a claim ends: in a final state, or pending again at ``due_at`` (retry, snooze, give back, wait for others).

    ``failed`` counts a failure. ``outcome`` keeps the attempt in the timeline of a run that goes on. ``spawn`` is added
    and ``wait`` waited for in the same step, only if the claim still stands: a zombie spawns nothing. ``firing`` lets
    the end of a run set its schedule's next time.
    """

    run: str
    token: int
    state: State
    due_at: int | None = None
    failed: bool = False
    outcome: Outcome | None = None
    reason: str | None = None
    result: str | None = None
    error: Failure | None = None
    progress: Progress | None = None
    lines: tuple[Line, ...] = ()
    spawn: tuple[Run, ...] = ()
    wait: tuple[str, ...] = ()
    firing: Firing | None = None


class Query(Value, kw_only=True):
    """Which runs: all given fields must match; empty ones match all. Times are compared with ``created_at``.

    ``tags`` must all be there; ``meta`` maps dotted paths to the values they must have. ``after`` continues a page.
    ``brief`` asks how each run stands and what it gave, and lets the store leave out the rest.
    """

    ids: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    jobs: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    meta: dict[str, Any] = {}
    since: int | None = None
    until: int | None = None
    oldest_first: bool = False
    after: str | None = None
    limit: int = 100
    brief: bool = False


class Page(Value, kw_only=True):
    """Runs that match by id, newest first unless asked otherwise; ``cursor`` continues where this page ends."""

    runs: tuple[Run, ...] = ()
    cursor: str | None = None


class Topic(StrEnum):
    """What a hint is about."""

    RUNS = "runs"
    SCHEDULES = "schedules"
    CANCELS = "cancels"


class Hint(Value, kw_only=True):
    """Something may have changed: runs or schedules that are due from ``at`` on (None: now), or a run to cancel."""

    topic: Topic
    at: int | None = None
