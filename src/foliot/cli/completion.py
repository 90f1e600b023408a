"""What the shell offers after TAB: the ids that the store knows. Whatever goes wrong, it offers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import typer

from foliot.cli.desk import Choices, Desk
from foliot.cli.workers import defined_jobs

MOST = 50


def schedules(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of schedules."""
    return _starting(incomplete, ctx, _schedules)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of the newest runs."""
    return _starting(incomplete, ctx, _runs)


def queues(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of queues that have runs waiting, or limits."""
    return _starting(incomplete, ctx, _queues)


def lanes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of queues or of jobs, whichever the command is about."""
    about_jobs = ctx.parent is not None and ctx.parent.info_name == "jobs"
    return _starting(incomplete, ctx, _jobs if about_jobs else _queues)


async def _schedules(desk: Desk) -> Iterable[str]:
    return [each.id for each in await desk.scheduler.schedules.list()]


async def _runs(desk: Desk) -> Iterable[str]:
    return [each.id for each in await desk.scheduler.runs.find(limit=MOST)]


async def _queues(desk: Desk) -> Iterable[str]:
    limits = await desk.scheduler.queues.all()
    return {*await desk.scheduler.queues.depth(), *(each.id.removeprefix("queue/") for each in limits)}


async def _jobs(desk: Desk) -> Iterable[str]:
    limits = await desk.scheduler.lanes.all()
    limited = {each.id.removeprefix("job/") for each in limits}
    return {*await desk.scheduler.lanes.depth(), *limited, *await defined_jobs(desk)}


def _starting(incomplete: str, ctx: typer.Context, ask: Callable[[Desk], Awaitable[Iterable[str]]]) -> list[str]:
    with suppress(Exception, typer.Exit):
        return sorted(each for each in asyncio.run(_asked(ctx, ask)) if each.startswith(incomplete))
    return []


async def _asked(ctx: typer.Context, ask: Callable[[Desk], Awaitable[Iterable[str]]]) -> Iterable[str]:
    async with Desk(_choices(ctx)).opened() as desk:
        return await ask(desk)


def _choices(ctx: typer.Context) -> Choices:
    """What was chosen so far on this command line, wherever it stands."""
    given = {**ctx.find_root().params, **{name: value for name, value in ctx.params.items() if value}}
    return Choices(store=given.get("store"), app=given.get("app"))
