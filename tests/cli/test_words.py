from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from foliot.cli.words import Words, bounds, brief, lasting, many, progress, why
from foliot.model import Attempt, Failure, Limit, Outcome, Progress, Run, State
from foliot.moments import DAY, HOUR, MINUTE, SECOND, instant, moment

NINE = instant("2026-11-21T09:00:00.012345Z")
RUN = Run(id="r", job="resize", due_at=NINE, created_at=NINE)
UTC = Words(now=NINE, utc=True)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (None, "-"),
        (0, "0ms"),
        (764, "0.764ms"),
        (2_880, "2.88ms"),
        (250_000, "250ms"),
        (1_250_000, "1.25s"),
        (42 * SECOND, "42s"),
        (2 * MINUTE + 3 * SECOND, "2m 3s"),
        (5 * MINUTE, "5m"),
        (DAY + 2 * HOUR + 3 * MINUTE, "1d 2h"),
        (2 * DAY + 3 * MINUTE, "2d"),
        (-5 * MINUTE, "-5m"),
    ],
)
def test_a_length_is_told_in_its_two_largest_units(length: int | None, text: str):
    assert lasting(length) == text


def test_times_in_utc_say_so():
    assert UTC.time(NINE) == "2026-11-21 09:00:00Z"
    assert UTC.clock(NINE) == "09:00:00.012Z"


def test_times_are_told_in_the_zone_of_this_machine():
    local = Words(now=NINE)

    assert local.time(NINE) == f"{moment(NINE).astimezone():%Y-%m-%d %H:%M:%S}"


def test_what_is_not_known_is_a_dash():
    assert UTC.time(None) == UTC.clock(None) == UTC.seen(None) == "-"


def test_a_time_is_seen_from_now():
    assert UTC.away(NINE + 5 * MINUTE) == "in 5m"
    assert changed(UTC, now=NINE + 3 * SECOND).seen(NINE) == "2026-11-21 09:00:00Z (3s ago)"


def test_counts_have_their_nouns():
    assert [many(1, "run"), many(1203, "run"), many(2, "query", "queries")] == ["1 run", "1,203 runs", "2 queries"]


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (RUN, ""),
        (replace(RUN, parked="queue/mail"), "no room in queue/mail"),
        (replace(RUN, waits=2), "waits for 2 runs"),
        (replace(RUN, progress=Progress(done=4, total=10, note="resizing")), "40 % (4 of 10) resizing"),
        (replace(RUN, state=State.SUCCEEDED, progress=Progress(done=10, total=10)), ""),
        (replace(RUN, state=State.SKIPPED, reason="overlap with x"), "overlap with x"),
        (
            replace(
                RUN,
                state=State.FAILED,
                reason="failed after 1 of 1 attempts",
                error=Failure(kind="E", message="no\nway"),
            ),
            "failed after 1 of 1 attempts: E: no",
        ),
        (replace(RUN, state=State.FAILED, error=Failure(kind="E", message="")), "E"),
        (
            replace(
                RUN,
                failures=1,
                attempts=(
                    Attempt(
                        token=1, worker="w", started_at=1, outcome=Outcome.FAILED, error=Failure(kind="E", message="no")
                    ),
                ),
            ),
            "failed: E: no",
        ),
    ],
)
def test_a_run_says_why_it_is_as_it_is(run: Run, text: str):
    assert why(run) == text


def test_progress_without_a_total_is_a_number():
    assert progress(Progress(done=7)) == "7"


def test_no_failure_is_nothing():
    assert brief(None) == ""


def test_limits_are_told_by_their_bounds():
    assert bounds(None) == "none"
    assert bounds(Limit(id="queue/mail", running=4, starts=100, per=MINUTE)) == "4 at once, 100 per 1m"
