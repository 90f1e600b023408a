"""Ids sort in the order in which they were made, and those of firings are the same whoever makes them."""

from random import Random
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from foliot.ids import Ids, child_id, firing_id, fitting, is_made
from foliot.moments import DAY, MILLISECOND

NOW = 1_800_000_000_000_000
MOMENTS = st.integers(min_value=0, max_value=NOW * 10)


@given(MOMENTS, st.integers())
def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond(now: int, seed: int):
    made = UUID(Ids(Random(seed)).new(now))

    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == now // MILLISECOND


@given(st.lists(MOMENTS, min_size=2, max_size=50), st.integers())
def test_ids_sort_in_the_order_in_which_they_were_made_whatever_the_clock_does(times: list[int], seed: int):
    ids = Ids(Random(seed))

    made = [ids.new(now) for now in times]

    assert made == sorted(set(made))


def test_ids_made_in_one_millisecond_sort_in_the_order_in_which_they_were_made():
    ids = Ids(Random(1))

    made = [ids.new(NOW) for _ in range(10_000)]

    assert made == sorted(set(made))
    assert {UUID(each).int >> 80 for each in made} == {NOW // MILLISECOND}


def test_ids_go_on_from_the_last_one_after_the_clock_stepped_back():
    ids = Ids(Random(1))
    last = ids.new(NOW)

    made = [ids.new(NOW - DAY), ids.new(NOW), ids.new(NOW + MILLISECOND)]

    assert [last, *made] == sorted([last, *made])
    assert UUID(made[-1]).int >> 80 == NOW // MILLISECOND + 1


def test_two_makers_make_different_ids_at_the_same_time():
    one, other = Ids(Random(1)), Ids(Random(2))

    assert not {one.new(NOW + n) for n in range(3_000)} & {other.new(NOW + n) for n in range(3_000)}


def test_the_same_random_numbers_and_times_make_the_same_ids():
    one, other = Ids(Random(7)), Ids(Random(7))

    assert [one.new(NOW + n * 999) for n in range(5)] == [other.new(NOW + n * 999) for n in range(5)]


def test_the_id_of_a_firing_is_the_same_on_every_machine_and_in_every_version():
    assert firing_id("daily", NOW) == "01a3185c-5000-77ec-9c8a-d6f462058167"


@given(st.text(), MOMENTS)
def test_the_id_of_a_firing_is_a_uuid_of_version_7_of_its_nominal_time(schedule: str, nominal: int):
    made = UUID(firing_id(schedule, nominal))

    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == nominal // MILLISECOND


@given(st.tuples(st.text(), MOMENTS), st.tuples(st.text(), MOMENTS))
def test_two_firings_have_two_ids(one: tuple[str, int], other: tuple[str, int]):
    assert (firing_id(*one) == firing_id(*other)) == (one == other)


def test_firings_in_one_millisecond_have_different_ids():
    assert len({firing_id("fast", NOW + n) for n in range(MILLISECOND)}) == MILLISECOND


def test_the_name_of_a_schedule_cannot_imitate_the_time_of_another():
    assert firing_id("a\x001", 23) != firing_id("a", 123)


def test_a_long_key_is_told_apart_by_a_digest_that_every_index_has_room_for():
    long, other = "x" * 100_000 + "1", "x" * 100_000 + "2"

    assert fitting("x" * 500) == "x" * 500
    assert fitting(long) == fitting(long) != fitting(other)
    assert len(fitting("字" * 100_000).encode()) < 500


@given(MOMENTS, st.text(max_size=20), st.text())
def test_an_id_that_was_made_is_told_from_one_that_a_caller_chose(now: int, name: str, chosen: str):
    made = Ids(Random(0)).new(now)

    assert is_made(made)
    assert is_made(firing_id(name, now))
    assert is_made(child_id(made, name))
    assert not is_made(chosen)
