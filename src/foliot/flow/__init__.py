"""Runs that spawn runs and wait for them. There is no engine beside the engine: a run that waits is put down.

from foliot import flow

handle = await flow.map(double, range(1, 7)).reduce(total).enqueue()
print(await handle.result())
"""

from foliot.flow.values import Flow, broadcast, chain, group, map, shards  # noqa: A004

__all__ = ["Flow", "broadcast", "chain", "group", "map", "shards"]
