from dataclasses import replace

import pytest
from msgspec import structs

from foliot.cli.checkup import Facts, Finding, Level, findings
from foliot.model import Limit, Pause, Run, Schedule, State, Worker
from foliot.moments import HOUR, MINUTE, SECOND, instant

NOW = instant("2026-11-21T09:00:00Z")
WORKER = Worker(id="w", jobs=("resize",), slots=10, seen_at=NOW - SECOND)
RUN = Run(id="r", job="resize", due_at=NOW, created_at=NOW - HOUR, wakes_at=NOW)
RUNNING = structs.replace(RUN, state=State.RUNNING, wakes_at=NOW + SECOND, worker="w")
SCHEDULE = Schedule(id="s", job="resize", trigger='{"every":"1h"}', created_at=NOW, wakes_at=NOW + HOUR)
WELL = Facts(now=NOW, newest=[RUN], running=[RUNNING], pending=[RUN], schedules=[SCHEDULE], workers=[WORKER])


def bad(facts: Facts) -> list[tuple[str, Level]]:
    return [(each.check, each.level) for each in findings(facts) if each.level is not Level.OK]


def only(facts: Facts) -> Finding:
    [found] = [each for each in findings(facts) if each.level is not Level.OK]
    return found


def test_where_all_is_well_every_check_says_so():
    assert {each.level for each in findings(WELL)} == {Level.OK}
    assert [each.check for each in findings(WELL)] == [
        "clock", "workers", "leases", "claims", "firing", "orphans", "triggers", "parked", "pauses",
    ]  # fmt: skip


def test_a_store_whose_times_are_ahead_shows_a_wrong_clock():
    ahead = structs.replace(RUN, created_at=NOW + MINUTE)

    assert only(replace(WELL, newest=[ahead])).text.startswith("the newest time in the store is 1m ahead")
    assert bad(replace(WELL, newest=[structs.replace(RUN, created_at=NOW + SECOND)])) == []


def test_a_store_without_workers_is_worth_a_note():
    stale = structs.replace(WORKER, seen_at=NOW - HOUR)

    assert bad(replace(WELL, workers=[], schedules=[])) == [("workers", Level.NOTE)]
    assert bad(replace(WELL, workers=[stale], schedules=[])) == [("workers", Level.NOTE)]


def test_a_lapsed_lease_that_nobody_takes_over_is_wrong():
    stuck = structs.replace(RUNNING, wakes_at=NOW - 2 * MINUTE)

    assert bad(replace(WELL, running=[stuck])) == [("leases", Level.WRONG)]
    assert bad(replace(WELL, running=[structs.replace(stuck, wakes_at=NOW - SECOND)])) == []


def test_a_due_run_that_nobody_claims_is_wrong_unless_all_are_full():
    forsaken = structs.replace(RUN, due_at=NOW - HOUR, wakes_at=NOW - HOUR, queue="mail")
    full = structs.replace(WORKER, busy=10)

    found = only(replace(WELL, pending=[forsaken, structs.replace(forsaken, queue="news")]))

    assert (found.check, found.level) == ("claims", Level.WRONG)
    assert found.text == "2 runs due for up to 1h and not started, in queues mail, news"
    assert bad(replace(WELL, pending=[forsaken], workers=[full])) == [("claims", Level.NOTE)]


def test_a_run_that_waits_for_others_is_no_worry():
    waiting = structs.replace(RUN, due_at=NOW - HOUR, wakes_at=None, waits=1)

    assert bad(replace(WELL, pending=[waiting])) == []


def test_an_overdue_schedule_is_wrong_and_a_paused_one_only_noted():
    overdue = structs.replace(SCHEDULE, wakes_at=NOW - 5 * MINUTE)
    paused = structs.replace(SCHEDULE, wakes_at=None, paused=Pause(at=NOW))

    assert only(replace(WELL, schedules=[overdue])).text == "1 schedule up to 5m overdue: s"
    assert bad(replace(WELL, schedules=[paused])) == [("pauses", Level.NOTE)]


def test_an_orphan_is_a_schedule_whose_job_no_live_worker_defines():
    orphan = structs.replace(SCHEDULE, job="gone")

    assert bad(replace(WELL, schedules=[orphan])) == [("orphans", Level.WRONG)]
    assert bad(replace(WELL, schedules=[orphan], known=frozenset({"gone"}))) == []
    assert bad(replace(WELL, schedules=[orphan], workers=[])) == [("workers", Level.NOTE), ("orphans", Level.NOTE)]


def test_a_trigger_that_cannot_be_read_is_wrong():
    strange = structs.replace(SCHEDULE, trigger='{"moon":"full"}')

    assert only(replace(WELL, schedules=[strange])).check == "triggers"


@pytest.mark.parametrize(("paused", "level"), [(None, Level.WRONG), (Pause(at=NOW), Level.NOTE)])
def test_standing_before_a_full_lane_for_long_is_wrong_unless_it_is_paused(paused: Pause | None, level: Level):
    parked = structs.replace(RUN, wakes_at=None, parked="queue/mail", due_at=NOW - 2 * HOUR)
    limit = Limit(id="queue/mail", running=1, paused=paused)

    assert ("parked", level) in bad(replace(WELL, pending=[parked], limits=[limit]))


@pytest.mark.parametrize(
    ("lane", "remedy"),
    [
        ("queue/mail", "foliot queues resume mail"),
        ("job/send", "foliot jobs resume send"),
        ("key/send#a", "whoever paused key/send#a can"),
    ],
)
def test_the_remedy_for_a_pause_names_the_command_that_ends_it(lane: str, remedy: str):
    parked = structs.replace(RUN, wakes_at=None, parked=lane, due_at=NOW - 2 * HOUR)
    limit = Limit(id=lane, paused=Pause(at=NOW))

    found = findings(replace(WELL, pending=[parked], limits=[limit]))

    assert [each.remedy for each in found if each.check == "parked"] == [f"resume it when you are done: {remedy}"]


def test_many_guilty_are_counted_and_some_named():
    orphans = [structs.replace(SCHEDULE, id=f"s{n}", job="gone") for n in range(5)]

    assert only(replace(WELL, schedules=orphans)).text == "5 schedules of unknown jobs: s0, s1, s2 and 2 others"
