"""Starts a program anew whenever a Python file changes: a supervisor that looks once a second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LOOK = 1.0
"""How often to look, seconds."""
NOT_OURS = frozenset({"site-packages", "node_modules", "__pycache__"})

Seen = dict[str, tuple[int, int]]


class Supervisor:
    """Runs a command, anew after each change. Passes SIGTERM on; Ctrl-C reaches the child by itself."""

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self._command, self._root = command, root
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        """Supervise until a signal, or until the child ends well by itself. Gives the child's exit code."""
        say(f"watching the .py files below {self._root}")
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._signalled)  # for good: when this is over, so is the process
        while True:
            seen = look(self._root)
            code = self._once(seen)
            if self._stopping or (code == 0 and look(self._root) == seen):
                return code if code >= 0 else 128 - code
            self._until_changed(seen, code)

    def _once(self, seen: Seen) -> int:
        """Run the child until it ends, or until a file has changed and it has stopped."""
        self._child = subprocess.Popen(self._command)  # noqa: S603 - ourselves
        while (code := _ended(self._child)) is None:
            if not self._stopping and look(self._root) != seen:
                say("a file has changed: starting anew")
                self._child.terminate()
                return self._child.wait()
        return code

    def _until_changed(self, seen: Seen, code: int) -> None:
        if look(self._root) == seen:
            say(f"it ended with code {code}; starting anew when a file changes")
        while look(self._root) == seen and not self._stopping:
            time.sleep(LOOK)

    def _signalled(self, number: int, _frame: object) -> None:
        self._stopping = True
        if number == signal.SIGTERM and self._child is not None:
            self._child.terminate()


def _ended(child: subprocess.Popen[bytes]) -> int | None:
    """The child's exit code; None if it still runs after a while."""
    try:
        return child.wait(LOOK)
    except subprocess.TimeoutExpired:
        return None


def say(text: str) -> None:
    """Tell whoever started this, on standard error."""
    print(f"foliot: {text}", file=sys.stderr, flush=True)


def look(root: Path) -> Seen:
    """Every Python file below a folder with its time and size; not in hidden folders, nor other people's."""
    seen: Seen = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith(".") and each not in NOT_OURS]
        for name in files:
            if name.endswith(".py"):
                _note(seen, os.path.join(folder, name))
    return seen


def _note(seen: Seen, path: str) -> None:
    try:
        found = os.stat(path)
    except OSError:  # gone since it was listed
        return
    seen[path] = (found.st_mtime_ns, found.st_size)
