"""What code declares beside what stands: which schedules and limits to create, change and remove. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from foliot.model import Limit, Schedule
from foliot.moments import SECOND
from foliot.policy import renewed

R = TypeVar("R", Schedule, Limit)


class Deed(StrEnum):
    """What is done to a record."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


class Step(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One thing to do: ``before`` is the record as it stands, ``after`` as it is to stand; None where there is none."""

    before: R | None = None
    after: R | None = None

    @property
    def deed(self) -> Deed:
        """What is done."""
        if self.before is None:
            return Deed.CREATE
        return Deed.REMOVE if self.after is None else Deed.CHANGE

    @property
    def id(self) -> str:
        """Whose record it is."""
        return "" if (record := self.after or self.before) is None else record.id


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What code declares now, and who it is: an ``owner`` without a name owns nothing."""

    owner: str
    jobs: frozenset[str]
    schedules: Sequence[Schedule]
    limits: Sequence[Limit]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do so that the records stand as declared; nothing where they do."""

    owner: str
    schedules: Sequence[Step[Schedule]] = ()
    limits: Sequence[Step[Limit]] = ()

    @property
    def steps(self) -> list[Step[Schedule] | Step[Limit]]:
        """Everything, schedules first."""
        return [*self.schedules, *self.limits]

    def __bool__(self) -> bool:
        return bool(self.schedules or self.limits)


def plan(declared: Declared, schedules: Mapping[str, Schedule], limits: Mapping[str, Limit]) -> Plan:
    """What to do about these standing records, by id.

    What others own stays, and so does what people put; of what code put only that is removed which this owner declared
    earlier, and the limits of jobs which it still declares.
    """
    return Plan(
        owner=declared.owner,
        schedules=[*_schedules(declared, schedules)],
        limits=[*_limits(declared, limits)],
    )


def _schedules(declared: Declared, standing: Mapping[str, Schedule]) -> Iterator[Step[Schedule]]:
    for each in declared.schedules:
        kept = standing.get(each.id)
        after = each if kept is None else renewed(kept, each)
        if after != kept:
            yield Step(before=kept, after=after)
    wanted = {each.id for each in declared.schedules}
    for kept in standing.values():
        if kept.id not in wanted and _is_own(kept, declared):
            yield Step(before=kept)


def _limits(declared: Declared, standing: Mapping[str, Limit]) -> Iterator[Step[Limit]]:
    for each in declared.limits:
        kept = standing.get(each.id)
        after = each if kept is None else _bounded_anew(kept, each)
        if after != kept:
            yield Step(before=kept, after=after)
    wanted = {each.id for each in declared.limits}
    for kept in standing.values():
        if kept.id not in wanted and kept.paused is None and (_is_own(kept, declared) or _is_of(kept, declared.jobs)):
            yield Step(before=kept)


def _bounded_anew(kept: Limit, declared: Limit) -> Limit:
    """A standing limit as the code declares it; a person's goes before the code's, and a pause stays."""
    if kept.source != "code":
        return kept
    return replace(declared, paused=kept.paused, owner=declared.owner or kept.owner)


def _is_own(kept: Schedule | Limit, declared: Declared) -> bool:
    return kept.source == "code" and kept.owner == declared.owner != ""


def _is_of(kept: Limit, jobs: frozenset[str]) -> bool:
    kind, _, name = kept.id.partition("/")
    return kept.source == "code" and kind in {"job", "key"} and name in jobs


# What a change changes


class Difference(msgspec.Struct, frozen=True):
    """One field as it stands and as it is to stand, as JSON; lengths are seconds."""

    field: str
    before: Any
    after: Any


def differences(before: Schedule | Limit, after: Schedule | Limit) -> list[Difference]:
    """The fields that somebody declares and that are to change."""
    one, other = _fields(before), _fields(after)
    changed = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return [Difference(name, one.get(name), other.get(name)) for name in changed]


_KEPT = frozenset(
    {"id", "trigger", "created_at", "wakes_at", "follows", "behind", "last_at", "last_run", "fired", "skips"}
    | {"paused", "version", "placement", "followed"}
)
"""What no code declares, or not so: the trigger as it was asked for stands in ``declared``."""
_LENGTHS = {"window", "expires", "deadline", "per", "timeout"}


def _fields(record: Schedule | Limit) -> dict[str, Any]:
    """What code declares of a record, flat."""
    whole: dict[str, Any] = msgspec.to_builtins(record)
    flat = {**whole, **whole.get("placement", {})}
    flat |= flat.pop("terms", None) or {}
    return dict(_told(name, value) for name, value in flat.items() if name not in _KEPT)


def _told(name: str, value: Any) -> tuple[str, Any]:
    if name in _LENGTHS:
        return f"{name}_seconds", None if value is None else value / SECOND
    if name in {"declared", "args"}:
        return "trigger" if name == "declared" else name, msgspec.json.decode(value or "null")
    return name, value
