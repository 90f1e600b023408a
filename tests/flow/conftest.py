"""What the tests of fan-outs share; ``url`` gives them every store that there is."""

import pytest

from foliot.scheduler import Scheduler


@pytest.fixture
def scheduler() -> Scheduler:
    """One in memory, for virtual time."""
    return Scheduler("memory://", concurrency=20)
