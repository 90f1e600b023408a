"""The checker accepts a sound history, and each claim finds the history that breaks it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from foliot.model import Attempt, Outcome, Run, Schedule, State
from foliot.moments import MILLISECOND, SECOND
from foliot.testing.faults.checker import (
    at_most_once,
    check,
    counted_once,
    each_instant_once,
    ended_once,
    fenced,
    fired_once,
    kept_once,
    never_two,
    nobody_fell,
    nothing_lost,
    on_time,
    one_holder,
    outages,
    started_on_time,
    went_their_way,
)
from foliot.testing.faults.evidence import Claim, Evidence, Span
from foliot.testing.faults.notes import Note, Saw
from foliot.testing.faults.work import STANDING

EPOCH = 1_800_000_000 * SECOND
INSTANTS = (10 * SECOND, 11 * SECOND, 12 * SECOND)
"""On the monotonic clock."""

Break = Callable[[Evidence], Evidence]


def note(saw: Saw, at: int, run: Run, **facts: Any) -> Note:
    given = {"node": "n0-1", "run": run.id, "token": run.token, "since": at}
    of_schedule = {"schedule": run.schedule, "nominal": run.nominal_at}
    return Note(saw=saw, at=at, **{**given, **of_schedule, **facts})


def a_run(id: str, job: str, at: int, **facts: Any) -> Run:
    when = EPOCH + at
    given = {"due_at": when, "created_at": when, "state": State.SUCCEEDED, "token": 1, "worker": "n0-1"}
    return Run(id=id, job=job, **{**given, "started_at": when, "finished_at": when, **facts})


def life(run: Run, at: int) -> list[Note]:
    """What is seen of a run that goes well: 100 ms."""
    late = at + 100 * MILLISECOND
    return [
        note(Saw.CLAIMED, at + 2000, run),
        note(Saw.STARTED, at + 3000, run),
        note(Saw.KEPT, at + 50_000, run, schedule=None, nominal=None),
        note(Saw.RETURNED, late, run),
        note(Saw.ENDED, late + 5000, run, state=run.state, schedule=None, nominal=None),
    ]


def spawned(parent: str, name: str, job: str, **facts: Any) -> Run:
    return a_run(f"{parent}.{name}", job, INSTANTS[0], parent=parent, **facts)


def a_map() -> list[Run]:
    parts = [spawned("fan-0", f"0.{n}", "part", args=f'{{"n":{n}}}', result=f"[{n}]") for n in range(3)]
    return [a_run("fan-0", "fan", INSTANTS[0], args='{"n":0,"parts":3}', result="[0,1,2]"), *parts]


SALE = a_run("sale-0", "sale", INSTANTS[0], args='{"n":0}', result='["first charge","first ship","yes 0"]')


def a_sale() -> list[Run]:
    kept = [
        spawned("sale-0", str(n), "foliot.step", token=0, key=step, result=f'"first {step}"')
        for n, step in enumerate(("charge", "ship"))
    ]
    return [SALE, *kept]


def an_order(n: int) -> list[Run]:
    gone, other, said = ("ship", "refund", "shipped from") if n % 3 else ("refund", "ship", "put back to")
    id, at = f"order-{n}", INSTANTS[0]
    return [
        a_run(id, "order", at, args=f'{{"n":{n}}}', result=f'{{"{gone}":"{said} shelf {n}"}}'),
        *(spawned(id, node, f"order@1/{node}") for node in ("reserve", "ok", gone)),
        spawned(id, other, f"order@1/{other}", state=State.SKIPPED),
    ]


def sound() -> Evidence:
    """A history in which everything went well."""
    runs: list[Run] = []
    notes = [Note(saw=Saw.UP, node="n0-1", at=0, since=0)]
    for each in STANDING:
        for at in INSTANTS:
            run = a_run(f"{each.name}-{at}", each.name, at, schedule=each.name, nominal_at=EPOCH + at)
            runs.append(run)
            notes += [note(Saw.FIRED, at + 1000, run), *life(run, at)]
    for job in ("steady", "flaky", "precious"):
        run = a_run(f"{job}-0", job, INSTANTS[0])
        runs.append(run)
        notes += life(run, INSTANTS[0])
    for run in (*a_map(), *a_sale(), *an_order(2), *an_order(3)):
        runs.append(run)
        notes += life(run, INSTANTS[0]) if run.token else []
    notes += [note(Saw.TOLD, INSTANTS[0] + 9000, SALE, step=step, value=f"first {step}") for step in ("charge", "ship")]
    return Evidence(
        notes=in_order(notes),
        runs=runs,
        schedules=[
            Schedule(id=each.name, job=each.name, trigger="", created_at=EPOCH, last_at=EPOCH + INSTANTS[-1])
            for each in STANDING
        ],
        wanted=["steady-0", "flaky-0", "precious-0"],
        epoch=EPOCH,
    )


def in_order(notes: list[Note]) -> list[Note]:
    return sorted(notes, key=lambda each: each.at)


def also(*more: Note) -> Break:
    return lambda evidence: replace(evidence, notes=in_order([*evidence.notes, *more]))


def without_notes(run: str, *saw: Saw) -> Break:
    return lambda evidence: replace(
        evidence, notes=[each for each in evidence.notes if not (each.run == run and each.saw in saw)]
    )


def with_run(id: str, **facts: Any) -> Break:
    return lambda evidence: replace(
        evidence, runs=[changed(run, **facts) if run.id == id else run for run in evidence.runs]
    )


def without_run(id: str) -> Break:
    return lambda evidence: replace(evidence, runs=[run for run in evidence.runs if run.id != id])


def all_of(*breaks: Break) -> Break:
    def broken(evidence: Evidence) -> Evidence:
        for each in breaks:
            evidence = each(evidence)
        return evidence

    return broken


def late(run: Run, by: int) -> Break:
    """All that was seen of a run, later."""
    return lambda evidence: replace(
        evidence,
        notes=in_order(
            [
                changed(each, at=each.at + by, since=each.since + by) if each.run == run.id else each
                for each in evidence.notes
            ]
        ),
    )


AT = INSTANTS[0]
ALLOW = a_run(f"allow-{AT}", "allow", AT, schedule="allow", nominal_at=EPOCH + AT)
SKIP = a_run(f"skip-{AT}", "skip", AT, schedule="skip", nominal_at=EPOCH + AT)
STEADY, PRECIOUS = a_run("steady-0", "steady", AT), a_run("precious-0", "precious", AT)
MIDDLE = f"skip-{INSTANTS[1]}"
SECOND_TOKEN: dict[str, Any] = {"token": 2, "node": "n1-1"}

BROKEN: list[tuple[str, Callable[[Evidence], Claim], Break]] = [
    ("an instant has no record", each_instant_once, without_run(MIDDLE)),
    ("an instant has two records", each_instant_once, lambda e: replace(e, runs=[*e.runs, changed(SKIP, id="twin")])),
    ("the last instant has no record", each_instant_once, without_run(f"queue-{INSTANTS[-1]}")),
    (
        "a schedule never fired",
        each_instant_once,
        lambda e: replace(e, runs=[r for r in e.runs if r.schedule != "queue"]),
    ),
    ("two processes fired an instant", fired_once, also(note(Saw.FIRED, AT + 1500, SKIP, node="n1-1"))),
    ("an accepted firing is gone", fired_once, without_run(MIDDLE)),
    ("an accepted run is gone", nothing_lost, without_run("steady-0")),
    ("a run is never over", nothing_lost, with_run(MIDDLE, state=State.RUNNING)),
    ("a run that works has failed", nothing_lost, with_run("flaky-0", state=State.FAILED)),
    ("a run ended twice", ended_once, also(note(Saw.ENDED, 13 * SECOND, STEADY, state=State.SUCCEEDED))),
    ("an accepted ending is undone", ended_once, with_run("steady-0", state=State.FAILED)),
    ("another claim's ending stands", ended_once, with_run("steady-0", token=2)),
    ("a run that ended is gone", ended_once, without_run("steady-0")),
    (
        "a beat is accepted after a newer claim",
        fenced,
        also(note(Saw.CLAIMED, AT + 20_000, STEADY, **SECOND_TOKEN), note(Saw.KEPT, AT + 60_000, STEADY)),
    ),
    (
        "an ending is accepted after a newer claim",
        fenced,
        also(note(Saw.CLAIMED, AT + 60_000, STEADY, **SECOND_TOKEN)),
    ),
    ("a beat is accepted after the end", fenced, also(note(Saw.KEPT, 13 * SECOND, STEADY))),
    ("two processes hold one token", one_holder, also(note(Saw.CLAIMED, AT + 2500, STEADY, node="n1-1"))),
    ("a claim is executed twice", one_holder, also(note(Saw.STARTED, AT + 4000, STEADY, node="n1-1"))),
    ("a success that nobody executed", one_holder, without_notes("steady-0", Saw.STARTED)),
    (
        "a token is given again",
        one_holder,
        with_run("steady-0", attempts=(Attempt(token=1, worker="n1-1", started_at=EPOCH + AT, outcome=Outcome.LOST),)),
    ),
    ("a precious run is executed again", at_most_once, also(note(Saw.STARTED, 13 * SECOND, PRECIOUS, **SECOND_TOKEN))),
    (
        "two runs of one schedule at once",
        never_two,
        all_of(without_notes(SKIP.id, Saw.RETURNED), also(note(Saw.RETURNED, INSTANTS[1] + 50_000, SKIP))),
    ),
    ("a run that waits in line was skipped", never_two, with_run(f"queue-{AT}", state=State.SKIPPED, reason="overlap")),
    ("a run of a schedule has failed", never_two, with_run(f"allow-{AT}", state=State.FAILED)),
    ("a run was skipped for nothing", never_two, with_run(MIDDLE, state=State.SKIPPED, reason="overlap with nobody")),
    (
        "a run was skipped for another schedule's",
        never_two,
        with_run(MIDDLE, state=State.SKIPPED, reason=f"overlap with queue-{AT}"),
    ),
    (
        "a long run is overlapped by the next but one",
        never_two,
        all_of(
            without_notes(SKIP.id, Saw.RETURNED),
            without_notes(MIDDLE, Saw.STARTED, Saw.RETURNED),
            also(note(Saw.RETURNED, INSTANTS[2] + 50_000, SKIP)),
        ),
    ),
    ("a part is missing in the end", counted_once, with_run("fan-0", result="[0,2]")),
    ("a part is counted twice", counted_once, with_run("fan-0", result="[0,1,1,2]")),
    ("a part that nobody made is counted", counted_once, with_run("fan-0", result="[0,1,2,3]")),
    ("a part was never made", counted_once, without_run("fan-0.0.1")),
    ("a part was made twice", counted_once, with_run("fan-0.0.1", args='{"n":0}')),
    ("a map has failed", counted_once, with_run("fan-0", state=State.FAILED)),
    ("a step was done again", kept_once, also(note(Saw.TOLD, AT + 10_000, SALE, step="ship", value="second ship"))),
    ("a step is not kept", kept_once, without_run("sale-0.1")),
    ("a result is not of its steps", kept_once, with_run("sale-0", result='["first charge","other","yes 0"]')),
    ("an answer got lost", kept_once, with_run("sale-0", result='["first charge","first ship",null]')),
    ("an order went the other way", went_their_way, with_run("order-2", result='{"refund":"put back to shelf 2"}')),
    ("an order went both ways", went_their_way, with_run("order-3.ship", state=State.SUCCEEDED)),
    ("a node was never made", went_their_way, without_run("order-3.reserve")),
    ("a firing is late", on_time, late(SKIP, 6 * SECOND)),
    ("a firing is early", on_time, late(SKIP, -SECOND)),
    ("a start is late", started_on_time, late(ALLOW, 6 * SECOND)),
    ("a process fell", nobody_fell, lambda e: replace(e, complaints=["n0-1 ended by itself with 1"])),
]


def test_a_sound_history_keeps_every_claim():
    claims = check(sound())

    assert [claim.promise for claim in claims if not claim.holds] == []
    assert all(claim.cases for claim in claims)


@pytest.mark.parametrize(("claim", "spoil"), [each[1:] for each in BROKEN], ids=[each[0] for each in BROKEN])
def test_a_broken_promise_is_seen(claim: Callable[[Evidence], Claim], spoil: Break):
    assert not claim(sound()).broken

    told = claim(spoil(sound()))

    assert told.broken
    assert not told.holds


def test_every_claim_can_fail():
    assert {each[1] for each in BROKEN} == set(check.__globals__["CLAIMS"])


def test_a_claim_without_a_case_does_not_hold():
    assert not fired_once(replace(sound(), notes=[])).holds


def test_what_a_frozen_process_still_executes_is_nobodys_overlap():
    taken_over = all_of(
        without_notes(SKIP.id, Saw.RETURNED, Saw.ENDED),
        also(
            note(Saw.CLAIMED, AT + 400_000, SKIP, **SECOND_TOKEN),
            note(Saw.STARTED, AT + 410_000, SKIP, **SECOND_TOKEN),
            note(Saw.RETURNED, AT + 500_000, SKIP, **SECOND_TOKEN),
            note(Saw.RETURNED, INSTANTS[2] + 50_000, SKIP),
        ),
    )

    assert never_two(taken_over(sound())).broken == []


def test_runs_that_may_overlap_may_overlap():
    longer = all_of(without_notes(ALLOW.id, Saw.RETURNED), also(note(Saw.RETURNED, INSTANTS[2], ALLOW)))

    assert never_two(longer(sound())).broken == []


@pytest.mark.parametrize(
    ("run", "state", "reason"),
    [
        (MIDDLE, State.SKIPPED, f"overlap with {SKIP.id}"),
        (MIDDLE, State.SKIPPED, "missed: nobody fired in time, and catch-up is 'latest'"),
        (f"replace-{AT}", State.CANCELLED, f"replaced by replace-{INSTANTS[1]}"),
    ],
)
def test_what_its_policy_gives_up_is_given_up(run: str, state: State, reason: str):
    assert never_two(with_run(run, state=state, reason=reason)(sound())).broken == []


def test_a_beat_that_was_on_its_way_before_the_newer_claim_is_not_stale():
    crossing = also(
        note(Saw.CLAIMED, AT + 300_000, STEADY, **SECOND_TOKEN), note(Saw.KEPT, AT + 350_000, STEADY, since=AT + 90_000)
    )

    assert fenced(crossing(sound())).broken == []


def test_outages_are_not_counted_as_lateness():
    excused = replace(late(SKIP, 6 * SECOND)(sound()), outages=[Span(AT, AT + 5 * SECOND)])

    assert on_time(excused).broken == []


def test_a_firing_of_which_nobody_was_told_counts_from_when_its_run_was_made():
    untold = all_of(without_notes(SKIP.id, Saw.FIRED), late(SKIP, 9 * SECOND))

    assert on_time(untold(sound())).broken == []
    assert on_time(all_of(untold, with_run(SKIP.id, created_at=EPOCH + AT + 8 * SECOND))(sound())).broken


def test_a_schedule_that_follows_its_run_may_be_as_late_as_it_looks():
    delayed = a_run(f"delay-{AT}", "delay", AT, schedule="delay", nominal_at=EPOCH + AT)

    assert on_time(late(delayed, 60 * SECOND)(sound())).broken == []
    assert on_time(late(delayed, 70 * SECOND)(sound())).broken


def test_nobody_can_work_when_the_store_is_away_or_all_are_sick_at_once():
    sick = [[Span(0, 10), Span(20, 30)], [Span(5, 25)]]

    assert outages(sick, []) == [Span(5, 10), Span(20, 25)]
    assert outages(sick, [Span(9, 21)]) == [Span(5, 25)]
    assert outages([[Span(0, 10)], []], [Span(50, 60)]) == [Span(50, 60)]


def test_spells_of_one_process_that_overlap_are_one():
    assert outages([[Span(0, 6), Span(4, 10)], [Span(0, 20)]], []) == [Span(0, 10)]
