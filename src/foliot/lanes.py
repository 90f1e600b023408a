"""The lanes of queues and jobs, for people: pause, resume, limit."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from foliot.clock import Clock
from foliot.errors import DefinitionError
from foliot.model import Limit, Pause, Query, State
from foliot.options import rate as read_rate
from foliot.stores.base import Store


class Lanes:
    """Pause and limit queues, or jobs, by name. A pause is a limit of nothing."""

    def __init__(self, kind: Literal["queue", "job"], store: Store, clock: Clock) -> None:
        self._kind, self._store, self._clock = kind, store, clock

    async def pause(self, name: str, note: str = "") -> None:
        """Let nothing more start here until it is resumed; what runs goes on."""
        await self._store.put([replace(await self.get(name), paused=Pause(at=self._clock.now(), note=note))])

    async def resume(self, name: str) -> None:
        """Let runs start here again."""
        await self._keep(replace(await self.get(name), paused=None))

    async def limit(self, name: str, *, concurrency: int | None = None, rate: str | None = None) -> None:
        """Let at most ``concurrency`` runs run at once, and ``rate`` (like ``"100/m"``) start; None is no bound."""
        if concurrency is not None and concurrency < 1:
            raise DefinitionError(f"concurrency={concurrency}: give 1 or more, or pause the {self._kind}")
        starts, per = (None, None) if rate is None else read_rate(rate)
        kept = await self.get(name)
        await self._keep(replace(kept, running=concurrency, starts=starts, per=per, source="api"))

    async def get(self, name: str) -> Limit:
        """The limit that stands here; one without bounds if none does."""
        lane = f"{self._kind}/{name}"
        found = await self._store.records(Limit, [lane])
        return found[0] if found else Limit(id=lane, source="api")

    async def all(self) -> list[Limit]:
        """Every limit of this kind."""
        prefix = f"{self._kind}/"
        return [each for each in await self._store.records(Limit) if each.id.startswith(prefix)]

    async def depth(self) -> dict[str, int]:
        """How many runs are waiting to start, by name."""
        return await self._store.tally(Query(states=(State.PENDING,)), by=self._kind)

    async def _keep(self, limit: Limit) -> None:
        if limit.running is None and limit.starts is None and limit.paused is None:
            await self._store.drop(Limit, [limit.id])
        else:
            await self._store.put([limit])
