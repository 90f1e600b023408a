"""``foliot plan`` and ``foliot apply``: what a program's code would change in a store, before and in doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from foliot.cli import documents
from foliot.cli.desk import Desk, NothingThere, unopened
from foliot.cli.printing import Answer, Table
from foliot.cli.words import NOTHING, Words, bounds, data, lasting
from foliot.errors import DefinitionError
from foliot.model import Limit, Schedule
from foliot.moments import SECOND
from foliot.planning import Deed, Difference, Plan, Step, differences
from foliot.planning import plan as planned
from foliot.schedules import upcoming

CHANGES = 2
"""The exit code of a plan that is not empty."""
NEXT = 3
"""How many firings of each changed schedule are shown."""

Target = Annotated[
    str | None, typer.Argument(metavar="MODULE:SCHEDULER", help="Your scheduler. Default: --app.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    unopened(app, "plan")(plan)
    unopened(app, "apply")(apply)


async def plan(desk: Desk, target: Target = None) -> Answer:
    """Show what your code would create, change and remove in the store; exit 2 if that is anything.

    Only what this scheduler itself declared earlier is ever removed; what people put, and what other programs
    declare, stays. A changed trigger counts from now, and the next firings are shown before and after.

    \b
    foliot plan shop.tasks:scheduler
    foliot plan shop.tasks:scheduler --store postgresql://db/jobs --json
    """
    desk = _of_code(desk, target)
    try:
        async with desk.opened():
            found = await desk.scheduler.declaration().plan()
    except NothingThere:
        found = planned(desk.scheduler.declaration().declared(), {}, {})
    return _answer(desk, found, "to {}", code=CHANGES)


async def apply(desk: Desk, target: Target = None) -> Answer:
    """Do what `foliot plan` shows: create, change and remove schedules and limits.

    A start of the scheduler creates and changes too, but never removes a schedule.

    \b
    foliot apply shop.tasks:scheduler
    """
    desk = _of_code(desk, target)
    async with desk.opened(make=True):
        done = await desk.scheduler.declaration().apply()
    return _answer(desk, done, "{}d", code=0)


def _of_code(desk: Desk, target: str | None) -> Desk:
    if target is None and desk.choices.app is None:
        raise DefinitionError("whose plan? Name your scheduler: foliot plan shop.tasks:scheduler")
    return desk.of(target)


def _answer(desk: Desk, plan: Plan, verb: str, *, code: int) -> Answer:
    counts = Counter(each.deed for each in plan.steps)
    total = ", ".join(f"{counts[deed]:,} {verb.format(deed.value)}" for deed in Deed)
    rows = [row for each in plan.steps for row in _rows(each, desk.words)]
    said = f"{plan.owner}: {total}." if plan else f"{plan.owner}: everything stands as the code declares it."
    return Answer(
        {
            "owner": plan.owner,
            **{deed.value: counts[deed] for deed in Deed},
            "steps": [_document(each) for each in plan.steps],
        },
        [Table(columns=_COLUMNS, rows=rows), "", said] if plan else [said],
        ok=not (plan and code),
        code=code,
    )


# For programs


def _document(step: Step[Any]) -> documents.Document:
    document: documents.Document = {
        "deed": step.deed.value,
        "kind": _kind(step),
        "id": step.id,
        "changes": [asdict(each) for each in _changes(step)],
    }
    if _kind(step) == "schedule":
        document["next"] = {
            name: [documents.time(each) for each in _firings(record)]
            for name, record in (("before", step.before), ("after", step.after))
        }
    return document


def _kind(step: Step[Any]) -> str:
    return "limit" if isinstance(step.after or step.before, Limit) else "schedule"


def _changes(step: Step[Any]) -> list[Difference]:
    return [] if step.before is None or step.after is None else differences(step.before, step.after)


def _firings(schedule: Schedule | None) -> list[int]:
    """The next firings, as far as somebody can tell them."""
    if schedule is None:
        return []
    try:
        return upcoming(schedule, NEXT)
    except DefinitionError:
        return []


# For people

_COLUMNS = ("", "KIND", "ID", "WHAT", "BEFORE", "AFTER")
_SIGNS = {Deed.CREATE: "+", Deed.CHANGE: "~", Deed.REMOVE: "-"}


def _rows(step: Step[Any], words: Words) -> Iterator[tuple[str, ...]]:
    first = (_SIGNS[step.deed], _kind(step), step.id)
    for each in _told(step, words):
        yield (*first, *each)
        first = ("", "", "")


def _told(step: Step[Any], words: Words) -> Iterator[tuple[str, str, str]]:
    for each in _changes(step):
        if each.field not in _BOUNDS:
            yield each.field.removesuffix("_seconds"), _text(each.field, each.before), _text(each.field, each.after)
    effect, before, after = _effect(step, words)
    if before != after or step.deed is not Deed.CHANGE:
        yield effect, before, after


_BOUNDS = frozenset({"running", "starts", "per_seconds"})


def _effect(step: Step[Any], words: Words) -> tuple[str, str, str]:
    """What it comes to: how much may run, or when it fires next."""
    if _kind(step) == "limit":
        return "limit", _bounds(step.before), _bounds(step.after)
    return "next", _times(step.before, words), _times(step.after, words)


def _bounds(limit: Limit | None) -> str:
    return NOTHING if limit is None else bounds(limit)


def _times(schedule: Schedule | None, words: Words) -> str:
    return ", ".join(map(words.time, _firings(schedule))) or NOTHING


def _text(field: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if field.endswith("_seconds"):
        return lasting(round(value * SECOND))
    return value if isinstance(value, str) else data(value)
