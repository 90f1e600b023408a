# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""What a cron line means."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from foliot.errors import TriggerError
from foliot.triggers import cron


def days(trigger, month="2026-03", until="2026-04-01"):
    return [each.day for each in trigger.between(f"{month}-01", until)]


def times(trigger):
    return [f"{each:%H:%M:%S}" for each in trigger.between("2026-03-02", "2026-03-03")]


@pytest.mark.parametrize(
    ("day", "weekday", "expected"),
    [
        ("L", "*", [31]),
        ("L-3", "*", [28]),
        ("LW", "*", [31]),
        ("L-1W", "*", [30]),
        ("15W", "*", [16]),  # the 15th is a Sunday
        ("14W", "*", [13]),  # a Saturday
        ("1W", "*", [2]),  # never into the month before
        ("31W", "*", [31]),
        ("W", "*", [2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30, 31]),
        ("*", "5L", [27]),
        ("*", "friL", [27]),
        ("*", "5#2", [13]),
        ("*", "fri#2", [13]),
        ("*", "1#5", [30]),
        ("*", "0", [1, 8, 15, 22, 29]),
        ("*", "7", [1, 8, 15, 22, 29]),
        ("?", "SUN", [1, 8, 15, 22, 29]),
        ("*", "fri-sun", [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]),
        ("*", "5-7", [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]),
        ("*", "sat-mon", [1, 2, 7, 8, 9, 14, 15, 16, 21, 22, 23, 28, 29, 30]),
        ("1,15,L", "*", [1, 15, 31]),
        ("13", "fri", [6, 13, 20, 27]),  # both restricted: either is enough
        ("*/10", "fri", []),  # but a star narrows: the 1st, 11th, 21st and 31st are no Fridays
        ("*/10", "sun", [1]),
        ("5/10", "?", [5, 15, 25]),
    ],
)
def test_the_day_fields(day, weekday, expected):
    assert days(cron(f"0 0 {day} * {weekday}")) == expected


def test_a_weekday_nearest_to_the_last_day_stays_in_its_month():
    assert days(cron("0 0 LW * *"), "2026-05", "2026-06-01") == [29]
    assert days(cron("0 0 31W * *"), "2026-05", "2026-06-01") == [29]


def test_a_fifth_weekday_is_left_out_in_months_that_have_four():
    assert days(cron("0 0 * * 5#5"), "2026-04", "2026-05-01") == []


def test_day_and_weekday_both_hold_where_that_is_asked_for():
    assert days(cron("0 0 13 * fri", days="and")) == [13]
    assert days(cron("0 0 13 * fri", days="and"), "2026-04", "2026-05-01") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("30 9,17 * * *", ["09:30:00", "17:30:00"]),
        ("0 22-2 * * *", ["00:00:00", "01:00:00", "02:00:00", "22:00:00", "23:00:00"]),
        ("0 22-3/2 * * *", ["00:00:00", "02:00:00", "22:00:00"]),
        ("50-10/10 12 * * *", ["12:00:00", "12:10:00", "12:50:00"]),
        ("15,45 30 6 * * *", ["06:30:15", "06:30:45"]),
        ("0 30 6 * * mon 2026", ["06:30:00"]),
        ("0 30 6 * * * 2027", []),
        ("0 30 6 * * * 2024/2", ["06:30:00"]),
        ("@daily", ["00:00:00"]),
        ("@midnight", ["00:00:00"]),
        ("@monthly", []),
        ("TZ=Asia/Seoul 0 9 * * *", ["09:00:00"]),
        ("CRON_TZ=Asia/Seoul 0 9 * * *", ["09:00:00"]),
    ],
)
def test_the_time_fields(line, expected):
    assert times(cron(line)) == expected


@pytest.mark.parametrize("nickname", ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"])
def test_a_nickname_means_its_line(nickname):
    meant = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0"}
    line = cron(meant.get(nickname, "0 * * * *" if nickname == "@hourly" else "0 0 * * *"))

    assert cron(nickname.upper()).between("2026-01-01", "2027-02-01") == line.between("2026-01-01", "2027-02-01")


def test_a_prefix_names_the_zone_and_does_not_fight_with_another():
    assert cron("TZ=Asia/Seoul 0 9 * * *") == cron("0 9 * * *", tz="Asia/Seoul")
    assert cron("TZ=Asia/Seoul 0 9 * * *", tz="Asia/Seoul").tz == "Asia/Seoul"
    with pytest.raises(TriggerError, match="two zones"):
        cron("TZ=Asia/Seoul 0 9 * * *", tz="UTC")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"hour": 9, "minute": 0, "day_of_week": "mon"}, "0 9 * * mon"),
        ({"hour": 9}, "0 9 * * *"),
        ({"minute": "*/5"}, "*/5 * * * *"),
        ({"second": "*/10"}, "*/10 * * * * *"),
        ({"day": "last", "hour": 18}, "0 18 L * *"),
        ({"day": "1st mon", "hour": 9}, "0 9 * * mon#1"),
        ({"day": "last fri"}, "0 0 * * friL"),
        ({"day": "last weekday"}, "0 0 LW * *"),
        ({"month": "feb"}, "0 0 1 feb *"),
        ({"year": 2030}, "0 0 0 1 1 * 2030"),
        ({"year": "2030-2032", "day_of_week": "fri"}, "0 0 0 * * fri 2030-2032"),
        ({"day": 13, "day_of_week": "fri"}, "0 0 13 * fri"),
    ],
)
def test_fields_by_keyword_make_the_line_that_they_mean(fields, line):
    assert cron(**fields) == cron(line, days="and")


def test_weeks_are_those_of_iso_8601():
    assert [f"{each:%m-%d}" for each in cron(week=1, day_of_week="mon").between("2026-01-01", "2030-01-01")] == [
        "01-04",  # 2027
        "01-03",  # 2028
        "01-01",  # 2029
        "12-31",  # of 2029, in the first week of 2030
    ]
    assert all(each.isocalendar().week == 53 for each in cron(week=53, hour=12).between("2000-01-01", "2050-01-01"))
    weeks = [each.isocalendar().week for each in cron("0 0 * * 1", week="*/2").between("2026-01-01", "2026-04-01")]
    assert weeks == [3, 5, 7, 9, 11, 13]


def test_every_week_number_is_right_for_fifty_years():
    for week in (1, 2, 52, 53):
        found = cron("0 0 * * *", week=week).between("2000-01-01", "2050-01-01")
        assert {each.isocalendar().week for each in found} == {week}
    assert len(cron("0 0 * * *", week="1-53").between("2000-01-01", "2050-01-01")) == 18_263


def test_a_line_and_fields_do_not_mix_and_one_is_needed():
    with pytest.raises(TriggerError, match="not both"):
        cron("0 9 * * *", hour=3)
    with pytest.raises(TriggerError, match="needs a line"):
        cron()
    with pytest.raises(TriggerError, match="names a weekday"):
        cron(day="last fri", day_of_week="mon")
    with pytest.raises(TriggerError, match="'after', 'skip'"):
        cron("0 9 * * *", gap="later")


class TestHash:
    """H: a place chosen by the schedule's id, the same for ever."""

    def test_it_is_stable_and_differs_between_schedules(self):
        chosen = {cron("H H * * *").bound(f"job-{number}").next_at(0) for number in range(200)}

        assert cron("H H * * *").bound("nightly").next_at(0) == 44_520_000_000
        assert len(chosen) > 180

    def test_it_keeps_to_its_range_and_step(self):
        for number in range(50):
            name = f"job-{number}"
            ranged = times(cron("H(0-29) 3 * * *").bound(name))
            stepped = [each[3:5] for each in times(cron("H/15 12 * * *").bound(name))]
            assert "03:00:00" <= ranged[0] <= "03:29:00"
            assert len(stepped) == 4
            assert int(stepped[0]) < 15
            assert len({(int(each) - int(stepped[0])) % 15 for each in stepped}) == 1

    def test_a_day_of_the_month_is_one_that_all_months_have(self):
        assert all(len(days(cron("0 0 H * *").bound(f"job-{number}"))) == 1 for number in range(60))
        assert max(days(cron("0 0 H * *").bound(f"job-{number}"))[0] for number in range(60)) <= 28

    def test_once_bound_it_stays_so(self):
        bound = cron("H 3 * * *").bound("first")

        assert bound.bound("second") == bound
        assert cron("0 3 * * *").bound("first") == cron("0 3 * * *")


def test_lines_that_are_written_alike_are_equal():
    assert cron("0  9 * * MON-Fri") == cron(" 0 9 * * mon-fri ")
    assert cron("0 0 lw * *").expression == "0 0 LW * *"
    assert cron("0 0 * * FRIl").expression == "0 0 * * friL"
    assert cron("h h(0-5) * * *").expression == "H H(0-5) * * *"


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("0 0 29 2 *", "1972-02-29"),
        ("0 0 29 2 0", "1970-02-01"),
        ("0 0 0 29 2 ? 2100-2103,2104", "2104-02-29"),
        ("0 0 31 12 *", "1970-12-31"),
    ],
)
def test_rare_days_are_found(line, first):
    assert f"{cron(line).next(datetime(1970, 1, 1, tzinfo=UTC)):%Y-%m-%d}" == first


def test_a_leap_day_that_has_to_be_a_monday_is_found_across_a_century():
    found = cron("0 0 29 2 mon", days="and").between("2080-01-01", "2140-01-01")

    assert [each.year for each in found] == [year for year in range(2080, 2140, 4) if is_leap_monday(year)]
    assert [each.year for each in found] == [2112]


def is_leap_monday(year):
    return year != 2100 and date(year, 2, 29).isoweekday() == 1


def test_there_is_an_end():
    assert cron("0 0 0 1 1 ? 2030").next(datetime(2030, 1, 1, tzinfo=UTC)) is None
    assert cron("0 0 * * *").next(datetime(9999, 1, 1, tzinfo=UTC)) is None


def test_a_zone_may_be_an_offset_or_a_tzinfo():
    seoul = cron("0 9 * * *", tz="Asia/Seoul").next_at(0)

    assert cron("0 9 * * *", tz="+09:00").next_at(0) == seoul
    assert cron("0 9 * * *", tz=timezone(timedelta(hours=9))).next_at(0) == seoul
    assert cron("0 9 * * *", tz=ZoneInfo("Asia/Seoul")).next_at(0) == seoul
    with pytest.raises(TriggerError, match="did you mean 'Asia/Seoul'"):
        cron("0 9 * * *", tz="Asia/Soul")


def test_a_time_before_standard_time_is_told_to_the_second():
    found = cron("0 12 * * *", tz="Europe/Amsterdam").between("1930-01-01", "1930-01-02")

    assert [each.utcoffset().total_seconds() for each in found] == [1172]


def test_fields_by_keyword_are_the_same_trigger_as_the_line_they_mean():
    assert cron(hour=9, minute=0) == cron("0 9 * * *")
    assert cron(day=13, day_of_week="fri") == cron("0 0 13 * fri", days="and") != cron("0 0 13 * fri")
    assert cron("0 9 * * mon", days="and").spec() == {"cron": "0 9 * * mon"}
