"""A whole cron line: its fields read, its mistakes found, and the line that fields by keyword mean."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple, NoReturn

from foliot.errors import DefinitionError, TriggerError
from foliot.triggers import fields
from foliot.triggers.fields import Field, Kind, Mistake
from foliot.triggers.zones import zone_name

KEYWORDS = ("year", "month", "day", "week", "weekday", "hour", "minute", "second")
"""The fields that are given by keyword, from the largest to the smallest."""

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIVE = (fields.MINUTE, fields.HOUR, fields.DAY, fields.MONTH, fields.WEEKDAY)
_KINDS = {5: _FIVE, 6: (fields.SECOND, *_FIVE), 7: (fields.SECOND, *_FIVE, fields.YEAR)}
_WORD = re.compile(r"[A-Za-z]+")
_ZONE_PREFIX = re.compile(r"\s*(?:CRON_)?TZ\s*=\s*(\S+)\s+", re.IGNORECASE)


class Pattern(NamedTuple):
    """A cron line that has been read: one Field for each of its parts."""

    second: Field
    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field
    year: Field | None
    week: Field | None


def canonical(line: str) -> str:
    """The one way of writing a line: single spaces, names in small letters, L, W and H in capitals."""
    return " ".join(map(_canonical_field, line.split()))


@lru_cache(maxsize=8192)
def _canonical_field(text: str) -> str:
    return _WORD.sub(_cased, text)


def _cased(word: re.Match[str]) -> str:
    small = word[0].lower()
    if len(small) > 3 and small[3:] == "l":
        return small[:3] + "L"
    return small.upper() if small in ("l", "w", "lw", "h") else small


def without_zone(line: str, tz: str | None) -> tuple[str, str | None]:
    """The line without its TZ= prefix, and the zone said there or beside it."""
    if "=" not in line or not (prefix := _ZONE_PREFIX.match(line)):
        return line, tz
    try:
        named = zone_name(prefix[1].strip("\"'"))
    except DefinitionError as error:
        raise TriggerError(str(error), text=line, at=prefix.start(1)) from None
    if tz is not None and tz != named:
        raise TriggerError(f"two zones: tz={tz!r} and the prefix {prefix[0].strip()!r}", text=line, at=0)
    return line[prefix.end() :], named


def line_of(given: dict[str, str]) -> str:
    """The cron line that fields by keyword mean: open above the smallest of them, lowest below."""
    smallest = max(KEYWORDS.index(name) for name in given)
    line = {name: "*" if at <= smallest else _LOWEST[name] for at, name in enumerate(KEYWORDS)} | given
    day = _spoken_day(line["day"])
    if day.startswith("weekday "):
        if line["weekday"] != "*":
            raise TriggerError(f"day={given['day']!r} already names a weekday; leave day_of_week out")
        line["weekday"], day = day.removeprefix("weekday "), "*"
    line["day"] = day
    text = " ".join(line[name] for name in ("second", "minute", "hour", "day", "month", "weekday", "year"))
    return text.removesuffix(" *").removeprefix("0 ") if line["year"] == "*" else text


_LOWEST = {"month": "1", "day": "1", "week": "*", "weekday": "*", "hour": "0", "minute": "0", "second": "0"}
_ORDINALS = {
    "1st": "1",
    "first": "1",
    "2nd": "2",
    "second": "2",
    "3rd": "3",
    "third": "3",
    "4th": "4",
    "fourth": "4",
    "5th": "5",
    "fifth": "5",
}


def _spoken_day(text: str) -> str:
    """A day as people say it, as cron writes it: ``"last"`` is L, ``"last fri"`` is a weekday rule."""
    words = text.lower().split()
    match words:
        case ["last"] | ["last", "day"]:
            return "L"
        case ["last", "weekday" | "workday"]:
            return "LW"
        case ["last", name]:
            return f"weekday {name[:3]}L"
        case [nth, name] if nth in _ORDINALS:
            return f"weekday {name[:3]}#{_ORDINALS[nth]}"
        case _:
            return text.replace(", ", ",")


def read(line: str, week: str | None, seed: str) -> Pattern:
    """The fields of a line as ``canonical`` writes it, with ``H`` chosen by ``seed``. Raises TriggerError."""
    parts = NICKNAMES.get(line, line).split(" ")
    kinds = _KINDS.get(len(parts))
    if kinds is None or (line.startswith("@") and line not in NICKNAMES) or not line:
        _refuse_line(line, len(parts))
    try:
        read = [fields.read(kind, part, seed) for kind, part in zip(kinds, parts, strict=True)]
    except Mistake:
        _explain_mistake(line, kinds, parts, seed)
    if len(read) == 5:
        read.insert(0, _ON_THE_MINUTE)
    year = read[6] if len(read) == 7 and read[6].numbers != fields.YEAR.everything else None
    return Pattern(*read[:6], year=year, week=None if week is None else _week_field(week))


_ON_THE_MINUTE = Field(1)


def _week_field(text: str) -> Field:
    try:
        return fields.read(fields.WEEK, text)
    except Mistake as mistake:
        raise TriggerError(f"week: {mistake.message}", text=text, at=mistake.at) from None


def _explain_mistake(line: str, kinds: tuple[Kind, ...], parts: list[str], seed: str) -> NoReturn:
    """Read the line again up to the mistake, to say where it is and what may have been meant."""
    at = 0
    for index, (kind, part) in enumerate(zip(kinds, parts, strict=True)):
        try:
            fields.read(kind, part, seed)
        except Mistake as mistake:
            better = None if mistake.meant is None else _repaired(parts, index, mistake)
            raise _mistaken(mistake.message, line, at + mistake.at, better, kinds) from None
        at += len(part) + 1
    raise AssertionError("the mistake has gone")


def _repaired(parts: list[str], index: int, mistake: Mistake) -> str:
    """The field with the part where the mistake is replaced by what may have been meant."""
    text, start = parts[index], parts[index].rfind(",", 0, mistake.at) + 1
    end = text.find(",", mistake.at)
    return text[:start] + (mistake.meant or "") + (text[end:] if end >= 0 else "")


def _mistaken(message: str, line: str, at: int, meant: str | None, kinds: tuple[Kind, ...]) -> TriggerError:
    guess = f"did you mean `{meant}`? " if meant else ""
    names = " ".join(kind.name for kind in kinds)
    return TriggerError(f"{message}; {guess}fields are {names}", text=line, at=at)


def _refuse_line(line: str, count: int) -> NoReturn:
    names = " ".join(kind.name for kind in _FIVE)
    if line.startswith("@"):
        word = line.split(" ", maxsplit=1)[0]
        close = get_close_matches(word, NICKNAMES, n=1, cutoff=0.6)
        hint = {"@reboot": "run it when the program starts", "@every": "use every('5m')"}.get(word)
        hint = hint or (f"did you mean `{close[0]}`?" if close else f"there are {', '.join(NICKNAMES)}")
        raise TriggerError(f"{word!r} is not a time; {hint}", text=line, at=0)
    found = "no fields" if not line else "1 field" if count == 1 else f"{count} fields"
    meant = f"did you mean `{line}{' *' * (5 - count)}`? " if line and count < 5 else ""
    fields_are = f"fields are {names}, with the second before and the year after"
    raise TriggerError(
        f"{found} where cron has 5, 6 or 7; {meant}{fields_are}",
        text=line,
        at=len(line),
    )
