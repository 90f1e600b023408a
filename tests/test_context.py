import asyncio
import contextvars
import pickle
import threading
from datetime import UTC, datetime

import msgspec
import pytest

from foliot.clock import ManualClock
from foliot.context import LONGEST_LINE, Context, Notes
from foliot.control import Cancel
from foliot.errors import ArgumentsError
from foliot.model import Line, Progress, Run
from foliot.moments import SECOND

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MICROS = 1_782_907_200 * SECOND


def run(**changes):
    return Run(**{"id": "r1", "job": "mail", "due_at": MICROS, "created_at": MICROS} | changes)


def context(the_run=None, *, notes=None, times_out_at=None):
    return Context(the_run or run(), Notes() if notes is None else notes, ManualClock(MICROS), times_out_at)


def lines(of):
    return of.notes.drain()[0]


# What it tells


def test_it_tells_about_its_run():
    ctx = context(run(schedule="daily", nominal_at=MICROS, token=4, worker="w1", tags=("a",), meta={"b": 1}))

    assert (ctx.run_id, ctx.job, ctx.schedule, ctx.token, ctx.worker) == ("r1", "mail", "daily", 4, "w1")
    assert (ctx.tags, ctx.meta) == (("a",), {"b": 1})
    assert ctx.nominal_at == ctx.due_at == NOON
    assert context().nominal_at is None


def test_attempts_count_failures_not_claims():
    assert context(run(token=1)).attempt == 1
    assert context(run(token=5, failures=2)).attempt == 3


def test_the_idempotency_key_is_the_same_in_every_attempt():
    first, later = context(run(token=1)), context(run(token=2, failures=1))

    assert first.idempotency_key == later.idempotency_key == "r1"


def test_the_deadline_is_whatever_stops_the_attempt_first():
    soon, late = MICROS, MICROS + SECOND

    assert context().deadline is None
    assert context(times_out_at=soon).deadline == NOON
    assert context(run(deadline_at=soon), times_out_at=late).deadline == NOON
    assert context(run(deadline_at=late), times_out_at=soon).deadline == NOON


# Where it is known


async def test_the_current_context_is_known_in_tasks_that_a_job_starts():
    ctx = context()
    ctx.enter()

    async def helper():
        return Context.current()

    assert await asyncio.create_task(helper()) is ctx


def test_in_another_place_a_context_is_the_one_that_is_current_there():
    here, there = context(), context()

    def elsewhere(packed):
        there.enter()
        return pickle.loads(packed)  # noqa: S301 - our own

    assert contextvars.Context().run(elsewhere, pickle.dumps(here)) is there


def test_outside_a_job_there_is_no_current_context_and_the_error_says_what_to_do():
    with pytest.raises(LookupError, match=r"from inside a job.*copy_context\(\)\.run"):
        contextvars.Context().run(Context.current)


def test_a_job_called_like_a_plain_function_gets_a_context_of_no_run():
    ctx = contextvars.Context().run(Context.detached, "mail")

    ctx.log("hello")
    assert (ctx.job, ctx.run_id, ctx.attempt, ctx.cancelled) == ("mail", "", 1, False)


def test_a_job_called_by_another_shares_its_context():
    ctx = context()

    def job():
        ctx.enter()
        return Context.detached("other")

    assert contextvars.Context().run(job) is ctx


# Stopping


def test_the_first_reason_to_stop_stays():
    ctx = context()
    assert not ctx.cancelled
    ctx.raise_if_cancelled()

    ctx.stop("timed out after 5m")
    ctx.stop("shutting down")

    assert ctx.cancelled
    assert ctx.stop_reason == "timed out after 5m"
    with pytest.raises(Cancel) as raised:
        ctx.raise_if_cancelled()
    assert raised.value.reason == "timed out after 5m"


def test_who_passes_a_stop_on_hears_of_it_once_also_when_it_came_before():
    early, late = context(), context()
    heard = []

    early.when_stopped(heard.append)
    early.stop("a")
    early.stop("b")
    late.stop("c")
    late.when_stopped(heard.append)

    assert heard == ["a", "c"]


def test_who_no_longer_passes_it_on_hears_nothing():
    ctx, heard = context(), []

    ctx.when_stopped(heard.append)
    ctx.when_stopped(None)
    ctx.stop("too late")

    assert heard == []


# Lines


def test_a_line_has_its_time_level_text_and_fields():
    ctx = context()

    ctx.log("sent", level="WARNING", user=42)

    assert lines(ctx) == (Line(at=MICROS, level="warning", text="sent", fields={"user": 42}),)


def test_fields_may_have_any_name():
    ctx = context()

    ctx.write("sent", "info", {"level": 3, "text": "x", "not a name": None})

    assert lines(ctx)[0].fields == {"level": 3, "text": "x", "not a name": None}


def test_a_field_that_is_not_json_is_kept_as_its_repr():
    ctx = context()

    ctx.log("odd", thing={1, 2}, when=NOON, other=object)

    assert lines(ctx)[0].fields == {
        "thing": [1, 2],
        "when": "2026-07-01T12:00:00Z",
        "other": "<class 'object'>",
    }


def test_a_field_is_kept_as_it_was_when_it_was_logged():
    ctx, basket = context(), ["apple"]

    ctx.log("bought", basket=basket)
    basket.append("pear")

    assert lines(ctx)[0].fields == {"basket": ["apple"]}


@pytest.mark.parametrize("text", ["x" * 100_000, "ü" * LONGEST_LINE, "é" + "x" * LONGEST_LINE, "漢" * 9_000])
def test_long_lines_and_fields_are_cut_with_a_mark(text):
    ctx = context()

    ctx.log(text, field=text, fields=[text])

    (line,) = lines(ctx)
    assert line.fields is not None
    for kept in (line.text, line.fields["field"], line.fields["fields"]):
        assert len(kept.encode()) <= LONGEST_LINE
        assert " … (cut; " in kept
    assert line.text.endswith(f"(cut; {len(text)} characters)")


@pytest.mark.parametrize("text", ["", "x" * LONGEST_LINE, "ü" * (LONGEST_LINE // 2)])
def test_lines_that_fit_are_kept_whole(text):
    ctx = context()

    ctx.log(text)

    assert lines(ctx)[0].text == text


def test_text_that_is_not_unicode_can_still_be_stored():
    ctx = context()

    ctx.log("\udc80 found", name="\udc80")

    (line,) = lines(ctx)
    assert msgspec.json.decode(msgspec.json.encode(line), type=Line) == line
    assert line.text == "\\udc80 found"


def test_after_the_most_lines_one_last_line_says_that_the_rest_is_dropped():
    ctx = context(notes=Notes(most=2))

    for n in range(5):
        ctx.log(str(n))
    early = lines(ctx)
    ctx.log("late")

    assert [line.text for line in early] == [
        "0",
        "1",
        "more than 2 lines: this line and all after it are dropped",
    ]
    assert lines(ctx) == ()


# Progress


def test_only_the_latest_progress_counts():
    ctx = context()

    ctx.progress(1, 3)
    ctx.progress(2, 3, "halfway")

    assert ctx.notes.drain() == ((), Progress(done=2.0, total=3.0, note="halfway"))
    assert ctx.notes.drain() == ((), None)


@pytest.mark.parametrize(("done", "total"), [(float("nan"), None), (1, float("inf"))])
def test_progress_is_told_in_finite_numbers(done, total):
    with pytest.raises(ArgumentsError, match="finite numbers"):
        context().progress(done, total)


# The bell


def test_the_bell_rings_once_until_the_notes_are_drained():
    rung = []
    ctx = context(notes=Notes(lambda: rung.append(True)))

    ctx.log("a")
    ctx.log("b")
    ctx.progress(1)
    assert len(rung) == 1
    ctx.notes.drain()
    ctx.progress(2)
    ctx.log("c")

    assert len(rung) == 2


def test_notes_know_whether_something_waits():
    ctx = context()
    assert not ctx.notes.waiting

    ctx.progress(1)
    assert ctx.notes.waiting
    ctx.notes.drain()

    assert not ctx.notes.waiting


def test_many_threads_lose_no_line_and_keep_the_cap():
    ctx = context(notes=Notes(most=1_000))

    def talk():
        for _ in range(300):
            ctx.log("x")

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(lines(ctx)) == 1_001
