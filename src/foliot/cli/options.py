"""Options that several commands take, in the words that ``--help`` shows."""

from __future__ import annotations

from typing import Annotated, Any

import typer

StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Where runs live: sqlite:///jobs.db. Default: your settings."),
]
AppOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE:SCHEDULER",
        envvar="FOLIOT_APP",
        help="Your scheduler: for its jobs and its store.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
UtcOption = Annotated[bool, typer.Option("--utc", help="Show times in UTC, not in the local zone.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ZoneOption = Annotated[
    str | None, typer.Option("--tz", metavar="ZONE", help="The zone of its clock, like Europe/Berlin. Default: UTC.")
]
TriggerArgument = Annotated[
    str, typer.Argument(metavar="TRIGGER", help="A cron line, 'every 5m', a time, or JSON.", show_default=False)
]
OptionalTriggerArgument = Annotated[
    str | None, typer.Argument(metavar="TRIGGER", help="A cron line, 'every 5m', a time, or JSON.")
]


def several(name: str, about: str, metavar: str = "NAME", **more: Any) -> Any:
    """An option that may be repeated; a list, empty by default."""
    about = f"{about}; may be repeated."
    return typer.Option(name, help=about, metavar=metavar, default_factory=list, show_default=False, **more)
