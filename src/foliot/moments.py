"""Time at the edges: what people write, and the whole microseconds that we keep.

Inside, an instant is an ``int``: microseconds since 1970-01-01 UTC; a length of time is an ``int`` of
microseconds.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from foliot.errors import DefinitionError

Moment = datetime | str
Length = timedelta | str | int | float

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = 365_250 * DAY
"""The longest length of time, a thousand years: sums of a few still fit into what stores hold, 64 bits."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"us": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d|w)", re.ASCII)


def length(value: Length) -> int:
    """Read a length of time as microseconds: a timedelta, a number of seconds, or text like ``"1h30m"``.

    Units are us, ms, s, m (minutes), h, d (24 hours) and w. Raises DefinitionError for anything else, and for more than
    a thousand years.
    """
    micros = _length(value)
    if abs(micros) > LONGEST:
        raise DefinitionError(f"{value!r} is longer than a thousand years; leave the bound out instead")
    return micros


def _length(value: Length) -> int:
    match value:
        case timedelta():
            return value // _MICROSECOND
        case str():
            return _spelled(value)
        case int() | float() if not isinstance(value, bool):
            return _seconds(value)
        case _:
            raise DefinitionError(f"{value!r} is not a length of time; write it like '30s' or timedelta(seconds=30)")


def _seconds(value: float) -> int:
    try:
        return round(value * SECOND)
    except (OverflowError, ValueError):
        raise DefinitionError(f"{value!r} is not a length of time; give a finite number of seconds") from None


def _spelled(text: str) -> int:
    total, at = 0.0, 0
    while part := _PART.match(text, at):
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    if at == 0 or text[at:].strip():
        raise DefinitionError(f"{text!r} is not a length of time; write it like '30s', '5m', '1h30m' or '250ms'")
    return round(min(total, 2.0 * LONGEST))


def spell(micros: int) -> str:
    """Write a length the way ``length`` reads it, the shortest way that loses nothing."""
    if micros == 0:
        return "0s"
    parts: list[str] = []
    rest = abs(micros)
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if micros < 0 else "") + "".join(parts)


def instant(value: Moment, zone: tzinfo | None = None) -> int:
    """Read an instant as microseconds since the epoch: aware, or naive in ``zone``; a datetime or ISO text.

    A naive value without ``zone`` is refused: guessing would run it at the wrong time somewhere. A naive time
    that does not exist on a night of a clock change becomes the instant right after the gap; one that exists
    twice, the first.
    """
    when = _parsed(value) if isinstance(value, str) else value
    if not isinstance(when, datetime):  # pyright: ignore[reportUnnecessaryIsInstance] - for those without a checker
        raise DefinitionError(f"{value!r} is not a time; give a datetime, or a text like '2026-12-01 10:00'")
    if when.tzinfo is None:
        if zone is None:
            raise DefinitionError(f"{value!s} has no time zone; give tz='Europe/Berlin' or an aware datetime")
        when = when.replace(tzinfo=zone)
        if (end_of_gap := _after_gap(when)) is not None:
            return end_of_gap
    return (when - _EPOCH) // _MICROSECOND


def _after_gap(when: datetime) -> int | None:
    """The instant at which a gap ends, if this wall time lies in one.

    Such a time does not survive the round trip through UTC (PEP 495).
    """
    there_and_back = when.astimezone(UTC).astimezone(when.tzinfo)
    if there_and_back.replace(tzinfo=None, fold=0) == when.replace(tzinfo=None, fold=0):
        return None
    low, high = (int((when.replace(fold=f) - _EPOCH).total_seconds()) for f in (1, 0))
    zone, offset = when.tzinfo, when.replace(fold=0).utcoffset()
    while low < high - 1:  # the transition lies between the two readings of a missing time
        middle = (low + high) // 2
        before = datetime.fromtimestamp(middle, zone).utcoffset() == offset
        low, high = (middle, high) if before else (low, middle)
    return high * SECOND


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise DefinitionError(
            f"{text!r} is not a time; write it like '2026-12-01 10:00' or '2026-12-01T10:00:00+09:00'"
        ) from None


def moment(micros: int, zone: tzinfo = UTC) -> datetime:
    """Show an instant as an aware datetime."""
    return (_EPOCH + timedelta(microseconds=micros)).astimezone(zone)


def zone(name: str) -> ZoneInfo:
    """Find an IANA time zone. Raises DefinitionError with the nearest names if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise DefinitionError(f"unknown time zone {name!r}{_nearest_zone(name)}") from None


def _nearest_zone(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {each.lower(): each for each in available_timezones()}
    if not known:
        return "; this system has no time zones: pip install tzdata"
    close = get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {known[close[0]]!r}?" if close else "; use an IANA name such as 'Europe/Berlin'"
