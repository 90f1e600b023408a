import pytest
from tests.cli.console import Console, nothing

from foliot.model import Overlap, Schedule, Worker
from foliot.moments import HOUR
from foliot.scheduler import Scheduler


@pytest.fixture
def shop(console: Console) -> Console:
    """The shop has run, so its schedules stand."""
    console.work(nothing)
    return console


def test_schedules_are_listed_for_programs_and_for_people(shop: Console):
    listed = {each["id"]: each for each in shop.json("schedules", "list")["schedules"]}
    text = shop("schedules", "list")

    assert set(listed) == {"report", "send", "foliot.prune"}
    assert listed["report"]["tz"] == "Asia/Seoul"
    assert listed["send"]["queue"] == "mail"
    assert all(id in text for id in listed)
    assert text.splitlines()[0].split() == ["ID", "JOB", "WHEN", "STATE", "NEXT", "LAST", "FIRED"]


def test_a_list_can_be_narrowed(shop: Console):
    shop("schedules", "pause", "report")

    assert [each["id"] for each in shop.json("schedules", "list", "--job", "send")["schedules"]] == ["send"]
    assert [each["id"] for each in shop.json("schedules", "list", "--paused")["schedules"]] == ["report"]
    assert shop("schedules", "list", "--job", "none").strip() == "There are no such schedules."


def test_one_is_shown_with_its_next_times_and_last_runs(shop: Console):
    shop("schedules", "trigger", "send")

    document = shop.json("schedules", "show", "send")
    text = shop("schedules", "show", "send", "--utc")

    assert len(document["upcoming"]) == 5
    assert [each["job"] for each in document["runs"]] == ["send"]
    assert ["queue", "mail,", "priority", "5"] in [line.split() for line in text.splitlines()]
    assert "Next" in text
    assert "Last runs" in text


def test_a_pause_and_its_end_are_told_and_kept(shop: Console):
    assert shop("schedules", "pause", "report", "send", "--note", "holidays").splitlines() == [
        "report is paused",
        "send is paused",
    ]
    assert shop.json("schedules", "show", "report")["paused"]["note"] == "holidays"
    assert "holidays" in shop("schedules", "show", "report")

    assert "report fires again; next at" in shop("schedules", "resume", "report")
    assert shop.json("schedules", "show", "report")["paused"] is None


def test_a_deleted_schedule_is_gone(shop: Console):
    assert shop("schedules", "delete", "send").strip() == "send is deleted"

    assert "no schedule has the id 'send'" in shop.typed("schedules", "show", "send").stderr


def test_the_next_occurrence_can_be_skipped(shop: Console):
    first, second = shop.json("schedules", "show", "report")["upcoming"][:2]

    assert shop.json("schedules", "skip", "report") == {"schedule": "report", "skipped_at": first}
    assert shop.json("schedules", "skip", "report", "--at", second)["skipped_at"] == second
    assert shop.json("schedules", "show", "report")["skips"] == [first, second]


def test_skipping_what_is_no_occurrence_is_refused_with_the_nearest(shop: Console):
    result = shop.typed("schedules", "skip", "report", "--at", "2026-12-01T10:00:00+09:00")

    assert result.exit_code == 1
    assert "the next one after it is 2026-12-02T09:00:00+09:00" in result.stderr


def test_a_trigger_by_hand_takes_other_arguments(shop: Console):
    added = shop.json("schedules", "trigger", "report", "--arg", "day=2026-11-20")

    assert added["fate"] == "added"
    assert shop.json("runs", "show", added["id"])["args"] == {"day": "2026-11-20"}


def test_arguments_are_checked_where_the_job_is_known(shop: Console):
    assert shop("schedules", "trigger", "report", "--arg", "dya=1")

    result = shop.typed("--app", "shop:scheduler", "schedules", "trigger", "report", "--arg", "dya=1")

    assert result.exit_code == 2
    assert "dya" in result.stderr


def test_a_trigger_that_overlaps_is_recorded_as_skipped_and_exits_with_1(shop: Console):
    shop("schedules", "trigger", "send")

    assert "is skipped: an earlier one is live" in shop("schedules", "trigger", "send", exit_code=1)
    assert "is added" in shop("schedules", "trigger", "send", "--overlap", "allow")
    assert shop.json("runs", "list", "--state", "skipped")["runs"][0]["reason"].startswith("overlap with")


def test_a_backfill_adds_what_has_no_record_yet(shop: Console):
    words = ("schedules", "backfill", "report", "--from", "2026-11-01T00:00Z", "--to", "2026-11-04T00:00Z")

    first, again = shop.json(*words), shop(*words)

    assert [each["fate"] for each in first["runs"]] == ["added"] * 3
    assert again.strip() == "0 runs added; 3 of 3 occurrences had a record already"


def test_an_orphan_is_a_schedule_that_nobody_alive_defines(shop: Console):
    async def bury(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.put([Worker(id="till", seen_at=now - HOUR, jobs=("report", "send"))])

    shop.prepare(bury)

    assert shop.json("schedules", "show", "report")["orphaned"] is True
    assert "no live worker defines" in shop("schedules", "show", "report")
    shown = shop.typed("--app", "shop:scheduler", "--json", "schedules", "show", "report").stdout
    assert '"orphaned": false' in shown


def test_a_trigger_that_cannot_be_read_is_shown_as_such(shop: Console):
    async def confuse(scheduler: Scheduler) -> None:
        await scheduler.store.put([Schedule(id="odd", job="send", trigger='{"moon":"full"}', created_at=1, wakes_at=1)])

    shop.prepare(confuse)

    assert "cannot be read" in shop("schedules", "show", "odd")
    assert "odd" in shop("schedules", "list")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"wakes_at": None}, "ended"),
        ({"follows": "run", "overlap": Overlap.DELAY, "wakes_at": 1}, "following"),
        ({"wakes_at": 1}, "active"),
    ],
)
def test_the_state_of_a_schedule_is_a_word(shop: Console, change: dict[str, object], state: str):
    async def put(scheduler: Scheduler) -> None:
        await scheduler.store.put(
            [Schedule(id="x", job="foliot.prune", trigger='{"every":"1h"}', created_at=1, **change)]  # type: ignore[arg-type]
        )

    shop.prepare(put)

    [line] = [each for each in shop("schedules", "list").splitlines() if each.startswith("x ")]
    assert f" {state} " in line
