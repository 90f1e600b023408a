"""Metrics for Prometheus, of what this process does: a listener that counts and measures.

::

    metrics = Metrics()
    scheduler.on(metrics)


    @scheduler.every("15s")
    async def depths() -> None:
        await metrics.refresh(scheduler.store, scheduler.clock.now())

Needs ``pip install 'foliot[prometheus]'``. How the numbers get out (``start_http_server``, an ASGI app, a push gateway)
is prometheus_client's business.
"""

from __future__ import annotations

from foliot.events import Event, Kind
from foliot.model import Query, Run, State
from foliot.moments import SECOND
from foliot.stores.base import Store

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
except ImportError as problem:
    raise ImportError("metrics need prometheus_client; pip install 'foliot[prometheus]'") from problem

DURATIONS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
"""Bounds of the buckets for how long attempts take, in seconds."""
LATENESSES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3600)
"""Bounds of the buckets for how late attempts start, in seconds."""

_NOT_OF_A_RUN = {Kind.STOP_ASKED, Kind.PAUSED, Kind.RESUMED, Kind.WORKER_STARTED, Kind.WORKER_STOPPED}


class Metrics:
    """Counts and measures what it hears; subscribe it to every kind of event.

    ``foliot_runs_total``               what happened to runs, by ``job`` and ``state`` (started, succeeded, retrying …)
    ``foliot_runs_running``             attempts under way in this process, by ``job``
    ``foliot_run_duration_seconds``     from the start of an attempt to its end, by ``job``
    ``foliot_run_lateness_seconds``     from when a run was due to its start, by ``job``
    ``foliot_queue_depth``              pending runs, also those due later, by ``queue``, as of the last ``refresh``
    ``foliot_queue_depth_timestamp_seconds``  when that was, as a Unix time
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        to = REGISTRY if registry is None else registry
        self._runs = Counter("foliot_runs", "What happened to runs", ["job", "state"], registry=to)
        self._running = Gauge("foliot_runs_running", "Attempts under way in this process", ["job"], registry=to)
        self._durations = Histogram(
            "foliot_run_duration_seconds", "How long attempts take", ["job"], buckets=DURATIONS, registry=to
        )
        self._lateness = Histogram(
            "foliot_run_lateness_seconds", "How late attempts start", ["job"], buckets=LATENESSES, registry=to
        )
        self._depth = Gauge("foliot_queue_depth", "Pending runs", ["queue"], registry=to)
        self._depth_at = Gauge("foliot_queue_depth_timestamp_seconds", "When the depths were read", registry=to)
        self._queues: set[str] = set()
        self._under_way: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if event.run is None or event.kind in _NOT_OF_A_RUN:
            return
        self._runs.labels(event.run.job, event.kind.value).inc()
        if event.kind is Kind.STARTED:
            self._started(event.run, event.lateness)
        elif event.run.id in self._under_way:
            self._ended(event.run, event.duration)

    async def refresh(self, store: Store, now: int) -> None:
        """Read from the store how deep each queue is."""
        depths = await store.tally(Query(states=(State.PENDING,)), "queue")
        self._queues |= depths.keys()
        for queue in self._queues:  # one that has been emptied, too
            self._depth.labels(queue).set(depths.get(queue, 0))
        self._depth_at.set(now / SECOND)

    def _started(self, run: Run, lateness: int | None) -> None:
        if run.id not in self._under_way:
            self._under_way.add(run.id)
            self._running.labels(run.job).inc()
        if lateness is not None:
            self._lateness.labels(run.job).observe(max(0, lateness) / SECOND)

    def _ended(self, run: Run, duration: int | None) -> None:
        self._under_way.remove(run.id)
        self._running.labels(run.job).dec()
        if duration is not None:
            self._durations.labels(run.job).observe(max(0, duration) / SECOND)
