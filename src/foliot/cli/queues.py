"""``foliot queues``: how deep they are, and what bounds them."""

from __future__ import annotations

from typing import Annotated

import typer

from foliot.cli import completion, documents
from foliot.cli.desk import Desk, command
from foliot.cli.printing import Answer, Table
from foliot.cli.words import bounds
from foliot.errors import DefinitionError
from foliot.model import Limit, Query, State

app = typer.Typer(name="queues", help="See how deep queues are; pause, resume and limit them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.queues, help="The queue.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=completion.queues, help="The queues.")]


@command(app, "list")
async def list_(desk: Desk) -> Answer:
    """List queues with the runs that wait and run in them, their limits and pauses."""
    found = await queues(desk)
    rows = [
        (
            each["name"],
            f"{each['waiting']:,}",
            f"{each['running']:,}",
            bounds(limit),
            desk.words.seen(limit.paused.at) if limit is not None and limit.paused is not None else "",
            limit.paused.note if limit is not None and limit.paused is not None else "",
        )
        for each, limit in found
    ]
    table = Table(columns=_COLUMNS, rows=rows, empty="No queue has runs or limits.")
    return Answer({"queues": [each for each, _ in found]}, [table])


_COLUMNS = ("NAME", "WAITING", "RUNNING", "LIMIT", "PAUSED", "NOTE")


async def queues(desk: Desk) -> list[tuple[documents.Document, Limit | None]]:
    """Every queue that has live runs or a limit, with that limit."""
    store = desk.scheduler.store
    waiting = await desk.scheduler.queues.depth()
    running = await store.tally(Query(states=(State.RUNNING,)), by="queue")
    limits = {each.id.removeprefix("queue/"): each for each in await desk.scheduler.queues.all()}
    return [
        (
            documents.queue(name, limits.get(name), waiting.get(name, 0), running.get(name, 0)),
            limits.get(name),
        )
        for name in sorted({*waiting, *running, *limits})
    ]


@command(app, "pause")
async def pause(
    desk: Desk,
    names: Names,
    note: Annotated[str, typer.Option("--note", help="Why; shown to everybody.")] = "",
) -> Answer:
    """Let nothing more start in queues until they are resumed; what runs goes on."""
    for name in names:
        await desk.scheduler.queues.pause(name, note)
    return Answer({"paused": names}, [f"{name} is paused" for name in names])


@command(app, "resume")
async def resume(desk: Desk, names: Names) -> Answer:
    """Let runs start in queues again."""
    for name in names:
        await desk.scheduler.queues.resume(name)
    return Answer({"resumed": names}, [f"{name} goes on" for name in names])


@command(app, "limit")
async def limit(
    desk: Desk,
    name: Name,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", metavar="N", min=1, help="At most so many at once.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="N/UNIT", help="At most so many starts, like 100/m.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="No limit any more.")] = False,
) -> Answer:
    """Bound a queue; what is not given has no bound.

    \b
    foliot queues limit mail --concurrency 4 --rate 100/m
    foliot queues limit mail --none
    """
    if none is (concurrency is not None or rate is not None):
        raise typer.BadParameter("give --concurrency, --rate or both; or --none for no limit")
    try:
        await desk.scheduler.queues.limit(name, concurrency=concurrency, rate=rate)
    except DefinitionError as problem:
        raise typer.BadParameter(str(problem)) from None
    kept = await desk.scheduler.queues.get(name)
    return Answer({"name": name, **documents.limit(kept)}, [f"{name}: limit {bounds(kept)}"])
