"""Runs as rows: what column holds what."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from foliot.model import Attempt, Failure, Progress, Run, State, Terms, Unique
from foliot.stores.sqlite.bulk import THESE, Row, insert, listed, update

COLUMNS = (
    "id, job, due_at, created_at, queue, priority, args, state, wakes_at, token, worker, started_at, schedule, "
    "nominal_at, parent, reason, failures, expires_at, deadline_at, parked, waits, cancelling, finished_at, result, "
    "uniq, attempts, error, progress, tags, meta, more"
)
"""What ``run_of`` reads, in its order."""
BRIEF = "id, job, due_at, created_at, state, result, parent, cancelling, finished_at"
"""What ``brief_of`` reads."""


class More(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What few runs have, together in one column."""

    terms: Terms | None = None
    key: str | None = None
    lanes: tuple[str, ...] = ()
    target: str | None = None
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    headers: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
_failure = msgspec.json.Decoder(Failure).decode
_progress = msgspec.json.Decoder(Progress).decode
_unique = msgspec.json.Decoder(Unique).decode
_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_meta = msgspec.json.Decoder(dict[str, Any]).decode
_more = msgspec.json.Decoder(More).decode

_STATES = {state.value: state for state in State}


def _as_it_is(value: Any) -> Any:
    return value


_REST: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("reason", _as_it_is),
    ("failures", _as_it_is),
    ("expires_at", _as_it_is),
    ("deadline_at", _as_it_is),
    ("parked", _as_it_is),
    ("waits", _as_it_is),
    ("cancelling", _as_it_is),
    ("finished_at", _as_it_is),
    ("result", _as_it_is),
    ("unique", _unique),
    ("attempts", _attempts),
    ("error", _failure),
    ("progress", _progress),
    ("tags", _tags),
    ("meta", _meta),
)
_BLANK: Row = (None, 0, None, None, None, 0, *[None] * 10)
"""What most runs have in the last columns."""


def text_of(value: Any) -> str | None:
    """JSON text; None for what is empty."""
    return _encode(value).decode() if value else None


def run_of(row: Row) -> Run:
    """The run in a row of ``COLUMNS``."""
    run = Run(
        id=row[0],
        job=row[1],
        due_at=row[2],
        created_at=row[3],
        queue=row[4],
        priority=row[5],
        args=row[6],
        state=_STATES[row[7]],
        wakes_at=row[8],
        token=row[9],
        worker=row[10],
        started_at=row[11],
        schedule=row[12],
        nominal_at=row[13],
        parent=row[14],
    )
    return run if row[15:] == _BLANK else _completed(run, row[15:])


def brief_of(row: Row) -> Run:
    """The run in a row of ``BRIEF``."""
    return Run(
        id=row[0],
        job=row[1],
        due_at=row[2],
        created_at=row[3],
        state=_STATES[row[4]],
        result=row[5],
        parent=row[6],
        cancelling=row[7],
        finished_at=row[8],
    )


def _completed(run: Run, rest: Row) -> Run:
    """With all that most runs do not have."""
    fields = {name: read(value) for (name, read), value in zip(_REST, rest[:-1], strict=True) if value is not None}
    if rest[-1] is not None:
        fields |= asdict(_more(rest[-1]))
    return replace(run, **fields)


def _rest(run: Run) -> str | None:
    if run.terms is run.key is run.target is None and not (run.lanes or run.needs or run.after or run.headers):
        return None
    return text_of(More(**{name: getattr(run, name) for name in More.__struct_fields__}))


_ODD: dict[str, Callable[[Run], str | None]] = {
    "state": lambda run: run.state.value,
    "uniq": lambda run: text_of(run.unique),
    "attempts": lambda run: text_of(run.attempts),
    "error": lambda run: text_of(run.error),
    "progress": lambda run: text_of(run.progress),
    "tags": lambda run: text_of(run.tags),
    "meta": lambda run: text_of(run.meta),
    "more": _rest,
}
"""The columns that hold something else than the field of their name."""


class Shape(NamedTuple):
    """Some columns of ``runs``, and how a run fills them."""

    columns: tuple[str, ...]
    values: Callable[[Run], Row]


def _shape(plain: str, odd: str) -> Shape:
    fields = attrgetter(*plain.split())
    writers = [_ODD[name] for name in odd.split()]

    def values(run: Run) -> Row:
        return (*fields(run), *[write(run) for write in writers])

    return Shape((*plain.split(), *odd.split()), values)


_PLACED = "id job queue place priority due_at wakes_at created_at args parent"
_GIVEN = f"{_PLACED} schedule nominal_at expires_at deadline_at waits"
_LIVED = "reason token failures worker parked cancelling started_at finished_at result"

PLAIN = _shape(_PLACED, "")
"""What a run consists of of which only the job, arguments and a parent were said; the other columns have defaults."""
FRESH = _shape(_GIVEN, "uniq tags meta more")
"""What a run that nobody has touched consists of."""
WHOLE = _shape(f"{_GIVEN} {_LIVED}", "uniq tags meta more state attempts error progress")
CLAIMED = _shape("id token wakes_at worker started_at", "state attempts")
PARKED = _shape("id wakes_at parked", "")
BEATEN = _shape("id wakes_at", "progress")
SETTLED = _shape("id waits wakes_at", "")
ENDED = _shape("id reason failures wakes_at finished_at result", "state error progress")
PUT_DOWN = _shape("id reason due_at failures wakes_at parked worker started_at", "state attempts progress")
CHANGED = _shape(
    f"id priority due_at wakes_at args expires_at deadline_at waits {_LIVED}", "state attempts error progress"
)
"""Everything that may change after a run was added. The fewer columns are written, the fewer indexes are."""


def is_fresh(run: Run) -> bool:
    """Whether the columns of ``FRESH`` say all there is to say about it."""
    return (
        run.state is State.PENDING
        and not (run.token or run.failures or run.attempts)
        and run.reason is run.worker is run.parked is run.cancelling is run.started_at is None
        and run.finished_at is run.result is run.error is run.progress is None
    )


def is_plain(run: Run) -> bool:
    """Whether the columns of ``PLAIN`` say all there is to say about a fresh run."""
    return (
        run.schedule is run.nominal_at is run.expires_at is run.deadline_at is run.unique is None
        and run.terms is run.key is run.target is None
        and not (run.waits or run.tags or run.meta or run.lanes or run.needs or run.after or run.headers)
    )


def enter(db: sqlite3.Connection, runs: Iterable[Run], shape: Shape) -> None:
    """Write these runs as new rows."""
    insert(db, "runs", shape.columns, map(shape.values, runs))


def save(db: sqlite3.Connection, runs: Iterable[Run], shape: Shape) -> None:
    """Write these columns of runs that have rows."""
    update(db, "runs", shape.columns[1:], map(shape.values, runs))


def load(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Run]:
    """The runs of these ids, as far as there are any."""
    rows = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id IN {THESE}", (listed(ids),)).fetchall()
    return {row[0]: run_of(row) for row in rows}
