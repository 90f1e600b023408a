"""``foliot run``: fire and work, until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foliot.cli.crew import Crew, itself, stop_with_parent
from foliot.cli.desk import Choices
from foliot.cli.errors import kind_errors
from foliot.cli.options import DebugOption, StoreOption, several
from foliot.cli.reloading import Supervisor
from foliot.cli.words import brief, lasting, many
from foliot.errors import SettingsError
from foliot.events import Event, Kind

if TYPE_CHECKING:
    from foliot.scheduler import Scheduler

log = logging.getLogger("foliot.run")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(  # noqa: PLR0913 - one for each option
    ctx: typer.Context,
    *,
    target: Annotated[str, typer.Argument(metavar="MODULE:SCHEDULER", help="Your scheduler.")],
    queues: Annotated[list[str], several("--queues", "Work on these queues only: mail,news")],
    labels: Annotated[list[str], several("--labels", "What this worker has that a run may need: gpu,eu")],
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", metavar="N", min=1, help="How many runs at once.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, help="How many worker processes; 1 is this one.")
    ] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when a .py file below here changes.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell of every run, not only of trouble.")] = False,
    store: StoreOption = None,
    debug: DebugOption = False,
    sibling: Annotated[int | None, typer.Option("--sibling", hidden=True)] = None,
) -> None:
    """Fire schedules and work on runs until told to stop.

    Ctrl-C or SIGTERM lets it finish what is running; a second one gives that back and stops at once.

    \b
    foliot run shop:scheduler
    foliot run shop.tasks:scheduler --queues mail,default --concurrency 20
    foliot run shop:scheduler --workers 4
    foliot run shop:scheduler --reload
    """
    choices = Choices(store=store, debug=debug).over(ctx.obj)
    wishes = _wishes(store=choices.store, queues=",".join(queues), labels=",".join(labels), concurrency=concurrency)
    with kind_errors(choices.debug):
        if reload:
            raise typer.Exit(Supervisor(itself(sys.argv[1:], "--reload"), Path.cwd()).run())
        if workers > 1 and sibling is None:
            _refuse_apart(_loaded(target, wishes), workers)  # what is wrong with the program is said once, here
            raise typer.Exit(Crew(itself(sys.argv[1:]), workers).run())
        signal.signal(signal.SIGTERM, _leave)
        _log_to_standard_error(verbose)
        scheduler = _loaded(target, wishes)
        if sibling is not None:
            _join_crew(scheduler, sibling)
        scheduler.on(_tell, *(() if verbose else _TROUBLE | _MILESTONES))
        log.info("%s", _greeting(target, scheduler))
        scheduler.run()


def _refuse_apart(scheduler: Scheduler, workers: int) -> None:
    """Refuse several processes with a memory each, which would fire everything as many times."""
    from foliot.stores.memory import MemoryStore

    if isinstance(scheduler.store, MemoryStore):
        raise SettingsError(
            f"{workers} workers need a store that they share: each would have a memory of its own, "
            "and fire everything; give --store sqlite:///jobs.db"
        )


def _leave(_number: int, _frame: object) -> None:
    """End well when told to stop while starting; once up, the scheduler listens itself."""
    raise SystemExit(0)


def _join_crew(scheduler: Scheduler, place: int) -> None:
    """Be one of several: with a name of its own, and no longer than the parent lives."""
    if "name" in scheduler.settings.sources:
        scheduler.override({"name": f"{scheduler.settings.name}-{place}"}, "command line")
    stop_with_parent()


def _wishes(**given: str | int | None) -> dict[str, Any]:
    """What was asked for."""
    return {name: value for name, value in given.items() if value}


def _loaded(target: str, wishes: dict[str, Any]) -> Scheduler:
    """The scheduler, with what the command line wishes above all that its code says."""
    from foliot.cli.loading import load

    scheduler = load(target)
    scheduler.override(wishes, "command line")
    return scheduler


def _greeting(target: str, scheduler: Scheduler) -> str:
    own = scheduler.settings
    schedules = sum(len(each.timers) for each in scheduler.jobs.values())
    where = next(each.value for each in own.describe() if each.name == "store")
    does = f"{many(len(scheduler.jobs), 'job')} and {many(schedules, 'schedule')}"
    return f"{target} runs as worker {own.name} on {where}: {does}. Ctrl-C stops it."


def _log_to_standard_error(verbose: bool) -> None:
    """Show the log, unless the program has arranged for that itself."""
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(message)s", level=logging.INFO, stream=sys.stderr)
    log.setLevel(logging.DEBUG if verbose else logging.INFO)


_TROUBLE = {Kind.FAILED, Kind.RETRYING, Kind.MISSED, Kind.LOST, Kind.PAUSED, Kind.CANCELLED}
_MILESTONES = {Kind.WORKER_STARTED, Kind.WORKER_STOPPED, Kind.RESUMED}


def _tell(event: Event) -> None:
    level = logging.WARNING if event.kind in _TROUBLE else logging.INFO
    log.log(level, "%s", sentence(event))


def sentence(event: Event) -> str:
    """An event as a line of the log."""
    if event.run is None:
        what = f"schedule {event.schedule} {event.kind}" if event.schedule else event.kind.value
        return ": ".join(filter(None, (what, event.reason)))
    took = "" if event.duration is None else f" after {lasting(event.duration)}"
    why = ": ".join(filter(None, (event.reason, brief(event.run.error))))
    return f"{event.run.job} {event.kind.value}{took} (run {event.run.id}){f': {why}' if why else ''}"
