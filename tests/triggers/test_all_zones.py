# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Each change of the clocks in each zone from 2020 to 2037: a daily time once a day, an hourly one evenly."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from foliot.moments import HOUR, SECOND
from foliot.triggers import cron, every
from foliot.triggers.zones import clock_of

pytestmark = pytest.mark.untraced

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2020, 2038))
DAY = 86_400
STEP = 5 * DAY  # no zone changes its clocks there and back within a week of these years


def offset(zone, second):
    return int((EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())


@cache
def changes():
    """Each zone that changes its clocks, with the seconds at which it does; of zones that go alike only one."""
    found = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        seen = [offset(zone, second) for second in range(FIRST, LAST + STEP, STEP)]
        steps = [FIRST + index * STEP for index in range(len(seen) - 1) if seen[index] != seen[index + 1]]
        at = tuple(step + bisect_left(range(STEP), True, key=changed(zone, step)) for step in steps)
        if at:
            found.setdefault((at, seen[0]), name)
    return {name: at for (at, _), name in found.items()}


def changed(zone, since):
    return lambda seconds: offset(zone, since + seconds) != offset(zone, since)


def test_every_clock_knows_its_changes():
    for name, at in changes().items():
        clock = clock_of(name)
        for second in at:
            zone = ZoneInfo(name)
            assert clock.at(second).start == second, name
            assert clock.at(second - 1).offset == offset(zone, second - 1)
            assert clock.at(second).offset == offset(zone, second)


def test_a_fixed_time_fires_once_each_local_day():
    for name, at in changes().items():
        zone = ZoneInfo(name)
        for second in at:
            before, after = offset(zone, second - 1), offset(zone, second)
            middle = second + (before + after) // 2  # the clocks never show this time that night, or show it twice
            hour, minute = middle // 3600 % 24, middle // 60 % 60
            daily = cron(f"{minute} {hour} * * *", tz=name)

            night = (EPOCH + timedelta(seconds=middle)).date()
            days = [night + timedelta(days=each) for each in range(-3, 4)]

            found = daily.between(f"{days[0]}", f"{days[-1]}")

            # The firing right after the gap stands for that night, also where the gap reaches into the next day.
            dates = [night if each.timestamp() == second else each.date() for each in found]
            assert dates == days[:-1], (name, second)


def test_an_hourly_line_is_evenly_spaced_in_elapsed_time():
    for name, at in changes().items():
        zone = ZoneInfo(name)
        hourly = cron("0 * * * *", tz=name)
        for second in at:
            found = list(hourly.instants((second - DAY) * SECOND, (second + DAY) * SECOND))

            distances = {later - earlier for earlier, later in pairwise(found)}
            change = abs(offset(zone, second) - offset(zone, second - 1)) % 3600
            # Half an hour cannot be kept both on the clock and in elapsed time: a cron line keeps to the clock.
            assert distances == ({HOUR} if not change else {HOUR, HOUR + change * SECOND}), (name, second)


def test_an_interval_is_evenly_spaced_everywhere():
    hourly = every("1h")
    found = list(hourly.instants(FIRST * SECOND, (FIRST + 90 * DAY) * SECOND))

    assert {later - earlier for earlier, later in pairwise(found)} == {HOUR}
