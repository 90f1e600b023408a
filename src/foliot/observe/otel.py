"""Spans for OpenTelemetry: one for each attempt, in the trace of whoever enqueued the run.

::

    scheduler = Scheduler(middleware=[Tracing()])
    scheduler.carriers.append(inject)

Needs ``pip install 'foliot[otel]'``. Names and attributes follow the semantic conventions for messaging: a queue is the
destination, a run the message, and an attempt the operation ``process``. The conventions leave three choices, taken so:
a span is named after its job, which says more than the queue; it has the context in which the run was enqueued as its
parent, and is linked to it; and a run that a schedule fired begins a trace of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping

from foliot.control import Control, Retry
from foliot.engine.attempt import Execution

try:
    from opentelemetry import context, propagate, trace
    from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
    from opentelemetry.util.types import AttributeValue
except ImportError as problem:
    raise ImportError("tracing needs opentelemetry; pip install 'foliot[otel]'") from problem

_NOTHING = context.Context()
"""Whatever happened to be current where the worker was started does not concern its runs."""


def inject(headers: MutableMapping[str, str]) -> None:
    """Write the current trace context into a run's headers, as W3C ``traceparent`` unless told otherwise.

    The propagators are OpenTelemetry's global ones (``OTEL_PROPAGATORS``), so baggage travels too.
    """
    propagate.inject(headers)


class Tracing:
    """Middleware that wraps each attempt in a CONSUMER span; what the job does inside is part of the same trace."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("foliot", tracer_provider=provider)

    async def __call__(self, call: Execution, next: Callable[[Execution], Awaitable[object]]) -> object:
        """Execute the attempt in its span."""
        origin = propagate.extract(call.run.headers, context=_NOTHING)
        span = self._tracer.start_span(
            f"process {call.job}", origin, SpanKind.CONSUMER, _attributes(call), links=_links(origin)
        )
        before = context.attach(trace.set_span_in_context(span, origin))
        try:
            return await next(call)
        except BaseException as error:
            _record(span, error, call)
            raise
        finally:
            context.detach(before)
            span.end()


def _links(origin: context.Context) -> list[Link]:
    enqueued = trace.get_current_span(origin).get_span_context()
    return [Link(enqueued)] if enqueued.is_valid else []


def _attributes(call: Execution) -> dict[str, AttributeValue]:
    run = call.run
    attributes: dict[str, AttributeValue | None] = {
        "messaging.system": "foliot",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": run.queue,
        "messaging.message.id": run.id,
        "messaging.client.id": run.worker,
        "foliot.job": call.job,
        "foliot.schedule": run.schedule,
        "foliot.attempt": run.failures + 1,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _record(span: Span, error: BaseException, call: Execution) -> None:
    """Steering is no error, except for a retry: it says that the attempt failed."""
    if isinstance(error, Control) and not isinstance(error, Retry):
        span.set_attribute("foliot.outcome", type(error).__name__.lower())
        return
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR, _description(error, call)))
    if not isinstance(error, asyncio.CancelledError):
        span.record_exception(error)


def _description(error: BaseException, call: Execution) -> str:
    if isinstance(error, asyncio.CancelledError):
        return call.context.stop_reason or "cancelled"
    return f"{type(error).__name__}: {error}"
