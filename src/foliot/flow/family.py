"""A run and all that it has spawned, and what that has spawned: cancelled together, and looked at together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from foliot.clock import Clock
from foliot.model import LIVE, Change, Query, Run, State
from foliot.stores.base import Store


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


async def children(store: Store, parents: Sequence[str], states: tuple[State, ...] = ()) -> AsyncIterator[list[Run]]:
    """What these runs have spawned, in these states, page by page, oldest first."""
    for at in range(0, len(parents), store.batch):
        after = None
        while True:
            ours = tuple(parents[at : at + store.batch])
            query = Query(parents=ours, states=states, limit=store.batch, after=after, oldest_first=True)
            page = await store.find(query)
            if page.runs:
                yield list(page.runs)
            if (after := page.cursor) is None:
                break
