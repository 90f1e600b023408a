"""Wall clocks: what they show, and the database that says so."""

import sys
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.triggers import zones
from foliot.triggers.zones import clock_of, tzdata_version, zone_name, zone_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = (
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Argentina/San_Luis",
    "America/New_York",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Manila",
    "Australia/Lord_Howe",
    "Europe/Amsterdam",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "UTC",
    "+05:45",
)
names = st.sampled_from(NAMES)
seconds = st.integers(-6_000_000_000, 6_000_000_000)  # from 1779 to 2160


@given(names, seconds)
def test_a_clock_shows_what_its_zone_says(name, second):
    there = (EPOCH + timedelta(seconds=second)).astimezone(zone_of(name))

    assert clock_of(name).local(second) == second + there.utcoffset().total_seconds()  # pyright: ignore[reportOptionalMemberAccess]


@given(names, seconds)
def test_stretches_follow_one_another_without_a_gap(name, second):
    clock = clock_of(name)
    here = clock.at(second)

    assert here.start <= second < here.end
    if here.end < 1 << 60:
        following = clock.at(here.end)
        assert following.start == here.end
        assert (following.before, here.after) == (here.offset, following.offset)


@given(names, seconds)
def test_a_local_time_is_found_at_the_first_instant_that_shows_it_or_more(name, local):
    clock = clock_of(name)

    found = clock.instant(local)

    stretch = clock.at(found)
    sooner = local - stretch.before  # where it would be if the clocks had not been changed before
    if clock.local(found) == local:
        assert sooner >= stretch.start or clock.local(sooner) != local
    else:  # jumped over
        assert clock.local(found) > local > clock.local(found - 1)


def test_zones_have_names():
    assert zone_name(None) is None
    assert zone_name(UTC) == "UTC"
    assert zone_name(timezone(timedelta(hours=-9, minutes=-30))) == "-09:30"
    assert zone_name(ZoneInfo("Asia/Seoul")) == "Asia/Seoul"
    assert zone_of("UTC+9").utcoffset(None) == timedelta(hours=9)
    with pytest.raises(TriggerError, match="more than a day"):
        zone_of("+25:00")
    with pytest.raises(TriggerError, match="no name to write down"):
        zone_name(Nameless())


class Nameless(tzinfo):
    """A zone of somebody's own."""


@pytest.fixture
def forgotten():
    """The version is looked up anew in a test, and after it."""
    tzdata_version.cache_clear()
    yield
    tzdata_version.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_the_database_says_its_version(monkeypatch, tmp_path):
    (tmp_path / "tzdata.zi").write_text("# version 2026b\n# more\n")
    monkeypatch.setattr(zones, "TZPATH", (str(tmp_path / "nowhere"), str(tmp_path)))

    assert tzdata_version() == "2026b"


@pytest.mark.usefixtures("forgotten")
def test_a_database_without_its_source_may_have_a_version_file(monkeypatch, tmp_path):
    (tmp_path / "UTC").write_bytes(b"TZif")
    monkeypatch.setattr(zones, "TZPATH", (str(tmp_path),))

    assert tzdata_version() == "unknown"
    tzdata_version.cache_clear()
    (tmp_path / "+VERSION").write_text("2025c\n")
    assert tzdata_version() == "2025c"


@pytest.mark.usefixtures("forgotten")
def test_a_system_without_a_database_uses_the_package(monkeypatch):
    class Package:
        IANA_VERSION = "2026a"

    monkeypatch.setattr(zones, "TZPATH", ())
    monkeypatch.setitem(sys.modules, "tzdata", Package)
    assert tzdata_version() == "2026a"

    tzdata_version.cache_clear()
    monkeypatch.setitem(sys.modules, "tzdata", None)
    assert tzdata_version() == "unknown"
