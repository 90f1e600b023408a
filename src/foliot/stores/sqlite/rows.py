"""Runs as rows: what column holds what, and statements that carry many rows in one step.

Each step of a statement lets other threads have the interpreter, and getting it back may take milliseconds when they are
busy. So many rows go through few steps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from foliot.model import Attempt, Failure, Progress, Run, State, Terms, Unique, Value

Row = tuple[Any, ...]

STRIDES = (100, 10, 1)
"""How many rows one statement carries: a few sizes only, so that each is prepared once."""

COLUMNS = (
    "id, job, due_at, created_at, queue, priority, args, state, reason, wakes_at, token, failures, schedule, nominal_at, "
    "expires_at, deadline_at, parked, waits, cancelling, worker, started_at, finished_at, result, uniq, attempts, error, "
    "progress, tags, meta, more"
)
"""What ``run_of`` reads, in its order."""


class More(Value, omit_defaults=True):
    """What few runs have, together in one column."""

    terms: Terms | None = None
    key: str | None = None
    lanes: tuple[str, ...] = ()
    target: str | None = None
    after: tuple[str, ...] = ()
    headers: dict[str, str] = {}


class Shape(NamedTuple):
    """Some columns of ``runs``, and how a run fills them."""

    columns: tuple[str, ...]
    values: Callable[[Run], Row]


_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
_failure = msgspec.json.Decoder(Failure).decode
_progress = msgspec.json.Decoder(Progress).decode
_unique = msgspec.json.Decoder(Unique).decode
_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_meta = msgspec.json.Decoder(dict[str, Any]).decode
_more = msgspec.json.Decoder(More).decode

_STATES = {state.value: state for state in State}
_NOTHING_MORE = More()


def text_of(value: Any) -> str | None:
    """JSON text; None for what is empty."""
    return _encode(value).decode() if value else None


def json_list(values: Iterable[Any]) -> str:
    """A list to bind as one value, for ``IN (SELECT value FROM json_each(?))``."""
    return _encode(list(values)).decode()


def run_of(row: Row) -> Run:
    """The run in a row of ``COLUMNS``."""
    (
        name, job, due_at, created_at, queue, priority, args, state, reason, wakes_at, token, failures, schedule, nominal_at,
        expires_at, deadline_at, parked, waits, cancelling, worker, started_at, finished_at, result, uniq, attempts, error,
        progress, tags, meta, more,
    ) = row  # fmt: skip
    rest = _more(more) if more else _NOTHING_MORE
    return Run(  # in the order of the fields, which is the fast way
        id=name,
        job=job,
        due_at=due_at,
        created_at=created_at,
        queue=queue,
        priority=priority,
        args=args,
        state=_STATES[state],
        reason=reason,
        wakes_at=wakes_at,
        token=token,
        failures=failures,
        schedule=schedule,
        nominal_at=nominal_at,
        expires_at=expires_at,
        deadline_at=deadline_at,
        terms=rest.terms,
        key=rest.key,
        lanes=rest.lanes,
        unique=_unique(uniq) if uniq else None,
        target=rest.target,
        parked=parked,
        after=rest.after,
        waits=waits,
        cancelling=cancelling,
        worker=worker,
        started_at=started_at,
        finished_at=finished_at,
        attempts=_attempts(attempts) if attempts else (),
        result=result,
        error=_failure(error) if error else None,
        progress=_progress(progress) if progress else None,
        tags=_tags(tags) if tags else (),
        meta=_meta(meta) if meta else {},
        headers=rest.headers,
    )


def _fresh(run: Run) -> Row:
    return (
        run.id, run.job, run.queue, run.place, run.priority, run.due_at, run.wakes_at, run.created_at, run.args, run.schedule,
        run.nominal_at, run.expires_at, run.deadline_at, run.waits, text_of(run.unique), text_of(run.tags), text_of(run.meta),
        _rest(run),
    )  # fmt: skip


def _rest(run: Run) -> str | None:
    if run.terms is run.key is run.target is None and not (run.lanes or run.after or run.headers):
        return None
    return text_of(
        More(
            terms=run.terms,
            key=run.key,
            lanes=run.lanes,
            target=run.target,
            after=run.after,
            headers=run.headers,
        )
    )


def _changed(run: Run) -> Row:
    return (
        run.state.value, run.reason, run.priority, run.due_at, run.wakes_at, run.token, run.failures, run.worker, run.parked,
        run.waits, run.cancelling, run.args, run.started_at, run.finished_at, run.expires_at, run.deadline_at, run.result,
        text_of(run.unique), text_of(run.attempts), text_of(run.error), text_of(run.progress),
    )  # fmt: skip


_FRESH = (
    "id", "job", "queue", "place", "priority", "due_at", "wakes_at", "created_at", "args", "schedule", "nominal_at", "expires_at",
    "deadline_at", "waits", "uniq", "tags", "meta", "more",
)  # fmt: skip
_CHANGED = (
    "state", "reason", "priority", "due_at", "wakes_at", "token", "failures", "worker", "parked", "waits", "cancelling", "args",
    "started_at", "finished_at", "expires_at", "deadline_at", "result", "uniq", "attempts", "error", "progress",
)  # fmt: skip

FRESH = Shape(_FRESH, _fresh)
"""What a run that nobody has touched consists of; the other columns have defaults."""
WHOLE = Shape(
    (*_FRESH, "state", "reason", "token", "failures", "worker", "parked", "cancelling", "started_at", "finished_at", "result",
     "attempts", "error", "progress"),
    lambda run: (
        *_fresh(run), run.state.value, run.reason, run.token, run.failures, run.worker, run.parked, run.cancelling,
        run.started_at, run.finished_at, run.result, text_of(run.attempts), text_of(run.error), text_of(run.progress),
    ),
)  # fmt: skip
CLAIMED = Shape(
    ("state", "token", "wakes_at", "worker", "started_at"),
    lambda run: (run.state.value, run.token, run.wakes_at, run.worker, run.started_at),
)
ENDED = Shape(
    ("state", "reason", "failures", "wakes_at", "finished_at", "result", "error", "progress"),
    lambda run: (
        run.state.value, run.reason, run.failures, run.wakes_at, run.finished_at, run.result, text_of(run.error),
        text_of(run.progress),
    ),
)  # fmt: skip
CHANGED = Shape(_CHANGED, _changed)
"""Everything that may change after a run was added."""


def is_fresh(run: Run) -> bool:
    """Whether the columns of ``FRESH`` say all there is to say about it."""
    return (
        run.state is State.PENDING
        and not (run.token or run.failures or run.attempts)
        and run.reason is run.worker is run.parked is run.cancelling is run.started_at is None
        and run.finished_at is run.result is run.error is run.progress is None
    )


def insert(db: sqlite3.Connection, runs: Sequence[Run], shape: Shape) -> None:
    """Write these runs as new rows."""
    for stride, flat in _strides(runs, shape.values):
        db.execute(_insertion(shape.columns, stride), flat)


def save(db: sqlite3.Connection, runs: Sequence[Run], shape: Shape = CHANGED) -> None:
    """Write these columns of runs that have rows."""
    for stride, flat in _strides(runs, lambda run: (run.id, *shape.values(run))):
        db.execute(_update(shape.columns, stride), flat)


def load(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Run]:
    """The runs of these ids, as far as there are any."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM runs WHERE id IN (SELECT value FROM json_each(?))", (json_list(ids),)
    )
    return {row[0]: run_of(row) for row in rows.fetchall()}


def _strides(runs: Sequence[Run], values: Callable[[Run], Row]) -> Iterator[tuple[int, list[Any]]]:
    """Cut into the sizes of ``STRIDES``, each with its values one after the other."""
    at = 0
    for stride in STRIDES:
        while len(runs) - at >= stride:
            yield stride, [value for run in runs[at : at + stride] for value in values(run)]
            at += stride


@lru_cache
def _insertion(columns: tuple[str, ...], rows: int) -> str:
    return f"INSERT INTO runs ({', '.join(columns)}) VALUES {_marks(len(columns), rows)}"


@lru_cache
def _update(columns: tuple[str, ...], rows: int) -> str:
    changes = ", ".join(f"{column} = column{at}" for at, column in enumerate(columns, 2))
    return f"UPDATE runs SET {changes} FROM (VALUES {_marks(1 + len(columns), rows)}) WHERE runs.id = column1"


def _marks(width: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * rows)
