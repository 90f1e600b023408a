"""DBOS on PostgreSQL: a workflow that enqueues workflows that do nothing and gathers them, beside independent ones."""

from uuid import uuid4

from dbos import DBOS, DBOSConfig
from measure import Stopwatch, answer, asked

WARM = 20
wish = asked()
config: DBOSConfig = {
    "name": "fanout",
    "system_database_url": wish.server,
    "dbos_system_schema": f"d{uuid4().hex[:8]}",
    "log_level": "ERROR",
    "sys_db_pool_size": wish.connections,
}
DBOS(config=config)


@DBOS.workflow()
def noop(n: int) -> int:
    """Nothing."""
    return n


@DBOS.workflow()
def fan_out(runs: int) -> int:
    """How many children ended well."""
    return len(gathered(runs))


def gathered(runs: int) -> list[int]:
    """Enqueue all, then wait for each."""
    handles = [DBOS.enqueue_workflow("parts", noop, n) for n in range(runs)]
    return [handle.get_result(polling_interval_sec=wish.look) for handle in handles]


def measure() -> dict[str, float]:
    """Workflows per second, as children and alone, and how much longer it took with a parent."""
    DBOS.launch()
    DBOS.register_queue("parts", worker_concurrency=wish.slots, polling_interval_sec=wish.look)
    fan_out(WARM)
    watch = Stopwatch()
    gathered(wish.runs)
    alone = watch.seconds()
    watch = Stopwatch()
    assert fan_out(wish.runs) == wish.runs
    together = watch.seconds()
    return {"parts": wish.runs / together, "runs": wish.runs / alone, "longer": together / alone}


answer(**measure())
