import asyncio
from typing import Any

import pytest
from tests.cli.console import Console, nothing

from foliot.cli import top
from foliot.model import Beat, Claim, Progress, Run, Worker


def test_what_happens_now_is_printed_once_off_a_terminal(console: Console):
    console.work(nothing)

    text = console("top", "--utc")

    assert "0 runs running, 0 waiting" in text
    assert [line for line in text.splitlines() if line in ("Running", "Next", "Workers")] == [
        "Running",
        "Next",
        "Workers",
    ]
    assert "none is alive" in text  # it has signed off


def test_next_firings_come_in_the_order_of_time(console: Console):
    console.work(nothing)

    upcoming = console.json("top", "--once")["upcoming"]

    assert {each["id"] for each in upcoming} == {"report", "send", "foliot.prune"}
    assert [each["next_at"] for each in upcoming] == sorted(each["next_at"] for each in upcoming)


def test_what_runs_is_shown_with_its_progress(console: Console):
    async def look(shop: dict[str, Any]) -> None:
        scheduler = shop["scheduler"]
        done = await shop["loud"].enqueue()
        await done.result(timeout="5s")
        now = scheduler.clock.now()
        await scheduler.store.add(
            [
                Run(id=f"r-{q}", job="resize", created_at=now, due_at=now, wakes_at=now, queue=q, needs=("gpu",))
                for q in ("a", "b", "c")  # which the worker that is there does not take
            ],
            now,
        )
        claim = Claim(worker="w", limit=1, lease=60_000_000, queues=("a",), labels=("gpu",))
        batch = await scheduler.store.claim(claim, now)
        beat = Beat(run="r-a", token=batch.runs[0].token, progress=Progress(done=1, total=4))
        await scheduler.store.beat(Worker(id="w", slots=3, busy=1, stopping=True), [beat], now, 60_000_000)

    console.work(look)

    document, text = console.json("top"), console("top")

    assert [each["id"] for each in document["runs"]] == ["r-a"]
    assert document["running"] == 1
    assert document["waiting"] == {"b": 1, "c": 1}
    assert "25 % (1 of 4)" in text
    assert "2 waiting (b 1, c 1)" in text
    assert "1/3 stopping" in text


def test_on_a_terminal_it_goes_on_until_interrupted(console: Console, monkeypatch: pytest.MonkeyPatch):
    console.work(nothing)
    looks: list[object] = []
    look = top._look

    async def look_twice(desk: Any) -> Any:
        looks.append(desk.now)
        if len(looks) > 2:
            raise asyncio.CancelledError  # what Ctrl-C becomes inside an event loop
        return await look(desk)

    monkeypatch.setattr(top, "_look", look_twice)
    monkeypatch.setattr(top, "on_terminal", lambda: True)

    assert console.typed("top", "--every", "0.1").exit_code == 0
    assert len(looks) == 3
