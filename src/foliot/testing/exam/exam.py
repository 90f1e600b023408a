"""All examples together, and the one thing a store's author says: how to open it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from foliot.stores.base import Store
from foliot.testing.exam.adding import Adding
from foliot.testing.exam.amending import Amending
from foliot.testing.exam.claiming import Claiming
from foliot.testing.exam.durability import Durability
from foliot.testing.exam.fanning import FanningOut
from foliot.testing.exam.finding import Finding
from foliot.testing.exam.finishing import Finishing
from foliot.testing.exam.firing import FiringSchedules
from foliot.testing.exam.keeping import Keeping
from foliot.testing.exam.lanes import Lanes
from foliot.testing.exam.leases import Leases
from foliot.testing.exam.order import Order
from foliot.testing.exam.rates import Rates
from foliot.testing.exam.releasing import Releasing
from foliot.testing.exam.unique import UniqueKeys


class StoreExam(
    Adding,
    Claiming,
    Order,
    Leases,
    Finishing,
    Releasing,
    FanningOut,
    UniqueKeys,
    Lanes,
    Rates,
    Amending,
    FiringSchedules,
    Finding,
    Keeping,
    Durability,
):
    """What every store must do, as examples. Subclass it as a test class and say how to open a store.

    ``place`` is a directory of the example's own, empty at first. Set ``durable = True`` for a store that
    still has everything when it is closed and one is opened at the same place again.
    """

    pytestmark = pytest.mark.asyncio

    async def open_store(self, place: Path) -> Store:
        """A store at this place, empty if the place is. It is opened and closed for you."""
        raise NotImplementedError("say in a subclass how a store is opened")

    @pytest_asyncio.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        """The store under examination, open."""
        store = await self.open_store(tmp_path)
        await store.open()
        yield store
        await store.close()
