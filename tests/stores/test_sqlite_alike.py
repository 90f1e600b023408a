"""Many runs that are alike go in by one statement, and nobody can tell afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from foliot.model import Fate, Query, Run
from foliot.stores.memory import MemoryStore
from foliot.stores.sqlite import SQLiteStore
from foliot.stores.sqlite.alike import FEWEST
from foliot.testing.exam.scene import a_run

MANY = 3 * FEWEST
NAMES = [
    'a "quoted" one',
    "a \\ and a \n",
    "\u00fc\u4e2d\U0001f600",
    "5",
    "null",
    *(f"run-{n:03}" for n in range(MANY)),
]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "jobs.db")
    await store.open()
    yield store
    await store.close()


def alike(names: Sequence[str], **said: object) -> list[Run]:
    return [
        a_run(name, wakes_at=0, args=f'{{"n":{n},"text":"\\u0000 \\" \u00fc"}}', **said) for n, name in enumerate(names)
    ]


def one_differs() -> list[Run]:
    *rest, last = alike(NAMES)
    return [*rest, replace(last, tags=("other",))]


def of_a_parent() -> list[Run]:
    return alike([name for name in NAMES if "\\" not in name], parent="whole")


def one_twice() -> list[Run]:
    return alike([*NAMES[5:], NAMES[-1]])


@pytest.mark.parametrize("runs", [alike(NAMES), alike(NAMES[5:]), of_a_parent(), one_differs(), one_twice()])
async def test_what_is_added_at_once_is_what_any_store_has_then(store: SQLiteStore, runs: list[Run]) -> None:
    memory = MemoryStore()

    answers = [await each.add(runs, 5) for each in (store, memory)]

    assert answers[0] == answers[1]
    found = [(await each.find(Query(limit=2 * MANY))).runs for each in (store, memory)]
    assert found[0] == found[1]


async def test_those_that_were_there_before_are_known_and_stay_as_they_are(store: SQLiteStore) -> None:
    before, runs = alike(NAMES[10:12]), alike(NAMES[5:])
    await store.add(before, 5)

    fates = {each.id: each.fate for each in await store.add(runs, 5)}

    assert [name for name, fate in fates.items() if fate is Fate.KNOWN] == NAMES[10:12]
    assert (await store.find(Query(ids=tuple(NAMES[10:12]), oldest_first=True))).runs == tuple(before)
