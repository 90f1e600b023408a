"""Triggers whose firings are due a little after their nominal instants, so that not all start at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foliot.errors import TriggerError
from foliot.moments import spell
from foliot.triggers.base import Spec, Trigger
from foliot.triggers.chance import share
from foliot.triggers.wrapper import Wrapper
from foliot.triggers.writing import not_too_long, spec_of


@dataclass(frozen=True, slots=True)
class Delayed(Wrapper):
    """``of``, each firing late: up to ``max_jitter``, chosen anew, and up to ``max_spread``, always the same.

    Both are chosen by ``seed``, normally a schedule's id; lengths are microseconds. The nominal instants
    stay.
    """

    max_jitter: int = 0
    max_spread: int = 0
    seed: str | None = None

    def __post_init__(self) -> None:
        for name, length in (("jitter", self.max_jitter), ("spread", self.max_spread)):
            if length < 0:
                raise TriggerError(f"a {name} of {spell(length)} would run early; it is not negative")
            not_too_long(length)

    def next_at(self, after: int) -> int | None:
        return self.of.next_at(after)

    def nth_at(self, after: int, count: int) -> int | None:
        return self.of.nth_at(after, count)

    def delay(self, nominal: int) -> int:
        seed = self.seed or ""
        jitter = share(self.max_jitter + 1, seed, nominal) if self.max_jitter else 0
        spread = share(self.max_spread, seed) if self.max_spread else 0
        return self.of.delay(nominal) + jitter + spread

    def bound(self, schedule: str) -> Trigger:
        return replace(self, of=self.of.bound(schedule), seed=schedule if self.seed is None else self.seed)

    def spec(self) -> Spec:
        jitter, spread = (spell(length) if length else None for length in (self.max_jitter, self.max_spread))
        return spec_of({"of": self.of.spec()}, jitter=jitter, spread=spread, seed=self.seed)


def delayed(trigger: Trigger, *, jitter: int | None = None, spread: int | None = None) -> Trigger:
    """The trigger with this jitter or spread in place of what it has; with neither, the trigger itself."""
    whole = trigger if isinstance(trigger, Delayed) else Delayed(trigger)
    given = {"max_jitter": jitter, "max_spread": spread}
    found = replace(whole, **{name: value for name, value in given.items() if value is not None})
    return found if found.max_jitter or found.max_spread else found.of
