"""Redis: one server, one behind sentinels, or a node of a cluster. Each verb is one script, under one hash tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

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
    Verdict,
    Worker,
)
from foliot.stores.base import R, Store
from foliot.stores.redis import finding, keeping
from foliot.stores.redis.address import Address
from foliot.stores.redis.alike import page_of, runs_of
from foliot.stores.redis.doorbell import Doorbell
from foliot.stores.redis.endings import arriving, beat_of, body_of, ending_of, firing_of, numbered, read_lines
from foliot.stores.redis.entrance import enter
from foliot.stores.redis.exchange import Exchange
from foliot.stores.redis.rows import exact, pack, pack_each, runs_or_none
from foliot.stores.redis.scripts import script

_odd = msgspec.msgpack.Decoder(list[tuple[int, Fate, str]]).decode
_replies = msgspec.msgpack.Decoder(list[list[str]]).decode


class RedisStore(Store):
    """Runs and schedules in Redis. What was answered survives as far as its own settings say; see the page on Redis.

    Safe to share between event loops and threads.
    """

    batch = 100
    turns = 2

    def __init__(self, address: Address) -> None:
        self.address = address
        self._exchange = Exchange(address)
        self._bell = Doorbell(self._exchange)

    # life

    async def open(self) -> None:
        self._exchange.open()
        await enter(self._exchange)
        self._bell.open()

    async def close(self) -> None:
        await self._bell.close()
        await self._exchange.close()

    async def time(self) -> int | None:
        seconds, microseconds = await self._run("time")
        return int(seconds) * 1_000_000 + int(microseconds)

    # producers

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        answers = [Added(id=run.id, fate=Fate.ADDED) for run in runs]
        page = page_of(runs, now)
        if page is not None and await self._exchange.promise(script("add_plain"), *page):
            return answers
        odd = await self._exchange.promise(script("add"), now, pack(arriving(runs, now)))
        for n, fate, id in _odd(odd):
            answers[n] = Added(id=id, fate=fate)
        return answers

    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        what = pack_each(change.cancel, exact(change.due_at), change.priority, change.revive, numbered(change.lines))
        return runs_or_none(await self._exchange.promise(script("amend"), now, pack(ids), what))

    # workers

    async def claim(self, claim: Claim, now: int) -> Batch:
        return _batch(*await self._run("claim", now, _wish(claim, now)))

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        record = pack((worker.id, body_of(msgspec.structs.replace(worker, seen_at=now))))
        replies = await self._run("beat", now + lease, record, pack([beat_of(each) for each in beats]))
        return [_reply(*each) for each in _replies(replies)]

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        return _bits(await self._run("finish", now, pack([ending_of(each, now) for each in endings])))

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        if not endings:
            return [], await self.claim(claim, now)
        ended = pack([ending_of(each, now) for each in endings])
        kept, *batch = await self._run("turn", now, ended, _wish(claim, now))
        return _bits(kept), _batch(*batch)

    # schedulers

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        items = pack([firing_of(each, now) for each in firings])
        fired, due, wake_at = await self._run("fire", now, limit, items)
        return Agenda(
            fired=tuple(_bits(fired)), due=tuple(keeping.schedules_of(due)), wake_at=int(wake_at) if wake_at else None
        )

    # people

    async def find(self, query: Query) -> Page:
        return await finding.find(self._exchange, query)

    async def tally(self, query: Query, by: str) -> dict[str, int]:
        return await finding.tally(self._exchange, query, by)

    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        first = max(0, after)
        if limit <= 0:
            return []
        return read_lines(await self._exchange.run(script("lines"), run, first, first + limit - 1), first + 1)

    # records

    async def put(self, records: Sequence[Record]) -> None:
        await keeping.put(self._exchange, records)

    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        return await keeping.drop(self._exchange, kind, ids)

    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        return await keeping.records(self._exchange, kind, ids, after, limit)

    # care

    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        gone, held = 0, pack({})
        while gone < limit and held:
            bounds = pack_each(before, keep, min(self.batch, limit - gone))
            went, held = await self._run("prune", bounds, held)
            gone += went
        return gone

    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        return self._bell.watch(ring)

    # how

    async def _run(self, name: str, *words: str | bytes | int) -> Any:
        return await self._exchange.run(script(name), *words)


def _wish(claim: Claim, now: int) -> bytes:
    return pack_each(claim.worker, claim.limit, exact(now + claim.lease), claim.queues, claim.labels, claim.doors)


def _batch(runs: bytes, wake_at: bytes) -> Batch:
    return Batch(runs=tuple(runs_of(runs)), wake_at=int(wake_at) if wake_at else None)


def _bits(answers: bytes) -> list[bool]:
    return [each == ord("1") for each in answers]


def _reply(verdict: str, reason: str | None = None) -> Reply:
    return Reply(verdict=Verdict(verdict), reason=reason)
