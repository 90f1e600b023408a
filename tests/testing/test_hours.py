"""When hours find a difference, people can read what it is and how to get there."""

import pytest
from tests.stores.sitting import differs_within

from foliot.model import Added, Batch, Fate, Run
from foliot.stores.memory import MemoryStore
from foliot.testing.hours.pair import assert_alike, batch_alike, brief


def a_run(name: str, **fields) -> Run:
    return Run(id=name, job="job", due_at=0, created_at=0, **fields)


def test_what_differs_is_named_and_nothing_else():
    expected, actual = [a_run("a"), a_run("b", wakes_at=5)], [a_run("a"), a_run("b", wakes_at=7)]

    with pytest.raises(AssertionError) as told:
        assert_alike("the answer to find", expected, actual)

    assert str(told.value).splitlines() == [
        "the answer to find differs (reference, then subject):",
        "  [1].wakes_at: 5, 7",
    ]


def test_runs_that_only_one_store_tells_are_named_by_their_ids():
    expected, actual = Batch(runs=(a_run("a"), a_run("b"))), Batch(runs=(a_run("a"),))

    with pytest.raises(AssertionError, match=r"runs: \['a', 'b'\], \['a'\]"):
        assert_alike("the batch", expected, actual)


def test_what_is_alike_passes():
    assert_alike("the answer", [a_run("a")], [a_run("a")])


def test_a_full_batch_may_say_anything_about_when_to_come_back():
    alike = batch_alike(1, now=10)

    assert alike(Batch(runs=(a_run("a"),), wake_at=3)) == alike(Batch(runs=(a_run("a"),)))


def test_any_time_up_to_now_means_come_back_now():
    alike = batch_alike(2, now=10)

    assert alike(Batch(wake_at=3)) == alike(Batch(wake_at=10))
    assert alike(Batch(wake_at=11)) != alike(Batch(wake_at=10))
    assert alike(Batch(wake_at=None)) != alike(Batch(wake_at=10))


def test_values_are_told_in_few_words():
    assert brief([Added(id="a", fate=Fate.ADDED), None, 3]) == "[Added(id=a, fate=added), None, 3]"
    assert brief(a_run("a", queue="mail")) == "Run(id=a, job=job, due_at=0, created_at=0, queue=mail)"
    assert brief(a_run("a", token=2)) == "a/2 pending"


def test_hours_tell_nothing_apart_from_itself():
    assert not differs_within(8, lambda _: MemoryStore())
