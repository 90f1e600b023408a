"""``foliot explain``: a trigger in plain words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from foliot.cli import documents, given
from foliot.cli.desk import Desk, unopened
from foliot.cli.options import TriggerArgument, ZoneOption
from foliot.cli.printing import Answer
from foliot.triggers import dumps


class Language(StrEnum):
    """The languages of explanations."""

    EN = "en"
    ZH = "zh"


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "explain")(explain)


async def explain(
    desk: Desk,
    trigger: TriggerArgument,
    tz: ZoneOption = None,
    lang: Annotated[Language, typer.Option("--lang", metavar="LANG", help="en or zh.")] = Language.EN,
) -> Answer:
    """Say in a sentence when a trigger fires.

    A TRIGGER is a cron line, 'every 5m', a time, or the JSON of a trigger.

    \b
    foliot explain "0 9 * * mon-fri" --tz Asia/Seoul
    foliot explain "0 0 29 2 *" --lang zh
    foliot explain "every 90s"
    """
    found = given.trigger(trigger, given.zone(tz, desk.scheduler.settings))
    text = found.explain(lang)
    return Answer({"trigger": documents.decoded(dumps(found)), "tz": found.zone_name, "text": text}, [text])
