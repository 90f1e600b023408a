"""The words in which the examples are told. Times are small numbers of microseconds; a lease lasts 100."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from foliot.model import (
    Added,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Fate,
    Firing,
    Limit,
    Line,
    Query,
    Record,
    Reply,
    Run,
    Schedule,
    State,
    Worker,
)
from foliot.stores.base import Store

LEASE = 100
LONG = 1_000_000
"""A lease that does not end within an example."""

_ROUNDS = 8


def a_run(name: str, **fields: Any) -> Run:
    """A run wanted at 0, unless the example says otherwise."""
    return replace(Run(id=name, job="job", due_at=0, created_at=0), **fields)


def an_over_run(name: str, **fields: Any) -> Run:
    """A run that was over before anybody claimed it."""
    return replace(a_run(name, state=State.SKIPPED, finished_at=0), **fields)


def a_schedule(name: str, **fields: Any) -> Schedule:
    """A schedule that wakes at 0, unless the example says otherwise."""
    return replace(Schedule(id=name, job="job", trigger="{}", created_at=0, wakes_at=0), **fields)


def names(things: Iterable[Run | Schedule | Limit | Worker]) -> list[str]:
    """Their ids, in order."""
    return [thing.id for thing in things]


async def add(store: Store, *runs: Run, now: int = 0) -> list[Added]:
    """Add these runs, in as many calls as the store asks for."""
    answers: list[Added] = []
    for start in range(0, len(runs), store.batch):
        answers += await store.add(runs[start : start + store.batch], now)
    return answers


async def fates(store: Store, *runs: Run, now: int = 0) -> list[Fate]:
    """Add these runs and tell what became of them."""
    return [each.fate for each in await add(store, *runs, now=now)]


async def claim(
    store: Store,
    now: int = 0,
    *,
    limit: int = 10,
    worker: str = "w",
    lease: int = LEASE,
    **where: Sequence[str],
) -> Batch:
    """Claim once, at these ``queues``, with these ``labels``, for these ``targets``."""
    places = {name: tuple(each) for name, each in where.items()}
    return await store.claim(Claim(worker=worker, limit=limit, lease=lease, **places), now)


async def take(store: Store, now: int = 0, **how: Any) -> list[Run]:
    """Claim as a worker does: again while the store says that there is more to do now."""
    runs: list[Run] = []
    for _ in range(_ROUNDS):
        batch = await claim(store, now, **how)
        runs += batch.runs
        if len(batch.runs) == how.get("limit", 10) or batch.wake_at is None or batch.wake_at > now:
            return runs
    raise AssertionError(f"after {_ROUNDS} claims the store still says to come again at once; it brought {names(runs)}")


async def take_one(store: Store, now: int = 0, **how: Any) -> Run:
    """Claim the one run that can be claimed."""
    [run] = await take(store, now, **how)
    return run


def an_ending(run: Run, state: State = State.SUCCEEDED, **fields: Any) -> Ending:
    """An ending of this claim."""
    return Ending(run=run.id, token=run.token, state=state, **fields)


async def finish(store: Store, run: Run, now: int = 0, state: State = State.SUCCEEDED, **fields: Any) -> bool:
    """End one claim."""
    [done] = await store.finish([an_ending(run, state, **fields)], now)
    return done


async def again(store: Store, run: Run, now: int = 0, **fields: Any) -> bool:
    """Put a claimed run down, to be picked up at once unless told otherwise."""
    return await finish(store, run, now, State.PENDING, **{"due_at": now, **fields})


async def beat(store: Store, run: Run, now: int = 0, *, lease: int = LEASE, **fields: Any) -> Reply:
    """Give one sign of life for one claim."""
    [reply] = await store.beat(a_worker(), [Beat(run=run.id, token=run.token, **fields)], now, lease)
    return reply


async def amend(store: Store, name: str, now: int = 0, **change: Any) -> Run | None:
    """Change one run."""
    [run] = await store.amend([name], Change(**change), now)
    return run


async def cancel(store: Store, name: str, now: int = 0, reason: str = "no longer wanted") -> Run | None:
    """Cancel one run."""
    return await amend(store, name, now, cancel=reason)


async def see(store: Store, name: str) -> Run:
    """The run of this name, as it stands."""
    [run] = (await store.find(Query(ids=(name,)))).runs
    return run


async def put(store: Store, *records: Record) -> None:
    """Keep these records."""
    await store.put(records)


async def the_schedule(store: Store, name: str) -> Schedule:
    """The schedule of this name, as it stands."""
    [schedule] = await store.records(Schedule, [name])
    return schedule


def a_firing(schedule: Schedule, *runs: Run, **changes: Any) -> Firing:
    """A firing of this schedule as it was read, that changes it so and adds these runs."""
    return Firing(schedule=replace(schedule, **changes), expect=schedule.version, runs=runs)


def a_worker(name: str = "w", **fields: Any) -> Worker:
    """A worker."""
    return Worker(id=name, **fields)


def a_line(text: str, at: int = 0, **fields: Any) -> Line:
    """A line of a log."""
    return Line(at=at, level="info", text=text, **fields)


async def everything(store: Store, query: Query | None = None) -> list[Run]:
    """All runs that match, page by page."""
    query = query or Query()
    runs: list[Run] = []
    while True:
        page = await store.find(query)
        runs += page.runs
        if page.cursor is None:
            return runs
        query = replace(query, after=page.cursor)
