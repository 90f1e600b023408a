"""A program as a child process of our own: it can be killed and paused with all its children, and never outlives us."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from foliot.errors import FoliotError

PATIENCE = 60.0
"""Seconds within which a server must answer, and must be gone."""

LOOK = 0.02

PORTS = range(15_000, 22_000)
"""Below those that the system hands out to clients: a port stays ours while its server is down."""

BUS = 10_000
"""How far above its port a node of a Redis cluster talks to the others."""


class ServerMissing(FoliotError):
    """A server that is not installed here and that no variable names."""


class ServerFailed(FoliotError):
    """A server that ended by itself or did not answer in time, with the end of its log."""


class Program:
    """One child process, with what it says in a log in its directory."""

    def __init__(self, command: Sequence[str | Path], home: Path, *, user: str | None = None) -> None:
        self.command = [str(each) for each in command]
        self.home, self.user = home, user
        self._child: subprocess.Popen[Any] | None = None

    @property
    def pid(self) -> int:
        """Its process; 0 while it does not run."""
        return self._child.pid if self._child is not None and self._child.poll() is None else 0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.pid:
            return
        with (self.home / "log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - the command is ours
                [*leash(), *self.command],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **identity(self.user),
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and all its descendants, itself first."""
        for pid in family(self.pid) if self.pid else []:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """SIGKILL to it and all its descendants, and wait until none is left."""
        if not self.pid or self._child is None:
            return
        doomed = family(self.pid)
        self.send(signal.SIGKILL)
        self._child.wait(PATIENCE)
        while any(map(alive, doomed)):
            time.sleep(LOOK)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and kill it if it does not."""
        if not self.pid or self._child is None:
            return
        self.send(signal.SIGCONT)
        self._child.send_signal(number)
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds. Raises ServerFailed if the program ends meanwhile, or takes too long."""
        latest = time.monotonic() + PATIENCE
        while not holds():
            if not self.pid:
                raise ServerFailed(f"{self.command[0]} ended by itself: {self.log()}")
            if time.monotonic() > latest:
                raise ServerFailed(f"{self.command[0]} does not answer after {PATIENCE:.0f} s: {self.log()}")
            time.sleep(LOOK)

    def log(self, most: int = 2000) -> str:
        """The end of what it has said."""
        with suppress(FileNotFoundError):
            return (self.home / "log").read_text("utf-8", errors="replace")[-most:]
        return ""


def leash() -> list[str]:
    """What to put before a command so that it dies with us, however we die; on Linux only."""
    tool = shutil.which("setpriv") if sys.platform == "linux" else None
    return [] if tool is None else [tool, "--pdeathsig", "KILL", "--"]


def identity(user: str | None) -> dict[str, Any]:
    """How to start a child as another user: as who we are, when None."""
    if user is None:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def family(pid: int) -> list[int]:
    """A process and all its descendants, elder ones first; only itself where the system has no ``/proc``."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for each in found:
        found += children.get(each, ())
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    return _stat(pid)[0] not in "ZX"


def _parents() -> Iterable[tuple[int, int]]:
    for home in Path("/proc").glob("[0-9]*"):
        state, parent = _stat(int(home.name))
        if state != "X":
            yield int(home.name), parent


def _stat(pid: int) -> tuple[str, int]:
    """The state of a process, and its parent; of one that is gone, that it is dead."""
    with suppress(OSError):
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        return state, int(parent)
    return "X", 0


def binary(name: str, *, beside: str = "", package: str) -> Path:
    """Where a program is: on the PATH, or the newest in the directories that ``beside`` matches.

    Raises ServerMissing with the package that brings it.
    """
    known = sorted(Path("/").glob(f"{beside}/{name}"), key=_version) if beside else []
    found = shutil.which(name) or (known[-1] if known else None)
    if found is None:
        raise ServerMissing(f"{name} is not here; on Debian and Ubuntu: sudo apt install {package}")
    return Path(found)


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


def free_port(*, bus: bool = False) -> int:
    """A port of this machine that nobody listens on, nor on its bus port."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        if _is_free(port) and not (bus and not _is_free(port + BUS)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
