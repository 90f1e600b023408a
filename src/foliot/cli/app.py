"""The program ``foliot``: its commands, in the order in which ``foliot --help`` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from foliot.cli import (
    demo,
    doctor,
    explaining,
    flows,
    jobs,
    linting,
    migrating,
    moving,
    planning,
    previewing,
    proving,
    queues,
    running,
    runs,
    schedules,
    top,
    why,
)
from foliot.cli.desk import Choices
from foliot.cli.options import AppOption, DebugOption, JsonOption, StoreOption, UtcOption
from foliot.cli.printing import on_terminal

app = typer.Typer(
    name="foliot",
    no_args_is_help=True,
    rich_markup_mode="rich" if on_terminal() else None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"foliot {version('foliot')}")
        raise typer.Exit


@app.callback()
def everywhere(
    ctx: typer.Context,
    *,
    store: StoreOption = None,
    app: AppOption = None,
    json: JsonOption = False,
    utc: UtcOption = False,
    debug: DebugOption = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Run jobs when they are due or wanted, and look after them.

    The commands work beside running workers, on the same store. Name it by --store, by FOLIOT_STORE, in
    foliot.toml, or let --app name your scheduler; these options may stand before a command or after it.

    \b
    foliot demo                                   see it work, in 15 seconds
    foliot run shop:scheduler                     fire and work until Ctrl-C
    foliot --store sqlite:///jobs.db runs list    what has run, and how it went

    Exit codes: 0 all is well; 1 something is wrong or was not found; 2 the command line cannot be read;
    130 Ctrl-C; 141 nobody reads what is printed on.
    """
    ctx.obj = Choices(store=store, app=app, json=json, utc=utc, debug=debug)


demo.register(app)
running.register(app)
planning.register(app)
moving.register(app)
app.add_typer(schedules.app)
app.add_typer(runs.app)
app.add_typer(flows.app)
app.add_typer(queues.app)
app.add_typer(jobs.app)
why.register(app)
top.register(app)
doctor.register(app)
migrating.register(app)
explaining.register(app)
previewing.register(app)
linting.register(app)
proving.register(app)
