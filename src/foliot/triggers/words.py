"""``every()``: one word for intervals of elapsed time and of the calendar."""

from __future__ import annotations

from datetime import tzinfo
from typing import Literal

from foliot.errors import TriggerError
from foliot.moments import Length, Moment, instant, length
from foliot.triggers.base import Trigger
from foliot.triggers.intervals import Every, Pause
from foliot.triggers.zones import zone_name, zone_of


def every(
    interval: Length,
    *,
    anchor: Moment | None = None,
    after: Literal["start", "finish"] = "start",
    tz: tzinfo | str | None = None,
) -> Trigger:
    """Every so much elapsed time: ``every("30s")``, ``every(0.25)``, ``every(timedelta(hours=6),
    anchor="2026-01-01 03:00")``.

    The rate is fixed: firings stay whole intervals away from ``anchor``, which is the creation of the
    schedule where it is not given. With ``after="finish"`` the next firing comes one interval after the last
    run has ended instead.
    """
    micros = length(interval)
    if after == "finish":
        if anchor is not None:
            raise TriggerError("a pause after each finish has no anchor; leave one of the two out")
        return Pause(micros)
    return Every(micros, None if anchor is None else instant(anchor, zone_of(zone_name(tz))))
