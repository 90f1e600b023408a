"""``foliot jobs``: what is defined, how much of it waits and runs, and what bounds it."""

from __future__ import annotations

import typer

from foliot.cli.desk import Desk, command
from foliot.cli.lanes import COLUMNS, add_steering, listed, row
from foliot.cli.printing import Answer, Table
from foliot.cli.workers import alive, workers

app = typer.Typer(
    name="jobs", help="See jobs and who defines them; pause, resume and limit them.", no_args_is_help=True
)


@command(app, "list")
async def list_(desk: Desk) -> Answer:
    """List jobs with their runs that wait and run, who defines them, their limits and pauses.

    Defined are those of live workers, of schedules, and of the scheduler that --app names.
    """
    living = [each for each in await workers(desk) if alive(each, desk.now)]
    defined = {name: sum(name in each.jobs for each in living) for each in living for name in each.jobs}
    scheduled = {each.job for each in await desk.scheduler.schedules.list()}
    own = () if desk.choices.app is None else desk.scheduler.jobs
    found = await listed(desk, "job", frozenset({*defined, *scheduled, *own}))
    documents = [{**each, "workers": defined.get(each["name"], 0)} for each, _ in found]
    rows = [
        (*row(each, limit, desk.words)[:3], f"{defined.get(each['name'], 0):,}", *row(each, limit, desk.words)[3:])
        for each, limit in found
    ]
    return Answer({"jobs": documents}, [Table(columns=_COLUMNS, rows=rows, empty="There are no jobs.")])


_COLUMNS = (*COLUMNS[:3], "WORKERS", *COLUMNS[3:])

add_steering(app, "job")
