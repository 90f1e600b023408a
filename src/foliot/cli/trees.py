"""A run and what it has spawned, drawn as a tree. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from foliot.cli import documents
from foliot.cli.printing import Part, Table
from foliot.cli.words import Words, duration, lasting, why
from foliot.flow.family import Branch
from foliot.model import Run


def drawn(branch: Branch, words: Words) -> list[Part]:
    """The tree, a line for each run."""
    return [Table(columns=_COLUMNS, rows=list(_rows(branch, words, "", "")))]


_COLUMNS = ("RUN", "STATE", "START", "TOOK", "WHY", "ID")


def document(branch: Branch, now: int) -> documents.Document:
    """The run with its ``children``, and ``more``: how many others there are, by state."""
    below = [document(each, now) for each in branch.below]
    return {**documents.run(branch.run, now), "children": below, "more": branch.more}


def _rows(branch: Branch, words: Words, first: str, rest: str) -> Iterator[tuple[str, ...]]:
    run = branch.run
    state = run.shown(words.now)
    took = lasting(duration(run, words.now))
    yield f"{first}{named(run)}", state, words.clock(run.started_at), took, why(run), run.id
    last = len(branch.below) - (not branch.more)
    for n, each in enumerate(branch.below):
        fork, below = ("└─ ", "   ") if n == last else ("├─ ", "│  ")
        yield from _rows(each, words, f"{rest}{fork}", f"{rest}{below}")
    if branch.more:
        counts = ", ".join(f"{count} {state}" for state, count in sorted(branch.more.items()))
        yield f"{rest}└─ … and {sum(branch.more.values())} more", counts, "", "", "", ""


def named(run: Run) -> str:
    """What a run is, in two or three words."""
    match run.job:
        case "foliot.step":
            return f"step {run.key}"
        case "foliot.sleep":
            return f"{run.key} until its time"
        case "foliot.signal":
            return f"signal {run.key}"
        case "foliot.map":
            return f"{run.key}, {_parts(run)}"
        case job:
            return job


def _parts(run: Run) -> str:
    parts: int = msgspec.json.decode(run.result or "{}").get("parts", 0)
    return f"{parts} part" if parts == 1 else f"{parts} parts"
