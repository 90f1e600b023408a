"""How quickly one library finds the next time of a cron line, or reads lines.

Asked for ``maker``, ``line``, ``zone``, ``lap``, ``seconds`` and ``parse``.
"""

import time
from collections.abc import Callable
from datetime import datetime
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

from measure import answer, asked

wish = asked()
zone = ZoneInfo(wish.zone)
start = datetime(2026, 1, 1, tzinfo=zone)
six = len(wish.line.split()) == 6


def foliot(line: str) -> Callable[[], Any]:
    """Whole microseconds in and out, as a scheduler asks."""
    from foliot.triggers import cron

    next_at, at = cron(line, tz=wish.zone).next_at, int(start.timestamp()) * 1_000_000

    def step() -> None:
        nonlocal at
        at = next_at(at)

    return step


def foliot_datetimes(line: str) -> Callable[[], Any]:
    """Datetimes in and out, as the others do."""
    from foliot.triggers import cron

    find, at = cron(line, tz=wish.zone).next, start

    def step() -> None:
        nonlocal at
        at = find(at)

    return step


def cronsim(line: str) -> Callable[[], Any]:
    """An iterator of datetimes."""
    from cronsim import CronSim

    return CronSim(line, start).__next__


def croniter(line: str) -> Callable[[], Any]:
    """An iterator of datetimes, with the seconds first."""
    from croniter import croniter as Croniter  # noqa: N812 - a class with a small name

    return Croniter(line, start, ret_type=datetime, second_at_beginning=six).get_next


def apscheduler3(line: str) -> Callable[[], Any]:
    """A trigger that is told the last time and now."""
    from apscheduler.triggers.cron import CronTrigger

    trigger: Any = CronTrigger(**by_field(line), timezone=zone)
    at, last = start, None

    def step() -> None:
        nonlocal at, last
        at = last = trigger.get_next_fire_time(last, at)

    return step


def apscheduler4(line: str) -> Callable[[], Any]:
    """A trigger that remembers."""
    from apscheduler.triggers.cron import CronTrigger

    trigger: Any = CronTrigger(**by_field(line), timezone=zone, start_time=start)
    return trigger.next


def by_field(line: str) -> dict[str, str]:
    """The line as APScheduler's keywords, which know seconds too."""
    names = ("second", "minute", "hour", "day", "month", "day_of_week")
    fields = line.split() if six else ["0", *line.split()]
    return dict(zip(names, fields, strict=True))


def rate(lap: Callable[[], Callable[[], Any]], seconds: float) -> float:
    """How often in a second, in laps from the same start, so that the years stay those that people live in."""
    run(lap())
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        run(lap())
        count += wish.lap
    return count / passed


def run(step: Callable[[], Any]) -> None:
    """One lap."""
    for _ in range(wish.lap):
        step()


def reading(make: Callable[[str], Any]) -> Callable[[], Any]:
    """Read one line after the other, of 1,440 that differ."""
    lines = cycle(f"{minute} {hour} * * mon-fri" for hour in range(24) for minute in range(60))
    return lambda: make(next(lines))


MAKERS = {
    "foliot": foliot,
    "foliot_datetimes": foliot_datetimes,
    "cronsim": cronsim,
    "croniter": croniter,
    "apscheduler3": apscheduler3,
    "apscheduler4": apscheduler4,
}
make = MAKERS[wish.maker]
read = reading(make)
answer(rate=rate(lambda: read if wish.parse else make(wish.line), wish.seconds))
