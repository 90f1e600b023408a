import pickle
from datetime import timedelta

import pytest

from foliot.control import Cancel, Control, Retry, Skip, Snooze
from foliot.errors import DefinitionError, FoliotError
from foliot.moments import MINUTE, SECOND


def test_steering_a_run_is_not_an_error():
    assert all(issubclass(each, Control) for each in (Retry, Snooze, Cancel, Skip))
    assert not issubclass(Control, FoliotError)


@pytest.mark.parametrize("after", ["5m", 300, timedelta(minutes=5)])
def test_a_wait_is_any_length_of_time(after):
    assert Retry(after).after == Snooze(after).after == 5 * MINUTE


def test_a_retry_without_a_wait_leaves_the_wait_to_the_job():
    assert Retry(reason="not ready").after is None


@pytest.mark.parametrize("steer", [Retry, Snooze])
def test_a_wait_into_the_past_is_refused(steer):
    with pytest.raises(DefinitionError, match="wait for zero or longer"):
        steer(-1)


@pytest.mark.parametrize(
    "raised",
    [
        Retry("1.5s", "busy"),
        Retry(),
        Snooze(timedelta(microseconds=7), "later"),
        Cancel("enough"),
        Skip("nothing new"),
    ],
)
def test_what_is_raised_travels_between_processes(raised):
    there = pickle.loads(pickle.dumps(raised))  # noqa: S301 - our own

    assert type(there) is type(raised)
    assert vars(there) == vars(raised)


def test_the_reason_is_the_message():
    assert str(Snooze(30, "the file is not there yet")) == "the file is not there yet"
    assert Snooze(30).after == 30 * SECOND
