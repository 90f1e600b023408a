"""``foliot schedules``: look at what stands in the store, and steer it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from foliot import triggers
from foliot.cli import completion, documents, given
from foliot.cli.desk import Desk, command
from foliot.cli.options import several
from foliot.cli.printing import Answer, Table
from foliot.cli.words import Words, data, lasting, many, why
from foliot.cli.workers import defined_jobs
from foliot.errors import DefinitionError
from foliot.model import Added, Fate, Overlap, Schedule

app = typer.Typer(name="schedules", help="List, pause, trigger, backfill and skip schedules.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", autocompletion=completion.schedules, help="The schedule's id.")]
Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID...", autocompletion=completion.schedules, help="The schedules' ids."),
]
Note = Annotated[str, typer.Option("--note", help="Why; kept with it and shown to everybody.")]


@command(app, "list")
async def list_(
    desk: Desk,
    job: Annotated[list[str], several("--job", "Only schedules of this job")],
    paused: Annotated[bool, typer.Option("--paused", help="Only paused ones.")] = False,
) -> Answer:
    """List schedules: when they fire next, when they last did, and what stops them."""
    jobs = await defined_jobs(desk)
    found = [
        each
        for each in await desk.scheduler.schedules.list()
        if (not job or each.job in job) and (not paused or each.paused is not None)
    ]
    rows = [_row(each, each.job not in jobs, desk.words) for each in found]
    table = Table(columns=_COLUMNS, rows=rows, empty="There are no such schedules.")
    return Answer({"schedules": [documents.schedule(each, each.job not in jobs) for each in found]}, [table])


_COLUMNS = ("ID", "JOB", "WHEN", "STATE", "NEXT", "LAST", "FIRED")


def _row(schedule: Schedule, orphaned: bool, words: Words) -> tuple[str, ...]:
    return (
        schedule.id,
        schedule.job,
        when(schedule),
        state(schedule, orphaned),
        words.seen(schedule.wakes_at),
        words.time(schedule.last_at),
        f"{schedule.fired:,}",
    )


def state(schedule: Schedule, orphaned: bool) -> str:
    """What a schedule is up to, in a word."""
    if schedule.paused is not None:
        return "paused"
    if orphaned:
        return "orphaned"
    if schedule.follows is not None:
        return "following"
    return "ended" if schedule.wakes_at is None else "active"


def when(schedule: Schedule) -> str:
    """When it fires, briefly: the trigger as it was asked for."""
    trigger = documents.trigger(schedule)
    if not isinstance(trigger, dict):
        return str(trigger)
    values = [f"{name} {value if isinstance(value, str) else data(value)}" for name, value in trigger.items()]  # pyright: ignore[reportUnknownVariableType]
    return " ".join(values)


@command(app, "show")
async def show(desk: Desk, id: Id) -> Answer:
    """Show one schedule whole, with its next five times and its last five runs."""
    schedule = await desk.scheduler.schedules.get(id)
    orphaned = schedule.job not in await defined_jobs(desk)
    upcoming = await _upcoming(desk, schedule)
    last = await desk.scheduler.runs.find(schedule=id, limit=5)
    document = documents.schedule(schedule, orphaned) | {
        "upcoming": [documents.time(each) for each in upcoming],
        "runs": [documents.run(each, desk.now) for each in last],
    }
    words = desk.words
    runs = [(each.id, each.shown(desk.now), words.time(each.nominal_at or each.due_at), why(each)) for each in last]
    return Answer(
        document,
        [
            f"Schedule {id}",
            Table(rows=_facts(schedule, orphaned, words)),
            "",
            Table(title="Next", rows=[(words.time(each), words.away(each)) for each in upcoming], empty="never"),
            "",
            Table(title="Last runs", columns=("RUN", "STATE", "FOR", "WHY"), rows=runs, empty="none yet"),
        ],
    )


async def _upcoming(desk: Desk, schedule: Schedule) -> list[int]:
    try:
        return await desk.scheduler.schedules.upcoming(schedule.id)
    except DefinitionError:  # a trigger that this version cannot read: the facts say so
        return []


def _facts(schedule: Schedule, orphaned: bool, words: Words) -> list[tuple[str, str]]:
    place = schedule.placement
    facts = [
        ("job", schedule.job),
        ("when", _explained(schedule)),
        ("state", state(schedule, orphaned)),
        ("paused", _pause(schedule, words)),
        ("orphaned", f"no live worker defines the job {schedule.job!r}" if orphaned else ""),
        ("trigger", when(schedule)),
        ("arguments", "" if schedule.args == "{}" else schedule.args),
        ("overlap", schedule.overlap.value),
        ("catch-up", f"{schedule.catchup.value}, within {lasting(schedule.window)}"),
        ("queue", f"{place.queue}, priority {place.priority}"),
        ("tags", ", ".join(place.tags)),
        ("meta", data(place.meta) if place.meta else ""),
        ("skips", ", ".join(words.time(each) for each in schedule.skips)),
        ("last fired", f"{words.seen(schedule.last_at)}, {many(schedule.fired, 'run')} in all"),
        ("created", f"{words.time(schedule.created_at)} by {schedule.owner or schedule.source}"),
    ]
    return [(name, value) for name, value in facts if value]


def _pause(schedule: Schedule, words: Words) -> str:
    if schedule.paused is None:
        return ""
    return f"{words.seen(schedule.paused.at)} {schedule.paused.note}".rstrip()


def _explained(schedule: Schedule) -> str:
    try:
        return triggers.loads(schedule.declared or schedule.trigger).explain()
    except DefinitionError as problem:
        return f"cannot be read: {problem}"


# Steer


@command(app, "pause")
async def pause(desk: Desk, ids: Ids, note: Note = "") -> Answer:
    """Let schedules fire no more until they are resumed."""
    return _changed([await desk.scheduler.schedules.pause(each, note) for each in ids], "is paused")


@command(app, "resume")
async def resume(desk: Desk, ids: Ids) -> Answer:
    """Let schedules fire again, from now on; what passed meanwhile is not made up for."""
    resumed = [await desk.scheduler.schedules.resume(each) for each in ids]
    return Answer(
        {"schedules": [documents.schedule(each) for each in resumed]},
        [f"{each.id} fires again; next at {desk.words.seen(each.wakes_at)}" for each in resumed],
    )


def _changed(schedules: Iterable[Schedule], what: str) -> Answer:
    changed = list(schedules)
    return Answer(
        {"schedules": [documents.schedule(each) for each in changed]},
        [f"{each.id} {what}" for each in changed],
    )


@command(app, "delete")
async def delete(desk: Desk, ids: Ids) -> Answer:
    """Delete schedules; their runs stay. What code defines comes back when that code starts."""
    for each in ids:
        await desk.scheduler.schedules.delete(each)
    return Answer({"deleted": ids}, [f"{each} is deleted" for each in ids])


@command(app, "skip")
async def skip(
    desk: Desk,
    id: Id,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Which occurrence; default: the next.")] = None,
) -> Answer:
    """Skip one occurrence, the next or the one at a given time; its record will say so."""
    instant = await desk.scheduler.schedules.skip(id, None if at is None else given.moment(at, desk.words))
    return Answer(
        {"schedule": id, "skipped_at": documents.time(instant)},
        [f"{id} will skip {desk.words.seen(instant)}"],
    )


# Fire by hand

Args = Annotated[str | None, typer.Option("--args", metavar="JSON", help="Arguments as a JSON object.")]
Arg = Annotated[list[str], several("--arg", "One argument", "NAME=VALUE")]
OverlapOption = Annotated[
    Overlap | None,
    typer.Option(
        "--overlap",
        metavar="POLICY",
        help="While an earlier run is live: skip, queue, queue_one, delay, replace or allow.",
    ),
]


@command(app, "trigger")
async def trigger(desk: Desk, *, id: Id, args: Args = None, arg: Arg, overlap: OverlapOption = None) -> Answer:
    """Run a schedule's job now, with other arguments if given; its next time stays.

    With --app, arguments are checked against the function.

    \b
    foliot schedules trigger report --arg day=2026-11-20
    foliot schedules trigger report --args '{"day": "2026-11-20"}' --overlap allow
    """
    wanted = given.arguments(args, arg)
    added = await desk.scheduler.schedules.trigger(id, args=wanted, overlap=overlap)
    return Answer(_added(added), [_became(added)], ok=added.fate in (Fate.ADDED, Fate.KNOWN))


@command(app, "backfill")
async def backfill(
    desk: Desk,
    id: Id,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="The first time, inclusive.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The last time, exclusive.")],
    overlap: OverlapOption = None,
) -> Answer:
    """Run every occurrence of a range that has no record yet, now, one after the other.

    \b
    foliot schedules backfill report --from 2026-11-01 --to 2026-11-08
    """
    low, high = given.moment(start, desk.words), given.moment(end, desk.words)
    added = await desk.scheduler.schedules.backfill(id, low, high, overlap=overlap or Overlap.QUEUE)
    new = [each for each in added if each.fate is not Fate.KNOWN]
    known = len(added) - len(new)
    text = f"{many(len(new), 'run')} added; {known:,} of {many(len(added), 'occurrence')} had a record already"
    return Answer({"schedule": id, "runs": [_added(each) for each in added]}, [text])


def _added(added: Added) -> documents.Document:
    return {"id": added.id, "fate": added.fate.value}


def _became(added: Added) -> str:
    match added.fate:
        case Fate.ADDED | Fate.KNOWN:
            return f"run {added.id} is added"
        case Fate.SKIPPED:
            return f"run {added.id} is skipped: an earlier one is live; try --overlap allow"
        case Fate.DROPPED | Fate.RENEWED:
            return f"not added: run {added.id} stands for it"
