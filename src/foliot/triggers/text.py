"""Triggers as text: a short readable JSON that this and any later version reads back.

Each kind of trigger has a form below, named by the first key of its object. A form may grow fields with
defaults; it never loses one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from foliot.errors import TriggerError
from foliot.moments import length
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.bounds import Bounded
from foliot.triggers.cron import Cron, Days, canonical
from foliot.triggers.intervals import Every, Pause
from foliot.triggers.once import After, At
from foliot.triggers.writing import instant_of
from foliot.triggers.zones import Fold, Gap, zone_name


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON object of one kind of trigger."""

    def trigger(self) -> Trigger:
        """The trigger that is written here."""
        raise NotImplementedError


class _Cron(_Form):
    cron: str
    tz: str | None = None
    gap: Gap = "after"
    fold: Fold = "first"
    days: Days = "or"
    week: str | None = None
    seed: str | None = None

    def trigger(self) -> Trigger:
        return Cron(
            canonical(self.cron), zone_name(self.tz), self.gap, self.fold, self.days, self.week, self.seed
        )


class _Every(_Form):
    every: str
    anchor: str | None = None
    after: str | None = None

    def trigger(self) -> Trigger:
        if self.after is not None:
            return Pause(length(self.every))
        return Every(length(self.every), None if self.anchor is None else instant_of(self.anchor))


class _At(_Form):
    at: str | list[str]
    tz: str | None = None

    def trigger(self) -> Trigger:
        texts = [self.at] if isinstance(self.at, str) else self.at
        return At(tuple(sorted({instant_of(each) for each in texts})), zone_name(self.tz))


class _After(_Form):
    after: str

    def trigger(self) -> Trigger:
        return After(length(self.after))


class _Bounded(_Form):
    of: Spec
    start: str | None = None
    until: str | None = None
    limit: int | None = None

    def trigger(self) -> Trigger:
        start, end = (None if text is None else instant_of(text) for text in (self.start, self.until))
        return Bounded(load(self.of), start, end, self.limit)


_FORMS: tuple[tuple[str, type[_Form]], ...] = (
    ("cron", _Cron),
    ("every", _Every),
    ("at", _At),
    ("after", _After),
    ("start", _Bounded),
    ("until", _Bounded),
    ("limit", _Bounded),
)


def load(spec: Mapping[str, object]) -> Trigger:
    """The trigger that this JSON object describes. Raises TriggerError for what this version cannot read."""
    for key, form in _FORMS:
        if key in spec:
            try:
                return msgspec.convert(spec, form).trigger()
            except msgspec.ValidationError as error:
                raise TriggerError(
                    f"{dict(spec)!r} is not a {key} trigger that this version can read: {error}"
                ) from None
    raise TriggerError(f"{dict(spec)!r} is not a trigger that this version can read")


def dumps(trigger: Trigger) -> str:
    """This trigger as compact JSON text."""
    return msgspec.json.encode(trigger.spec()).decode()


@lru_cache(maxsize=16_384)
def loads(text: str) -> Trigger:
    """The trigger in this JSON text; equal texts share one value, so many schedules stay small."""
    try:
        spec = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise TriggerError(f"{text!r} is not a trigger: {error}") from None
    return load(spec)
