"""Opening the file, and saying in our words what SQLite says in its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from shutil import disk_usage
from typing import Literal

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.stores.sqlite.schema import migrate, refuse_foreign

Durability = Literal["full", "relaxed"]
"""``full``: what was answered has reached the disk. ``relaxed``: a power cut may take the last commits back."""

_SYNCHRONOUS: dict[Durability, str] = {"full": "FULL", "relaxed": "NORMAL"}

LOCK_WAIT = 5.0
"""How many seconds to wait for a file that another process is writing."""
OLDEST = (3, 37, 0)
"""STRICT tables came with this version."""
CACHE_KIB = 32 * 1024
CHECKPOINT_PAGES = 4000
"""After how many pages in the log they are moved into the file: a page that changes often moves but once."""
PAGE = 4096
"""SQLite's pages are as large as this, in bytes."""
WAL_KEPT = 64 * 1024 * 1024
"""The log is cut back to this many bytes when it starts anew."""
STATEMENTS = 500


def writable(path: Path, durability: Durability) -> sqlite3.Connection:
    """The connection that writes, to a file of the newest schema."""
    _refuse_impossible(path)
    return _opened(path, lambda db: _prepare(db, path, durability))


def readable(path: Path, equip: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    """A connection beside the writer's that cannot change anything."""

    def prepare(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA query_only = ON")
        equip(db)

    return _opened(path, prepare)


def _opened(path: Path, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    try:
        db = _connected(path)
        try:
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            db.execute("PRAGMA temp_store = MEMORY")
            prepare(db)
        except BaseException:
            db.close()
            raise
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


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock."""
    return _family(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """What happened, where, and the remedy."""
    match _family(error):
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"no space left for {path} ({error}); free some, or prune old runs")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailable(
                f"{path} was locked by another program for {LOCK_WAIT:g} s ({error}); "
                "try again, or find out who holds it"
            )
        case sqlite3.SQLITE_NOTADB:
            return StoreCorrupt(f"{path} is no SQLite database; nothing was changed; give another path")
        case sqlite3.SQLITE_CORRUPT:
            return StoreCorrupt(
                f"{path} is damaged ({error}); restore a backup, or save what there is: sqlite3 {path} .recover"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailable(
                f"{path} cannot be opened ({error}); it must be a file in a directory this user may write to"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreUnavailable(
                f"{path} cannot be written to ({error}); let this user write to the file and to its directory"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailable(
                f"the disk under {path} failed ({error}); nothing was written; look at the disk, then try again"
            )
        case _:
            return StoreError(f"{path}: {error}; nothing was written")


def _family(error: sqlite3.Error) -> int:
    """The low byte of a result code, which the codes of one kind share (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _refuse_impossible(path: Path) -> None:
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreUnavailable(
            f"this Python comes with SQLite {sqlite3.sqlite_version}; use one with {needed} or newer"
        )
    if not path.parent.is_dir():
        raise StoreUnavailable(f"there is no directory {path.parent} for {path.name}; make it, or give another path")


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=LOCK_WAIT,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )


def _prepare(db: sqlite3.Connection, path: Path, durability: Durability) -> None:
    """No statistics are gathered (ANALYZE): every plan is chosen by hand, and none may flip."""
    refuse_foreign(db, path)
    _switch_to_wal(db, path)
    db.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
    db.execute("PRAGMA fullfsync = ON")  # macOS, where an ordinary sync does not reach the disk
    db.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages(disk_usage(path.parent).free)}")
    db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
    db.execute("PRAGMA secure_delete = OFF")
    migrate(db, path)


def checkpoint_pages(free: int) -> int:
    """After how many pages to move the log into the file, so that on a small disk it leaves room for that."""
    return max(1, min(CHECKPOINT_PAGES, free // 8 // PAGE))


def _switch_to_wal(db: sqlite3.Connection, path: Path) -> None:
    """Readers and the writer shall not wait for each other. Some file systems, most of them remote, cannot do it."""
    for _ in range(99):
        try:
            [[mode]] = db.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:  # of several who open a fresh file, some are refused at once
            if not is_busy(error):
                raise
        else:
            break
    else:
        raise StoreUnavailable(f"{path} stayed locked by others who open it; try again")
    if mode != "wal":
        raise StoreUnavailable(f"the file system of {path} cannot share a file in memory; put it on a local disk")
