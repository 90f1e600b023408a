"""What happens on the nights when the clocks change."""

import pytest

from foliot.triggers import cron


def local(trigger, start, end):
    return [f"{each:%d %H:%M%z}" for each in trigger.between(start, end)]


def test_a_fixed_time_in_the_gap_runs_right_after_it():
    daily = cron("30 2 * * *", tz="Europe/Berlin")

    assert local(daily, "2026-03-28", "2026-03-31") == ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]


def test_a_fixed_time_in_the_gap_is_left_out_when_asked_to_skip():
    daily = cron("30 2 * * *", tz="Europe/Berlin", gap="skip")

    assert local(daily, "2026-03-28", "2026-03-31") == ["28 02:30+0100", "30 02:30+0200"]


@pytest.mark.parametrize(
    ("fold", "that_night"),
    [
        ("first", ["25 02:30+0200"]),
        ("second", ["25 02:30+0100"]),
        ("both", ["25 02:30+0200", "25 02:30+0100"]),
    ],
)
def test_a_fixed_time_that_comes_twice_runs_when_the_schedule_says(fold, that_night):
    daily = cron("30 2 * * *", tz="Europe/Berlin", fold=fold)

    assert local(daily, "2026-10-25", "2026-10-26") == that_night


def test_wildcard_minutes_follow_elapsed_time_through_both_nights():
    half_hourly = cron("*/30 * * * *", tz="Europe/Berlin")

    spring = half_hourly.between("2026-03-29 01:00", "2026-03-29 04:00")
    autumn = half_hourly.between("2026-10-25 01:00", "2026-10-25 04:00")

    assert [f"{each:%H:%M}" for each in spring] == ["01:00", "01:30", "03:00", "03:30"]
    assert [f"{each:%H:%M}" for each in autumn] == [
        "01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30",
    ]  # fmt: skip


def test_a_wildcard_hour_in_the_gap_is_not_made_up_for():
    two_hourly = cron("0 */2 * * *", tz="Europe/Berlin")

    assert local(two_hourly, "2026-03-29", "2026-03-29 06:00") == ["29 00:00+0100", "29 04:00+0200"]


def test_a_missing_fixed_hour_is_made_up_for_once_however_many_minutes_it_had():
    quarter_hourly_at_two = cron("*/15 2 * * *", tz="Europe/Berlin")

    assert local(quarter_hourly_at_two, "2026-03-29", "2026-03-30") == ["29 03:00+0200"]


def test_a_day_that_never_was_has_no_firings():
    daily = cron("0 9 * * *", tz="Pacific/Apia")

    assert local(daily, "2011-12-29", "2012-01-01") == ["29 09:00-1000", "31 09:00+1400"]


def test_half_an_hour_of_gap_and_fold_is_told_correctly():
    daily = cron("45 1 * * *", tz="Australia/Lord_Howe")
    early = cron("15 2 * * *", tz="Australia/Lord_Howe")

    assert local(daily, "2026-04-05", "2026-04-06") == ["05 01:45+1100"]
    assert local(early, "2026-10-04", "2026-10-05") == ["04 02:30+1100"]
