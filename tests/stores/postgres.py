"""PostgreSQL stores for tests: one schema of this process, which is emptied for each new place."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg

from foliot.stores.postgres import PostgresStore

TABLES = ["runs", "waits", "keys", "lines", "lanes", "starts", "schedules", "limits", "workers"]


class Home:
    """The server that is up, and the place whose runs are in the schema."""

    url = ""
    place: Path | None = None


class PlacedStore(PostgresStore):
    """A store that is empty when it is the first to be opened at its place: making a schema takes long."""

    def __init__(self, place: Path) -> None:
        super().__init__(Home.url, namespace=f"placed_{os.getpid()}")
        self.place = place

    async def open(self) -> None:
        await super().open()
        if Home.place != self.place:
            Home.place = self.place
            await empty(self)


async def empty(store: PostgresStore) -> None:
    """Forget everything."""
    connection = await asyncpg.connect(Home.url)
    await connection.execute(";".join(f'DELETE FROM "{store.address.namespace}".{table}' for table in TABLES))
    await connection.close()
