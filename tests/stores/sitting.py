"""Sitting the exam without pytest, to see whether it is failed."""

from __future__ import annotations

import inspect
from asyncio import Runner
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing.hours import store_machine
from foliot.testing.hours.machine import StoreMachine

Maker = Callable[[Path], Store]

CAUGHT = (AssertionError, ValueError, IndexError)
"""How an example fails when a store answers wrongly. Anything else is a broken mutant, not a caught one."""


A_MORNING = 8
"""How many hours are played from one seed. Hypothesis varies what it has played; a new seed brings something new."""


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
    quick = settings(
        max_examples=A_MORNING,
        stateful_step_count=50,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    )
    try:
        run_state_machine_as_test(machine, settings=quick)
    except AssertionError:
        return True
    return False
