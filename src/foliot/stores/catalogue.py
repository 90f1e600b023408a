"""Finding runs in memory: which runs have a thing, learnt when somebody asks and not when they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple, cast

import msgspec
from msgspec.structs import replace

from foliot.model import Page, Query, Run, State
from foliot.stores.shelves import SLACK, Shelf

_MOST_INDEXES = 32
_FEW = 100
"""So many runs are looked through sooner than an index is read on."""
_UNSORTED = 4
"""How much longer a way is when its ids must be sorted first."""

Things = Callable[[Run], Collection[str]]


class Wish(NamedTuple):
    """A run must have one of these values of a thing."""

    by: str
    values: frozenset[str]


def wishes_of(query: Query) -> list[Wish]:
    """What a query asks for, one wish for each thing."""
    fields = {
        "state": query.states,
        "job": query.jobs,
        "schedule": query.schedules,
        "queue": query.queues,
        "worker": query.workers,
        "parent": query.parents,
    }
    wishes = [Wish(by, frozenset(values)) for by, values in fields.items() if values]
    wishes += [Wish("tag", frozenset({tag})) for tag in query.tags]
    return wishes + [Wish(f"meta.{path}", frozenset({_json(value)})) for path, value in query.meta.items()]


def things(by: str) -> Things:
    """What a run has of a thing: nothing, one value, or several tags. Values in ``meta`` are JSON text."""
    if by.startswith("meta."):
        path = by.removeprefix("meta.").split(".")
        return lambda run: _in_meta(run, path)
    if by not in _THINGS:
        raise ValueError(f"runs cannot be counted by {by!r}; by {', '.join(_THINGS)} or meta.<path> they can")
    return _THINGS[by]


_THINGS: dict[str, Things] = {
    "state": lambda run: (run.state.value,),
    "job": lambda run: (run.job,),
    "schedule": lambda run: () if run.schedule is None else (run.schedule,),
    "queue": lambda run: (run.queue,),
    "worker": lambda run: () if run.worker is None else (run.worker,),
    "parent": lambda run: () if run.parent is None else (run.parent,),
    "tag": lambda run: frozenset(run.tags),
}


def _every(_run: Run) -> Collection[str]:
    return ("",)


def _in_meta(run: Run, path: Sequence[str]) -> Collection[str]:
    value: Any = run.meta
    for step in path:
        if step not in value if isinstance(value, dict) else True:
            return ()
        value = cast("dict[str, Any]", value)[step]
    return (_json(value),)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _label(text: str) -> str:
    """JSON text as a tally shows it: text without its quotes."""
    return msgspec.json.decode(text) if text.startswith('"') else text


def fits(query: Query, wishes: Sequence[Wish]) -> Callable[[Run], bool]:
    """The question whether a run matches."""
    since, until, ids = query.since, query.until, frozenset(query.ids)
    asked = [(things(wish.by), wish.values) for wish in wishes]

    def fitting(run: Run) -> bool:
        return (
            (since is None or run.created_at >= since)
            and (until is None or run.created_at < until)
            and (not ids or run.id in ids)
            and all(not values.isdisjoint(has(run)) for has, values in asked)
        )

    return fitting


class Index:
    """Shelves of ids by what their runs have of a thing. Reads on in a journal of ids when asked."""

    def __init__(self, journal: list[str], has: Things) -> None:
        self._journal, self._has = journal, has
        self._read = 0
        self._shelves: dict[str, Shelf] = {}

    def shelves(self, values: Iterable[str], runs: dict[str, Run]) -> list[Shelf]:
        """The shelves of these values. What is on them had the value once, and must be looked at."""
        for id in self._journal[self._read :]:
            if (run := runs.get(id)) is not None:
                for value in self._has(run):
                    if value not in self._shelves:
                        self._shelves[value] = Shelf()
                    self._shelves[value].add(id)
        self._read = len(self._journal)
        return [self._shelves[value] for value in values if value in self._shelves]


class Catalogue:
    """Where to find runs. Running costs it little: a note of who is new, one of who was claimed, the states."""

    def __init__(self, runs: dict[str, Run]) -> None:
        self.states: dict[State, set[str]] = {state: set() for state in State}
        self._runs = runs
        self._added: list[str] = []
        self._claimed: list[str] = []
        self._indexes: dict[str, Index] = {}

    def enter(self, run: Run) -> None:
        """This run is new."""
        self.states[run.state].add(run.id)
        self._added.append(run.id)
        if run.worker is not None:
            self._claimed.append(run.id)

    def move(self, old: Run, run: Run) -> None:
        """This run has another state."""
        self.states[old.state].discard(run.id)
        self.states[run.state].add(run.id)

    def leave(self, run: Run) -> None:
        """This run is forgotten."""
        self.states[run.state].discard(run.id)
        self._trim(self._added)

    def claimed(self, runs: Iterable[Run]) -> None:
        """These runs have another worker."""
        self._claimed += [run.id for run in runs]
        self._trim(self._claimed)

    def _trim(self, journal: list[str]) -> None:
        """Forget what is gone once it is the larger part; the indexes will read the journal anew."""
        if len(journal) > 2 * len(self._runs) + SLACK:
            journal[:] = [id for id in dict.fromkeys(journal) if id in self._runs]
            self._indexes.clear()

    # questions

    def find(self, query: Query) -> Page:
        """One page of the runs that match."""
        found: list[Run] = []
        for run in self._matching(query, query.after):
            if len(found) == query.limit:
                return Page(runs=tuple(found), cursor=found[-1].id if found else query.after)
            found.append(run)
        return Page(runs=tuple(found))

    def tally(self, query: Query, by: str) -> dict[str, int]:
        """How many of the runs that match have each value of a thing."""
        if by == "state" and _asks_for_states_only(query):
            counts = {state.value: len(self.states[state]) for state in query.states or State}
            return {state: count for state, count in counts.items() if count}
        has = things(by)
        counts = Counter(value for run in self._matching(query, None) for value in has(run))
        return _labelled(counts) if by.startswith("meta.") else dict(counts)

    def _matching(self, query: Query, after: str | None) -> Iterator[Run]:
        wishes, up = wishes_of(query), query.oldest_first
        fitting = fits(query, wishes)
        ways = [shelf.beyond(after, up=up) for shelf in self._shortest_way(query, wishes)]
        for id, _ in groupby(ways[0] if len(ways) == 1 else merge(*ways, reverse=not up)):
            run = self._runs.get(id)
            if run is not None and fitting(run):
                yield run

    def _shortest_way(self, query: Query, wishes: Sequence[Wish]) -> Sequence[Shelf]:
        """The shelves to look through for everything that may match."""
        if query.ids:
            return [Shelf(frozenset(query.ids))]
        states = [self.states[state] for state in query.states]
        if states and sum(map(len, states)) <= _FEW:
            return [Shelf(state) for state in states]
        ways = [self._index(wish.by).shelves(wish.values, self._runs) for wish in wishes if wish.by != "state"]
        shortest = min(ways or [self._index("all").shelves([""], self._runs)], key=_length)
        if states and _UNSORTED * sum(map(len, states)) < _length(shortest):
            return [Shelf(state) for state in states]
        return shortest

    def _index(self, by: str) -> Index:
        if by not in self._indexes:
            if len(self._indexes) >= _MOST_INDEXES:
                del self._indexes[next(iter(self._indexes))]
            self._indexes[by] = Index(
                self._claimed if by == "worker" else self._added, _every if by == "all" else things(by)
            )
        return self._indexes[by]


def _length(shelves: Iterable[Shelf]) -> int:
    return sum(map(len, shelves))


def _asks_for_states_only(query: Query) -> bool:
    return replace(query, states=(), after=None, limit=0, oldest_first=False) == Query(limit=0)


def _labelled(counts: Mapping[str, int]) -> dict[str, int]:
    labelled: Counter[str] = Counter()
    for text, count in counts.items():
        labelled[_label(text)] += count
    return dict(labelled)
