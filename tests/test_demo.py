import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace as changed
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.cli.demo import jobs, play, stage, summed_up
from foliot.cli.demo.board import board, picture
from foliot.cli.demo.story import Story, counted
from foliot.cli.demo.verdict import Ends, claims, instants, kept
from foliot.cli.words import Words
from foliot.ids import firing_id
from foliot.model import Attempt, Failure, Outcome, Progress, Run, Schedule, State
from foliot.moments import SECOND, instant

NINE = instant("2026-11-21T09:00:00Z")
WORDS = Words(now=NINE, utc=True)
SLOW = Run(
    id="s1", job="slow", due_at=NINE, created_at=NINE, schedule="slow", nominal_at=NINE,
    state=State.SUCCEEDED, worker="bob", token=1, started_at=NINE, finished_at=NINE + SECOND,
)  # fmt: skip


def one(job: str, state: State, **more: Any) -> Run:
    times: dict[str, Any] = {"started_at": NINE, "finished_at": NINE + SECOND, "worker": "ada", "token": 1}
    return Run(id=job, job=job, created_at=NINE, **({**times, "state": state, "due_at": NINE} | more))


def tried(*outcomes: Outcome, worker: str = "ada") -> tuple[Attempt, ...]:
    return tuple(
        Attempt(token=n, worker=worker, started_at=NINE, ended_at=NINE, outcome=each) for n, each in enumerate(outcomes)
    )


def schedule(id: str) -> Schedule:
    every = '{"every":"1s","anchor":"2026-11-21T09:00:00Z"}'
    return Schedule(id=id, job=id, trigger=every, created_at=NINE, last_at=NINE + 2 * SECOND)


def fired(id: str, second: int, **more: Any) -> Run:
    nominal = NINE + second * SECOND
    return replace(SLOW, id=firing_id(id, nominal), job=id, schedule=id, nominal_at=nominal, **more)


TRUE = Ends(
    runs=(
        *(fired(each, n) for each in ("tick", "pulse") for n in (1, 2)),
        fired("slow", 1),
        fired("slow", 2, state=State.SKIPPED, reason="overlap with s1", started_at=None),
        one("flaky", State.SUCCEEDED, attempts=tried(Outcome.FAILED, Outcome.FAILED)),
        one("stuck", State.FAILED, error=Failure(kind="TimeoutError", message="took longer than 1s")),
        one("primes", State.SUCCEEDED, result='{"primes":3,"pid":77}'),
        one("patience", State.CANCELLED, reason="enough"),
        one("report", State.SUCCEEDED, attempts=tried(Outcome.LOST), worker="bob"),
    ),
    schedules=[schedule(each) for each in ("pulse", "slow", "tick")],
    killed="ada",
    survivor="bob",
    killed_code=-9 if os.name != "nt" else 1,
    survivor_code=0,
    worker_pids=frozenset({1, 2}),
)


def without(job: str, **more: Any) -> Ends:
    """The ends with one run changed."""
    return changed(TRUE, runs=tuple(replace(each, **more) if each.job == job else each for each in TRUE.runs))


def broken(ends: Ends) -> list[str]:
    return [each.text for each in claims(ends) if not each.kept]


def test_the_whole_demo_ends_by_itself_and_all_it_claims_is_true():
    result = subprocess.run(
        [sys.executable, "-m", "foliot", "demo"], capture_output=True, text=True, timeout=100, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
    for sentence in ("report was lost: its worker", "slow was skipped", "was cancelled", "It was. Your turn"):
        assert sentence in result.stdout
    assert "NO" not in result.stdout.split()


def test_a_worker_that_does_not_come_up_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "COMMAND", (sys.executable, "-c", "raise SystemExit('no luck')"))

    result = CliRunner().invoke(app, ["demo"])

    assert result.exit_code == 1
    assert "waited in vain until worker ada is up" in result.stderr
    assert "no luck" in result.stderr


def test_where_all_was_true_the_summary_says_so(capsys: pytest.CaptureFixture[str]):
    assert kept(claims(TRUE))
    assert summed_up(TRUE)
    assert "It was. Your turn" in capsys.readouterr().out


def test_where_something_was_not_true_the_summary_says_what(capsys: pytest.CaptureFixture[str]):
    assert not summed_up(changed(TRUE, survivor_code=1))
    assert "It was not: bob finished its work when asked to stop" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ends", "claim"),
    [
        (changed(TRUE, runs=TRUE.runs[1:]), "every instant of tick has exactly one record"),
        (
            changed(TRUE, runs=(*TRUE.runs, replace(TRUE.runs[0], id="x"))),
            "every instant of tick has exactly one record",
        ),
        (without("flaky", attempts=tried(Outcome.FAILED)), "flaky failed twice and then succeeded"),
        (without("stuck", error=Failure(kind="ValueError", message="")), "stuck was stopped by its timeout"),
        (without("primes", result='{"pid":1}'), "primes ran in a process of its own"),
        (without("patience", started_at=None), "patience was cancelled while it ran"),
        (without("report", attempts=()), "report was lost with ada, taken over and finished by bob"),
        (changed(TRUE, killed_code=0), "report was lost with ada, taken over and finished by bob"),
        (without("slow", state=State.SUCCEEDED), "slow never overlapped itself, and each skipped firing says so"),
    ],
)
def test_a_claim_that_is_not_true_is_found(ends: Ends, claim: str):
    assert claim in broken(ends)


def test_a_run_that_is_not_over_breaks_a_claim():
    assert "every run that was wanted is over" in broken(without("report", state=State.RUNNING, finished_at=None))


def test_a_schedule_that_never_fired_has_no_instants_and_breaks_its_claim():
    silent = replace(schedule("tick"), last_at=None)

    assert instants(silent) == []
    assert "every instant of tick has exactly one record" in broken(changed(TRUE, schedules=[silent]))


def told(before: Run | None, after: Run) -> list[str]:
    story = Story()
    story.go_on({} if before is None else {before.id: before}, WORDS)
    return story.go_on({after.id: after}, WORDS)


RUNNING = one("report", State.RUNNING, finished_at=None)
PENDING = one("report", State.PENDING, started_at=None, finished_at=None, due_at=NINE + SECOND)


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (None, RUNNING, ["report is running on ada"]),
        (RUNNING, RUNNING, []),
        (
            RUNNING,
            replace(PENDING, attempts=(replace(tried(Outcome.FAILED)[0], error=Failure(kind="E", message="no")),)),
            ["report failed on ada (E: no) and will be tried again in 1s"],
        ),
        (
            RUNNING,
            replace(RUNNING, token=2, attempts=tried(Outcome.TIMED_OUT)),
            ["report failed on ada () and is tried again", "report is running on ada, attempt 2"],
        ),
        (
            RUNNING,
            replace(RUNNING, token=2, worker="bob", attempts=tried(Outcome.LOST)),
            [
                "report was lost: its worker ada stopped beating, and the lease ran out",
                "report is running on bob, which took it over from ada",
            ],
        ),
        (
            RUNNING,
            replace(PENDING, attempts=tried(Outcome.RELEASED)),
            ["report was given back by ada, which is shutting down"],
        ),
        (RUNNING, one("report", State.SUCCEEDED, result="6"), ["report succeeded on ada in 1s, and returned 6"]),
        (RUNNING, one("report", State.CANCELLED, reason="rain"), ["report was cancelled on ada after 1s: rain"]),
        (RUNNING, one("report", State.FAILED, reason="deadline"), ["report failed on ada after 1s: deadline"]),
        (None, SLOW, ["slow succeeded for 09:00:00.000Z on bob in 1s"]),
        (
            None,
            replace(SLOW, state=State.SKIPPED, reason="overlap with x"),
            ["slow was skipped for 09:00:00.000Z: overlap with x"],
        ),
    ],
)
def test_what_is_new_in_the_records_is_told_in_a_sentence(before: Run | None, after: Run, sentences: list[str]):
    assert told(before, after) == sentences


def test_what_happens_over_and_over_is_told_three_times():
    story = Story()

    news = [story.go_on({str(n): replace(SLOW, id=str(n))}, WORDS) for n in range(5)]

    assert [len(each) for each in news] == [1, 1, 1, 0, 0]
    assert news[2][0].endswith("(from here on this is only counted)")


def test_runs_are_counted_by_state():
    assert counted(TRUE.runs) == "8 succeeded, 1 failed, 1 cancelled, 1 skipped"
    assert counted([]) == ""


def test_the_picture_shows_where_every_job_stands():
    look: Mapping[str, Run] = {each.id: each for each in TRUE.runs}
    busy = replace(RUNNING, progress=Progress(done=2, total=6))

    rows = {each[0]: each for each in picture({**look, "report": busy}).rows}

    assert rows["tick"][2:] == ("2", "0", "2", "succeeded")
    assert rows["stuck"][2:] == ("0", "0", "1", "failed")
    assert rows["report"][5] == "on ada 33 % (2 of 6)"


def test_off_a_terminal_the_board_is_plain_lines(capsys: pytest.CaptureFixture[str]):
    with board(lambda: 1.25) as shown:
        shown.say("hello")
        shown.show({})

    assert capsys.readouterr().out == "   1.2s  hello\n"


def test_on_a_terminal_the_board_is_a_table_that_lives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("foliot.cli.demo.board.on_terminal", lambda: True)

    with board(lambda: 1.25) as shown:
        shown.say("hello [world]")
        shown.show({each.id: each for each in TRUE.runs})

    out = capsys.readouterr().out
    assert "hello [world]" in out
    assert "WHAT IT IS" in out


def test_the_work_of_the_demo_is_real():
    assert jobs.primes(20) == {"primes": 8, "pid": os.getpid()}


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(play, "PATIENCE", 0)
    monkeypatch.setattr(stage, "COMMAND", (sys.executable, "-c", "input()"))

    assert CliRunner().invoke(app, ["demo"]).exit_code == 1
