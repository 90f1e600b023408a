"""Sitting the exam without pytest, to see whether it is failed."""

from __future__ import annotations

import inspect
from asyncio import Runner
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing.hours import A_MORNING, MORNING, store_machine
from foliot.testing.hours.machine import StoreMachine

Maker = Callable[[Path], Store]

CAUGHT = (AssertionError, ValueError, IndexError)
"""How an example fails when a store answers wrongly. Anything else is a broken mutant, not a caught one."""


def failed_example(subject: type, make: Maker) -> str | None:
    """The first example about this subject that the store fails; None if it passes all."""
    with Runner() as runner:
        for name, example, arguments in examples(subject):
            with TemporaryDirectory() as place:
                try:
                    runner.run(_sit(example, make(Path(place) / "runs.db"), arguments))
                except CAUGHT:
                    return name
    return None


def examples(subject: type) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Each example of a subject that needs nothing but an open store, with each value of its parameter."""
    for name, example in vars(subject).items():
        if name.startswith("test_") and "tmp_path" not in inspect.signature(example).parameters:
            marks = [mark for mark in getattr(example, "pytestmark", []) if mark.name == "parametrize"]
            yield from ((name, example, arguments) for arguments in _arguments(marks))


def _arguments(marks: list[Any]) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = [{}]
    for mark in marks:
        parameter, values = mark.args
        every = [{**others, parameter: value} for others in every for value in values]
    return every


async def _sit(example: Callable[..., Any], store: Store, arguments: dict[str, Any]) -> None:
    await store.open()
    try:
        await example(None, store, **arguments)
    finally:
        await store.close()


def differs_within(hours: int, make: Maker, *, durable: bool = False) -> bool:
    """Whether random hours, the same ones each time, show a difference from the store in memory."""
    machine = store_machine(lambda _: MemoryStore(), make, durable=durable)
    return any(_differs(seed(each)(machine)) for each in range(hours // A_MORNING))


def _differs(machine: type[StoreMachine]) -> bool:
    try:
        run_state_machine_as_test(machine, settings=settings(MORNING, phases=[Phase.generate], database=None))
    except AssertionError:
        return True
    return False
