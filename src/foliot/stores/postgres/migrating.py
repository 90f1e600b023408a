"""Bringing a database's schema up to date, and refusing one that is not as this version made it."""

from __future__ import annotations

from collections.abc import Sequence

from foliot.errors import SettingsError, StoreCorrupt
from foliot.stores.postgres.connections import Address, Connections, Link, Row
from foliot.stores.postgres.schema import MIGRATIONS, Migration, quoted, script

LONGEST = 63
"""Bytes in the name of a schema; PostgreSQL cuts off more."""
SPECIAL = frozenset("{}%:\0")
"""What the name of a schema has not: it stands in statements beside the places of values, as drivers write them."""


async def bring_up_to_date(
    connections: Connections, address: Address, *, apply: bool, migrations: Sequence[Migration] = MIGRATIONS
) -> int:
    """Apply the steps that are missing; tells how many were. Of several nodes at once, the first does it.

    Raises StoreCorrupt for the schema of a newer version, or an altered one; with ``apply=False`` SettingsError for an
    older one.
    """
    _refuse_name(address.namespace)
    async with connections.link() as link:
        done = await steps_done(link, address, migrations)
        if done == len(migrations):
            return 0
        if not apply:
            raise SettingsError(
                f"{address.place}: schema {address.namespace!r} has {done} of {len(migrations)} migrations, and "
                "migrate=no forbids to apply the others; let its owner run `foliot migrate`"
            )
        await _apply(link, address, migrations)
        return len(migrations) - done


async def _apply(link: Link, address: Address, migrations: Sequence[Migration]) -> None:
    """In one transaction, after whoever else is at it."""
    await link.run(script(address.namespace, migrations))
    await steps_done(link, address, migrations)


async def steps_done(link: Link, address: Address, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """How many of the steps this database has behind it."""
    table = f"{quoted(address.namespace)}.migrations"
    [[found]] = await link.fetch("SELECT to_regclass($1) IS NOT NULL", [table])
    kept = await link.fetch(f"SELECT name, checksum FROM {table} ORDER BY number", []) if found else []
    _refuse_other(kept, address, migrations)
    return len(kept)


def _refuse_other(kept: Sequence[Row], address: Address, migrations: Sequence[Migration]) -> None:
    where = f"schema {address.namespace!r} in {address.place}"
    if len(kept) > len(migrations):
        raise StoreCorrupt(f"{where} was made by a newer Foliot ({kept[-1][0]!r}); upgrade Foliot to open it")
    for step, (name, checksum) in zip(migrations, kept, strict=False):
        if step.checksum != checksum:
            raise StoreCorrupt(f"{where} was made by another step {name!r}; open it with the Foliot that made it")


def _refuse_name(namespace: str) -> None:
    if not namespace or len(namespace.encode()) > LONGEST or SPECIAL.intersection(namespace):
        raise SettingsError(f"namespace={namespace!r}: a schema's name has 1 to {LONGEST} bytes, and no {{, }}, % or :")
