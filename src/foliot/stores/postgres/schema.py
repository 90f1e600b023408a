"""How the schema came to be: numbered steps, each applied once, by whichever node comes first."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple


class Migration(NamedTuple):
    """One step from an older schema to a newer one. Once released it is never edited: databases remember it.

    It only adds, so that nodes of the version before keep working while it is applied and after.
    """

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells an edited step from the one that a database was made with."""
        return sha256(self.sql.encode()).hexdigest()[:16]


def _text(*names: str) -> str:
    home = files("foliot.stores.postgres") / "sql"
    return "\n".join((home / f"{name}.sql").read_text("utf-8") for name in names)


FIRST = Migration(
    "runs, schedules and what they need",
    _text("tables", "common", "lanes", "adding", "claiming", "finishing", "keeping", "verbs"),
)

CHILDREN = Migration("children as cheap as any run", _text("children", "releasing", "stepping"))
"""Nodes of the version before work on, but look through all runs for the children of one."""

MIGRATIONS: tuple[Migration, ...] = (FIRST, CHILDREN)

_KEPT = """CREATE TABLE IF NOT EXISTS migrations (
  number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
);"""


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def script(namespace: str, migrations: Sequence[Migration] = MIGRATIONS) -> str:
    """The SQL that brings a schema up to date: one transaction, for one node at a time, each step unless it is done."""
    steps = [_unless_done(number, each) for number, each in enumerate(migrations, 1)]
    return "\n\n".join(["BEGIN;", *_preparation(namespace), *steps, "COMMIT;"]) + "\n"


def _preparation(namespace: str) -> list[str]:
    """What comes before the steps: the lock that lets one node migrate at a time, and the place for the tables."""
    return [
        f"SELECT pg_advisory_xact_lock(hashtextextended({literal(namespace)}, 0));",
        f"CREATE SCHEMA IF NOT EXISTS {quoted(namespace)};",
        f"SET LOCAL search_path = {quoted(namespace)}, pg_temp;",
        _KEPT,
    ]


def _unless_done(number: int, step: Migration) -> str:
    """A step as one statement that looks first whether it is needed."""
    kept = f"INSERT INTO migrations (number, name, checksum) VALUES ({number}, {literal(step.name)}, '{step.checksum}')"
    return f"""DO $step$
BEGIN
  IF EXISTS (SELECT FROM migrations WHERE number = {number}) THEN
    RETURN;
  END IF;

{step.sql.strip()}

{kept};
END $step$;"""
