"""Who watches a store, and in which loop: hints are rung there."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from types import TracebackType

from foliot.model import Hint, Topic

Ring = Callable[[Hint], None]


class Bells:
    """One step of a store: ``with bells`` lets nobody else in, and rings afterwards what was noted within."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._news: dict[Topic, int] = {}
        self._watchers: list[tuple[AbstractEventLoop, Ring]] = []

    def watch(self, ring: Ring) -> Callable[[], None]:
        """Ring in the running loop from now on; returns how to stop."""
        watcher = (asyncio.get_running_loop(), ring)
        self._watchers.append(watcher)

        def stop() -> None:
            with suppress(ValueError):
                self._watchers.remove(watcher)

        return stop

    def note(self, topic: Topic, at: int = 0) -> None:
        """Say at the end of this step that something is due from ``at`` on: 0 is as good as now."""
        known = self._news.get(topic)
        if known is None or at < known:
            self._news[topic] = at

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._news:
            self._lock.release()
            return
        news, self._news = self._news, {}
        self._lock.release()
        if self._watchers:
            self._ring([Hint(topic=topic, at=at or None) for topic, at in news.items()])

    def _ring(self, hints: list[Hint]) -> None:
        here = asyncio.get_running_loop()
        for loop, ring in tuple(self._watchers):
            for hint in hints:
                if loop is here:
                    ring(hint)
                elif not loop.is_closed():
                    with suppress(RuntimeError):  # closed in this very moment: nobody is left to hear it
                        loop.call_soon_threadsafe(ring, hint)
