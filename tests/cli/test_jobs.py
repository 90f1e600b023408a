import pytest
from tests.cli.console import Console, nothing

from foliot.model import Run, Worker
from foliot.scheduler import Scheduler


@pytest.fixture
def shop(console: Console) -> Console:
    """The shop has run; one run of ``send`` waits, and one worker is alive."""
    console.work(nothing)

    async def add(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.add([Run(id="r", job="send", due_at=now, created_at=now)], now)
        await scheduler.store.put([Worker(id="till", seen_at=now, jobs=("send", "loud"))])

    console.prepare(add)
    return console


def test_jobs_are_listed_with_who_defines_them_and_what_waits(shop: Console):
    found = {each["name"]: each for each in shop.json("jobs", "list")["jobs"]}
    text = shop("jobs", "list")

    assert set(found) == {"foliot.prune", "loud", "report", "send"}
    assert (found["send"]["waiting"], found["send"]["workers"]) == (1, 1)
    assert (found["report"]["waiting"], found["report"]["workers"]) == (0, 0)
    assert text.splitlines()[0].split() == ["NAME", "WAITING", "RUNNING", "WORKERS", "LIMIT", "PAUSED", "NOTE"]


def test_jobs_that_only_code_defines_are_listed_for_that_code(shop: Console):
    found = {each["name"] for each in shop.json("--app", "shop:scheduler", "jobs", "list")["jobs"]}

    assert "broken" in found


def test_a_job_is_paused_with_a_note_and_goes_on(shop: Console):
    assert shop("jobs", "pause", "send", "report", "--note", "stocktaking").splitlines() == [
        "send is paused",
        "report is paused",
    ]
    paused = {each["name"]: each["paused"] for each in shop.json("jobs", "list")["jobs"]}
    assert paused["send"]["note"] == "stocktaking"
    assert "stocktaking" in shop("jobs", "list")

    assert shop("jobs", "resume", "send").strip() == "send goes on"
    assert shop.json("why", "r")["cause"] != "paused"


def test_a_job_is_limited(shop: Console):
    assert shop("jobs", "limit", "send", "--concurrency", "2", "--rate", "5/s").strip() == (
        "send: limit 2 at once, 5 per 1s"
    )
    assert shop.typed("jobs", "limit", "send").exit_code == 2


def test_no_jobs_are_told_as_such(console: Console):
    async def empty(_: Scheduler) -> None: ...

    console.prepare(empty)

    assert console.json("jobs", "list")["jobs"] == []
    assert console("jobs", "list").strip() == "There are no jobs."
