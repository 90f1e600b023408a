from typing import Any

import pytest
from tests.cli.console import Console, nothing

from foliot.model import Claim, Limit, Run, Unique, Worker
from foliot.scheduler import Scheduler


@pytest.fixture
def shop(console: Console) -> Console:
    """The shop has run, and somebody who knows its jobs is at work."""
    console.work(nothing)

    async def arrive(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.put([Worker(id="till", seen_at=now, slots=4, jobs=("send", "report", "loud"))])

    console.prepare(arrive)
    return console


def add(shop: Console, *runs: dict[str, Any]) -> None:
    async def adding(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        wanted = [Run(**{"job": "loud", "created_at": now, "due_at": now, "wakes_at": now, **each}) for each in runs]
        await scheduler.store.add(wanted, now)

    shop.prepare(adding)


def cause(shop: Console, id: str) -> tuple[str, str]:
    told = shop.json("why", id)
    return told["cause"], told["sentence"]


def test_a_schedule_tells_why_it_does_not_fire(shop: Console):
    assert cause(shop, "report")[0] == "not due"
    shop("schedules", "pause", "report", "--note", "holidays")

    text = shop("why", "report")

    assert text.startswith("Schedule report: it is paused since ")
    assert "holidays" in text
    assert text.splitlines()[-1] == "What to do: foliot schedules resume report"


def test_a_run_in_a_paused_queue_says_so(shop: Console):
    add(shop, {"id": "r", "queue": "mail"})
    shop("queues", "pause", "mail", "--note", "lunch")

    assert cause(shop, "r")[0] == "paused"
    assert "lunch" in shop("why", "r")


@pytest.mark.parametrize(
    ("lane", "own"),
    [
        ("queue/default", {}),
        ("job/loud", {}),
        ("key/loud", {"lanes": ("key/loud#a",)}),
        ("overlap", {"lanes": ("overlap#s",), "schedule": "s"}),
    ],
)
def test_a_run_before_a_full_lane_names_who_holds_it(shop: Console, lane: str, own: dict[str, Any]):
    add(shop, {"id": "first", **own}, {"id": "second", **own})

    async def work(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        await scheduler.store.put([Limit(id=lane, running=1)])
        await scheduler.store.claim(Claim(worker="till", limit=1, lease=60_000_000), now)

    shop.prepare(work)

    told = shop.json("why", "second")

    assert told["cause"] == ("overlapped" if lane == "overlap" else "limited")
    assert "first" in told["sentence"]
    assert told["evidence"][0]["what"] == "run first"


def test_a_run_that_waits_names_those_it_waits_for(shop: Console):
    add(shop, {"id": "upstream"}, {"id": "r", "after": ("upstream", "gone")})

    assert cause(shop, "r") == ("waiting", "it waits for 1 run: upstream")


def test_a_run_that_was_skipped_names_the_one_in_its_way(shop: Console):
    add(shop, {"id": "first", "unique": Unique(key="k")})
    add(shop, {"id": "second", "unique": Unique(key="k", clash="skip")})  # pyright: ignore[reportArgumentType]

    told = shop.json("why", "second")

    assert (told["cause"], told["sentence"]) == ("overlapped", "it was skipped: overlap with first")
    assert told["evidence"][0]["what"] == "run first"


def test_a_run_for_which_there_is_nobody_says_so(shop: Console):
    add(shop, {"id": "r", "job": "elsewhere"})

    assert cause(shop, "r")[0] == "orphaned"


def test_an_id_that_nothing_has_is_an_error(shop: Console):
    result = shop.typed("why", "nobody")

    assert result.exit_code == 1
    assert "neither a run nor a schedule has the id 'nobody'" in result.stderr
