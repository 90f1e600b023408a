"""``foliot top``: what happens now, live."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any

import typer

from foliot.cli import documents, workers
from foliot.cli.desk import Desk, command
from foliot.cli.printing import Answer, Part, Table, on_terminal, rich
from foliot.cli.schedules import when
from foliot.cli.words import Words, duration, lasting, many, progress, queues
from foliot.model import Query, Run, Schedule, State, Worker
from foliot.moments import DAY, MINUTE

ROWS = 10
"""How many rows each table has at most."""
FAR = 400 * DAY
"""How far ahead to look for firings."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "top")(top)


async def top(
    desk: Desk,
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often to look.")] = 1.0,
) -> Answer | None:
    """Watch what happens now; Ctrl-C ends it.

    What runs and how far it is, what fires next, the queues and the workers. Off a terminal, and with --json,
    it is printed once.
    """
    if once or desk.choices.json or not on_terminal():
        return await _look(desk)
    with suppress(asyncio.CancelledError):
        await _watch(desk, every)
    return None


async def _watch(desk: Desk, every: float) -> None:
    from rich.console import Group
    from rich.live import Live

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            desk.refresh()
            seen = await _look(desk)
            live.update(Group(*map(rich, seen.parts)), refresh=True)
            await asyncio.sleep(every)


async def _look(desk: Desk) -> Answer:
    scheduler, now = desk.scheduler, desk.now
    minute = await scheduler.store.tally(Query(since=now - MINUTE), by="state")
    running = (await scheduler.runs.page(state=State.RUNNING, limit=ROWS, oldest_first=True)).runs
    counts = {
        "running": sum((await scheduler.store.tally(Query(states=(State.RUNNING,)), by="queue")).values()),
        "waiting": await scheduler.queues.depth(),
    }
    upcoming = (await scheduler.store.fire((), now + FAR, ROWS)).due
    alive = [each for each in await workers.workers(desk) if workers.alive(each, now)]
    document = {
        "at": documents.time(now),
        "last_minute": minute,
        **counts,
        "runs": [documents.run(each, now) for each in running],
        "upcoming": [documents.schedule(each) for each in upcoming],
        "workers": [documents.worker(each, alive=True) for each in alive],
    }
    return Answer(document, _parts(desk.words, minute, counts, running, upcoming, alive))


def _parts(words: Words, minute: dict[str, int], counts: dict[str, Any], *tables: Any) -> list[Part]:
    running, upcoming, alive = tables
    return [
        f"{words.time(words.now)}   {many(counts['running'], 'run')} running, {_depth(counts['waiting'])}",
        f"In the last minute: {_rate(minute)}",
        "",
        Table(title="Running", columns=_RUNNING, rows=[_run(each, words) for each in running], empty="nothing"),
        "",
        Table(title="Next", columns=_NEXT, rows=[_firing(each, words) for each in upcoming], empty="nothing"),
        "",
        Table(
            title="Workers",
            columns=_WORKERS,
            rows=[_worker(each, words) for each in alive],
            empty="none is alive",
        ),
    ]


_RUNNING = ("RUN", "JOB", "FOR", "WORKER", "PROGRESS")
_NEXT = ("SCHEDULE", "JOB", "NEXT", "WHEN")
_WORKERS = ("WORKER", "BUSY", "QUEUES", "SEEN", "UP")


def _depth(waiting: dict[str, int]) -> str:
    total = sum(waiting.values())
    deepest = sorted(waiting.items(), key=lambda each: -each[1])[:5]
    where = ", ".join(f"{name} {count:,}" for name, count in deepest)
    return f"{total:,} waiting ({where})" if len(waiting) > 1 else f"{total:,} waiting"


def _rate(minute: dict[str, int]) -> str:
    total = sum(minute.values())
    how = ", ".join(f"{count:,} {state}" for state, count in sorted(minute.items()))
    return f"{many(total, 'new run')}, {total / 60:.1f} per second" + (f": {how}" if how else "")


def _run(run: Run, words: Words) -> tuple[str, ...]:
    return run.id, run.job, lasting(duration(run, words.now)), run.worker or "-", progress(run.progress)


def _firing(schedule: Schedule, words: Words) -> tuple[str, ...]:
    return schedule.id, schedule.job, words.seen(schedule.wakes_at), when(schedule)


def _worker(worker: Worker, words: Words) -> tuple[str, ...]:
    busy = f"{worker.busy}/{worker.slots}" + (" stopping" if worker.stopping else "")
    return worker.id, busy, queues(worker), words.away(worker.seen_at), lasting(words.now - worker.started_at)
