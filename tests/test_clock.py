"""The clock: one that runs, and one that you turn."""

import asyncio
import time

import pytest

from foliot.clock import LOOK_AGAIN, Bell, ManualClock, SystemClock
from foliot.moments import DAY, MINUTE, SECOND


class ClockThatMayBeSet(ManualClock):
    """A clock that you turn, waited for like one that runs."""

    look = LOOK_AGAIN


async def begun(work) -> asyncio.Task:
    """A task that has got to where it waits."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    return task


async def ended(task: asyncio.Task) -> bool:
    """Whether a task has ended, after everything that could happen now."""
    for _ in range(3):
        await asyncio.sleep(0)
    return task.done()


# The system's clock


def test_the_systems_clock_tells_microseconds_since_1970():
    before = time.time_ns() // 1000

    now = SystemClock().now()

    assert before <= now <= time.time_ns() // 1000


def test_clocks_with_the_same_seed_roll_the_same_dice():
    assert [SystemClock(7).random.random(), ManualClock(seed=7).random.random()] == [SystemClock(7).random.random()] * 2


async def test_the_systems_clock_calls_at_once_what_should_have_been_called_before():
    called = asyncio.Event()
    clock = SystemClock()

    clock.call_at(clock.now() - DAY, called.set)

    await asyncio.wait_for(called.wait(), 5)


async def test_the_systems_clock_calls_no_sooner_than_asked():
    clock, called = SystemClock(), asyncio.Event()
    times: list[float] = []
    begin = time.monotonic()

    clock.call_at(clock.now() + 20_000, lambda: (times.append(time.monotonic()), called.set()))
    await asyncio.wait_for(called.wait(), 5)

    assert times[0] - begin >= 0.015


async def test_a_call_that_was_called_off_is_not_made():
    clock, calls, later = SystemClock(), [], asyncio.Event()

    clock.call_at(clock.now(), lambda: calls.append(1)).cancel()
    clock.call_at(clock.now() + 1, later.set)
    await asyncio.wait_for(later.wait(), 5)

    assert calls == []


# A clock that you turn


def test_a_manual_clock_stands_still():
    clock = ManualClock(5)

    assert [clock.now(), clock.now()] == [5, 5]


def test_alarms_sound_in_order_of_time_and_then_as_they_were_set():
    clock, heard = ManualClock(), []
    for name, when in (("d", 30), ("a", 10), ("b", 20), ("c", 20)):
        clock.call_at(when, lambda name=name: heard.append(name))

    clock.turn_to(20)
    early = list(heard)
    clock.turn_to(30)

    assert (early, heard) == (["a", "b", "c"], ["a", "b", "c", "d"])


def test_an_alarm_sounds_once():
    clock, heard = ManualClock(), []
    clock.call_at(10, lambda: heard.append(clock.now()))

    clock.turn_to(10)
    clock.turn_to(50)

    assert heard == [10]


def test_an_alarm_that_was_called_off_does_not_sound():
    clock, heard = ManualClock(), []
    clock.call_at(10, lambda: heard.append("a")).cancel()
    clock.call_at(20, lambda: heard.append("b"))

    assert clock.next_alarm() == 20
    clock.turn_to(20)
    assert heard == ["b"]


def test_an_alarm_set_by_an_alarm_sounds_in_the_same_turn_if_it_is_due():
    clock, heard = ManualClock(), []
    clock.call_at(10, lambda: clock.call_at(15, lambda: heard.append("soon")))
    clock.call_at(10, lambda: clock.call_at(99, lambda: heard.append("later")))

    clock.turn_to(20)

    assert heard == ["soon"]
    assert clock.next_alarm() == 99


def test_an_alarm_may_call_off_the_next():
    clock, heard, alarms = ManualClock(), [], []
    clock.call_at(10, lambda: alarms[0].cancel())  # noqa: PLW0108 - there is no second alarm yet
    alarms.append(clock.call_at(10, lambda: heard.append("second")))

    clock.turn_to(10)

    assert heard == []


def test_an_alarm_for_what_has_passed_sounds_at_the_next_turn():
    clock, heard = ManualClock(100), []
    clock.call_at(50, lambda: heard.append("late"))

    clock.turn_to(clock.now())

    assert heard == ["late"]


def test_a_manual_clock_may_be_turned_back():
    clock, heard = ManualClock(100), []
    clock.call_at(150, lambda: heard.append("a"))

    clock.turn_to(20)

    assert (clock.now(), heard, clock.next_alarm()) == (20, [], 150)


def test_without_alarms_there_is_no_next_one():
    assert ManualClock().next_alarm() is None


# Waiting


@pytest.mark.parametrize("kind", [ManualClock, ClockThatMayBeSet])
async def test_who_waits_wakes_at_the_time(kind: type[ManualClock]):
    clock, bell = kind(), Bell()
    waiting = await begun(clock.wait(bell, 3 * SECOND))

    clock.turn_to(3 * SECOND - 1)
    early = await ended(waiting)
    clock.turn_to(3 * SECOND)

    assert not early
    assert await ended(waiting)


@pytest.mark.parametrize("kind", [ManualClock, ClockThatMayBeSet])
async def test_who_waits_wakes_when_the_bell_rings_and_leaves_it_silent(kind: type[ManualClock]):
    clock, bell = kind(), Bell()
    waiting = await begun(clock.wait(bell, DAY))

    bell.ring()

    assert await ended(waiting)
    assert not bell.rung
    assert clock.next_alarm() is None


@pytest.mark.parametrize("kind", [ManualClock, ClockThatMayBeSet])
async def test_a_bell_that_rang_before_the_wait_is_heard(kind: type[ManualClock]):
    clock, bell = kind(), Bell()
    bell.ring()

    waiting = await begun(clock.wait(bell, None))

    assert await ended(waiting)
    assert not bell.rung


@pytest.mark.parametrize("until", [None, DAY])
async def test_nobody_waits_longer_than_a_lost_hint_may_cost(until: int | None):
    clock, bell = ClockThatMayBeSet(MINUTE), Bell()
    waiting = await begun(clock.wait(bell, until))

    assert clock.next_alarm() == MINUTE + LOOK_AGAIN
    clock.turn_to(MINUTE + LOOK_AGAIN)
    assert await ended(waiting)


async def test_a_manual_clock_is_never_set_behind_our_back_and_waits_for_the_bell_alone():
    clock, bell = ManualClock(), Bell()
    waiting = await begun(clock.wait(bell, None))

    assert clock.next_alarm() is None
    bell.ring()
    assert await ended(waiting)


@pytest.mark.parametrize("kind", [ManualClock, ClockThatMayBeSet])
async def test_who_stops_waiting_leaves_no_alarm_behind(kind: type[ManualClock]):
    clock, bell = kind(), Bell()
    waiting = await begun(clock.wait(bell, SECOND))

    waiting.cancel()

    assert await ended(waiting)
    assert clock.next_alarm() is None


async def test_a_sleep_lasts_its_length():
    clock = ManualClock(MINUTE)
    sleeping = await begun(clock.sleep(SECOND))

    clock.turn_to(MINUTE + SECOND - 1)
    early = await ended(sleeping)
    clock.turn_to(MINUTE + SECOND)

    assert not early
    assert await ended(sleeping)


async def test_who_stops_sleeping_leaves_no_alarm_behind():
    clock = ManualClock()
    sleeping = await begun(clock.sleep(SECOND))

    sleeping.cancel()

    assert await ended(sleeping)
    assert clock.next_alarm() is None
