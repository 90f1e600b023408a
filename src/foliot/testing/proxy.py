"""A TCP proxy that misbehaves when told to: it cuts, delays, holds back, or loses replies after the request has passed.

    async with Proxy("127.0.0.1", 5432) as proxy:
        scheduler = Scheduler(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        proxy.lose_replies()
        ...
        proxy.restore()

It works in front of anything that speaks TCP, PostgreSQL and Redis among them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65_536


class Proxy:
    """Stands between clients and one server; what goes wrong is decided at each moment, for all connections.

    ``lost`` counts the replies that were lost, ``passed`` the bytes that went through.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host, self.target = host, port
        self.port = 0
        self.lost = self.passed = 0
        self._delay = 0.0
        self._down = self._deaf = False
        self._open = asyncio.Event()
        self._open.set()
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        self._open.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def in_front_of(self, url: str) -> str:
        """The same URL, by way of this proxy."""
        parts = urlsplit(url)
        who, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{who}{at}127.0.0.1:{self.port}"))

    # What goes wrong

    def cut(self) -> None:
        """Hang up on everybody, and on whoever calls, until it is restored."""
        self._down = True
        for line in list(self._lines):
            line.transport.abort()

    def delay(self, seconds: float) -> None:
        """Let everything arrive so much later, in both directions."""
        self._delay = seconds

    def black_hole(self) -> None:
        """Let nothing through and tell nobody, as a network that has lost its route; what is sent waits."""
        self._open.clear()

    def lose_replies(self) -> None:
        """Let requests through, lose what the server answers, and hang up: nobody knows whether it was done."""
        self._deaf = True

    def restore(self) -> None:
        """Let everything through again."""
        self._down = self._deaf = False
        self._delay = 0.0
        self._open.set()

    # What passes

    def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._join(client, to_client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until one side hangs up; then hang up on the other."""
        lines = {to_client}
        self._lines.add(to_client)
        try:
            await self._open.wait()
            if not self._down:
                server, to_server = await asyncio.open_connection(self.host, self.target)
                lines.add(to_server)
                self._lines.add(to_server)
                await self._carry_both(client, to_client, server, to_server)
        except OSError:
            pass  # nobody is there: the client is hung up on
        finally:
            for line in lines:
                line.transport.abort()
            self._lines -= lines
            await asyncio.gather(*(line.wait_closed() for line in lines), return_exceptions=True)

    async def _carry_both(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        ways = [
            asyncio.ensure_future(self._carry(client, to_server, replies=False)),
            asyncio.ensure_future(self._carry(server, to_client, replies=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)

    async def _carry(self, source: asyncio.StreamReader, goal: asyncio.StreamWriter, *, replies: bool) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while data := await source.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._open.wait()
                if replies and self._deaf:
                    self.lost += 1
                    return
                self.passed += len(data)
                goal.write(data)
                await goal.drain()
