"""SQLite keeps what every store keeps, and what only a file can break."""

from __future__ import annotations

from pathlib import Path

from foliot.stores.base import Store
from foliot.stores.sqlite import SQLiteStore
from foliot.testing.exam import StoreExam


class TestSQLite(StoreExam):
    durable = True

    async def open_store(self, place: Path) -> Store:
        return SQLiteStore(place / "jobs.db")
