"""Every transition is an event that listeners can subscribe to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from enum import StrEnum

from foliot.errors import DefinitionError
from foliot.model import Run, Value

log = logging.getLogger("foliot")


class Kind(StrEnum):
    """What happened."""

    ADDED = "added"
    FIRED = "fired"
    MISSED = "missed"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRYING = "retrying"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    RELEASED = "released"
    LOST = "lost"
    STOP_ASKED = "stop asked"
    PAUSED = "paused"
    RESUMED = "resumed"
    WORKER_STARTED = "worker started"
    WORKER_STOPPED = "worker stopped"


class Event(Value):
    """Something that happened to a run, a schedule or a worker. Lengths are microseconds.

    ``lateness`` is the start minus the due time; ``duration`` from the start of the last attempt to its end.
    """

    kind: Kind
    at: int
    run: Run | None = None
    schedule: str | None = None
    lateness: int | None = None
    duration: int | None = None
    reason: str | None = None


Listener = Callable[[Event], Awaitable[None] | None]


class Listeners:
    """Who wants to know. A listener that raises is logged and stops nothing."""

    def __init__(self) -> None:
        self._by_kind: dict[Kind, dict[_Subscription, None]] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def wants(self, kind: Kind) -> bool:
        """Whether anybody wants to know: ask before an event is made."""
        return kind in self._by_kind

    def want(self, kinds: AbstractSet[Kind]) -> bool:
        """Whether anybody wants to know of any of these."""
        return not self._by_kind.keys().isdisjoint(kinds)

    def subscribe(self, listener: Listener, *kinds: Kind) -> Callable[[], None]:
        """Call ``listener`` for these kinds, all if none are named; returns how to stop.

        Raises DefinitionError for what is no function or no kind.
        """
        if not callable(listener):
            raise DefinitionError(f"{listener!r} is no listener; give a function that takes an event, then the kinds")
        one, chosen = _Subscription(listener), tuple(map(_kind, kinds)) or tuple(Kind)
        for kind in chosen:
            self._by_kind.setdefault(kind, {})[one] = None

        def unsubscribe() -> None:
            for kind in chosen:
                left = self._by_kind.get(kind, {})
                left.pop(one, None)
                if not left:
                    self._by_kind.pop(kind, None)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tell everybody who wants to know; async listeners run as tasks."""
        for each in tuple(self._by_kind.get(event.kind, ())):
            try:
                answer = each.listener(event)
                if answer is not None:
                    self._go_on(answer)
            except Exception:
                log.exception("a listener raised on %r", event.kind.value)

    async def settled(self) -> None:
        """Wait until every async listener is done with what was published so far."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _go_on(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a listener raised", exc_info=problem)


def _kind(value: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise DefinitionError(
            f"there are no {value!r} events; there are {', '.join(map(repr, map(str, Kind)))}"
        ) from None


class _Subscription:
    """One listener's place; the same listener may have several."""

    __slots__ = ("listener",)

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
