"""Both stores sit the exam, and play random hours side by side."""

from pathlib import Path

import pytest

from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.stores.sqlite import SQLiteStore
from foliot.testing import StoreExam, random_hours


class TestMemoryStore(StoreExam):
    async def open_store(self, place: Path) -> Store:
        return await _opened(MemoryStore())


class TestSQLiteStore(StoreExam):
    durable = True

    async def open_store(self, place: Path) -> Store:
        return await _opened(SQLiteStore(place / "runs.db"))


async def _opened(store: Store) -> Store:
    await store.open()
    return store


TestSQLiteForHours = pytest.mark.untraced(
    pytest.mark.timeout(900)(random_hours(lambda _: MemoryStore(), SQLiteStore, durable=True))
)
"""Quick unless it fails: then the shortest hour that shows why is looked for."""
