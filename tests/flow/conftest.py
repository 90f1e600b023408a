"""Every store that there is: what fans out must do so on each of them."""

from pathlib import Path

import pytest

from foliot.errors import SettingsError
from foliot.scheduler import Scheduler
from foliot.stores import open_store


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    match request.param:
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{tmp_path}/runs.db?durability=relaxed"
        case kind:
            _skip_what_there_is_not(kind)
            return request.getfixturevalue(f"{kind}_url")


def _skip_what_there_is_not(kind: str) -> None:
    try:
        open_store("postgresql://localhost/foliot" if kind == "postgres" else "redis://localhost")
    except SettingsError as problem:
        pytest.skip(str(problem))


@pytest.fixture
def scheduler() -> Scheduler:
    """One in memory, for virtual time."""
    return Scheduler("memory://", concurrency=20)
