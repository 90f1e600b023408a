"""No-op async runs through PostgreSQL: bulk enqueue, then drain by one worker process and by four; idle latency."""

import os
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import uuid4

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, at_least, at_most, milliseconds, rate
from benchmarks.environments import disk
from foliot.testing.servers import PostgresServer

OURS, PGQUEUER = "foliot", "pgqueuer"
LEAD, ENQUEUE, USUAL, WORST = 1.5, 70_000, 1.2, 3.0
"""How many times the best peer, runs a second, and milliseconds at p50 and p99."""

NOTES = """
* One private server for all, as it is after `initdb`: every commit is synced.
* Ours keeps the history of every run, its attempts and its lines; pgqueuer keeps a log of counts, procrastinate deletes
  what is done, SAQ keeps it for ten minutes.
* Ours is timed until the end of the last run is committed, the peers' until the last call of the function.
* All run under uvloop. pgqueuer takes batches of 1,000, the others as many as did best.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """Who drains 20,000 no-op runs fastest, and who starts one soonest."""
    server = own_server()
    runs = 5_000 if quick else 20_000
    peers = 1_000 if quick else 3_000
    return [
        Contest(
            title=f"PostgreSQL: {runs:,} no-op runs",
            entrants=[
                _ours(OURS, server, measure="drain", runs=runs, slots=1000),
                _entrant(PGQUEUER, "pgqueuer", server, measure="drain", runs=runs, page=1000, batch=1000),
                _entrant("procrastinate", "procrastinate", server, measure="drain", runs=peers, slots=30),
                _entrant("SAQ", "saq", server, measure="drain", runs=peers, slots=50),
            ],
            columns=[Column(key="drain", title="drain", show=rate), Column(key="enqueue", title="enqueue", show=rate)],
            aims=[
                Aim(what="drain at one and a half times pgqueuer's rate", judge=_lead),
                Aim(what="enqueue_many above 70,000/s", judge=at_least(OURS, "enqueue", ENQUEUE, rate)),
            ],
            notes=NOTES,
        ),
        _share(server, runs),
        _latency(server, 100 if quick else 500),
    ]


def _share(server: str, runs: int) -> Contest:
    return Contest(
        title=f"PostgreSQL: {runs:,} no-op runs due at one instant, four worker processes",
        entrants=[_ours(OURS, server, measure="share", runs=runs, slots=1000, workers=4)],
        columns=[Column(key="several", title="four", show=rate), Column(key="alone", title="one", show=rate)],
        aims=[Aim(what="four worker processes no slower than one", judge=_no_slower)],
        notes="* Timed from outside, by looking a hundred times a second at the last run, then at all.",
    )


def _latency(server: str, runs: int) -> Contest:
    asked = {"measure": "latency", "where": "across", "runs": runs, "slots": 10}
    return Contest(
        title="PostgreSQL, across two processes: from enqueue to start, idle",
        entrants=[
            _ours(OURS, server, **asked),
            *(_entrant(each, each.lower(), server, **asked) for each in (PGQUEUER, "procrastinate", "SAQ")),
        ],
        columns=[
            Column(key=f"latency_{which}", title=which, show=milliseconds, less_is_better=True)
            for which in ("p50", "p99", "max")
        ],
        aims=[
            Aim(what="p50 under 1.2 ms", judge=at_most(OURS, "latency_p50", USUAL, milliseconds)),
            Aim(what="p99 under 3 ms", judge=at_most(OURS, "latency_p99", WORST, milliseconds)),
        ],
    )


@cache
def own_server() -> str:
    """A server of our own on a real disk, until this process ends."""
    os.environ["TMPDIR"] = str(disk())
    return PostgresServer(fsync="on").__enter__().url


def namespace() -> str:
    """A name that no other entrant has."""
    return f"b{uuid4().hex[:8]}"


def _ours(name: str, server: str, **asked: Any) -> Entrant:
    place = {"url": f"{server}?namespace={namespace()}"}
    return Entrant(name=name, ours=True, program="foliot_runs", asked=asked | place)


def _entrant(name: str, who: str, server: str, **asked: Any) -> Entrant:
    return Entrant(name=name, program=f"{who}_postgres", asked={"server": server, **asked}, peer=who)


def _lead(figures: Figures) -> tuple[bool, str]:
    lead = figures[OURS]["drain"] / figures[PGQUEUER]["drain"]
    return lead >= LEAD, f"{lead:.2f} x"


def _no_slower(figures: Figures) -> tuple[bool, str]:
    gain = figures[OURS]["several"] / figures[OURS]["alone"]
    return gain >= 1, f"{gain:.2f} x"
