"""The threads that own the connections: one that writes in groups, one that reads."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from foliot.errors import StoreFull, StoreUnavailable
from foliot.model import Hint
from foliot.stores.sqlite.connection import LOCK_WAIT, WAL_KEPT, explained, identity, is_busy
from foliot.stores.sqlite.transaction import Transaction

GROUP = 64
"""How many verbs one commit carries at most."""
PATIENCE_MS = 10
"""How long SQLite itself waits for a lock. Then we ask anew: its own waits grow, and would lose every race."""
LOG_LOOKS = 1000
"""After how many commits to see whether the log has grown too long."""

T = TypeVar("T")


class Ask(NamedTuple):
    """A verb to do, and who waits for its answer, if anybody does."""

    verb: Callable[[Any], Any]
    future: asyncio.Future[Any] | None = None
    last: bool = False
    """Whether it is done after the others that share its commit."""


class Outcome(NamedTuple):
    """What became of an ask: an answer, or the error that its caller gets."""

    ask: Ask
    answer: Any = None
    error: Exception | None = None
    hints: Sequence[Hint] = ()


class Desk:
    """A thread that does what it is asked, in order; when it is closed, it first does what was accepted."""

    def __init__(self, name: str, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path
        self._queue: SimpleQueue[Ask | None] = SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def ask(self, verb: Callable[[Any], T], *, last: bool = False) -> asyncio.Future[T]:
        """Have the thread do this; the answer comes to this event loop."""
        self._refuse_children()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._accept(Ask(verb, future, last))
        return future

    def tell(self, verb: Callable[[Any], object]) -> None:
        """Have the thread do this; nobody waits for it."""
        self._refuse_children()
        self._accept(Ask(verb))

    def close(self) -> None:
        """Do what was accepted, then let go of the file. In a forked child there is nothing to let go of."""
        if os.getpid() != self._pid:
            return
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _refuse_children(self) -> None:
        """A forked child has no threads: nobody would do what it asks."""
        if os.getpid() != self._pid:
            raise StoreUnavailable(f"{self._path} was opened before this process forked; open a store of its own here")

    def _accept(self, ask: Ask) -> None:
        with self._door:
            if self._closed:
                raise StoreUnavailable(f"the store on {self._path} is closed; open it first")
            self._queue.put(ask)

    def _serve(self) -> None:
        more = True
        while more and (ask := self._queue.get()) is not None:
            more = self._work(ask)
        self._db.close()

    def _work(self, ask: Ask) -> bool:
        """Do this ask, and perhaps more that wait; False when the desk was closed meanwhile."""
        raise NotImplementedError

    def _explained(self, error: Exception) -> Exception:
        return explained(error, self._path) if isinstance(error, sqlite3.Error) else error


class Reader(Desk):
    """The desk for questions: a slow listing keeps nobody from working."""

    def _work(self, ask: Ask) -> bool:
        try:
            outcome = Outcome(ask, answer=ask.verb(self._db))
        except Exception as error:
            outcome = Outcome(ask, error=self._explained(error))
        _deliver([outcome])
        return True


class Writer(Desk):
    """The desk for changes: verbs that gather while a commit is under way share the next one."""

    def __init__(
        self,
        name: str,
        db: sqlite3.Connection,
        path: Path,
        committed: Callable[[sqlite3.Connection, Sequence[Hint]], None],
    ) -> None:
        self._transaction = Transaction(db)
        self._committed = committed
        self._file = identity(path)
        self._commits = 0
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        super().__init__(name, db, path)

    def _work(self, ask: Ask) -> bool:
        group, more = self._gathered(ask)
        outcomes = self._done(group)
        if (left := [each.ask for each in outcomes if isinstance(each.error, StoreFull)]) and self._log_emptied():
            outcomes = [*(each for each in outcomes if not isinstance(each.error, StoreFull)), *self._done(left)]
        _deliver(outcomes)
        if hints := [hint for each in outcomes for hint in each.hints]:
            self._committed(self._db, hints)
        self._keep_log_short()
        return more

    def _done(self, group: Sequence[Ask]) -> list[Outcome]:
        try:
            return self._in_one_commit(group)
        except Exception as error:
            return self._all_failed(group, error)

    def _log_emptied(self) -> bool:
        """Move the log into the file, which takes less room, since the disk is full; tells whether that could be."""
        before = _size(f"{self._path}-wal")
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _size(f"{self._path}-wal") < before

    def _gathered(self, first: Ask) -> tuple[list[Ask], bool]:
        """This ask and those that wait behind it, each in its place; and whether the desk stays open."""
        group, more = [first], True
        with suppress(Empty):
            while more and len(group) < GROUP:
                if (ask := self._queue.get_nowait()) is None:
                    more = False
                else:
                    group.append(ask)
        return sorted(group, key=attrgetter("last")), more

    def _in_one_commit(self, group: Sequence[Ask]) -> list[Outcome]:
        """Do all of them or, if one makes SQLite give up the whole transaction, each by itself."""
        self._begin()
        outcomes: list[Outcome] = []
        for ask in group:
            outcomes.append(self._attempt(ask, apart=len(group) > 1))
            if not self._db.in_transaction and len(group) > 1:
                return [outcome for each in group for outcome in self._done([each])]
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        return outcomes

    def _begin(self) -> None:
        """Wait, but not for ever, until nobody else writes."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if identity(self._path) != self._file:
            raise StoreUnavailable(f"{self._path} was removed or replaced; put it back, or close the store and open it")
        for _ in range(round(LOCK_WAIT * 1000 / PATIENCE_MS)):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
        self._db.execute("BEGIN IMMEDIATE")

    def _attempt(self, ask: Ask, *, apart: bool) -> Outcome:
        """Do this; if it fails, undo this and no more. A verb by itself needs no savepoint."""
        if apart:
            self._db.execute("SAVEPOINT verb")
        try:
            outcome = Outcome(ask, answer=ask.verb(self._transaction), hints=self._transaction.take_hints())
        except Exception as error:
            self._undo("ROLLBACK TO verb" if apart else "ROLLBACK")
            outcome = Outcome(ask, error=self._explained(error))
        if apart and self._db.in_transaction:
            self._db.execute("RELEASE verb")
        return outcome

    def _all_failed(self, group: Sequence[Ask], error: Exception) -> list[Outcome]:
        with suppress(sqlite3.Error):  # the next to begin will meet it, and say so
            self._undo("ROLLBACK")
        return [Outcome(ask, error=self._explained(error)) for ask in group]

    def _undo(self, statement: str) -> None:
        self._transaction.forget()
        if self._db.in_transaction:
            self._db.execute(statement)

    def _keep_log_short(self) -> None:
        """SQLite starts the log anew by itself, unless somebody always reads; then wait for a gap, a moment."""
        self._commits += 1
        if self._commits % LOG_LOOKS == 0 and _size(f"{self._path}-wal") > 2 * WAL_KEPT:
            with suppress(sqlite3.Error):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _deliver(outcomes: Iterable[Outcome]) -> None:
    """Wake each event loop once, however many of its callers wait."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
    for each in outcomes:
        if (future := each.ask.future) is not None:
            by_loop.setdefault(future.get_loop(), []).append((future, each))
    for loop, those in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, those)
        except RuntimeError:  # that loop has been closed: nobody waits there any more
            continue


def _resolve(outcomes: Sequence[tuple[asyncio.Future[Any], Outcome]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # its caller was cancelled
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.answer)
