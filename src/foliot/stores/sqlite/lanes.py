"""Lanes kept in tables: who holds a place, who started when, who is parked, and when to look again.

A row of ``lanes`` counts the running runs of a lane that some limit limits; other lanes cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from foliot.model import AGEING, Limit, Run, State, family
from foliot.stores.base import PARKS
from foliot.stores.lanes import lanes_of, limit_of, opens_at, rate, room
from foliot.stores.sqlite.bulk import THESE, insert, listed
from foliot.stores.sqlite.rows import COLUMNS, run_of
from foliot.stores.sqlite.transaction import Transaction


@dataclass(slots=True)
class _Lane:
    """What is known of a limited lane, and what this verb changes in it."""

    name: str
    limit: Limit
    running: int
    started: int
    starts: int = 0
    left: bool = False

    def room(self) -> int:
        """How many more may start in it."""
        return room(self.limit, self.running, self.started + self.starts)


class Lanes:
    """The limited lanes as one verb meets them. ``write`` keeps what has changed."""

    def __init__(self, tx: Transaction, now: int) -> None:
        self._tx, self._db, self._limits, self._now = tx, tx.db, tx.limits, now
        self._lanes: dict[str, _Lane] = {}
        self._ways: dict[_Way, Sequence[_Lane]] = {}
        self._parked: set[str] = set()

    @property
    def any_limited(self) -> bool:
        """Whether there are limits at all; without them, all lanes have room for all."""
        return bool(self._limits)

    def meet(self, runs: Iterable[Run]) -> None:
        """Learn how the limited lanes of these runs stand."""
        ways = {way: lanes_of(run) for run in runs if (way := _way(run)) not in self._ways}
        self._learn({name for names in ways.values() for name in names} - self._lanes.keys())
        for way, names in ways.items():
            self._ways[way] = [self._lanes[name] for name in names if name in self._lanes]

    def admit(self, run: Run) -> str | None:
        """Let this due run start; where a lane is full, tell the first such, before which it is parked."""
        lanes = self._ways[_way(run)]
        if run.state is State.RUNNING:
            _leave(lanes)
        for lane in lanes:
            if not lane.room():
                self._parked.add(lane.name)
                return lane.name
        _enter(lanes)
        return None

    def leave(self, runs: Sequence[Run]) -> None:
        """These give back the places that they hold."""
        self.meet(runs)
        for run in runs:
            _leave(self._ways[_way(run)])

    def write(self) -> bool:
        """Keep the places and starts; tells whether somebody left a lane before which runs are parked."""
        changed = [lane for lane in self._lanes.values() if lane.left or lane.starts]
        places = [(lane.name, lane.running) for lane in changed]
        insert(self._db, "lanes", ("lane", "busy"), places, "ON CONFLICT DO UPDATE SET busy = excluded.busy")
        self._write_starts([lane for lane in changed if lane.starts and rate(lane.limit)])
        looks = [(name, self._now) for name in self._parked]
        insert(self._db, "lanes", ("lane", "look_at"), looks, f"ON CONFLICT DO UPDATE SET {_SOONER}")
        return self._look_at_left([lane.name for lane in changed if lane.left])

    def wake(self) -> list[Run]:
        """Look at each lane whose instant has come, in order of name; wake as many as it has room for."""
        due = sorted(self._db.execute(_TO_LOOK_AT, (self._now,)).fetchall())
        return [run for lane, running in due for run in self._wake_in(lane, running)]

    def next_look(self) -> int | None:
        """The earliest instant at which to look at a lane."""
        [[instant]] = self._db.execute(_NEXT_LOOK)
        return instant

    # places and starts

    def _learn(self, names: Iterable[str]) -> None:
        limited = {name: limit for name in names if (limit := limit_of(name, self._limits)) is not None}
        running = self._running(limited) if limited else {}
        for name, limit in limited.items():
            self._lanes[name] = _Lane(name, limit, running.get(name, 0), self._started(name, limit))

    def _running(self, names: Iterable[str]) -> dict[str, int]:
        rows = self._db.execute(f"SELECT lane, busy FROM lanes WHERE lane IN {THESE}", (listed(names),))
        return dict(rows.fetchall())

    def _started(self, name: str, limit: Limit | None) -> int:
        if (allowed := rate(limit)) is None:
            return 0
        since = self._now - allowed[1]
        rows = self._db.execute("SELECT coalesce(sum(n), 0) FROM starts WHERE lane = ? AND at > ?", (name, since))
        [[started]] = rows.fetchall()
        return started

    def _write_starts(self, lanes: Sequence[_Lane]) -> None:
        if lanes:
            self._db.execute("DELETE FROM starts WHERE at <= ?", (self._now - self._tx.longest_window,))
            rows = [(lane.name, self._now, lane.starts) for lane in lanes]
            insert(self._db, "starts", ("lane", "at", "n"), rows, "ON CONFLICT DO UPDATE SET n = n + excluded.n")

    # parking and waking

    def _look_at_left(self, names: Sequence[str]) -> bool:
        """Look again at those before which runs are parked; those that nobody needs are forgotten."""
        if not names:
            return False
        looks = self._db.execute(_LOOK_AT_LEFT, {"now": self._now, "these": listed(names)}).rowcount
        self._db.execute(f"{_UNUSED} AND lane IN {THESE}", (listed(names),))
        return looks > 0

    def _wake_in(self, lane: str, running: int) -> Sequence[Run]:
        limit = limit_of(lane, self._limits)
        free = min(PARKS, room(limit, running, self._started(lane, limit)))
        rows = self._db.execute(_WAKE, (lane, free)).fetchall() if free else ()
        look_at = self._look_at(lane, limit, running, free)
        self._db.execute("UPDATE lanes SET look_at = ? WHERE lane = ?", (look_at, lane))
        self._db.execute(f"{_UNUSED} AND lane = ?", (lane,))
        return [run_of(row) for row in rows]

    def _look_at(self, lane: str, limit: Limit | None, running: int, free: int) -> int | None:
        if not self._db.execute("SELECT 1 FROM runs WHERE parked = ? LIMIT 1", (lane,)).fetchall():
            return None
        return self._now if free else opens_at(limit, running, self._oldest_start(lane, limit))

    def _oldest_start(self, lane: str, limit: Limit | None) -> int | None:
        """The start whose leaving makes room: the ``starts``-th newest."""
        allowed = rate(limit)
        if allowed is None or allowed[0] <= 0:
            return None
        counted = 0
        newest = self._db.execute("SELECT at, n FROM starts WHERE lane = ? ORDER BY at DESC", (lane,)).fetchall()
        for at, n in newest:
            counted += n
            if counted >= allowed[0]:
                return at
        return None


_Way = tuple[str, str, tuple[str, ...]]
"""What says in which lanes a run takes a place. Most runs of a batch go the same way."""


def _way(run: Run) -> _Way:
    return run.queue, run.job, run.lanes


def _enter(lanes: Iterable[_Lane]) -> None:
    for lane in lanes:
        lane.running += 1
        lane.starts += 1


def _leave(lanes: Iterable[_Lane]) -> None:
    for lane in lanes:
        lane.running -= 1
        lane.left = True


_SOONER = "look_at = min(coalesce(look_at, excluded.look_at), excluded.look_at)"

_TO_LOOK_AT = "SELECT lane, busy FROM lanes INDEXED BY lanes_look WHERE look_at <= ?"
_NEXT_LOOK = "SELECT min(look_at) FROM lanes INDEXED BY lanes_look WHERE look_at IS NOT NULL"

_LOOK_AT_LEFT = (
    "UPDATE lanes SET look_at = min(coalesce(look_at, :now), :now)"
    " WHERE lane IN (SELECT value FROM json_each(:these)) AND EXISTS (SELECT 1 FROM runs WHERE parked = lane)"
)

_UNUSED = "DELETE FROM lanes WHERE busy = 0 AND look_at IS NULL"

_WAKE = f"""
UPDATE runs SET parked = NULL, wakes_at = due_at WHERE id IN (
  SELECT id FROM runs WHERE parked = ? ORDER BY due_at - priority * {AGEING}, id LIMIT ?
) RETURNING {COLUMNS}
"""


# When limits change


def limit_changed(tx: Transaction, name: str, before: Limit | None, after: Limit | None) -> None:
    """Forget starts that were counted otherwise, and look again at the lanes that this limit is for."""
    if before is None or after is None or (before.starts, before.per) != (after.starts, after.per):
        tx.db.execute(f"DELETE FROM starts WHERE {_within('lane')}", _bounds(name))
    tx.db.execute(
        "INSERT INTO lanes (lane, look_at) SELECT DISTINCT parked, 0 FROM runs"
        f" WHERE parked IS NOT NULL AND ({_within('parked')}) ON CONFLICT DO UPDATE SET look_at = 0",
        _bounds(name),
    )


def recount(tx: Transaction, names: Sequence[str]) -> None:
    """Count anew who runs in the lanes that these limits are for."""
    limits: Mapping[str, Limit] = tx.limits
    places: Counter[str] = Counter()
    for row in tx.db.execute(_RUNNING).fetchall():
        places.update(lane for lane in lanes_of(run_of(row)) if limit_of(lane, limits))
    for name in names:
        tx.db.execute(f"UPDATE lanes SET busy = 0 WHERE {_within('lane')}", _bounds(name))
    counted = [(lane, n) for lane, n in places.items() if lane in names or family(lane) in names]
    insert(tx.db, "lanes", ("lane", "busy"), counted, "ON CONFLICT DO UPDATE SET busy = excluded.busy")
    for name in names:
        tx.db.execute(f"{_UNUSED} AND ({_within('lane')})", _bounds(name))


def unparked(tx: Transaction, lanes: Iterable[str | None]) -> None:
    """Some runs no longer wait before these lanes: one before which nobody waits need not be looked at."""
    for lane in {lane for lane in lanes if lane is not None}:
        tx.db.execute(_NEED_NOT_LOOK, (lane,))


_RUNNING = f"SELECT {COLUMNS} FROM runs INDEXED BY runs_state WHERE state = 'running' AND state <> 'succeeded'"

_NEED_NOT_LOOK = """
UPDATE lanes SET look_at = NULL WHERE lane = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE parked = lane)
"""


def _within(column: str) -> str:
    return f"{column} = ? OR ({column} >= ? AND {column} < ?)"


def _bounds(name: str) -> tuple[str, str, str]:
    """A lane, and from where to where its family goes; nowhere for a lane that is itself of a family."""
    return (name, "", "") if "#" in name else (name, f"{name}#", f"{name}$")
