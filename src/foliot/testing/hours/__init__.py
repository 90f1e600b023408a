"""Random hours: whatever may happen to a store in an hour, played on two stores that must answer the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest import TestCase

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test  # pyright: ignore[reportUnknownVariableType]

from foliot.stores.base import Store
from foliot.testing.hours.machine import StoreMachine

Maker = Callable[[Path], Store]

USUAL_HOURS = 24
STEPS = 50

A_MORNING = 8
"""How many hours are played in a row: Hypothesis varies what it has just played, and anew it plays something new."""

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""All but explaining, which traces every line of both stores and tells nothing that the notes do not."""

MORNING = settings(
    max_examples=A_MORNING,
    stateful_step_count=STEPS,
    phases=PHASES,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
)


def random_hours(make_reference: Maker, make_subject: Maker, *, durable: bool = False) -> type[TestCase]:
    """A test case that plays random hours on both stores and demands equal answers and contents.

    Each maker gets a path of its own in a directory that exists, where nothing is yet. A ``durable`` subject is opened
    a second time at the same place, is closed and opened in between, and must be one store all the while. The
    environment variable ``FOLIOT_HOURS`` says how many hours are played. Finding the shortest hour that shows a
    difference may take minutes.
    """
    machine = store_machine(make_reference, make_subject, durable=durable)

    class Hours(TestCase):
        def runTest(self) -> None:  # noqa: N802 - unittest's name
            for _ in range(0, int(os.environ.get("FOLIOT_HOURS", USUAL_HOURS)), A_MORNING):
                run_state_machine_as_test(machine, settings=MORNING)

    return Hours


def store_machine(make_reference: Maker, make_subject: Maker, *, durable: bool = False) -> type[StoreMachine]:
    """The machine itself, for who wants settings of their own."""
    survives = durable

    class Hour(StoreMachine):
        durable = survives

        def make_reference(self, place: Path) -> Store:
            return make_reference(place)

        def make_subject(self, place: Path) -> Store:
            return make_subject(place)

    return Hour
