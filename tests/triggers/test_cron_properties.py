# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""What holds for every cron line, in every zone, on every night."""

from datetime import UTC, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.triggers.lines import NIGHTS, ZONES, lines, walked

from foliot.errors import TriggerError
from foliot.moments import HOUR, MINUTE, instant
from foliot.triggers import cron, dumps, loads

pytestmark = pytest.mark.untraced

zones = st.sampled_from(ZONES)
starts = st.builds(
    lambda night, hours: night.replace(tzinfo=UTC) - timedelta(hours=hours), st.sampled_from(NIGHTS), st.integers(0, 30)
)
gaps, folds = st.sampled_from(["after", "skip"]), st.sampled_from(["first", "second", "both"])


def made(line, zone, gap="after", fold="first"):
    try:
        return cron(line.text, tz=zone, gap=gap, fold=fold)
    except TriggerError:
        assume(False)


@settings(max_examples=250)
@given(lines(), zones, starts, gaps, folds)
def test_the_next_times_are_those_found_by_looking_at_every_minute(line, zone, start, gap, fold):
    trigger = made(line, zone, gap, fold)

    found = trigger.between(start, start + timedelta(hours=40))

    assert [each.astimezone(UTC) for each in found] == walked(line, zone, start, 40, gap, fold)


@given(lines(), zones, starts)
def test_the_next_time_is_always_later(line, zone, start):
    trigger = made(line, zone)

    after = instant(start)
    for _ in range(20):
        found = trigger.next_at(after)
        assert found > after
        after = found


@given(lines(), zones, starts, st.floats(0, 1))
def test_it_does_not_matter_where_between_two_times_the_search_starts(line, zone, start, part):
    trigger = made(line, zone)
    first = trigger.next_at(instant(start))
    second = trigger.next_at(first)

    between = min(first + int(part * (second - first)), second - 1)

    assert trigger.next_at(between) == second
    assert trigger.next_at(second - 1) == second


@given(lines(), zones, starts)
def test_iterating_gives_what_between_gives(line, zone, start):
    trigger = made(line, zone)
    low, high = instant(start), instant(start) + 30 * HOUR

    stepped = []
    at = trigger.next_at(low - 1)
    while at < high:
        stepped.append(at)
        at = trigger.next_at(at)

    assert [instant(each) for each in trigger.between(start, start + timedelta(hours=30))] == stepped


@given(lines(), zones, gaps, folds, st.sampled_from(["or", "and"]))
def test_what_is_written_down_is_read_back_as_the_same_trigger(line, zone, gap, fold, days):
    try:
        trigger = cron(line.text, tz=zone, gap=gap, fold=fold, days=days)
    except TriggerError:
        assume(False)

    read = loads(dumps(trigger))

    assert read == trigger
    assert hash(read) == hash(trigger)
    assert dumps(read) == dumps(trigger)


@given(lines(), zones)
def test_every_line_can_be_explained(line, zone):
    trigger = made(line, zone)

    assert trigger.explain().endswith(".")
    assert trigger.explain("zh").endswith("。")


@given(lines(), st.integers(0, 59))
def test_six_fields_are_five_with_the_second_first(line, second):
    five = made(line, "UTC")
    six = cron(f"{second} {line.text}")
    seven = cron(f"{second} {line.text} *")
    start = instant(NIGHTS[0], UTC)

    minute = five.next_at(start - MINUTE)
    assert minute is not None
    assert six.next_at(minute - 1) == minute + second * 1_000_000
    assert seven.next_at(minute - 1) == minute + second * 1_000_000
