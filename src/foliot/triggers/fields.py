"""The grammar of one cron field: text in, a set of numbers out, or the place where it went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from foliot.triggers.chance import share

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One of the fields: its name, its smallest and largest number, their names, whether it goes round."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    cyclic: bool = True

    @property
    def called(self) -> str:
        """Its name with its article."""
        return f"{'an' if self.name == 'hour' else 'a'} {self.name}"

    @property
    def everything(self) -> int:
        """The set of all its numbers."""
        return _run(self.low, self.high)


SECOND = Kind("second", 0, 59)
MINUTE = Kind("minute", 0, 59)
HOUR = Kind("hour", 0, 23)
DAY = Kind("day", 1, 31, cyclic=False)
MONTH = Kind("month", 1, 12, _MONTHS)
WEEKDAY = Kind("weekday", 0, 6, _WEEKDAYS)
YEAR = Kind("year", 1970, 9998, cyclic=False)
WEEK = Kind("week", 1, 53)


class Rule(NamedTuple):
    """A day that is found by counting in its month.

    ``last``: ``a`` days before the last day. ``near``: the weekday (Mon-Fri) nearest to day ``a``, or to the
    last day less ``-a`` where ``a`` is not positive. ``workday``: each Monday to Friday. ``nth``: the
    ``b``-th weekday ``a`` of the month, the last one where ``b`` is 0.
    """

    what: str
    a: int = 0
    b: int = 0


class Field(NamedTuple):
    """What one field says: a set of numbers as bits, days to be counted out, and whether it is a wildcard.

    ``star``: the field begins with ``*`` or ``?``, which decides how cron joins the two day fields. ``wild``:
    it recurs evenly (``*``, ``*/5``, ``0/5``, ``H/15``, the whole range), so that it follows elapsed time
    when clocks change.
    """

    numbers: int
    rules: tuple[Rule, ...] = ()
    star: bool = False
    wild: bool = False


class Mistake(Exception):
    """A field that cannot be read: what is wrong, at which offset, and what may have been meant."""

    def __init__(self, message: str, at: int, meant: str | None = None) -> None:
        super().__init__(message)
        self.message, self.at, self.meant = message, at, meant


_PLAIN = re.compile(r"(\*|\?|H(?:\((\d+)-(\d+)\))?|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII | re.IGNORECASE)
_LAST_DAY = re.compile(r"L(?:-(\d+))?(W)?", re.ASCII | re.IGNORECASE)
_NEAREST = re.compile(r"(\d*)W", re.ASCII | re.IGNORECASE)
_NTH = re.compile(r"([a-z]{3}|\d)(?:#(\d+)|(L))", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=8192)
def read(kind: Kind, text: str, seed: str = "") -> Field:
    """Read one field; ``H`` is chosen by ``seed``. Raises Mistake."""
    if text == "*":
        return Field(kind.everything, star=True, wild=True)
    if text.isdecimal() and text.isascii():
        return Field(_bit(kind, _number(kind, text, 0)))
    parts: list[Field] = []
    at = 0
    for part in text.split(","):
        parts.append(_counted(kind, part, at) or _plain(kind, part, at, seed))
        at += len(part) + 1
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Field]) -> Field:
    numbers = 0
    for part in parts:
        numbers |= part.numbers
    rules = tuple(rule for part in parts for rule in part.rules)
    return Field(numbers, rules, star=parts[0].star, wild=any(part.wild for part in parts))


def _counted(kind: Kind, text: str, at: int) -> Field | None:
    """A day counted out in its month: L, L-3, LW, 15W, W; 5L, 5#2."""
    if kind is DAY and (found := _LAST_DAY.fullmatch(text)):
        back = _within(int(found[1] or 0), 0, 30, "days before the last", at + 2)
        return Field(0, (Rule("near", -back) if found[2] else Rule("last", back),))
    if kind is DAY and (found := _NEAREST.fullmatch(text)):
        return Field(0, (Rule("near", _number(kind, found[1], at)) if found[1] else Rule("workday"),))
    if kind is WEEKDAY and (found := _NTH.fullmatch(text)):
        nth = 0 if found[3] else _within(int(found[2]), 1, 5, "weekdays of one kind in a month", at + found.start(2))
        return Field(0, (Rule("nth", _number(kind, found[1], at) % 7, nth),))
    return None


def _plain(kind: Kind, text: str, at: int, seed: str) -> Field:
    found = _PLAIN.fullmatch(text)
    if not found:
        raise _unreadable(kind, text, at)
    base, low, high, first, last, step = found.groups()
    every = _step(kind, step, at + found.start(6)) if step else 1
    if base in "*?":
        if base == "?" and kind is not DAY and kind is not WEEKDAY:
            raise Mistake(f"'?' is for the day and weekday fields, not for the {kind.name}", at, "*")
        return Field(_run(kind.low, kind.high, every), star=True, wild=True)
    if first is None and kind is YEAR:
        raise Mistake("H chooses for every field but the year", at)
    if first is None:
        return _hashed(kind, low, high, every if step else None, seed, at)
    start = _number(kind, first, at)
    if last is None:
        return Field(_run(start % (kind.high + 1), kind.high, every), wild=True) if step else Field(_bit(kind, start))
    return _range(kind, start, _number(kind, last, at + found.start(5)), every, at)


def _range(kind: Kind, start: int, end: int, step: int, at: int) -> Field:
    if end >= start:
        numbers = _run(start, end, step)
    elif kind.cyclic:
        numbers = _round(kind, start, end, step)
    else:
        raise Mistake(
            f"the range {start}-{end} runs backwards, and {kind.called} does not go round",
            at,
            f"{end}-{start}",
        )
    if kind is WEEKDAY:
        numbers = (numbers | numbers >> 7) & kind.everything
    return Field(numbers, wild=numbers == kind.everything)


def _hashed(kind: Kind, low: str | None, high: str | None, step: int | None, seed: str, at: int) -> Field:
    """The numbers that H stands for: the same for the same seed, evenly spread over all seeds."""
    start = kind.low if low is None else _number(kind, low, at + 2)
    end = (
        min(kind.high, 28 if kind is DAY else kind.high)
        if high is None
        else _number(kind, high, at + 3 + len(low or ""))
    )
    if end < start:
        raise Mistake(f"the range {start}-{end} runs backwards", at, f"H({end}-{start})")
    size = end - start + 1
    if step is None:
        return Field(_bit(kind, start + share(size, seed, kind.name)))
    return Field(_run(start + share(min(step, size), seed, kind.name), end, step), wild=True)


def _number(kind: Kind, text: str, at: int) -> int:
    if not text.isdecimal():
        named = text.lower()
        if named in kind.names:
            return kind.names.index(named) + kind.low
        raise _unknown_name(kind, text, at)
    number = int(text) if len(text) < 6 else kind.high + 1
    if kind is WEEKDAY and number == 7:
        return 7
    if not kind.low <= number <= kind.high:
        raise Mistake(
            f"{text} is not {kind.called}: {kind.low} to {7 if kind is WEEKDAY else kind.high}",
            at,
            _carried(kind, number),
        )
    return number


def _carried(kind: Kind, number: int) -> str | None:
    """One past the end is what people write when they mean the beginning."""
    return str(kind.low) if number == kind.high + 1 and kind.cyclic else None


def _step(kind: Kind, text: str, at: int) -> int:
    step = int(text) if len(text) < 6 else kind.high + 1
    size = kind.high - kind.low + 1
    if step == 0:
        raise Mistake("a step of 0 never moves on", at, "*/1")
    if step > size and kind.name in ("second", "minute", "hour"):
        remedy = f"for that there is every('{text}{kind.name[0]}')"
        raise Mistake(f"{kind.called} has only {size} values, so a step of {text} cannot be kept; {remedy}", at)
    if step > size:
        raise Mistake(f"{kind.called} has only {size} values, so a step of {text} cannot be kept", at)
    return step


def _within(number: int, low: int, high: int, what: str, at: int) -> int:
    if not low <= number <= high:
        raise Mistake(f"{number} is out of reach: {low} to {high} {what}", at)
    return number


def _unknown_name(kind: Kind, text: str, at: int) -> Mistake:
    close = get_close_matches(text.lower()[:9], kind.names, n=1, cutoff=0.5)
    return Mistake(f"{text!r} is not {kind.called}", at, _meant(text) or (close[0] if close else None))


_MEANT = (  # what was written, and what may have been meant
    (re.compile(r"\*(\d+)"), r"*/\1"),
    (re.compile(r"/(\d+)"), r"*/\1"),
    (re.compile(r"(\*|\d+)//+(\d+)"), r"\1/\2"),
    (re.compile(r"(\d+)/"), r"*/\1"),
    (re.compile(r"(\w+)(?:\.\.|~|:)(\w+)"), r"\1-\2"),
    (re.compile(r"L(\d)"), r"\1L"),
    (re.compile(r"(\w+-)"), r"\g<1>5"),
)


def _unreadable(kind: Kind, text: str, at: int) -> Mistake:
    if not text:
        return Mistake(f"a part of the {kind.name} field is empty", at)
    good = re.match(r"[\w*?/#()-]*", text, re.ASCII)
    stumble = good.end() if good and good.end() < len(text) else 0
    return Mistake(f"{text!r} is not something {kind.called} can be", at + stumble, _meant(text))


def _meant(text: str) -> str | None:
    return next((pattern.sub(better, text) for pattern, better in _MEANT if pattern.fullmatch(text)), None)


def _bit(kind: Kind, number: int) -> int:
    return 1 << (number % 7 if kind is WEEKDAY else number)


def _run(start: int, end: int, step: int = 1) -> int:
    """The set of the numbers from ``start`` to ``end``."""
    if step == 1:
        return (1 << end + 1) - (1 << start)
    return sum(1 << number for number in range(start, end + 1, step))


def _round(kind: Kind, start: int, end: int, step: int) -> int:
    """The set of the numbers from ``start`` past the highest to ``end``."""
    size = kind.high - kind.low + 1
    return sum(1 << (number - kind.low) % size + kind.low for number in range(start, end + size + 1, step))
