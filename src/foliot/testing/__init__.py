"""For tests: virtual time for schedulers, the exam that every store sits, and stores that fail when told to.

    async with simulated(scheduler) as time:
        await time.advance(days=30)

    from foliot.testing import StoreExam, random_hours

    class TestMyStore(StoreExam):
        durable = True

        async def open_store(self, place: Path) -> Store:
            return MyStore(place / "runs.db")

    TestMyStoreForHours = random_hours(lambda place: MemoryStore(), lambda place: MyStore(place / "runs.db"))

The exam needs pytest and pytest-asyncio, the hours need hypothesis; importing this module needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foliot.testing.exam import StoreExam
    from foliot.testing.faulty import After, Before, Fault, FaultyStore, Late, scripted, seeded
    from foliot.testing.hours import random_hours
    from foliot.testing.virtual import Time, inline, simulated

__all__ = [
    "After",
    "Before",
    "Fault",
    "FaultyStore",
    "Late",
    "StoreExam",
    "Time",
    "inline",
    "random_hours",
    "scripted",
    "seeded",
    "simulated",
]

_HOMES = {
    "StoreExam": "foliot.testing.exam",
    "random_hours": "foliot.testing.hours",
    **dict.fromkeys(("After", "Before", "Fault", "FaultyStore", "Late", "scripted", "seeded"), "foliot.testing.faulty"),
    **dict.fromkeys(("Time", "inline", "simulated"), "foliot.testing.virtual"),
}

_NEEDED = ("pytest", "pytest-asyncio", "hypothesis")


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for, so that what it needs may be missing until then."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as missing:
        if missing.name not in _NEEDED:
            raise
        raise ImportError(f"{name} needs {missing.name}: pip install {' '.join(_NEEDED)}") from missing
