"""Statements that carry many rows in one step.

Each step of a statement lets other threads have the interpreter, and getting it back may take milliseconds
when they are busy. So many rows go through few steps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

Row = tuple[Any, ...]

STRIDES = (100, 10, 1)
"""How many rows one statement carries: a few sizes only, so that each is prepared once."""

THESE = "(SELECT value FROM json_each(?))"
"""A list of any length, bound as one value: ``WHERE id IN {THESE}``, with ``listed``."""

_encode = msgspec.json.Encoder().encode


def listed(values: Iterable[Any]) -> str:
    """Values to bind where ``THESE`` stands."""
    return _encode(list(values)).decode()


def insert(db: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Row], clash: str = "") -> None:
    """Write new rows. Where a key is taken, ``clash`` says what to do, else the schema."""
    for stride, values in _strides(rows):
        db.execute(_insertion(table, tuple(columns), stride, clash), values)


def update(db: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write these columns of rows that are there; each row begins with its id."""
    for stride, values in _strides(rows):
        db.execute(_change(table, tuple(columns), stride), values)


def _strides(rows: Iterable[Row]) -> Iterator[tuple[int, list[Any]]]:
    """Cut into the sizes of ``STRIDES``, each with its values one after the other."""
    rest, at = list(rows), 0
    for stride in STRIDES:
        while len(rest) - at >= stride:
            yield stride, list(chain.from_iterable(rest[at : at + stride]))
            at += stride


@lru_cache
def _insertion(table: str, columns: tuple[str, ...], rows: int, clash: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {_marks(len(columns), rows)} {clash}"


@lru_cache
def _change(table: str, columns: tuple[str, ...], rows: int) -> str:
    changes = ", ".join(f"{column} = column{at}" for at, column in enumerate(columns, 2))
    values = f"(VALUES {_marks(1 + len(columns), rows)})"
    return f"UPDATE {table} SET {changes} FROM {values} WHERE {table}.id = column1"


def _marks(width: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * rows)
