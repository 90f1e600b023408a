"""Whether the promises were kept: pure functions from evidence to claims, each with what contradicts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from foliot.model import Overlap, Run, State
from foliot.moments import SECOND
from foliot.policy import LOOK
from foliot.testing.faults.counting import counted_once, kept_once, went_their_way
from foliot.testing.faults.evidence import Claim, Evidence, Span
from foliot.testing.faults.notes import WRITES, Note, Saw
from foliot.testing.faults.spreading import UNSEEN
from foliot.testing.faults.work import STANDING


def check(evidence: Evidence) -> list[Claim]:
    """Every claim, in the order in which the guarantees name them."""
    return [claim(evidence) for claim in CLAIMS]


# A firing happens exactly once


def each_instant_once(evidence: Evidence) -> Claim:
    """Every second of every schedule has one record, from its first to its last."""
    broken: list[str] = []
    cases = 0
    last = {each.id: each.last_at for each in evidence.schedules}
    for standing in STANDING:
        instants = sorted(run.nominal_at or 0 for run in evidence.runs if run.schedule == standing.name)
        cases += len(instants)
        broken += [f"{standing.name}: two records for {each}" for each, n in Counter(instants).items() if n > 1]
        if standing.each_second:
            broken += _gaps(standing.name, instants, last.get(standing.name))
    return Claim(promise="every nominal instant left exactly one record", cases=cases, broken=broken)


def _gaps(name: str, instants: Sequence[int], last: int | None) -> Iterator[str]:
    if not instants:
        yield f"{name}: not one record"
        return
    for earlier, later in pairwise(sorted(set(instants))):
        if later - earlier != SECOND:
            yield f"{name}: nothing between {earlier} and {later}"
    if last != instants[-1]:
        yield f"{name}: its last instant is {last}, the last record is of {instants[-1]}"


def fired_once(evidence: Evidence) -> Claim:
    """The store accepted no instant twice, and has kept each that it accepted."""
    fired = [note for note in evidence.notes if note.saw is Saw.FIRED]
    twice = [f"{name} fired twice for {at}" for (name, at), n in _counted(fired) if n > 1]
    gone = [
        f"{note.schedule}: the firing of {note.nominal} is gone" for note in fired if note.run not in evidence.by_id
    ]
    return Claim(
        promise="no instant was fired twice, and no accepted firing got lost", cases=len(fired), broken=twice + gone
    )


def _counted(fired: Iterable[Note]) -> Iterable[tuple[tuple[str | None, int | None], int]]:
    return Counter((note.schedule, note.nominal) for note in fired).items()


# A run is executed at least once and ends once


def nothing_lost(evidence: Evidence) -> Claim:
    """Whatever was answered for is there, and all is over after the quiet time."""
    wanted, runs = evidence.wanted, evidence.by_id
    broken = [f"run {each} was accepted and is gone" for each in wanted if each not in runs]
    broken += [f"run {run.id} is still {run.state}" for run in evidence.runs if not run.state.over]
    broken += [_odd_end(run) for run in evidence.runs if run.job in _ENDS and run.state.over and not _fits(run)]
    return Claim(promise="nothing was lost: all that was wanted is over", cases=len(evidence.runs), broken=broken)


_ENDS = {
    "steady": (State.SUCCEEDED,),
    "flaky": (State.SUCCEEDED,),
    "precious": (State.SUCCEEDED, State.FAILED),
    **dict.fromkeys(("fan", "part", "gather", "sale", "order"), (State.SUCCEEDED,)),
}


def _fits(run: Run) -> bool:
    return run.state in _ENDS[run.job]


def _odd_end(run: Run) -> str:
    return f"run {run.id} of {run.job} ended as {run.state}: {run.reason}"


def ended_once(evidence: Evidence) -> Claim:
    """The store accepted one final ending of each run, and it is the one that stands."""
    ended = evidence.seen(Saw.ENDED)
    broken: list[str] = []
    for run, notes in ended.items():
        if len(notes) > 1:
            broken.append(f"run {run} ended {len(notes)} times: under {_tokens(notes)}")
        broken += [
            f"run {run} was told it ended as {note.state} under {note.token}, and is {_stands(evidence, run)}"
            for note in notes
            if _stands(evidence, run) != f"{note.state} under {note.token}"
        ]
    return Claim(promise="no run ended twice, and no accepted ending got lost", cases=len(ended), broken=broken)


def _stands(evidence: Evidence, run: str) -> str:
    kept = evidence.by_id.get(run)
    return "gone" if kept is None else f"{kept.state} under {kept.token}"


def _tokens(notes: Iterable[Note]) -> str:
    return ", ".join(str(note.token) for note in notes)


def fenced(evidence: Evidence) -> Claim:
    """No beat and no ending was accepted once a newer claim, or the end of the run, had been answered."""
    claims, ends = evidence.seen(Saw.CLAIMED), evidence.seen(Saw.ENDED)
    writes = [note for note in evidence.notes if note.saw in WRITES]
    broken = [
        f"run {note.run}: {note.saw} under {note.token}, after it had been {newer.saw} under {newer.token}"
        for note in writes
        for newer in _fence(note, claims.get(note.run, ()), ends.get(note.run, ()))
    ]
    return Claim(promise="no stale write was accepted", cases=len(writes), broken=broken)


def _fence(write: Note, claims: Iterable[Note], ends: Iterable[Note]) -> Iterator[Note]:
    """What should have kept this write out: known before it was asked for."""
    yield from (each for each in claims if each.token > write.token and each.at < write.since)
    yield from (each for each in ends if each is not write and each.at < write.since)


def one_holder(evidence: Evidence) -> Claim:
    """Each token was given once, and executed once at most; whoever succeeded really ran."""
    claimed, started = evidence.seen(Saw.CLAIMED), evidence.seen(Saw.STARTED)
    ran = {(note.run, note.token) for notes in started.values() for note in notes}
    broken = [f"run {run} was claimed twice under {token}" for run, token in _repeated(claimed)]
    broken += [f"run {run} was executed twice under {token}" for run, token in _repeated(started)]
    broken += [
        f"run {run.id} succeeded under {run.token}, and nobody executed it so"
        for run in evidence.runs
        if run.state is State.SUCCEEDED and _is_ours(run) and (run.id, run.token) not in ran
    ]
    broken += [f"run {run.id} counts its claims {_counts(run)}" for run in evidence.runs if not _counts_up(run)]
    return Claim(promise="each claim had a token of its own, and who succeeded had run", cases=len(ran), broken=broken)


def _repeated(notes: Mapping[str, Sequence[Note]]) -> Iterator[tuple[str, int]]:
    for run, those in notes.items():
        yield from ((run, token) for token, n in Counter(each.token for each in those).items() if n > 1)


def _is_ours(run: Run) -> bool:
    return not run.job.startswith("foliot.") and run.job not in UNSEEN


def _counts(run: Run) -> list[int]:
    return [each.token for each in run.timeline]


def _counts_up(run: Run) -> bool:
    return all(earlier < later for earlier, later in pairwise(_counts(run)))


def at_most_once(evidence: Evidence) -> Claim:
    """What asked to be executed at most once was not executed twice."""
    started = {run: notes for run, notes in evidence.seen(Saw.STARTED).items() if _job(evidence, run) == "precious"}
    broken = [f"run {run} was executed {len(notes)} times" for run, notes in started.items() if len(notes) > 1]
    return Claim(promise="at_most_once: nothing was executed a second time", cases=len(started), broken=broken)


def _job(evidence: Evidence, run: str) -> str | None:
    kept = evidence.by_id.get(run)
    return None if kept is None else kept.job


# Overlap


def never_two(evidence: Evidence) -> Claim:
    """Of a schedule whose runs may not overlap, no two were executed at once by holders of their leases.

    And none was skipped, replaced or failed that its policy keeps.
    """
    spells = _spells(evidence)
    alone = [each.name for each in STANDING if each.alone]
    broken = [f"{name}: {said}" for name in alone for said in _at_once(sorted(spells.get(name, ())))]
    broken += [f"{run.schedule}: {_odd_end(run)}" for run in evidence.runs if not _as_its_policy_says(evidence, run)]
    return Claim(
        promise="overlap policies were kept: never two at once, and none given up but as they say",
        cases=sum(len(spells.get(name, ())) for name in alone),
        broken=broken,
    )


_GIVEN_UP = {
    Overlap.SKIP: (State.SKIPPED, "overlap with "),
    Overlap.QUEUE_ONE: (State.SKIPPED, "overlap with "),
    Overlap.REPLACE: (State.CANCELLED, "replaced by "),
}
"""How a policy lets go of runs, and the reason, which names the run of the same schedule that was in the way."""


def _as_its_policy_says(evidence: Evidence, run: Run) -> bool:
    overlap, reason = _OVERLAPS.get(run.schedule or ""), run.reason or ""
    if overlap is None or run.state is State.SUCCEEDED or not run.state.over:
        return True
    if run.state is State.SKIPPED and reason.startswith("missed: "):
        return True
    state, because = _GIVEN_UP.get(overlap, (None, ""))
    other = evidence.by_id.get(reason.removeprefix(because))
    return run.state is state and other is not None and other.schedule == run.schedule


_OVERLAPS = {each.name: each.overlap for each in STANDING}


def _at_once(spells: Iterable[Spell]) -> Iterator[str]:
    """Those that began while another run was still being executed."""
    latest: Spell | None = None
    for each in spells:
        if latest is not None and each.span.start < latest.span.end and each.run != latest.run:
            both = latest.span.end - each.span.start
            yield f"{latest.run} (token {latest.token}) and {each.run} (token {each.token}) for {both} us"
        if latest is None or each.span.end > latest.span.end:
            latest = each


class Spell(NamedTuple):
    """One execution, as long as it held its lease."""

    span: Span
    run: str
    token: int


def _spells(evidence: Evidence) -> Mapping[str, list[Spell]]:
    """Executions by schedule, cut where a newer claim was asked for: from then on they are nobody's."""
    claims, returned = evidence.seen(Saw.CLAIMED), evidence.seen(Saw.RETURNED)
    spells: dict[str, list[Spell]] = defaultdict(list)
    for note in evidence.notes:
        if note.saw is Saw.STARTED and note.schedule is not None:
            ends = [each.at for each in returned.get(note.run, ()) if each.token == note.token]
            ends += [each.since for each in claims.get(note.run, ()) if each.token > note.token]
            end = min(ends, default=note.at)
            if end > note.at:
                spells[note.schedule].append(Spell(Span(note.at, end), note.run, note.token))
    return spells


# Punctuality


def on_time(evidence: Evidence) -> Claim:
    """Firings came no later than is allowed after their instant, times when nobody could work not counted."""
    late = fire_lateness(evidence)
    return Claim(
        promise="every firing was on time: within a lease and a bound, outages not counted",
        cases=len(late),
        broken=list(_out_of_bounds(evidence, "fired", late)),
    )


def started_on_time(evidence: Evidence) -> Claim:
    """Runs that nothing held back were started no later than is allowed after they were due."""
    late = start_lateness(evidence)
    return Claim(
        promise="every run that nothing held back started on time",
        cases=len(late),
        broken=list(_out_of_bounds(evidence, "started", late)),
    )


def _out_of_bounds(evidence: Evidence, what: str, late: Mapping[str, int]) -> Iterator[str]:
    for run, by in late.items():
        if by > _patience(evidence, run):
            yield f"{run} was {what} {by / SECOND:.2f} s late"
        if by < -evidence.haste:
            yield f"{run} was {what} {-by / SECOND:.2f} s early"


def _patience(evidence: Evidence, run: str) -> int:
    """How late it may be: a schedule that follows its run looks each minute, should whoever ended it be killed then."""
    kept = evidence.by_id.get(run)
    follows = kept is not None and kept.schedule in _FOLLOWING
    return evidence.patience + LOOK if follows else evidence.patience


_FOLLOWING = {each.name for each in STANDING if each.overlap is Overlap.DELAY}


def fire_lateness(evidence: Evidence) -> Mapping[str, int]:
    """How long after its instant each run was fired, as far as anybody was told; else when it says it was made."""
    fired = evidence.seen(Saw.FIRED)
    untold = {run: [_made(evidence, notes[0])] for run, notes in evidence.seen(Saw.CLAIMED).items() if run not in fired}
    return _lateness(evidence, {**fired, **untold}, {each.name for each in STANDING})


def _made(evidence: Evidence, claimed: Note) -> Note:
    """When a run was made whose firing nobody was told of: its first claim may come long after."""
    run = evidence.by_id.get(claimed.run)
    return claimed if run is None else replace(claimed, at=min(claimed.at, run.created_at - evidence.epoch))


def start_lateness(evidence: Evidence) -> Mapping[str, int]:
    """How long after its instant each run was first executed, where overlap holds nothing back."""
    return _lateness(evidence, evidence.seen(Saw.STARTED), {each.name for each in STANDING if not each.alone})


def _lateness(evidence: Evidence, seen: Mapping[str, Sequence[Note]], schedules: set[str]) -> Mapping[str, int]:
    late: dict[str, int] = {}
    for run, notes in seen.items():
        first = notes[0]
        if first.schedule in schedules and first.nominal is not None:
            nominal = first.nominal - evidence.epoch
            late[run] = first.at - nominal - _away(evidence.outages, Span(nominal, first.at))
    return late


def _away(outages: Iterable[Span], during: Span) -> int:
    """How much of a time fell into outages."""
    return sum(max(0, min(each.end, during.end) - max(each.start, during.start)) for each in outages)


def nobody_fell(evidence: Evidence) -> Claim:
    """Processes ended when they were killed or told to, and found nothing that they were not made for."""
    up = sum(note.saw is Saw.UP for note in evidence.notes)
    return Claim(
        promise="no process ended by itself, or met an error it had not expected", cases=up, broken=evidence.complaints
    )


CLAIMS: Sequence[Callable[[Evidence], Claim]] = (
    each_instant_once,
    fired_once,
    nothing_lost,
    ended_once,
    fenced,
    one_holder,
    at_most_once,
    never_two,
    counted_once,
    kept_once,
    went_their_way,
    on_time,
    started_on_time,
    nobody_fell,
)


def outages(sick: Sequence[Sequence[Span]], store: Sequence[Span]) -> list[Span]:
    """When nobody could work: every process was sick, or the store was away. Spans that touch are one."""
    spans = sorted([*_all_at_once(sick), *store])
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def _all_at_once(sick: Sequence[Sequence[Span]]) -> Iterator[Span]:
    """When all of them were: each is at its worst one span at a time, so theirs are joined first."""
    common = outages([], sick[0]) if sick else []
    for spans in sick[1:]:
        mine = outages([], spans)
        met = [Span(max(a.start, b.start), min(a.end, b.end)) for a in common for b in mine]
        common = [span for span in met if span.start < span.end]
    yield from common
