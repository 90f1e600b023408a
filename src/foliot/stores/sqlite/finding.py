"""Finding runs and counting them.

One filter drives: its index is read in order of id, and the other filters look at what it brings.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from foliot.model import Page, Query, State
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.rows import BRIEF, COLUMNS, brief_of, run_of
from foliot.stores.terms import as_json, at_path, meta_term, tag_term

ENOUGH = 5_000
"""A filter that more runs than this match is not counted further: any other is at least as good."""

FEW = 50
"""For how many values of one filter its index is read."""

_fields = msgspec.json.Decoder(dict[str, Any]).decode


class Filter(NamedTuple):
    """A condition on ``runs``, and its values."""

    sql: str
    values: tuple[Any, ...]


class Driver(NamedTuple):
    """Where to read from in order of id: a condition that an index answers, for each of several values."""

    source: str
    condition: str
    values: tuple[Any, ...]
    id: str = "runs.id"


def equip(db: sqlite3.Connection) -> None:
    """Teach a connection what SQL cannot say: the value at a path, as JSON text."""
    db.create_function("meta_at", 2, _meta_at, deterministic=True)


def _meta_at(meta: str | None, path: str) -> str | None:
    return None if meta is None else at_path(_fields(meta), path)


# Find


def find(db: sqlite3.Connection, query: Query) -> Page:
    """The runs that match, a page at a time; one more is read than asked for, to know if more match."""
    sql, values = _page(query, _best_driver(db, query, _IN_ORDER))
    rows = db.execute(sql, values).fetchall()
    runs = tuple(map(brief_of if query.brief else run_of, rows[: query.limit]))
    more = len(rows) > query.limit
    return Page(runs=runs, cursor=None if not more else runs[-1].id if runs else query.after)


def _page(query: Query, driver: Driver) -> tuple[str, list[Any]]:
    """For each of the driver's values, the first of the page; of all these, the page."""
    onward, direction = (">", "ASC") if query.oldest_first else ("<", "DESC")
    filters = list(_filters(query))
    if query.after is not None:
        filters.append(Filter(f"{driver.id} {onward} ?", (query.after,)))
    columns = BRIEF if query.brief else COLUMNS
    one = f"SELECT {columns} FROM {_matching(driver, filters)} ORDER BY {driver.id} {direction} LIMIT ?"
    limit = query.limit + 1
    values = _bound(driver, filters, last=(limit,))
    if len(driver.values) == 1:
        return one, values
    each = " UNION ALL ".join([f"SELECT * FROM ({one})"] * len(driver.values))
    return f"{each} ORDER BY id {direction} LIMIT ?", [*values, limit]


def _matching(driver: Driver, filters: Iterable[Filter]) -> str:
    return f"{driver.source} WHERE {' AND '.join([driver.condition, *(each.sql for each in filters)])}"


def _bound(
    driver: Driver, filters: Iterable[Filter], first: tuple[Any, ...] = (), last: tuple[Any, ...] = ()
) -> list[Any]:
    """The values of ``_matching``, for each of the driver's in turn, with those that stand around them."""
    rest = [*(value for each in filters for value in each.values), *last]
    return [bound for value in driver.values for bound in (*first, value, *rest)]


def _filters(query: Query) -> Iterator[Filter]:
    """Every condition of the query."""
    columns = {"id": query.ids, "state": query.states, "job": query.jobs, "schedule": query.schedules}
    columns |= {"queue": query.queues, "worker": query.workers, "parent": query.parents}
    for column, wanted in columns.items():
        if wanted:
            yield Filter(f"runs.{column} IN {THESE}", (listed(wanted),))
    for tag in query.tags:
        yield _has_term(tag_term(tag))
    for path, value in query.meta.items():
        term = meta_term(path, value)
        yield Filter("meta_at(meta, ?) = ?", (path, as_json(value))) if term is None else _has_term(term)
    if query.since is not None:
        yield Filter("created_at >= ?", (query.since,))
    if query.until is not None:
        yield Filter("created_at < ?", (query.until,))


def _has_term(term: str) -> Filter:
    return Filter("EXISTS (SELECT 1 FROM terms WHERE term = ? AND run = runs.id)", (term,))


# Drivers

_IN_ORDER = Driver("runs INDEXED BY runs_id", "? IS NOT NULL", (1,))
_IN_ANY_ORDER = Driver("runs", "? IS NOT NULL", (1,))
_EVER = 2**63 - 1


def _best_driver(db: sqlite3.Connection, query: Query, otherwise: Driver) -> Driver:
    """The filter that brings the fewest, as far as counting is cheap."""
    every = list(_drivers(query))
    if len(every) == 1 and query.since is query.until is None:
        return every[0]
    drivers = {driver: _count(db, driver) for driver in every}
    if query.since is not None or query.until is not None:
        window = _window(query)
        if (count := _count(db, window)) < ENOUGH:  # it is not in order of id, and must be sorted
            drivers[window] = count
    return min(drivers, key=lambda driver: drivers[driver]) if drivers else otherwise


def _count(db: sqlite3.Connection, driver: Driver) -> int:
    one = f"SELECT count(*) FROM (SELECT 1 FROM {_matching(driver, ())} LIMIT {ENOUGH})"
    return sum(db.execute(one, (value,)).fetchone()[0] for value in driver.values)


def _drivers(query: Query) -> Iterator[Driver]:
    if query.ids:
        yield Driver("runs INDEXED BY runs_id", f"runs.id IN {THESE}", (listed(query.ids),))
    if State.SUCCEEDED not in query.states:
        yield from _on("runs_state", "state = ? AND state <> 'succeeded'", [each.value for each in query.states])
    if "default" not in query.queues:
        yield from _on("runs_queue", "queue = ? AND queue <> 'default'", query.queues)
    yield from _on("runs_job", "job = ?", query.jobs)
    yield from _on("runs_schedule", "schedule = ?", query.schedules)
    yield from _on("runs_worker", "worker = ?", query.workers)
    yield from _on("runs_parent", "runs.parent = ?", query.parents)
    terms = [tag_term(tag) for tag in query.tags] + [meta_term(*each) for each in query.meta.items()]
    for term in terms:
        if term is not None:
            source = "terms CROSS JOIN runs ON runs.id = terms.run"
            yield Driver(source, "terms.term = ?", (term,), id="terms.run")


def _window(query: Query) -> Driver:
    until = _EVER if query.until is None else query.until
    since = -_EVER if query.since is None else query.since
    return Driver("runs INDEXED BY runs_created", f"created_at < {until:d} AND created_at >= ?", (since,))


def _on(index: str, condition: str, values: Sequence[str]) -> Iterator[Driver]:
    """An index drives for a few values; for many, reading all runs in order soon finds a page."""
    if 0 < len(values) <= FEW:
        yield Driver(f"runs INDEXED BY {index}", condition, tuple(dict.fromkeys(values)))


# Tally

_COUNTED = ("state", "job", "schedule", "queue", "worker", "parent")


class Grouping(NamedTuple):
    """What to select so as to count it, with the values in it, and what must be read beside ``runs``."""

    sql: str
    values: tuple[Any, ...] = ()
    beside: str = ""


def tally(db: sqlite3.Connection, query: Query, by: str) -> dict[str, int]:
    """Count what matches by a column, a tag or a value in ``meta``."""
    grouping, filters = _grouping(by), list(_filters(query))
    if by == "state" and not filters:
        return _states(db)
    driver = _best_driver(db, query, _IN_ANY_ORDER)
    matching = _matching(driver._replace(source=driver.source + grouping.beside), filters)
    each = " UNION ALL ".join([f"SELECT {grouping.sql} AS thing FROM {matching}"] * len(driver.values))
    values = _bound(driver, filters, first=grouping.values)
    rows = db.execute(f"SELECT thing, count(*) FROM ({each}) WHERE thing IS NOT NULL GROUP BY thing", values)
    return _labelled(rows.fetchall()) if by.startswith("meta.") else dict(rows.fetchall())


def _grouping(by: str) -> Grouping:
    if by == "tag":
        return Grouping("DISTINCT runs.id, tag.value", beside=", json_each(runs.tags) AS tag")
    if by.startswith("meta."):
        return Grouping("meta_at(meta, ?)", (by.removeprefix("meta."),))
    if by in _COUNTED:
        return Grouping(by)
    raise ValueError(f"runs cannot be counted by {by!r}; by {', '.join(_COUNTED)}, tag or meta.<path> they can")


def _states(db: sqlite3.Connection) -> dict[str, int]:
    """All runs by state, from indexes alone: those that succeeded, the most, are what is left of all."""
    counts = dict(db.execute(_STATES).fetchall())
    succeeded = counts.pop("every") - sum(counts.values())
    return counts | ({State.SUCCEEDED.value: succeeded} if succeeded else {})


_STATES = """
SELECT state, count(*) FROM runs INDEXED BY runs_state WHERE state <> 'succeeded' GROUP BY state
UNION ALL SELECT 'every', count(*) FROM runs
"""


def _labelled(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Texts stand for themselves, other JSON values for their JSON text."""
    labelled: Counter[str] = Counter()
    for name, n in counts:
        labelled[msgspec.json.decode(name) if name.startswith('"') else name] += n
    return dict(labelled)
