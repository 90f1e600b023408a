"""One scheduler process of a proof: fires, works, notes what it sees, and obeys commands on its standard input.

    python -m foliot.testing.faults.node FOLDER NAME URL LEASE

Commands are lines of JSON: ``{"clock": 5000000}`` sets its clock five seconds ahead, ``{"lose": 3}`` loses the next
three replies of its store. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from foliot.clock import SystemClock
from foliot.errors import StoreUnavailable
from foliot.portal import until_signalled
from foliot.scheduler import Scheduler
from foliot.stores import open_store
from foliot.testing.faults.notes import History, Saw
from foliot.testing.faults.witness import Losses, Witness
from foliot.testing.faults.work import define

UNAVAILABLE = 75
"""The exit code of a process that could not start because its store could not be reached: start it again."""


class SkewedClock(SystemClock):
    """As if the clock of this machine were ahead by ``skew`` microseconds, which may change at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.skew = 0

    def machine(self) -> int:
        return super().machine() + self.skew


class Command(msgspec.Struct):
    """What the prover wants: a clock that is so much ahead, so many replies lost."""

    clock: int | None = None
    lose: int | None = None


class Node:
    """A scheduler with a clock that can be set and a store whose replies can be lost."""

    def __init__(self, folder: Path, name: str, url: str, lease: str) -> None:
        self.history = History(folder, name)
        self.clock, self.losses = SkewedClock(), Losses()
        store = Witness(open_store(url), self.history, self.losses)
        self.scheduler = Scheduler(
            store, clock=self.clock, name=name, lease=lease, concurrency=50, keep="365d", keep_runs=None
        )
        define(self.scheduler, self.history)

    async def live(self) -> None:
        """Fire and work until told to stop."""
        listening = asyncio.ensure_future(self._listen())
        self.history.note(Saw.UP)
        await until_signalled(self.scheduler)
        self.history.note(Saw.DOWN)
        listening.cancel()

    async def _listen(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self._obey(msgspec.json.decode(line, type=Command))
        os._exit(1)  # whoever started us is gone

    def _obey(self, command: Command) -> None:
        if command.clock is not None:
            self.clock.skew = command.clock
            self.history.note(Saw.JUMPED)
        self.losses.left = command.lose or 0


def main(folder: str, name: str, url: str, lease: str) -> int:
    """Live as one process of a proof; tells how it ended."""
    try:
        asyncio.run(Node(Path(folder), name, url, lease).live())
    except StoreUnavailable as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - for the log of the proof
        return UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
