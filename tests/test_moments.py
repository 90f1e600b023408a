import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.errors import DefinitionError
from foliot.moments import DAY, HOUR, LONGEST, MINUTE, SECOND, instant, length, moment, spell, zone

BERLIN = ZoneInfo("Europe/Berlin")  # 2026: forward on 29 March 02:00, back on 25 October 03:00
APIA = ZoneInfo("Pacific/Apia")  # crossed the date line: there was no 30 December 2011
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # moves its clocks by half an hour


def utc(text: str) -> int:
    return instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("30s", 30 * SECOND),
        ("1h30m", 90 * MINUTE),
        ("1h 30m", 90 * MINUTE),
        ("250ms", 250_000),
        ("7us", 7),
        ("1.5d", 36 * HOUR),
        ("2w", 14 * DAY),
        (" 5m ", 5 * MINUTE),
        ("0s", 0),
        (2, 2 * SECOND),
        (0.25, 250_000),
        (timedelta(days=1, microseconds=1), DAY + 1),
        (timedelta(seconds=-1), -SECOND),
    ],
)
def test_a_length_is_read_as_people_write_it(written: str | float | timedelta, micros: int):
    assert length(written) == micros


@pytest.mark.parametrize(
    "written",
    ["", " ", "30", "s", "5 minutes", "5m!", "-5m", "1h, 30m", "٣s", "1..5s", True, None, b"5m", [5]],
)
def test_what_is_not_a_length_is_refused_with_an_example(written: object):
    with pytest.raises(DefinitionError, match=r"is not a length of time; write it like '30s'"):
        length(written)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("endless", [float("inf"), float("-inf"), float("nan")])
def test_a_length_is_finite(endless: float):
    with pytest.raises(DefinitionError, match="finite"):
        length(endless)


@given(st.integers(min_value=0, max_value=200 * 365 * DAY))
def test_a_spelled_length_reads_back_as_itself(micros: int):
    assert length(spell(micros)) == micros


@given(st.timedeltas(timedelta(microseconds=-LONGEST), timedelta(microseconds=LONGEST)))
def test_a_timedelta_loses_nothing(value: timedelta):
    assert timedelta(microseconds=length(value)) == value


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0s"),
        (90 * MINUTE, "1h30m"),
        (DAY, "1d"),
        (1_001, "1ms1us"),
        (-5 * SECOND, "-5s"),
    ],
)
def test_a_length_is_spelled_the_shortest_way(micros: int, text: str):
    assert spell(micros) == text


@pytest.mark.parametrize("naive", [datetime(2026, 12, 1, 10), "2026-12-01 10:00"])
def test_a_time_without_a_zone_is_refused(naive: datetime | str):
    with pytest.raises(DefinitionError, match="has no time zone; give tz="):
        instant(naive)


@pytest.mark.parametrize("naive", [datetime(2026, 12, 1, 10), "2026-12-01 10:00", "2026-12-01T10:00:00"])
def test_a_time_without_a_zone_is_read_in_the_given_one(naive: datetime | str):
    assert instant(naive, BERLIN) == utc("2026-12-01 09:00")


@pytest.mark.parametrize("aware", ["2026-12-01T10:00+09:00", "2026-12-01T01:00Z"])
def test_a_time_with_a_zone_keeps_its_own(aware: str):
    assert instant(aware, BERLIN) == utc("2026-12-01 01:00")


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "10:00", "2026-02-30 10:00"])
def test_what_is_not_a_time_is_refused_with_an_example(text: str):
    with pytest.raises(DefinitionError, match=r"is not a time; write it like '2026-12-01 10:00'"):
        instant(text, UTC)


@pytest.mark.parametrize("missing", ["2026-03-29 02:00", "2026-03-29 02:30", "2026-03-29 02:59:59.999999"])
def test_a_time_that_falls_in_a_gap_becomes_the_end_of_the_gap(missing: str):
    assert instant(missing, BERLIN) == utc("2026-03-29 01:00")


@pytest.mark.parametrize(
    ("beside", "expected"),
    [("2026-03-29 01:59:59.999999", "2026-03-29 00:59:59.999999"), ("2026-03-29 03:00", "2026-03-29 01:00")],
)
def test_the_times_beside_a_gap_are_themselves(beside: str, expected: str):
    assert instant(beside, BERLIN) == utc(expected)


def test_a_time_that_happens_twice_is_the_first():
    assert instant("2026-10-25 02:30", BERLIN) == utc("2026-10-25 00:30")


def test_fold_asks_for_the_second():
    again = datetime(2026, 10, 25, 2, 30, fold=1)

    assert instant(again, BERLIN) == utc("2026-10-25 01:30")


def test_a_gap_of_half_an_hour_is_a_gap():
    assert instant("2026-10-04 02:15", LORD_HOWE) == utc("2026-10-03 15:30")


@pytest.mark.parametrize("lost", ["2011-12-30 00:00", "2011-12-30 12:00", "2011-12-30 23:59:59"])
def test_a_day_that_never_was_becomes_the_next_morning(lost: str):
    assert moment(instant(lost, APIA), APIA) == datetime(2011, 12, 31, tzinfo=APIA)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)), st.sampled_from([0, 1]))
def test_every_wall_time_becomes_an_instant_no_earlier_than_it_reads(wall: datetime, fold: int):
    shown = moment(instant(wall.replace(fold=fold), APIA), APIA)

    assert shown.replace(tzinfo=None) >= wall


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),
        max_value=datetime(2200, 1, 1),
        timezones=st.sampled_from([UTC, BERLIN, APIA, LORD_HOWE, timezone(timedelta(hours=-3, minutes=-7))]),
        allow_imaginary=False,
    )
)
def test_an_aware_time_survives_the_round_trip_to_the_microsecond(when: datetime):
    assert moment(instant(when), when.tzinfo or UTC).astimezone(UTC) == when.astimezone(UTC)


def test_a_moment_is_shown_in_utc_unless_asked_otherwise():
    shown = moment(utc("2026-07-01 10:00"))

    assert shown.isoformat() == "2026-07-01T10:00:00+00:00"
    assert moment(utc("2026-07-01 10:00"), BERLIN).isoformat() == "2026-07-01T12:00:00+02:00"


def test_a_zone_is_found_by_its_iana_name():
    assert zone("Asia/Seoul") == ZoneInfo("Asia/Seoul")


def test_a_misspelled_zone_gets_the_nearest_name():
    with pytest.raises(DefinitionError, match=r"unknown time zone 'Asia/Seul'; did you mean 'Asia/Seoul'\?"):
        zone("Asia/Seul")


def test_a_system_without_time_zones_is_told_how_to_get_them():
    ask = "from foliot.moments import zone; zone('Asia/Seoul')"
    bare = {**os.environ, "PYTHONTZPATH": ""}

    asked = subprocess.run(
        [sys.executable, "-c", HIDE_TZDATA + ask], env=bare, capture_output=True, text=True, check=False
    )

    assert "unknown time zone 'Asia/Seoul'; this system has no time zones: pip install tzdata" in asked.stderr


HIDE_TZDATA = "import sys; sys.modules['tzdata'] = None; "


@pytest.mark.parametrize("name", ["nowhere at all", "../etc/passwd", "/etc/localtime", ""])
def test_what_is_no_zone_at_all_gets_an_example(name: str):
    with pytest.raises(DefinitionError, match="unknown time zone"):
        zone(name)
