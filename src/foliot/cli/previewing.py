"""``foliot preview``: the firings to come, and what is special about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Annotated

import typer

from foliot import triggers
from foliot.cli import completion, documents, given
from foliot.cli.desk import Desk, unopened
from foliot.cli.history import usual
from foliot.cli.options import OptionalTriggerArgument, ZoneOption
from foliot.cli.printing import Answer, Table
from foliot.model import Catchup, Overlap
from foliot.moments import instant
from foliot.triggers import Trigger
from foliot.triggers.preview import Habits, Row, month, preview

ScheduleOption = Annotated[
    str | None,
    typer.Option(
        "--schedule", metavar="ID", autocompletion=completion.schedules, help="In place of TRIGGER: one of the store."
    ),
]
CountOption = Annotated[int, typer.Option("--count", metavar="N", min=1, max=10_000, help="How many firings.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Not earlier than this. Default: now.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Not later than this.")]
MonthOption = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="A calendar of that month.")]
TakesOption = Annotated[str | None, typer.Option("--takes", metavar="LENGTH", help="How long a run takes, like 7m.")]
OverlapOption = Annotated[Overlap | None, typer.Option("--overlap", metavar="POLICY", help="While one is live.")]
DownOption = Annotated[
    tuple[str, str] | None, typer.Option("--down", metavar="TIME TIME", help="From, to: nobody is there to fire.")
]
CatchupOption = Annotated[Catchup | None, typer.Option("--catchup", metavar="POLICY", help="After that.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "preview")(foretell)


async def foretell(  # noqa: PLR0913 - one for each option
    desk: Desk,
    *,
    trigger: OptionalTriggerArgument = None,
    schedule: ScheduleOption = None,
    tz: ZoneOption = None,
    count: CountOption = 10,
    start: FromOption = None,
    end: ToOption = None,
    of_month: MonthOption = None,
    takes: TakesOption = None,
    overlap: OverlapOption = None,
    down: DownOption = None,
    catchup: CatchupOption = None,
) -> Answer:
    """Show the next firings, and what is special about them.

    Marked are clock changes, what calendars leave out, jitter, and, with --takes and --down, what overlap and
    catch-up would do. Of a schedule in the store, its policies and how long its runs usually take are known.

    \b
    foliot preview "30 2 * * *" --tz Europe/Berlin --from 2026-03-27
    foliot preview "*/5 * * * *" --takes 7m --overlap queue_one
    foliot preview --schedule report --month 2026-12
    """
    if (trigger is None) is (schedule is None):
        raise typer.BadParameter('give a TRIGGER, like "0 9 * * mon-fri", or --schedule ID')
    if trigger is not None:
        chosen, habits = given.trigger(trigger, given.zone(tz, desk.scheduler.settings)), Habits()
    else:
        chosen, habits = await _standing(desk, schedule or "")
    if of_month is not None:
        return _calendar(chosen, of_month)
    at = _Times(desk, chosen)
    wishes = {"usual": None if takes is None else given.span(takes), "overlap": overlap, "catchup": catchup}
    habits = replace(habits, outage=at.span(down), **{name: each for name, each in wishes.items() if each is not None})
    since = desk.now if start is None else (at(start) or 0) - 1
    rows = preview(chosen, since, count=count, end=at(end), schedule=schedule or "", habits=habits)
    return _answer(chosen, rows)


class _Times:
    """Reads times; without a zone, they are in the trigger's."""

    def __init__(self, desk: Desk, trigger: Trigger) -> None:
        self._desk, self._trigger = desk, trigger

    def __call__(self, text: str | None) -> int | None:
        return None if text is None else instant(given.moment(text, self._desk.words, self._trigger.zone))

    def span(self, texts: tuple[str, str] | None) -> tuple[int, int] | None:
        """A stretch of time."""
        found = [self(each) for each in texts or ()]
        return (found[0] or 0, found[1] or 0) if found else None


async def _standing(desk: Desk, id: str) -> tuple[Trigger, Habits]:
    async with desk.opened():
        schedule = await desk.scheduler.schedules.get(id)
        habits = Habits(
            usual=await usual(desk, id), overlap=schedule.overlap, catchup=schedule.catchup, most=schedule.most
        )
        return triggers.loads(schedule.trigger), habits


def _answer(trigger: Trigger, rows: list[Row]) -> Answer:
    table = Table(columns=_COLUMNS, rows=[_row(each) for each in rows], empty="It does not fire any more.")
    document = {
        "trigger": documents.decoded(triggers.dumps(trigger)),
        "text": trigger.explain(),
        "rows": [each.document() for each in rows],
    }
    return Answer(document, [trigger.explain(), "", table])


_COLUMNS = ("FIRES", "LOCAL", "UTC", "REMARKS")


def _row(row: Row) -> tuple[str, ...]:
    fires = "yes" if row.fires else "no" if row.count == 1 else f"no, {row.count} times"
    return fires, row.local, (documents.time(row.at) or "").replace(".000000", ""), row.remarks


def _calendar(trigger: Trigger, text: str) -> Answer:
    year, of_year = given.month(text)
    following = f"{year + of_year // 12:04}-{of_year % 12 + 1:02}-01"
    times = trigger.between(f"{year:04}-{of_year:02}-01", following)
    days = dict(Counter(f"{each:%Y-%m-%d}" for each in times))
    document = {"trigger": documents.decoded(triggers.dumps(trigger)), "month": text, "days": days}
    return Answer(document, [trigger.explain(), "", month(trigger, year, of_year)])
