"""Redis sits the exam, and plays random hours beside the memory store."""

from pathlib import Path

import pytest
from tests.stores.redises import redis_at

from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing import StoreExam, random_hours


class TestRedisStore(StoreExam):
    durable = True

    async def open_store(self, place: Path) -> Store:
        store = redis_at(place)
        await store.open()
        return store


TestRedisForHours = pytest.mark.untraced(
    pytest.mark.timeout(900)(random_hours(lambda _: MemoryStore(), redis_at, durable=True))
)
"""Quick unless it fails: then the shortest hour that shows why is looked for."""
