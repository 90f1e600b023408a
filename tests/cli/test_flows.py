"""``foliot flow``: workflows on the command line."""

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.console import Console
from tests.waiting import eventually

from foliot.model import State
from foliot.moments import SECOND
from foliot.scheduler import Scheduler

MILL = """
from foliot import Scheduler, workflow, job

scheduler = Scheduler("sqlite:///{folder}/shop.db")

@job()
async def grind(grain: str) -> str:
    if grain == "stone":
        raise ValueError("too hard")
    return "flour of " + grain

mill = workflow("mill", version=3)
ok = mill.approval("ok", after=mill.node(grind))
mill.node(grind, "finer", args={{"grain": "flour"}}, after=ok, when="approved")
paid = mill.signal("paid", after="finer")
scheduler.include(mill)
"""


@pytest.fixture
def mill(console: Console) -> Iterator[Console]:
    (console.folder / "mill.py").write_text(MILL.format(folder=console.folder))
    with_store: Any = console
    yield with_store
    sys.modules.pop("mill", None)


def flow(mill: Console, *words: str, exit_code: int = 0) -> str:
    return mill("--app", "mill", "flow", *words, exit_code=exit_code)


async def idle(scheduler: Scheduler) -> bool:
    """Whether nothing runs, and nothing is due."""
    live = await scheduler.runs.find(state=["pending", "running"])
    soon = scheduler.clock.now() + SECOND
    return all(run.state is State.PENDING and (run.wakes_at is None or run.wakes_at > soon) for run in live)


def work(mill: Console) -> None:
    """Let the mill work until nothing moves."""

    async def working() -> None:
        space: dict[str, Any] = {}
        exec(MILL.format(folder=mill.folder), space)  # noqa: S102 - a program of ours
        scheduler: Scheduler = space["scheduler"]
        async with scheduler:
            await eventually(partial(idle, scheduler))

    asyncio.run(working())


def started(mill: Console, grain: str) -> str:
    mill.prepare(_nothing)
    run = mill.json("--app", "mill", "flow", "run", "mill", "--arg", f"grain={grain}")["run"]
    work(mill)
    return run


async def _nothing(_: Any) -> None: ...


def test_workflows_are_listed_and_drawn(mill: Console):
    mill.prepare(_nothing)

    assert "mill  3        5      grain" in flow(mill, "list")
    assert "└─ grind" in flow(mill, "show", "mill")
    assert flow(mill, "show", "mill", "--as", "mermaid").startswith("flowchart TD\n")
    assert mill.json("--app", "mill", "flow", "list")["workflows"][0]["inputs"] == ["grain"]
    assert (
        "no workflow is called 'mil' here; did you mean 'mill'"
        in mill.typed("--app", "mill", "flow", "show", "mil").stderr
    )


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_document_that_was_written_can_be_checked(mill: Console, form: str):
    mill.prepare(_nothing)
    file = Path("flow.txt")
    file.write_text(flow(mill, "show", "mill", "--as", form))

    assert flow(mill, "check", str(file)).splitlines()[0] == "mill, version 3  takes grain"

    file.write_text("workflow: mill\nnodes:\n  a: {job: grnd}\n")
    wrong = mill.typed("--app", "mill", "flow", "check", str(file))
    assert wrong.exit_code == 1
    assert "flow.txt, line 3: no job is called 'grnd' here; did you mean 'grind'" in wrong.stderr
    assert "cannot read nowhere.yaml" in mill.typed("--app", "mill", "flow", "check", "nowhere.yaml").stderr


def test_a_workflow_is_run_approved_and_told(mill: Console):
    run = started(mill, "rye")

    assert "ok" in flow(mill, "nodes", run)
    assert flow(mill, "approve", run, "ok", "--by", "ann") == f"Told node 'ok' of run {run}.\n"
    assert "was answered before" in flow(mill, "refuse", run, "ok", exit_code=1)
    work(mill)
    flow(mill, "signal", run, "paid", '{"amount": 3}')
    work(mill)

    whole = mill.json("runs", "show", run)
    assert (whole["state"], whole["result"]) == ("succeeded", {"amount": 3})
    assert "succeeded" in flow(mill, "show", "mill", "--run", run)
    chart = mill("runs", "show", run, "--gantt").splitlines()
    assert sorted(line.split()[0] for line in chart[:-1]) == ["choose_finer", "finer", "grind", "mill", "ok", "paid"]
    assert all("█" in line for line in chart[:-1])
    assert mill.json("runs", "show", run, "--gantt")["bars"][0]["name"] == "mill"
    assert mill.json("--app", "mill", "flow", "nodes", run)["nodes"]["ok"]["result"]["by"] == "ann"


def test_a_failed_workflow_is_skipped_retried_and_recovered(mill: Console):
    run = started(mill, "stone")

    assert "5 nodes of run" in flow(mill, "retry", run, "grind")
    work(mill)
    assert "5 nodes of run" in flow(mill, "recover", run)
    work(mill)
    assert flow(mill, "skip", run, "grind", "--reason", "by hand") == f"Node 'grind' of run {run} is skipped.\n"
    work(mill)

    assert "skipped by hand: by hand" in flow(mill, "nodes", run)
    assert mill.json("runs", "show", run)["shown"] == "waiting"
