"""How instants are written in a trigger's JSON."""

from __future__ import annotations

from datetime import UTC, tzinfo

from foliot.errors import DefinitionError, TriggerError
from foliot.moments import instant, moment


def written(at: int, zone: tzinfo = UTC) -> str:
    """An instant as ISO 8601 text with its offset."""
    return moment(at, zone).isoformat().replace("+00:00", "Z")


def instant_of(text: object) -> int:
    """The instant that ``written`` wrote."""
    try:
        return instant(str(text))
    except DefinitionError as error:
        raise TriggerError(str(error)) from None
