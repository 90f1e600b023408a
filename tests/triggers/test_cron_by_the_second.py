# pyright: reportOptionalMemberAccess=false, reportArgumentType=false
"""Lines with seconds, counted days and ranges that go round, against a walk over every second or every day."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.triggers import cron

pytestmark = pytest.mark.untraced

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def last_day(day):
    return monthrange(day.year, day.month)[1]


def nearest_workday(day, wanted):
    """The Monday to Friday nearest to a day of this month, in this month."""
    if not 1 <= wanted <= last_day(day):
        return None
    here = day.replace(day=wanted)
    workdays = [date(day.year, day.month, each) for each in range(1, last_day(day) + 1)]
    near = [each for each in workdays if each.isoweekday() < 6]
    return min(near, key=lambda each: (abs(each - here), each.isoweekday() == 1 and here.isoweekday() == 6)).day


def nth(day, weekday, number):
    return day.isoweekday() % 7 == weekday and (day.day - 1) // 7 + 1 == number


def last(day, weekday):
    return day.isoweekday() % 7 == weekday and day.day + 7 > last_day(day)


def around(first, end):
    """Whether a number lies in a range that may go round."""
    return lambda number: first <= number <= end if first <= end else number >= first or number <= end


some_days = st.one_of(
    st.integers(0, 30).map(lambda back: (f"L-{back}" if back else "L", lambda d: d.day == last_day(d) - back)),
    st.integers(1, 31).map(lambda n: (f"{n}W", lambda d: d.day == nearest_workday(d, n))),
    st.integers(0, 5).map(
        lambda back: (f"L-{back}W" if back else "LW", lambda d: d.day == nearest_workday(d, last_day(d) - back))
    ),
    st.just(("W", lambda d: d.isoweekday() < 6)),
    st.integers(1, 31).map(lambda n: (str(n), lambda d: d.day == n)),
)
some_weekdays = st.one_of(
    st.tuples(st.integers(0, 6), st.integers(1, 5)).map(lambda pair: (f"{pair[0]}#{pair[1]}", lambda d: nth(d, *pair))),
    st.integers(0, 6).map(lambda w: (f"{WEEKDAYS[w]}L", lambda d: last(d, w))),
    st.tuples(st.integers(0, 6), st.integers(0, 6)).map(
        lambda pair: (
            f"{WEEKDAYS[pair[0]]}-{WEEKDAYS[pair[1]]}",
            lambda d: around(*pair)(d.isoweekday() % 7),
        )
    ),
)


def dated(line, choices, year):
    """The days of a year on which a line fires at noon."""
    try:
        trigger = cron(line, **choices)
    except TriggerError:
        assume(False)
    return [each.date() for each in trigger.between(f"{year}-01-01", f"{year + 1}-01-01")]


@settings(max_examples=200)
@given(st.lists(some_days, min_size=1, max_size=3), st.integers(1900, 2100))
def test_counted_days_are_those_of_the_calendar(chosen, year):
    line = f"0 12 {','.join(text for text, _ in chosen)} * *"

    expected = [each for each in days_of(year) if any(fits(each) for _, fits in chosen)]

    assert dated(line, {}, year) == expected


@settings(max_examples=200)
@given(some_days, some_weekdays, st.sampled_from(["or", "and"]), st.integers(1970, 2100))
def test_counted_days_and_weekdays_are_joined_like_any_other(day, weekday, days, year):
    line = f"0 12 {day[0]} * {weekday[0]}"
    joined = any if days == "or" else all

    expected = [each for each in days_of(year) if joined(fits(each) for _, fits in (day, weekday))]

    assert dated(line, {"days": days}, year) == expected


def days_of(year):
    return [date(year, 1, 1) + timedelta(days=each) for each in range(365 + (monthrange(year, 2)[1] == 29))]


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 59), st.integers(0, 59)),
    st.tuples(st.integers(0, 59), st.integers(0, 59)),
    st.tuples(st.integers(0, 23), st.integers(0, 23)),
    st.sampled_from(["UTC", "Africa/Monrovia", "Asia/Kolkata"]),
    st.integers(0, 86_399),
)
def test_ranges_that_go_round_are_found_by_looking_at_every_second(seconds, minutes, hours, zone, begin):
    line = " ".join(f"{first}-{end}" for first, end in (seconds, minutes, hours)) + " * * *"
    fits = [around(*pair) for pair in (seconds, minutes, hours)]
    start = datetime(1971, 5, 5, tzinfo=UTC) + timedelta(seconds=begin)  # Monrovia was 44 minutes and 30 seconds behind

    expected = []
    for second in range(2 * 3600):
        shown = (start + timedelta(seconds=second)).astimezone(ZoneInfo(zone))
        if all(fit(number) for fit, number in zip(fits, (shown.second, shown.minute, shown.hour), strict=True)):
            expected.append(shown)

    assert cron(line, tz=zone).between(start, start + timedelta(hours=2)) == expected


@pytest.mark.parametrize(
    ("line", "zone", "begin", "expected"),
    [
        # Monrovia was 44 minutes and 30 seconds behind until 7 January 1972.
        ("30 0 * * *", "Africa/Monrovia", "1972-01-06T12:00Z", ["1972-01-07T00:44:30+00:00", "1972-01-08T00:30+00:00"]),
        ("30 0 * * *", "Africa/Monrovia", "1972-01-05T12:00Z", ["1972-01-06T00:30-00:44:30"]),
        # Apia left out 30 December 2011.
        ("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00Z", ["2011-12-29T09:00-10:00", "2011-12-31T09:00+14:00"]),
        ("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", ["2012-12-30T09:00+14:00", "2013-12-30T09:00+14:00"]),
        # Lord Howe Island puts its clocks by half an hour.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00Z",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00Z",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
        # Casablanca puts them back for Ramadan and forward after it.
        ("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00Z", ["2026-02-15T02:30+01:00", "2026-02-16T02:30+00:00"]),
        ("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00Z", ["2026-03-22T03:00+01:00", "2026-03-23T02:30+01:00"]),
        # Troll goes by two hours.
        ("30 2 * * *", "Antarctica/Troll", "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        # Pyongyang went half an hour back in 2015, and forward again just before midnight of 4 May 2018.
        ("45 23 * * *", "Asia/Pyongyang", "2018-05-04T00:00Z", ["2018-05-05T00:00+09:00", "2018-05-05T23:45+09:00"]),
        # Dublin's winter time is a negative summer time.
        ("30 1 * * *", "Europe/Dublin", "2026-03-28T12:00Z", ["2026-03-29T02:00+01:00", "2026-03-30T01:30+01:00"]),
        ("30 1 * * *", "Europe/Dublin", "2026-10-24T12:00Z", ["2026-10-25T01:30+01:00", "2026-10-26T01:30+00:00"]),
        # Far ahead the rules that stand today go on.
        ("30 2 * * *", "Europe/Berlin", "9997-03-29T12:00Z", ["9997-03-30T03:00+02:00", "9997-03-31T02:30+02:00"]),
    ],
)
def test_zones_with_odd_rules_keep_to_what_their_clocks_showed(line, zone, begin, expected):
    trigger, at, found = cron(line, tz=zone), datetime.fromisoformat(begin), []
    for _ in expected:
        at = trigger.next(at)
        found.append(at)

    assert [each.isoformat() for each in found] == [datetime.fromisoformat(each).isoformat() for each in expected]
