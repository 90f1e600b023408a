"""What runs have logged: lines, numbered from 1 within each run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from foliot.model import Line
from foliot.stores.sqlite.bulk import THESE, Row, insert, listed
from foliot.stores.sqlite.rows import text_of


def keep_lines(db: sqlite3.Connection, lines: Sequence[tuple[str, Line]]) -> None:
    """Keep lines, each with the run it is of, numbered on from those that their run has."""
    if lines:
        _keep(db, lines, _last(db, {run for run, _ in lines}))


def keep_later_lines(db: sqlite3.Connection, runs: Iterable[str], lines: Sequence[Line]) -> None:
    """Keep those lines with these runs that are numbered above all that they have."""
    if lines:
        last = _last(db, runs)
        _keep(db, [(run, line) for run in runs for line in lines if line.n > last.get(run, 0)], last)


def _keep(db: sqlite3.Connection, lines: Sequence[tuple[str, Line]], last: dict[str, int]) -> None:
    rows: list[Row] = []
    for run, line in lines:
        last[run] = n = last.get(run, 0) + 1
        fields = None if line.fields is None else text_of(line.fields) or "{}"
        rows.append((run, n, line.at, line.level, line.text, fields))
    insert(db, "lines", ("run", "n", "at", "level", "text", "fields"), rows)


def _last(db: sqlite3.Connection, runs: Iterable[str]) -> dict[str, int]:
    rows = db.execute(f"SELECT run, max(n) FROM lines WHERE run IN {THESE} GROUP BY run", (listed(runs),))
    return dict(rows.fetchall())


def lines(db: sqlite3.Connection, run: str, after: int, limit: int) -> list[Line]:
    """The lines of a run numbered above ``after``."""
    rows = db.execute(_LINES, (run, after, limit)).fetchall()
    return [
        Line(n=n, at=at, level=level, text=text, fields=None if fields is None else _fields(fields))
        for n, at, level, text, fields in rows
    ]


_fields = msgspec.json.Decoder(dict).decode

_LINES = "SELECT n, at, level, text, fields FROM lines WHERE run = ? AND n > ? ORDER BY n LIMIT ?"
