"""The worker processes of the demo: real ones, that share one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

LEASE = "3s"
COMMAND = (sys.executable, "-m", "foliot", "run", "foliot.cli.demo.worker:scheduler")


class Stage:
    """A folder with the database, and the worker processes on it, none of which outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{(folder / 'demo.db').as_posix()}"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self.workers.values():
            each.kill()
            each.wait()

    def start(self, name: str) -> None:
        """Start a worker process of this name."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.workers[name] = subprocess.Popen(  # noqa: S603 - ourselves
                COMMAND, cwd=self.folder, env=self._environment(name), stdout=log, stderr=log
            )

    def _environment(self, name: str) -> dict[str, str]:
        """As it is here, without settings that somebody made for programs of their own."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("FOLIOT_")}
        return plain | {
            "FOLIOT_STORE": self.url,
            "FOLIOT_NAME": name,
            "FOLIOT_LEASE": LEASE,
            "FOLIOT_PROCESSES": "1",
        }

    def kill(self, name: str) -> int:
        """End a worker in the middle of what it does, without a chance to react. Gives its exit code."""
        worker = self.workers.pop(name)
        worker.kill()
        return worker.wait()

    def dismiss(self, name: str) -> int:
        """Ask a worker to stop, and wait until it has finished what it was doing. Gives its exit code."""
        worker = self.workers.pop(name)
        worker.terminate()
        return worker.wait()

    def fallen(self) -> list[str]:
        """The workers that have ended though nobody asked them to."""
        return [name for name, each in self.workers.items() if each.poll() is not None]

    def last_words(self, name: str) -> str:
        """The end of what a worker wrote on its standard error."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-20:])
