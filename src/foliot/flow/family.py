"""A run and all that it has spawned, and what that has spawned: cancelled together, and looked at together."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from msgspec import field
from msgspec.structs import replace

from foliot.clock import Clock
from foliot.ids import child_id
from foliot.joining import BOOKS, JOIN, SIGNAL, told
from foliot.model import LIVE, Change, Query, Run, State, Value
from foliot.moments import MINUTE
from foliot.stores.base import Store


async def cancel_orphans(store: Store, clock: Clock, parent: str, reason: str) -> None:
    """Cancel what a run that is over has left behind, unless it lives again by now."""
    async for page in children(store, [parent], tuple(LIVE)):
        if any(map(_lives, (await store.find(Query(ids=(parent,)))).runs)):
            return
        found = [each.id for each in page]
        await store.amend(found, Change(cancel=reason), clock.now())
        await cancel_below(store, clock, found, reason)


async def sweep(store: Store, clock: Clock) -> int:
    """Cancel those who wait for signals to runs that are over: a worker that died could not. Tells how many."""
    swept, after = 0, None
    while True:
        page = await store.find(Query(jobs=(SIGNAL,), states=(State.PENDING,), after=after, limit=store.batch))
        parents = tuple({each.parent for each in page.runs if each.parent is not None})
        around = (await store.find(Query(ids=parents, limit=len(parents)))).runs if parents else ()
        live = {each.id for each in around if _lives(each)}
        alone = [each.id for each in page.runs if each.parent not in live]
        if alone:
            await store.amend(alone, Change(cancel="its parent is over"), clock.now())
        swept += len(alone)
        if (after := page.cursor) is None:
            return swept


def _lives(run: Run) -> bool:
    return not run.state.over and run.cancelling is None


HELD = 10 * MINUTE
"""How long after now a run is due while what it has spawned is made to live again."""


async def cancel_below(store: Store, clock: Clock, ids: Sequence[str], reason: str) -> None:
    """Cancel what these runs have spawned and is not over, and everything below, page by page.

    What is spawned meanwhile is cancelled when it is claimed, for its parent is over or to be cancelled.
    """
    parents = list(ids)
    while parents:
        below: list[str] = []
        async for page in children(store, parents, tuple(LIVE)):
            found = [each.id for each in page]
            await store.amend(found, Change(cancel=reason), clock.now())
            below += found
        parents = below


async def revive(store: Store, clock: Clock, ids: Sequence[str]) -> None:
    """Let these runs that are over be run again, and before them what they have spawned and what has no result.

    A parent lives again before its children, for nobody executes the children of one that is over; but it is due only
    after them. Joins that miss a part look at their parts again; who waits for a signal waits as long as before.
    """
    for at in range(0, len(ids), store.batch):
        page = ids[at : at + store.batch]
        parents = list(await store.tally(Query(parents=tuple(page)), "parent"))
        if parents:
            await store.amend(parents, Change(revive=True, due_at=clock.now() + HELD), clock.now())
            await _revive_below(store, clock, parents)
            await store.amend(parents, Change(due_at=clock.now()), clock.now())
        if rest := [each for each in page if each not in parents]:
            await store.amend(rest, Change(revive=True), clock.now())


async def _revive_below(store: Store, clock: Clock, parents: Sequence[str]) -> None:
    for state in (State.FAILED, State.CANCELLED, State.SKIPPED):
        async for page in children(store, parents, (state,)):
            await revive(store, clock, [each.id for each in page if each.job != SIGNAL])
            for each in (each for each in page if each.job == SIGNAL):
                await store.amend([each.id], Change(revive=True, due_at=each.due_at), clock.now())
    async for page in children(store, parents, (State.SUCCEEDED,), (JOIN,)):
        await revive(store, clock, [each.id for each in page if each.result and told(each.result).failed])


async def children(
    store: Store, parents: Sequence[str], states: tuple[State, ...] = (), jobs: tuple[str, ...] = ()
) -> AsyncIterator[list[Run]]:
    """What these runs have spawned, in these states and of these jobs, page by page, oldest first."""
    for at in range(0, len(parents), store.batch):
        after = None
        while True:
            ours = tuple(parents[at : at + store.batch])
            query = Query(parents=ours, states=states, jobs=jobs, limit=store.batch, after=after, oldest_first=True)
            page = await store.find(query)
            if page.runs:
                yield list(page.runs)
            if (after := page.cursor) is None:
                break


MOST_SHOWN = 20
"""How many runs are told one by one below each, unless asked otherwise."""


class Branch(Value):
    """A run with what hangs below it: its acts and parts in order; ``more`` counts, by state, those not told."""

    run: Run
    below: tuple[Branch, ...] = ()
    more: dict[str, int] = field(default_factory=dict[str, int])


async def tree(store: Store, run: Run, most: int = MOST_SHOWN) -> Branch:
    """A run and all that it has spawned, and what that has spawned; at most so many below each."""
    if run.job in BOOKS:
        return Branch(run=run)
    acts = [(act, parts[:most]) for act, parts in _by_act(await _below(store, run, most))[:most]]
    told = [each for act, parts in acts for each in (act, *parts)]
    more = await _counted(store, run, told) if told else Counter[str]()
    branches = {each.id: await tree(store, each, most) for each in told}
    below = [
        replace(branches[act.id], below=(*branches[act.id].below, *(branches[each.id] for each in parts)))
        for act, parts in acts
    ]
    return Branch(run=run, below=tuple(below), more=dict(more))


async def _below(store: Store, run: Run, most: int) -> list[Run]:
    """The acts of a run, and the first of all its children, in order."""
    acts = tuple(child_id(run.id, place) for place in range(most))
    pages = [
        Query(ids=acts, limit=most),
        Query(parents=(run.id,), jobs=(SIGNAL,), limit=most),
        Query(parents=(run.id,), limit=most + 1, oldest_first=True),
    ]
    found = {each.id: each for query in pages for each in (await store.find(query)).runs if each.job != JOIN}
    return sorted(found.values(), key=lambda each: _natural(each.id))


def _by_act(runs: Sequence[Run]) -> list[tuple[Run, list[Run]]]:
    """Each act, with the parts if it is a fan-out."""
    acts: list[tuple[Run, list[Run]]] = []
    for each in runs:
        if acts and each.id.startswith(f"{acts[-1][0].id}."):
            acts[-1][1].append(each)
        else:
            acts.append((each, []))
    return acts


async def _counted(store: Store, run: Run, told: Sequence[Run]) -> Counter[str]:
    """How many of its children are not told, by state; those that only join others do not count."""
    every = Counter(await store.tally(Query(parents=(run.id,)), "state"))
    joins = Counter(await store.tally(Query(parents=(run.id,), jobs=(JOIN,)), "state"))
    return every - joins - Counter(each.state.value for each in told)


def _natural(id: str) -> list[tuple[bool, int, str]]:
    """Order by numbers where there are numbers: the second act comes before the tenth, names come last."""
    numbers = [(part, part.isascii() and part.isdecimal()) for part in id.split(".")]
    return [(not number, int(part) if number else 0, "" if number else part) for part, number in numbers]
