"""Recurrence rules of iCalendar."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.moments import instant
from foliot.triggers import dumps, loads, rrule


def shown(trigger, start, end, form="%m-%d %H:%M"):
    return [f"{each:{form}}" for each in trigger.between(start, end)]


def test_a_rule_runs_on_the_wall_clock_of_its_zone():
    last_friday = rrule("FREQ=MONTHLY;BYDAY=-1FR", start="2026-01-01 09:00", tz="Europe/Rome")

    assert shown(last_friday, "2026-09-01", "2026-12-01") == ["09-25 09:00", "10-30 09:00", "11-27 09:00"]
    assert loads(dumps(last_friday)) == last_friday


def test_lines_name_start_zone_and_exceptions():
    rule = rrule(
        "DTSTART;TZID=America/New_York:20260105T090000\n"
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260120T000000Z\n"
        "EXDATE;TZID=America/New_York:20260107T090000\n"
        "RDATE:20260109T100000"
    )

    assert shown(rule, "2026-01-01", "2026-02-01") == [
        "01-05 09:00",
        "01-09 10:00",
        "01-12 09:00",
        "01-14 09:00",
        "01-19 09:00",
    ]
    assert rule.zone_name == "America/New_York"


def test_gap_and_fold_are_as_for_cron():
    daily = rrule("FREQ=DAILY", start="2026-03-01 02:30", tz="Europe/Berlin")

    assert shown(daily, "2026-03-28", "2026-03-31") == ["03-28 02:30", "03-29 03:00", "03-30 02:30"]
    assert len(daily.between("2026-10-25", "2026-10-26")) == 1


def test_a_rule_without_a_start_begins_with_its_schedule():
    rule = rrule("FREQ=HOURLY;INTERVAL=5", tz="Asia/Seoul")

    settled = rule.settled(instant("2026-01-01 00:10:00.5Z"))

    assert shown(settled, "2026-01-01", "2026-01-02") == ["01-01 09:10", "01-01 14:10", "01-01 19:10"]
    assert settled.settled(0) == settled
    with pytest.raises(TriggerError, match="settle it first"):
        rule.next_at(0)


def test_a_count_is_counted_from_the_start():
    rule = rrule("FREQ=DAILY;INTERVAL=3;COUNT=3", start="2026-10-01 09:00")

    assert shown(rule, "2026-10-04", "2027-01-01") == ["10-04 09:00", "10-07 09:00"]
    assert rule.next_at(instant("2026-10-07 09:00Z")) is None


@given(
    st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]),
    st.integers(1, 6),
    st.sampled_from(["", ";BYDAY=MO,WE", ";BYMONTHDAY=1,-1", ";BYMONTH=2,11", ";BYHOUR=6", ";COUNT=9", ";BYDAY=2TU"]),
    st.datetimes(datetime(2019, 1, 1), datetime(2021, 1, 1)),
    st.integers(0, 900),
)
def test_looking_from_anywhere_gives_what_counting_from_the_start_gives(freq, interval, more, start, days):
    start = start.replace(microsecond=0)
    assume(not (more.endswith("2TU") and freq not in ("YEARLY", "MONTHLY")))
    assume(not (more and "COUNT" not in more and freq in ("HOURLY", "MINUTELY") and interval > 1))
    text = f"FREQ={freq};INTERVAL={interval}{more}"
    begin = start + timedelta(days=days) if freq != "MINUTELY" else start + timedelta(hours=days)

    theirs = rrulestr(text, dtstart=start)
    assume(theirs.after(start, inc=True))

    found = rrule(text, start=start).next(begin.replace(tzinfo=UTC))

    assert (found and found.replace(tzinfo=None)) == theirs.after(begin)


@pytest.mark.untraced
@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=1000000000",
        "FREQ=SOMETIMES",
        "FREQ=DAILY;BYDAY=XX",
        "",
        "FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "DTSTART:soon\nRRULE:FREQ=DAILY",
        "NONSENSE:1\nRRULE:FREQ=DAILY",
    ],
)
def test_rules_that_never_happen_or_mean_nothing_are_refused(text):
    with pytest.raises(TriggerError):
        rrule(text, start="2026-01-01")


def test_a_leap_day_stays_one():
    rule = rrule("FREQ=YEARLY", start="2024-02-29 09:00")

    assert shown(rule, "2095-01-01", "2110-01-01", "%Y") == ["2096", "2104", "2108"]


def test_without_the_package_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "dateutil.rrule", None)

    with pytest.raises(TriggerError, match=r"^this needs the package 'dateutil': pip install 'foliot\[rrule\]'"):
        rrule("FREQ=DAILY;INTERVAL=17", start="2026-01-01")
