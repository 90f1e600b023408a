"""Commands for lanes that people steer by name, queues and jobs: pause, resume, limit."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from foliot.cli import completion, documents
from foliot.cli.desk import Desk, command
from foliot.cli.printing import Answer
from foliot.cli.words import Words, bounds
from foliot.errors import DefinitionError
from foliot.lanes import Lanes
from foliot.model import Limit, Query, State

Kind = Literal["queue", "job"]
Note = Annotated[str, typer.Option("--note", help="Why; shown to everybody.")]
ConcurrencyOption = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", min=1, help="At most so many at once.")
]
RateOption = Annotated[str | None, typer.Option("--rate", metavar="N/UNIT", help="At most so many starts, like 100/m.")]
Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.lanes, help="Its name.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=completion.lanes, help="Their names.")]
NoneOption = Annotated[bool, typer.Option("--none", help="No limit any more.")]

COLUMNS = ("NAME", "WAITING", "RUNNING", "LIMIT", "PAUSED", "NOTE")


def lanes(desk: Desk, kind: Kind) -> Lanes:
    """The lanes of a kind."""
    return desk.scheduler.queues if kind == "queue" else desk.scheduler.lanes


async def listed(
    desk: Desk, kind: Kind, others: frozenset[str] = frozenset()
) -> list[tuple[documents.Document, Limit | None]]:
    """Every lane of a kind that has live runs or a limit, and these others, each with its limit."""
    waiting = await lanes(desk, kind).depth()
    running = await desk.scheduler.store.tally(Query(states=(State.RUNNING,)), by=kind)
    limits = {each.id.partition("/")[2]: each for each in await lanes(desk, kind).all()}
    return [
        (documents.queue(name, limits.get(name), waiting.get(name, 0), running.get(name, 0)), limits.get(name))
        for name in sorted({*waiting, *running, *limits, *others})
    ]


def row(each: documents.Document, limit: Limit | None, words: Words) -> tuple[str, ...]:
    """A lane as a row under ``COLUMNS``."""
    pause = None if limit is None else limit.paused
    return (
        each["name"],
        f"{each['waiting']:,}",
        f"{each['running']:,}",
        bounds(limit),
        "" if pause is None else words.seen(pause.at),
        "" if pause is None else pause.note,
    )


def add_steering(app: typer.Typer, kind: Kind) -> None:
    """Add the commands ``pause``, ``resume`` and ``limit`` for lanes of a kind."""

    async def pause(desk: Desk, names: Names, note: Note = "") -> Answer:
        for name in names:
            await lanes(desk, kind).pause(name, note)
        return Answer({"paused": names}, [f"{name} is paused" for name in names])

    async def resume(desk: Desk, names: Names) -> Answer:
        for name in names:
            await lanes(desk, kind).resume(name)
        return Answer({"resumed": names}, [f"{name} goes on" for name in names])

    async def limit(
        desk: Desk, name: Name, concurrency: ConcurrencyOption = None, rate: RateOption = None, none: NoneOption = False
    ) -> Answer:
        return await _limited(desk, kind, name, concurrency, rate, none=none)

    for verb, about in ((pause, _PAUSE), (resume, _RESUME), (limit, _LIMIT)):
        verb.__doc__ = about.format(kind=kind)
    command(app, "pause")(pause)
    command(app, "resume")(resume)
    command(app, "limit")(limit)


_PAUSE = """Let no more runs of these {kind}s start until they are resumed; what runs goes on."""
_RESUME = """Let runs of {kind}s start again."""
_LIMIT = """Bound a {kind}; what is not given has no bound.

    \b
    foliot {kind}s limit mail --concurrency 4 --rate 100/m
    foliot {kind}s limit mail --none
    """


async def _limited(
    desk: Desk, kind: Kind, name: str, concurrency: int | None, rate: str | None, *, none: bool
) -> Answer:
    if none is (concurrency is not None or rate is not None):
        raise typer.BadParameter("give --concurrency, --rate or both; or --none for no limit")
    try:
        await lanes(desk, kind).limit(name, concurrency=concurrency, rate=rate)
    except DefinitionError as problem:
        raise typer.BadParameter(str(problem)) from None
    kept = await lanes(desk, kind).get(name)
    return Answer({"name": name, **documents.limit(kept)}, [f"{name}: limit {bounds(kept)}"])
