"""What is measured: entrants that do the same work, the figures they are shown by, and what we aim at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Figures = Mapping[str, Mapping[str, float]]
"""The middle of all rounds, by the entrant's name and the column's key. Who could not run is not in it."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A program of ``programs/``, what it is asked, and whose environment it needs (None: our own)."""

    name: str
    program: str
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    peer: str | None = None
    ours: bool = False
    patience: int = 600
    """How many seconds one measurement may take."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One figure that every entrant may answer, and how people read it."""

    key: str
    title: str
    show: Callable[[float], str]
    less_is_better: bool = False


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What we want to reach. ``judge`` tells whether we did, and how near we are."""

    what: str
    judge: Callable[[Figures], tuple[bool, str]]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Entrants that take turns. The first is ours, and the first column is what leads are counted in."""

    title: str
    entrants: Sequence[Entrant]
    columns: Sequence[Column]
    aims: Sequence[Aim] = ()
    notes: str = ""
    """Markdown: what a reader must know to compare."""
    rounds: int = 3


def at_least(who: str, key: str, least: float, show: Callable[[float], str]) -> Callable[[Figures], tuple[bool, str]]:
    """Judge one figure that should be large."""
    return lambda figures: (figures[who][key] >= least, show(figures[who][key]))


def at_most(who: str, key: str, most: float, show: Callable[[float], str]) -> Callable[[Figures], tuple[bool, str]]:
    """Judge one figure that should be small."""
    return lambda figures: (figures[who][key] <= most, show(figures[who][key]))


# How figures are read


def rate(per_second: float) -> str:
    """So many in a second."""
    return f"{per_second:,.0f}/s"


def milliseconds(number: float) -> str:
    """A length of time, with the digits that mean something."""
    return f"{number:,.2f} ms" if number < 10 else f"{number:,.1f} ms"


def octets(number: float) -> str:
    """An amount of memory."""
    return f"{number:,.0f} B"


def percent(share: float) -> str:
    """A share of one processor."""
    return f"{share:.2%}"
