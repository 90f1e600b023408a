"""A fan-out whose workers are killed again and again: each part counts once in what is made of all of them."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from tests.flow.mill import PARTS, mill

from foliot.model import State

MILL = Path(__file__).parent / "mill.py"
KILLS = 8


def a_mill(url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, str(MILL), url], stderr=subprocess.DEVNULL)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_every_part_counts_once_however_often_its_workers_are_killed(url: str):
    if url.startswith("memory"):
        pytest.skip("memory dies with its process")
    scheduler = mill(url, fire=False, work=False)
    dice = Random(7)
    mills = [a_mill(url) for _ in range(2)]
    try:
        async with scheduler:
            handle = await scheduler.jobs["report"].enqueue()
            for _ in range(KILLS):
                await scheduler.clock.sleep(dice.randint(400_000, 1_500_000))
                victim = mills.pop(0)
                victim.kill()
                victim.wait()
                mills.append(a_mill(url))
            run = await scheduler.runs.ended(handle.id, timeout="3m")
            parts = await scheduler.runs.count(parent=handle.id, job="double")
    finally:
        for each in mills:
            each.kill()
            each.wait()

    assert run.state is State.SUCCEEDED, run
    assert run.result == f"[{PARTS},{PARTS * (PARTS + 1)}]"
    assert parts == {"succeeded": PARTS}
