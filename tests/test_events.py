import asyncio
import logging
from collections.abc import Callable

import pytest

from foliot.events import Event, Kind, Listeners


def happened(kind: Kind) -> Event:
    return Event(kind=kind, at=1)


def collector() -> tuple[list[Kind], Callable[[Event], None]]:
    heard: list[Kind] = []
    return heard, lambda event: heard.append(event.kind)


def test_a_listener_hears_the_kinds_it_asked_for():
    listeners = Listeners()
    heard, listener = collector()
    listeners.subscribe(listener, Kind.STARTED, Kind.FAILED)

    for kind in (Kind.ADDED, Kind.STARTED, Kind.SUCCEEDED, Kind.FAILED):
        listeners.publish(happened(kind))

    assert heard == [Kind.STARTED, Kind.FAILED]


def test_a_listener_that_names_no_kind_hears_all():
    listeners = Listeners()
    heard, listener = collector()
    listeners.subscribe(listener)

    for kind in Kind:
        listeners.publish(happened(kind))

    assert heard == list(Kind)


def test_nobody_wants_what_nobody_listens_to():
    listeners = Listeners()
    _, listener = collector()

    unsubscribe = listeners.subscribe(listener, Kind.STARTED)

    assert listeners.wants(Kind.STARTED)
    assert not listeners.wants(Kind.ADDED)
    unsubscribe()
    assert not listeners.wants(Kind.STARTED)


def test_a_subscription_ends_alone():
    listeners = Listeners()
    heard, listener = collector()
    first = listeners.subscribe(listener, Kind.STARTED)
    listeners.subscribe(listener, Kind.STARTED)

    first()
    first()
    listeners.publish(happened(Kind.STARTED))

    assert heard == [Kind.STARTED]


def test_a_listener_may_leave_while_it_is_told():
    listeners = Listeners()
    heard, listener = collector()
    leave = listeners.subscribe(lambda _: leave(), Kind.STARTED)
    listeners.subscribe(listener, Kind.STARTED)

    listeners.publish(happened(Kind.STARTED))

    assert heard == [Kind.STARTED]


def test_a_listener_that_raises_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture):
    listeners = Listeners()
    heard, listener = collector()

    def broken(event: Event) -> None:
        raise LookupError(event.kind)

    listeners.subscribe(broken)
    listeners.subscribe(listener)

    listeners.publish(happened(Kind.STARTED))

    assert heard == [Kind.STARTED]
    assert caplog.record_tuples == [("foliot", logging.ERROR, "a listener raised on 'started'")]


async def test_async_listeners_run_without_holding_up_the_publisher():
    listeners = Listeners()
    heard: list[Kind] = []
    open_gate = asyncio.Event()

    async def listener(event: Event) -> None:
        await open_gate.wait()
        heard.append(event.kind)

    listeners.subscribe(listener)
    listeners.publish(happened(Kind.STARTED))
    listeners.publish(happened(Kind.FAILED))

    assert heard == []
    open_gate.set()
    await listeners.settled()
    assert heard == [Kind.STARTED, Kind.FAILED]


async def test_an_async_listener_that_raises_is_logged(caplog: pytest.LogCaptureFixture):
    listeners = Listeners()

    async def broken(event: Event) -> None:
        raise LookupError(event.kind)

    listeners.subscribe(broken)
    listeners.publish(happened(Kind.STARTED))
    await listeners.settled()

    assert caplog.record_tuples == [("foliot", logging.ERROR, "a listener raised")]


async def test_an_async_listener_that_is_cancelled_is_no_error(caplog: pytest.LogCaptureFixture):
    listeners = Listeners()
    works: list[asyncio.Task[None]] = []

    async def listener(event: Event) -> None:
        works.append(asyncio.current_task())  # pyright: ignore[reportArgumentType]
        await asyncio.Event().wait()

    listeners.subscribe(listener)
    listeners.publish(happened(Kind.STARTED))
    await asyncio.sleep(0)
    works[0].cancel()
    await listeners.settled()

    assert caplog.records == []


async def test_with_nothing_to_wait_for_all_is_settled():
    await Listeners().settled()
