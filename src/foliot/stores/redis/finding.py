"""Finding and counting runs: the scripts look at so many at a time, and we ask until it is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from foliot.model import Page, Query, Run, State
from foliot.stores.redis.alike import runs_of
from foliot.stores.redis.exchange import Exchange
from foliot.stores.redis.rows import pack_each, term_of
from foliot.stores.redis.scripts import LOOKS, script

_COUNTED = ("state", "job", "schedule", "queue", "worker", "parent", "tag")

_INDEXED_STATES = frozenset(State) - {State.SUCCEEDED}


async def find(exchange: Exchange, query: Query) -> Page:
    """The runs that match, a page at a time."""
    found: list[Run] = []
    for ids in _chunks(query):
        most = query.limit + 1 - len(found)
        if most <= 0:
            break
        if ids is not None and _asks_for_ids_only(query):
            found += runs_of(await exchange.read("r", ids))
        else:
            found += await _matching(exchange, query, ids, most)
    if len(found) <= query.limit:
        return Page(runs=tuple(found))
    page = tuple(found[: query.limit])
    return Page(runs=page, cursor=page[-1].id if page else query.after)


async def _matching(exchange: Exchange, query: Query, ids: list[str] | None, most: int) -> list[Run]:
    """Runs that match, of these ids or of all."""
    found: list[Run] = []
    after = query.after if ids is None else None
    while len(found) < most:
        blobs, last = await exchange.run(script("find"), asking(query, ids, after, most - len(found)))
        found += runs_of(blobs)
        after = last.decode()
        if not after or ids is not None:
            break
    return found


def _asks_for_ids_only(query: Query) -> bool:
    return query == Query(
        ids=query.ids, after=query.after, limit=query.limit, oldest_first=query.oldest_first, brief=query.brief
    )


def _chunks(query: Query) -> Iterator[list[str] | None]:
    """The ids that are asked for, in order, so many at a time; None if all may match."""
    if not query.ids:
        yield None
        return
    ids = sorted(set(query.ids), reverse=not query.oldest_first)
    if query.after is not None:
        ids = [each for each in ids if (each > query.after if query.oldest_first else each < query.after)]
    for first in range(0, len(ids), LOOKS):
        yield ids[first : first + LOOKS]


def asking(query: Query, ids: list[str] | None, after: str | None, limit: int) -> bytes:
    """A query as ``finding.lua`` reads it."""
    return pack_each(
        ids,
        ways_of(query),
        query.states or None,
        query.jobs or None,
        query.queues or None,
        query.workers or None,
        query.schedules or None,
        query.parents or None,
        query.since,
        query.until,
        query.tags,
        [term_of(path, value) for path, value in query.meta.items()],
        query.oldest_first,
        after or None,
        limit,
    )


def ways_of(query: Query) -> list[tuple[str, tuple[str, ...]]]:
    """The indexes that hold all that may match, one of which is enough."""
    fields = {"job": query.jobs, "schedule": query.schedules, "parent": query.parents}
    ways = [(name, tuple(dict.fromkeys(values))) for name, values in fields.items() if values]
    ways += [("tag", (tag,)) for tag in query.tags]
    if query.states and _INDEXED_STATES.issuperset(query.states):
        ways.append(("state", tuple(dict.fromkeys(query.states))))
    return ways


async def tally(exchange: Exchange, query: Query, by: str) -> dict[str, int]:
    """Count matching runs by what they have in common."""
    if by not in _COUNTED and not by.startswith("meta."):
        raise ValueError(f"runs cannot be counted by {by!r}; by {', '.join(_COUNTED)} or meta.<path> they can")
    if by == "state" and _asks_for_states_only(query):
        return await _states(exchange, query)
    counts: Counter[str] = Counter()
    for ids in _chunks(replace(query, after=None)):
        after: str | None = None
        while True:
            asked = asking(query, ids, after, 0)
            last, *told = await exchange.run(script("tally"), asked, by)
            counts.update(_pairs(told))
            after = last.decode()
            if not after or ids is not None:
                break
    return _labelled(counts) if by.startswith("meta.") else dict(counts)


async def _states(exchange: Exchange, query: Query) -> dict[str, int]:
    counts = _pairs(await exchange.run(script("states")))
    return {state: count for state, count in counts.items() if count and (not query.states or state in query.states)}


def _pairs(told: list[Any]) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in zip(told[::2], told[1::2], strict=True)}


def _asks_for_states_only(query: Query) -> bool:
    return replace(query, states=(), after=None, limit=0, oldest_first=False) == Query(limit=0)


def _labelled(counts: Mapping[str, int]) -> dict[str, int]:
    """Texts stand for themselves, other JSON values for their JSON text."""
    labelled: Counter[str] = Counter()
    for text, count in counts.items():
        labelled[msgspec.json.decode(text) if text.startswith('"') else text] += count
    return dict(labelled)
