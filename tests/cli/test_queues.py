import pytest
from tests.cli.console import Console

from foliot.model import Run
from foliot.scheduler import Scheduler


@pytest.fixture
def queued(console: Console) -> Console:
    """Two runs wait in the queue mail."""

    async def add(scheduler: Scheduler) -> None:
        now = scheduler.clock.now()
        runs = [Run(id=f"r{n}", job="send", due_at=now, created_at=now, wakes_at=now, queue="mail") for n in range(2)]
        await scheduler.store.add(runs, now)

    console.prepare(add)
    return console


def test_queues_are_listed_with_depth_limits_and_pauses(queued: Console):
    queued("queues", "limit", "mail", "--concurrency", "4", "--rate", "100/m")
    queued("queues", "pause", "mail", "--note", "lunch")

    [mail] = queued.json("queues", "list")["queues"]
    text = queued("queues", "list")

    assert (mail["name"], mail["waiting"], mail["running"]) == ("mail", 2, 0)
    assert (mail["concurrency"], mail["starts"], mail["per_seconds"]) == (4, 100, 60)
    assert mail["paused"]["note"] == "lunch"
    assert "4 at once, 100 per 1m" in text
    assert "lunch" in text


def test_a_queue_goes_on_after_a_pause(queued: Console):
    queued("queues", "pause", "mail")

    assert queued("queues", "resume", "mail").strip() == "mail goes on"
    assert queued.json("queues", "list")["queues"][0]["paused"] is None


def test_a_limit_can_be_lifted(queued: Console):
    assert queued("queues", "limit", "mail", "--concurrency", "4").strip() == "mail: limit 4 at once"
    assert queued("queues", "limit", "mail", "--none").strip() == "mail: limit none"
    assert queued.json("queues", "limit", "mail", "--rate", "5/s")["starts"] == 5


@pytest.mark.parametrize("words", [(), ("--none", "--concurrency", "3"), ("--concurrency", "0"), ("--rate", "many")])
def test_a_limit_that_makes_no_sense_is_a_usage_error(queued: Console, words: tuple[str, ...]):
    assert queued.typed("queues", "limit", "mail", *words).exit_code == 2


def test_no_queues_are_told_as_such(console: Console):
    async def nothing(_: Scheduler) -> None: ...

    console.prepare(nothing)

    assert console("queues", "list").strip() == "No queue has runs or limits."
