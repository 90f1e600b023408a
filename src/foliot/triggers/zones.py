"""Wall clocks: what a zone's clocks show at an instant, and when they show what somebody wrote.

Everything here counts whole seconds: instants since the epoch in UTC, and *local* seconds, which are what a
clock on the wall shows, counted as if it stood in UTC. Between two clock changes the two differ by one
constant, so a zone is cut into stretches of constant offset, found once and kept; most conversions are then
one addition.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import TZPATH

from foliot import moments
from foliot.errors import DefinitionError, TriggerError

Gap = Literal["after", "skip"]
Fold = Literal["first", "second", "both"]

DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_424_000, 253_402_128_000  # what datetime can hold, less two days for any offset
_BLOCK = 25  # transitions are looked up for 2**25 seconds (388 days) at a time
_PROBE = 2 * DAY  # no zone has ever changed its offset and back within less than four days
_FIXED = re.compile(r"(?:UTC)?([+-])(\d\d?):?(\d\d)?", re.ASCII)


class Stretch(NamedTuple):
    """A time in which a zone's offset does not change: from the instant ``start`` to before ``end``.

    Local times from ``plain_from`` to ``plain_to`` occur in this stretch and in none beside it; ``before``
    and ``after`` are the offsets of its neighbours.
    """

    start: int
    end: int
    offset: int
    plain_from: int
    plain_to: int
    before: int
    after: int


def _stretch(start: int, end: int, offset: int, before: int, after: int) -> Stretch:
    return Stretch(start, end, offset, start + max(before, offset), end + min(offset, after), before, after)


_NOWHERE = _stretch(0, 0, 0, 0, 0)


class Clock:
    """The wall clock of one zone: a cache of its stretches, correct for any tzinfo."""

    __slots__ = ("_blocks", "last", "tzinfo")

    def __init__(self, tz: tzinfo) -> None:
        self.tzinfo = tz
        self._blocks: dict[int, tuple[list[int], list[Stretch]]] = {}
        self.last = self._constant(tz) or _NOWHERE

    def at(self, second: int) -> Stretch:
        """The stretch in which this instant lies."""
        last = self.last
        if last.start <= second < last.end:
            return last
        second = min(max(second, _EARLIEST), _LATEST)
        block = second >> _BLOCK
        starts, stretches = self._blocks.get(block) or self._learn(block)
        self.last = found = stretches[bisect_right(starts, second) - 1]
        return found

    def local(self, second: int) -> int:
        """What the clocks show at this instant."""
        return second + self.at(second).offset

    def instant(self, local: int) -> int:
        """The first instant at which the clocks show this, or at which they have jumped over it."""
        if not _EARLIEST + 2 * DAY < local < _LATEST:
            return local  # no clock shows it
        found = first_after(
            local - 2 * DAY, lambda shown: local if shown < local else None, self, gap=True, fold="first"
        )
        return self.instant((local // DAY + 1) * DAY) if found is None else found  # that day never was

    def until(self, second: int, local: int) -> int:
        """When the clocks show this, which is later than what they show now, or are changed before that."""
        stretch = self.at(second)
        return min(local - stretch.offset, stretch.end)

    def offset(self, second: int) -> int:
        """The distance from UTC at this instant, asked of the zone itself."""
        second = min(max(second, _EARLIEST), _LATEST)
        found = (_EPOCH + timedelta(seconds=second)).astimezone(self.tzinfo).utcoffset()
        return 0 if found is None else found // timedelta(seconds=1)

    def _constant(self, tz: tzinfo) -> Stretch | None:
        if not isinstance(tz, timezone):
            return None
        offset = self.offset(0)
        return _stretch(-(1 << 62), 1 << 62, offset, offset, offset)

    def _learn(self, block: int) -> tuple[list[int], list[Stretch]]:
        low, high = block << _BLOCK, (block + 1) << _BLOCK
        cuts = [low, *self._changes(low, high), high]
        offsets = [self.offset(low - 1), *(self.offset(cut) for cut in cuts)]
        stretches = [
            _stretch(cuts[i], cuts[i + 1], offsets[i + 1], offsets[i], offsets[i + 2]) for i in range(len(cuts) - 1)
        ]
        self._blocks[block] = learned = (cuts[:-1], stretches)
        return learned

    def _changes(self, low: int, high: int) -> list[int]:
        """The instants after ``low`` and before ``high`` at which the offset changes."""
        found: list[int] = []
        here = self.offset(low)
        for left in range(low, high, _PROBE):
            right = min(left + _PROBE, high - 1)
            there = self.offset(right)
            if there != here:
                found.append(self._change(left, right, here))
            here = there
        return found

    def _change(self, left: int, right: int, before: int) -> int:
        while left < right - 1:
            middle = (left + right) // 2
            left, right = (middle, right) if self.offset(middle) == before else (left, middle)
        return right


@lru_cache(maxsize=1024)
def zone_of(name: str | None) -> tzinfo:
    """The zone of this name: an IANA name, ``UTC``, or a fixed offset like ``+09:00``; None is UTC."""
    if name is None or name == "UTC":
        return UTC
    if fixed := _FIXED.fullmatch(name):
        minutes = int(fixed[2]) * 60 + int(fixed[3] or 0)
        if minutes >= 24 * 60:
            raise TriggerError(f"{name!r} is more than a day away from UTC")
        return timezone(timedelta(minutes=-minutes if fixed[1] == "-" else minutes))
    return moments.zone(name)


@lru_cache(maxsize=1024)
def clock_of(name: str | None) -> Clock:
    """The one wall clock of the zone of this name."""
    return Clock(zone_of(name))


def zone_name(tz: tzinfo | str | None) -> str | None:
    """The name by which a zone is written down. Raises TriggerError if there is none."""
    if tz is None:
        return None
    if isinstance(tz, timezone):
        return str(tz).removeprefix("UTC") or "UTC"
    name = tz if isinstance(tz, str) else getattr(tz, "key", None)
    if not isinstance(name, str):
        raise TriggerError(f"{tz!r} has no name to write down; give the zone as text, like 'Europe/Berlin'")
    try:
        zone_of(name)
    except TriggerError:
        raise
    except DefinitionError as error:
        raise TriggerError(str(error)) from None
    return name


@lru_cache(maxsize=1)
def tzdata_version() -> str:
    """The version of the time zone database in use, such as ``2026c``; ``unknown`` where it does not say."""
    for folder in TZPATH:
        source = Path(folder, "tzdata.zi")
        if source.is_file():
            with source.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version").strip()
        if Path(folder, "UTC").is_file():
            version = Path(folder, "+VERSION")
            return version.read_text(encoding="utf-8").strip() if version.is_file() else "unknown"
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except ImportError:
        return "unknown"


def first_after(second: int, later: Callable[[int], int | None], clock: Clock, *, gap: bool, fold: Fold) -> int | None:
    """The first instant strictly after ``second`` at which the clocks show one of the local times wanted.

    ``later(local)`` is the first wanted local time strictly later than ``local``. With ``gap`` a wanted time
    that the clocks jump over counts at the instant they have jumped; ``fold`` says at which occurrence a
    repeated time counts.
    """
    if second >= _LATEST:
        return None
    second = max(second, _EARLIEST)
    stretch = clock.at(second)
    floor = second + stretch.offset
    while True:
        if fold == "first" and stretch.before > stretch.offset:
            floor = max(floor, stretch.plain_from - 1)
        found = later(floor)
        if found is None:
            return None
        ceiling = stretch.plain_to if fold == "second" else stretch.end + stretch.offset
        if found < ceiling:
            return found - stretch.offset
        # Nothing wanted lies before `found`, so go there, less two days in case the date line moved.
        stretch = clock.at(max(stretch.end, found - stretch.offset - 2 * DAY))
        if gap and _jumps_over(stretch, later):
            return stretch.start
        floor = stretch.start + stretch.offset - 1


def _jumps_over(stretch: Stretch, later: Callable[[int], int | None]) -> bool:
    """Whether a wanted time was jumped over when this stretch began; a day that never was has no times."""
    low, high = stretch.start + stretch.before, stretch.start + stretch.offset
    if low >= high or (found := later(low - 1)) is None:
        return False
    first_missing_day, first_day_after = -(-low // DAY), high // DAY
    if first_missing_day <= found // DAY < first_day_after:
        found = later(first_day_after * DAY - 1)
    return found is not None and found < high
