"""``foliot doctor``: whether the store, the clock, the workers and the schedules are well."""

from __future__ import annotations

from dataclasses import asdict

import typer

from foliot.cli import workers
from foliot.cli.checkup import Facts, Finding, Level, findings
from foliot.cli.desk import Desk, unopened
from foliot.cli.printing import Answer, Part, Table
from foliot.cli.words import many
from foliot.errors import StoreError
from foliot.model import Limit, Query, Run, State, Worker

MOST = 10_000
"""How many live runs of a state are looked at."""
NOBODY = "nobody, says the doctor"
"""A worker that is not there: to drop it changes nothing, and only those may who may write."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "doctor")(doctor)


async def doctor(desk: Desk) -> Answer:
    """Check whether all is well; exit 1 if something is wrong.

    It looks at the store, the clock, workers, leases, schedules and settings, and names the remedies.
    """
    try:
        async with desk.opened():
            found = [await _store(desk), *findings(await _facts(desk))]
    except StoreError as problem:
        found = [Finding(check="store", level=Level.WRONG, text=str(problem))]
    return _diagnosis(desk, found)


def _diagnosis(desk: Desk, found: list[Finding]) -> Answer:
    settings = desk.scheduler.settings.describe()
    well = all(each.level is not Level.WRONG for each in found)
    rows = [(each.level.value, each.check, _with_remedy(each)) for each in found]
    parts: list[Part] = [
        Table(rows=rows),
        "",
        Table(title="Settings", rows=[tuple(each) for each in settings]),
        "",
        "All is well." if well else f"{many(sum(each.level is Level.WRONG for each in found), 'thing')} wrong.",
    ]
    document = {
        "ok": well,
        "findings": [asdict(each) for each in found],
        "settings": [each._asdict() for each in settings],
    }
    return Answer(document, parts, ok=well)


def _with_remedy(finding: Finding) -> str:
    return f"{finding.text}; {finding.remedy}" if finding.remedy else finding.text


async def _store(desk: Desk) -> Finding:
    """Ask the store for one of everything, and write nothing; raises StoreError where it is damaged, or a replica."""
    counts = await desk.scheduler.store.tally(Query(), by="state")
    await desk.scheduler.store.drop(Worker, [NOBODY])
    said = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "no runs"
    return Finding(check="store", level=Level.OK, text=f"it opens, can be read and be written: {said}")


async def _facts(desk: Desk) -> Facts:
    scheduler = desk.scheduler
    newest = await scheduler.store.find(Query(limit=100))
    return Facts(
        now=desk.now,
        newest=newest.runs,
        running=await _live(desk, State.RUNNING),
        pending=await _live(desk, State.PENDING),
        schedules=await scheduler.schedules.list(),
        limits=await scheduler.store.records(Limit),
        workers=await workers.workers(desk),
        known=frozenset(scheduler.jobs),
    )


async def _live(desk: Desk, state: State) -> list[Run]:
    """Runs in a state, the oldest first."""
    runs: list[Run] = []
    cursor = None
    while len(runs) < MOST:
        page = await desk.scheduler.runs.page(limit=1000, after=cursor, oldest_first=True, state=state)
        runs += page.runs
        if (cursor := page.cursor) is None:
            break
    return runs
