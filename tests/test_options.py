"""Options are read once, and what makes no sense is refused by name."""

import pytest

from foliot.errors import JobError
from foliot.model import Catchup, Limit, Overlap
from foliot.moments import MINUTE, SECOND
from foliot.options import JobOptions, RunOptions, ScheduleOptions, read, split
from foliot.retry import Exponential


def test_lengths_are_read_as_microseconds():
    options = read(JobOptions, {"timeout": "90s", "deadline": 60}, "job 'a'")

    assert (options.timeout, options.deadline) == (90 * SECOND, MINUTE)


def test_a_number_of_retries_is_exponential_backoff():
    assert isinstance(read(JobOptions, {"retries": 3}, "job 'a'").retries, Exponential)


@pytest.mark.parametrize(
    ("kind", "wishes", "says"),
    [
        (JobOptions, {"timout": "5s"}, "did you mean 'timeout'"),
        (JobOptions, {"overlaap": "skip"}, "did you mean 'overlap'"),
        (JobOptions, {"zzz": 1}, "unknown option 'zzz'; there are: "),
        (JobOptions, {"timeout": 0}, "timeout=0: give a length of time above zero"),
        (JobOptions, {"timeout": "soon"}, "'soon' is not a length of time"),
        (JobOptions, {"priority": 10}, "from 0 (last) to 9 (first)"),
        (JobOptions, {"priority": True}, "from 0 (last) to 9 (first)"),
        (JobOptions, {"concurrency": 0}, "a whole number from 1"),
        (JobOptions, {"max_crashes": -1}, "a whole number from 0"),
        (JobOptions, {"limit": "many"}, "write a rate like '100/m'"),
        (JobOptions, {"limit": "0/s"}, "write a rate like '100/m'"),
        (JobOptions, {"executor": "gpu"}, "choose 'inline', 'threads' or 'processes'"),
        (JobOptions, {"retry_on": "ValueError"}, "an exception class or a tuple of them"),
        (JobOptions, {"on_success": 1}, "give a function `(run, outcome)`"),
        (JobOptions, {"on_failure": lambda run: None}, "give a function `(run, outcome)`"),
        (JobOptions, {"middleware": [lambda call: None]}, "functions `async (call, next)`"),
        (JobOptions, {"middleware": print}, "a list of functions"),
        (JobOptions, {"tags": "a"}, "a list of texts"),
        (JobOptions, {"tags": [" "]}, "' ' tells nothing apart"),
        (JobOptions, {"tags": ["\udce9"]}, "without half a surrogate pair"),
        (JobOptions, {"key": "a\0b"}, "without NUL"),
        (JobOptions, {"retries": "x"}, "retries='x': give a number of retries, a list of waits"),
        (JobOptions, {"timeout": "99999999d"}, "longer than a thousand years"),
        (JobOptions, {"timeout": f"{'9' * 400}d"}, "longer than a thousand years"),
        (JobOptions, {"unique_for": "1h"}, "give 'unique', too"),
        (JobOptions, {"unique": True, "unique_for": "1h", "debounce": "5s"}, "give one of the two"),
        (RunOptions, {"unique": True, "unique_for": "1h", "debounce": "5s"}, "give one of the two"),
        (ScheduleOptions, {"most": 3}, "most=3 bounds catchup='all', and catchup is 'latest'"),
        (JobOptions, {"meta": [1]}, "a mapping with text keys"),
        (JobOptions, {"name": " "}, "a text of 1 to 200 characters"),
        (JobOptions, {"at_most_once": 1}, "True or False"),
        (RunOptions, {"after": -1}, "a length of time from zero"),
        (RunOptions, {"queue": "mail+gpu"}, "a name without '+' and '@'"),
        (ScheduleOptions, {"overlap": "never"}, "choose one of 'skip', 'queue'"),
        (ScheduleOptions, {"catchup": "some"}, "choose one of 'latest'"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(kind: type, wishes: dict[str, object], says: str):
    with pytest.raises(JobError) as refused:
        read(kind, wishes, "job 'a'")

    assert "job 'a'" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "starts", "per"), [("100/m", 100, MINUTE), ("5/s", 5, SECOND), ("10/30s", 10, 30 * SECOND)]
)
def test_a_rate_is_starts_per_time(text: str, starts: int, per: int):
    assert read(JobOptions, {"limit": text}, "").limit == (starts, per)


def test_a_job_declares_the_limits_of_its_lanes():
    options = read(JobOptions, {"concurrency": 2, "limit": "5/s", "per_key": 1}, "")

    assert options.limits("a") == [
        Limit(id="job/a", running=2, starts=5, per=SECOND),
        Limit(id="key/a", running=1),
    ]


def test_a_schedule_s_words_are_read_as_its_policies():
    options = read(ScheduleOptions, {"overlap": "replace", "catchup": "all"}, "")

    assert (options.overlap, options.catchup) == (Overlap.REPLACE, Catchup.ALL)


def test_a_decorator_s_keywords_are_parted_between_job_and_schedule():
    of_job, of_schedule = split({"retries": 1, "overlap": "skip", "schedule_id": "nightly"})

    assert of_job == {"retries": 1}
    assert of_schedule == {"overlap": "skip", "id": "nightly"}


def test_a_callback_that_does_not_tell_what_it_takes_is_taken_at_its_word():
    assert read(JobOptions, {"on_success": max}, "job 'a'").on_success is max
