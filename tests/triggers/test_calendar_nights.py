"""Calendars on nights of clock changes, against a look at what the clocks show at each instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.triggers import between, cron, dates, every, weekdays

pytestmark = pytest.mark.untraced

ZONES = (
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
)
NIGHTS = (
    datetime(2026, 3, 29),
    datetime(2026, 10, 25),
    datetime(2026, 4, 5),
    datetime(2026, 11, 1),
    datetime(2026, 2, 15),
    datetime(2010, 11, 7),  # in St John's the clocks went back over midnight
    datetime(2011, 12, 30),  # which Apia left out
)

minutes = st.integers(0, 95).map(lambda quarter: quarter * 15)


def text(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def covered(start, end, shown):
    minute = shown.hour * 60 + shown.minute
    return start <= minute < end if start < end else minute >= start or minute < end


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(NIGHTS), minutes, minutes, st.sampled_from(["hours", "not", "week"]))
@example("Africa/Casablanca", NIGHTS[4], 525, 150, "hours")
@example("America/St_Johns", NIGHTS[5], 0, 15, "week")
def test_a_calendar_covers_what_the_clocks_show(name, night, start, end, form):
    assume(start != end)
    zone = ZoneInfo(name)
    begin, until = night.replace(tzinfo=UTC) - timedelta(hours=30), night.replace(tzinfo=UTC) + timedelta(hours=30)
    hours = between(text(start), text(end), tz=name)
    calendar = {"hours": hours, "not": ~hours, "week": hours | weekdays("sat", "sun", tz=name)}[form]
    trigger = every("10m", anchor="2000-01-01")

    def inside(at):
        shown = at.astimezone(zone)
        within = covered(start, end, shown)
        return {"hours": within, "not": not within, "week": within or shown.isoweekday() > 5}[form]

    try:
        kept, left = trigger & calendar, trigger - calendar
    except TriggerError:
        assume(False)
    times = trigger.between(begin, until)
    assert kept.between(begin, until) == [each for each in times if inside(each)]
    assert left.between(begin, until) == [each for each in times if not inside(each)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(NIGHTS), st.integers(-2, 2), st.integers(0, 2))
@example("America/St_Johns", datetime(2010, 11, 7), -1, 0)
def test_days_begin_and_end_with_the_clocks_of_their_zone(name, night, first, more):
    zone = ZoneInfo(name)
    begin, until = night.replace(tzinfo=UTC) - timedelta(hours=60), night.replace(tzinfo=UTC) + timedelta(hours=90)
    days = [(night + timedelta(days=first + each)).date() for each in range(more + 1)]
    trigger = cron("*/10 * * * *")

    try:
        kept = trigger & dates(f"{days[0]}/{days[-1]}", tz=name)
    except TriggerError:
        assert (name, days) == ("Pacific/Apia", [datetime(2011, 12, 30).date()])  # a day that was left out
        return

    expected = [each for each in trigger.between(begin, until) if each.astimezone(zone).date() in days]
    assert kept.between(begin, until) == expected
