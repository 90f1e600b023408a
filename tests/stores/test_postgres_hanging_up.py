"""A server that lets a client in and takes its leave before the first question: that is said in our words, too."""

import asyncio
import struct
from contextlib import suppress

import pytest

from foliot.errors import StoreUnavailable
from foliot.stores.postgres import PostgresStore


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


WELCOME = (
    message(b"R", struct.pack("!I", 0))
    + message(b"S", b"server_version\x0015.0\x00")
    + message(b"S", b"client_encoding\x00UTF8\x00")
    + message(b"K", struct.pack("!II", 4242, 1))
    + message(b"Z", b"I")
)


async def test_a_server_that_takes_its_leave_at_once_cannot_be_reached():
    gone = asyncio.Event()

    async def take_leave_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # may we speak TLS?
        writer.write(b"N")
        [size] = struct.unpack("!I", await reader.readexactly(4))
        await reader.readexactly(size - 4)
        writer.write(WELCOME + message(b"E", b"SFATAL\x00VFATAL\x00C57P01\x00Mthe server shuts down\x00\x00"))
        await hung_up(reader, writer)
        gone.set()

    server = await asyncio.start_server(take_leave_at_once, "127.0.0.1", 0)
    store = PostgresStore(f"postgresql://me@127.0.0.1:{server.sockets[0].getsockname()[1]}/jobs")

    async with server:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await store.open()
        await gone.wait()


async def hung_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until the client hangs up, and do the same."""
    with suppress(OSError):
        await reader.read()
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()
