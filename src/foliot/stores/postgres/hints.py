"""Hints from the server by LISTEN, on a connection of their own; behind a pooler, a look each second instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from foliot.errors import FoliotError
from foliot.model import Hint, Topic
from foliot.stores.postgres.connections import Address, Link
from foliot.stores.postgres.driver import BROKEN, ServerError

LOOK = 1.0
"""Seconds after which to look anew for a server that cannot be heard."""

Ring = Callable[[Hint], None]


class Bell:
    """Who watches, and the connection on which hints come in while somebody does.

    Whenever it begins to listen, everybody is told of everything: before, hints may have been lost.
    """

    def __init__(self, address: Address, name: str) -> None:
        self._address, self._name = address, name
        self._watchers: dict[object, tuple[asyncio.AbstractEventLoop, Ring]] = {}
        self._task: asyncio.Task[None] | None = None
        self._open = False
        self.hears = False

    def watch(self, ring: Ring) -> Callable[[], None]:
        """Call ``ring`` in this event loop; returns how to stop."""
        watcher = object()
        self._watchers[watcher] = asyncio.get_running_loop(), ring
        self._begin()
        return lambda: self._stop(watcher)

    def open(self) -> None:
        """Listen from now on, while somebody watches."""
        self._open = True
        self._begin()

    async def close(self) -> None:
        """Listen no more."""
        self._open = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def tell(self, *hints: Hint) -> None:
        """Tell everybody here."""
        for watcher, (loop, ring) in list(self._watchers.items()):
            for hint in hints:
                self._ring(watcher, loop, ring, hint)

    def _ring(self, watcher: object, loop: asyncio.AbstractEventLoop, ring: Ring, hint: Hint) -> None:
        if loop is asyncio.get_running_loop():
            ring(hint)
            return
        try:
            loop.call_soon_threadsafe(ring, hint)
        except RuntimeError:  # its event loop is closed
            self._watchers.pop(watcher, None)

    def _begin(self) -> None:
        if self._open and self._watchers and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._listen(), name="foliot hints")

    def _stop(self, watcher: object) -> None:
        self._watchers.pop(watcher, None)

    async def _listen(self) -> None:
        while True:
            with suppress(FoliotError, ServerError, *BROKEN):
                await self._hear()
            await asyncio.sleep(LOOK)

    async def _hear(self) -> None:
        """Listen until the connection breaks; behind a pooler not at all."""
        link = await Link.to(self._address)
        try:
            if not link.pooled:
                await self._hear_on(link)
        finally:
            self.hears = False
            link.drop()
        self._tell_all()

    async def _hear_on(self, link: Link) -> None:
        broken = asyncio.Event()

        def end(_connection: Any) -> None:
            broken.set()

        link.connection.add_termination_listener(end)
        await link.connection.add_listener(self._address.namespace, self._heard)
        self.hears = True
        self._tell_all()
        await broken.wait()

    def _heard(self, _connection: Any, _process: int, _channel: str, message: str) -> None:
        topic, at, *sender = message.split(" ")
        if sender != [self._name]:  # our own have been told at once
            self.tell(Hint(topic=Topic(topic), at=int(at) or None))

    def _tell_all(self) -> None:
        self.tell(*(Hint(topic=topic) for topic in Topic))
