"""Runs that spawn runs and wait for them. There is no engine beside the engine: a run that waits is put down.

from foliot import flow

handle = await flow.map(double, range(1, 7)).reduce(total).enqueue()
print(await handle.result())
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foliot.flow.values import Flow, broadcast, chain, group, map, shards  # noqa: A004

__all__ = ["Flow", "broadcast", "chain", "group", "map", "shards"]


def __getattr__(name: str) -> Any:
    """Load what makes plans only where it is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module("foliot.flow.values"), name)
    return value
