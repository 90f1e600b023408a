"""Hints to whoever watches, here and in other processes, without polling: a datagram to each process's port.

Ports are kept in the store. A hint may be lost; nobody needs one to be right, only to be quick.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import msgspec

from foliot.errors import StoreUnavailable
from foliot.model import Hint
from foliot.stores.sqlite.writer import Writer

HOST = "127.0.0.1"
LONGEST = 4096

Ring = Callable[[Hint], None]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Hint]).decode


class Doorbell:
    """Rings here and at the doors of others; listens for theirs while somebody here watches."""

    def __init__(self) -> None:
        self._watchers: dict[object, tuple[asyncio.AbstractEventLoop, Ring]] = {}
        self._writer: Writer | None = None
        self._door: socket.socket | None = None
        self._port: int | None = None
        self._moving = threading.Lock()
        self._others: dict[int, socket.socket] = {}
        self._seen: int | None = None

    def watch(self, ring: Ring) -> Callable[[], None]:
        """Call ``ring`` in this event loop; returns how to stop."""
        watcher = object()
        self._watchers[watcher] = asyncio.get_running_loop(), ring
        self._listen()
        return lambda: self._stop(watcher)

    def connect(self, writer: Writer) -> None:
        """The store was opened."""
        self._writer = writer
        self._listen()

    def disconnect(self) -> None:
        """The store is about to close."""
        self._hush()
        self._writer = None

    def hang_up(self) -> None:
        """The store is closed."""
        while self._others:
            self._others.popitem()[1].close()
        self._seen = None

    def ring(self, db: sqlite3.Connection, hints: Iterable[Hint]) -> None:
        """Pass on what was committed: to who watches here, and to the doors of others."""
        brief = _in_brief(hints)
        self._tell(brief)
        with suppress(sqlite3.Error, OSError):
            self._find_others(db)
            for port in self._call(_encode(brief)):
                self._others.pop(port).close()
                db.execute("DELETE FROM bells WHERE port = ?", (port,))

    # here

    def _tell(self, hints: Iterable[Hint]) -> None:
        for watcher, (loop, ring) in list(self._watchers.items()):
            try:
                for hint in hints:
                    loop.call_soon_threadsafe(ring, hint)
            except RuntimeError:  # its event loop is closed
                self._watchers.pop(watcher, None)

    def _stop(self, watcher: object) -> None:
        self._watchers.pop(watcher, None)
        if not self._watchers:
            self._hush()

    # listening

    def _listen(self) -> None:
        """Have a door of our own, if somebody watches and there is none yet."""
        with self._moving:
            if self._door is not None or self._writer is None or not self._watchers:
                return
            self._door = door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            door.bind((HOST, 0))
            self._port = port = door.getsockname()[1]
            self._writer.tell(lambda tx: tx.db.execute("INSERT INTO bells VALUES (?, ?)", (port, os.getpid())))
            threading.Thread(target=self._answer, args=(door,), name="foliot-sqlite-doorbell", daemon=True).start()

    def _answer(self, door: socket.socket) -> None:
        with door:
            while self._door is door:
                try:
                    hints = _decode(door.recv(LONGEST))
                except (OSError, msgspec.DecodeError, ValueError):  # not for us
                    continue
                self._tell(hints)

    def _hush(self) -> None:
        """Take our door away; whoever stands behind it is woken to see that."""
        with self._moving:
            if self._door is None or self._writer is None:
                return
            port = self._port
            self._door = self._port = None
            with suppress(StoreUnavailable):
                self._writer.tell(lambda tx: tx.db.execute("DELETE FROM bells WHERE port = ?", (port,)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"", (HOST, port))

    # calling

    def _find_others(self, db: sqlite3.Connection) -> None:
        """Read who else listens, if other processes have written since we last looked."""
        [[seen]] = db.execute("PRAGMA data_version")
        if seen == self._seen:
            return
        self._seen = seen
        ports = {port for [port] in db.execute("SELECT port FROM bells").fetchall()} - {self._port}
        for gone in self._others.keys() - ports:
            self._others.pop(gone).close()
        for port in ports - self._others.keys():
            self._others[port] = other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            other.connect((HOST, port))
            other.setblocking(False)

    def _call(self, message: bytes) -> list[int]:
        """Ring at every other door; tells where nobody lives any more."""
        dead: list[int] = []
        for port, other in self._others.items():
            try:
                other.send(message)
            except ConnectionError:
                dead.append(port)
            except OSError:  # its queue is full: it has enough to do
                continue
        return dead


def _in_brief(hints: Iterable[Hint]) -> Sequence[Hint]:
    """The earliest of each topic."""
    earliest: dict[str, Hint] = {}
    for hint in hints:
        known = earliest.get(hint.topic)
        if known is None or (known.at is not None and (hint.at is None or hint.at < known.at)):
            earliest[hint.topic] = hint
    return list(earliest.values())
