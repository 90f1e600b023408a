"""Runs as they are kept: one packed list each, of which the scripts read what they need. See ``lua/run.lua``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from foliot.model import Attempt, Clash, Failure, Hold, Progress, Run, State, Terms, Unique

EXACT = 2**53
"""From here on, in the year 2255, numbers in scripts are no longer exact; instants travel as texts."""

Instant = int | str

T = TypeVar("T", int, int | None)


def exact(at: T) -> T | str:
    """An instant as scripts can keep it."""
    return at if at is None or at < EXACT else str(at)


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A run in the order of its fields. Texts named ``*_json`` are JSON; attempts are, but for the brackets."""

    id: str
    job: str
    queue: str
    lanes_json: str | None
    place: str
    key: str | None
    hold: Hold | None

    state: State
    token: int
    wakes_at: Instant | None
    due_at: Instant
    priority: int
    worker: str | None
    started_at: Instant | None
    finished_at: Instant | None
    reason: str | None
    result: str | None
    error_json: str | None
    parked: str | None

    failures: int
    waits: int
    cancelling: str | None
    progress_json: str | None
    attempts_json: str | None
    args: str
    expires_at: Instant | None
    deadline_at: Instant | None
    clash: Clash | None
    until: Instant | None

    after: tuple[str, ...] | None
    created_at: int
    schedule: str | None
    parent: str | None
    tags: tuple[str, ...] | None
    terms: tuple[str, ...] | None
    meta_json: str | None
    nominal_at: int | None
    more_json: str | None


class More(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What few runs have, and no script asks for."""

    terms: Terms | None = None
    key: str | None = None
    target: str | None = None
    needs: tuple[str, ...] = ()
    headers: dict[str, str] = {}


class _NotUnique(NamedTuple):
    key: None = None
    clash: None = None
    hold: None = None
    until: None = None


_NO_UNIQUE, _NOT_UNIQUE = Unique(key=""), _NotUnique()

_json = msgspec.json.Encoder().encode
_packed = msgspec.msgpack.Encoder().encode
rows_of = msgspec.msgpack.Decoder(list[Row | None]).decode
_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode
_failure = msgspec.json.Decoder(Failure).decode
_progress = msgspec.json.Decoder(Progress).decode
_names = msgspec.json.Decoder(tuple[str, ...]).decode
_meta = msgspec.json.Decoder(dict[str, Any]).decode
_more = msgspec.json.Decoder(More).decode


_READ: dict[str, Callable[[Any], Any]] = {
    "lanes": _names,
    "after": tuple,
    "attempts": lambda listed: _attempts(f"[{listed}]"),
    "error": _failure,
    "progress": _progress,
    "tags": tuple,
    "meta": _meta,
    "expires_at": int,
    "deadline_at": int,
}
_SELDOM = attrgetter(
    *("lanes_json", "after", "attempts_json", "error_json", "progress_json", "tags", "meta_json"),
    *("expires_at", "deadline_at", "more_json"),
)
_NONE_OF_THEM = (None,) * 10


_HEADER = b"\xdc" + len(Row.__struct_fields__).to_bytes(2, "big")


def text_of(value: Any) -> str | None:
    """JSON text; None for what is empty."""
    return _json(value).decode() if value else None


def blob_of(run: Run) -> bytes:
    """A run as it is kept: the fields of a row, in their order."""
    return mould_of(run)(run.id, run.args)


def mould_of(run: Run) -> Callable[[str, str], bytes]:
    """Packs a run like this one, with an id and arguments of its own."""
    unique = run.unique or _NOT_UNIQUE
    named = (run.job, run.queue, text_of(run.lanes), run.place, unique.key, unique.hold)
    before, after = _fields((*named, *_standing(run))), _fields(_given(run, unique))
    return lambda name, args: b"".join((_HEADER, _packed(name), before, _packed(args), after))


def _fields(values: tuple[Any, ...]) -> bytes:
    """Values as they stand in a packed list."""
    packed = _packed(values)
    return packed[1 if len(values) < 16 else 3 :]


def _standing(run: Run) -> tuple[Any, ...]:
    attempts = text_of(run.attempts)
    return (
        run.state,
        run.token,
        exact(run.wakes_at),
        exact(run.due_at),
        run.priority,
        run.worker,
        exact(run.started_at),
        exact(run.finished_at),
        run.reason,
        run.result,
        text_of(run.error),
        run.parked,
        run.failures,
        run.waits,
        run.cancelling,
        text_of(run.progress),
        None if attempts is None else attempts[1:-1],
    )


def _given(run: Run, unique: Unique | _NotUnique) -> tuple[Any, ...]:
    return (
        exact(run.expires_at),
        exact(run.deadline_at),
        unique.clash,
        exact(unique.until),
        run.after or None,
        run.created_at,
        run.schedule,
        run.parent,
        run.tags or None,
        tuple(terms_of(run.meta)) if run.meta else None,
        text_of(run.meta),
        run.nominal_at,
        _rest(run),
    )


def _rest(run: Run) -> str | None:
    if run.terms is run.key is run.target is None and not (run.needs or run.headers):
        return None
    return text_of(More(**{name: getattr(run, name) for name in More.__struct_fields__}))


def runs_or_none(reply: bytes) -> list[Run | None]:
    """The runs in a packed list, which may have gaps."""
    return [None if row is None else run_of(row) for row in rows_of(reply)]


def run_of(row: Row) -> Run:
    """The run in a row."""
    return Run(
        id=row.id,
        job=row.job,
        queue=row.queue,
        priority=row.priority,
        args=row.args,
        due_at=_at(row.due_at),
        created_at=row.created_at,
        state=row.state,
        token=row.token,
        wakes_at=_at(row.wakes_at),
        worker=row.worker,
        started_at=_at(row.started_at),
        finished_at=_at(row.finished_at),
        reason=row.reason,
        result=row.result,
        failures=row.failures,
        waits=row.waits,
        parked=row.parked,
        cancelling=row.cancelling,
        schedule=row.schedule,
        nominal_at=row.nominal_at,
        parent=row.parent,
        unique=None if row.key is None else _unique(row, row.key),
        **_seldom(row),
    )


def _seldom(row: Row) -> dict[str, Any]:
    """What few runs have."""
    values = _SELDOM(row)
    if values == _NONE_OF_THEM:
        return {}
    more: dict[str, Any] = {} if row.more_json is None else msgspec.structs.asdict(_more(row.more_json))
    read = zip(_READ.items(), values, strict=False)  # but for ``more_json``, which comes last
    return more | {name: how(value) for (name, how), value in read if value is not None}


def _at(instant: Instant | None) -> Any:
    return int(instant) if isinstance(instant, str) else instant


def _unique(row: Row, key: str) -> Unique:
    return Unique(key=key, clash=row.clash or _NO_UNIQUE.clash, hold=row.hold or _NO_UNIQUE.hold, until=_at(row.until))


def terms_of(meta: dict[str, Any], above: str | None = None) -> Iterator[str]:
    """Each path in ``meta`` with the JSON text of what is there. Names with a dot cannot be asked for."""
    for name, value in meta.items():
        if "." not in name:
            path = name if above is None else f"{above}.{name}"
            yield term_of(path, value)
            if isinstance(value, dict):
                yield from terms_of(cast("dict[str, Any]", value), path)


def term_of(path: str, value: Any) -> str:
    """A path with the JSON text of a value."""
    return f"{path}\0{_json(value).decode()}"


# Packing: what scripts read. They know no binary values, only texts, which may hold any bytes.


def as_text(packed: bytes) -> msgspec.Raw:
    """Bytes as a text that scripts can read."""
    return msgspec.Raw(b"\xdb" + len(packed).to_bytes(4, "big") + packed)


def blobs_of(runs: Iterable[Run]) -> list[msgspec.Raw]:
    """Runs as texts that scripts can read."""
    return [as_text(blob_of(run)) for run in runs]


def pack(value: object) -> bytes:
    """A value as scripts unpack it."""
    return _packed(value)


def pack_each(*values: object) -> bytes:
    """Several values, one after the other, as scripts unpack them into variables."""
    return b"".join(map(_packed, values))
