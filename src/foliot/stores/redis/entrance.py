"""What is looked at when a store is opened: whether this Redis can keep it, and whether we can read what it keeps."""

from __future__ import annotations

from collections.abc import Mapping

from foliot.errors import StoreCorrupt, StoreError, StoreUnavailable
from foliot.stores.redis.exchange import Exchange
from foliot.stores.redis.scripts import script

SCHEMA = 1
"""How things are kept. Raised when an older Foliot could no longer read it."""

OLDEST = (7, 0)


async def enter(exchange: Exchange) -> None:
    """Look at the server and at the namespace. Raises StoreError with what to do."""
    where = exchange.address.said
    info, kept = await exchange.run(script("enter"))
    problem = unfit(parsed(info))
    if problem is not None:
        raise problem[0](f"{where}: {problem[1]}")
    if kept is None:
        await exchange.run(script("settle"), SCHEMA)
    elif int(kept) > SCHEMA:
        raise StoreCorrupt(
            f"{where}: namespace {exchange.address.namespace!r} was written by a newer Foliot (schema {int(kept)},"
            f" this one knows {SCHEMA}); upgrade this one, or choose another ?namespace=…"
        )


def unfit(info: Mapping[str, str]) -> tuple[type[StoreError], str] | None:
    """Why a server that says this of itself cannot keep a store; None if it can."""
    version = tuple(int(part) for part in info.get("redis_version", "0.0").split(".")[:2])
    policy = info.get("maxmemory_policy", "noeviction")
    if version < OLDEST:
        return StoreError, f"this is Redis {info['redis_version']}; 7.0 or newer is needed"
    if info.get("role", "master") != "master":
        return StoreUnavailable, "this is a read-only replica; name the master, or its sentinels: redis+sentinel://…"
    if policy != "noeviction":
        return StoreError, (
            f"maxmemory-policy is {policy}: Redis may drop runs and schedules when memory is short;"
            " set it to noeviction, or give Foliot a Redis of its own"
        )
    return None


def parsed(info: bytes) -> dict[str, str]:
    """What ``INFO`` says, by name."""
    pairs = (line.partition(":") for line in info.decode(errors="replace").splitlines())
    return {name: value for name, colon, value in pairs if colon}
