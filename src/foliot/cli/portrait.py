"""One run, whole, in words. Pure."""

from __future__ import annotations

from foliot.cli.printing import Part, Table
from foliot.cli.words import Words, data, duration, how, lasting, many, progress
from foliot.model import Attempt, Run


def portrait(run: Run, words: Words) -> list[Part]:
    """A run's facts, its timeline, and the traceback of its error."""
    parts: list[Part] = [f"Run {run.id}", Table(rows=_facts(run, words)), ""]
    parts.append(timeline(run, words))
    return parts + [part for trace in _last_traceback(run) for part in ("", trace)]


def _last_traceback(run: Run) -> list[str]:
    """The traceback of the last attempt that failed."""
    traces = [each.error.traceback.rstrip() for each in run.timeline if each.error is not None]
    return [each for each in traces[-1:] if each]


def timeline(run: Run, words: Words, title: str = "Timeline") -> Table:
    """Every attempt at a run: who, when and how."""
    rows = [(f"{n}.", *_attempt(each, words)) for n, each in enumerate(run.timeline, 1)]
    return Table(title=title, columns=_COLUMNS, rows=rows, empty="nobody has tried yet")


_COLUMNS = ("", "START", "END", "TOOK", "WORKER", "HOW")


def _attempt(attempt: Attempt, words: Words) -> tuple[str, ...]:
    start, end = attempt.started_at, attempt.ended_at
    took = None if start is None else (words.now if end is None else end) - start
    return words.clock(start), words.clock(end), lasting(took), attempt.worker or "-", how(attempt)


def _facts(run: Run, words: Words) -> list[tuple[str, str]]:
    facts = [
        ("job", run.job),
        ("state", run.shown(words.now)),
        ("reason", run.reason or ""),
        ("cancelling", "" if run.cancelling is None or run.state.over else run.cancelling),
        ("progress", progress(run.progress)),
        ("schedule", "" if run.schedule is None else f"{run.schedule}, for {words.time(run.nominal_at)}"),
        ("arguments", "" if run.args == "{}" else run.args),
        ("result", run.result or ""),
        ("queue", f"{run.queue}, priority {run.priority}"),
        ("key", run.key or ""),
        ("tags", ", ".join(run.tags)),
        ("meta", data(run.meta) if run.meta else ""),
        ("waits for", many(run.waits, "run") if run.waits else ""),
        ("parked", "" if run.parked is None else f"no room in {run.parked}"),
        ("created", words.time(run.created_at)),
        ("due", words.seen(run.due_at)),
        ("started", _started(run, words)),
        ("finished", _finished(run, words)),
        ("expires", "" if run.expires_at is None else words.seen(run.expires_at)),
        ("deadline", "" if run.deadline_at is None else words.seen(run.deadline_at)),
        ("worker", run.worker or ""),
    ]
    return [(name, value) for name, value in facts if value]


def _started(run: Run, words: Words) -> str:
    if run.started_at is None:
        return ""
    return f"{words.time(run.started_at)}, {lasting(max(0, run.started_at - run.due_at))} after it was due"


def _finished(run: Run, words: Words) -> str:
    if run.finished_at is None:
        return ""
    return f"{words.time(run.finished_at)}, {lasting(duration(run, words.now))} after its last start"
