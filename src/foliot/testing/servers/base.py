"""What all servers have in common: they start, stop, are killed, paused and resumed, on the same data and ports."""

from __future__ import annotations

import atexit
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from foliot.testing.servers.program import Program


class Server(ABC):
    """A real server of our own: a child process on a free port of this machine, its data in a temporary directory.

    Use it as a context manager. ``url`` opens a store on it, and stays the same when it is stopped or killed and
    started again. It ends with this process, however that ends. Raises ServerMissing when it is not installed.
    """

    variable: ClassVar[str] = ""
    """The environment variable that names a server to use instead of one of our own."""

    url: str

    def __enter__(self) -> Self:
        self.home = Path(tempfile.mkdtemp(prefix="foliot-"))
        atexit.register(self.close)
        try:
            self.programs = self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill it and remove its data."""
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    programs: Sequence[Program] = ()
    """Its processes, in the order in which they start."""

    @abstractmethod
    def _prepare(self) -> list[Program]:
        """Make its data directories, and say which programs it consists of."""

    @abstractmethod
    def _await(self) -> None:
        """Wait until it answers."""

    def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        for program in self.programs:
            program.start()
        self._await()

    def stop(self) -> None:
        """Let it end in order."""
        for program in reversed(self.programs):
            program.stop()

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut would."""
        for program in self.programs:
            program.kill()

    def pause(self) -> None:
        """Stop all its processes where they stand: they neither answer nor hang up."""
        for program in self.programs:
            program.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        for program in self.programs:
            program.send(signal.SIGCONT)
