"""Whether everything the demo claims was true, told from the records of the store. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from foliot.cli.words import many
from foliot.model import Outcome, Run, Schedule, State
from foliot.triggers import loads


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that should be true, whether it is, and what was seen."""

    text: str
    kept: bool
    seen: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """How the play ended: the last look at the store, and what became of the worker processes."""

    runs: Sequence[Run]
    schedules: Sequence[Schedule]
    killed: str
    survivor: str
    killed_code: int
    survivor_code: int
    worker_pids: frozenset[int]


def claims(ends: Ends) -> list[Claim]:
    """Everything the demo claims."""
    one = {each.job: each for each in ends.runs if each.schedule is None}
    return [
        *_instants(ends),
        _all_over(ends.runs),
        _retried(one["flaky"]),
        _overlaps([each for each in ends.runs if each.job == "slow"]),
        _timed_out(one["stuck"]),
        _own_process(one["primes"], ends.worker_pids),
        _cancelled(one["patience"]),
        _taken_over(one["report"], ends),
        _drained(ends),
    ]


def _instants(ends: Ends) -> Iterator[Claim]:
    for schedule in ends.schedules:
        expected = instants(schedule)
        found = Counter(each.nominal_at for each in ends.runs if each.schedule == schedule.id)
        missing = [each for each in expected if found[each] == 0]
        twice = [each for each, count in found.items() if count > 1]
        strange = found.keys() - set(expected)
        yield Claim(
            f"every instant of {schedule.id} has exactly one record",
            bool(expected) and not missing and not twice and not strange,
            f"{many(len(expected), 'instant')}, {len(missing)} without a record, {len(twice)} with two",
        )


def instants(schedule: Schedule) -> list[int]:
    """Every instant of a schedule from its creation to the last one that was fired."""
    if schedule.last_at is None:
        return []
    return list(loads(schedule.trigger).bound(schedule.id).instants(schedule.created_at, schedule.last_at))


def _all_over(runs: Sequence[Run]) -> Claim:
    live = [each for each in runs if not each.state.over]
    return Claim("every run that was wanted is over", not live, f"{many(len(runs), 'run')}, {len(live)} not over")


def _retried(run: Run) -> Claim:
    return _outcomes("flaky failed twice and then succeeded", run, [Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED])


def _outcomes(text: str, run: Run, wanted: Sequence[Outcome]) -> Claim:
    """The attempts ended like this; those lost with a killed worker are another claim's business."""
    found = [each.outcome for each in run.timeline if each.outcome is not Outcome.LOST]
    return Claim(text, found == wanted, ", then ".join("running" if each is None else each.value for each in found))


def _overlaps(runs: Sequence[Run]) -> Claim:
    skipped = [each for each in runs if each.state is State.SKIPPED and (each.reason or "").startswith("overlap")]
    done = [each for each in runs if each.state is State.SUCCEEDED]
    return Claim(
        "slow never overlapped itself, and each skipped firing says so",
        bool(skipped) and bool(done) and not _overlapping(done),
        f"{many(len(done), 'run')} one after the other, {len(skipped)} skipped",
    )


def _overlapping(runs: Sequence[Run]) -> bool:
    spans = sorted((each.started_at or 0, each.finished_at or 0) for each in runs)
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _timed_out(run: Run) -> Claim:
    error = "" if run.error is None else run.error.kind
    return Claim(
        "stuck was stopped by its timeout",
        run.state is State.FAILED and error == "TimeoutError",
        f"{run.state}: {error}",
    )


def _own_process(run: Run, workers: frozenset[int]) -> Claim:
    result = msgspec.json.decode(run.result or "{}")
    pid = result.get("pid")
    return Claim(
        "primes ran in a process of its own",
        run.state is State.SUCCEEDED and pid is not None and pid not in workers,
        f"{run.state}, {result.get('primes')} primes, process {pid}",
    )


def _cancelled(run: Run) -> Claim:
    return Claim(
        "patience was cancelled while it ran",
        run.state is State.CANCELLED and run.started_at is not None,
        f"{run.state}: {run.reason}",
    )


def _taken_over(run: Run, ends: Ends) -> Claim:
    steps = [(each.worker, each.outcome) for each in run.timeline]
    wanted = [(ends.killed, Outcome.LOST), (ends.survivor, Outcome.SUCCEEDED)]
    return Claim(
        f"report was lost with {ends.killed}, taken over and finished by {ends.survivor}",
        steps == wanted and _killed(ends.killed_code),
        ", then ".join(f"{outcome} on {worker}" for worker, outcome in steps),
    )


def _killed(code: int) -> bool:
    return code != 0 if os.name == "nt" else code == -9


def _drained(ends: Ends) -> Claim:
    """On Windows a process can only be ended at once, and there is no good end to see."""
    return Claim(
        f"{ends.survivor} finished its work when asked to stop",
        ends.survivor_code == 0 or os.name == "nt",
        f"exit code {ends.survivor_code}",
    )


def kept(all_claims: Sequence[Claim]) -> bool:
    """Whether all of it was true."""
    return all(each.kept for each in all_claims)
