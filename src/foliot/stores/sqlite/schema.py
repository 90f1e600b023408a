"""The tables, how they came to be, and the refusal to touch a file that is not ours.

Plain SQL can read a store: a run is one row of ``runs``, times are microseconds since the epoch, lists JSON.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from foliot.errors import StoreCorrupt

APPLICATION = int.from_bytes(b"Foli")
"""What the header of every file of ours says, for ``PRAGMA application_id``."""


class Migration(NamedTuple):
    """One step from an older schema to a newer one. Once released it is never edited: files remember it."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells an edited step from the one a file was made with."""
        return sha256(self.sql.encode()).hexdigest()[:16]


FIRST = Migration(
    "runs, schedules and what they need",
    """
CREATE TABLE runs (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  job TEXT NOT NULL,
  queue TEXT NOT NULL,
  place TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending',
  reason TEXT,
  priority INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  wakes_at INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  nominal_at INTEGER,
  expires_at INTEGER,
  deadline_at INTEGER,
  token INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  worker TEXT,
  schedule TEXT,
  parent TEXT,
  parked TEXT,
  waits INTEGER NOT NULL DEFAULT 0,
  cancelling TEXT,
  args TEXT NOT NULL,
  result TEXT,
  error TEXT,
  attempts TEXT,
  progress TEXT,
  uniq TEXT,
  tags TEXT,
  meta TEXT,
  more TEXT
) STRICT;
CREATE UNIQUE INDEX runs_id ON runs (id);
CREATE INDEX runs_due ON runs (place, priority, wakes_at, id) WHERE wakes_at IS NOT NULL;
CREATE INDEX runs_parked ON runs (parked, due_at - priority * 60000000, id) WHERE parked IS NOT NULL;
CREATE INDEX runs_state ON runs (state, id) WHERE state <> 'succeeded';
CREATE INDEX runs_over ON runs (job, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_job ON runs (job, id);
CREATE INDEX runs_schedule ON runs (schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX runs_queue ON runs (queue, id) WHERE queue <> 'default';
CREATE INDEX runs_worker ON runs (worker, id) WHERE worker IS NOT NULL;
CREATE INDEX runs_created ON runs (created_at);

CREATE TABLE terms (
  term TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (term, run) ON CONFLICT IGNORE
) STRICT, WITHOUT ROWID;

CREATE TABLE waits (
  upstream TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (upstream, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_run ON waits (run);

CREATE TABLE keys (
  key TEXT PRIMARY KEY ON CONFLICT REPLACE,
  run TEXT NOT NULL,
  until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_until ON keys (until) WHERE until IS NOT NULL;

CREATE TABLE lines (
  run TEXT NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  level TEXT NOT NULL,
  text TEXT NOT NULL,
  fields TEXT,
  PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE lanes (
  lane TEXT PRIMARY KEY,
  busy INTEGER NOT NULL DEFAULT 0,
  look_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_look ON lanes (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE starts (
  lane TEXT NOT NULL,
  at INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (lane, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX starts_at ON starts (at);

CREATE TABLE schedules (
  id TEXT PRIMARY KEY ON CONFLICT REPLACE,
  job TEXT NOT NULL,
  wakes_at INTEGER,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (wakes_at, id) WHERE wakes_at IS NOT NULL;

CREATE TABLE limits (
  id TEXT PRIMARY KEY ON CONFLICT REPLACE,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id TEXT PRIMARY KEY ON CONFLICT REPLACE,
  seen_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bells (port INTEGER PRIMARY KEY ON CONFLICT REPLACE, pid INTEGER NOT NULL) STRICT;
CREATE TABLE counters (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
""",
)

MIGRATIONS: tuple[Migration, ...] = (FIRST,)

_KEPT = "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT"


def refuse_foreign(db: sqlite3.Connection, path: Path) -> None:
    """Raise StoreCorrupt for the database of another program. Changes nothing, in an empty file neither."""
    said = _pragma(db, "application_id")
    if said != APPLICATION and (said or _pragma(db, "user_version") or _objects(db)):
        raise StoreCorrupt(f"{path} is a database of another program; nothing was changed; give another path")


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the file to the newest schema, in one transaction; of several processes, the first does it.

    Raises StoreCorrupt for a foreign file, for one of a newer Foliot, and for one whose schema was altered.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        refuse_foreign(db, path)
        if not _objects(db):
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(_KEPT)
        _apply(db, migrations, _applied(db, path, migrations))
        _refuse_altered(db, path, migrations)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _applied(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> int:
    """How many of the steps this file has behind it."""
    if not any(name == "migrations" for name, _ in _objects(db)):
        raise StoreCorrupt(f"{path} has lost its table of migrations; restore it from a backup")
    kept = db.execute("SELECT name, checksum FROM migrations ORDER BY number").fetchall()
    if len(kept) > len(migrations):
        raise StoreCorrupt(f"{path} was written by a newer Foliot ({kept[-1][0]!r}); upgrade Foliot to open it")
    for step, (name, checksum) in zip(migrations, kept, strict=False):
        if step.checksum != checksum:
            raise StoreCorrupt(f"{path} was made by another step {name!r}; open it with the Foliot that made it")
    return len(kept)


def _apply(db: sqlite3.Connection, migrations: Sequence[Migration], done: int) -> None:
    for number, step in enumerate(migrations[done:], done + 1):
        for statement in step.sql.split(";"):
            db.execute(statement)
        db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, step.name, step.checksum))


def _refuse_altered(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Everything of ours must stand as we made it; what people added (an index, a view) is theirs."""
    if changed := _expected(migrations) - _objects(db):
        names = ", ".join(sorted(name for name, _ in changed))
        raise StoreCorrupt(f"{path} has an altered schema ({names}); undo the change, or restore a backup")


def _expected(migrations: Sequence[Migration]) -> set[tuple[str, str]]:
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        fresh.execute(_KEPT)
        _apply(fresh, migrations, 0)
        return _objects(fresh)
    finally:
        fresh.close()


def _objects(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall())


def _pragma(db: sqlite3.Connection, name: str) -> int:
    [[value]] = db.execute(f"PRAGMA {name}").fetchall()
    return value
