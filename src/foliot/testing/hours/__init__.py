"""Random hours: whatever may happen to a store in an hour, played on two stores that must answer the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest import TestCase

from hypothesis import HealthCheck, settings

from foliot.stores.base import Store
from foliot.testing.hours.machine import StoreMachine

Maker = Callable[[Path], Store]

USUAL_HOURS = 40
STEPS = 50


def random_hours(make_reference: Maker, make_subject: Maker, *, durable: bool = False) -> type[TestCase]:
    """A test case that plays random hours on both stores and demands equal answers and contents.

    Each maker gets a path of its own in a directory that exists, where nothing is yet. A ``durable`` subject is also
    closed and opened in between. The environment variable ``FOLIOT_HOURS`` says how many hours are played.
    """
    hours = int(os.environ.get("FOLIOT_HOURS", USUAL_HOURS))
    case = store_machine(make_reference, make_subject, durable=durable).TestCase
    case.settings = settings(
        max_examples=hours,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
    )
    return case


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
