import importlib
import sys

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

import foliot.observe.prometheus
from foliot.control import Cancel, Skip
from foliot.events import Event, Kind
from foliot.model import Change, Run
from foliot.moments import SECOND
from foliot.observe.prometheus import Metrics
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import simulated


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def scheduler(registry: CollectorRegistry) -> Scheduler:
    made = Scheduler("memory://", concurrency=2)
    made.on(Metrics(registry))
    return made


def run(id: str = "1", queue: str = "default", token: int = 1) -> Run:
    return Run(id=id, job="resize", queue=queue, token=token, created_at=0, due_at=0, wakes_at=0)


def happened(kind: Kind, of: Run | None, lateness: int | None = None, duration: int | None = None) -> Event:
    return Event(kind=kind, at=1, run=of, lateness=lateness, duration=duration)


def count(registry: CollectorRegistry, state: str, job: str = "resize") -> float | None:
    return registry.get_sample_value("foliot_runs_total", {"job": job, "state": state})


def running(registry: CollectorRegistry, job: str = "resize") -> float | None:
    return registry.get_sample_value("foliot_runs_running", {"job": job})


def depth(registry: CollectorRegistry, queue: str) -> float | None:
    return registry.get_sample_value("foliot_queue_depth", {"queue": queue})


async def test_what_happens_to_runs_is_counted_by_job_and_state(scheduler: Scheduler, registry: CollectorRegistry):
    @scheduler.job(name="good")
    async def good() -> None: ...

    @scheduler.job(name="bad", retries=fixed(1, "1s"))
    async def bad() -> None:
        raise LookupError

    async with simulated(scheduler) as time:
        for _ in range(3):
            await good.enqueue()
        await bad.enqueue()
        await time.advance(minutes=1)

    assert [count(registry, state, "good") for state in ("added", "started", "succeeded", "failed")] == [3, 3, 3, None]
    assert [count(registry, state, "bad") for state in ("started", "retrying", "failed")] == [2, 1, 1]


async def test_how_long_attempts_take_and_how_late_they_start_is_measured(
    scheduler: Scheduler, registry: CollectorRegistry
):
    @scheduler.job(name="slow", concurrency=1)
    async def slow() -> None:
        await scheduler.clock.sleep(4 * SECOND)

    async with simulated(scheduler) as time:
        await slow.enqueue()
        await slow.enqueue()
        await time.advance(minutes=1)

    durations = [
        registry.get_sample_value("foliot_run_duration_seconds_bucket", {"job": "slow", "le": le})
        for le in ("1.0", "5.0", "+Inf")
    ]
    assert durations == [0, 2, 2]
    assert registry.get_sample_value("foliot_run_duration_seconds_sum", {"job": "slow"}) == pytest.approx(8, abs=0.1)
    assert registry.get_sample_value("foliot_run_lateness_seconds_sum", {"job": "slow"}) == pytest.approx(4, abs=0.1)


async def test_what_is_running_is_a_gauge(scheduler: Scheduler, registry: CollectorRegistry):
    @scheduler.job(name="slow")
    async def slow() -> None:
        await scheduler.clock.sleep(10 * SECOND)

    async with simulated(scheduler) as time:
        await slow.enqueue()
        await slow.enqueue()
        await time.advance(seconds=5)
        assert running(registry, "slow") == 2
        await time.advance(seconds=10)

    assert running(registry, "slow") == 0


async def test_however_an_attempt_ends_it_runs_no_more(scheduler: Scheduler, registry: CollectorRegistry):
    endings = iter([LookupError(), Cancel(), Skip("enough"), None])

    @scheduler.job(name="odd")
    async def odd() -> None:
        if (ending := next(endings)) is not None:
            raise ending

    async with simulated(scheduler) as time:
        for _ in range(4):
            await odd.enqueue()
        await time.advance(minutes=1)

    assert running(registry, "odd") == 0
    assert [count(registry, state, "odd") for state in ("failed", "cancelled", "skipped", "succeeded")] == [1, 1, 1, 1]


def test_an_end_whose_start_was_not_seen_takes_nothing_away(registry: CollectorRegistry):
    metrics = Metrics(registry)

    metrics(happened(Kind.CANCELLED, run(), duration=SECOND))

    assert count(registry, "cancelled") == 1
    assert running(registry) is None
    assert registry.get_sample_value("foliot_run_duration_seconds_count", {"job": "resize"}) is None


def test_a_run_that_starts_again_after_its_lease_was_lost_runs_once(registry: CollectorRegistry):
    metrics = Metrics(registry)

    metrics(happened(Kind.STARTED, run(token=1), lateness=0))
    metrics(happened(Kind.STARTED, run(token=2), lateness=0))

    assert count(registry, "started") == 2
    assert running(registry) == 1


def test_an_attempt_whose_times_are_not_known_is_only_counted(registry: CollectorRegistry):
    metrics = Metrics(registry)

    metrics(happened(Kind.STARTED, run()))
    metrics(happened(Kind.RETRYING, run()))

    assert count(registry, "retrying") == 1
    assert registry.get_sample_value("foliot_run_lateness_seconds_count", {"job": "resize"}) is None
    assert registry.get_sample_value("foliot_run_duration_seconds_count", {"job": "resize"}) is None


def test_a_clock_that_was_set_back_measures_nothing_negative(registry: CollectorRegistry):
    metrics = Metrics(registry)

    metrics(happened(Kind.STARTED, run(), lateness=-5))
    metrics(happened(Kind.SUCCEEDED, run(), duration=-5))

    assert registry.get_sample_value("foliot_run_lateness_seconds_sum", {"job": "resize"}) == 0
    assert registry.get_sample_value("foliot_run_duration_seconds_sum", {"job": "resize"}) == 0


@pytest.mark.parametrize("event", [happened(Kind.STOP_ASKED, run()), happened(Kind.WORKER_STARTED, None)])
def test_what_is_no_state_of_a_run_is_not_counted(registry: CollectorRegistry, event: Event):
    Metrics(registry)(event)

    assert b"foliot_runs_total{" not in generate_latest(registry)


async def test_the_depth_of_queues_is_read_on_demand(registry: CollectorRegistry):
    metrics, store = Metrics(registry), MemoryStore()
    await store.open()
    await store.add([run("1", queue="mail"), run("2", queue="mail"), run("3")], now=0)

    await metrics.refresh(store, 90 * SECOND)

    assert (depth(registry, "mail"), depth(registry, "default")) == (2, 1)
    assert registry.get_sample_value("foliot_queue_depth_timestamp_seconds") == 90


async def test_a_queue_that_has_been_emptied_has_no_depth(registry: CollectorRegistry):
    metrics, store = Metrics(registry), MemoryStore()
    await store.open()
    await store.add([run("1", queue="mail")], now=0)
    await metrics.refresh(store, 0)

    await store.amend(["1"], Change(cancel="not wanted"), 1)
    await metrics.refresh(store, 1)

    assert depth(registry, "mail") == 0


def test_metrics_go_to_the_usual_registry_unless_told_otherwise():
    Metrics()

    assert REGISTRY.get_sample_value("foliot_queue_depth_timestamp_seconds") == 0


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ImportError, match=r"metrics need prometheus_client; pip install 'foliot\[prometheus\]'"):
        importlib.reload(foliot.observe.prometheus)
