"""A proof in words: Markdown, for people and for the record. Pure."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from foliot.model import Outcome, Run, State
from foliot.moments import SECOND
from foliot.testing.faults.checker import Claim, Evidence, fire_lateness, start_lateness
from foliot.testing.faults.notes import Saw
from foliot.testing.faults.prover import Proof

SPREAD = ("fan", "part", "sale", "order")
MOST_BROKEN = 20
"""How many contradictions of one claim are shown."""


def report(proof: Proof, when: datetime) -> str:
    """The whole report."""
    parts = [
        _head(proof, when),
        _claims(proof.claims),
        _broken(proof.claims),
        _faults(proof),
        _numbers(proof),
        _again(proof),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(proof: Proof) -> str:
    """The outcome in one sentence."""
    broken = sum(not claim.holds for claim in proof.claims)
    if not broken:
        return f"every claim holds after {len(proof.faults)} faults"
    return f"{broken} of {len(proof.claims)} claims do not hold"


def _head(proof: Proof, when: datetime) -> str:
    trial = proof.trial
    return (
        f"# Proof on {trial.store}, seed {trial.seed}\n\n"
        f"{verdict(proof).capitalize()}: {trial.processes} processes for {trial.seconds:.0f} seconds, "
        f"a lease of {trial.lease / SECOND:g} s, maps of {trial.parts:,} parts.\n\n"
        f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {platform.system()}."
    )


def _claims(claims: Sequence[Claim]) -> str:
    rows = [f"| {'yes' if each.holds else '**NO**'} | {each.promise} | {each.cases:,} |" for each in claims]
    return "\n".join(["| holds | claim | cases |", "|---|---|--:|", *rows])


def _broken(claims: Sequence[Claim]) -> str:
    return "\n\n".join(part for claim in claims if not claim.holds for part in _contradictions(claim))


def _contradictions(claim: Claim) -> Iterator[str]:
    yield f"## Broken: {claim.promise}"
    shown = claim.broken[:MOST_BROKEN] or ["nothing was looked at: there was no such case"]
    more = len(claim.broken) - len(shown)
    yield "\n".join([*(f"- {each}" for each in shown), *([f"- and {more} more"] if more > 0 else [])])


def _faults(proof: Proof) -> str:
    counts = Counter(fault.kind for fault in proof.faults)
    rows = [f"| {kind} | {n} |" for kind, n in counts.most_common()]
    return "\n".join(["## What went wrong on purpose", "", "| fault | times |", "|---|--:|", *rows])


def _numbers(proof: Proof) -> str:
    evidence = proof.evidence
    rows = [f"| {name} | {value} |" for name, value in [*_counts(evidence), *_latenesses(evidence)]]
    return "\n".join(["## What happened", "", "| | |", "|---|--:|", *rows])


def _counts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    seen = Counter(note.saw for note in evidence.notes)
    states = Counter(run.state for run in evidence.runs)
    yield "processes started", f"{seen[Saw.UP]:,}"
    yield "firings accepted", f"{seen[Saw.FIRED]:,}"
    yield "claims", f"{seen[Saw.CLAIMED]:,}"
    yield "executions begun", f"{seen[Saw.STARTED]:,}"
    yield "beats accepted, refused", f"{seen[Saw.KEPT]:,}, {seen[Saw.LOST]:,}"
    yield "endings accepted, refused", f"{seen[Saw.ENDED] + seen[Saw.PUT_DOWN]:,}, {seen[Saw.REFUSED]:,}"
    yield "runs taken over from a lost worker", f"{sum(_was_lost(run) for run in evidence.runs):,}"
    ends = Counter(run.job for run in evidence.runs if run.state is State.SUCCEEDED)
    yield "maps reduced, parts, sales in steps, orders", ", ".join(f"{ends[job]:,}" for job in SPREAD)
    yield "runs", ", ".join(f"{n:,} {state}" for state, n in states.most_common())
    yield "time in which nobody could work", f"{sum(b - a for a, b in evidence.outages) / SECOND:.1f} s"


def _was_lost(run: Run) -> bool:
    return any(each.outcome is Outcome.LOST for each in run.attempts)


def _latenesses(evidence: Evidence) -> Iterator[tuple[str, str]]:
    yield "lateness of firings, outages not counted: p50, p99, most", _spread(fire_lateness(evidence).values())
    yield "lateness of starts that nothing held back", _spread(start_lateness(evidence).values())
    yield "allowed", f"{evidence.patience / SECOND:g} s late, {evidence.haste / SECOND:g} s early"


def _spread(values: Iterable[int]) -> str:
    ordered = sorted(values)
    if not ordered:
        return "-"
    at = [ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1]]
    return ", ".join(f"{each / SECOND:.3f} s" for each in at)


def _again(proof: Proof) -> str:
    trial = proof.trial
    minutes = trial.seconds / 60
    return (
        "## Again\n\nThe seed plans the same faults; how they fall upon the processes differs each time.\n\n"
        f"```\nfoliot prove --store {trial.store} --minutes {minutes:g} "
        f"--processes {trial.processes} --parts {trial.parts} --seed {trial.seed}\n```"
    )
