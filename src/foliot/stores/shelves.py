"""Ids on shelves: put there without order while work is done, put in order when somebody looks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Generic, TypeVar

from foliot.model import Limit, Schedule, Worker

SLACK = 1_000
"""How many stale ids are no reason to sweep."""

T = TypeVar("T", Schedule, Limit, Worker)


class Shelf:
    """Ids, sorted when somebody looks; one may be there twice."""

    __slots__ = ("_ids", "_sorted")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids = list(ids)
        self._sorted = not self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str) -> None:
        """Put an id on it."""
        self._ids.append(id)
        self._sorted = False

    def beyond(self, after: str | None, *, up: bool) -> Iterator[str]:
        """The ids above ``after`` going up, or below it going down."""
        ids = self._in_order()
        if up:
            places = range(0 if after is None else bisect_right(ids, after), len(ids))
        else:
            places = range(len(ids) if after is None else bisect_left(ids, after))[::-1]
        return map(ids.__getitem__, places)

    def _in_order(self) -> list[str]:
        if not self._sorted:
            self._ids.sort()  # nearly in order already, which this sort is quick at
            self._sorted = True
        return self._ids


class Records(Generic[T]):
    """The records of one kind by id."""

    def __init__(self) -> None:
        self._kept: dict[str, T] = {}
        self._order = Shelf()
        self.get = self._kept.get
        """The record of an id, if there is one."""

    def put(self, record: T) -> None:
        """Keep this record in the place of what it was."""
        if record.id not in self._kept:
            self._order.add(record.id)
        self._kept[record.id] = record

    def drop(self, id: str) -> bool:
        """Forget a record; False where there was none."""
        if self._kept.pop(id, None) is None:
            return False
        if len(self._order) > 2 * len(self._kept) + SLACK:
            self._order = Shelf(self._kept)
        return True

    def page(self, ids: Iterable[str] | None, after: str, limit: int | None) -> list[T]:
        """Those of these ids, or all, above ``after`` in order of id."""
        shelf = self._order if ids is None else Shelf(ids)
        there = (id for id, _ in groupby(shelf.beyond(after, up=True)) if id in self._kept)
        return [self._kept[id] for id in islice(there, limit)]
