"""Why something does not happen: from facts to a sentence, in tables."""

from typing import Any

import pytest
from msgspec.structs import replace

from foliot.model import Attempt, Failure, Limit, Outcome, Pause, Run, Schedule, State, Worker
from foliot.moments import HOUR, MINUTE, SECOND
from foliot.triggers import dumps, every
from foliot.why import Cause, Facts, Verdict, iso, why_run, why_schedule

NOW = 10 * HOUR


def a_run(id: str = "r", **fields: Any) -> Run:
    return replace(Run(id=id, job="resize", due_at=NOW, created_at=0, wakes_at=NOW), **fields)


def running(id: str, **fields: Any) -> Run:
    lived = {"state": State.RUNNING, "token": 1, "worker": "w", "started_at": NOW - MINUTE, "wakes_at": NOW + MINUTE}
    return a_run(id, **(lived | fields))


def tried(outcome: Outcome) -> Attempt:
    return Attempt(token=1, worker="w", started_at=1, ended_at=2, outcome=outcome)


ABLE = Worker(id="w", jobs=("resize",), slots=4, busy=1)
FAILED = a_run(state=State.FAILED, reason="failed after 1 of 1 attempts", error=Failure(kind="E", message="no\nway"))


def facts(**given: Any) -> Facts:
    limits = given.pop("limits", ())
    return Facts(**{"now": NOW, "workers": (ABLE,), "limits": {each.id: each for each in limits}, **given})


def asked(run: Run, **given: Any) -> Verdict:
    return why_run(run, facts(**given))


@pytest.mark.parametrize(
    ("run", "given", "cause", "sentence"),
    [
        # waiting, lanes
        (
            a_run(waits=2, wakes_at=None),
            {"others": (a_run("a"), running("b"), a_run("c", state=State.SUCCEEDED))},
            Cause.WAITING,
            "it waits for 2 runs: a, b",
        ),
        (a_run(waits=1, wakes_at=None), {}, Cause.WAITING, "it waits for 1 run"),
        (
            a_run(parked="queue/default"),
            {"limits": [Limit(id="queue/default", paused=Pause(at=NOW, note="lunch"))]},
            Cause.PAUSED,
            f"queue 'default' is paused since {iso(NOW)}: lunch",
        ),
        (
            a_run(),
            {"limits": [Limit(id="job/resize", paused=Pause(at=NOW))]},
            Cause.PAUSED,
            f"job 'resize' is paused since {iso(NOW)}",
        ),
        (
            a_run(parked="job/resize"),
            {"limits": [Limit(id="job/resize", running=2)], "holders": {"job/resize": [running("a"), running("b")]}},
            Cause.LIMITED,
            "job 'resize' is full: 2 may run at once, held by a, b",
        ),
        (
            a_run(lanes=("key/resize#a",)),
            {"limits": [Limit(id="key/resize", running=1)], "holders": {"key/resize#a": [running("a")]}},
            Cause.LIMITED,
            "lane 'key/resize#a' is full: 1 may run at once, held by a",
        ),
        (
            a_run(parked="queue/default"),
            {"limits": [Limit(id="queue/default", starts=5, per=MINUTE)]},
            Cause.LIMITED,
            "queue 'default' has used up 5 starts per 1m; it goes on when there is room",
        ),
        (
            a_run(parked="queue/default"),
            {"limits": [Limit(id="queue/default", running=1)]},
            Cause.ANY_MOMENT,
            "queue 'default' was full and has room now: it wakes at the next claim",
        ),
        (
            a_run(parked="queue/default"),
            {},
            Cause.ANY_MOMENT,
            "it stood before queue 'default', which nothing limits any more: it wakes soon",
        ),
        (
            a_run(lanes=("overlap#s",), parked="overlap#s"),
            {"limits": [Limit(id="overlap", running=1)], "holders": {"overlap#s": [running("earlier")]}},
            Cause.OVERLAPPED,
            "an earlier run of its schedule is not over: earlier",
        ),
        # not yet
        (a_run(due_at=NOW + HOUR), {}, Cause.NOT_DUE, f"it is not due before {iso(NOW + HOUR)}"),
        (
            a_run(due_at=NOW + HOUR, failures=2, attempts=(tried(Outcome.FAILED),)),
            {},
            Cause.RETRYING,
            f"it failed 2 times and is tried again {iso(NOW + HOUR)}",
        ),
        (
            a_run(due_at=NOW + HOUR, attempts=(tried(Outcome.SNOOZED),)),
            {},
            Cause.NOT_DUE,
            f"it asked to be looked at later: {iso(NOW + HOUR)}",
        ),
        (
            a_run(cancelling="no more"),
            {},
            Cause.CANCELLING,
            "it is to be cancelled by the next worker that looks at it: no more",
        ),
        # workers
        (a_run(), {"workers": ()}, Cause.NO_WORKER, "no worker is alive"),
        (a_run(queue="mail"), {"workers": (replace(ABLE, queues=("x",)),)}, Cause.NO_WORKER,
         "no living worker serves queue 'mail'"),
        (a_run(), {"workers": (replace(ABLE, stopping=True),)}, Cause.NO_WORKER,
         "no living worker serves queue 'default'"),
        (a_run(needs=("gpu",)), {}, Cause.NO_WORKER, "no living worker has what it needs: gpu"),
        (a_run(needs=("gpu",)), {"workers": (replace(ABLE, labels=("gpu",)),)}, Cause.ANY_MOMENT, "it is due since"),
        (a_run(target="w9"), {}, Cause.NO_WORKER, "it is meant for worker 'w9', which is not alive"),
        (a_run(target="w"), {}, Cause.ANY_MOMENT, "it is due since"),
        (
            a_run(job="gone"),
            {},
            Cause.ORPHANED,
            "no living worker that serves queue 'default' defines the job 'gone'",
        ),
        (a_run(), {"workers": (replace(ABLE, busy=4),)}, Cause.BUSY, "every worker that could take it is full"),
        (a_run(), {}, Cause.ANY_MOMENT, f"it is due since {iso(NOW)}, and nothing is in its way"),
        # running
        (running("r"), {}, Cause.RUNNING, f"it runs: worker 'w' started it {iso(NOW - MINUTE)}"),
        (running("r", cancelling="stop"), {}, Cause.CANCELLING, "worker 'w' is asked to stop it: stop"),
        (
            running("r", wakes_at=NOW - SECOND),
            {},
            Cause.LOST,
            f"its worker 'w' stopped giving signs of life, its lease ended {iso(NOW - SECOND)}; another worker takes",
        ),
        (
            running("r", wakes_at=NOW),
            {"workers": ()},
            Cause.LOST,
            f"its worker 'w' stopped giving signs of life, its lease ended {iso(NOW)}, and no worker is alive",
        ),
        # over
        (a_run(state=State.SUCCEEDED, finished_at=NOW), {}, Cause.SUCCEEDED, f"it ran and succeeded {iso(NOW)}"),
        (FAILED, {}, Cause.FAILED, "it failed: failed after 1 of 1 attempts: E: no"),
        (a_run(state=State.FAILED), {}, Cause.FAILED, "it failed: no reason was given"),
        (
            a_run(state=State.CANCELLED, reason="replaced by x"),
            {"others": (a_run("x"),)},
            Cause.CANCELLED,
            "it was cancelled: replaced by x",
        ),
        (
            a_run(state=State.SKIPPED, reason="overlap with x"),
            {"others": (running("x"),)},
            Cause.OVERLAPPED,
            "it was skipped: overlap with x",
        ),
        (a_run(state=State.SKIPPED, reason="expired: not"), {}, Cause.EXPIRED, "it was skipped: expired: not"),
        (a_run(state=State.SKIPPED, reason="missed: no"), {}, Cause.MISSED, "it was skipped: missed: no"),
        (a_run(state=State.SKIPPED, reason="skipped by hand"), {}, Cause.SKIPPED, "it was skipped: skipped by hand"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_a_run(run: Run, given: dict[str, Any], cause: Cause, sentence: str):
    verdict = asked(run, **given)

    assert verdict.cause is cause
    assert verdict.sentence.startswith(sentence)


def test_who_holds_a_lane_is_told_and_what_to_do():
    limits, holders = [Limit(id="queue/default", running=1)], {"queue/default": [running(f"h{n}") for n in range(5)]}

    verdict = asked(a_run(parked="queue/default"), limits=limits, holders=holders)

    assert verdict.sentence.endswith("held by h0, h1, h2 and 2 others")
    assert verdict.evidence[0] == ("run h0", f"resize is running, started {iso(NOW - MINUTE)} by w")
    assert len(verdict.evidence) == 3
    assert verdict.remedy == "foliot queues limit default --concurrency N"


def test_a_run_that_is_not_due_tells_that_its_queue_is_paused_too():
    paused = Limit(id="queue/default", paused=Pause(at=NOW))

    assert asked(a_run(due_at=NOW + 1), limits=[paused]).evidence == [
        ("queue 'default'", f"queue 'default' is paused since {iso(NOW)}")
    ]


def test_attempts_are_evidence():
    run = a_run(due_at=NOW + 1, failures=1, attempts=(tried(Outcome.TIMED_OUT),))

    assert asked(run).evidence == [("attempt 1", f"timed out on w, started {iso(1)}")]


def test_a_lane_without_commands_names_none():
    paused = Limit(id="key/resize", paused=Pause(at=NOW))

    assert asked(a_run(lanes=("key/resize#a",)), limits=[paused]).remedy == "whoever paused it can resume it"


HOURLY = Schedule(id="s", job="resize", trigger=dumps(every("1h")), created_at=0, wakes_at=NOW + HOUR)


@pytest.mark.parametrize(
    ("change", "given", "cause", "sentence"),
    [
        ({}, {}, Cause.NOT_DUE, f"it is next due {iso(NOW + HOUR)}"),
        (
            {"skips": (NOW + HOUR,)},
            {},
            Cause.NOT_DUE,
            f"it is next due {iso(NOW + HOUR)}, and that occurrence is to be skipped",
        ),
        (
            {},
            {"limits": [Limit(id="queue/default", paused=Pause(at=NOW, note="x"))]},
            Cause.NOT_DUE,
            f"it is next due {iso(NOW + HOUR)}, but its runs would wait: queue 'default' is paused since {iso(NOW)}: x",
        ),
        ({"paused": Pause(at=NOW, note="why"), "wakes_at": None}, {}, Cause.PAUSED,
         f"it is paused since {iso(NOW)}: why"),
        ({"job": "gone"}, {}, Cause.ORPHANED, "no living worker defines its job 'gone'"),
        ({"follows": "r7"}, {"others": (running("r7"),)}, Cause.FOLLOWING, "it counts from the end of run r7"),
        ({"wakes_at": None}, {}, Cause.ENDED, "it never fires again: its trigger has no further time"),
        ({"wakes_at": NOW - MINUTE}, {}, Cause.OVERDUE, f"nobody fires: it was due {iso(NOW - MINUTE)}"),
        ({"wakes_at": NOW - MINUTE, "job": "gone"}, {"workers": ()}, Cause.OVERDUE, "nobody fires"),
        ({"trigger": '{"moon":"full"}'}, {}, Cause.UNREADABLE, "its trigger cannot be read"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_a_schedule(
    change: dict[str, Any], given: dict[str, Any], cause: Cause, sentence: str
):
    verdict = why_schedule(replace(HOURLY, **change), facts(**given))

    assert verdict.cause is cause
    assert verdict.sentence.startswith(sentence)


def test_a_schedule_tells_when_it_fires_and_what_became_of_its_last_run():
    told = dict(why_schedule(HOURLY, facts(last=FAILED)).evidence)

    assert told["when"] == "Every hour."
    assert told["last run r"] == "it failed: failed after 1 of 1 attempts: E: no"
