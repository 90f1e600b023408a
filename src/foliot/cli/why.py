"""``foliot why``: one sentence about a run or a schedule, and its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from foliot.cli import completion, documents
from foliot.cli.desk import Desk, command
from foliot.cli.printing import Answer, Part, Table
from foliot.cli.workers import alive, workers
from foliot.errors import UnknownRun
from foliot.model import Limit, Query, Run, Schedule, State, Worker, family
from foliot.why import Facts, Verdict, why_run, why_schedule

MOST = 1000
"""How many of those that hold a lane, or are waited for, are looked at."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "why")(why)


Id = Annotated[
    str, typer.Argument(metavar="RUN|SCHEDULE", autocompletion=completion.schedules, help="The id of either.")
]


async def why(desk: Desk, id: Id) -> Answer:
    """Say in one sentence why a run does not run, or a schedule does not fire, and what proves it.

    Paused, limited, overlapped, waiting, not due, no worker for it, orphaned, lost: with who is responsible, and
    what to do.

    \b
    foliot why report
    foliot why 01983e5c-2f0e-7aa1-b3f5-8a2f0c1d4e5f --json
    """
    runs = await _found(desk, [id])
    if runs:
        return _answer(f"Run {id} of {runs[0].job}", "run", id, await _of_run(desk, runs[0]))
    schedules = await desk.scheduler.store.records(Schedule, [id])
    if not schedules:
        raise UnknownRun(f"neither a run nor a schedule has the id {id!r}; a run may have been pruned")
    return _answer(f"Schedule {id}", "schedule", id, await _of_schedule(desk, schedules[0]))


def _answer(title: str, kind: str, id: str, verdict: Verdict) -> Answer:
    parts: list[Part] = [f"{title}: {verdict.sentence}."]
    if verdict.evidence:
        parts += ["", Table(rows=list(verdict.evidence))]
    if verdict.remedy:
        parts += ["", f"What to do: {verdict.remedy}"]
    document: documents.Document = {
        "kind": kind,
        "id": id,
        "cause": verdict.cause.value,
        "sentence": verdict.sentence,
        "evidence": [{"what": what, "text": text} for what, text in verdict.evidence],
        "remedy": verdict.remedy,
    }
    return Answer(document, parts)


# Facts


async def _of_run(desk: Desk, run: Run) -> Verdict:
    limits = await _limits(desk)
    limited = [lane for lane in run.every_lane if lane in limits or family(lane) in limits]
    facts = Facts(
        now=desk.now,
        limits=limits,
        holders={lane: await _holders(desk, lane, run.id) for lane in limited} if not run.state.over else {},
        others=await _others(desk, run),
        workers=await _living(desk),
        tell=desk.words.seen,
    )
    return why_run(run, facts)


async def _of_schedule(desk: Desk, schedule: Schedule) -> Verdict:
    last = await desk.scheduler.runs.find(schedule=schedule.id, limit=1)
    facts = Facts(
        now=desk.now,
        limits=await _limits(desk),
        others=await _found(desk, [schedule.follows] if schedule.follows else []),
        workers=await _living(desk),
        last=last[0] if last else None,
        tell=desk.words.seen,
    )
    return why_schedule(schedule, facts)


async def _limits(desk: Desk) -> dict[str, Limit]:
    return {each.id: each for each in await desk.scheduler.store.records(Limit)}


async def _living(desk: Desk) -> list[Worker]:
    return [each for each in await workers(desk) if alive(each, desk.now)]


async def _holders(desk: Desk, lane: str, but: str) -> list[Run]:
    """Who holds a place in a lane, itself excepted."""
    kind, _, name = family(lane).partition("/")
    whose = lane.partition("#")[2]
    query = Query(
        states=(State.RUNNING,),
        queues=(name,) if kind == "queue" else (),
        jobs=(name,) if kind == "job" else (),
        schedules=(whose,) if kind == "overlap" else (),
        limit=MOST,
    )
    found = (await desk.scheduler.store.find(query)).runs
    return [each for each in found if lane in each.every_lane and each.id != but]


_ID = re.compile(r"(?:overlap with|replaced by) (\S+)")


async def _others(desk: Desk, run: Run) -> list[Run]:
    """The runs that it waits for, or that its reason names."""
    if run.waits:
        spawned = await desk.scheduler.store.find(Query(parents=(run.id,), states=_LIVE, limit=MOST))
        after = [each for each in await _found(desk, run.after) if not each.state.over]
        return list({each.id: each for each in (*after, *spawned.runs)}.values())
    return await _found(desk, _ID.findall(run.reason or run.cancelling or ""))


_LIVE = (State.PENDING, State.RUNNING)


async def _found(desk: Desk, ids: Iterable[str]) -> list[Run]:
    some = tuple(ids)[:MOST]
    return list((await desk.scheduler.store.find(Query(ids=some, limit=MOST))).runs) if some else []
