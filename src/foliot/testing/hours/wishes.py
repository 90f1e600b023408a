# pyright: basic
# Hypothesis describes dictionaries of many shapes, which strict typing cannot follow.
"""What may happen in an hour: short descriptions drawn at random, and the values they stand for."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from foliot.model import (
    AGEING,
    Change,
    Claim,
    Clash,
    Failure,
    Hold,
    Limit,
    Line,
    Outcome,
    Pause,
    Query,
    Run,
    State,
    Unique,
)

QUEUES = ("mail", "video")
WORKERS = ("w1", "w2")
LANES = ("key/a", "key/f#x", "key/f#y")
LIMITS = ("queue/mail", "job/job", "key/a", "key/f", "key/f#x")
SCHEDULES = ("s1", "s2")
OVER = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED)

PLAIN_KEY = "plain"
"""A key that is only ever wanted until its run is over, so that at most one run can hold it and go on."""

LITTLE = st.sampled_from((0, 1, 5, 20, 60))
MOMENTS = st.sampled_from((-AGEING, -5, 0, 0, 0, 1, 10, 50, AGEING))
"""When something is due, seen from now."""

METAS = ({"n": 1}, {"n": "1", "deep": {"er": True}}, {"deep": {"er": [1]}})

UNIQUES = st.sampled_from(
    [f"{PLAIN_KEY} {clash} {Hold.OVER}" for clash in (Clash.DROP, Clash.SKIP, Clash.REPLACE)]
    + [f"wild {clash} {hold}" for clash in Clash for hold in Hold]
    + [f"wild {clash} {Hold.OVER} 30" for clash in Clash]
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "unique": UNIQUES,
    "lanes": st.lists(st.sampled_from(LANES), min_size=1, max_size=2).map(tuple),
    "due": MOMENTS,
    "after": st.lists(st.integers(-3, 2).filter(bool), min_size=1, max_size=2),
    "priority": st.sampled_from((4, 6)),
    "queue": st.sampled_from(QUEUES),
    "job": st.just("other"),
    "target": st.sampled_from(WORKERS),
    "needs": st.sampled_from((("gpu",), ("gpu", "eu"))),
    "parent": st.integers(-4, 0),
    "tags": st.lists(st.sampled_from("xy"), max_size=2).map(tuple),
    "meta": st.sampled_from(METAS),
    "over": st.just(True),
}

NAMES = [*FIELDS, *["unique"] * 7, *["lanes"] * 3, *["due", "after"] * 2]
"""What is wished for more often is named more often."""

WISHES = st.lists(st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), FIELDS[name])), max_size=3).map(
    dict
)
"""A run to add. ``after`` and ``parent`` name runs added so many before or after this one, which may never come."""

CLAIMS = st.builds(
    Claim,
    worker=st.sampled_from(WORKERS),
    limit=st.integers(1, 5).map(lambda n: 6 - n),
    lease=st.sampled_from((40, 10)),
    queues=st.sampled_from(((), (), ("default", *QUEUES), ("mail",), ("video", "default"))),
    labels=st.sampled_from(((), ("eu", "gpu"), ("gpu",))),
    targets=st.sampled_from(((), (), WORKERS)),
)

CHANGES = st.one_of(
    st.sampled_from((Change(cancel="by hand"), Change(revive=True), Change(priority=3), Change(priority=9))),
    st.just(Change(revive=True, priority=7, cancel="on second thoughts")),
    st.just(Change(lines=tuple(Line(at=n, level="info", text=f"from elsewhere {n}", n=n) for n in (1, 2, 3)))),
    MOMENTS,
)
"""A change, or, as a number, a new due time seen from now."""

BOUNDS = st.sampled_from(
    (
        {"running": 1},
        {"running": 2},
        {"starts": 1, "per": 20},
        {"starts": 2, "per": 60},
        {"running": 2, "starts": 2, "per": 20},
        {"paused": Pause(at=0)},
        {},
        None,
    )
)
"""What a limit allows; None drops it."""

ENDINGS = st.one_of(
    st.sampled_from([{"state": state} for state in OVER]),
    st.just({"state": State.FAILED, "failed": True, "error": Failure(kind="E", message="m")}),
    st.builds(lambda due: {"state": State.PENDING, "due": due}, MOMENTS),
    st.fixed_dictionaries(
        {"state": st.just(State.PENDING), "due": MOMENTS},
        optional={
            "outcome": st.sampled_from((Outcome.FAILED, Outcome.SNOOZED)),
            "failed": st.just(True),
            "spawn": st.integers(1, 2),
            "wait": st.lists(st.integers(-2, 3), min_size=1, max_size=2),
            "reason": st.just("later"),
        },
    ),
)
"""How a claim ends. ``wait`` names runs seen from the first spawned one."""


def _query(fields: dict[str, Any]) -> Query:
    return Query(**fields)


QUERIES = st.fixed_dictionaries(
    {"limit": st.integers(1, 9), "oldest_first": st.booleans()},
    optional={
        "states": st.sampled_from(((State.PENDING,), (State.RUNNING, State.SUCCEEDED))),
        "jobs": st.just(("job",)),
        "schedules": st.just(("s1",)),
        "queues": st.just(("mail",)),
        "workers": st.just(("w1",)),
        "parents": st.just(("r003", "r004")),
        "tags": st.sampled_from((("x",), ("x", "y"))),
        "meta": st.sampled_from(({"n": 1}, {"n": "1"}, {"deep.er": True}, {"deep.er": [1]})),
        "since": st.integers(0, 200),
        "until": st.integers(0, 200),
    },
).map(_query)

TALLIES = ("state", "job", "schedule", "queue", "worker", "parent", "tag", "meta.n", "meta.deep", "meta.deep.er")


def named(number: int) -> str:
    """The id of the n-th run: short, and in no order that follows the numbers."""
    return f"r{number * 37 % 1000:03}"


def wished(wish: dict[str, Any], number: int, now: int) -> Run:
    """The run that a wish stands for, as the n-th one added."""
    fields = dict(wish)
    run = Run(id=named(number), job="job", created_at=now, due_at=max(0, now + fields.pop("due", 0)))
    if fields.pop("over", False):
        run = replace(run, state=State.SKIPPED, reason="missed", finished_at=now)
    after = tuple(named(number + step) for step in fields.pop("after", ()) if number + step > 0)
    unique = wanted(fields.pop("unique", None), now)
    parent = named(number + fields.pop("parent")) if "parent" in fields else None
    return replace(run, **fields, after=after, unique=unique, parent=parent)


def wanted(words: str | None, now: int) -> Unique | None:
    """The key that these words want: its name, the clash, the hold, and for how long."""
    if words is None:
        return None
    key, clash, hold, *length = words.split()
    until = now + int(length[0]) if length else None
    return Unique(key=key, clash=Clash(clash), hold=Hold(hold), until=until)


def limited(lane: str, bounds: dict[str, Any]) -> Limit:
    """The limit that these bounds make of a lane."""
    return Limit(id=lane, **bounds)
