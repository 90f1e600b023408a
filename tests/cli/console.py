"""A console for tests: commands typed into this process, on a SQLite file with what a test put into it."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.scheduler import Scheduler

SHOP = """
import asyncio
from foliot.context import Context
from foliot.scheduler import Scheduler

scheduler = Scheduler("sqlite:///{folder}/shop.db", name="till")

@scheduler.cron("0 9 * * *", tz="Asia/Seoul")
async def report(day: str = "today") -> None: ...

@scheduler.every("1h", tags=["mail"], meta={{"tenant": "acme", "size": {{"width": 640}}}}, queue="mail")
async def send() -> None: ...

@scheduler.job()
async def loud(ctx: Context) -> int:
    ctx.log("first", n=1)
    ctx.log("second", level="warning")
    ctx.progress(1, 2, "half")
    return 42

@scheduler.job()
async def broken() -> None:
    raise ValueError("no\\nway")
"""


class Console:
    """Types commands; ``url`` is where they look unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/shop.db"

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        """What a command prints; it must end with this exit code."""
        result = self.typed(*words)
        assert result.exit_code == exit_code, result.output
        return result.stdout

    def typed(self, *words: str) -> Any:
        return CliRunner().invoke(app, ["--store", self.url, *words], prog_name="foliot")

    def json(self, *words: str, exit_code: int = 0) -> Any:
        return json.loads(self(*words, "--json", exit_code=exit_code))

    def prepare(self, act: Callable[[Scheduler], Awaitable[Any]]) -> Any:
        """Do something with the shop's store open, but nothing running."""
        return asyncio.run(self._connected(act))

    async def _connected(self, act: Callable[[Scheduler], Awaitable[Any]]) -> Any:
        shop = Scheduler(self.url)
        async with shop.connected():
            return await act(shop)

    def work(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        """Let the shop itself run in this process while something is done."""
        return asyncio.run(self._working(act))

    async def _working(self, act: Callable[[Any], Awaitable[Any]]) -> Any:
        space: dict[str, Any] = {}
        exec(SHOP.format(folder=self.folder), space)  # noqa: S102 - a program of ours
        async with space["scheduler"]:
            return await act(space)


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    for name in [each for each in os.environ if each.startswith("FOLIOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shop.py").write_text(SHOP.format(folder=tmp_path))
    yield Console(tmp_path)
    sys.modules.pop("shop", None)


async def nothing(_: Any) -> None:
    """For ``Console.work``: only start and stop, so that the schedules stand."""
