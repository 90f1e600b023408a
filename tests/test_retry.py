"""Backoff: how often, how long, and as JSON."""

from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.errors import DefinitionError
from foliot.moments import DAY, HOUR, MINUTE, SECOND
from foliot.retry import (
    NEVER,
    Backoff,
    Between,
    Delays,
    Exponential,
    Retries,
    delays,
    exponential,
    fixed,
    random,
    retries,
)

DICE = Random(1)

COUNTS = st.integers(0, 100)
LENGTHS = st.integers(0, 10 * DAY)
SHARES = st.floats(0, 1)
BACKOFFS = st.one_of(
    st.builds(Exponential, attempts=COUNTS, first=LENGTHS, factor=st.floats(1, 1e6), cap=LENGTHS, jitter=SHARES),
    st.builds(Delays, attempts=COUNTS, waits=st.lists(LENGTHS, min_size=1).map(tuple), jitter=SHARES),
    st.builds(
        lambda attempts, pair: Between(attempts=attempts, low=min(pair), high=max(pair)),
        COUNTS,
        st.tuples(LENGTHS, LENGTHS),
    ),
)


def waits(backoff: Backoff) -> list[int | None]:
    """The waits after the first failures, and what comes after the last retry."""
    return [backoff.wait(failures, DICE) for failures in range(1, backoff.attempts + 2)]


def test_exponential_backoff_doubles_up_to_its_cap_and_ends():
    backoff = exponential(5, first="1s", cap="10s", jitter=0)

    assert waits(backoff) == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 10 * SECOND, None]


def test_exponential_backoff_of_any_size_stays_at_its_cap():
    backoff = exponential(10**9, first="1s", factor=1e300, jitter=0)

    assert backoff.wait(1, DICE) == SECOND
    assert [backoff.wait(failures, DICE) for failures in (2, 50, 10**9)] == [HOUR] * 3


def test_fixed_backoff_waits_the_same_each_time():
    assert waits(fixed(3, "5s")) == [5 * SECOND, 5 * SECOND, 5 * SECOND, None]


def test_delays_are_waited_one_after_the_other():
    assert waits(delays(["1s", 2.5, timedelta(minutes=1)])) == [SECOND, 2_500_000, MINUTE, None]


def test_the_last_delay_is_waited_again_if_there_are_more_retries_than_delays():
    assert waits(Delays(attempts=4, waits=(1, 2))) == [1, 2, 2, 2, None]


def test_random_backoff_stays_between_its_bounds_and_uses_them_all():
    backoff = random(1_000, "1s", "3s")

    drawn = [backoff.wait(1, DICE) or 0 for _ in range(300)]

    assert min(drawn) >= SECOND
    assert max(drawn) <= 3 * SECOND
    assert min(drawn) < 1.3 * SECOND
    assert max(drawn) > 2.7 * SECOND


def test_never_is_no_retry_at_all():
    assert NEVER.wait(1, DICE) is None


@given(BACKOFFS, st.integers())
def test_there_are_as_many_waits_as_retries(backoff: Backoff, seed: int):
    dice = Random(seed)

    told = [backoff.wait(failures, dice) is not None for failures in range(1, backoff.attempts + 3)]

    assert told == [True] * backoff.attempts + [False, False]


@given(BACKOFFS.filter(lambda backoff: backoff.attempts > 0), st.integers(), st.data())
def test_jitter_stays_within_its_share(backoff: Backoff, seed: int, data: st.DataObject):
    failures = data.draw(st.integers(1, backoff.attempts))
    if isinstance(backoff, Between):
        low, high = backoff.low, backoff.high
    else:
        low = high = backoff.base(failures, Random(seed))

    wait = backoff.wait(failures, Random(seed))

    assert wait is not None
    assert round(low * (1 - backoff.jitter)) - 1 <= wait <= round(high * (1 + backoff.jitter)) + 1
    assert wait >= 0


@given(st.builds(Exponential, attempts=COUNTS, first=LENGTHS, factor=st.floats(1, 1e9), cap=LENGTHS))
def test_exponential_backoff_never_gets_shorter(backoff: Exponential):
    bases = [backoff.base(failures, DICE) for failures in range(1, 20)]

    assert bases == sorted(bases)
    assert bases[-1] <= backoff.cap


def test_jitter_is_drawn_from_both_sides():
    backoff = fixed(1, "100s", jitter=0.5)

    drawn = [(backoff.wait(1, DICE) or 0) / SECOND for _ in range(300)]

    assert min(drawn) < 60
    assert max(drawn) > 140


@given(BACKOFFS)
def test_a_backoff_travels_as_json(backoff: Retries):
    assert msgspec.json.decode(msgspec.json.encode(backoff), type=Retries) == backoff


def test_the_json_of_a_backoff_says_which_it_is():
    assert msgspec.to_builtins(fixed(2, 1)) == {"kind": "delays", "attempts": 2, "jitter": 0.0, "waits": (SECOND,)}
    assert msgspec.to_builtins(exponential(1))["kind"] == "exponential"
    assert msgspec.to_builtins(random(1))["kind"] == "random"


@pytest.mark.parametrize(
    ("wish", "read"),
    [
        (None, NEVER),
        (0, NEVER),
        ([], NEVER),
        (3, exponential(3)),
        (["1s", 5], delays([1, 5])),
        (("1s",), delays(["1s"])),
        (fixed(2), fixed(2)),
        (random(2), random(2)),
        (exponential(2), exponential(2)),
    ],
)
def test_retries_are_read_as_people_write_them(wish, read: Retries):
    assert retries(wish) == read


@pytest.mark.parametrize("wish", [True, 1.5, "3", "10s", {"attempts": 3}, object()])
def test_what_says_no_number_of_retries_is_refused_with_an_example(wish):
    with pytest.raises(DefinitionError, match=r"such as exponential\(3\)"):
        retries(wish)


@pytest.mark.parametrize("attempts", [-1, 1.5, 3.0, True, "3", "x", None, float("nan")])
@pytest.mark.parametrize("make", [exponential, fixed, random])
def test_a_number_of_retries_is_a_whole_number_from_0(make, attempts):
    with pytest.raises(DefinitionError, match="is not a number of retries; give a whole number from 0"):
        make(attempts)


@pytest.mark.parametrize(
    "make",
    [
        lambda: fixed(1, "-1s"),
        lambda: fixed(1, -1),
        lambda: delays([1, -1]),
        lambda: exponential(1, first=-1),
        lambda: exponential(1, cap=-1),
        lambda: random(1, -1, 1),
    ],
)
def test_no_wait_is_negative(make):
    with pytest.raises(DefinitionError, match=r"negative|is not a length of time"):
        make()


@pytest.mark.parametrize("factor", [0.5, 0, -1, float("nan")])
def test_a_factor_does_not_shorten(factor: float):
    with pytest.raises(DefinitionError, match="give 1 or more"):
        exponential(3, factor=factor)


@pytest.mark.parametrize("jitter", [-0.1, 1.1, float("nan")])
def test_jitter_is_a_share(jitter: float):
    with pytest.raises(DefinitionError, match="give a number from 0 to 1"):
        fixed(3, jitter=jitter)


def test_the_bounds_of_random_waits_are_in_order():
    with pytest.raises(DefinitionError, match="swap them"):
        random(3, "2s", "1s")
