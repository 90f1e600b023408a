"""Finding runs and counting them: questions for PostgreSQL's own planner, with statistics to go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

import msgspec

from foliot.model import Query
from foliot.stores.terms import as_json, meta_term, tag_term

COUNTED = ("state", "job", "schedule", "queue", "worker", "parent")


_STANDING = ("id", "job", "due_at", "created_at", "state", "result", "parent", "cancelling", "finished_at")
_PAIRS = ", ".join(f"'{name}', {name}" for name in _STANDING)
_BRIEF = f"json_build_object({_PAIRS})::text"


class Question(NamedTuple):
    """Some SQL and its values."""

    sql: str
    values: tuple[Any, ...]


class Filter(NamedTuple):
    """A condition on ``runs``, with ``{}`` where each of its values goes, and the values."""

    sql: str
    values: tuple[Any, ...]


def find(query: Query, schema: str) -> Question:
    """The runs that match, a page at a time; one more than asked for, to know if more match."""
    onward, direction = (">", "ASC") if query.oldest_first else ("<", "DESC")
    filters = list(_filters(query, schema))
    if query.after is not None:
        filters.append(Filter(f"id {onward} {{}}", (query.after,)))
    where, values = _where(filters)
    run = _BRIEF if query.brief else f"{schema}.as_json(runs)"
    return Question(
        f"SELECT {run}, id FROM {schema}.runs{where} ORDER BY id {direction} LIMIT ${len(values) + 1}",
        (*values, query.limit + 1),
    )


def tally(query: Query, by: str, schema: str) -> Question:
    """How many of the runs that match have each value of a thing."""
    thing, values = _thing(by, schema)
    where, more = _where(_filters(query, schema), after=len(values))
    return Question(
        f"SELECT thing, count(*) FROM (SELECT {thing} AS thing FROM {schema}.runs{where}) AS things"
        " WHERE thing IS NOT NULL GROUP BY thing",
        (*values, *more),
    )


def labelled(by: str, rows: Iterable[Any]) -> dict[str, int]:
    """The counts by what they are called: texts in ``meta`` stand for themselves, other values for their JSON text."""
    if not by.startswith("meta."):
        return dict(rows)
    counts: Counter[str] = Counter()
    for text, n in rows:
        counts[msgspec.json.decode(text) if text.startswith('"') else text] += n
    return dict(counts)


def _thing(by: str, schema: str) -> tuple[str, tuple[Any, ...]]:
    if by == "tag":
        return "unnest(ARRAY(SELECT DISTINCT unnest(tags)))", ()
    if by.startswith("meta."):
        return f"{schema}.at_path(meta, $1)", (by.removeprefix("meta.").split("."),)
    if by in COUNTED:
        return by, ()
    raise ValueError(f"runs cannot be counted by {by!r}; by {', '.join(COUNTED)}, tag or meta.<path> they can")


def _filters(query: Query, schema: str) -> Iterator[Filter]:
    """Every condition of the query."""
    columns = {"id": query.ids, "state": query.states, "job": query.jobs, "schedule": query.schedules}
    columns |= {"queue": query.queues, "worker": query.workers, "parent": query.parents}
    for column, wanted in columns.items():
        if wanted:
            yield Filter(f"{column} = ANY ({{}}::text[])", ([str(each) for each in wanted],))
    for tag in query.tags:
        yield Filter("words @> {}::text[]", ([tag_term(tag)],))
    for path, value in query.meta.items():
        yield from _of_meta(path, value, schema)
    if query.since is not None:
        yield Filter("created_at >= {}", (query.since,))
    if query.until is not None:
        yield Filter("created_at < {}", (query.until,))


def _of_meta(path: str, value: Any, schema: str) -> Iterator[Filter]:
    """What is not indexed is looked for among the runs that have any ``meta``."""
    if (term := meta_term(path, value)) is not None:
        yield Filter("words @> {}::text[]", ([term],))
    else:
        yield Filter(f"{schema}.at_path(meta, {{}}::text[]) = {{}}", (path.split("."), as_json(value)))


def _where(filters: Iterable[Filter], after: int = 0) -> tuple[str, tuple[Any, ...]]:
    every, number = list(filters), count(after + 1)
    conditions = [each.sql.format(*(f"${next(number)}" for _ in each.values)) for each in every]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return where, tuple(value for each in every for value in each.values)
