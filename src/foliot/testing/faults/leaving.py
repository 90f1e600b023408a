"""What a proof leaves on a server that somebody named: nothing. Its namespace is removed with all that is in it."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

from foliot.errors import StoreError
from foliot.stores import open_store


async def removed(url: str) -> None:
    """Remove a namespace from the server that a URL names, if that can be reached, as if there had never been one."""
    store: Any = open_store(url)
    remove = _without_schema if urlsplit(url).scheme.startswith("postgres") else _without_keys
    with suppress(StoreError):
        await remove(store.address)


async def _without_schema(address: Any) -> None:
    from foliot.stores.postgres.connections import Link
    from foliot.stores.postgres.schema import quoted

    link = await Link.to(address)
    await link.run(f"DROP SCHEMA IF EXISTS {quoted(address.namespace)} CASCADE")
    await link.close()


async def _without_keys(address: Any) -> None:
    from foliot.stores.redis.client import FAILURES, client_of

    with suppress(*FAILURES):
        async with aclosing(client_of(address)) as made:
            client: Any = await anext(made)
            keys = [key async for key in client.scan_iter(match=f"{{{address.namespace}}}*", count=1000)]
            for at in range(0, len(keys), 1000):
                await client.unlink(*keys[at : at + 1000])
