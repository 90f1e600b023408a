"""The lines to a Redis: laid when needed, kept, and laid anew when they have fallen. Each event loop has its own."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from foliot.errors import StoreUnavailable
from foliot.stores.redis.address import Address
from foliot.stores.redis.finder import found
from foliot.stores.redis.line import FAILURES, Host, Line, Refused, Word, connected
from foliot.stores.redis.problems import explained, is_unknown, knows_better
from foliot.stores.redis.scripts import Script


class Exchange:
    """Whom to ask. May be shared by event loops and threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.tag = f"{{{address.namespace}}}"
        self._switchboards: WeakKeyDictionary[AbstractEventLoop, Switchboard] = WeakKeyDictionary()
        self._open = False

    def open(self) -> None:
        """Allow calls."""
        self._open = True

    async def close(self) -> None:
        """Hang up everywhere."""
        self._open = False
        here = asyncio.get_running_loop()
        for loop, board in list(self._switchboards.items()):
            if loop is here:
                await board.close()
            else:
                with suppress(RuntimeError):  # that loop has ended, and hung up when it did
                    loop.call_soon_threadsafe(board.hang_up)

    async def run(self, script: Script, *words: Word) -> Any:
        """Run a script."""
        try:
            return await self.here().run(script, words)
        except FAILURES as problem:
            raise explained(problem, self.address.said) from problem

    async def promise(self, script: Script, *words: Word) -> Any:
        """Run a script, and answer when as many replicas as the address asks for have what it wrote."""
        answer = await self.run(script, *words)
        if wanted := self.address.wait:
            reached = await self.ask("WAIT", wanted, int(self.address.timeout * 500))
            if reached < wanted:
                raise StoreUnavailable(
                    f"{self.address.said}: written, but only {reached} of {wanted} replicas have it yet"
                )
        return answer

    async def ask(self, *words: Word) -> Any:
        """Give one command."""
        try:
            return await (await self.here().line()).ask(*words)
        except FAILURES as problem:
            raise explained(problem, self.address.said) from problem

    def here(self) -> Switchboard:
        """The lines of the running event loop."""
        if not self._open:
            raise StoreUnavailable(f"the store on {self.address.said} is not open; open it first")
        loop = asyncio.get_running_loop()
        if loop not in self._switchboards:
            self._switchboards[loop] = Switchboard(self.address, self.tag)
        return self._switchboards[loop]


class Switchboard:
    """The lines of one event loop: one for all calls, since the server does one thing after the other anyway."""

    def __init__(self, address: Address, tag: str) -> None:
        self._address, self._tag = address, tag
        self._laying = asyncio.Lock()
        self._line: Line | None = None
        self._host: Host | None = None
        self._life: AsyncGenerator[None] | None = None

    async def run(self, script: Script, words: Sequence[Word]) -> Any:
        """Run a script, which the server learns if it does not know it. Nothing was done when it says so."""
        try:
            return await self._given("EVALSHA", script.digest, words)
        except Refused as problem:
            if knows_better(problem):
                self.forget()
            elif not is_unknown(problem):
                raise
        return await self._given("EVAL", script.source, words)

    async def _given(self, command: str, what: str, words: Sequence[Word]) -> Any:
        return await (await self.line()).ask(command, what, 1, self._tag, *words)

    async def line(self) -> Line:
        """The line for calls."""
        if self._line is not None and not self._line.closed:
            return self._line
        async with self._laying:
            if self._line is None or self._line.closed:
                self._line = await self.lay()
            return self._line

    async def lay(self) -> Line:
        """A new line to whoever keeps the namespace. If it falls, that one is looked for anew."""
        await self._live()
        if self._host is None:
            self._host = await found(self._address)
        try:
            line = await connected(self._host, self._address, self._address.user, self._address.db)
        except BaseException:
            self._host = None
            raise
        line.fallen = self._fallen
        return line

    def _fallen(self) -> None:
        self._host = None

    def forget(self) -> None:
        """Hang up, and look for the server anew next time."""
        line, self._line, self._host = self._line, None, None
        if line is not None:
            line.close()

    # life

    async def _live(self) -> None:
        """Hang up when this event loop ends, should nobody close us before."""
        if self._life is None:
            self._life = self._until_the_loop_ends()
            await anext(self._life)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self.forget()

    async def close(self) -> None:
        """Hang up."""
        life, self._life = self._life, None
        if life is not None:
            await life.aclose()

    def hang_up(self) -> None:
        """Hang up, from another loop."""
        self.forget()
