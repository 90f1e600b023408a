"""The vocabulary: frozen values that travel as JSON, and what a run says of itself."""

from inspect import Parameter, signature

import msgspec
import pytest

from foliot import model
from foliot.model import (
    AGEING,
    LIVE,
    Attempt,
    Failure,
    Limit,
    Outcome,
    Placement,
    Progress,
    Run,
    Schedule,
    State,
    Terms,
    Unique,
    Value,
    family,
)
from foliot.retry import exponential

NOW = 1_000
BROKEN = Failure(kind="ValueError", message="no", traceback="line 1")


def a_run(**fields) -> Run:
    return msgspec.structs.replace(Run(id="a", job="job", due_at=NOW, created_at=0, wakes_at=NOW), **fields)


def values() -> list[type[Value]]:
    return [
        each
        for each in vars(model).values()
        if isinstance(each, type) and issubclass(each, Value) and each is not Value
    ]


# Values


@pytest.mark.parametrize("kind", values(), ids=lambda kind: kind.__name__)
def test_every_value_is_frozen_and_takes_keywords_only(kind: type[Value]):
    assert kind.__struct_config__.frozen
    assert {each.kind for each in signature(kind).parameters.values()} == {Parameter.KEYWORD_ONLY}


def test_a_value_cannot_be_changed():
    with pytest.raises(AttributeError):
        a_run().state = State.RUNNING  # pyright: ignore[reportAttributeAccessIssue]


def test_two_runs_do_not_share_what_they_were_not_given():
    one, other = a_run(), a_run()

    one.meta["tenant"] = "acme"

    assert other.meta == {}


def test_a_run_travels_as_json():
    run = a_run(
        terms=Terms(timeout=5, retries=exponential(3)),
        unique=Unique(key="k", until=2**53 + 1),
        attempts=(Attempt(token=1, worker="w", started_at=3, outcome=Outcome.FAILED, error=BROKEN),),
        progress=Progress(done=0.5, total=1),
        tags=("x",),
        meta={"deep": {"er": [1, None]}},
    )

    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


def test_a_schedule_travels_as_json():
    schedule = Schedule(
        id="s", job="job", trigger="{}", created_at=0, placement=Placement(lanes=("key/k",)), skips=(1, 2)
    )

    assert msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule) == schedule


# States


def test_a_run_is_live_or_over():
    assert {state for state in State if not state.over} == LIVE == {State.PENDING, State.RUNNING}


def test_every_way_for_a_run_to_be_over_is_a_way_for_an_attempt_to_end():
    assert {state.value for state in State if state.over} <= {outcome.value for outcome in Outcome}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "pending"),
        ({"due_at": NOW + 1}, "scheduled"),
        ({"waits": 2, "wakes_at": None}, "waiting"),
        ({"parked": "queue/default", "wakes_at": None}, "waiting"),
        ({"failures": 1, "due_at": NOW + 1}, "retrying"),
        ({"failures": 1, "waits": 1}, "waiting"),
        ({"state": State.RUNNING, "wakes_at": NOW + 1}, "running"),
        ({"state": State.RUNNING, "wakes_at": NOW + 1, "cancelling": "by hand"}, "cancelling"),
        ({"state": State.RUNNING, "wakes_at": NOW}, "lost"),
        ({"state": State.RUNNING, "wakes_at": NOW, "cancelling": "by hand"}, "lost"),
        ({"state": State.SUCCEEDED, "wakes_at": None, "failures": 1}, "succeeded"),
        ({"state": State.SKIPPED, "wakes_at": None, "due_at": NOW + 1}, "skipped"),
    ],
)
def test_a_run_is_shown_as_people_see_it(fields: dict[str, object], shown: str):
    assert a_run(**fields).shown(NOW) == shown


# Places, lanes and order


def test_a_run_is_looked_for_in_its_queue_or_by_the_worker_it_is_meant_for():
    assert a_run(queue="mail").place == "mail"
    assert a_run(queue="mail", target="w1").place == "@w1"


def test_a_run_takes_a_place_in_the_lanes_of_its_queue_and_its_job_and_in_its_own():
    assert a_run(queue="mail", job="send", lanes=("key/k",)).every_lane == ("queue/mail", "job/send", "key/k")


@pytest.mark.parametrize(
    ("lane", "of"),
    [
        ("key/resize#a.png", "key/resize"),
        ("key/resize#a#b", "key/resize"),
        ("key/resize", "key/resize"),
        ("queue/mail", "queue/mail"),
        ("key/#", "key/"),
    ],
)
def test_a_lane_is_of_the_family_before_its_first_hash(lane: str, of: str):
    assert family(lane) == of
    assert family(of) == of


def test_a_minute_of_waiting_is_worth_a_priority():
    late_and_important = a_run(wakes_at=NOW + AGEING, priority=6)

    assert late_and_important.rank == a_run(wakes_at=NOW, priority=5).rank
    assert a_run(priority=6).rank < a_run(priority=5).rank
    assert a_run(wakes_at=NOW - 1).rank < a_run(wakes_at=NOW).rank


def test_a_run_that_sleeps_is_ranked_by_when_it_was_due():
    assert a_run(wakes_at=None, parked="key/k").rank == a_run(wakes_at=NOW).rank


def test_a_lapsed_run_is_ranked_by_the_end_of_its_lease():
    assert a_run(state=State.RUNNING, wakes_at=NOW + 5).rank == a_run(due_at=NOW + 5, wakes_at=NOW + 5).rank


# The timeline


def test_a_run_that_never_started_has_no_attempts():
    assert a_run().timeline == ()
    assert a_run(state=State.CANCELLED, finished_at=9).timeline == ()


def test_the_attempt_under_way_has_no_end_yet():
    run = a_run(state=State.RUNNING, token=1, worker="w", started_at=5)

    assert run.timeline == (Attempt(token=1, worker="w", started_at=5),)


def test_the_last_attempt_ends_as_the_run_does():
    lost = Attempt(token=1, worker="w1", started_at=1, ended_at=2, outcome=Outcome.LOST)
    run = a_run(state=State.FAILED, token=2, worker="w2", started_at=5, finished_at=9, error=BROKEN, attempts=(lost,))

    failed = Attempt(token=2, worker="w2", started_at=5, ended_at=9, outcome=Outcome.FAILED, error=BROKEN)
    assert run.timeline == (lost, failed)


def test_between_attempts_the_timeline_is_what_has_been():
    failed = Attempt(token=1, worker="w", started_at=1, ended_at=2, outcome=Outcome.FAILED)

    assert a_run(token=1, attempts=(failed,)).timeline == (failed,)


# Limits


def test_a_limit_that_says_nothing_limits_nothing():
    limit = Limit(id="queue/mail")

    assert (limit.running, limit.starts, limit.per, limit.paused) == (None, None, None, None)
