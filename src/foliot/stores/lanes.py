"""Lanes as arithmetic: which limit counts, how much room it leaves, when time alone makes room."""

from __future__ import annotations

from collections.abc import Mapping
from sys import maxsize

from foliot.model import Limit, Run, family

ENDLESS = maxsize
"""The room in a lane that nothing limits."""


def lanes_of(run: Run) -> tuple[str, ...]:
    """The lanes in which a run takes a place, each named once, in ``every_lane``'s order."""
    return tuple(dict.fromkeys(run.every_lane))


def limit_of(lane: str, limits: Mapping[str, Limit]) -> Limit | None:
    """The limit that counts in a lane: its own, else its family's, else none."""
    return limits.get(lane) or limits.get(family(lane))


def rate(limit: Limit | None) -> tuple[int, int] | None:
    """How many starts per how long a limit allows; None if it does not count starts."""
    if limit is None or limit.starts is None or limit.per is None:
        return None
    return limit.starts, limit.per


def room(limit: Limit | None, running: int, started: int) -> int:
    """How many more may start in a lane where ``running`` hold a place and ``started`` claims still count.

    A start at ``at`` counts while ``at > now - per``.
    """
    if limit is None:
        return ENDLESS
    if limit.paused is not None:
        return 0
    places = ENDLESS if limit.running is None else limit.running - running
    allowed = rate(limit)
    starts = ENDLESS if allowed is None else allowed[0] - started
    return max(0, min(places, starts))


def opens_at(limit: Limit | None, running: int, oldest: int | None) -> int | None:
    """When a lane without room will have some by the passing of time alone; None for never.

    ``oldest`` is the start whose leaving makes room: the ``limit.starts``-th newest, None if there are fewer.
    """
    allowed = rate(limit)
    if limit is None or allowed is None or oldest is None or limit.paused is not None:
        return None
    if limit.running is not None and running >= limit.running:
        return None
    return oldest + allowed[1]
