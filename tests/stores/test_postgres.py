"""The PostgreSQL store sits the exam, and plays random hours beside the store in memory."""

from pathlib import Path

import pytest
from tests.stores.postgres import Home, PlacedStore

from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing import StoreExam, random_hours


@pytest.fixture(scope="module", autouse=True)
def server(postgres_server: str) -> None:
    Home.url = postgres_server


class TestPostgresStore(StoreExam):
    durable = True

    async def open_store(self, place: Path) -> Store:
        store = PlacedStore(place)
        await store.open()
        return store


TestPostgresForHours = pytest.mark.untraced(
    pytest.mark.timeout(900)(random_hours(lambda _: MemoryStore(), PlacedStore, durable=True))
)
"""Quick unless it fails: then the shortest hour that shows why is looked for."""
