import asyncio
import importlib
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import foliot.observe.otel
from foliot.control import Cancel, Retry, Skip, Snooze
from foliot.model import Run
from foliot.observe.otel import Tracing, inject
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.testing import simulated


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> trace.Tracer:
    return provider.get_tracer("tests")


@pytest.fixture
def scheduler(provider: TracerProvider) -> Scheduler:
    made = Scheduler("memory://", name="alpha", middleware=[Tracing(provider)])
    made.carriers.append(inject)
    return made


def attempts(exporter: InMemorySpanExporter, job: str) -> list[ReadableSpan]:
    return [each for each in exporter.get_finished_spans() if each.name == f"process {job}"]


def test_headers_carry_the_current_trace_as_w3c_writes_it(tracer: trace.Tracer):
    headers: dict[str, str] = {}

    with tracer.start_as_current_span("request") as request:
        inject(headers)

    said = request.get_span_context()
    assert headers == {"traceparent": f"00-{said.trace_id:032x}-{said.span_id:016x}-{said.trace_flags:02x}"}


def test_without_a_trace_there_are_no_headers():
    headers: dict[str, str] = {}

    inject(headers)

    assert headers == {}


async def test_an_attempt_is_part_of_the_trace_in_which_its_run_was_enqueued(
    scheduler: Scheduler, tracer: trace.Tracer, exporter: InMemorySpanExporter
):
    @scheduler.job(name="resize")
    async def resize() -> None: ...

    async with simulated(scheduler) as time:
        with tracer.start_as_current_span("request") as request:
            await resize.enqueue()
        await time.advance(seconds=1)

    [attempt] = attempts(exporter, "resize")
    assert attempt.kind is SpanKind.CONSUMER
    assert attempt.parent is not None
    assert attempt.parent.span_id == request.get_span_context().span_id
    assert attempt.parent.is_remote
    assert [link.context.span_id for link in attempt.links] == [request.get_span_context().span_id]
    assert attempt.status.status_code is StatusCode.UNSET


async def test_what_a_job_does_is_part_of_its_attempt(
    scheduler: Scheduler, tracer: trace.Tracer, exporter: InMemorySpanExporter
):
    @scheduler.job(name="outer")
    async def outer() -> None:
        with tracer.start_as_current_span("query"):
            await inner.enqueue()

    @scheduler.job(name="inner")
    def inner() -> None: ...

    async with simulated(scheduler) as time:
        await outer.enqueue()
        await time.advance(seconds=1)

    spans = {each.name: each for each in exporter.get_finished_spans()}
    query, first, second = spans["query"], spans["process outer"], spans["process inner"]
    assert query.parent == first.context
    assert second.parent is not None
    assert query.context is not None
    assert second.parent.span_id == query.context.span_id


async def test_a_fired_run_begins_a_trace_of_its_own_wherever_the_scheduler_was_started(
    scheduler: Scheduler, tracer: trace.Tracer, exporter: InMemorySpanExporter
):
    @scheduler.every("1m", name="tick")
    async def tick() -> None: ...

    with tracer.start_as_current_span("start up"):
        async with simulated(scheduler) as time:
            await time.advance(minutes=2)

    first, second = attempts(exporter, "tick")
    assert first.parent is None
    assert first.links == ()
    assert first.context is not None
    assert second.context is not None
    assert first.context.trace_id != second.context.trace_id


async def test_a_span_says_which_run_it_is_in_the_words_of_the_conventions(
    scheduler: Scheduler, exporter: InMemorySpanExporter
):
    @scheduler.job(name="resize", queue="media")
    async def resize() -> None: ...

    async with simulated(scheduler) as time:
        handle = await resize.enqueue()
        await time.advance(seconds=1)

    [attempt] = attempts(exporter, "resize")
    assert dict(attempt.attributes or {}) == {
        "messaging.system": "foliot",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "media",
        "messaging.message.id": handle.id,
        "messaging.client.id": "alpha",
        "foliot.job": "resize",
        "foliot.attempt": 1,
    }


async def test_each_attempt_is_a_span_and_a_failed_one_tells_its_exception(
    scheduler: Scheduler, tracer: trace.Tracer, exporter: InMemorySpanExporter
):
    errors = iter([LookupError("gone"), None])

    @scheduler.job(name="flaky", retries=fixed(1, "1s"))
    async def flaky() -> None:
        if (error := next(errors)) is not None:
            raise error

    async with simulated(scheduler) as time:
        with tracer.start_as_current_span("request"):
            await flaky.enqueue()
        await time.advance(minutes=1)

    failed, good = attempts(exporter, "flaky")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description == "LookupError: gone"
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "LookupError"
    assert [each.name for each in failed.events] == ["exception"]
    assert good.status.status_code is StatusCode.UNSET
    assert good.attributes is not None
    assert good.attributes["foliot.attempt"] == 2
    assert good.context is not None
    assert failed.context is not None
    assert good.context.trace_id == failed.context.trace_id


@pytest.mark.parametrize(("steering", "outcome"), [(Cancel(), "cancel"), (Skip("enough"), "skip")])
async def test_steering_is_no_error(
    scheduler: Scheduler, exporter: InMemorySpanExporter, steering: Exception, outcome: str
):
    @scheduler.job(name="steered")
    async def steered() -> None:
        raise steering

    async with simulated(scheduler) as time:
        await steered.enqueue()
        await time.advance(seconds=1)

    [attempt] = attempts(exporter, "steered")
    assert attempt.status.status_code is StatusCode.UNSET
    assert attempt.attributes is not None
    assert attempt.attributes["foliot.outcome"] == outcome
    assert attempt.events == ()


async def test_asking_for_another_time_is_no_error_but_asking_for_another_try_is(
    scheduler: Scheduler, exporter: InMemorySpanExporter
):
    wishes = iter([Snooze("1s"), Retry("1s", "busy"), None])

    @scheduler.job(name="wishing")
    async def wishing() -> None:
        if (wish := next(wishes)) is not None:
            raise wish

    async with simulated(scheduler) as time:
        await wishing.enqueue()
        await time.advance(minutes=1)

    statuses = [each.status for each in attempts(exporter, "wishing")]
    assert [each.status_code for each in statuses] == [StatusCode.UNSET, StatusCode.ERROR, StatusCode.UNSET]
    assert statuses[1].description == "Retry: busy"


async def test_an_attempt_that_was_stopped_tells_why(scheduler: Scheduler, exporter: InMemorySpanExporter):
    @scheduler.job(name="slow", timeout="2s")
    async def slow() -> None:
        await scheduler.clock.sleep(60_000_000)

    async with simulated(scheduler) as time:
        await slow.enqueue()
        await time.advance(minutes=2)

    [attempt] = attempts(exporter, "slow")
    assert attempt.status.status_code is StatusCode.ERROR
    assert attempt.status.description == "timed out"
    assert attempt.events == ()


async def test_a_job_that_cancels_itself_is_stopped_all_the_same(scheduler: Scheduler, exporter: InMemorySpanExporter):
    @scheduler.job(name="odd")
    async def odd() -> None:
        raise asyncio.CancelledError

    async with simulated(scheduler) as time:
        await odd.enqueue()
        await time.advance(seconds=1)

    [attempt] = attempts(exporter, "odd")
    assert attempt.status.description == "cancelled"


async def test_baggage_travels_along(scheduler: Scheduler):
    seen: list[object] = []

    @scheduler.job(name="tenant")
    async def tenant() -> None:
        seen.append(baggage.get_baggage("tenant"))

    async with simulated(scheduler) as time:
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        await tenant.enqueue()
        context.detach(token)
        await time.advance(seconds=1)

    assert seen == ["acme"]


async def test_headers_that_are_not_a_trace_are_no_reason_to_fail(scheduler: Scheduler, exporter: InMemorySpanExporter):
    seen: list[Run] = []
    scheduler.carriers.append(lambda headers: headers.update(traceparent="nonsense"))

    @scheduler.job(name="resize")
    async def resize() -> None: ...

    async with simulated(scheduler) as time:
        handle = await resize.enqueue()
        await time.advance(seconds=1)
        seen.append(await handle.status())

    [attempt] = attempts(exporter, "resize")
    assert attempt.parent is None
    assert seen[0].headers == {"traceparent": "nonsense"}
    assert seen[0].state.value == "succeeded"


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(ImportError, match=r"tracing needs opentelemetry; pip install 'foliot\[otel\]'"):
        importlib.reload(foliot.observe.otel)
