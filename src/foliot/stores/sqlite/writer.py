"""The threads that own the connections: one that writes in groups, one that reads."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from foliot.errors import StoreUnavailable
from foliot.model import Hint
from foliot.stores.sqlite.connection import LOCK_WAIT, explained, identity
from foliot.stores.sqlite.transaction import Transaction

GROUP = 64
"""How many verbs one commit carries at most."""
PATIENCE_MS = 10
"""How long SQLite itself waits for a lock; then we ask anew, since its own waits grow to 100 ms and lose every race."""

T = TypeVar("T")


class Ask(NamedTuple):
    """A verb to do, and who waits for its answer, if anybody does."""

    verb: Callable[[Any], Any]
    future: asyncio.Future[Any] | None = None


class Outcome(NamedTuple):
    """What became of an ask: an answer, or the error that its caller gets."""

    ask: Ask
    answer: Any = None
    error: BaseException | None = None
    hints: Sequence[Hint] = ()


class Desk:
    """A thread that does what it is asked, in order, until it is closed; what was accepted by then is still done."""

    def __init__(self, name: str, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path
        self._queue: SimpleQueue[Ask | None] = SimpleQueue()
        self._door = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def ask(self, verb: Callable[[Any], T]) -> asyncio.Future[T]:
        """Have the thread do this; the answer comes to this event loop."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._accept(Ask(verb, future))
        return future

    def tell(self, verb: Callable[[Any], object]) -> None:
        """Have the thread do this; nobody waits for it."""
        self._accept(Ask(verb))

    def _accept(self, ask: Ask) -> None:
        """Take an ask in.

        Raises StoreUnavailable after a close, and in a forked child, where the thread does not exist.
        """
        if os.getpid() != self._pid:
            raise StoreUnavailable(
                f"{self._path} was opened before this process was forked; open a store of its own here"
            )
        with self._door:
            if self._closed:
                raise StoreUnavailable(f"the store on {self._path} is closed; open it first")
            self._queue.put(ask)

    def close(self) -> None:
        """Do what was accepted, then let go of the file."""
        if os.getpid() != self._pid:
            return
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (ask := self._queue.get()) is not None:
            if not self._work(ask):
                break
        self._db.close()

    def _work(self, ask: Ask) -> bool:
        """Do this ask, and perhaps more that wait; False when the desk was closed meanwhile."""
        raise NotImplementedError


class Reader(Desk):
    """The desk for questions: a slow listing keeps nobody from working."""

    def _work(self, ask: Ask) -> bool:
        try:
            _deliver([Outcome(ask, answer=ask.verb(self._db))])
        except sqlite3.Error as error:
            _deliver([Outcome(ask, error=explained(error, self._path))])
        except Exception as error:
            _deliver([Outcome(ask, error=error)])
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
        self._committed = committed
        self._transaction = Transaction(db)
        self._file = identity(path)
        db.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        super().__init__(name, db, path)

    def _work(self, ask: Ask) -> bool:
        group, more = self._gathered(ask)
        outcomes = self._in_one_commit(group)
        _deliver(outcomes)
        if hints := [hint for each in outcomes for hint in each.hints]:
            self._committed(self._db, hints)
        return more

    def _gathered(self, first: Ask) -> tuple[list[Ask], bool]:
        group: list[Ask] = [first]
        try:
            while len(group) < GROUP:
                if (ask := self._queue.get_nowait()) is None:
                    return group, False
                group.append(ask)
        except Empty:
            pass
        return group, True

    def _in_one_commit(self, group: Sequence[Ask]) -> list[Outcome]:
        """Do all of them or, where one makes SQLite give up the whole transaction, each by itself."""
        try:
            self._begin()
        except (sqlite3.Error, StoreUnavailable) as error:
            return self._all_failed(group, error)
        attempt = self._attempt if len(group) == 1 else self._attempt_apart
        outcomes: list[Outcome] = []
        for ask in group:
            outcomes.append(attempt(ask))
            if not self._db.in_transaction and len(group) > 1:
                return [self._in_one_commit([each])[0] for each in group]
        return self._commit(outcomes)

    def _begin(self) -> None:
        if identity(self._path) != self._file:
            raise StoreUnavailable(
                f"{self._path} is no longer the file that was opened; put it back, or open the store again"
            )
        for _ in range(round(LOCK_WAIT * 1000 / PATIENCE_MS) - 1):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
        self._db.execute("BEGIN IMMEDIATE")

    def _attempt(self, ask: Ask) -> Outcome:
        try:
            answer = ask.verb(self._transaction)
        except Exception as error:
            self._roll_back("ROLLBACK")
            return Outcome(ask, error=self._explained(error))
        return Outcome(ask, answer=answer, hints=self._transaction.take_hints())

    def _attempt_apart(self, ask: Ask) -> Outcome:
        self._db.execute("SAVEPOINT verb")
        outcome = self._attempt_inside(ask)
        if self._db.in_transaction:
            self._db.execute("RELEASE verb")
        return outcome

    def _attempt_inside(self, ask: Ask) -> Outcome:
        try:
            answer = ask.verb(self._transaction)
        except Exception as error:
            self._roll_back("ROLLBACK TO verb")
            return Outcome(ask, error=self._explained(error))
        return Outcome(ask, answer=answer, hints=self._transaction.take_hints())

    def _commit(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        try:
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back("ROLLBACK")
            return self._all_failed([each.ask for each in outcomes], error)
        return list(outcomes)

    def _roll_back(self, statement: str) -> None:
        self._transaction.forget()
        if self._db.in_transaction:
            self._db.execute(statement)

    def _all_failed(self, group: Sequence[Ask], error: Exception) -> list[Outcome]:
        return [Outcome(ask, error=self._explained(error)) for ask in group]

    def _explained(self, error: Exception) -> Exception:
        return explained(error, self._path) if isinstance(error, sqlite3.Error) else error


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
