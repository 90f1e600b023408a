"""The processes of a proof: started, killed, frozen, told to jump or to lose, and started again when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from foliot.testing.faults.checker import Span
from foliot.testing.faults.node import UNAVAILABLE, Command
from foliot.testing.faults.notes import monotonic
from foliot.testing.servers.program import leash

LOOK = 0.05
PAUSE = 0.5
"""Seconds between a process that could not reach its store and the next one in its place."""
PATIENCE = 60.0


class Member:
    """A place in the crew: one process after the other lives there."""

    def __init__(self, folder: Path, number: int, url: str, lease: str, program: str) -> None:
        self.number, self.url = number, url
        self.starts = 0
        self.sick: list[Span] = []
        self.ended_badly: list[str] = []
        self._folder, self._lease, self._program = folder, lease, program
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False

    @property
    def name(self) -> str:
        """The name of the process that lives here now."""
        return f"n{self.number}-{self.starts}"

    def start(self) -> None:
        """Start a process here, under a name that none has had."""
        self.starts += 1
        self._wanted = True
        command = [sys.executable, "-m", self._program, str(self._folder / "history"), self.name]
        with (self._folder / f"n{self.number}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*leash(), *command, self.url, self._lease],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={name: value for name, value in os.environ.items() if not name.startswith("FOLIOT_")},
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL, and start the next one."""
        self.send(signal.SIGKILL)
        self._wait()
        self.start()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self._process is not None:
            self._process.send_signal(number)

    def tell(self, command: Command) -> None:
        """Give it a command; one that has just ended hears nothing."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):
                self._process.stdin.write(msgspec.json.encode(command) + b"\n")
                self._process.stdin.flush()

    async def look_after(self) -> None:
        """Start the next process when one ends by itself; note each that had no reason to."""
        while True:
            await asyncio.sleep(LOOK)
            if not self._wanted or self._process is None or (code := self._process.poll()) is None:
                continue
            self._close()
            if code != UNAVAILABLE:
                self.ended_badly.append(f"{self.name} ended by itself with {code}; see n{self.number}.log")
            await asyncio.sleep(PAUSE)
            if self._wanted and self._process.poll() is not None:  # nobody else was quicker
                self.start()

    async def end(self) -> None:
        """Tell it to stop, as a deploy does; note one that does not end well."""
        self._wanted = False
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        code = await asyncio.to_thread(self._wait)
        if code and (self._was_up() or code != -signal.SIGTERM):
            self.ended_badly.append(f"{self.name} ended with {code} when told to stop; see n{self.number}.log")

    def _was_up(self) -> bool:
        """Whether the last process has come so far that it notes things, and heeds signals."""
        history = self._folder / "history" / f"{self.name}.jsonl"
        return history.exists() and history.stat().st_size > 0

    def remove(self) -> None:
        """Kill it for good."""
        self._wanted = False
        self.send(signal.SIGKILL)
        self._wait()

    def complaints(self) -> list[str]:
        """What went wrong here that nobody did: processes that ended badly, and errors that none had expected."""
        text = (self._folder / f"n{self.number}.log").read_text("utf-8", errors="replace")
        found = text.count("Traceback (most recent call last)")
        told = [f"the processes of n{self.number}.log met {found} errors that they had not expected"] if found else []
        return [*self.ended_badly, *told]

    async def ails(self, does: Callable[[], object], seconds: float, heals: Callable[[], object]) -> None:
        """Let something be wrong here for a while, and remember when."""
        start = monotonic()
        does()
        await asyncio.sleep(seconds)
        heals()
        self.sick.append(Span(start, monotonic()))

    def _wait(self) -> int:
        if self._process is None:
            return 0
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
