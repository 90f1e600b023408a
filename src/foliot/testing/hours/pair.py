# pyright: basic
# Hypothesis describes dictionaries of many shapes, which strict typing cannot follow.
"""Two stores that are asked the same and must answer the same."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

import msgspec
from hypothesis import note
from msgspec.structs import replace

from foliot.model import Agenda, Batch, Limit, Query, Run, Schedule, Worker
from foliot.stores.base import Store

T = TypeVar("T")

KINDS: tuple[type[Any], ...] = (Schedule, Limit, Worker)


class Pair:
    """A reference and a subject on one private event loop. What is asked and answered is noted for failing examples.

    A ``twin`` is the subject opened a second time at the same place: both are asked in turn, and are one store.
    """

    def __init__(self, reference: Store, subject: Store, twin: Store | None = None) -> None:
        self._runner = Runner()
        self._reference = reference
        self._subjects = [subject] if twin is None else [subject, twin]

    def open(self) -> None:
        """Open both."""
        for store in (self._reference, *self._subjects):
            self._wait(store.open())

    def close(self) -> None:
        """Close both, and the loop."""
        for store in (self._reference, *self._subjects):
            self._wait(store.close())
        self._runner.close()

    def reopen_subject(self) -> None:
        """Close the subject and open it again: it must not have forgotten anything."""
        note("  the subject is closed and opened again")
        for act in ("close", "open"):
            for store in self._subjects:
                self._wait(getattr(store, act)())

    def ask(self, verb: str, *args: Any, alike: Callable[[Any], Any] = lambda answer: answer) -> Any:
        """Ask both, demand the same answer as far as ``alike`` looks at it, and tell it."""
        note(f"  {verb}({', '.join(brief(arg) for arg in args)})")
        expected, actual = self._both(lambda store: getattr(store, verb)(*args))
        note(f"    {brief(expected)}")
        assert_alike(f"the answer to {verb}", alike(expected), alike(actual))
        return expected

    def everything(self) -> dict[str, Run]:
        """All runs, after demanding that both stores hold the same runs and records."""
        expected, actual = self._both(self._contents)
        for what in expected:
            assert_alike(f"the {what} kept", expected[what], actual[what])
        return expected["runs"]

    def compare_lines(self, runs: Iterable[str]) -> None:
        """Demand that both stores hold the same lines of these runs."""
        for run in sorted(runs):
            expected, actual = self._both(lambda store, name=run: store.lines(name))
            assert_alike(f"the lines of {run}", expected, actual)

    async def _contents(self, store: Store) -> dict[str, Any]:
        kept: dict[str, Any] = {"runs": await self._runs(store)}
        for kind in KINDS:
            kept[f"{kind.__name__} records"] = await store.records(kind)
        return kept

    @staticmethod
    async def _runs(store: Store) -> dict[str, Run]:
        runs: list[Run] = []
        query = Query(limit=20, oldest_first=True)
        while True:
            page = await store.find(query)
            runs += page.runs
            if page.cursor is None:
                return {run.id: run for run in runs}
            query = replace(query, after=page.cursor)

    def _both(self, act: Callable[[Store], Awaitable[T]]) -> tuple[T, T]:
        self._subjects.reverse()

        async def acting() -> tuple[T, T]:
            return await act(self._reference), await act(self._subjects[0])

        return self._wait(acting())

    def _wait(self, act: Coroutine[Any, Any, T]) -> T:
        """As ``Runner.run``, which would also catch Ctrl+C anew for each call, and that takes longer than the call."""
        return self._runner.get_loop().run_until_complete(act)


def assert_alike(what: str, expected: object, actual: object) -> None:
    """Demand equality; the message names what differs and nothing else."""
    if expected != actual:
        told = "\n".join(differences("", plain(expected), plain(actual)))
        raise AssertionError(f"{what} differs (reference, then subject):\n{told}")


def differences(path: str, expected: Any, actual: Any) -> Iterable[str]:
    """Each place at which two plain values differ, with both values."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*cast("dict[str, Any]", expected), *cast("dict[str, Any]", actual)}):
            yield from differences(f"{path}.{key}", expected.get(key), actual.get(key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for n, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(f"{path}[{n}]", one, other)
    elif expected != actual:
        yield f"  {path.lstrip('.')}: {named(expected)!r}, {named(actual)!r}"


def named(value: Any) -> Any:
    """A list of plain things that have ids, by their ids alone."""
    if isinstance(value, list) and all(isinstance(each, dict) and "id" in each for each in value):
        return [each["id"] for each in value]
    return value


def plain(value: object) -> Any:
    """A value as JSON knows it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def brief(value: object) -> str:
    """A value in few words: only the fields that say something."""
    match value:
        case Run(state=state) if state != "pending" or value.token:
            return f"{value.id}/{value.token} {state} {value.parked or ''}".strip()
        case msgspec.Struct():
            said = {name: getattr(value, name) for name in value.__struct_fields__}
            usual = dict(zip(value.__struct_fields__[::-1], value.__struct_defaults__[::-1], strict=False))
            fields = (f"{name}={brief(each)}" for name, each in said.items() if each not in ({}, usual.get(name, ...)))
            return f"{type(value).__name__}({', '.join(fields)})"
        case list() | tuple():
            return f"[{', '.join(brief(each) for each in cast('list[object]', value))}]"
        case str():
            return str(value)
        case _:
            return repr(value)


def batch_alike(limit: int, now: int) -> Callable[[Batch], object]:
    """What two batches must have in common: a full one needs no ``wake_at``, and any up to now means now."""

    def alike(batch: Batch) -> object:
        full = len(batch.runs) == limit
        return {"runs": batch.runs, "wake_at": None if full or batch.wake_at is None else max(now, batch.wake_at)}

    return alike


def agenda_alike(limit: int) -> Callable[[Agenda], object]:
    """What two agendas must have in common: when not all due schedules fit, ``wake_at`` says nothing."""
    return lambda agenda: agenda if len(agenda.due) < limit else replace(agenda, wake_at=None)
