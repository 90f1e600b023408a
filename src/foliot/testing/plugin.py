"""Fixtures for pytest, there as soon as Foliot is installed: ``simulate`` and ``inline``.

    async def test_the_report_is_sent_each_morning(simulate):
        async with simulate(scheduler) as time:
            await time.advance(days=7)

They are loaded when a test asks for them, so a test run without them pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def simulate() -> Callable[..., Any]:
    """``foliot.testing.simulated``: run a scheduler in virtual time."""
    from foliot.testing.virtual import simulated

    return simulated


@pytest.fixture
def inline() -> Callable[..., Any]:
    """``foliot.testing.inline``: whatever is enqueued has run when ``enqueue`` returns."""
    from foliot.testing import virtual

    return virtual.inline
