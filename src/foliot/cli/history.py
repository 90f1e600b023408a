"""What the past of a schedule teaches."""

from __future__ import annotations

from statistics import median

from foliot.cli.desk import Desk
from foliot.model import State

LATELY = 20
"""How many of the newest runs are asked how long they took."""


async def usual(desk: Desk, schedule: str) -> int | None:
    """How long the runs of a schedule usually take, microseconds; None where none succeeded yet."""
    runs = await desk.scheduler.runs.find(schedule=schedule, state=State.SUCCEEDED, limit=LATELY)
    took = [run.finished_at - run.started_at for run in runs if run.started_at and run.finished_at]
    return round(median(took)) if took else None
