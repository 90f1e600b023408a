"""SQLite: a file on this machine that several processes may share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from foliot.errors import StoreUnavailable
from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Firing,
    Hint,
    Line,
    Page,
    Query,
    Record,
    Reply,
    Run,
    Worker,
)
from foliot.stores.base import R, Store
from foliot.stores.sqlite import adding, amending, claiming, finding, finishing, keeping, lines
from foliot.stores.sqlite.connection import Durability, readable, writable
from foliot.stores.sqlite.doorbell import Doorbell
from foliot.stores.sqlite.transaction import Transaction
from foliot.stores.sqlite.writer import Reader, Writer

T = TypeVar("T")
D = TypeVar("D", Reader, Writer)


class SQLiteStore(Store):
    """Runs and schedules in a SQLite file. With ``durability="full"`` what was answered survives a power cut.

    Safe to share between event loops and threads. Processes share the file: each opens a store of its own.
    """

    batch, gathers = 1000, True

    def __init__(self, path: str | Path, *, durability: Durability = "full") -> None:
        self.path = Path(path).absolute()
        self.durability: Durability = durability
        self._door = threading.Lock()
        self._bell = Doorbell()
        self._writer: Writer | None = None
        self._glancer: Reader | None = None
        self._searcher: Reader | None = None

    # life

    async def open(self) -> None:
        await asyncio.to_thread(self._open)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _open(self) -> None:
        with self._door:
            if self._writer is not None:
                return
            with ExitStack() as opened:
                writing = opened.enter_context(closing(writable(self.path, self.durability)))
                reading = [opened.enter_context(closing(readable(self.path, finding.equip))) for _ in range(2)]
                opened.pop_all()
            self._writer = Writer("foliot-sqlite-writer", writing, self.path, self._bell.ring)
            self._glancer = Reader("foliot-sqlite-glancer", reading[0], self.path)
            self._searcher = Reader("foliot-sqlite-searcher", reading[1], self.path)
            self._bell.connect(self._writer)

    def _close(self) -> None:
        with self._door:
            self._bell.disconnect()
            for desk in (self._glancer, self._searcher, self._writer):
                if desk is not None:
                    desk.close()
            self._bell.hang_up()
            self._writer = self._glancer = self._searcher = None

    # producers

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        return await self._write(adding.add, runs, now)

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        return await self._write(amending.amend, ids, change, now)

    # workers

    async def claim(self, claim: Claim, now: int) -> Batch:
        return await self._claim(claiming.claim, claim, now)

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        return await self._write(finishing.beat, worker, beats, now, lease)

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        return await self._write(finishing.finish, endings, now)

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        return await self._claim(_turn, endings, claim, now)

    # schedulers

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        return await self._write(keeping.fire, firings, now, limit)

    # people

    async def find(self, query: Query) -> Page:
        return await (self._glance if query.ids else self._search)(finding.find, query)

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        return await self._search(finding.tally, query, by)

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        return await self._glance(lines.lines, run, after, limit)

    # records

    async def put(self, records: Sequence[Record]) -> None:
        await self._write(keeping.put, records)

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        return await self._write(keeping.drop, kind, ids)

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        return await self._glance(keeping.records, kind, ids, after, limit)

    # care

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        return await self._write(amending.prune, before, keep, limit)

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        return self._bell.watch(ring)

    # how

    def _write(self, verb: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return self._opened(self._writer).ask(lambda tx: verb(tx, *arguments))

    def _claim(self, verb: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Write after whatever shares the commit, and so take also what that has made due."""
        return self._opened(self._writer).ask(lambda tx: verb(tx, *arguments), last=True)

    def _glance(self, verb: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Read what is found at once, so that nobody who works waits for who searches."""
        return self._opened(self._glancer).ask(lambda db: verb(db, *arguments))

    def _search(self, verb: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return self._opened(self._searcher).ask(lambda db: verb(db, *arguments))

    def _opened(self, desk: D | None) -> D:
        if desk is None:
            raise StoreUnavailable(f"the store on {self.path} is not open; open it first")
        return desk


def _turn(tx: Transaction, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
    """Finish and claim in one step."""
    return finishing.finish(tx, endings, now), claiming.claim(tx, claim, now)
