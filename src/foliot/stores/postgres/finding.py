"""Finding runs and counting them: questions for PostgreSQL's own planner, with statistics to go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import msgspec

from foliot.model import Query, Run, State
from foliot.stores.postgres import wire
from foliot.stores.terms import as_json, meta_term, tag_term

Values = tuple[Any, ...]

COUNTED = ("state", "job", "schedule", "queue", "worker", "parent")


_STANDING = "id, job, due_at, created_at, state, result, parent, cancelling, finished_at"
"""What is told of a run to a brief query."""


class Question(NamedTuple):
    """Some SQL and its values."""

    sql: str
    values: Values


class Filter(NamedTuple):
    """A condition on ``runs``, with ``{}`` where each of its values goes, and the values."""

    sql: str
    values: Values


def find(query: Query, schema: str) -> Question:
    """The runs that match, a page at a time; one more than asked for, to know if more match."""
    onward, direction = (">", "ASC") if query.oldest_first else ("<", "DESC")
    filters = list(_filters(query, schema))
    if query.after is not None:
        filters.append(Filter(f"id {onward} {{}}", (query.after,)))
    columns, told = (_STANDING, _STANDING) if query.brief else ("runs AS run, id", f"{schema}.as_json(run)")
    matching, values = _matching(columns, query.parents, filters, schema)
    limit = f"LIMIT ${len(values) + 1}"
    return Question(f"SELECT {told} FROM {matching} ORDER BY id {direction} {limit}", (*values, query.limit + 1))


def tally(query: Query, by: str, schema: str) -> Question:
    """How many of the runs that match have each value of a thing."""
    thing, named = _thing(by, schema)
    matching, values = _matching(f"{thing} AS thing", query.parents, _filters(query, schema), schema, named)
    return Question(f"SELECT thing, count(*) FROM {matching} WHERE thing IS NOT NULL GROUP BY thing", values)


def _matching(
    columns: str, parents: Sequence[str], filters: Iterable[Filter], schema: str, named: Values = ()
) -> tuple[str, Values]:
    """These columns of the runs that match, to be selected from, and the values, behind those that columns name."""
    above = f"${len(named) + 1}::text"
    first = (*named, parents[0] if len(parents) == 1 else list(dict.fromkeys(parents))) if parents else named
    conditions, values = _numbered(filters, first)
    runs = f"{schema}.runs"
    match len(parents):
        case 0:
            where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
            return f"(SELECT {columns} FROM {runs}{where}) AS matching", values
        case 1:
            return f"({_children(above, columns, runs, conditions)}) AS matching", values
        case _:
            each = _children("above", columns, runs, conditions)
            return f"unnest({above}[]) AS above CROSS JOIN LATERAL ({each} OFFSET 0) AS matching", values


def _children(parent: str, columns: str, runs: str, conditions: Sequence[str]) -> str:
    """Of the children of one run: by their ids, which begin with its own, and by an index the few that have others."""
    more = "".join(f" AND {each}" for each in conditions)
    own = f"id >= {parent} || '.' AND id < {parent} || '/' AND parent = {parent}"
    stray = f"parent = {parent} AND NOT starts_with(id, parent || '.')"
    return " UNION ALL ".join(f"SELECT {columns} FROM {runs} WHERE {which}{more}" for which in (own, stray))


def run_of(row: Sequence[Any]) -> Run:
    """The run in a row: its columns if it was asked for in brief, else the whole of it in one text."""
    if len(row) == 1:
        return wire.run_of(row[0])
    id, job, due_at, created_at, state, result, parent, cancelling, finished_at = row
    return Run(
        id=id,
        job=job,
        due_at=due_at,
        created_at=created_at,
        state=State(state),
        result=result,
        parent=parent,
        cancelling=cancelling,
        finished_at=finished_at,
    )


def labelled(by: str, rows: Iterable[Any]) -> dict[str, int]:
    """The counts by what they are called: texts in ``meta`` stand for themselves, other values for their JSON text."""
    if not by.startswith("meta."):
        return dict(rows)
    counts: Counter[str] = Counter()
    for text, n in rows:
        counts[msgspec.json.decode(text) if text.startswith('"') else text] += n
    return dict(counts)


def _thing(by: str, schema: str) -> tuple[str, Values]:
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
    columns |= {"queue": query.queues, "worker": query.workers}
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


def _numbered(filters: Iterable[Filter], first: Values) -> tuple[list[str], Values]:
    """All conditions, and their values behind those that come first."""
    every, number = list(filters), count(len(first) + 1)
    conditions = [each.sql.format(*(f"${next(number)}" for _ in each.values)) for each in every]
    return conditions, (*first, *(value for each in every for value in each.values))
