"""``foliot migrate``: bring a database's schema up to date, or print the SQL for who may."""

from __future__ import annotations

from typing import Annotated

import typer

from foliot.cli.desk import Desk, unopened
from foliot.cli.printing import Answer
from foliot.cli.words import many
from foliot.errors import SettingsError

SqlOption = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of applying it.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "migrate")(migrate)


async def migrate(desk: Desk, *, sql: SqlOption = False) -> Answer:
    """Bring the schema of a PostgreSQL store up to date.

    Stores do this by themselves when they are opened, unless their URL says migrate=no. It is safe from many nodes
    at once, and while older ones work. With --sql it prints what it would do, each step only if it is not done yet.
    """
    from foliot.stores.postgres import PostgresStore

    store = desk.store
    if not isinstance(store, PostgresStore):
        raise SettingsError("only PostgreSQL stores are migrated by hand; give --store postgresql://host/database")
    if sql:
        script = store.script()
        return Answer({"sql": script}, [script.rstrip()])
    applied = await store.migrate()
    return Answer({"applied": applied}, [f"{many(applied, 'step')} applied." if applied else "It is up to date."])
