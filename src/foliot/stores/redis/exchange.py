"""Calls of scripts. Each event loop has a client of its own, made when needed, closed with the loop at the latest."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from redis.exceptions import NoScriptError

from foliot.errors import StoreUnavailable
from foliot.stores.redis.address import Address, Kind
from foliot.stores.redis.client import FAILURES, Caller, Client, ClusterCaller, Listener, Word, client_of
from foliot.stores.redis.problems import explained
from foliot.stores.redis.scripts import Script, script

AT_ONCE = 16
"""How many calls of one event loop are under way at most, each on a connection; the others wait for their turn."""


class Exchange:
    """Whom to ask. May be shared by event loops and threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.tag = tag_of(address)
        self._keys = (self.tag, f"{self.tag}:schema")
        self._lives: WeakKeyDictionary[AbstractEventLoop, Life] = WeakKeyDictionary()
        self._open = False

    def open(self) -> None:
        """Allow calls."""
        self._open = True

    async def close(self) -> None:
        """Refuse calls, and hang up in this event loop; others keep their connections until they end."""
        self._open = False
        life = self._lives.pop(asyncio.get_running_loop(), None)
        if life is not None:
            await life.end()

    async def run(self, script: Script, *words: Word) -> Any:
        """Run a script."""
        try:
            return await self._run(script, words)
        except FAILURES as problem:
            raise explained(problem, self.address.said) from problem

    async def read(self, kind: str, ids: Sequence[str]) -> bytes:
        """What is kept of these, without what is not there, as a packed list."""
        names = [f"{self.tag}:{kind}:{id}" for id in ids]
        here = self._here()
        try:
            async with here.turns:
                answers = await (await here.caller()).execute_command("MGET", *self._keys, *names)
        except FAILURES as problem:
            raise explained(problem, self.address.said) from problem
        kept = [each for each in answers[len(self._keys) :] if each is not None]
        return b"".join((b"\xdd", len(kept).to_bytes(4, "big"), *kept))

    async def promise(self, script: Script, *words: Word) -> Any:
        """Run a script, and answer when as many replicas as the address asks for have what it wrote."""
        answer = await self.run(script, *words)
        if self.address.wait:
            await self._await_replicas(self.address.wait)
        return answer

    async def listener(self) -> Listener:
        """Somebody to listen to channels."""
        await self.run(script("time"))  # a cluster knows by now where the namespace is
        return (await self._here().client()).pubsub()

    async def _run(self, script: Script, words: tuple[Word, ...]) -> Any:
        """Both keys together are what a cluster needs to refuse a script while it moves them to another node."""
        here = self._here()
        async with here.turns:
            caller = await here.caller()
            try:
                return await caller.execute_command("EVALSHA", script.digest, len(self._keys), *self._keys, *words)
            except NoScriptError:  # nothing was done; with the source the server learns it
                return await caller.execute_command("EVAL", script.source, len(self._keys), *self._keys, *words)

    async def _await_replicas(self, wanted: int) -> None:
        """What was written before by whomever has reached them when what this connection writes has."""
        try:
            reached = await self._touch_and_wait(wanted)
        except FAILURES as problem:
            raise explained(problem, self.address.said) from problem
        if reached < wanted:
            raise StoreUnavailable(f"{self.address.said}: written, but only {reached} of {wanted} replicas have it yet")

    async def _touch_and_wait(self, wanted: int) -> int:
        client: Any = await self._here().client()
        keeper = {"target_nodes": client.get_node_from_key(self.tag)} if self.address.kind is Kind.CLUSTER else {}
        async with client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("EVAL", script("touch").source, len(self._keys), *self._keys)
            pipeline.execute_command("WAIT", wanted, int(self.address.timeout * 500), **keeper)
            return (await pipeline.execute())[1]

    def _here(self) -> Life:
        if not self._open:
            raise StoreUnavailable(f"the store on {self.address.said} is not open; open it first")
        loop = asyncio.get_running_loop()
        if loop not in self._lives:
            self._lives[loop] = Life(self.address)
        return self._lives[loop]


class Life:
    """A client for as long as its event loop lives, should nobody end it before."""

    def __init__(self, address: Address) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)
        self._address = address
        self._making = asyncio.Lock()
        self._made: Made | None = None

    async def client(self) -> Client:
        """The client of this event loop."""
        return (await self._all()).client

    async def caller(self) -> Caller | ClusterCaller:
        """Who gives commands."""
        return (await self._all()).caller

    async def _all(self) -> Made:
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await made(self._address)
        return self._made

    async def end(self) -> None:
        """Hang up."""
        made, self._made = self._made, None
        if made is not None:
            await made.until.aclose()


class Made(NamedTuple):
    """A client, who gives commands with it, and what ends it."""

    client: Client
    caller: Caller | ClusterCaller
    until: AsyncGenerator[Client]


async def made(address: Address) -> Made:
    """A client for an address. Nothing is connected yet."""
    until = client_of(address)
    client = await anext(until)
    clustered = address.kind is Kind.CLUSTER
    caller = ClusterCaller(client, tag_of(address)) if clustered else Caller(client, address.timeout)
    return Made(client, caller, until)


def tag_of(address: Address) -> str:
    """What the names of all keys begin with: a cluster keeps what has the same tag on one node."""
    return f"{{{address.namespace}}}"
