"""Cron lines from elsewhere, where the fields stand in another order or the numbers mean other days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from foliot.errors import TriggerError
from foliot.triggers.cron import Cron, cron
from foliot.triggers.fields import WEEKDAY
from foliot.triggers.zones import zone_name

_SETTING = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)")
_QUARTZ_DAY = re.compile(r"(?<![/#\d])[1-7](?!\d)")
_NOT_QUARTZ_DAY = re.compile(r"(?<![/#\d])(?:0|[89]|\d\d+)(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrontabLine:
    """One line of a crontab: when it fires, what it runs, as whom (if it says), and where it stands."""

    trigger: Cron
    command: str
    user: str | None = None
    line: int


def from_quartz(expression: str, *, tz: tzinfo | str | None = None) -> Cron:
    """The times of a Quartz line: second minute hour day month weekday and perhaps year, with 1 for Sunday.

    Quartz knows no line with both day fields restricted, and neither does this: one of them is ``?`` or
    ``*``.
    """
    parts = expression.split()
    if len(parts) not in (6, 7):
        message = f"a Quartz line has 6 or 7 fields, this one has {len(parts)}"
        raise TriggerError(
            f"{message}: second minute hour day month weekday [year]", text=expression, at=len(expression)
        )
    if "?" not in (parts[3], parts[5]) and "*" not in (parts[3], parts[5]):
        raise TriggerError(
            "Quartz wants '?' for the day or for the weekday", text=expression, at=expression.index(parts[5])
        )
    if wrong := _NOT_QUARTZ_DAY.search(parts[5]):
        at = (
            expression.rindex(parts[5])
            if len(parts) == 6
            else expression.rindex(parts[5], 0, expression.rindex(parts[6]))
        )
        raise TriggerError(
            f"{wrong[0]} is not a weekday of Quartz: 1 (Sunday) to 7 (Saturday)", text=expression, at=at + wrong.start()
        )
    parts[5] = _weekday_of_quartz(parts[5])
    return cron(" ".join(parts), tz=tz)


def _weekday_of_quartz(text: str) -> str:
    """The weekday field with names for numbers, which mean other days here; L alone is Saturday."""
    if text.upper() == "L":
        return "sat"
    return _QUARTZ_DAY.sub(lambda number: WEEKDAY.names[int(number[0]) - 1], text)


def from_seconds_last(expression: str, *, tz: tzinfo | str | None = None) -> Cron:
    """The times of a line of six fields whose last is the second, as croniter has it; five are as usual."""
    parts = expression.split()
    if len(parts) == 6:
        parts = [parts[5], *parts[:5]]
    elif len(parts) != 5:
        raise TriggerError(
            f"a line with the second last has 6 fields, this one has {len(parts)}", text=expression, at=0
        )
    return cron(" ".join(parts), tz=tz)


def from_crontab_file(path: str | Path, *, system: bool = False, tz: tzinfo | str | None = None) -> list[CrontabLine]:
    """The lines of a crontab file; with ``system`` each names a user before its command.

    ``CRON_TZ=`` and ``TZ=`` lines set the zone of what follows; other settings and comments are passed over.
    Raises TriggerError, with the number of the line, for one that cannot be read; ``@reboot`` is one of
    these.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TriggerError(f"the crontab {str(path)!r} cannot be read: {error}") from None
    found: list[CrontabLine] = []
    zone = zone_name(tz)
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        if setting := _SETTING.fullmatch(line):
            zone = _zone_setting(setting, zone)
        else:
            found.append(_crontab_line(line, number, system, zone))
    return found


def _zone_setting(setting: re.Match[str], zone: str | None) -> str | None:
    if setting[1] not in ("CRON_TZ", "TZ"):
        return zone
    return zone_name(setting[2].strip("\"' ")) if setting[2].strip("\"' ") else None


def _crontab_line(line: str, number: int, system: bool, zone: str | None) -> CrontabLine:
    words = 1 if line.startswith("@") else 5
    parts = line.split(None, words + system)
    if len(parts) <= words + system:
        raise TriggerError(f"line {number} of the crontab has no command: {line!r}")
    try:
        trigger = cron(" ".join(parts[:words]), tz=zone)
    except TriggerError as error:
        raise TriggerError(f"line {number} of the crontab: {error}") from None
    user = parts[words] if system else None
    return CrontabLine(trigger=trigger, command=parts[-1], user=user, line=number)
