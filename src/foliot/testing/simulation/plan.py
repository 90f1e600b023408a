"""What a seed decides: how large a cluster is, what it works on, and what goes wrong with it how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from foliot.model import Catchup, Overlap
from foliot.moments import HOUR, MILLISECOND, MINUTE, SECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """A job and its schedule. Lengths are microseconds; ``takes`` is the mean of how long a run lasts."""

    name: str
    every: int
    overlap: Overlap
    catchup: Catchup
    takes: int
    fails: float = 0
    timeout: int | None = None
    concurrency: int | None = None
    at_most_once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """What goes wrong. Shares of calls, and for the rest how often, on the average, microseconds; 0 is never.

    ``before``: the call does not reach the store; ``after``: its reply is lost; ``silent``: it hangs, done or not;
    ``slow``: it takes up to a minute. ``crash``, ``freeze``, ``leave``, ``cut`` and ``clock`` come to each machine
    so often, ``outage`` and ``step`` (of its clock) to the store.
    """

    before: float = 0
    after: float = 0
    silent: float = 0
    slow: float = 0
    deaf: float = 0
    crash: int = 0
    freeze: int = 0
    leave: int = 0
    cut: int = 0
    clock: int = 0
    outage: int = 0
    step: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One cluster and its fortunes, all of it decided by the seed and what was asked for.

    It is stormy for ``storm``, then calm for ``calm``; then the schedules stop, and what is left must end.
    """

    seed: int
    nodes: int
    slots: int
    storm: int
    calm: int
    lease: int
    look: int
    trip: int
    follow: bool
    skew: int
    enqueue: int
    weather: Weather
    loads: tuple[Load, ...]


def planned(seed: int, nodes: int | None = None, storm: int | None = None, lease: int | None = None) -> Plan:
    """The plan of a seed; what is asked for instead is as asked, and the rest as fits it."""
    dice = Random(f"plan {seed}")  # noqa: S311 - a simulation
    many = nodes or dice.choice((1, 2, 3, 3, 4, 5, 6, 8))
    usual = dice.choice((10, 30, 60, 300)) * SECOND
    lease = lease or (usual if many <= 20 else 5 * MINUTE)
    look = dice.choice((1, 2)) * lease
    beat = lease * (dice.choice((1, 2, 5)) if many <= 20 else 10)
    long = storm or 30 * beat
    return Plan(
        seed=seed,
        nodes=many,
        slots=dice.choice((1, 3, 10)),
        storm=long,
        calm=max(6 * (lease + look), 8 * beat),
        lease=lease,
        look=look,
        trip=dice.choice((1, 5, 50)) * MILLISECOND,
        follow=many <= 20 and dice.random() < 0.4 and lease <= MINUTE,  # it asks for the time each five seconds
        skew=dice.choice((0, SECOND, MINUTE, 10 * MINUTE)),
        enqueue=many * beat,
        weather=_weather(dice, lease, storm or long),
        loads=tuple(_load(dice, n, beat) for n in range(dice.randint(2, 6))),
    )


def _weather(dice: Random, lease: int, storm: int) -> Weather:
    def share() -> float:
        return dice.choice((0, 0, 0.01, 0.05, 0.2))

    def now_and_then() -> int:
        return dice.choice((0, 5, 20, 60)) * lease

    every = Weather(
        before=share(),
        after=share(),
        silent=share() / 5,
        slow=share() / 5,
        deaf=dice.choice((0, 0.1, 1)),
        crash=now_and_then(),
        freeze=now_and_then(),
        leave=now_and_then(),
        cut=now_and_then(),
        clock=now_and_then(),
        outage=now_and_then(),
        step=now_and_then(),
    )
    seldom = max(1, storm // HOUR // 2)  # in a long storm each thing happens about as often as in a short one
    kinds = ("crash", "freeze", "leave", "cut", "clock", "outage", "step")
    return replace(every, **{kind: getattr(every, kind) * seldom for kind in kinds})


def _load(dice: Random, n: int, beat: int) -> Load:
    every = beat * dice.choice((1, 1, 2, 3)) + dice.randrange(SECOND)
    overlap = dice.choice(list(Overlap))
    concurrency = dice.choice((None, None, None, 2))
    in_line = overlap is Overlap.QUEUE or concurrency is not None  # and then there must be time for all of them
    takes = every // (5 if in_line else dice.choice((1000, 10, 3, 1)))
    return Load(
        name=f"job{n}",
        every=every,
        overlap=overlap,
        catchup=dice.choice(list(Catchup)),
        takes=max(1, takes),
        fails=dice.choice((0, 0, 0.1, 0.5)),
        timeout=dice.choice((None, None, 3 * takes + SECOND)),
        concurrency=concurrency,
        at_most_once=dice.random() < 0.2,
    )
