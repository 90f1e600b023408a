"""Endings, beats and firings as the scripts read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from foliot.model import Beat, Ending, Firing, Line, Run, Schedule
from foliot.stores.moves import arrived
from foliot.stores.redis.rows import as_text, blobs_of, exact, pack, text_of

_line = msgspec.json.Encoder().encode
_decode_line = msgspec.json.Decoder(Line).decode


def arriving(runs: Iterable[Run], now: int) -> list[msgspec.Raw]:
    """Runs as they are when they are added."""
    return blobs_of([arrived(run, now) for run in runs])


def ending_of(ending: Ending, now: int) -> Sequence[Any]:
    """An ending as ``finishing.lua`` reads it; most need no more than the first words."""
    if _is_plain(ending):
        return ending.run, ending.token, ending.state, ending.result
    return (
        ending.run,
        ending.token,
        ending.state,
        ending.result,
        True,
        ending.reason,
        exact(ending.due_at),
        ending.failed,
        ending.outcome,
        text_of(ending.error),
        text_of(ending.progress),
        lines_of(ending.lines),
        arriving(ending.spawn, now) or None,
        ending.wait or None,
        None if ending.firing is None else firing_of(ending.firing, now),
    )


def _is_plain(ending: Ending) -> bool:
    return (
        ending.reason is ending.due_at is ending.outcome is ending.error is ending.progress is ending.firing is None
        and not (ending.failed or ending.lines or ending.spawn or ending.wait)
    )


def beat_of(beat: Beat) -> Sequence[Any]:
    """A beat as ``finishing.lua`` reads it."""
    return beat.run, beat.token, text_of(beat.progress), lines_of(beat.lines)


def firing_of(firing: Firing, now: int) -> Sequence[Any]:
    """A firing as ``schedules.lua`` reads it."""
    schedule = firing.schedule
    return schedule.id, firing.expect, body_of(schedule), schedule.wakes_at, arriving(firing.runs, now)


def body_of(record: object) -> msgspec.Raw:
    """A record as a text that scripts can keep."""
    return as_text(pack(record))


# Lines. Their number is their place in the list.


def lines_of(lines: Iterable[Line]) -> list[str]:
    """Lines as they are kept."""
    return [_line(line).decode() for line in lines]


def numbered(lines: Iterable[Line]) -> list[tuple[int, str]] | None:
    """Lines as they are kept, each with the number it came with; None if there are none."""
    return [(line.n, _line(line).decode()) for line in lines] or None


def read_lines(kept: Iterable[bytes], first: int) -> list[Line]:
    """Lines as they were kept, numbered from ``first``."""
    return [msgspec.structs.replace(_decode_line(line), n=n) for n, line in enumerate(kept, start=first)]


__all__ = ["Schedule", "arriving", "beat_of", "body_of", "ending_of", "firing_of", "lines_of", "numbered", "read_lines"]
