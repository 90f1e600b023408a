"""Triggers that can also decorate: ``@cron("0 9 * * mon-fri", retries=3)`` defines a job with a schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from inspect import signature
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Unpack, cast, overload

from foliot import triggers
from foliot.errors import JobError
from foliot.jobs import decorator
from foliot.moments import Length, Moment
from foliot.options import DecoratorKeywords, Shares
from foliot.triggers.base import Spec, Trigger

if TYPE_CHECKING:
    from foliot.jobs import Decorator, Sharing
    from foliot.triggers.algebra import Direction
    from foliot.triggers.calendars import Calendar


class LateKeywords(DecoratorKeywords, total=False):
    """A job's options, and how late each firing may be: at random, or always the same for one schedule."""

    jitter: Length
    spread: Length


class CronKeywords(LateKeywords, total=False):
    """A job's options, the zone, the choices for nights of clock changes, and the fields by name."""

    tz: tzinfo | str
    gap: Literal["after", "skip"]
    fold: Literal["first", "second", "both"]
    days: Literal["or", "and"]
    year: int | str
    month: int | str
    day: int | str
    week: int | str
    day_of_week: int | str
    hour: int | str
    minute: int | str
    second: int | str


class EveryKeywords(LateKeywords, total=False):
    """A job's options, and where the rate is anchored, or that it counts from the finish."""

    anchor: Moment
    after: Literal["start", "finish"]
    tz: tzinfo | str


class AtKeywords(LateKeywords, total=False):
    """A job's options, and the zone of naive moments."""

    tz: tzinfo | str


D = TypeVar("D")


class When(Trigger, Generic[D]):
    """A trigger with a job's options. As a trigger it is the one it holds; called with a function, it defines a job."""

    __slots__ = ("trigger", "wishes")

    def __init__(self, trigger: Trigger, wishes: Mapping[str, Any]) -> None:
        self.trigger, self.wishes = trigger, wishes

    @staticmethod
    def of(make: Callable[..., Trigger], args: Sequence[Any], keywords: Mapping[str, Any]) -> When[Any]:
        """Make a trigger with those keywords that its maker takes; the others are the job's."""
        takes = signature(make).parameters
        ours = {name: value for name, value in keywords.items() if name in takes}
        rest = {name: value for name, value in keywords.items() if name not in takes and name not in LATE}
        return When(late(make(*args, **ours), keywords), rest)

    @property
    def __call__(self) -> D:
        """Define a job that this trigger fires."""
        return cast("D", decorator(self.trigger, self.wishes))

    def next_at(self, after: int) -> int | None:
        return self.trigger.next_at(after)

    def spec(self) -> Spec:
        return self.trigger.spec()

    @property
    def zone_name(self) -> str | None:
        return self.trigger.zone_name

    @property
    def from_finish(self) -> bool:
        return self.trigger.from_finish

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        return change(self.trigger)

    def delay(self, nominal: int) -> int:
        return self.trigger.delay(nominal)

    def starting(self, start: Moment) -> When[D]:
        return When(self.trigger.starting(start), self.wishes)

    def until(self, end: Moment) -> When[D]:
        return When(self.trigger.until(end), self.wishes)

    def limit(self, count: int) -> When[D]:
        return When(self.trigger.limit(count), self.wishes)

    def jitter(self, length: Length) -> When[D]:
        return When(self.trigger.jitter(length), self.wishes)

    def spread(self, length: Length) -> When[D]:
        return When(self.trigger.spread(length), self.wishes)

    def shift(self, direction: Direction, days: Calendar) -> When[D]:
        return When(self.trigger.shift(direction, days), self.wishes)

    def __or__(self, other: Trigger) -> When[D]:
        return self.hand_on(self.trigger | other)

    def __and__(self, other: Trigger | Calendar) -> When[D]:
        return self.hand_on(self.trigger & other)

    def __sub__(self, other: Trigger | Calendar) -> When[D]:
        return self.hand_on(self.trigger - other)

    def hand_on(self, made: Trigger) -> When[D]:
        """What was made of this trigger, with the options of both sides. Raises JobError where these disagree."""
        if isinstance(made, When):
            return When(made.trigger, _agreed(self.wishes, made.wishes))
        return When(made, self.wishes)

    def __eq__(self, other: object) -> bool:
        return self.trigger == (other.trigger if isinstance(other, When) else other)

    def __hash__(self) -> int:
        return hash(self.trigger)

    def __repr__(self) -> str:
        return repr(self.trigger)


def _agreed(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in one.keys() & other.keys():
        if one[name] != other[name]:
            raise JobError(
                f"{name} is {one[name]!r} on one side and {other[name]!r} on the other; give it on one side only"
            )
    return {**one, **other}


LATE = ("jitter", "spread")


def late(trigger: Trigger, keywords: Mapping[str, Any]) -> Trigger:
    """The trigger with the jitter and the spread that are asked for by keyword."""
    if "jitter" in keywords:
        trigger = trigger.jitter(keywords["jitter"])
    return trigger.spread(keywords["spread"]) if "spread" in keywords else trigger


@overload
def cron(expression: str | None = None, *, shards: Shares, **wishes: Unpack[CronKeywords]) -> When[Sharing]: ...
@overload
def cron(expression: str | None = None, **wishes: Unpack[CronKeywords]) -> When[Decorator]: ...
def cron(expression: str | None = None, **wishes: Any) -> When[Any]:
    """When a cron expression says: 5 fields, or 6 with seconds first, in ``tz`` (default UTC).

    See ``foliot.triggers.cron``.
    """
    return When.of(triggers.cron, (expression,), wishes)


@overload
def every(interval: Length, *, shards: Shares, **wishes: Unpack[EveryKeywords]) -> When[Sharing]: ...
@overload
def every(interval: Length, **wishes: Unpack[EveryKeywords]) -> When[Decorator]: ...
def every(interval: Length, **wishes: Any) -> When[Any]:
    """At a fixed rate: ``every("30s")``. See ``foliot.triggers.every``."""
    return When.of(triggers.every, (interval,), wishes)


@overload
def at(*moments: Moment, shards: Shares, **wishes: Unpack[AtKeywords]) -> When[Sharing]: ...
@overload
def at(*moments: Moment, **wishes: Unpack[AtKeywords]) -> When[Decorator]: ...
def at(*moments: Moment, **wishes: Any) -> When[Any]:
    """Once at each of these moments; naive ones are read in ``tz``."""
    return When.of(triggers.at, moments, wishes)


@overload
def after(delay: Length, *, shards: Shares, **wishes: Unpack[LateKeywords]) -> When[Sharing]: ...
@overload
def after(delay: Length, **wishes: Unpack[LateKeywords]) -> When[Decorator]: ...
def after(delay: Length, **wishes: Any) -> When[Any]:
    """Once, so long after the schedule was created."""
    return When.of(triggers.after, (delay,), wishes)
