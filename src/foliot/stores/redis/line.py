"""One connection to a Redis: commands go out at once, and answers come back in the same order."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import AbstractEventLoop, Future, TimerHandle, Transport
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from foliot.stores.redis.address import Address, Credentials, Kind, Tls

Host = tuple[str, int]
Word = str | bytes | int | float

CONNECT_WITHIN = 5.0

_NOT_YET = object()

_packed = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]


class Refused(Exception):
    """What a Redis answered instead of doing what it was asked."""


FAILURES = (OSError, Refused)
"""Lost or slow connections are errors of the system; everything else was said by the server."""


class Line(asyncio.Protocol):
    """Any number of calls may be under way. A line that fails, or stays silent for ``timeout`` seconds, is over."""

    def __init__(self, timeout: float) -> None:
        self.heard: Callable[[Any], None] = lambda _: None
        self.fallen: Callable[[], None] = lambda: None
        self.closed = False
        self._timeout = timeout
        self._reader = hiredis.Reader(replyError=Refused, protocolError=ConnectionError, notEnoughData=_NOT_YET)
        self._waiting: deque[Future[Any]] = deque()
        self._alarm: TimerHandle | None = None

    def ask(self, *words: Word) -> Future[Any]:
        """Give a command; the answer comes later."""
        answer: Future[Any] = self._loop.create_future()
        if self.closed:
            answer.set_exception(ConnectionError("the connection is closed"))
            return answer
        self._waiting.append(answer)
        self._transport.write(_packed(words))
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._timeout, self._too_late)
        return answer

    def close(self) -> None:
        """Hang up."""
        if not self.closed:
            self._end(ConnectionError("the connection was closed"))

    # what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("Transport", transport)
        self._loop: AbstractEventLoop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _NOT_YET:
                self._settle(answer)
        except ConnectionError as problem:  # it does not speak as a Redis does
            self._end(problem)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed:
            self._end(exc or ConnectionError("the server closed the connection"))

    # how

    def _settle(self, answer: Any) -> None:
        if not self._waiting:
            self.heard(answer)
            return
        waiting = self._waiting.popleft()
        self._listen_on()
        if waiting.done():  # nobody waits any more
            return
        if isinstance(answer, Refused):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def _listen_on(self) -> None:
        """The clock runs from the last answer while one is missing."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = self._loop.call_later(self._timeout, self._too_late) if self._waiting else None

    def _too_late(self) -> None:
        self._end(TimeoutError(f"no answer within {self._timeout:g} s"))

    def _end(self, problem: Exception) -> None:
        self.closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        self._transport.abort()
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(problem)
        self.fallen()


async def connected(host: Host, address: Address, user: Credentials, db: int = 0) -> Line:
    """A line to this host, known to it. Raises OSError and Refused."""
    async with asyncio.timeout(CONNECT_WITHIN):
        line = await _dialled(host, address)
        try:
            await _introduced(line, user, db)
        except BaseException:
            line.close()
            raise
    return line


async def _dialled(host: Host, address: Address) -> Line:
    loop = asyncio.get_running_loop()
    if address.kind is Kind.UNIX:
        return (await loop.create_unix_connection(lambda: Line(address.timeout), address.path))[1]
    trust = None if address.tls is None else _trust(address.tls)
    return (await loop.create_connection(lambda: Line(address.timeout), *host, ssl=trust))[1]


async def _introduced(line: Line, user: Credentials, db: int) -> None:
    if user.password is not None:
        await line.ask("AUTH", *([user.username] if user.username else []), user.password)
    if db:
        await line.ask("SELECT", db)


def _trust(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context
