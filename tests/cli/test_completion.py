import os
import subprocess
import sys
from typing import Any

import pytest
from tests.cli.console import Console


@pytest.fixture
def offered(console: Console) -> Any:
    """What bash offers for a command line that ends here."""

    async def act(shop: dict[str, Any]) -> str:
        return (await shop["send"].options(after="1h").enqueue()).id

    run = console.work(act)

    def offer(*words: str) -> list[str]:
        line = ["foliot", *words]
        result = subprocess.run(
            [sys.executable, "-m", "foliot"],
            env={
                **os.environ,
                "_FOLIOT_COMPLETE": "complete_bash",
                "COMP_WORDS": " ".join(line),
                "COMP_CWORD": str(len(line) - 1),
            },
            capture_output=True,
            text=True,
            cwd=console.folder,
            check=False,
        )
        return result.stdout.split()

    offer.url, offer.run = console.url, run  # type: ignore[attr-defined]
    return offer


def test_commands_are_completed(offered: Any):
    assert offered("sch") == ["schedules"]


def test_ids_of_schedules_are_completed_from_the_store(offered: Any):
    assert offered("--store", offered.url, "schedules", "show", "re") == ["report"]
    assert offered("--store", offered.url, "schedules", "pause", "") == ["foliot.prune", "report", "send"]


def test_ids_of_runs_and_queues_are_completed_from_the_store(offered: Any):
    assert offered("--store", offered.url, "runs", "show", offered.run[:3]) == [offered.run]
    assert offered("--app", "shop:scheduler", "queues", "pause", "m") == ["mail"]


def test_where_no_store_can_be_asked_nothing_is_offered(offered: Any):
    assert offered("schedules", "show", "re") == []
