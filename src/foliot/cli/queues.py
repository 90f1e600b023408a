"""``foliot queues``: how deep they are, and what bounds them."""

from __future__ import annotations

import typer

from foliot.cli.desk import Desk, command
from foliot.cli.lanes import COLUMNS, add_steering, listed, row
from foliot.cli.printing import Answer, Table

app = typer.Typer(name="queues", help="See how deep queues are; pause, resume and limit them.", no_args_is_help=True)


@command(app, "list")
async def list_(desk: Desk) -> Answer:
    """List queues with the runs that wait and run in them, their limits and pauses."""
    found = await listed(desk, "queue")
    rows = [row(each, limit, desk.words) for each, limit in found]
    table = Table(columns=COLUMNS, rows=rows, empty="No queue has runs or limits.")
    return Answer({"queues": [each for each, _ in found]}, [table])


add_steering(app, "queue")
