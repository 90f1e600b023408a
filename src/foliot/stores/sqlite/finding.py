"""Finding runs and counting them: one filter drives, by its index and in order of id; the others look at what it brings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from foliot.model import Line, Page, Query, State
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.rows import COLUMNS, run_of
from foliot.stores.sqlite.terms import as_json, at_path, meta_term, tag_term

ENOUGH = 5_000
"""A filter that more runs than this match is not counted further: any other is at least as good."""

_fields = msgspec.json.Decoder(dict[str, Any]).decode


class Filter(NamedTuple):
    """A condition on ``runs``, and its values."""

    sql: str
    values: tuple[Any, ...]


class Driver(NamedTuple):
    """Where to read from, in order of id: an index and one condition on it for each of several values."""

    source: str
    id: str
    condition: str
    values: tuple[Any, ...]


def equip(db: sqlite3.Connection) -> None:
    """Teach a connection what SQL cannot say: the value at a path, as JSON text."""
    db.create_function("meta_at", 2, _meta_at, deterministic=True)


def _meta_at(meta: str | None, path: str) -> str | None:
    return None if meta is None else at_path(_fields(meta), path)


# Find


def find(db: sqlite3.Connection, query: Query) -> Page:
    """The runs that match, a page at a time: one more is read than asked for, to know whether there are more."""
    sql, values = _page(query, _best_driver(db, query))
    rows = db.execute(sql, values).fetchall()
    runs = tuple(run_of(row) for row in rows[: query.limit])
    return Page(runs=runs, cursor=runs[-1].id if runs and len(rows) > query.limit else None)


def _page(query: Query, driver: Driver) -> tuple[str, list[Any]]:
    """For each of the driver's values, the first of the page; of all these, the page."""
    onward, direction = (">", "ASC") if query.oldest_first else ("<", "DESC")
    filters = list(_filters(query))
    if query.after is not None:
        filters.append(Filter(f"{driver.id} {onward} ?", (query.after,)))
    where = " AND ".join([driver.condition, *(each.sql for each in filters)])
    one = f"SELECT * FROM (SELECT {COLUMNS} FROM {driver.source} WHERE {where} ORDER BY {driver.id} {direction} LIMIT ?)"
    sql = f"{' UNION ALL '.join([one] * len(driver.values))} ORDER BY id {direction} LIMIT ?"
    rest = [value for each in filters for value in each.values]
    values = [each for value in driver.values for each in (value, *rest, query.limit + 1)]
    return sql, [*values, query.limit + 1]


def _filters(query: Query) -> Iterator[Filter]:
    """Every condition of the query."""
    columns = {"id": query.ids, "state": query.states, "job": query.jobs, "schedule": query.schedules}
    columns |= {"queue": query.queues, "worker": query.workers}
    for column, wanted in columns.items():
        if wanted:
            yield Filter(f"runs.{column} IN {THESE}", (listed(wanted),))
    for tag in query.tags:
        yield _has_term(tag_term(tag))
    for path, value in query.meta.items():
        term = meta_term(path, value)
        yield Filter("meta_at(runs.meta, ?) = ?", (path, as_json(value))) if term is None else _has_term(term)
    if query.since is not None:
        yield Filter("runs.created_at >= ?", (query.since,))
    if query.until is not None:
        yield Filter("runs.created_at < ?", (query.until,))


def _has_term(term: str) -> Filter:
    return Filter("EXISTS (SELECT 1 FROM terms WHERE term = ? AND run = runs.id)", (term,))


# Drivers

_ALL = Driver("runs INDEXED BY runs_id", "runs.id", "? IS NOT NULL", (1,))


def _best_driver(db: sqlite3.Connection, query: Query) -> Driver:
    """The filter that brings the fewest, as far as counting is cheap; without any, all runs."""
    drivers = list(_drivers(query))
    if not drivers:
        return _ALL
    return min(drivers, key=lambda each: _count(db, each)) if len(drivers) > 1 else drivers[0]


def _count(db: sqlite3.Connection, driver: Driver) -> int:
    one = f"SELECT count(*) FROM (SELECT 1 FROM {driver.source} WHERE {driver.condition} LIMIT {ENOUGH})"
    return sum(db.execute(one, (value,)).fetchone()[0] for value in driver.values)


def _drivers(query: Query) -> Iterator[Driver]:
    if query.ids:
        yield _on("runs_id", "id = ?", query.ids)
    if query.states and State.SUCCEEDED not in query.states:
        yield _on("runs_state", "state = ? AND state <> 'succeeded'", query.states)
    if query.jobs:
        yield _on("runs_job", "job = ?", query.jobs)
    if query.schedules:
        yield _on("runs_schedule", "schedule = ?", query.schedules)
    if query.queues and "default" not in query.queues:
        yield _on("runs_queue", "queue = ? AND queue <> 'default'", query.queues)
    if query.workers:
        yield _on("runs_worker", "worker = ?", query.workers)
    terms = [tag_term(tag) for tag in query.tags] + [
        meta_term(path, value) for path, value in query.meta.items()
    ]
    for term in terms:
        if term is not None:
            yield Driver(
                "terms CROSS JOIN runs ON runs.id = terms.run", "terms.run", "terms.term = ?", (term,)
            )


def _on(index: str, condition: str, values: Iterable[Any]) -> Driver:
    return Driver(
        f"runs INDEXED BY {index}", "runs.id", f"runs.{condition}", tuple(dict.fromkeys(map(str, values)))
    )


# Tally


def tally(db: sqlite3.Connection, query: Query, by: str) -> dict[str, int]:
    """Count what matches by a column, a tag or a value in ``meta``."""
    filters = list(_filters(query))
    if by == "state" and not filters:
        return _states(db)
    expression, source, values = _grouping(by)
    where = " AND ".join([f"{expression} IS NOT NULL", *(each.sql for each in filters)])
    rows = db.execute(
        f"SELECT {expression}, count(*) FROM {source} WHERE {where} GROUP BY 1",
        [*values, *values, *(value for each in filters for value in each.values)],
    )
    return _named(by, rows.fetchall())


def _states(db: sqlite3.Connection) -> dict[str, int]:
    """All runs by state, from indexes alone: those that succeeded, the most, are in none but the count of all."""
    counts = dict(
        db.execute(
            "SELECT state, count(*) FROM runs INDEXED BY runs_state WHERE state <> 'succeeded' GROUP BY state"
        )
    )
    [[every]] = db.execute("SELECT count(*) FROM runs")
    succeeded = every - sum(counts.values())
    return counts | ({State.SUCCEEDED.value: succeeded} if succeeded else {})


def _grouping(by: str) -> tuple[str, str, tuple[Any, ...]]:
    """By which expression to group, over which rows, with which values."""
    if by == "tag":
        return "tag.value", "runs JOIN json_each(runs.tags) AS tag", ()
    if by.startswith("meta."):
        return "meta_at(runs.meta, ?)", "runs", (by.removeprefix("meta."),)
    if by in ("state", "job", "schedule", "queue", "worker"):
        return f"runs.{by}", "runs", ()
    raise ValueError(
        f"runs cannot be counted by {by!r}; use state, job, schedule, queue, worker, tag or meta.<path>"
    )


def _named(by: str, rows: list[tuple[str, int]]) -> dict[str, int]:
    """Texts stand for themselves, other JSON values for their JSON text."""
    if not by.startswith("meta."):
        return dict(rows)
    return {msgspec.json.decode(name) if name.startswith('"') else name: n for name, n in rows}


# Lines


def lines(db: sqlite3.Connection, run: str, after: int, limit: int) -> list[Line]:
    """The lines of a run numbered above ``after``."""
    rows = db.execute(
        "SELECT n, at, level, text, fields FROM lines WHERE run = ? AND n > ? ORDER BY n LIMIT ?",
        (run, after, limit),
    )
    return [
        Line(n=n, at=at, level=level, text=text, fields=None if fields is None else _fields(fields))
        for n, at, level, text, fields in rows.fetchall()
    ]
