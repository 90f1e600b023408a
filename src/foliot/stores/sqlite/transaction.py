"""What a verb works on: the connection, the limits that stand, the hints to give once it is committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from foliot.model import Hint, Limit, Topic

_limit = msgspec.json.Decoder(Limit).decode


class Transaction:
    """The writer's connection, while it is inside a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._hints: list[Hint] = []
        self._limits: dict[str, Limit] = {}
        self._limits_as_of = -1

    def hint(self, topic: Topic, at: int | None = None) -> None:
        """Tell who watches, when this is committed."""
        self._hints.append(Hint(topic=topic, at=at))

    def take_hints(self) -> list[Hint]:
        """The hints of the verb that is done."""
        hints, self._hints = self._hints, []
        return hints

    def forget(self) -> None:
        """Something was rolled back: what is remembered of it may not be so."""
        self._hints = []
        self._limits_as_of = -1

    @property
    def limits(self) -> Mapping[str, Limit]:
        """The limits that stand, by id; read again only when they have changed."""
        [[version]] = self.db.execute("SELECT coalesce(max(n), 0) FROM counters WHERE name = 'limits'")
        if version != self._limits_as_of:
            rows = self.db.execute("SELECT id, body FROM limits").fetchall()
            self._limits = {name: _limit(body) for name, body in rows}
            self._limits_as_of = version
        return self._limits

    @property
    def longest_window(self) -> int:
        """The longest ``per`` of these limits: starts from before it no longer count anywhere."""
        return max((limit.per or 0 for limit in self._limits.values()), default=0)

    def limits_changed(self) -> None:
        """Make everybody read the limits again."""
        self.db.execute("INSERT INTO counters VALUES ('limits', 1) ON CONFLICT DO UPDATE SET n = n + 1")
