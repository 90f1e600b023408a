"""What is wrong with a store, told from what was read of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from foliot import triggers
from foliot.cli.words import lasting, many
from foliot.cli.workers import alive, jobs_of
from foliot.errors import DefinitionError
from foliot.model import Limit, Run, Schedule, Worker
from foliot.moments import HOUR, MINUTE, SECOND

SKEW = 2 * SECOND
"""How far ahead of this clock the store's times may be."""
LATE = 10 * SECOND
"""How late a firing may be before somebody should look: longer than any loop sleeps."""
FORSAKEN = MINUTE
"""How long a due run may wait for a claim, or a lapsed lease for a take-over."""
PARKED = HOUR
"""How long a run may stand before a full lane."""
NAMED = 3
"""How many of the guilty are named; the others are counted."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found, and the remedy if it is not well."""

    check: str
    level: Level
    text: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was read: live runs (the oldest, if there are very many), the newest runs, and every record."""

    now: int
    newest: Sequence[Run] = ()
    running: Sequence[Run] = ()
    pending: Sequence[Run] = ()
    schedules: Sequence[Schedule] = ()
    limits: Sequence[Limit] = ()
    workers: Sequence[Worker] = ()
    known: frozenset[str] = frozenset()
    """Jobs that are defined here, beside those of live workers."""

    @property
    def living(self) -> list[Worker]:
        """The workers that were heard of lately."""
        return [each for each in self.workers if alive(each, self.now)]


def findings(facts: Facts) -> list[Finding]:
    """What every check found, in order."""
    return [found for name, (check, well) in _CHECKS.items() for found in _checked(facts, name, check, well)]


Problem = tuple[Level, str, str]
Check = Callable[[Facts], Iterable[Problem]]


def _checked(facts: Facts, name: str, check: Check, well: str) -> list[Finding]:
    problems = [Finding(check=name, level=level, text=text, remedy=remedy) for level, text, remedy in check(facts)]
    return problems or [Finding(check=name, level=Level.OK, text=well)]


def _clock(facts: Facts) -> Iterator[Problem]:
    times = [*(each.created_at for each in facts.newest), *(each.seen_at for each in facts.workers)]
    ahead = max(times, default=facts.now) - facts.now
    if ahead > SKEW:
        yield (
            Level.WRONG,
            f"the newest time in the store is {lasting(ahead)} ahead of this machine's clock",
            "set the clocks of all machines by NTP",
        )


def _workers(facts: Facts) -> Iterator[Problem]:
    if not facts.living:
        yield Level.NOTE, "no worker is alive", "start one: foliot run MODULE:SCHEDULER"


def _leases(facts: Facts) -> Iterator[Problem]:
    stuck = [each for each in facts.running if each.wakes_at is not None and each.wakes_at < facts.now - FORSAKEN]
    if stuck:
        yield (
            Level.WRONG,
            f"{many(len(stuck), 'run')} lost and not taken over: {_named(each.id for each in stuck)}",
            f"start a worker for {_queues(stuck)}",
        )


def _claims(facts: Facts) -> Iterator[Problem]:
    forsaken = [
        each
        for each in facts.pending
        if each.wakes_at is not None and each.wakes_at < facts.now - FORSAKEN and not each.waits
    ]
    if not forsaken:
        return
    oldest = lasting(facts.now - min(each.due_at for each in forsaken))
    text = f"{many(len(forsaken), 'run')} due for up to {oldest} and not started, in {_queues(forsaken)}"
    if facts.living and all(each.busy >= each.slots for each in facts.living):
        yield Level.NOTE, f"{text}; every worker is full", "start more workers, or raise their concurrency"
    else:
        yield Level.WRONG, text, "start a worker that serves it"


def _overdue(facts: Facts) -> Iterator[Problem]:
    overdue = [each for each in facts.schedules if each.wakes_at is not None and each.wakes_at < facts.now - LATE]
    if overdue:
        late = lasting(facts.now - min(each.wakes_at or facts.now for each in overdue))
        yield (
            Level.WRONG,
            f"{many(len(overdue), 'schedule')} up to {late} overdue: {_named(each.id for each in overdue)}",
            "nobody fires: start a scheduler on this store, or look at its log",
        )


def _orphans(facts: Facts) -> Iterator[Problem]:
    known = jobs_of(facts.living) | facts.known
    orphans = [each for each in facts.schedules if each.job not in known and each.paused is None]
    if orphans and not facts.living:
        yield (
            Level.NOTE,
            f"nobody can tell whether the jobs of {many(len(orphans), 'schedule')} are defined",
            "start a worker, or name the scheduler: --app MODULE:SCHEDULER",
        )
    elif orphans:
        yield (
            Level.WRONG,
            f"{many(len(orphans), 'schedule')} of unknown jobs: {_named(each.id for each in orphans)}",
            "no live worker defines them; deploy the job, or: foliot schedules delete ID",
        )


def _triggers(facts: Facts) -> Iterator[Problem]:
    for schedule in facts.schedules:
        try:
            triggers.loads(schedule.trigger)
        except DefinitionError as problem:
            yield (
                Level.WRONG,
                f"the trigger of {schedule.id!r} cannot be read: {problem}",
                "put it again, or delete it; a newer Foliot may have written it",
            )


def _parked(facts: Facts) -> Iterator[Problem]:
    paused = {each.id for each in facts.limits if each.paused is not None}
    parked = [each for each in facts.pending if each.parked is not None and each.due_at < facts.now - PARKED]
    for lane, count in Counter(each.parked or "" for each in parked).items():
        text = f"{many(count, 'run')} parked before {lane} for more than {lasting(PARKED)}"
        if lane in paused:
            yield (
                Level.NOTE,
                f"{text}: it is paused",
                f"resume it when you are done: {_resuming(lane)}",
            )
        else:
            yield (
                Level.WRONG,
                text,
                "raise its limit, or look at what holds its places: foliot runs list --state running",
            )


def _paused(facts: Facts) -> Iterator[Problem]:
    paused = [each.id for each in facts.schedules if each.paused is not None]
    paused += [each.id for each in facts.limits if each.paused is not None]
    if paused:
        yield (
            Level.NOTE,
            f"paused: {_named(paused)}",
            "foliot schedules list --paused, foliot queues list, foliot jobs list",
        )


def _named(ids: Iterable[str]) -> str:
    names = list(ids)
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {many(rest, 'other')}" if rest > 0 else "")


def _queues(runs: Iterable[Run]) -> str:
    names = sorted({each.place for each in runs})
    return f"queue {_named(names)}" if len(names) == 1 else f"queues {_named(names)}"


def _resuming(lane: str) -> str:
    kind, _, name = lane.partition("/")
    return f"foliot {kind}s resume {name}" if kind in {"queue", "job"} else f"whoever paused {lane} can"


_CHECKS: dict[str, tuple[Check, str]] = {
    "clock": (_clock, "no time in the store is ahead of this machine's clock"),
    "workers": (_workers, "there are live workers"),
    "leases": (_leases, "every running run has a worker"),
    "claims": (_claims, "what is due is started"),
    "firing": (_overdue, "no schedule is overdue"),
    "orphans": (_orphans, "every schedule's job is defined"),
    "triggers": (_triggers, "every trigger can be read"),
    "parked": (_parked, "nothing has stood before a full lane for long"),
    "pauses": (_paused, "nothing is paused"),
}
