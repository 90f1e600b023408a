"""Hints to whoever watches, by one channel for each namespace. A hint may be lost; nobody needs one to be right."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from foliot.errors import StoreError
from foliot.model import Hint, Topic
from foliot.stores.redis.address import Kind
from foliot.stores.redis.client import FAILURES, Listener
from foliot.stores.redis.exchange import Exchange

Ring = Callable[[Hint], None]
Watcher = tuple[AbstractEventLoop, Ring]

AGAIN_AFTER = 0.5
"""How many seconds after it was lost the line is laid anew."""


class Doorbell:
    """Listens while somebody watches and the store is open, in the event loop in which it was opened."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._watchers: list[Watcher] = []
        self._home: AbstractEventLoop | None = None
        self._listening: asyncio.Task[None] | None = None

    def watch(self, ring: Ring) -> Callable[[], None]:
        """Call ``ring`` in the running event loop; returns how to stop."""
        watcher = (asyncio.get_running_loop(), ring)
        self._watchers.append(watcher)
        if self._home is not None:
            self._home.call_soon_threadsafe(self._listen)

        def stop() -> None:
            with suppress(ValueError):
                self._watchers.remove(watcher)

        return stop

    def open(self) -> None:
        """The store is open."""
        self._home = asyncio.get_running_loop()
        self._listen()

    async def close(self) -> None:
        """The store is about to close."""
        self._home = None
        task, self._listening = self._listening, None
        if task is not None:
            await _stopped(task)

    def _listen(self) -> None:
        if self._listening is None and self._home is not None and self._watchers:
            self._listening = self._home.create_task(self._go_on(), name="foliot redis doorbell")

    async def _go_on(self) -> None:
        while True:
            with suppress(*FAILURES, StoreError):
                await self._hear()
            await asyncio.sleep(AGAIN_AFTER)

    async def _hear(self) -> None:
        """Pass on what is told until the line falls, or the channel is somewhere else."""
        listener = await self._exchange.listener()
        try:
            await listener.ssubscribe(f"{self._exchange.tag}:hints")
            while (message := await self._next(listener))["type"] != "sunsubscribe":
                self._heard(message)
                await asyncio.sleep(0)  # whom it wakes goes first
        finally:
            await listener.aclose()

    async def _next(self, listener: Listener) -> dict[str, Any]:
        clustered = self._exchange.address.kind is Kind.CLUSTER
        listen = listener.get_sharded_message if clustered else listener.get_message
        while (message := await listen(timeout=None)) is None:
            pass
        return message

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "ssubscribe":  # whatever happened while nobody listened
            self._ring(Hint(topic=topic) for topic in Topic)
        else:
            self._ring(hints_of(message["data"].decode()))

    def _ring(self, hints: Iterable[Hint]) -> None:
        here = asyncio.get_running_loop()
        for hint in hints:
            for loop, ring in tuple(self._watchers):
                if loop is here:
                    ring(hint)
                elif not loop.is_closed():
                    with suppress(RuntimeError):  # closed in this very moment: nobody is left to hear it
                        loop.call_soon_threadsafe(ring, hint)


async def _stopped(task: asyncio.Task[None]) -> None:
    """Cancel it until it heeds that: before Python 3.12 ``wait_for`` forgets a cancel that comes as it is done."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_AFTER)
    with suppress(asyncio.CancelledError):
        await task


def hints_of(message: str) -> Iterator[Hint]:
    """The hints in a message such as ``runs 1700000000000000,cancels 0``."""
    for told in message.split(","):
        topic, _, at = told.partition(" ")
        yield Hint(topic=Topic(topic), at=int(at) or None)
