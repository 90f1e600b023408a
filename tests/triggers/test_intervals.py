# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false, reportUnusedExpression=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Intervals of elapsed time and of the calendar, single times, and random waits."""

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.errors import DefinitionError, TriggerError
from foliot.moments import HOUR, MILLISECOND, MINUTE, SECOND, instant
from foliot.triggers import after, at, cron, daily, every, hourly, monthly, randomly, weekly

NOW = instant("2026-11-21 10:00:30Z")


def shown(trigger, start, end, form="%m-%d %H:%M"):
    return [f"{each:{form}}" for each in trigger.between(start, end)]


class TestElapsed:
    def test_the_phase_is_that_of_the_creation_and_survives_whatever_comes_after(self):
        settled = every("7m").settled(NOW)

        assert settled.next_at(NOW) == NOW + 7 * MINUTE
        assert settled.settled(NOW + HOUR) == settled

    def test_an_anchor_gives_the_phase_on_both_its_sides(self):
        six_hourly = every("6h", anchor="2026-01-01 03:00")

        assert shown(six_hourly, "2025-12-31 12:00", "2026-01-01 12:00") == [
            "12-31 15:00",
            "12-31 21:00",
            "01-01 03:00",
            "01-01 09:00",
        ]

    @pytest.mark.parametrize(
        ("given_as", "micros"), [(0.25, 250_000), ("1ms", MILLISECOND), (timedelta(hours=6), 6 * HOUR)]
    )
    def test_intervals_may_be_short_and_are_spelled_in_many_ways(self, given_as, micros):
        assert every(given_as).next_at(0) == micros

    @pytest.mark.parametrize("length", [0, -5, "0s", 0.0005])
    def test_an_interval_that_cannot_be_kept_is_refused(self, length):
        with pytest.raises(TriggerError, match="shortest is 1ms"):
            every(length)

    @given(st.integers(1_000, 10**12), st.integers(-(10**15), 10**16), st.integers(-(10**15), 10**16))
    def test_instants_are_whole_intervals_from_the_anchor(self, interval, anchor, begin):
        trigger = every(
            timedelta(microseconds=interval), anchor=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=anchor)
        )

        found = trigger.next_at(begin)

        assert begin < found <= begin + interval
        assert (found - anchor) % interval == 0
        assert trigger.nth_at(begin, 3) == trigger.next_at(trigger.next_at(found))

    def test_a_pause_counts_from_the_finish_and_does_not_mix(self):
        pause = every("5m", after="finish")

        assert pause.from_finish
        assert pause.next_at(NOW) == NOW + 5 * MINUTE
        assert pause.until("2027-01-01").from_finish
        with pytest.raises(TriggerError, match="no anchor"):
            every("5m", after="finish", anchor="2026-01-01")
        with pytest.raises(TriggerError, match="no instants of its own"):
            pause | every("1h")
        with pytest.raises(TriggerError, match="cannot count"):
            pause.limit(3)


class TestCalendar:
    def test_months_keep_their_day_and_fall_back_to_the_last(self):
        monthly = every(months=1, at="09:00", anchor="2026-01-31")

        assert shown(monthly, "2026-01-01", "2026-07-01", "%m-%d") == [
            "01-31",
            "02-28",
            "03-31",
            "04-30",
            "05-31",
            "06-30",
        ]

    def test_years_keep_a_leap_day(self):
        yearly = every(years=1, anchor="2024-02-29")

        assert shown(yearly, "2024-01-01", "2029-01-01", "%y-%m-%d") == [
            "24-02-29",
            "25-02-28",
            "26-02-28",
            "27-02-28",
            "28-02-29",
        ]

    def test_days_are_days_of_the_wall_clock(self):
        two_daily = every(days=2, at=["02:30", time(18)], anchor="2026-03-27", tz="Europe/Berlin")

        assert shown(two_daily, "2026-03-27", "2026-04-01") == [
            "03-27 02:30",
            "03-27 18:00",
            "03-29 03:00",
            "03-29 18:00",
            "03-31 02:30",
            "03-31 18:00",
        ]

    def test_the_anchor_is_the_day_of_the_creation_and_the_time_that_of_the_anchor(self):
        settled = every(weeks=2, at="09:00", tz="Asia/Seoul").settled(NOW)

        assert shown(settled, "2026-11-01", "2026-12-10") == ["11-07 09:00", "11-21 09:00", "12-05 09:00"]
        assert shown(every(days=1, anchor="2026-01-01 08:15"), "2026-05-01", "2026-05-02") == ["05-01 08:15"]

    def test_gap_and_fold_are_chosen_as_for_cron(self):
        skipping = every(days=1, at="02:30", tz="Europe/Berlin", gap="skip", fold="both")

        assert shown(skipping, "2026-03-28", "2026-03-31", "%d") == ["28", "30"]
        assert shown(skipping, "2026-10-25", "2026-10-26", "%H:%M%z") == ["02:30+0200", "02:30+0100"]

    @given(st.integers(1, 40), st.integers(-2_000, 30_000), st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)))
    def test_months_step_evenly_wherever_one_starts_to_look(self, months, anchor, begin):
        first = datetime(1970, 1, 1) + timedelta(days=anchor)
        trigger = every(months=months, anchor=f"{first:%Y-%m-%d}")

        found = trigger.next(begin.replace(tzinfo=UTC))

        assert found > begin.replace(tzinfo=UTC)
        assert ((found.year - first.year) * 12 + found.month - first.month) % months == 0
        assert found.day == min(first.day, monthrange(found.year, found.month)[1])

    def test_one_kind_of_interval_at_a_time(self):
        for wrong in ({}, {"months": 1, "days": 1}, {"months": -1}, {"days": 0}):
            with pytest.raises(TriggerError, match="one of them"):
                every(**wrong)
        with pytest.raises(TriggerError, match="not both"):
            every("1h", months=1)
        with pytest.raises(TriggerError, match="'start' and 'finish'"):
            every("1h", after="lunch")
        with pytest.raises(TriggerError, match="is not a choice"):
            every(days=1, gap="never")
        with pytest.raises(TriggerError, match="time of day"):
            every(days=1, at="25:00")
        with pytest.raises(TriggerError, match="before 24:00"):
            every(days=1, at=[])


class TestOnce:
    def test_one_or_many_moments_each_once_and_in_order(self):
        moments = at("2026-12-03 10:00", "2026-12-01 10:00", "2026-12-01 10:00", tz="Asia/Seoul")

        assert shown(moments, "2026-01-01", "2027-01-01") == ["12-01 10:00", "12-03 10:00"]
        assert moments.next_at(instant("2026-12-04 00:00Z")) is None

    def test_a_time_without_a_zone_is_refused(self):
        with pytest.raises(DefinitionError, match="has no time zone; give tz="):
            at("2026-12-01 10:00")

    def test_a_delay_counts_from_the_creation_of_its_schedule(self):
        settled = after("10m").settled(NOW)

        assert settled.next_at(NOW) == NOW + 10 * MINUTE
        assert settled.settled(NOW + HOUR).next_at(NOW) == NOW + 10 * MINUTE
        assert settled.next_at(NOW + HOUR) is None
        with pytest.raises(TriggerError, match="settle it first"):
            after("10m").next_at(NOW)

    def test_what_is_no_time_is_refused(self):
        with pytest.raises(TriggerError, match="needs a time"):
            at()
        with pytest.raises(TriggerError, match="past"):
            after(timedelta(minutes=-5))
        with pytest.raises(DefinitionError):
            at("tomorrow")


class TestRandom:
    @given(st.integers(1_000, 10**8), st.integers(0, 10**8), st.text(max_size=8), st.integers(0, 10**12))
    def test_waits_keep_to_their_bounds_and_do_not_depend_on_where_one_looks(self, shortest, more, name, begin):
        micros = timedelta(microseconds=1)
        trigger = randomly(shortest * micros, (shortest + more) * micros).settled(0).bound(name)

        found = [trigger.next_at(begin)]
        for _ in range(10):
            found.append(trigger.next_at(found[-1]))

        assert found[0] > begin
        assert all(shortest <= later - earlier <= shortest + more for earlier, later in pairwise(found))
        assert trigger.next_at(found[1] - 1) == found[1]

    def test_schedules_differ_and_each_stays_as_it_is(self):
        waits = randomly("1m", "1h").settled(NOW)

        assert waits.bound("a").next_at(NOW) != waits.bound("b").next_at(NOW)
        assert waits.bound("a").bound("b") == waits.bound("a")
        with pytest.raises(TriggerError, match="shortest first"):
            randomly("5m", "1m")


class TestConveniences:
    def test_hours_days_weeks_and_months(self):
        assert hourly() == cron("0 * * * *", days="and")
        assert shown(hourly(15, 45), "2026-01-01", "2026-01-01 02:00", "%H:%M") == ["00:15", "00:45", "01:15", "01:45"]
        assert shown(daily("09:00", "17:30"), "2026-01-01", "2026-01-02", "%H:%M") == ["09:00", "17:30"]
        assert shown(daily(), "2026-01-01", "2026-01-02", "%H:%M") == ["00:00"]
        assert shown(weekly("mon", "thu", at="09:00"), "2026-11-01", "2026-11-10", "%d %H:%M") == [
            "02 09:00",
            "05 09:00",
            "09 09:00",
        ]
        assert shown(monthly(1, 15, "last"), "2026-02-01", "2026-03-01", "%d") == ["01", "15", "28"]
        assert shown(monthly("2nd tue", at=["09:00", "21:00:30"]), "2026-02-01", "2026-03-01", "%d %H:%M:%S") == [
            "10 09:00:00",
            "10 21:00:30",
        ]

    def test_times_with_the_same_minute_are_one_line(self):
        assert daily("09:00", "17:00", tz="Asia/Seoul").expression == "0 9,17 * * *"


def test_a_second_is_the_smallest_step_of_the_wall_clock():
    assert cron("* * * * * *").next_at(NOW) == NOW + SECOND
    assert cron("* * * * * *").next_at(NOW + 1) == NOW + SECOND
    assert cron("* * * * * *").next_at(NOW - 1) == NOW
