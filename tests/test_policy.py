"""Policy is pure, so its tests are tables: a schedule and a time in, what should happen out."""

from random import Random

import pytest
from msgspec.structs import replace

from foliot import triggers
from foliot.control import Cancel, Retry, Skip, Snooze
from foliot.ids import firing_id
from foliot.model import (
    Attempt,
    Catchup,
    Clash,
    Failure,
    Hold,
    Outcome,
    Overlap,
    Pause,
    Run,
    Schedule,
    State,
    Terms,
)
from foliot.moments import DAY, HOUR, MINUTE, SECOND, instant
from foliot.options import JobOptions
from foliot.policy import (
    PAGE,
    PUNCTUAL,
    STRANGER_PATIENCE,
    Died,
    GivenBack,
    Raised,
    Returned,
    Stopped,
    TimedOut,
    admit,
    conclude,
    created,
    fire,
    follow,
    overlapping,
    renewed,
    time_left,
    unreadable,
)
from foliot.retry import fixed

NOON = instant("2026-06-01T12:00:00+00:00")
HOURLY = triggers.cron("0 * * * *")


def schedule(**fields: object) -> Schedule:
    return replace(Schedule(id="s", job="j", trigger=triggers.dumps(HOURLY), created_at=0, wakes_at=NOON), **fields)


def run(**fields: object) -> Run:
    return replace(Run(id="r", job="j", due_at=NOON, created_at=NOON, state=State.RUNNING, token=1), **fields)


def outcomes(firing_runs: tuple[Run, ...]) -> list[tuple[int | None, State]]:
    return [(each.nominal_at, each.state) for each in firing_runs]


# Firing


def test_what_is_not_due_fires_nothing():
    firing = fire(schedule(wakes_at=NOON + 1), HOURLY, NOON)

    assert firing.runs == ()
    assert firing.schedule == schedule(wakes_at=NOON + 1)


def test_a_due_instant_leaves_one_run_and_the_next_time():
    firing = fire(schedule(version=7), HOURLY, NOON + SECOND)

    assert outcomes(firing.runs) == [(NOON, State.PENDING)]
    assert firing.expect == 7
    assert firing.schedule.wakes_at == NOON + HOUR
    assert (firing.schedule.last_at, firing.schedule.last_run) == (NOON, firing.runs[0].id)


def test_the_id_of_a_fired_run_comes_from_schedule_and_instant():
    [fired] = fire(schedule(), HOURLY, NOON).runs

    assert fired.id == firing_id("s", NOON)


@pytest.mark.parametrize(
    ("catchup", "ran"),
    [
        (Catchup.LATEST, [3]),
        (Catchup.EARLIEST, [0]),
        (Catchup.ALL, [0, 1, 2, 3]),
        (Catchup.NONE, []),
    ],
)
def test_every_missed_instant_is_run_or_recorded_as_its_catchup_says(catchup: Catchup, ran: list[int]):
    firing = fire(schedule(catchup=catchup), HOURLY, NOON + 3 * HOUR + PUNCTUAL + 1)

    assert [each.nominal_at for each in firing.runs] == [NOON + n * HOUR for n in range(4)]
    assert [n for n, each in enumerate(firing.runs) if each.state is State.PENDING] == ran
    assert all(each.reason and "missed" in each.reason for each in firing.runs if each.state is State.SKIPPED)


def test_without_catchup_a_punctual_firing_still_runs():
    firing = fire(schedule(catchup=Catchup.NONE), HOURLY, NOON + PUNCTUAL)

    assert outcomes(firing.runs) == [(NOON, State.PENDING)]


def test_catching_up_with_all_is_bounded():
    firing = fire(schedule(catchup=Catchup.ALL, most=2), HOURLY, NOON + 3 * HOUR)

    assert [each.state for each in firing.runs] == [State.PENDING, State.PENDING, State.SKIPPED, State.SKIPPED]


@pytest.mark.parametrize(("catchup", "ran"), [(Catchup.LATEST, [249]), (Catchup.EARLIEST, [0])])
def test_a_long_gap_takes_several_rounds_and_decides_as_one(catchup: Catchup, ran: list[int]):
    minutely, standing, now = triggers.cron("* * * * *"), schedule(catchup=catchup), NOON + 249 * MINUTE
    records: list[Run] = []

    while standing.wakes_at is not None and standing.wakes_at <= now:
        firing = fire(standing, minutely, now)
        assert len(firing.runs) <= PAGE
        records += firing.runs
        standing = firing.schedule

    assert [each.nominal_at for each in records] == [NOON + n * MINUTE for n in range(250)]
    assert [n for n, each in enumerate(records) if each.state is State.PENDING] == ran
    assert standing.behind == 0


def test_what_lies_outside_the_window_is_one_record_together():
    firing = fire(schedule(window=2 * HOUR), HOURLY, NOON + 10 * HOUR)

    assert [each.nominal_at for each in firing.runs] == [NOON, NOON + 8 * HOUR, NOON + 9 * HOUR, NOON + 10 * HOUR]
    assert "window" in (firing.runs[0].reason or "")
    assert firing.runs[-1].state is State.PENDING


def test_a_lone_instant_outside_the_window_is_not_run():
    daily = triggers.cron("0 12 * * *")

    firing = fire(schedule(window=HOUR), daily, NOON + 2 * HOUR)

    assert [each.state for each in firing.runs] == [State.SKIPPED]
    assert firing.schedule.wakes_at == NOON + DAY


def test_a_skipped_occurrence_is_recorded_and_forgotten():
    firing = fire(schedule(skips=(NOON, NOON + 5 * HOUR)), HOURLY, NOON)

    assert [(each.state, each.reason) for each in firing.runs] == [(State.SKIPPED, "skipped by hand")]
    assert firing.schedule.skips == (NOON + 5 * HOUR,)


def test_a_trigger_without_more_instants_ends_the_schedule():
    once = triggers.at("2026-06-01T12:00:00+00:00")

    firing = fire(schedule(), once, NOON)

    assert outcomes(firing.runs) == [(NOON, State.PENDING)]
    assert firing.schedule.wakes_at is None


@pytest.mark.parametrize("overlap", list(Overlap))
def test_each_overlap_is_said_to_the_store_by_key_and_lane(overlap: Overlap):
    unique, lanes = overlapping("s", overlap)

    said = (unique and (unique.clash, unique.hold), lanes)
    assert (
        said
        == {
            Overlap.SKIP: ((Clash.SKIP, Hold.OVER), ()),
            Overlap.DELAY: ((Clash.SKIP, Hold.OVER), ()),
            Overlap.QUEUE: (None, ("overlap#s",)),
            Overlap.QUEUE_ONE: ((Clash.SKIP, Hold.START), ("overlap#s",)),
            Overlap.REPLACE: ((Clash.REPLACE, Hold.OVER), ("overlap#s",)),
            Overlap.ALLOW: (None, ()),
        }[overlap]
    )


def test_with_overlap_delay_the_schedule_follows_its_run():
    firing = fire(schedule(overlap=Overlap.DELAY), HOURLY, NOON)

    assert firing.schedule.follows == firing.runs[0].id
    assert firing.runs[0].terms == Terms(followed=True)


def test_a_followed_run_that_is_live_is_looked_at_again_later():
    firing = follow(schedule(follows="r"), HOURLY, run(), NOON)

    assert firing.schedule.follows == "r"
    assert firing.schedule.wakes_at is not None
    assert firing.schedule.wakes_at > NOON


def test_the_end_of_a_followed_run_sets_the_next_time():
    ended = run(state=State.FAILED, finished_at=NOON + 30 * MINUTE)

    firing = follow(schedule(follows="r"), HOURLY, ended, NOON + 50 * MINUTE)

    assert (firing.schedule.follows, firing.schedule.wakes_at) == (None, NOON + HOUR)


def test_a_run_that_ended_by_a_clock_set_back_lets_no_instant_fire_again():
    ended = run(state=State.SUCCEEDED, finished_at=NOON - 30 * MINUTE)

    firing = follow(schedule(follows="r", last_at=NOON), HOURLY, ended, NOON - 30 * MINUTE)

    assert firing.schedule.wakes_at == NOON + HOUR


def test_a_trigger_that_cannot_be_read_pauses_its_schedule_with_the_reason():
    firing = unreadable(schedule(), "unknown kind 'moon'", NOON)

    assert firing.schedule.wakes_at is None
    assert firing.schedule.paused is not None
    assert "moon" in firing.schedule.paused.note


# Declaring anew


def declared(text: str, now: int) -> Schedule:
    return created(Schedule(id="s", job="j", trigger="", created_at=now), triggers.cron(text), now)


def test_an_unchanged_schedule_keeps_its_next_time():
    kept = replace(declared("0 * * * *", NOON), fired=3, last_at=NOON)

    again = renewed(kept, declared("0 * * * *", NOON + 10 * HOUR))

    assert again.wakes_at == kept.wakes_at
    assert (again.fired, again.last_at) == (3, NOON)


def test_a_changed_trigger_counts_from_now_and_never_fires_by_surprise():
    kept = declared("0 * * * *", NOON)

    again = renewed(kept, declared("30 * * * *", NOON + 10 * HOUR))

    assert again.wakes_at == NOON + 10 * HOUR + 30 * MINUTE


def test_a_paused_schedule_stays_paused_when_declared_anew():
    kept = replace(declared("0 * * * *", NOON), wakes_at=None, paused=Pause(at=NOON, note="why"))

    again = renewed(kept, declared("30 * * * *", NOON))

    assert (again.wakes_at, again.paused) == (None, kept.paused)


def test_an_interval_keeps_its_phase_across_restarts():
    first = created(Schedule(id="s", job="j", trigger="", created_at=0), triggers.every("1h"), NOON)
    later = created(Schedule(id="s", job="j", trigger="", created_at=0), triggers.every("1h"), NOON + 90 * MINUTE)

    again = renewed(first, later)

    assert again.trigger == first.trigger
    assert again.wakes_at == NOON + HOUR


# Admitting

RULES = JobOptions()
LOST = Attempt(token=1, worker="w", started_at=0, ended_at=1, outcome=Outcome.LOST)


def test_a_trigger_that_many_schedules_share_finds_its_next_time_anew_once_that_has_come():
    nightly = triggers.cron("0 3 * * *")
    at = [NOON, NOON + HOUR, NOON + 15 * HOUR - 1, NOON + 15 * HOUR, NOON + 2 * DAY, NOON]

    firsts = [created(Schedule(id=f"s-{n}", job="j", trigger="", created_at=0), nightly, n).wakes_at for n in at]

    assert firsts == [nightly.next_at(n) for n in at]


@pytest.mark.parametrize(
    ("claimed", "state", "says"),
    [
        (run(cancelling="not needed"), State.CANCELLED, "not needed"),
        (run(expires_at=NOON), State.SKIPPED, "expired"),
        (run(deadline_at=NOON), State.FAILED, "deadline"),
        (run(attempts=(LOST,) * 4), State.FAILED, "crashed too often"),
    ],
)
def test_a_claimed_run_may_end_without_being_executed(claimed: Run, state: State, says: str):
    ending = admit(claimed, RULES, {}, NOON)

    assert ending is not None
    assert ending.state is state
    assert says in (ending.reason or "")


@pytest.mark.parametrize(
    "claimed",
    [run(), run(expires_at=NOON + 1), run(expires_at=NOON, attempts=(LOST,)), run(attempts=(LOST,) * 3)],
)
def test_a_claimed_run_is_admitted(claimed: Run):
    assert admit(claimed, RULES, {}, NOON) is None


def test_a_run_whose_upstream_failed_is_skipped():
    around = {each.id: each for each in (run(id="a", state=State.SUCCEEDED), run(id="b", state=State.FAILED))}

    ending = admit(run(after=("a", "b")), RULES, around, NOON)

    assert ending is not None
    assert (ending.state, ending.reason) == (State.SKIPPED, "upstream failed: b")


def test_a_lost_run_of_a_job_that_may_run_once_only_is_not_run_again():
    ending = admit(run(attempts=(LOST,)), JobOptions(at_most_once=True), {}, NOON)

    assert ending is not None
    assert ending.state is State.FAILED


def test_an_unknown_job_is_looked_at_again_and_one_day_given_up():
    soon = admit(run(), None, {}, NOON)
    late = admit(run(), None, {}, NOON + STRANGER_PATIENCE + 1)

    assert soon is not None
    assert soon.state is State.PENDING
    assert (soon.due_at or 0) > NOON
    assert late is not None
    assert late.state is State.FAILED


def test_an_unknown_job_that_is_looked_at_again_and_again_waits_longer_each_time_and_not_for_ever():
    first = admit(run(started_at=NOON), None, {}, NOON)
    assert first is not None
    assert first.outcome is Outcome.SNOOZED
    kept = Attempt(token=1, worker="w", started_at=NOON)

    again = admit(run(due_at=NOON + MINUTE, reason=first.reason, attempts=(kept,)), None, {}, NOON + MINUTE)
    late = NOON + STRANGER_PATIENCE + 1
    last = admit(run(due_at=late, reason=first.reason, attempts=(kept,)), None, {}, late)

    assert again is not None
    assert (again.due_at, again.outcome) == (NOON + 2 * MINUTE, None)
    assert last is not None
    assert last.state is State.FAILED


# Concluding

BOOM = Failure(kind="ValueError", message="boom")
RETRYING = JobOptions(retries=fixed(2, "10s"), give_up_on=(KeyError,))


def concluded(claimed: Run, rules: JobOptions, what: object):
    return conclude(claimed, rules, what, NOON, Random(0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "state", "failed", "due"),
    [
        (Returned("42"), State.SUCCEEDED, False, None),
        (Stopped("why"), State.CANCELLED, False, None),
        (GivenBack(), State.PENDING, False, NOON),
        (GivenBack(begun=True), State.PENDING, False, NOON),
        (Raised(ValueError("boom"), BOOM), State.PENDING, True, NOON + 10 * SECOND),
        (Raised(KeyError("gone"), BOOM), State.FAILED, True, None),
        (TimedOut(SECOND), State.PENDING, True, NOON + 10 * SECOND),
        (Raised(Cancel("enough"), BOOM), State.CANCELLED, False, None),
        (Raised(Skip("nothing to do"), BOOM), State.SKIPPED, False, None),
        (Raised(Snooze("1m"), BOOM), State.PENDING, False, NOON + MINUTE),
        (Raised(Retry(after="5s"), BOOM), State.PENDING, True, NOON + 5 * SECOND),
        (Raised(Retry(), BOOM), State.PENDING, True, NOON + 10 * SECOND),
        (Died(BOOM), State.PENDING, False, NOON + 10 * SECOND),
    ],
)
def test_each_conclusion_ends_a_run_its_own_way(what: object, state: State, failed: bool, due: int | None):
    ending = concluded(run(), RETRYING, what)

    assert (ending.state, ending.failed, ending.due_at) == (state, failed, due)


@pytest.mark.parametrize(("begun", "state"), [(False, State.PENDING), (True, State.FAILED)])
def test_a_job_that_may_run_once_only_is_given_back_only_before_it_has_begun(begun: bool, state: State):
    ending = concluded(run(), JobOptions(at_most_once=True), GivenBack(begun=begun))

    assert ending.state is state
    assert ("its worker shut down" in (ending.reason or "")) is begun


def test_the_last_failure_fails_the_run():
    ending = concluded(run(failures=2), RETRYING, Raised(ValueError("boom"), BOOM))

    assert (ending.state, ending.error) == (State.FAILED, BOOM)
    assert "3 of 3" in (ending.reason or "")


def test_a_caller_may_ask_for_other_retries():
    ending = concluded(run(terms=Terms(retries=fixed(0))), RETRYING, Raised(ValueError("boom"), BOOM))

    assert ending.state is State.FAILED


def test_a_retry_that_would_come_after_the_deadline_is_not_waited_for():
    ending = concluded(run(deadline_at=NOON + 5 * SECOND), RETRYING, Raised(ValueError("boom"), BOOM))

    assert (ending.state, "deadline" in (ending.reason or "")) == (State.FAILED, True)


def test_a_job_that_crashes_its_worker_too_often_is_put_aside():
    ending = concluded(run(attempts=(LOST,) * 3), JobOptions(max_crashes=3), Died(BOOM))

    assert ending.state is State.FAILED
    assert "crashed too often" in (ending.reason or "")


def test_a_crash_is_kept_apart_from_failures():
    ending = concluded(run(), RETRYING, Died(BOOM))

    assert (ending.outcome, ending.failed) == (Outcome.CRASHED, False)


@pytest.mark.parametrize(
    ("claimed", "timeout", "left"),
    [
        (run(), None, None),
        (run(), MINUTE, MINUTE),
        (run(terms=Terms(timeout=SECOND)), MINUTE, SECOND),
        (run(deadline_at=NOON + SECOND), MINUTE, SECOND),
    ],
)
def test_an_attempt_may_take_its_timeout_or_what_is_left_of_the_deadline(
    claimed: Run, timeout: int | None, left: int | None
):
    assert time_left(claimed, timeout, NOON) == left
