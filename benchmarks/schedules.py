"""Many schedules: how fast they are registered, what they cost while they stand, how late they fire."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.contest import (
    Aim,
    Column,
    Contest,
    Entrant,
    at_least,
    at_most,
    milliseconds,
    octets,
    percent,
    rate,
)
from benchmarks.postgres import namespace, own_server

DUE = 1_000
MANY, BESIDE_PEERS, PEERS = 1_000_000, 10_000, 2_000
PATIENCE = 45
"""How many seconds a peer may take, and so register in."""
REGISTER, MEMORY, IDLE = 100_000, 1_000, 0.01
IN_MEMORY, ON_SQLITE, ON_POSTGRES = 15.0, 50.0, 50.0
"""Milliseconds, p99."""
SPREAD, TOGETHER = "foliot, spread over it", "foliot, all at its beginning"

LATE = [
    Column(key=f"late_{which}", title=f"late {which}", show=milliseconds, less_is_better=True)
    for which in ("p99", "p50", "max")
]
COST = [
    Column(key="register", title="registered", show=rate),
    Column(key="memory", title="each", show=octets, less_is_better=True),
    Column(key="idle", title="idle CPU", show=percent, less_is_better=True),
]
NOTES = f"""
* {DUE:,} more are due in one second: spread evenly over it, as the aim is read, or all at its beginning, which is
  harder. A schedule is late by the time from its own instant to the start of its function. The many fire at 09:00 on
  working days and only stand there. One process fires and works.
"""
FEWER = f"""\
* APScheduler registers only {PEERS:,} of the many, and is given up on after {PATIENCE} s. What each costs and how late
  what is due starts is measured all the same.
"""
WITHOUT_PEERS = "* No peer: APScheduler registers a few hundred a second on SQLite, too few to wait for.\n"


def contests(quick: bool) -> Sequence[Contest]:
    """In memory beside the peers, a million in memory, and many in a SQLite file; one round each, for each is long."""
    idle = 2 if quick else 4
    if quick:
        return [_memory(BESIDE_PEERS, idle, peers=True), _sqlite(10_000, idle), _postgres(10_000, idle)]
    return [
        _memory(BESIDE_PEERS, idle, peers=True),
        _memory(MANY, idle, peers=False),
        _sqlite(100_000, idle),
        _postgres(100_000, idle),
    ]


def _memory(count: int, idle: int, *, peers: bool) -> Contest:
    asked = {"count": count, "due": DUE, "idle": idle, "spread": 1}
    others = [
        Entrant(
            name=f"APScheduler {n}, {PEERS:,}",
            program=f"apscheduler{n}_schedules",
            asked=asked | {"count": PEERS},
            peer=f"apscheduler{n}",
            patience=PATIENCE,
        )
        for n in (3, 4)
    ]
    return Contest(
        title=f"Memory: {count:,} schedules, {DUE:,} due in one second",
        entrants=[
            *_both_ways(asked | {"store": "memory"}),
            *(others if peers else ()),
            Entrant(name="a bare heap and a timer", program="raw_heap", asked=asked),
            Entrant(name="a bare heap, all at its beginning", program="raw_heap", asked=asked | {"spread": 0}),
        ],
        columns=[*LATE, *COST],
        aims=[
            _punctual(IN_MEMORY),
            Aim(what="100,000 registered a second", judge=at_least(SPREAD, "register", REGISTER, rate)),
            Aim(what="less than 1 KB each", judge=at_most(SPREAD, "memory", MEMORY, octets)),
            Aim(what="idle CPU under 1 %", judge=at_most(SPREAD, "idle", IDLE, percent)),
        ],
        notes=NOTES + (FEWER if peers else ""),
        rounds=1,
    )


def _sqlite(count: int, idle: int) -> Contest:
    asked = {"count": count, "due": DUE, "idle": idle}
    return Contest(
        title=f"SQLite: {count:,} schedules, {DUE:,} due in one second, every commit synced",
        entrants=_both_ways(asked | {"store": "sqlite"}),
        columns=[*LATE, *COST],
        aims=[_punctual(ON_SQLITE)],
        notes=NOTES + WITHOUT_PEERS,
        rounds=1,
    )


def _postgres(count: int, idle: int) -> Contest:
    asked = {"count": count, "due": DUE, "idle": idle, "store": "postgres"}
    server = own_server()
    return Contest(
        title=f"PostgreSQL: {count:,} schedules, {DUE:,} due in one second, every commit synced",
        entrants=_both_ways(asked, lambda: {"server": f"{server}?namespace={namespace()}"}),
        columns=[*LATE, *COST],
        aims=[_punctual(ON_POSTGRES)],
        notes=NOTES,
        rounds=1,
    )


def _both_ways(asked: Mapping[str, Any], own: Callable[[], Mapping[str, Any]] = dict[str, Any]) -> Sequence[Entrant]:
    """Ours, each time with a place of its own."""
    return [
        Entrant(
            name=name,
            ours=True,
            program="foliot_schedules",
            asked={**asked, **own(), "spread": spread, "slots": DUE},
        )
        for spread, name in ((1, SPREAD), (0, TOGETHER))
    ]


def _punctual(most: float) -> Aim:
    return Aim(what=f"p99 under {most:.0f} ms, spread over it", judge=at_most(SPREAD, "late_p99", most, milliseconds))
