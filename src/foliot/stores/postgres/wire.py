"""Values as PostgreSQL is given them and gives them back: runs as JSON, endings as columns of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from foliot.model import Claim, Ending, Firing, Line, Run, Schedule, State, Unique
from foliot.stores.terms import terms_of


class Given(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A run as it is handed in; what is usual is left out. The fields are those of the SQL type ``given``."""

    id: str
    job: str
    due_at: int
    created_at: int
    queue: str = "default"
    place: str = "default"
    priority: int = 5
    args: str = "{}"
    state: State = State.PENDING
    reason: str | None = None
    token: int = 0
    failures: int = 0
    schedule: str | None = None
    nominal_at: int | None = None
    expires_at: int | None = None
    deadline_at: int | None = None
    terms: str | None = None
    key: str | None = None
    lanes: tuple[str, ...] | None = None
    uniq: Unique | None = None
    target: str | None = None
    after: tuple[str, ...] | None = None
    cancelling: str | None = None
    worker: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    attempts: str | None = None
    result: str | None = None
    error: str | None = None
    progress: str | None = None
    tags: tuple[str, ...] | None = None
    meta: str | None = None
    headers: str | None = None
    parent: str | None = None
    needs: tuple[str, ...] | None = None
    words: list[str] | None = None


Columns = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Run).decode
_schedule = msgspec.json.Decoder(Schedule).decode
_default = asdict(Run(id="", job="", due_at=0, created_at=0))

_USUAL = frozenset(
    ("id", "job", "due_at", "created_at", "queue", "priority", "args", "schedule", "nominal_at", "parent")
)
"""What most runs have; ``plain`` hands it in without looking at the rest."""
_GIVEN_BY_STORE = frozenset(("wakes_at", "parked", "waits"))
_AS_TEXT = frozenset(("terms", "attempts", "error", "progress", "meta", "headers"))
_RENAMED = {"unique": "uniq"}
_PLAIN = _USUAL - {"schedule", "nominal_at"}
_MORE = tuple(name for name in Run.__struct_fields__ if name not in _PLAIN | _GIVEN_BY_STORE)
_NO_MORE = tuple(_default[name] for name in _MORE)
_more_of = attrgetter(*_MORE)
_REST = tuple((name, usual) for name, usual in _default.items() if name not in _USUAL)


def text_of(value: Any) -> str | None:
    """JSON text; None for what is empty."""
    return _encode(value).decode() if value else None


def runs_text(runs: Iterable[Run]) -> str:
    """Runs as the SQL function ``add`` takes them."""
    return _encode([given(run) for run in runs]).decode()


def plain_columns(runs: Sequence[Run]) -> Columns | None:
    """Runs as the SQL function ``add_plain`` takes them; None if one has more than most have, or another parent."""
    parent = runs[0].parent
    if any(_more_of(run) != _NO_MORE or run.parent != parent for run in runs):
        return None
    return (
        [run.id for run in runs],
        [run.args for run in runs],
        _column_or_one([run.job for run in runs]),
        _column_or_one([run.queue for run in runs]),
        _column_or_one([str(run.priority) for run in runs]),
        _column_or_one([str(run.due_at) for run in runs]),
        _column_or_one([str(run.created_at) for run in runs]),
        parent,
    )


def _column_or_one(values: list[Any]) -> list[Any]:
    """A column; its first value alone if that is in every row."""
    return values[:1] if values.count(values[0]) == len(values) else values


def given(run: Run) -> Given:
    """A run as it is handed in."""
    return Given(
        id=run.id,
        job=run.job,
        due_at=run.due_at,
        created_at=run.created_at,
        queue=run.queue,
        place=run.place,
        priority=run.priority,
        args=run.args,
        schedule=run.schedule,
        nominal_at=run.nominal_at,
        parent=run.parent,
        **_rest(run),
    )


def _rest(run: Run) -> dict[str, Any]:
    """What few runs have."""
    rest: dict[str, Any] = {}
    for name, usual in _REST:
        value = getattr(run, name)
        if value != usual and name not in _GIVEN_BY_STORE:
            rest[_RENAMED.get(name, name)] = text_of(value) if name in _AS_TEXT else value
    if run.tags or run.meta:
        rest["words"] = sorted(terms_of(run))
    return rest


def run_of(text: str) -> Run:
    """The run that the SQL function ``as_json`` wrote."""
    return _decode(text)


def claimed_of(row: Sequence[Any], claim: Claim, now: int) -> Run:
    """The run in a row of the SQL type ``claimed_2``."""
    if row[11] is not None:
        return _decode(row[11])
    return Run(
        id=row[0],
        job=row[1],
        due_at=row[2],
        created_at=row[3],
        queue=row[4],
        priority=row[5],
        args=row[6],
        token=row[7],
        schedule=row[8],
        nominal_at=row[9],
        parent=row[10],
        state=State.RUNNING,
        wakes_at=now + claim.lease,
        worker=claim.worker,
        started_at=now,
    )


# Columns


def wish_columns(claim: Claim) -> Columns:
    """A claim as the SQL functions take it: worker, limit, lease, spans of places, queues and labels."""
    spans = [*_spans(claim), *((door, f"{door}\x01") for door in claim.doors)]
    lo, hi = zip(*spans, strict=True)
    return claim.worker, claim.limit, claim.lease, list(lo), list(hi), list(claim.queues), list(claim.labels)


def _spans(claim: Claim) -> list[tuple[str, str]]:
    """From where to where the places of its queues go; ``@`` is left out."""
    if not claim.queues:
        return [("", "@"), ("A", "\U0010ffff")]
    beyond = "," if claim.labels else "\x01"  # the sign after +, with which labels begin
    return _apart((queue, queue + beyond) for queue in claim.queues)


def _apart(spans: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Spans that have nothing in common: a queue named ``a b`` lies within those of ``a`` with labels."""
    apart: list[tuple[str, str]] = []
    for lo, hi in sorted(spans):
        if apart and lo < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(hi, apart[-1][1]))
        else:
            apart.append((lo, hi))
    return apart


def ending_columns(endings: Sequence[Ending]) -> Columns:
    """Endings as the SQL function ``finish_all`` takes them, up to the lines."""
    return (
        [each.run for each in endings],
        texts(each.token for each in endings),
        [each.state.value for each in endings],
        _column(each.reason for each in endings),
        _column(each.result for each in endings),
        _column(text_of(each.error) for each in endings),
        _column(text_of(each.progress) for each in endings),
        _column(texts(each.due_at for each in endings)),
        _column(texts(each.failed or None for each in endings)),
        _column(each.outcome and each.outcome.value for each in endings),
        _column(texts(bool(each.wait) or None for each in endings)),
        _more([(n, each) for n, each in enumerate(endings, 1) if each.spawn or each.wait or each.firing]),
        *line_columns((n, line) for n, each in enumerate(endings, 1) for line in each.lines),
    )


def texts(values: Iterable[int | bool | None]) -> list[str | None]:
    """Numbers and truths as they travel in arrays."""
    return [None if each is None else str(each) for each in values]


def _column(values: Iterable[Any]) -> list[Any] | None:
    """A column; None, which PostgreSQL fills up, if there is nothing in it."""
    column = list(values)
    return column if any(each is not None for each in column) else None


def _more(endings: Sequence[tuple[int, Ending]]) -> str | None:
    return _encode([_follow_up(*each) for each in endings]).decode() if endings else None


def _follow_up(n: int, ending: Ending) -> dict[str, Any]:
    more: dict[str, Any] = {"n": n}
    if ending.spawn:
        more["spawn"] = [given(run) for run in ending.spawn]
    if ending.wait:
        more["wait"] = ending.wait
    if ending.firing is not None:
        schedule = ending.firing.schedule
        more["firing"] = {
            "id": schedule.id,
            "expect": ending.firing.expect,
            "job": schedule.job,
            "wakes_at": schedule.wakes_at,
            "body": _encode(schedule).decode(),
            "runs": [given(run) for run in ending.firing.runs],
        }
    return more


def line_columns(lines: Iterable[tuple[int, Line]]) -> Columns:
    """Lines, each with the number of what it belongs to; all None if there are none."""
    given = list(lines)
    if not given:
        return (None,) * 5
    return (
        texts(n for n, _ in given),
        texts(line.at for _, line in given),
        [line.level for _, line in given],
        [speakable(line.text) for _, line in given],
        [None if line.fields is None else _encode(line.fields).decode() for _, line in given],
    )


def speakable(text: str) -> str:
    """Text that PostgreSQL can keep: it has no NUL."""
    return text.replace("\0", "\u2400") if "\0" in text else text


def firing_columns(firings: Sequence[Firing]) -> Columns:
    """Firings as the SQL function ``fire`` takes them."""
    schedules = [each.schedule for each in firings]
    return (
        [each.id for each in schedules],
        texts(each.expect for each in firings),
        [each.job for each in schedules],
        texts(each.wakes_at for each in schedules),
        [_encode(each).decode() for each in schedules],
        _encode([[given(run) for run in each.runs] for each in firings]).decode(),
    )


def schedule_of(body: str, version: int) -> Schedule:
    """The schedule in a row."""
    return replace(_schedule(body), version=version)
