"""What is likely to go wrong with schedules."""

import pytest

from foliot.errors import TriggerError
from foliot.moments import MINUTE, instant
from foliot.triggers import at, cron, every
from foliot.triggers.lint import Entry, exit_code, histogram, lint, unreadable

NOW = instant("2026-11-21 00:00Z")


def codes(trigger, usual=None):
    return [finding.code for finding in lint([Entry(name="x", trigger=trigger, usual=usual)], NOW)]


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (cron("0 9 * * mon-fri", tz="Asia/Seoul"), []),
        (cron("*/5 * * * *"), []),
        (every("30s"), []),
        (cron("0 9 * * *"), ["no-zone"]),
        (every(days=1, at="09:00"), ["no-zone"]),
        (cron("0 9 * * *", tz="UTC"), []),
        (cron("0 * * * *"), []),
        (cron("0 * 1 * *"), ["no-zone"]),
        (at("2020-01-01 00:00Z"), ["never"]),
        (every("1h").until("2026-01-01"), ["never"]),
        (cron("0 0 13 * fri", tz="UTC"), ["both-days"]),
        (cron("0 0 13 * fri", tz="UTC", days="and"), []),
        (cron("0 0 31 * *", tz="UTC"), ["short-month"]),
        (cron("0 0 31 12 *", tz="UTC"), []),
        (cron("0 0 29 * *", tz="UTC"), ["short-month"]),
        (cron("0 0 L * *", tz="UTC"), []),
        (cron("30 2 * * *", tz="Europe/Berlin"), ["clock-change"]),
        (cron("30 4 * * *", tz="Europe/Berlin"), []),
        (cron("0 */2 * * *", tz="Europe/Berlin"), []),
        (every(days=1, at="02:30", tz="Europe/Berlin"), ["clock-change"]),
        (cron("30 2 * * *", tz="Asia/Seoul"), []),
        (cron("*/7 * * * *"), ["uneven"]),
        (cron("0 */5 * * *", tz="UTC"), ["uneven"]),
        (cron("*/7 * * * * *"), ["uneven"]),
        (cron("5/15 * * * *"), []),
        (every("5m", after="finish"), ["drift"]),
        (every("1d"), ["drift"]),
        (every("36h"), []),
        (cron("0 9 * * 5#5", tz="UTC"), ["short-month"]),
        (cron("0 9 * * 5#5,5#1", tz="UTC"), []),
        (cron("0 0 30W * *", tz="UTC"), ["short-month"]),
        (cron("0 0 L-29 * *", tz="UTC"), ["short-month"]),
        (cron("0 0 30 1,3 *", tz="UTC"), []),
        (every("1m").spread("5m"), ["late"]),
        (every("10m").spread("5m"), []),
    ],
)
def test_each_rule_finds_what_it_is_for_and_nothing_else(trigger, expected):
    assert codes(trigger) == expected


def test_runs_that_take_longer_than_the_time_between_two_are_found():
    assert codes(every("1m"), usual=2 * MINUTE) == ["too-often"]
    assert codes(every("1m"), usual=MINUTE) == []
    assert codes(cron("0,1 9 * * *", tz="UTC"), usual=2 * MINUTE) == ["too-often"]


def test_a_finding_says_what_where_and_the_remedy():
    [finding] = lint([Entry(name="report", trigger=cron("30 2 * * *", tz="Europe/Berlin"))], NOW)

    assert finding.schedule == "report"
    assert finding.level == "note"
    assert "2027-03-28T03:00:00+02:00 (02:30 does not exist that night" in finding.text
    assert "gap= and fold=" in finding.remedy


def test_a_herd_is_found_with_its_minute():
    herd = [Entry(name=f"job-{number}", trigger=cron("0 3 * * *", tz="Asia/Seoul")) for number in range(25)]
    spread = [Entry(name=f"job-{number}", trigger=cron("H 3 * * *", tz="Asia/Seoul")) for number in range(25)]

    [finding] = lint(herd, NOW)

    assert finding.code == "herd"
    assert finding.text == "25 schedules are due in the minute of 2026-11-21T18:00:00Z"
    assert lint(spread, NOW) == []
    assert [each.code for each in lint(herd[:3], NOW, herd=3)] == ["herd"]


def test_a_histogram_counts_each_schedule_once_a_minute():
    entries = [
        Entry(name="often", trigger=every("1s")),
        Entry(name="hourly", trigger=cron("0 * * * *")),
        Entry(name="late", trigger=cron("0 * * * *").spread("50m")),
    ]

    counts = histogram(entries, NOW, minutes=120)

    assert min(counts) == 1
    assert counts[0] == counts[60] == 2
    assert sum(counts) == 120 + 2 + 2


def test_a_check_fails_on_warnings_and_errors_but_not_on_notes():
    def found(trigger):
        return lint([Entry(name="x", trigger=trigger)], NOW)

    assert exit_code([]) == 0
    assert exit_code(found(every("5m", after="finish"))) == 0
    assert exit_code(found(cron("0 9 * * *"))) == 1
    assert exit_code(found(at("2020-01-01 00:00Z"))) == 1


def test_a_trigger_that_was_refused_is_an_error_with_the_place():
    with pytest.raises(TriggerError) as refused:
        cron("0 0 30 2 *")

    finding = unreadable("x", refused.value)

    assert finding.level == "error"
    assert finding.text.endswith("^")
