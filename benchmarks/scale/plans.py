"""The plans of a claim on a filled store, as the server says: ``python -m benchmarks.scale.plans URL NAMESPACE``."""

import asyncio
import sys
import time
from typing import Any

import asyncpg

from foliot.model import Claim
from foliot.stores.postgres.statements import statements
from foliot.stores.postgres.wire import wish_columns

SAY = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on; SET auto_explain.log_timing = off;
SET client_min_messages = log;
"""


async def main(url: str, namespace: str) -> None:
    """Claim until the plans stand, then once more with all plans said; it is undone."""
    connection: Any = await asyncpg.connect(url, statement_cache_size=0)
    claim = (statements(namespace)["claim"], *wish_columns(Claim(worker="w", limit=100, lease=10**9)))
    undone = connection.transaction()
    await undone.start()
    for _ in range(3):
        await connection.fetch(*claim, time.time_ns() // 1000)
    await connection.execute(SAY)
    connection.add_log_listener(lambda _connection, message: print(message.message))
    await connection.fetch(*claim, time.time_ns() // 1000)
    await undone.rollback()
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
