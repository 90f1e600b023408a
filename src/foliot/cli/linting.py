"""``foliot lint``: what is likely to go wrong with schedules, for people and for continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from foliot import triggers
from foliot.cli import documents, given
from foliot.cli.desk import Desk, unopened
from foliot.cli.history import usual
from foliot.cli.options import ZoneOption
from foliot.cli.printing import Answer, Part, Table
from foliot.cli.words import Words, many
from foliot.declaring import schedule_id
from foliot.errors import ArgumentsError, TriggerError
from foliot.moments import MINUTE
from foliot.scheduler import Scheduler
from foliot.triggers.lint import HERD, Entry, Finding, exit_code, histogram, lint, unreadable

BAR = 40
"""How many characters the longest bar of the histogram has."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "lint")(check)


TriggersArgument = Annotated[
    list[str] | None, typer.Argument(metavar="TRIGGER...", help="Cron lines, 'every 5m', times, or JSON.")
]
HerdOption = Annotated[int, typer.Option("--herd", metavar="N", min=2, help="So many in one minute are too many.")]
HistogramOption = Annotated[bool, typer.Option("--histogram", help="Show how many are due in the coming day.")]


async def check(
    desk: Desk,
    *,
    lines: TriggersArgument = None,
    tz: ZoneOption = None,
    herd: HerdOption = HERD,
    with_histogram: HistogramOption = False,
) -> Answer:
    """Find what is likely to go wrong with schedules; exit 1 if there is more than notes.

    Times that never come, clock changes, both day fields, steps that do not come out even, missing zones, runs
    longer than their interval, and many schedules in one minute. Looks at the TRIGGERs, if there are any; with
    --app at what your code schedules; else at the schedules in the store.

    \b
    foliot lint "0 0 30 2 *" "*/7 * * * *"
    foliot lint --app shop:scheduler
    foliot lint --store sqlite:///jobs.db --herd 50 --histogram
    """
    if lines:
        entries, refused = _of_lines(lines, given.zone(tz, desk.scheduler.settings))
    elif desk.choices.app is not None:
        entries, refused = _of_code(desk.scheduler), []
    else:
        entries, refused = await _of_store(desk)
    found = [*refused, *lint(entries, desk.now, herd=herd)]
    return _report(desk, entries, found, len(entries) + len(refused), with_histogram)


Looked = tuple[list[Entry], list[Finding]]


def _of_lines(lines: Sequence[str], tz: str | None) -> Looked:
    entries: list[Entry] = []
    refused: list[Finding] = []
    for line in lines:
        try:
            entries.append(Entry(name=line, trigger=given.trigger(line, tz)))
        except ArgumentsError as problem:
            refused.append(unreadable(line, TriggerError(str(problem))))
    return entries, refused


def _of_code(scheduler: Scheduler) -> list[Entry]:
    return [
        Entry(name=schedule_id(job, timer, n), trigger=timer.trigger)
        for job in scheduler.jobs.values()
        for n, timer in enumerate(job.timers, start=1)
    ]


async def _of_store(desk: Desk) -> Looked:
    entries: list[Entry] = []
    refused: list[Finding] = []
    async with desk.opened():
        async for each in desk.scheduler.schedules.all():
            try:
                trigger = triggers.loads(each.trigger)
            except TriggerError as problem:
                refused.append(unreadable(each.id, problem))
            else:
                entries.append(Entry(name=each.id, trigger=trigger, usual=await usual(desk, each.id)))
    return entries, refused


def _report(
    desk: Desk, entries: Sequence[Entry], found: Sequence[Finding], looked_at: int, with_histogram: bool
) -> Answer:
    start = desk.now - desk.now % MINUTE
    minutes = histogram(entries, start) if with_histogram else []
    document: documents.Document = {"schedules": looked_at, "findings": [each._asdict() for each in found]}
    if with_histogram:
        document["histogram"] = {"from": documents.time(start), "per_minute": minutes}
    parts: list[Part] = [
        Table(columns=_COLUMNS, rows=[_row(each) for each in found], empty="Nothing to complain about."),
        *(["", _bars(minutes, start, desk.words)] if with_histogram else []),
        "",
        f"{many(looked_at, 'schedule')} looked at, {many(len(found), 'finding')}.",
    ]
    return Answer(document, parts, ok=exit_code(found) == 0)


_COLUMNS = ("LEVEL", "SCHEDULE", "CODE", "WHAT", "REMEDY")


def _row(finding: Finding) -> tuple[str, ...]:
    what, *_drawing = finding.text.splitlines()
    return finding.level, finding.schedule, finding.code, what, finding.remedy


def _bars(minutes: Sequence[int], start: int, words: Words) -> Table:
    """The busiest minute of each hour to come, as a bar."""
    most = max(minutes, default=0) or 1
    hours = [max(range(at, at + 60), key=minutes.__getitem__) for at in range(0, len(minutes), 60)]
    rows = [
        (words.time(start + at * MINUTE)[:16], f"{minutes[at]:,}", "#" * round(BAR * minutes[at] / most))
        for at in hours
    ]
    return Table(title="The busiest minute of each hour", columns=("MINUTE", "DUE", ""), rows=rows)
