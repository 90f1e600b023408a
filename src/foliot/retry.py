"""How long to wait after a failure: delays as functions of the number of failures. Pure values that travel as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from foliot.errors import DefinitionError
from foliot.moments import Length, length


class Backoff(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """How often to try again and how long to wait before each time.

    ``attempts`` counts retries: the function runs at most ``attempts + 1`` times. ``jitter`` is the share of a delay
    that is drawn at random: 0 waits exactly, 0.25 waits between 75 % and 125 %, 1 anywhere from nothing to twice.
    Lengths are microseconds.
    """

    attempts: int
    jitter: float = 0.0

    def wait(self, failures: int, random: Random) -> int | None:
        """How long to wait after the ``failures``-th failure (1 is the first); None when that was the last try."""
        if failures > self.attempts:
            return None
        base = self.base(failures, random)
        return max(0, round(base * (1 + self.jitter * (2 * random.random() - 1)))) if self.jitter else base

    def base(self, failures: int, random: Random) -> int:
        """The delay after the ``failures``-th failure, before jitter."""
        raise NotImplementedError


class Exponential(Backoff, frozen=True, kw_only=True, tag="exponential"):
    """Each wait is ``factor`` times the one before it, never longer than ``cap``."""

    first: int
    factor: float
    cap: int

    def base(self, failures: int, random: Random) -> int:
        try:
            return min(self.cap, round(self.first * self.factor ** (failures - 1)))
        except OverflowError:
            return self.cap


class Delays(Backoff, frozen=True, kw_only=True, tag="delays"):
    """These waits, one after the other; the last one again if there are more attempts than waits."""

    waits: tuple[int, ...]

    def base(self, failures: int, random: Random) -> int:
        return self.waits[min(failures, len(self.waits)) - 1]


class Between(Backoff, frozen=True, kw_only=True, tag="random"):
    """Each wait is drawn evenly between two lengths."""

    low: int
    high: int

    def base(self, failures: int, random: Random) -> int:
        return random.randint(self.low, self.high)


Retries = Exponential | Delays | Between
"""Any backoff, as it is stored."""

NEVER = Delays(attempts=0, waits=(0,))
"""Do not try again."""


def exponential(
    attempts: int, *, first: Length = "1s", factor: float = 2.0, cap: Length = "1h", jitter: float = 0.25
) -> Exponential:
    """Wait 1 s, 2 s, 4 s … up to an hour.

    Each wait is up to a quarter shorter or longer by chance, so that failures do not march in step.
    """
    if not factor >= 1:  # not a number is neither more nor less
        raise DefinitionError(f"factor={factor!r} would shorten each wait; give 1 or more")
    return Exponential(
        attempts=_count(attempts), first=_wait(first), factor=factor, cap=_wait(cap), jitter=_share(jitter)
    )


def fixed(attempts: int, wait: Length = "10s", *, jitter: float = 0.0) -> Delays:
    """Wait the same time before each retry."""
    return Delays(attempts=_count(attempts), waits=(_wait(wait),), jitter=_share(jitter))


def random(attempts: int, low: Length = "1s", high: Length = "1m") -> Between:
    """Wait a random time between ``low`` and ``high`` before each retry."""
    least, most = _wait(low), _wait(high)
    if least > most:
        raise DefinitionError(f"the shortest wait {low!r} is longer than the longest {high!r}; swap them")
    return Between(attempts=_count(attempts), low=least, high=most)


def delays(waits: Sequence[Length], *, jitter: float = 0.0) -> Delays:
    """Wait these times, one before each retry; as many retries as there are waits."""
    if not waits:
        return NEVER
    return Delays(attempts=len(waits), waits=tuple(_wait(each) for each in waits), jitter=_share(jitter))


def retries(wish: int | Sequence[Length] | Backoff | None) -> Retries:
    """Read what a job was given: a number is exponential backoff, a list its delays, None and 0 no retries."""
    match wish:
        case None | 0:
            return NEVER
        case Exponential() | Delays() | Between():
            return wish
        case bool():
            raise DefinitionError(_REMEDY)
        case int():
            return exponential(wish)
        case list() | tuple():
            return delays(wish)
        case _:
            raise DefinitionError(_REMEDY)


_REMEDY = "give a number of retries, a list of waits, or a backoff such as exponential(3)"


def _count(attempts: int) -> int:
    if type(attempts) is not int or attempts < 0:
        raise DefinitionError(f"{attempts!r} is not a number of retries; give a whole number from 0")
    return attempts


def _wait(value: Length) -> int:
    micros = length(value)
    if micros < 0:
        raise DefinitionError(f"a wait of {value!r} is negative; give a length of time from 0")
    return micros


def _share(jitter: float) -> float:
    if not 0 <= jitter <= 1:
        raise DefinitionError(f"jitter={jitter!r} is not a share; give a number from 0 to 1")
    return float(jitter)
