"""``foliot demo``: the whole thing at work, in about 15 seconds, with nothing staged but the plot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from foliot.cli.desk import Choices
from foliot.cli.errors import WRONG, kind_errors
from foliot.cli.options import DebugOption

if TYPE_CHECKING:
    from foliot.cli.demo.verdict import Ends


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(ctx: typer.Context, debug: DebugOption = False) -> None:
    """See it work: 15 seconds, two workers, one kill.

    Two worker processes share a SQLite file: a cron, an interval, retries, overlap, a timeout, a cancel, and
    one worker killed in the middle of a run. Exit 0 if everything that it claims was true.
    """
    with (
        kind_errors(Choices(debug=debug).over(ctx.obj).debug),
        TemporaryDirectory(prefix="foliot-demo-", ignore_cleanup_errors=True) as folder,
    ):
        if not asyncio.run(_performed(Path(folder))):
            raise typer.Exit(WRONG)


async def _performed(folder: Path) -> bool:
    from foliot.cli.demo import jobs
    from foliot.cli.demo.board import board
    from foliot.cli.demo.play import Play
    from foliot.cli.demo.stage import Stage
    from foliot.moments import SECOND
    from foliot.scheduler import Scheduler

    with Stage(folder) as stage:
        scheduler = Scheduler(stage.url)
        scheduler.include(jobs)
        began = scheduler.clock.now()
        async with scheduler.connected():
            with board(lambda: (scheduler.clock.now() - began) / SECOND) as shown:
                shown.say(f"two worker processes will share {stage.url}")
                ends = await Play(stage, scheduler, shown).perform()
        return summed_up(ends)


def summed_up(ends: Ends) -> bool:
    """Print how it ended; tells whether everything that was claimed is true."""
    from foliot.cli.demo.story import counted
    from foliot.cli.demo.verdict import claims, kept
    from foliot.cli.portrait import timeline
    from foliot.cli.printing import Answer, Table, show
    from foliot.cli.words import Words

    [report] = [each for each in ends.runs if each.job == "report"]
    judged = claims(ends)
    rows = [("yes" if each.kept else "NO", each.text, each.seen) for each in judged]
    broken = [each.text for each in judged if not each.kept]
    parts = [
        "",
        f"{len(ends.runs)} runs: {counted(ends.runs)}",
        "",
        timeline(report, Words(now=0), "The run that outlived its worker"),
        "",
        Table(title="Was it all true?", rows=rows),
        "",
        "It was not: " + "; ".join(broken) if broken else "It was. Your turn: foliot --help",
    ]
    show(Answer(None, parts), json=False)
    return kept(judged)
