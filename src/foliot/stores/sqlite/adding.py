"""Adding runs: known ids are known, unique keys clash, and who waits is counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from foliot.model import LIVE, Added, Clash, Fate, Run, State, Topic, Unique
from foliot.stores.moves import arrived, cancelled, renewed, settled, skipped
from foliot.stores.sqlite.lanes import unparked
from foliot.stores.sqlite.releasing import release, wait_for, wait_for_nothing
from foliot.stores.sqlite.rows import FRESH, WHOLE, insert, is_fresh, json_list, load, save
from foliot.stores.sqlite.terms import index
from foliot.stores.sqlite.transaction import Transaction


def add(tx: Transaction, runs: Sequence[Run], now: int) -> list[Added]:
    """Add runs, one after the other; then those that come after others wait for what is not over."""
    adding = _Adding(tx.db, now)
    known = _known(tx.db, runs)
    answers = [adding.add(run, known) for run in runs]
    adding.write(tx)
    return answers


class _Adding:
    """The runs of one call, before they are written."""

    def __init__(self, db: sqlite3.Connection, now: int) -> None:
        self._db, self._now = db, now
        self._new: dict[str, Run] = {}
        self._changed: dict[str, Run] = {}
        self._ended: list[str] = []
        self._left: list[str | None] = []

    def add(self, run: Run, known: set[str]) -> Added:
        if run.id in known:
            return Added(id=run.id, fate=Fate.KNOWN)
        if run.unique is not None and run.state in LIVE:
            return self._add_unique(run, run.unique, known)
        return self._accept(arrived(run, self._now), known)

    def write(self, tx: Transaction) -> None:
        save(self._db, list(self._changed.values()))
        fresh = [run for run in self._new.values() if is_fresh(run)]
        insert(self._db, fresh, FRESH)
        if len(fresh) < len(self._new):
            insert(self._db, [run for run in self._new.values() if not is_fresh(run)], WHOLE)
        index(self._db, self._new.values())
        unparked(self._db, self._left)
        self._wait()
        wait_for_nothing(self._db, self._ended)
        release(tx, self._ended)
        self._hint(tx)

    def _accept(self, run: Run, known: set[str], fate: Fate = Fate.ADDED) -> Added:
        self._new[run.id] = run
        known.add(run.id)
        return Added(id=run.id, fate=fate)

    def _add_unique(self, run: Run, unique: Unique, known: set[str]) -> Added:
        holder = self._holder(unique.key)
        if holder is None:
            return self._take(run, unique, known)
        name, standing = holder
        match unique.clash:
            case Clash.DROP:
                return Added(id=name, fate=Fate.DROPPED)
            case Clash.SKIP:
                over = skipped(arrived(run, self._now), f"overlap with {name}", self._now)
                return self._accept(over, known, Fate.SKIPPED)
            case Clash.REPLACE:
                if standing is not None:
                    self._replace(standing, run)
                return self._take(run, unique, known)
            case Clash.RENEW:
                if standing is None or standing.token or standing.state.over:
                    return self._take(run, unique, known)
                self._left.append(standing.parked)
                self._keep(renewed(standing, run))
                return Added(id=name, fate=Fate.RENEWED)

    def _holder(self, key: str) -> tuple[str, Run | None] | None:
        """Who holds this key now, and the run of that name if there still is one."""
        row = self._db.execute("SELECT run, until FROM keys WHERE key = ?", (key,)).fetchone()
        if row is None or (row[1] is not None and row[1] <= self._now):
            return None
        name = row[0]
        run = self._new.get(name) or self._changed.get(name) or load(self._db, [name]).get(name)
        return name, run

    def _take(self, run: Run, unique: Unique, known: set[str]) -> Added:
        self._db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", (unique.key, run.id, unique.until))
        return self._accept(arrived(run, self._now), known)

    def _replace(self, holder: Run, run: Run) -> None:
        after = cancelled(holder, f"replaced by {run.id}", self._now)
        self._keep(after)
        self._left.append(holder.parked)
        if after.state.over and not holder.state.over:
            self._ended.append(after.id)

    def _keep(self, run: Run) -> None:
        (self._new if run.id in self._new else self._changed)[run.id] = run

    def _wait(self) -> None:
        """Those that come after others, known by now whichever came first, wait for what is not over."""
        waiting = [run for run in self._new.values() if run.after and run.state is State.PENDING]
        if waiting:
            save(self._db, [settled(run, wait_for(self._db, run.id, run.after)) for run in waiting])

    def _hint(self, tx: Transaction) -> None:
        instants = [
            run.due_at for run in (*self._new.values(), *self._changed.values()) if run.state is State.PENDING
        ]
        if instants:
            tx.hint(Topic.RUNS, min(instants))
        if any(run.cancelling is not None for run in self._changed.values()):
            tx.hint(Topic.CANCELS)


def _known(db: sqlite3.Connection, runs: Iterable[Run]) -> set[str]:
    rows = db.execute(
        "SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(run.id for run in runs),),
    )
    return {name for [name] in rows.fetchall()}
