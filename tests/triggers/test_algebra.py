# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportOperatorIssue=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false, reportUnusedExpression=false
# A trigger that has no next instant where the test expects one fails the test, which is as it should be.
"""Triggers put together, bounded, delayed and moved."""

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foliot.errors import TriggerError
from foliot.moments import DAY, HOUR, MINUTE, SECOND, instant
from foliot.triggers import (
    after,
    at,
    between,
    business_days,
    cron,
    dates,
    dumps,
    during,
    every,
    holidays,
    loads,
    weekdays,
    window,
)

START = datetime(2026, 3, 6, tzinfo=UTC)
LOW, HIGH = instant(START), instant(START + timedelta(days=10))


def shown(trigger, start="2026-03-06", end="2026-03-16", form="%d %H:%M"):
    return [f"{each:{form}}" for each in trigger.between(start, end)]


def instants(trigger):
    return set(trigger.instants(LOW - 1, HIGH))


minutes = st.integers(1, 12).map(lambda step: f"{step * 5}m")
simple = st.one_of(
    st.builds(lambda length: every(length, anchor=START), minutes),
    st.builds(
        lambda minute, hour, weekday: cron(f"{minute} {hour} * * {weekday}", tz="Europe/Berlin"),
        st.sampled_from(["0", "*/15", "30", "5,35"]),
        st.sampled_from(["*", "9-17", "2", "*/3"]),
        st.sampled_from(["*", "mon-fri", "sun"]),
    ),
)
calendars = st.one_of(
    st.just(weekdays()),
    st.builds(lambda a, b: between(f"{a:02}:00", f"{b:02}:30"), st.integers(0, 23), st.integers(0, 23)),
    st.just(dates("2026-03-08", "2026-03-11/2026-03-12")),
    st.just(window("2026-03-09 12:00", "2026-03-11 18:00")),
    st.just(during(cron("0 4 * * *"), "7h")),
    st.just(holidays("KR")),
    st.just(~business_days("CN") | weekdays("wed", tz="Asia/Seoul")),
)


def refusable(make):
    try:
        return make()
    except TriggerError:
        assume(False)


@pytest.mark.untraced
@given(simple, simple)
def test_a_union_has_the_instants_of_both(a, b):
    assert instants(a | b) == instants(a) | instants(b)


@pytest.mark.untraced
@settings(max_examples=25)
@given(simple, simple)
def test_an_intersection_has_the_instants_they_share(a, b):
    assert instants(refusable(lambda: a & b)) == instants(a) & instants(b)


@pytest.mark.untraced
@settings(max_examples=10)  # what leaves nothing takes seconds to be refused
@given(simple, simple)
def test_a_difference_has_the_instants_of_the_first_alone(a, b):
    assert instants(refusable(lambda: a - b)) == instants(a) - instants(b)


@pytest.mark.untraced
@settings(max_examples=60)
@given(simple, calendars)
def test_a_calendar_parts_the_instants_in_two(a, calendar):
    inside = refusable(lambda: a & calendar)
    outside = refusable(lambda: a - calendar)
    zone = a.zone_name

    assert instants(inside) == {each for each in instants(a) if calendar.covers(each, zone)}
    assert instants(inside) | instants(outside) == instants(a)
    assert not instants(inside) & instants(outside)


@given(calendars, calendars, st.integers(LOW, HIGH))
def test_calendars_combine_like_sets(a, b, moment):
    here = lambda calendar: calendar.covers(moment, "Europe/Berlin")  # noqa: E731

    assert here(a | b) == (here(a) or here(b))
    assert here(a & b) == (here(a) and here(b))
    assert here(a - b) == (here(a) and not here(b))
    assert here(~a) == (not here(a))
    assert here(a.named("closing days")) == here(a)


@given(calendars, st.integers(LOW, HIGH), st.floats(0, 1))
def test_a_calendar_does_not_change_before_its_edge(calendar, moment, part):
    edge = calendar.edge_after(moment, "Europe/Berlin")

    if edge is None:
        edge = moment + 400 * DAY
    assert edge > moment
    between = min(moment + int(part * (edge - moment)), edge - 1)
    assert calendar.covers(between, "Europe/Berlin") == calendar.covers(moment, "Europe/Berlin")


trees = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: a.starting("2026-03-07").until("2026-03-12"), inner),
        st.builds(lambda a: a.starting("2026-03-07").limit(7), inner),
        st.builds(lambda a: a.jitter("30s").spread("2m").bound("x"), inner),
        st.builds(lambda a, days: a.shift("next", days), inner, st.just(weekdays())),
    ),
    max_leaves=4,
)


@pytest.mark.untraced
@settings(max_examples=40)
@given(trees)
def test_whatever_is_built_steps_forward_reads_back_and_explains_itself(trigger):
    found = list(trigger.instants(LOW, HIGH))
    assert found == sorted(set(found))
    assert loads(dumps(trigger)) == trigger
    assert pickle.loads(pickle.dumps(trigger)) == trigger  # noqa: S301
    assert trigger.explain()
    assert trigger.explain("zh")


@pytest.mark.untraced
@given(trees, st.integers(LOW, HIGH))
def test_the_next_instant_does_not_depend_on_what_was_asked_before(trigger, moment):
    found = trigger.next_at(moment)

    if found is not None:
        assert found in set(trigger.instants(moment - HOUR, found))


class TestBounds:
    def test_both_ends_belong_to_it(self):
        bounded = every("1h").starting("2026-03-06 03:00").until("2026-03-06 05:00")

        assert shown(bounded) == ["06 03:00", "06 04:00", "06 05:00"]

    def test_naive_bounds_are_read_in_the_zone_of_the_trigger(self):
        bounded = cron("0 * * * *", tz="Asia/Seoul").starting("2026-03-06 03:00").until("2026-03-06 04:00")

        assert shown(bounded) == ["06 03:00", "06 04:00"]

    def test_the_order_of_bounds_does_not_matter(self):
        one = every("1h").starting("2026-03-06").limit(2)

        assert one == every("1h").limit(2).starting("2026-03-06")
        assert shown(one) == ["06 00:00", "06 01:00"]

    def test_a_limit_counts_from_the_creation_where_there_is_no_start(self):
        limited = cron("0 * * * *").limit(2)

        settled = limited.settled(instant("2026-03-06 03:30Z"))

        assert shown(settled) == ["06 04:00", "06 05:00"]
        assert settled.settled(HIGH) == settled
        with pytest.raises(TriggerError, match="settle it first"):
            limited.next_at(LOW)

    def test_a_schedule_created_on_an_instant_does_not_count_it(self):
        settled = every("1h").limit(2).settled(LOW)

        assert list(settled.instants(LOW, HIGH)) == [LOW + HOUR, LOW + 2 * HOUR]

    def test_bounds_that_leave_nothing_are_refused(self):
        with pytest.raises(TriggerError, match="before it starts"):
            every("1h").starting("2026-03-06").until("2026-03-05")
        for count in (0, -1, 2_000_000, 2.5, True):
            with pytest.raises(TriggerError, match="is not a number from 1"):
                every("1h").limit(count)


@pytest.mark.untraced
class TestSearchesThatCannotEnd:
    def test_combinations_that_never_fire_are_refused_with_the_reason(self):
        with pytest.raises(TriggerError, match="no instant is found that they share"):
            cron("0 * * * *") & cron("30 * * * *")
        with pytest.raises(TriggerError, match="nothing is left"):
            cron("0 9 * * *") - cron("0 9 * * *")
        with pytest.raises(TriggerError, match="nothing is left"):
            cron("0 9 * * sat") & weekdays()

    def test_a_move_to_days_that_are_never_near_is_refused(self):
        with pytest.raises(TriggerError, match="near enough to move to"):
            cron("0 9 * * *").shift("next", weekdays() - weekdays())

    def test_a_trigger_that_is_not_settled_cannot_be_judged_yet(self):
        assert (after("1d") - weekdays()).settled(LOW).next_at(LOW) == LOW + DAY


class TestLateness:
    def test_spread_is_the_same_each_time_and_jitter_is_not(self):
        spread = cron("0 0 * * *").spread("5m").bound("report")
        jitter = cron("0 0 * * *").jitter("5m").bound("report")
        nominal = list(spread.instants(LOW - 1, HIGH))

        assert {spread.delay(each) for each in nominal} == {97_706_607}
        assert len({jitter.delay(each) for each in nominal}) == len(nominal)
        assert all(0 <= jitter.delay(each) <= 5 * MINUTE for each in nominal)
        assert nominal == list(cron("0 0 * * *").instants(LOW - 1, HIGH))

    def test_schedules_spread_out_evenly(self):
        delays = [cron("@daily").spread("10s").bound(f"job-{number}").delay(0) // SECOND for number in range(2_000)]

        assert all(150 < delays.count(second) < 250 for second in range(10))

    def test_lateness_is_kept_by_whatever_is_built_on_it(self):
        late = cron("0 9 * * *").spread("5m").bound("a")

        assert (late - weekdays("sun")).delay(LOW) == late.delay(LOW) > 0
        assert (late | cron("0 17 * * *")).delay(instant("2026-03-06 09:00Z")) == late.delay(LOW)
        assert (late | cron("0 17 * * *")).delay(instant("2026-03-06 17:00Z")) == 0
        assert late.limit(3).delay(LOW) == late.delay(LOW)

    def test_no_lateness_is_no_wrapping(self):
        plain = cron("0 9 * * *")

        assert plain.jitter("0s") == plain.spread(0) == plain
        assert plain.jitter("5s").spread("1m").jitter(0) == plain.spread("1m")
        assert plain.jitter("5s").jitter(0) == plain

    def test_lateness_is_not_longer_than_anybody_waits(self):
        with pytest.raises(TriggerError, match="a hundred years"):
            cron("@daily").spread("99999d")

    def test_lateness_is_not_negative(self):
        with pytest.raises(TriggerError, match="not negative"):
            cron("@daily").jitter(timedelta(seconds=-1))


class TestShift:
    def test_a_firing_moves_to_the_next_or_the_previous_business_day(self):
        payday = cron("0 9 25 * *", tz="Asia/Seoul")

        later = payday.shift("next", business_days("KR"))
        earlier = payday.shift("previous", business_days("KR"))

        assert shown(later, "2026-01-01", "2026-07-01", "%m-%d") == [
            "01-26",
            "02-25",
            "03-25",
            "04-27",
            "05-26",
            "06-25",
        ]
        assert shown(earlier, "2026-01-01", "2026-07-01", "%m-%d") == [
            "01-23",
            "02-25",
            "03-25",
            "04-24",
            "05-22",
            "06-25",
        ]

    def test_firings_that_move_onto_one_another_are_one(self):
        assert shown(cron("0 9 * * *").shift("next", weekdays()), form="%a") == [
            "Fri",
            "Mon",
            "Tue",
            "Wed",
            "Thu",
            "Fri",
        ]
        assert shown(cron("0 9 * * sat,sun").shift("previous", weekdays()), form="%a") == ["Fri", "Fri"]

    @pytest.mark.untraced
    @given(simple, st.sampled_from(["next", "previous"]))
    def test_moving_is_moving_each_firing(self, trigger, direction):
        moved = trigger.shift(direction, weekdays())
        zone = trigger.zone
        step = timedelta(days=1 if direction == "next" else -1)

        expected = set()
        for each in trigger.between("2026-03-02", "2026-03-23"):
            shown = each.replace(tzinfo=None)
            while shown.isoweekday() > 5:
                shown += step
            expected.add(instant(shown if shown != each.replace(tzinfo=None) else each, zone))

        assert instants(moved) == {each for each in expected if LOW <= each <= HIGH}

    def test_a_calendar_of_hours_has_no_days_to_move_to(self):
        with pytest.raises(TriggerError, match="calendar of hours"):
            cron("0 9 * * *").shift("next", between("08:00", "18:00"))
        with pytest.raises(TriggerError, match="not a direction"):
            cron("0 9 * * *").shift("sideways", weekdays())


def test_a_pause_that_ends_outside_of_a_calendar_is_over_when_it_opens():
    pause = every("5m", after="finish") & between("08:00", "18:00")

    assert pause.next_at(instant("2026-03-06 17:00Z")) == instant("2026-03-06 17:05Z")
    assert pause.next_at(instant("2026-03-06 17:58Z")) == instant("2026-03-07 08:00Z")


def test_what_is_not_a_trigger_is_refused():
    with pytest.raises(TriggerError, match="is not a trigger"):
        every("1h") | weekdays()


def test_parts_that_belong_together_stand_side_by_side():
    three = cron("0 1 * * *") | cron("0 2 * * *") | cron("0 3 * * *")

    assert len(three.of) == 3
    assert shown(between("02:00", "03:00") & three, end="2026-03-07") == ["06 02:00"]


def test_all_of_them_are_settled_and_bound_together():
    both = (every("1h") | after("5m")) - between("22:00", "23:00")

    settled = both.settled(LOW)

    assert settled.next_at(LOW) == LOW + 5 * MINUTE
    once = at("2026-03-06 00:00Z")
    assert (cron("H * * * *") | once).bound("a") == (cron("H * * * *").bound("a") | once)


def test_a_pause_cannot_be_moved():
    with pytest.raises(TriggerError, match="no instants of its own"):
        every("5m", after="finish").shift("next", weekdays())


@pytest.mark.parametrize(
    ("trigger", "finished", "expected"),
    [
        (every("1h"), "10:20", "11:20"),
        (every("1h") & between("08:00", "18:00"), "10:20", "11:20"),
        (every("1h") | cron("0 11 * * *"), "10:20", "11:00"),
        (every("1h", anchor=START) & cron("* * * * *"), "10:20", "11:00"),
        (every("1h", anchor=START) - cron("0 11 * * *"), "10:20", "12:00"),
        (every("1h").shift("next", weekdays()), "10:20", "11:00"),
        (every("1h").limit(2), "00:20", "01:00"),
        (every("1h").limit(2), "10:20", None),
    ],
)
def test_counted_from_the_finish_intervals_become_pauses_where_that_makes_sense(trigger, finished, expected):
    day = instant("2026-03-06 00:00Z")

    found = trigger.counted_from_finish().settled(day).next_at(instant(f"2026-03-06 {finished}Z"))

    assert found == (None if expected is None else instant(f"2026-03-06 {expected}Z"))


def test_an_interval_that_begins_with_its_schedule_shares_instants_only_with_its_like():
    assert shown((every("10m") & every("15m")).settled(LOW), end="2026-03-06 01:00") == ["06 00:00", "06 00:30"]
    for make in (
        lambda: every("1h") & cron("0 9 * * *"),
        lambda: cron("*/5 * * * *") - every("1h").until("2030-01-01"),
        lambda: (every("1h") | cron("0 9 * * *")) & cron("0 9 * * *"),
    ):
        with pytest.raises(TriggerError, match="give it an anchor"):
            make()
