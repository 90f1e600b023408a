"""A process of a proof whose store breaks every promise there is, so that each claim has something to find."""

import sys
from collections.abc import Sequence
from itertools import count

import msgspec
from msgspec.structs import replace

from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Claim,
    Ending,
    Fate,
    Firing,
    Reply,
    Run,
    Schedule,
    State,
    Verdict,
    Worker,
)
from foliot.moments import SECOND
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.testing.faults import node
from foliot.testing.faulty import FaultyStore

OVERLAPPING = ("skip", "skip_in_threads", "queue_one", "replace")
LATE = 2 * SECOND


class Planted(FaultyStore):
    """A store with many bugs."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner, lambda verb: None)
        self._count = count(1)

    def beside(self) -> Store:
        inner = self.inner.beside()
        return self if inner is self.inner else Planted(inner)

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        """Keep another result of a step than was given; forget a third of the parts of maps, as if they were known."""
        changed = [replace(run, result='"another"') if run.job == "foliot.step" else run for run in runs]
        await self.inner.add([run for run in changed if run.job != "part" or not run.id.endswith("3")], now)
        return [Added(id=run.id, fate=Fate.ADDED) for run in runs]

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        """Lose firings, let runs overlap, and see a schedule that is due too late."""
        agenda = await self.inner.fire([self._spoilt(each) for each in firings], now, limit)
        return replace(agenda, due=tuple(each for each in agenda.due if _seen(each, now)))

    def _spoilt(self, firing: Firing) -> Firing:
        if firing.schedule.id == "queue":
            return replace(firing, runs=tuple(run for run in firing.runs if (run.nominal_at or 0) // SECOND % 2))
        if firing.schedule.id in OVERLAPPING:
            return replace(firing, runs=tuple(replace(run, unique=None, lanes=()) for run in firing.runs))
        return firing

    async def claim(self, claim: Claim, now: int) -> Batch:
        return await self._without_some(await self.inner.claim(claim, now), now)

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        kept = await self.finish(endings, now)
        return kept, await self.claim(claim, now)

    async def _without_some(self, batch: Batch, now: int) -> Batch:
        """End some runs before anybody has seen them."""
        ended = [run for run in batch.runs if run.job == "steady" and run.id.endswith("6")]
        await self.inner.finish([Ending(run=run.id, token=run.token, state=State.SUCCEEDED) for run in ended], now)
        return replace(batch, runs=tuple(run for run in batch.runs if run not in ended))

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        """Take no ending as it is given, and say that each was taken, whoever brings it."""
        await self.inner.finish([_changed(each) for each in endings], now)
        return [True] * len(endings)

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        """Tell everybody that he holds what he holds, except once, when there is an error nobody expects."""
        if next(self._count) == 3:
            raise ValueError("planted")
        await self.inner.beat(worker, beats, now, lease)
        return [Reply(verdict=Verdict.KEEP)] * len(beats)


def _seen(schedule: Schedule, now: int) -> bool:
    return schedule.id != "allow" or (schedule.wakes_at or now) <= now - LATE


def _changed(ending: Ending) -> Ending:
    if ending.run.startswith("precious") and ending.token == 1 and ending.state is State.SUCCEEDED:
        return replace(ending, state=State.PENDING, result=None)  # it is executed again
    if ".join-" in ending.run and ending.result is not None:
        return replace(ending, result=_doubled(ending.result))
    if ending.run.endswith(".ok") and ending.result is not None:
        return replace(
            ending, result=ending.result.replace("true", "null").replace("false", "true").replace("null", "false")
        )
    return ending


def _doubled(joined: str) -> str:
    """A part's result in the place of another's."""
    told = msgspec.json.decode(joined)
    told["results"][0] = told["results"][-1]
    return msgspec.json.encode(told).decode()


if __name__ == "__main__":
    node.open_store = lambda url: Planted(open_store(url))
    sys.exit(node.main(*sys.argv[1:]))
