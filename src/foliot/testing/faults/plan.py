"""What goes wrong and when: the same seed plans the same faults. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from random import Random

from foliot.model import Value
from foliot.moments import MILLISECOND, SECOND


class Kind(StrEnum):
    """What can go wrong."""

    KILL = "kill a process"
    FREEZE = "freeze a process past its lease"
    JUMP = "set the clock of a process"
    LOSE = "lose replies to a process, when the store has done its work"
    CUT = "cut the connections of a process"
    SLOW = "delay the network of a process"
    HOLE = "let the network of a process go silent"
    STORE_KILL = "kill the store's server"
    STORE_RESTART = "restart the store's server"
    STORE_FREEZE = "freeze the store's server"
    FAILOVER = "kill the master of the store: its replica takes over"
    STORE_LOCK = "lock the store's file"


WEIGHTS = {
    Kind.KILL: 8,
    Kind.FREEZE: 4,
    Kind.JUMP: 3,
    Kind.LOSE: 5,
    Kind.CUT: 4,
    Kind.SLOW: 2,
    Kind.HOLE: 3,
    Kind.STORE_KILL: 1.5,
    Kind.STORE_RESTART: 1,
    Kind.STORE_FREEZE: 1,
    Kind.FAILOVER: 1,
    Kind.STORE_LOCK: 2,
}

OF_PROCESSES = frozenset({Kind.KILL, Kind.FREEZE, Kind.JUMP})
OF_THE_NETWORK = frozenset({Kind.LOSE, Kind.CUT, Kind.SLOW, Kind.HOLE})
OF_A_SERVER = frozenset({Kind.STORE_KILL, Kind.STORE_RESTART, Kind.STORE_FREEZE})
OF_THE_STORE = OF_A_SERVER | {Kind.STORE_LOCK, Kind.FAILOVER}

WARM_UP = 2 * SECOND
REST = 10 * SECOND
"""The least time between two faults of the store itself, which stop everybody."""


class Fault(Value, kw_only=True):
    """One thing that goes wrong: ``at`` from the start, ``lasts``, and by how much. Microseconds.

    ``node`` says which process; None for the store. ``amount`` is a clock's jump, a delay, or a number of replies.
    """

    at: int
    kind: Kind
    node: int | None = None
    lasts: int = 0
    amount: int = 0

    @property
    def ends(self) -> int:
        """When it is over."""
        return self.at + self.lasts


def planned(
    seed: int, length: int, processes: int, kinds: Collection[Kind], *, lease: int, jump: int, pace: int
) -> tuple[Fault, ...]:
    """The faults of a play of this length, a new one each ``pace`` or so; clocks jump by ``jump`` at most."""
    dice = Random(seed)  # noqa: S311 - a plan to repeat
    known = [kind for kind in Kind if kind in kinds]
    faults: list[Fault] = []
    at, rested = WARM_UP, WARM_UP
    while at < length:
        ready = [kind for kind in known if kind not in OF_THE_STORE or at >= rested]
        fault = _fault(dice, at, _drawn(dice, ready), processes, lease, jump)
        if fault.kind in OF_THE_STORE:
            rested = fault.ends + REST
        faults.append(fault)
        at += dice.randrange(pace // 3, pace * 5 // 3)
    return tuple(faults)


def _drawn(dice: Random, kinds: list[Kind]) -> Kind:
    [kind] = dice.choices(kinds, [WEIGHTS[kind] for kind in kinds])
    return kind


def _fault(dice: Random, at: int, kind: Kind, processes: int, lease: int, jump: int) -> Fault:
    node = None if kind in OF_THE_STORE else dice.randrange(processes)
    lasts, amount = _size(dice, kind, lease, jump)
    return Fault(at=at, kind=kind, node=node, lasts=lasts, amount=amount)


def _size(dice: Random, kind: Kind, lease: int, jump: int) -> tuple[int, int]:
    """How long it lasts, and by how much."""
    match kind:
        case Kind.KILL:
            return 0, 0
        case Kind.FREEZE:
            return lease + dice.randrange(SECOND // 2, 2 * SECOND), 0
        case Kind.JUMP:
            return dice.randrange(SECOND, 8 * SECOND), dice.randrange(-jump, jump + 1)
        case Kind.LOSE:
            return dice.randrange(SECOND // 5, 2 * SECOND), dice.randrange(1, 4)
        case Kind.SLOW:
            return dice.randrange(SECOND, 4 * SECOND), dice.randrange(20 * MILLISECOND, 400 * MILLISECOND)
        case Kind.CUT | Kind.HOLE:
            return dice.randrange(SECOND // 2, 2 * lease), 0
        case Kind.FAILOVER:
            return 5 * SECOND, 0
        case Kind.STORE_KILL | Kind.STORE_RESTART | Kind.STORE_FREEZE | Kind.STORE_LOCK:
            return dice.randrange(SECOND // 2, 3 * SECOND), 0
