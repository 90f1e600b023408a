"""Whether what spread came together again: maps and their reduces, steps, workflows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from foliot.codec import loads
from foliot.ids import child_id
from foliot.joining import STEP
from foliot.model import Run, State
from foliot.testing.faults.evidence import Claim, Evidence
from foliot.testing.faults.notes import Saw
from foliot.testing.faults.spreading import ANSWER, approved, miscounted, outcome


def counted_once(evidence: Evidence) -> Claim:
    """Each part of each map stands once, and its result reached the end of the reduce once."""
    parts = _below(evidence, "part")
    fans = [run for run in evidence.runs if run.job == "fan"]
    return Claim(
        promise="every part of a map was counted exactly once in its reduce",
        cases=sum(len(parts[fan.id]) for fan in fans),
        broken=[f"{fan.id}: {said}" for fan in fans for said in _counts(fan, parts[fan.id])],
    )


def _counts(fan: Run, parts: Sequence[Run]) -> Iterator[str]:
    wanted: int = loads(fan.args)["parts"]
    yield from (f"the map is {said}" for said in miscounted([loads(each.args)["n"] for each in parts], wanted))
    if fan.state is not State.SUCCEEDED:
        yield f"it is {fan.state}: {fan.reason or fan.error}"
    else:
        yield from (f"the result is {said}" for said in miscounted(loads(fan.result or "[]"), wanted))


def _below(evidence: Evidence, *jobs: str) -> Mapping[str, list[Run]]:
    """The runs of these jobs, by the run that spawned them."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in evidence.runs:
        if run.job in jobs and run.parent is not None:
            found[run.parent].append(run)
    return found


def kept_once(evidence: Evidence) -> Claim:
    """Whatever a step once gave, it gave to each later attempt; it stands in the store, and in the result."""
    told = [note for note in evidence.notes if note.saw is Saw.TOLD]
    kept = {(run.parent, run.key): loads(run.result or "null") for run in evidence.runs if run.job == STEP}
    broken = [
        f"step {note.step!r} of {note.run} gave {note.value!r}, and kept is {kept.get((note.run, note.step))!r}"
        for note in told
        if note.value != kept.get((note.run, note.step))
    ]
    broken += [said for run in evidence.runs if run.job == "sale" for said in _sold(run, kept)]
    return Claim(promise="a step was kept once, and gave the same to every attempt", cases=len(told), broken=broken)


def _sold(sale: Run, kept: Mapping[tuple[str | None, str | None], str]) -> Iterator[str]:
    told = f"{ANSWER} {loads(sale.args)['n']}"
    expected = [kept.get((sale.id, "charge")), kept.get((sale.id, "ship")), told]
    found = loads(sale.result or "null")
    if sale.state is State.SUCCEEDED and found != expected:
        yield f"{sale.id} came to {found}, not to {expected}"


def went_their_way(evidence: Evidence) -> Claim:
    """Of each order every node stands once; the way that was chosen was gone, and the other one was not."""
    orders = [run for run in evidence.runs if run.job == "order"]
    return Claim(
        promise="every workflow went the way that was answered, each node once",
        cases=len(orders),
        broken=[f"{order.id}: {said}" for order in orders for said in _astray(evidence, order)],
    )


def _astray(evidence: Evidence, order: Run) -> Iterator[str]:
    n: int = loads(order.args)["n"]
    if (found := loads(order.result or "null")) != outcome(n):
        yield f"it came to {found}, not to {outcome(n)}"
    gone, other = ("ship", "refund") if approved(n) else ("refund", "ship")
    expected = {"reserve": State.SUCCEEDED, "ok": State.SUCCEEDED, gone: State.SUCCEEDED, other: State.SKIPPED}
    for node, state in expected.items():
        run = evidence.by_id.get(child_id(order.id, node))
        if run is None or run.state is not state:
            yield f"node {node!r} is {'gone' if run is None else run.state}, not {state}"
