"""Opening the file, and saying in our words what SQLite says in its own."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Literal

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.stores.sqlite.schema import migrate, refuse_foreign

Durability = Literal["full", "relaxed"]
"""``full``: every commit reaches the disk before it is answered.

``relaxed``: a power cut may take the last ones back.
"""

LOCK_WAIT = 5.0
"""How many seconds to wait for a file that other processes are writing."""
OLDEST = (3, 37, 0)
"""STRICT tables came with this version."""
CACHE_KIB = 32 * 1024
WAL_KEPT = 64 * 1024 * 1024
"""The log file is cut back to this many bytes after each checkpoint that empties it."""
STATEMENTS = 500


def writable(path: Path, durability: Durability) -> sqlite3.Connection:
    """The connection that writes, to a file of the newest schema."""
    _refuse_impossible(path)
    db = _connected(path)
    try:
        refuse_foreign(db, str(path))
        _switch_to_wal(db)
        db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
        db.execute("PRAGMA secure_delete = OFF")
        migrate(db, str(path))
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.Error):
            raise explained(error, path) from error
        raise
    return db


def readable(path: Path) -> sqlite3.Connection:
    """A connection beside the writer's that cannot change anything."""
    try:
        db = _connected(path)
        db.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise explained(error, path) from error
    return db


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at this path; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """What happened, where, and the remedy. The low byte of a code is its family (sqlite.org/rescode.html)."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"no space left for {path} ({error}); free some, or prune old runs")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailable(
                f"{path} was locked for {LOCK_WAIT:g} s by another program ({error}); try again, or find who holds it"
            )
        case sqlite3.SQLITE_NOTADB:
            return StoreCorrupt(f"{path} is not a SQLite database; nothing was changed; give another path")
        case sqlite3.SQLITE_CORRUPT:
            return StoreCorrupt(
                f"{path} is damaged ({error}); restore it from a backup, or rescue it with 'sqlite3 {path} .recover'"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailable(
                f"{path} cannot be opened ({error}); it must be a file, in a directory this user may write to"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreUnavailable(
                f"{path} may not be written to ({error}); this user needs to write to the file and its directory"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailable(
                f"the disk under {path} failed ({error}); nothing was written; look at the disk, then try again"
            )
        case _:
            return StoreError(f"{path}: {error}; nothing was written")


def _refuse_impossible(path: Path) -> None:
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreUnavailable(f"this Python has SQLite {sqlite3.sqlite_version}; {needed} or newer is needed")
    if not path.parent.is_dir():
        raise StoreUnavailable(
            f"the directory {path.parent} for {path.name} does not exist; make it, or give another path"
        )


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
    )
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def _switch_to_wal(db: sqlite3.Connection) -> None:
    """Readers and the writer shall not wait for each other.

    Refused while another process opens the file, so tried again.
    """
    for _ in range(99):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
    db.execute("PRAGMA journal_mode = WAL")
