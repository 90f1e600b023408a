"""Lanes kept in tables: who holds a place, who started when, who is parked, and when to look again.

A row of ``lanes`` counts the running runs of a lane that some limit limits; other lanes cost nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from foliot.model import AGEING, Limit, Run, family
from foliot.stores.base import PARKS
from foliot.stores.lanes import lanes_of, limit_of, opens_at, rate, room
from foliot.stores.sqlite.rows import COLUMNS, run_of

_RUNNING = (
    f"SELECT {COLUMNS} FROM runs INDEXED BY runs_state WHERE state = 'running' AND state <> 'succeeded'"
)


@dataclass
class _Lane:
    """What is known of a limited lane, and what this verb changes in it."""

    limit: Limit
    running: int
    started: int
    came: int = 0
    left: int = 0
    starts: int = 0

    def room(self) -> int:
        """How many more may start in it."""
        return room(self.limit, self.running + self.came - self.left, self.started + self.starts)


class Lanes:
    """The limited lanes as one verb meets them. ``write`` keeps what has changed."""

    def __init__(self, db: sqlite3.Connection, limits: Mapping[str, Limit], now: int) -> None:
        self._db, self._limits, self._now = db, limits, now
        self._lanes: dict[str, _Lane | None] = {}
        self._parked: set[str] = set()

    @property
    def any_limited(self) -> bool:
        """Whether there are limits at all; without them, all lanes have room for all."""
        return bool(self._limits)

    def first_full(self, run: Run) -> str | None:
        """The first of its lanes that has no room."""
        return next((name for name, lane in self._limited(run) if not lane.room()), None)

    def enter(self, run: Run) -> None:
        """It starts: it takes a place in each of its lanes."""
        for _, lane in self._limited(run):
            lane.came += 1
            lane.starts += 1

    def leave(self, run: Run) -> None:
        """It gives back the places that it holds."""
        for _, lane in self._limited(run):
            lane.left += 1

    def park(self, lane: str) -> None:
        """A run waits before this lane from now on."""
        self._parked.add(lane)

    def write(self) -> bool:
        """Keep the places and starts; tells whether somebody left a lane before which runs are parked."""
        touched = {name: lane for name, lane in self._lanes.items() if lane and (lane.came or lane.left)}
        for name, lane in touched.items():
            self._write_places(name, lane)
            self._write_starts(name, lane)
        for lane in self._parked:
            self._look_at(lane, self._now)
        woken = [self._look_at_parked(name) for name, lane in touched.items() if lane.left]
        self._lanes.clear()
        self._parked.clear()
        return any(woken)

    def wake(self) -> list[Run]:
        """Look at each lane whose instant has come, in order of name, and wake as many as it has room for."""
        due = self._db.execute(
            "SELECT lane FROM lanes WHERE look_at <= ? ORDER BY lane", (self._now,)
        ).fetchall()
        return [run for [lane] in due for run in self._wake_in(lane)]

    def next_look(self) -> int | None:
        """The earliest instant at which to look at a lane."""
        [[instant]] = self._db.execute("SELECT min(look_at) FROM lanes WHERE look_at IS NOT NULL")
        return instant

    def _limited(self, run: Run) -> Iterable[tuple[str, _Lane]]:
        for name in lanes_of(run):
            if (lane := self._lane(name)) is not None:
                yield name, lane

    def _lane(self, name: str) -> _Lane | None:
        if name not in self._lanes:
            limit = limit_of(name, self._limits)
            self._lanes[name] = None if limit is None else self._read(name, limit)
        return self._lanes[name]

    def _read(self, name: str, limit: Limit) -> _Lane:
        [[running]] = self._db.execute("SELECT coalesce(max(busy), 0) FROM lanes WHERE lane = ?", (name,))
        return _Lane(limit, running, self._started(name, limit))

    def _started(self, name: str, limit: Limit) -> int:
        if (allowed := rate(limit)) is None:
            return 0
        since = self._now - allowed[1]
        [[started]] = self._db.execute(
            "SELECT coalesce(sum(n), 0) FROM starts WHERE lane = ? AND at > ?", (name, since)
        )
        return started

    def _write_places(self, name: str, lane: _Lane) -> None:
        self._db.execute(
            "INSERT INTO lanes (lane, busy) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET busy = busy + ?2",
            (name, lane.came - lane.left),
        )

    def _write_starts(self, name: str, lane: _Lane) -> None:
        if (allowed := rate(lane.limit)) is None or not lane.starts:
            return
        self._db.execute("DELETE FROM starts WHERE lane = ? AND at <= ?", (name, self._now - allowed[1]))
        self._db.execute(
            "INSERT INTO starts VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + ?3",
            (name, self._now, lane.starts),
        )

    def _look_at(self, lane: str, when: int) -> None:
        self._db.execute(
            "INSERT INTO lanes (lane, look_at) VALUES (?1, ?2)"
            " ON CONFLICT DO UPDATE SET look_at = min(coalesce(look_at, ?2), ?2)",
            (lane, when),
        )

    def _look_at_parked(self, lane: str) -> bool:
        """Somebody left: look again, if anybody waits before it; a lane that nobody needs is forgotten."""
        if self._db.execute("SELECT 1 FROM runs WHERE parked = ? LIMIT 1", (lane,)).fetchone():
            self._look_at(lane, self._now)
            return True
        self._db.execute("DELETE FROM lanes WHERE lane = ? AND busy = 0", (lane,))
        return False

    def _wake_in(self, lane: str) -> list[Run]:
        limit = limit_of(lane, self._limits)
        [[running]] = self._db.execute("SELECT busy FROM lanes WHERE lane = ?", (lane,))
        free = room(limit, running, self._started(lane, limit) if limit else 0)
        woken = self._wake_first(lane, min(free, PARKS)) if free else []
        self._db.execute(
            "UPDATE lanes SET look_at = ? WHERE lane = ?",
            (self._next_look_at(lane, limit, running, free), lane),
        )
        self._db.execute("DELETE FROM lanes WHERE lane = ? AND busy = 0 AND look_at IS NULL", (lane,))
        return woken

    def _wake_first(self, lane: str, free: int) -> list[Run]:
        rows = self._db.execute(
            f"UPDATE runs SET parked = NULL, wakes_at = due_at WHERE id IN"
            f" (SELECT id FROM runs WHERE parked = ? ORDER BY due_at - priority * {AGEING}, id LIMIT ?) RETURNING {COLUMNS}",
            (lane, free),
        )
        return [run_of(row) for row in rows.fetchall()]

    def _next_look_at(self, lane: str, limit: Limit | None, running: int, free: int) -> int | None:
        if not self._db.execute("SELECT 1 FROM runs WHERE parked = ? LIMIT 1", (lane,)).fetchone():
            return None
        return self._now if free else opens_at(limit, running, self._oldest_start(lane, limit))

    def _oldest_start(self, lane: str, limit: Limit | None) -> int | None:
        """The start whose leaving makes room: the ``starts``-th newest."""
        if (allowed := rate(limit)) is None or allowed[0] <= 0:
            return None
        counted = 0
        for at, n in self._db.execute(
            "SELECT at, n FROM starts WHERE lane = ? ORDER BY at DESC", (lane,)
        ).fetchall():
            counted += n
            if counted >= allowed[0]:
                return at
        return None


def limit_changed(db: sqlite3.Connection, name: str, before: Limit | None, after: Limit | None) -> None:
    """Forget starts that were counted otherwise, and look again at the lanes that this limit is for."""
    if before is None or after is None or (before.starts, before.per) != (after.starts, after.per):
        db.execute(f"DELETE FROM starts WHERE {_within('lane')}", _bounds(name))
    db.execute(
        f"INSERT INTO lanes (lane, look_at) SELECT DISTINCT parked, 0 FROM runs WHERE parked IS NOT NULL AND ({_within('parked')})"
        " ON CONFLICT DO UPDATE SET look_at = 0",
        _bounds(name),
    )


def recount(db: sqlite3.Connection, limits: Mapping[str, Limit], names: Sequence[str]) -> None:
    """Count anew who runs in the lanes that these limits are for."""
    places: Counter[str] = Counter()
    for row in db.execute(_RUNNING).fetchall():
        places.update(lane for lane in lanes_of(run_of(row)) if limit_of(lane, limits))
    for name in names:
        db.execute(f"UPDATE lanes SET busy = 0 WHERE {_within('lane')}", _bounds(name))
    counted = [(lane, n) for lane, n in places.items() if lane in names or family(lane) in names]
    db.executemany(
        "INSERT INTO lanes (lane, busy) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET busy = ?2", counted
    )
    db.execute("DELETE FROM lanes WHERE busy = 0 AND look_at IS NULL")


def unparked(db: sqlite3.Connection, lanes: Iterable[str | None]) -> None:
    """Some runs no longer wait before these lanes: one before which nobody waits need not be looked at."""
    for lane in {lane for lane in lanes if lane is not None}:
        db.execute(
            "UPDATE lanes SET look_at = NULL WHERE lane = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE parked = ?1)",
            (lane,),
        )


def _within(column: str) -> str:
    return f"{column} = ?1 OR ({column} >= ?2 AND {column} < ?3)"


def _bounds(name: str) -> tuple[str, str, str]:
    """A lane, and from where to where its family goes; nowhere for a lane that is itself of a family."""
    return (name, "", "") if "#" in name else (name, f"{name}#", f"{name}$")
