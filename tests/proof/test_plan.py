"""The plan of faults: repeated by its seed, and sparing enough that something can work between."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from foliot.moments import MINUTE, SECOND
from foliot.testing.faults.plan import OF_THE_STORE, REST, Fault, Kind, planned


def a_plan(seed: int, kinds: frozenset[Kind] = frozenset(Kind)) -> tuple[Fault, ...]:
    return planned(seed, MINUTE, 4, kinds, lease=2 * SECOND, jump=5 * SECOND, pace=SECOND)


@given(st.integers(0, 10**6))
def test_the_same_seed_plans_the_same_faults(seed: int):
    assert a_plan(seed) == a_plan(seed)


def test_other_seeds_plan_other_faults():
    assert len({a_plan(seed) for seed in range(20)}) == 20


@given(st.integers(0, 10**6))
def test_the_store_rests_between_two_of_its_faults(seed: int):
    of_the_store = [fault for fault in a_plan(seed) if fault.kind in OF_THE_STORE]

    assert all(later.at >= earlier.ends + REST for earlier, later in pairwise(of_the_store))


@given(st.integers(0, 10**6))
def test_a_frozen_process_sleeps_past_its_lease(seed: int):
    frozen = [fault for fault in a_plan(seed) if fault.kind is Kind.FREEZE]

    assert all(fault.lasts > 2 * SECOND for fault in frozen)


@given(st.integers(0, 10**6))
def test_only_what_can_happen_there_is_planned(seed: int):
    kinds = frozenset({Kind.KILL, Kind.STORE_LOCK})

    assert {fault.kind for fault in a_plan(seed, kinds)} <= kinds


def test_everything_that_can_happen_is_planned_sometimes():
    assert {fault.kind for seed in range(30) for fault in a_plan(seed)} == set(Kind)
