"""A store under observation: what it answers is written down, and replies are lost when told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from foliot.errors import StoreUnavailable
from foliot.model import Agenda, Batch, Beat, Claim, Ending, Firing, Reply, State, Verdict, Worker
from foliot.stores.base import Store
from foliot.testing.faults.notes import History, Saw, monotonic
from foliot.testing.faulty import After, Fault, FaultyStore

LOSABLE = frozenset({"add", "claim", "beat", "finish", "turn", "fire"})


class Losses:
    """How many of the next replies are lost; counted down by whoever loses one."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, verb: str) -> Fault | None:
        if verb not in LOSABLE or not self.left:
            return None
        self.left -= 1
        return After(error=StoreUnavailable(f"the reply to {verb!r} was lost, as planned"))


class Witness(FaultyStore):
    """Another store, with everything that it accepts or refuses noted."""

    def __init__(self, inner: Store, history: History, losses: Callable[[str], Fault | None]) -> None:
        super().__init__(inner, losses)
        self._losses, self._history = losses, history

    def beside(self) -> Store:
        inner = self.inner.beside()
        return self if inner is self.inner else Witness(inner, self._history, self._losses)

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        since = monotonic()
        agenda = await super().fire(firings, now, limit)
        for firing, accepted in zip(firings, agenda.fired, strict=True):
            for run in firing.runs if accepted else ():
                self._history.of(run, Saw.FIRED, since)
        return agenda

    async def claim(self, claim: Claim, now: int) -> Batch:
        since = monotonic()
        batch = await super().claim(claim, now)
        self._claimed(batch, since)
        return batch

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        since = monotonic()
        kept, batch = await super().turn(endings, claim, now)
        self._ended(endings, kept, since)
        self._claimed(batch, since)
        return kept, batch

    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        since = monotonic()
        kept = await super().finish(endings, now)
        self._ended(endings, kept, since)
        return kept

    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        since = monotonic()
        replies = await super().beat(worker, beats, now, lease)
        for beat, reply in zip(beats, replies, strict=True):
            saw = Saw.LOST if reply.verdict is Verdict.LOST else Saw.KEPT
            self._history.note(saw, since, run=beat.run, token=beat.token)
        return replies

    def _claimed(self, batch: Batch, since: int) -> None:
        for run in batch.runs:
            self._history.of(run, Saw.CLAIMED, since)

    def _ended(self, endings: Sequence[Ending], kept: Sequence[bool], since: int) -> None:
        for ending, accepted in zip(endings, kept, strict=True):
            saw = _how(ending) if accepted else Saw.REFUSED
            self._history.note(saw, since, run=ending.run, token=ending.token, state=ending.state)


def _how(ending: Ending) -> Saw:
    return Saw.PUT_DOWN if ending.state is State.PENDING else Saw.ENDED
