"""Real threads: they do not hold up the loop, and what is left behind keeps its place."""

import asyncio
import threading
from contextvars import ContextVar

import pytest
from tests.waiting import eventually

from foliot.clock import SystemClock
from foliot.context import Context, Notes
from foliot.executors import Inline, Threads
from foliot.model import Run

WHO: ContextVar[str] = ContextVar("who")


def context() -> Context:
    return Context(Run(id="r1", job="j", due_at=0, created_at=0), Notes(), SystemClock())


class Gate:
    """A function that waits to be let through, and tells that it waits."""

    def __init__(self) -> None:
        self._open, self._waiting = threading.Event(), threading.Event()

    def __call__(self) -> bool:
        self._waiting.set()
        return self._open.wait(10)

    def open(self) -> None:
        self._open.set()

    async def reached(self) -> None:
        await eventually(self._waiting.is_set)


@pytest.fixture
async def threads():
    executor = Threads(2)
    yield executor
    await executor.close()


async def test_a_blocking_function_does_not_hold_up_the_loop(threads: Threads):
    go = threading.Event()
    blocked = asyncio.ensure_future(threads.run(go.wait, (10,), {}, context()))

    assert await threads.run(lambda: "meanwhile", (), {}, context()) == "meanwhile"
    go.set()
    assert await blocked is True


async def test_no_more_threads_run_than_there_may_be(threads: Threads):
    go, running, most = threading.Event(), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go.wait(10)
        with lock:
            running -= 1

    all_of_them = [asyncio.ensure_future(threads.run(work, (), {}, context())) for _ in range(5)]
    await eventually(lambda: most == 2)
    assert threads.busy == 5
    go.set()
    await asyncio.gather(*all_of_them)

    assert most == 2


async def test_context_and_context_variables_reach_the_thread(threads: Threads):
    WHO.set("me")
    ctx = context()

    assert await threads.run(lambda: (WHO.get(), Context.current()), (), {}, ctx) == ("me", ctx)


async def test_what_the_function_raises_is_raised(threads: Threads):
    def refuse() -> None:
        raise KeyError("no")

    def stop() -> None:
        raise StopIteration

    with pytest.raises(KeyError):
        await threads.run(refuse, (), {}, context())
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.run(stop, (), {}, context())


async def test_a_function_that_was_left_behind_keeps_its_place_until_it_returns(threads: Threads):
    gate, ctx = Gate(), context()
    running = asyncio.ensure_future(threads.run(gate, (), {}, ctx))
    await gate.reached()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    rest = threads.rest(ctx)
    assert (threads.busy, rest is None) == (1, False)

    gate.open()
    await eventually(lambda: threads.rest(ctx) is None)
    assert threads.busy == 0


async def test_a_function_that_is_cancelled_before_it_begins_never_runs():
    threads, gate, ran = Threads(1), Gate(), []
    blocking = asyncio.ensure_future(threads.run(gate, (), {}, context()))
    await gate.reached()
    ctx = context()
    waiting = asyncio.ensure_future(threads.run(lambda: ran.append("never"), (), {}, ctx))
    await eventually(lambda: threads.busy == 2)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await eventually(lambda: threads.busy == 1)
    assert threads.rest(ctx) is None
    gate.open()
    await blocking

    assert await threads.run(lambda: "next", (), {}, context()) == "next"
    assert ran == []
    await threads.close()


async def test_a_function_that_is_cancelled_is_told_why(threads: Threads):
    gate, ctx, heard = Gate(), context(), []

    def work() -> None:
        gate()
        heard.append(Context.current().stop_reason)

    running = asyncio.ensure_future(threads.run(work, (), {}, ctx))
    await gate.reached()
    running.cancel("not needed")
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open()

    await eventually(lambda: threads.rest(ctx) is None)
    assert heard == ["not needed"]


async def test_what_is_raised_by_a_function_left_behind_bothers_nobody(threads: Threads):
    gate, ctx = Gate(), context()

    def work() -> None:
        gate()
        raise KeyError("too late")

    running = asyncio.ensure_future(threads.run(work, (), {}, ctx))
    await gate.reached()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.open()

    await eventually(lambda: threads.rest(ctx) is None)
    await eventually(lambda: threads.busy == 0)


def test_a_thread_that_returns_when_its_loop_is_closed_is_still_there_for_the_next():
    gate, done = Gate(), threading.Event()
    leftover: list[Threads] = []

    async def first() -> None:
        leftover.append(threads := Threads(1))
        call = asyncio.ensure_future(threads.run(gate, (), {}, context()))
        await gate.reached()
        call.cancel()

    asyncio.run(first())
    gate.open()
    asyncio.run(leftover[0].run(done.set, (), {}, context()))

    assert done.is_set()


async def test_in_place_functions_may_be_plain_or_async():
    async def later() -> int:
        return 2

    assert await Inline().run(lambda: 1, (), {}, context()) == 1
    assert await Inline().run(later, (), {}, context()) == 2
