"""PostgreSQL: one database for any number of processes on any number of machines."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Fate,
    Firing,
    Hint,
    Line,
    Page,
    Query,
    Record,
    Reply,
    Run,
    Topic,
    Verdict,
    Worker,
)
from foliot.stores.base import R, Store
from foliot.stores.postgres import finding
from foliot.stores.postgres.connections import ANSWER_WITHIN, Address, Connections, Row, patience, refuse_closed
from foliot.stores.postgres.hints import Bell
from foliot.stores.postgres.joining import ajoin, join
from foliot.stores.postgres.migrating import bring_up_to_date
from foliot.stores.postgres.records import columns, line_of, record_of
from foliot.stores.postgres.schema import quoted, script
from foliot.stores.postgres.statements import TABLES, statements
from foliot.stores.postgres.wire import (
    claimed_of,
    ending_columns,
    firing_columns,
    line_columns,
    plain_columns,
    run_of,
    runs_text,
    schedule_of,
    text_of,
    texts,
    wish_columns,
)


class PostgresStore(Store):
    """Runs and schedules in a PostgreSQL database, in a schema of their own (``namespace``).

    It holds at most four connections for its verbs, and one that listens for hints while somebody watches. With
    ``migrate=False`` it changes no schema, for who has not the right to: an old one is refused.
    """

    batch = 500
    turns = 2

    def __init__(self, url: str, *, namespace: str = "foliot", migrate: bool = True) -> None:
        self.address = Address(url, namespace)
        self._migrate = migrate
        self._name = secrets.token_hex(4)
        self._bell = Bell(self.address, self._name)
        self._connections: Connections | None = None

    # life

    async def open(self) -> None:
        if self._connections is not None and self._connections.home is asyncio.get_running_loop():
            return
        connections = Connections(self.address)
        try:
            await bring_up_to_date(connections, self.address, apply=self._migrate)
        except BaseException:
            await connections.close()
            raise
        self._connections = connections
        self._bell.open()

    async def close(self) -> None:
        await self._bell.close()
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def migrate(self) -> int:
        """Bring the schema up to date, whatever the URL says; tells how many steps were missing."""
        connections = Connections(self.address)
        try:
            return await bring_up_to_date(connections, self.address, apply=True)
        finally:
            await connections.close()

    def script(self) -> str:
        """The SQL that does what ``migrate`` does."""
        return script(self.address.namespace)

    def beside(self) -> Store:
        return _Beside(self.address)

    async def time(self) -> int | None:
        [[now]] = await self._ask("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return now

    # producers

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        if not runs:
            return []
        plain = plain_columns(runs)
        first = min(run.due_at for run in runs)
        verb, given = ("add", (runs_text(runs),)) if plain is None else ("add plain", (*plain, first))
        [[ids, fates]] = await self._ask(self._sql[verb], *given, now, self._name)
        self._bell.tell(Hint(topic=Topic.RUNS, at=first))
        if ids is None:
            return [Added(id=run.id, fate=Fate.ADDED) for run in runs]
        return [Added(id=id, fate=Fate(fate)) for id, fate in zip(ids, fates, strict=True)]

    def join(self, connection: Any, runs: Sequence[Run], now: int) -> list[Added]:
        return join(connection, self.address.namespace, runs, now)

    async def ajoin(self, connection: Any, runs: Sequence[Run], now: int) -> list[Added]:
        return await ajoin(connection, self.address.namespace, runs, now)

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        lines = line_columns((line.n, line) for line in change.lines)
        wish = (list(dict.fromkeys(ids)), change.cancel, change.due_at, change.priority, change.revive, now)
        rows = await self._ask(self._sql["amend"], *wish, *lines)
        amended = {run.id: run for run in (run_of(text) for [text] in rows)}
        self._tell_if_alone(Topic.CANCELS, Topic.RUNS)
        return [amended.get(id) for id in ids]

    # workers

    async def claim(self, claim: Claim, now: int) -> Batch:
        if claim.limit <= 0:
            return Batch()
        rows = await self._ask(self._sql["claim"], *wish_columns(claim), now, within=patience(claim.lease))
        return _batch(rows, claim, now)

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        if not endings or claim.limit <= 0:
            return await self.finish(endings, now), await self.claim(claim, now)
        given = (*wish_columns(claim), now, *ending_columns(endings), now)
        rows = await self._ask(self._sql["turn"], *given, within=patience(claim.lease))
        return _answers(rows[-1][12], len(endings)), _batch(rows, claim, now)

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        record = text_of(replace(worker, seen_at=now))
        last = {(each.run, each.token): n for n, each in enumerate(beats)}
        progress = {(each.run, each.token): each.progress for each in beats if each.progress is not None}
        held = list(last)
        numbers = {each: n for n, each in enumerate(held, 1)}
        lines = line_columns((numbers[each.run, each.token], line) for each in beats for line in each.lines)
        [[kept, reasons]] = await self._ask(
            self._sql["beat"],
            worker.id,
            record,
            [run for run, _ in held],
            texts(token for _, token in held),
            [text_of(progress.get(each)) for each in held],
            *lines,
            now,
            lease,
            within=patience(lease),
        )
        replies: dict[tuple[str, int], Reply] = {}
        replies = {held[int(n) - 1]: _reply(reason) for n, reason in zip(kept, reasons, strict=True)}
        return [replies.get((each.run, each.token), _LOST) for each in beats]

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        if not endings:
            return []
        [[done]] = await self._ask(self._sql["finish"], *ending_columns(endings), now)
        return _answers(done, len(endings))

    # schedulers

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        [[fired, due, versions, wake_at]] = await self._ask(self._sql["fire"], *firing_columns(firings), now, limit)
        return Agenda(
            fired=tuple(_answers(fired, len(firings))),
            due=tuple(schedule_of(body, int(version)) for body, version in zip(due, versions, strict=True)),
            wake_at=wake_at,
        )

    # people

    async def find(self, query: Query) -> Page:
        question = finding.find(query, self._schema)
        rows = await self._ask(question.sql, *question.values)
        runs = tuple(map(finding.run_of, rows[: query.limit]))
        more = len(rows) > query.limit
        return Page(runs=runs, cursor=None if not more else runs[-1].id if runs else query.after)

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        question = finding.tally(query, by, self._schema)
        return finding.labelled(by, await self._ask(question.sql, *question.values))

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        rows = await self._ask(self._sql["lines"], run, after, limit)
        return [line_of(row) for row in rows]

    # records

    async def put(self, records: Sequence[Record]) -> None:
        await self._ask(self._sql["put"], *columns(records))
        self._tell_if_alone(Topic.SCHEDULES, Topic.RUNS)

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        rows = await self._ask(self._sql[f"drop {TABLES[kind]}"], list(ids))
        gone = {name for [name] in rows}
        return [name in gone and name not in ids[:n] for n, name in enumerate(ids)]

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        which, named = ("records", ()) if ids is None else ("these", (list(ids),))
        rows = await self._ask(self._sql[f"{which} {TABLES[kind]}"], after, limit, *named)
        return [record_of(kind, *row) for row in rows]

    # care

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        [[count]] = await self._ask(self._sql["prune"], before, keep, limit)
        return count

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        return self._bell.watch(ring)

    # how

    def _tell_if_alone(self, *topics: Topic) -> None:
        """Behind a pooler nothing is heard of the server: at least who watches here hears of what is done here."""
        if not self._bell.hears:
            self._bell.tell(*(Hint(topic=topic) for topic in topics))

    async def _ask(self, sql: str, *values: Any, within: float = ANSWER_WITHIN) -> Sequence[Row]:
        return await self._reach().fetch(sql, *values, within=within)

    def _reach(self) -> Connections:
        return refuse_closed(self._connections, self.address)

    @cached_property
    def _schema(self) -> str:
        return quoted(self.address.namespace)

    @cached_property
    def _sql(self) -> dict[str, str]:
        return statements(self.address.namespace)


class _Beside(PostgresStore):
    """The same store for another event loop, open from the start, on one connection of its own."""

    def __init__(self, address: Address) -> None:
        super().__init__(address.url, namespace=address.namespace)

    def _reach(self) -> Connections:
        if self._connections is None:
            self._connections = Connections(self.address, most=1)
        return self._connections


_LOST = Reply(verdict=Verdict.LOST)


def _reply(reason: str | None) -> Reply:
    return Reply(verdict=Verdict.KEEP if reason is None else Verdict.STOP, reason=reason)


def _answers(done: Sequence[str], count: int) -> list[bool]:
    """By number, from 1, which were done."""
    these = frozenset(map(int, done))
    return [n in these for n in range(1, count + 1)]


def _batch(rows: Sequence[Row], claim: Claim, now: int) -> Batch:
    """What a claim brought; its last row says when to come back."""
    *taken, last = rows
    return Batch(runs=tuple([claimed_of(row, claim, now) for row in taken]), wake_at=last[2])
