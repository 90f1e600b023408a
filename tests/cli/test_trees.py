import asyncio
import re
from typing import Any

import pytest
from tests.cli.console import Console

from foliot.cli import runs
from foliot.context import Context
from foliot.runs import Runs


@pytest.fixture
def family(console: Console) -> tuple[Console, str]:
    """A run that has done a step, mapped some numbers, and waits for an approval."""

    async def act(shop: dict[str, Any]) -> str:
        scheduler = shop["scheduler"]

        @scheduler.job(name="double")
        async def double(n: int) -> int:
            return n * 2

        @scheduler.job(name="order")
        async def order(context: Context) -> str:
            await context.step("charge", lambda: 7)
            await context.map(double, range(4))
            return await context.wait_for("approve", kind=str)

        handle = await order.enqueue()
        while not (await scheduler.runs.count(job="foliot.signal")):
            await scheduler.clock.sleep(10_000)
        return handle.id

    return console, console.work(act)


def lines(text: str) -> list[list[str]]:
    return [re.split(r"(?<=\w)\s{2,}", line.strip()) for line in text.splitlines()]


def test_the_tree_of_a_run_has_a_line_for_all_that_it_has_done(family: tuple[Console, str]):
    console, id = family

    drawn = [line[:2] for line in lines(console("runs", "show", id, "--tree"))[1:]]

    assert drawn == [
        ["order", "waiting"],
        ["├─ step charge", "succeeded"],
        ["├─ double, 4 parts", "succeeded"],
        ["│  ├─ double", "succeeded"],
        ["│  ├─ double", "succeeded"],
        ["│  ├─ double", "succeeded"],
        ["│  └─ double", "succeeded"],
        ["└─ signal approve", "scheduled"],
    ]


def test_a_tree_tells_no_more_than_asked_and_counts_the_rest(family: tuple[Console, str]):
    console, id = family

    document = console.json("runs", "show", id, "--tree", "--most", "3")

    assert [each["job"] for each in document["children"]] == ["foliot.step", "foliot.map", "foliot.signal"]
    assert len(document["children"][1]["children"]) < 4
    assert document["more"]["succeeded"] > 0
    assert "more" in console("runs", "show", id, "--tree", "--most", "3")


def test_a_signal_is_sent_once(family: tuple[Console, str]):
    console, id = family

    assert "Told run" in console("runs", "signal", id, "approve", "by Ann")
    assert console.json("runs", "signal", id, "other", '{"n": 1}') == {"run": id, "signal": "other", "counted": True}
    assert "no run has the id 'nobody'" in console.typed("runs", "signal", "nobody", "approve").output


def test_on_a_terminal_a_tree_is_live_until_its_run_is_over(
    family: tuple[Console, str], monkeypatch: pytest.MonkeyPatch
):
    console, id = family
    looks: list[str] = []
    tree = Runs.tree

    async def cancelled_at_the_third_look(self: Runs, id: str, most: int) -> Any:
        looks.append(id)
        if len(looks) == 3:
            await self.cancel(id)
        return await tree(self, id, most)

    monkeypatch.setattr(Runs, "tree", cancelled_at_the_third_look)
    monkeypatch.setattr(runs, "on_terminal", lambda: True)
    monkeypatch.setattr(runs, "EVERY", 0.01)

    text = console("runs", "show", id, "--tree")

    assert len(looks) == 3
    assert "cancelled" in text


def test_a_live_tree_is_left_as_it_stands_when_interrupted(
    family: tuple[Console, str], monkeypatch: pytest.MonkeyPatch
):
    console, id = family
    looks: list[str] = []
    tree = Runs.tree

    async def interrupted_at_the_second_look(self: Runs, id: str, most: int) -> Any:
        looks.append(id)
        if len(looks) == 2:
            raise asyncio.CancelledError  # what Ctrl-C becomes inside an event loop
        return await tree(self, id, most)

    monkeypatch.setattr(Runs, "tree", interrupted_at_the_second_look)
    monkeypatch.setattr(runs, "on_terminal", lambda: True)
    monkeypatch.setattr(runs, "EVERY", 0.01)

    assert "order" in console("runs", "show", id, "--tree")
