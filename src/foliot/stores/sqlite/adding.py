"""Adding runs: known ids are known, unique keys clash, and who waits is counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from foliot.model import LIVE, Added, Clash, Fate, Run, State, Topic, Unique
from foliot.stores.moves import arrived, cancelled, renewed, settled, skipped
from foliot.stores.sqlite.alike import add_alike
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.lanes import unparked
from foliot.stores.sqlite.releasing import release, take_keys, wait_for, wait_for_nothing
from foliot.stores.sqlite.rows import (
    CHANGED,
    FRESH,
    PLAIN,
    SETTLED,
    WHOLE,
    enter,
    is_fresh,
    is_plain,
    load,
    save,
)
from foliot.stores.sqlite.terms import index
from foliot.stores.sqlite.transaction import Transaction


def add(tx: Transaction, runs: Sequence[Run], now: int) -> list[Added]:
    """Add runs, one after the other; then those that come after others wait for what is not over."""
    if (alike := add_alike(tx, runs, now)) is not None:
        return alike
    adding = _Adding(tx.db, runs, now)
    answers = [adding.add(run) for run in runs]
    adding.write(tx)
    return answers


class _Holder(NamedTuple):
    """Who holds a key, and until when, if that was said."""

    run: str
    until: int | None

    def holds(self, now: int) -> bool:
        return self.until is None or self.until > now


class _Adding:
    """The runs of one call, before they are written."""

    def __init__(self, db: sqlite3.Connection, runs: Sequence[Run], now: int) -> None:
        self._db, self._now = db, now
        unique = [(run.id, run.unique) for run in runs if run.unique is not None]
        self._known = _known(db, [run.id for run in runs])
        self._holders = _holders(db, [key.key for _, key in unique]) if unique else {}
        self._standing = self._load_holders(unique)
        self._new: dict[str, Run] = {}
        self._changed: dict[str, Run] = {}
        self._taken: dict[str, _Holder] = {}

    def _load_holders(self, unique: Iterable[tuple[str, Unique]]) -> dict[str, Run]:
        """The runs that hold the keys of those that would change them."""
        bold = (Clash.REPLACE, Clash.RENEW)
        names = [self._holders[key.key].run for _, key in unique if key.clash in bold and key.key in self._holders]
        return load(self._db, names) if names else {}

    def add(self, run: Run) -> Added:
        """What becomes of this run, after those before it."""
        if run.id in self._known:
            return Added(id=run.id, fate=Fate.KNOWN)
        if run.unique is not None and run.state in LIVE:
            return self._add_unique(run, run.unique)
        if run.unique is not None:
            self._keep_key(run.id, run.unique)
        return self._accept(arrived(run, self._now))

    def _keep_key(self, name: str, unique: Unique) -> None:
        """A run that is over when added holds its key to the instant that was said, if nobody else does."""
        holder, own = self._holders.get(unique.key), _Holder(name, unique.until)
        if own.until is not None and own.holds(self._now) and (holder is None or not holder.holds(self._now)):
            self._holders[unique.key] = self._taken[unique.key] = own

    def _accept(self, run: Run, fate: Fate = Fate.ADDED) -> Added:
        self._new[run.id] = run
        self._known.add(run.id)
        return Added(id=run.id, fate=fate)

    def _add_unique(self, run: Run, unique: Unique) -> Added:
        holder = self._holders.get(unique.key)
        if holder is None or not holder.holds(self._now):
            return self._take(run, unique)
        standing = self._new.get(holder.run) or self._changed.get(holder.run) or self._standing.get(holder.run)
        match unique.clash:
            case Clash.DROP:
                return Added(id=holder.run, fate=Fate.DROPPED)
            case Clash.SKIP:
                reason = f"overlap with {holder.run}"
                return self._accept(skipped(arrived(run, self._now), reason, self._now), Fate.SKIPPED)
            case Clash.REPLACE:
                if standing is not None:
                    self._keep(cancelled(standing, f"replaced by {run.id}", self._now))
                return self._take(run, unique)
            case Clash.RENEW:
                if standing is None or standing.token or standing.state.over:
                    return self._take(run, unique)
                self._keep(renewed(standing, run))
                return Added(id=holder.run, fate=Fate.RENEWED)

    def _take(self, run: Run, unique: Unique) -> Added:
        self._holders[unique.key] = self._taken[unique.key] = _Holder(run.id, unique.until)
        return self._accept(arrived(run, self._now))

    def _keep(self, run: Run) -> None:
        (self._new if run.id in self._new else self._changed)[run.id] = run

    def write(self, tx: Transaction) -> None:
        """Write what was added and whom it changed, and let those wait that come after others."""
        added = list(self._new.values())
        self._enter(added)
        index(self._db, added)
        take_keys(self._db, self._taken, self._now)
        if self._changed:
            self._write_changed(tx)
        self._wait([run for run in added if run.after and run.state is State.PENDING])
        self._hint(tx)

    def _enter(self, runs: Sequence[Run]) -> None:
        """A row for each, with no more columns than it has something to say in."""
        fresh = [run for run in runs if is_fresh(run)]
        plain = [run for run in fresh if is_plain(run)]
        enter(self._db, plain, PLAIN)
        if len(plain) < len(fresh):
            enter(self._db, [run for run in fresh if not is_plain(run)], FRESH)
        if len(fresh) < len(runs):
            enter(self._db, [run for run in runs if not is_fresh(run)], WHOLE)

    def _write_changed(self, tx: Transaction) -> None:
        before = [self._standing[name] for name in self._changed]
        ended = [run.id for run in before if not run.state.over and self._changed[run.id].state.over]
        save(self._db, self._changed.values(), CHANGED)
        unparked(tx, [run.parked for run in before])
        wait_for_nothing(self._db, ended)
        release(tx, ended)

    def _wait(self, runs: Sequence[Run]) -> None:
        """By now, whoever they come after is known, whichever came first."""
        save(self._db, [settled(run, wait_for(self._db, run.id, run.after)) for run in runs], SETTLED)

    def _hint(self, tx: Transaction) -> None:
        changed = self._changed.values()
        instants = [run.due_at for run in (*self._new.values(), *changed) if run.state is State.PENDING]
        if instants:
            tx.hint(Topic.RUNS, min(instants))
        if any(run.cancelling is not None for run in changed):
            tx.hint(Topic.CANCELS)


def _known(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    return {name for [name] in db.execute(f"SELECT id FROM runs WHERE id IN {THESE}", (listed(ids),)).fetchall()}


def _holders(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, _Holder]:
    rows = db.execute(f"SELECT key, run, until FROM keys WHERE key IN {THESE}", (listed(keys),)).fetchall()
    return {key: _Holder(run, until) for key, run, until in rows}
