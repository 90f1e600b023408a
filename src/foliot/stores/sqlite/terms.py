"""Terms, each a row in a side table: only runs that have some pay for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from foliot.model import Run
from foliot.stores.sqlite.bulk import insert
from foliot.stores.terms import terms_of


def index(db: sqlite3.Connection, runs: Iterable[Run]) -> None:
    """Keep the terms of these runs."""
    rows = [(term, run.id) for run in runs if run.tags or run.meta for term in terms_of(run)]
    insert(db, "terms", ("term", "run"), rows)


def forget(db: sqlite3.Connection, runs: Iterable[Run]) -> None:
    """Forget the terms of these runs."""
    rows = [(term, run.id) for run in runs if run.tags or run.meta for term in terms_of(run)]
    if rows:
        db.executemany("DELETE FROM terms WHERE term = ? AND run = ?", rows)
