"""Nodes of the version before go on when a newer one has brought the schema up to date, and work beside it.

They differ in how they add, claim and turn; beats, firings and all else are the same calls of both.
"""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.stores.postgres import Home, PlacedStore

from foliot.model import Added, Fate, Run
from foliot.stores.memory import MemoryStore
from foliot.stores.postgres import wire
from foliot.stores.postgres.statements import _ENDINGS
from foliot.testing.hours import MORNING, store_machine

WISH = 8
"""How many values say what is claimed, and when."""


class EveryOtherStore(PlacedStore):
    """Every other call is made as a node of the version before made it: by the functions of the first migration."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._is_older = cycle((True, False))

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        if not any(run.parent for run in runs):
            return await super().add(runs, now)
        [[ids, fates]] = await self._ask(self._sql["add"], wire.runs_text(runs), now, self._name)
        fates, ids = fates or ["added"] * len(runs), ids or [run.id for run in runs]
        return [Added(id=id, fate=Fate(fate)) for id, fate in zip(ids, fates, strict=True)]

    async def _ask(self, sql: str, *values: Any, **how: Any) -> Sequence[Any]:
        verb = next((verb for verb in older if sql == self._sql[verb]), None)
        if verb is None or not next(self._is_older):
            return await super()._ask(sql, *values, **how)
        return await older[verb](self, super()._ask, values)


def called(store: EveryOtherStore, function: str, given: Sequence[str]) -> str:
    """A call of a function with values of these kinds."""
    places = ", ".join(f"${n}{kind}" for n, kind in enumerate(given, 1))
    return f"SELECT * FROM {store.address.namespace}.{function}({places})"


def kinds(call: str) -> list[str]:
    """What each value of a call is cast to."""
    return [each.partition("%s")[2] for each in call.split(", ")]


BIGINTS, SMALLINTS = "::text[]::bigint[]", "::text[]::smallint[]"
ENDINGS = kinds(_ENDINGS)
A_WISH = [""] * WISH


async def older_add(store: EveryOtherStore, ask: Any, values: Sequence[Any]) -> Sequence[Any]:
    columns, (_, *rest) = values[:7], values[7:]
    sql = called(store, "add_plain", ["", "", "", "", SMALLINTS, BIGINTS, BIGINTS, "", "", ""])
    return await ask(sql, *columns, *rest)


async def older_claim(store: EveryOtherStore, ask: Any, values: Sequence[Any]) -> Sequence[Any]:
    return with_parents(await ask(called(store, "claim", A_WISH), *values))


async def older_turn(store: EveryOtherStore, ask: Any, values: Sequence[Any]) -> Sequence[Any]:
    wish, now, endings = values[: WISH - 1], values[WISH - 1], values[WISH:-1]
    return with_parents(await ask(called(store, "turn", [*ENDINGS, *A_WISH]), *endings, *wish, now))


def with_parents(rows: Sequence[Any]) -> list[Any]:
    """Rows of ``claimed`` as ``claimed_2`` has them: who has a parent was told as JSON."""
    return [(*row[:10], None, *row[10:]) for row in rows]


older = {"add plain": older_add, "claim": older_claim, "turn": older_turn}


@pytest.mark.untraced
def test_older_nodes_and_newer_ones_do_the_same_on_one_schema(postgres_server: str):
    Home.url = postgres_server
    machine = store_machine(lambda _: MemoryStore(), EveryOtherStore, durable=True)

    run_state_machine_as_test(machine, settings=settings(MORNING, max_examples=3))
