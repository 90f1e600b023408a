"""The proxy: it carries bytes faithfully, and does each wrong that it is told to do until it is restored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from foliot.testing.proxy import Proxy


class Echo:
    """A server that answers each line with itself, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                self.asked.append(line)
                writer.write(line)
        writer.transport.abort()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, line: bytes) -> bytes:
        """What is answered; nothing when the other side hangs up."""
        try:
            self.writer.write(line)
            return await self.reader.readline()
        except ConnectionError:
            return b""


class Scene:
    def __init__(self, proxy: Proxy, echo: Echo, stack: AsyncExitStack) -> None:
        self.proxy, self.echo, self._stack = proxy, echo, stack
        self.clients: list[Client] = []

    async def client(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        client = Client(reader, writer)
        self.clients.append(client)
        self._stack.callback(writer.transport.abort)
        return client


@asynccontextmanager
async def echoing() -> AsyncIterator[Scene]:
    echo = Echo()
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        stack.callback(server.close)
        proxy = await stack.enter_async_context(Proxy("127.0.0.1", server.sockets[0].getsockname()[1]))
        yield Scene(proxy, echo, stack)


async def test_bytes_pass_both_ways_unchanged():
    async with echoing() as scene:
        client = await scene.client()

        answers = [await client.ask(b"%d\n" % n * 1000) for n in range(3)]

        assert answers == [b"0\n", b"0\n", b"0\n"]
        assert scene.proxy.passed > 0


async def test_a_cut_hangs_up_on_everybody_until_restored():
    async with echoing() as scene:
        old = await scene.client()
        await old.ask(b"before\n")

        scene.proxy.cut()

        assert await old.ask(b"lost\n") == b""
        assert await (await scene.client()).ask(b"refused\n") == b""
        assert scene.echo.asked == [b"before\n"]
        scene.proxy.restore()
        assert await (await scene.client()).ask(b"after\n") == b"after\n"


async def test_a_lost_reply_was_done_and_nobody_is_told():
    async with echoing() as scene:
        client = await scene.client()
        scene.proxy.lose_replies()

        answer = await client.ask(b"pay\n")

        assert answer == b""
        assert scene.echo.asked == [b"pay\n"]
        assert scene.proxy.lost == 1


async def test_a_black_hole_says_nothing_and_lets_go_of_nothing():
    async with echoing() as scene:
        client = await scene.client()
        scene.proxy.black_hole()
        waiting = asyncio.ensure_future(client.ask(b"hello?\n"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.05)
        assert scene.echo.asked == []

        scene.proxy.restore()

        assert await waiting == b"hello?\n"


async def test_a_delay_counts_in_both_directions():
    async with echoing() as scene:
        client = await scene.client()
        scene.proxy.delay(0.05)
        before = asyncio.get_running_loop().time()

        await client.ask(b"slowly\n")

        assert asyncio.get_running_loop().time() - before >= 0.1


async def test_where_nobody_listens_a_client_is_hung_up_on():
    async with echoing() as scene:
        async with Proxy("127.0.0.1", 1) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

            assert await reader.read() == b""

            writer.transport.abort()
        assert scene.echo.asked == []


async def test_it_ends_while_connections_are_held_back():
    async with echoing() as scene:
        client = await scene.client()
        await client.ask(b"hello\n")
        scene.proxy.black_hole()
        waiting = asyncio.ensure_future(client.ask(b"held\n"))

        await scene.proxy.__aexit__(None, None, None)

        assert await waiting == b""


def test_a_url_by_way_of_the_proxy_differs_in_host_and_port_only():
    proxy = Proxy("db.example", 5432)
    proxy.port = 15432

    assert proxy.in_front_of("postgresql://me:pw@db.example:5432/jobs?namespace=a") == (
        "postgresql://me:pw@127.0.0.1:15432/jobs?namespace=a"
    )
    assert proxy.in_front_of("redis://db.example/3") == "redis://127.0.0.1:15432/3"
