"""What must hold when all is over, read from the store and from the chronicle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foliot.model import Outcome, Overlap, Run, Schedule, State
from foliot.moments import SECOND
from foliot.policy import LOOK
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.network import PATIENCE
from foliot.testing.simulation.plan import Plan
from foliot.testing.simulation.spreading import counted
from foliot.triggers import loads


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a judge needs to know beside the store: ``step`` is how far the store's clock was off in the calm."""

    plan: Plan
    chronicle: Chronicle
    calm_at: int
    step: int
    epoch: int


def judged(ledger: Ledger, schedules: Sequence[Schedule], runs: Sequence[Run]) -> None:
    """Write every broken promise into the chronicle."""
    kept = {run.id: run for run in runs}
    for schedule in schedules:
        _each_instant_has_one_record(ledger.chronicle, schedule, runs)
    _everything_ended_once(ledger.chronicle, runs)
    _nothing_acknowledged_is_lost(ledger.chronicle, kept)
    _at_most_once_is_kept(ledger, runs)
    counted(ledger.chronicle, runs)
    _firings_were_punctual_in_the_calm(ledger)


def _each_instant_has_one_record(chronicle: Chronicle, schedule: Schedule, runs: Sequence[Run]) -> None:
    if schedule.overlap is Overlap.DELAY:
        return  # its instants depend on how long its runs take
    trigger = loads(schedule.trigger).bound(schedule.id)
    until = schedule.wakes_at or 0
    expected = {at for at in trigger.instants(schedule.created_at, until) if at < until}
    found = {run.nominal_at for run in runs if run.schedule == schedule.id and run.nominal_at is not None}
    if missing := sorted(expected - found):
        chronicle.wrong(f"schedule {schedule.id!r}: {len(missing)} instants left no record, the first at {missing[0]}")
    if odd := sorted(found - expected):
        chronicle.wrong(f"schedule {schedule.id!r}: {len(odd)} records of no instant of its, the first at {odd[0]}")


def _everything_ended_once(chronicle: Chronicle, runs: Sequence[Run]) -> None:
    for run in runs:
        if not run.state.over:
            chronicle.wrong(f"run {run.id} of {run.job!r} never ended: it is {run.state.value}, parked={run.parked}")
        elif run.token and run.state in {State.SUCCEEDED, State.FAILED} and chronicle.ends[run.id] != 1:
            chronicle.wrong(f"run {run.id} of {run.job!r} ended {chronicle.ends[run.id]} times")
        if run.token != chronicle.tokens.get(run.id, 0):
            chronicle.wrong(f"run {run.id} has the token {run.token}, {chronicle.tokens.get(run.id)} was given out")


def _nothing_acknowledged_is_lost(chronicle: Chronicle, kept: dict[str, Run]) -> None:
    for id in chronicle.wanted:
        if id not in kept:
            chronicle.wrong(f"run {id} was acknowledged, and is not in the store")


def _at_most_once_is_kept(ledger: Ledger, runs: Sequence[Run]) -> None:
    careful = {load.name for load in ledger.plan.loads if load.at_most_once}
    for run in runs:
        lost = [each.token for each in run.attempts if each.outcome is Outcome.LOST]
        if run.job in careful and lost:
            again = [token for id, token in ledger.chronicle.executions if id == run.id and token > min(lost)]
            if again:
                ledger.chronicle.wrong(f"run {run.id} of {run.job!r} was executed again after it was lost")


def _firings_were_punctual_in_the_calm(ledger: Ledger) -> None:
    """Whoever is up fires when it is time, by the store's clock or by its own."""
    plan = ledger.plan
    skew, step = (0, ledger.step) if plan.follow else (plan.skew, 0)
    bound = skew + 2 * SECOND + 40 * plan.trip
    settled = ledger.calm_at + 4 * (plan.lease + plan.look) + 2 * PATIENCE
    for at, run in ledger.chronicle.fired:
        if at < settled or run.nominal_at is None:
            continue
        late = at + ledger.epoch + step - run.nominal_at
        looks = LOOK if run.terms is not None and run.terms.followed else 0  # for a run that ended another way
        if abs(late) > bound + looks:
            ledger.chronicle.wrong(
                f"{run.schedule!r} fired {late / SECOND:.3f} s late in the calm; {bound / SECOND:.3f} s is the bound"
            )
            return
