"""``foliot runs``: what has run, runs and will run; cancel, retry and forget it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

import typer

from foliot.cli import completion, documents, given, trees
from foliot.cli.desk import Desk, command
from foliot.cli.options import several
from foliot.cli.portrait import portrait
from foliot.cli.printing import Answer, Table, as_json, on_terminal, rich
from foliot.cli.words import Words, data, duration, lasting, many, why
from foliot.flow.family import MOST_SHOWN, Branch
from foliot.model import Line, Run, State
from foliot.runs import RunFilters

app = typer.Typer(name="runs", help="List, show, follow, cancel, retry and prune runs.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", autocompletion=completion.runs, help="The run's id.")]
_STATES = ", ".join(State)
Ids = Annotated[list[str], typer.Argument(metavar="ID...", autocompletion=completion.runs, help="The runs' ids.")]


@command(app, "list")
async def list_(  # noqa: PLR0913 - one for each filter
    desk: Desk,
    *,
    states: Annotated[list[State], several("--state", f"Only in this state: {_STATES}", metavar="STATE")],
    jobs: Annotated[list[str], several("--job", "Only of this job")],
    schedules: Annotated[
        list[str], several("--schedule", "Only of this schedule", autocompletion=completion.schedules)
    ],
    queues: Annotated[list[str], several("--queue", "Only in this queue", autocompletion=completion.queues)],
    workers: Annotated[list[str], several("--worker", "Only of this worker")],
    tags: Annotated[list[str], several("--tag", "Only with all of these tags")],
    meta: Annotated[list[str], several("--meta", "Only with this metadata, dots reach inside", "KEY=VALUE")],
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only created since then.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only created before then.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1_000_000, help="At most so many.")] = 50,
    after: Annotated[
        str | None, typer.Option("--after", metavar="CURSOR", help="Go on where the last page ended.")
    ] = None,
) -> Answer:
    """List runs, newest first.

    A TIME is like '2026-12-01 10:00', or counted back from now: 2h.

    \b
    foliot runs list --state failed --since 1d
    foliot runs list --job resize --meta tenant=acme --json
    """
    filters: RunFilters = {
        "state": states,
        "job": jobs,
        "schedule": schedules,
        "queue": queues,
        "worker": workers,
        "tags": tags,
        "meta": given.pairs(meta),
    }
    if since is not None:
        filters["since"] = given.moment(since, desk.words)
    if until is not None:
        filters["until"] = given.moment(until, desk.words)
    page = await desk.scheduler.runs.page(limit=limit, after=after, **filters)
    rows = [_row(each, desk.words) for each in page.runs]
    more = [] if page.cursor is None else [f"There are more: --after {page.cursor}"]
    return Answer(
        {"runs": [documents.run(each, desk.now) for each in page.runs], "cursor": page.cursor},
        [Table(columns=_COLUMNS, rows=rows, empty="There are no such runs."), *more],
    )


_COLUMNS = ("ID", "JOB", "STATE", "DUE", "TOOK", "WORKER", "WHY")


def _row(run: Run, words: Words) -> tuple[str, ...]:
    return (
        run.id,
        run.job,
        run.shown(words.now),
        words.time(run.due_at),
        lasting(duration(run, words.now)),
        run.worker or "-",
        why(run),
    )


@command(app, "show")
async def show(
    desk: Desk,
    id: Id,
    tree: Annotated[bool, typer.Option("--tree", help="Show what it has spawned, and what that has spawned.")] = False,
    gantt: Annotated[bool, typer.Option("--gantt", help="Draw when each that it has spawned ran.")] = False,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="At most so many below each.")] = MOST_SHOWN,
) -> Answer:
    """Show one run whole: its arguments, result or error, every attempt; or its children, as a tree or in time."""
    if gantt:
        return await _charted(desk, id)
    if tree:
        return await _grown(desk, id, most)
    run = await desk.scheduler.runs.get(id)
    return Answer(documents.run(run, desk.now), portrait(run, desk.words))


async def _grown(desk: Desk, id: str, most: int) -> Answer:
    """A run and what it has spawned; on a terminal it is drawn anew, live, until the run is over."""
    branch = await desk.scheduler.runs.tree(id, most)
    if not branch.run.state.over and on_terminal() and not desk.choices.json:
        with suppress(asyncio.CancelledError):
            branch = await _watched(desk, branch, most)
    return Answer(trees.document(branch, desk.now), trees.drawn(branch, desk.words))


async def _watched(desk: Desk, branch: Branch, most: int) -> Branch:
    """The tree as it is when its run is over; shown meanwhile as it grows."""
    from rich.console import Group
    from rich.live import Live

    with Live(auto_refresh=False, transient=True) as live:
        while not branch.run.state.over:
            live.update(Group(*map(rich, trees.drawn(branch, desk.words))), refresh=True)
            await asyncio.sleep(EVERY)
            desk.refresh()
            branch = await desk.scheduler.runs.tree(branch.run.id, most)
    return branch


EVERY = 0.5
"""How often a live tree is looked at, in seconds."""


async def _charted(desk: Desk, id: str) -> Answer:
    """A run and its children as bars over time."""
    from foliot.workflows.pictures import bars, gantt

    whole = await desk.scheduler.runs.get(id)
    page = await desk.scheduler.runs.page(parent=id, limit=1000, oldest_first=True)
    names = {each.id: each.id.removeprefix(f"{id}.") for each in page.runs}
    chart = bars([whole, *page.runs], desk.now, names)
    document = [
        {"name": each.name, "from": documents.time(each.since), "to": documents.time(each.until), "shown": each.shown}
        for each in chart
    ]
    return Answer({"run": id, "bars": document}, gantt(chart))


@command(app, "logs")
async def logs(
    desk: Desk,
    id: Id,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run is over.")] = False,
) -> Answer | None:
    """Print what a run has logged. With --follow and --json, one JSON document per line."""
    if follow:
        return await _follow(desk, id)
    await desk.scheduler.runs.get(id)
    lines = await _all_lines(desk, id)
    texts = [_line(each, desk.words) for each in lines] or ["It has logged nothing."]
    return Answer({"run": id, "lines": [documents.line(each) for each in lines]}, texts)


async def _follow(desk: Desk, id: str) -> None:
    async for each in desk.scheduler.runs.follow(id):
        print(as_json(documents.line(each)) if desk.choices.json else _line(each, desk.words), flush=True)


async def _all_lines(desk: Desk, id: str) -> list[Line]:
    lines: list[Line] = []
    while page := await desk.scheduler.runs.logs(id, after=lines[-1].n if lines else 0):
        lines += page
    return lines


def _line(line: Line, words: Words) -> str:
    fields = {name: value for name, value in (line.fields or {}).items() if name not in ("logger", "exception")}
    extra = " ".join(f"{name}={value if isinstance(value, str) else data(value)}" for name, value in fields.items())
    text = f"{words.clock(line.at)} {line.level:<7} {line.text} {extra}".rstrip()
    trace = (line.fields or {}).get("exception")
    return text if trace is None else f"{text}\n{trace}".rstrip()


@command(app, "cancel")
async def cancel(
    desk: Desk,
    ids: Ids,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the run.")] = "cancelled by hand",
) -> Answer:
    """Cancel runs: at once if they wait, at their next beat if they run."""
    found = await desk.scheduler.runs.cancel(*ids, reason=reason)
    return _changed(found, desk)


@command(app, "signal")
async def signal(
    desk: Desk,
    id: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the run waits for.")],
    value: Annotated[str, typer.Argument(metavar="[VALUE]", help="What it is told: JSON, or else a text.")] = "null",
) -> Answer:
    """Tell a run what it waits for: an approval, an answer, a file that has come.

    \b
    foliot runs signal 0190f1d2 approve true
    foliot runs signal 0190f1d2 address '{"city": "Seoul"}'
    """
    counted = await desk.scheduler.signal(id, name, given.value_of(value))
    said = f"Told run {id}." if counted else f"Run {id} has been told {name!r} before, or no longer waits for it."
    return Answer({"run": id, "signal": name, "counted": counted}, [said])


@command(app, "retry")
async def retry(desk: Desk, ids: Ids) -> Answer:
    """Run again what is over."""
    return _changed(await desk.scheduler.runs.retry(*ids), desk)


def _changed(runs: list[Run], desk: Desk) -> Answer:
    desk.refresh()
    return Answer(
        {"runs": [documents.run(each, desk.now) for each in runs]},
        [f"{each.id} {each.job} is {each.shown(desk.now)}" for each in runs],
    )


@command(app, "prune")
async def prune(
    desk: Desk,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="LENGTH", help="Forget what ended longer ago, like 7d."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", min=0, help="Keep so many of each job, the newest.")
    ] = None,
) -> Answer:
    """Forget runs that are over: old ones, or all but the newest of each job."""
    if older_than is None and keep is None:
        raise typer.BadParameter("say what to forget: --older-than 7d, --keep 1000, or both")
    age = None if older_than is None else timedelta(microseconds=given.span(older_than))
    pruned = await desk.scheduler.runs.prune(older_than=age, keep=keep)
    return Answer({"pruned": pruned}, [f"{many(pruned, 'run')} forgotten"])
