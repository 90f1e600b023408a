"""What a process has seen, line by line, in a file that survives the process. The evidence of a proof."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from foliot.context import Context
from foliot.model import Run, State, Value


class Saw(StrEnum):
    """What was seen. Those of a store's verbs are its answers; a reply that got lost is no answer."""

    UP = "up"
    DOWN = "down"
    JUMPED = "jumped"
    FIRED = "fired"
    """The store accepted this run of a schedule, for this instant."""
    CLAIMED = "claimed"
    KEPT = "kept"
    """The store accepted a beat."""
    LOST = "lost"
    """The store refused a beat."""
    ENDED = "ended"
    """The store accepted a final ending."""
    PUT_DOWN = "put down"
    """The store accepted an ending after which the run goes on: a retry, or given back."""
    REFUSED = "refused"
    """The store refused an ending."""
    STARTED = "started"
    """The function began."""
    RETURNED = "returned"
    """The function is done, whatever became of it."""
    TOLD = "told"
    """A step gave this to its function: what it did just now, or what it had kept."""


WRITES = frozenset({Saw.KEPT, Saw.ENDED, Saw.PUT_DOWN})
"""What only the holder of the newest token may do."""


class Note(Value, kw_only=True):
    """One thing that one process saw. Times are microseconds of the monotonic clock, which all processes share.

    ``at`` is when it was known, ``since`` when it was asked for: in between it happened. ``step`` and ``value`` are
    what a step was told.
    """

    saw: Saw
    node: str
    at: int
    since: int
    run: str = ""
    token: int = 0
    schedule: str | None = None
    nominal: int | None = None
    state: State | None = None
    step: str = ""
    value: str = ""


def monotonic() -> int:
    """Microseconds on the clock that all processes of this machine share, and that nobody sets."""
    return time.monotonic_ns() // 1000


class History:
    """The file of one process. Any thread may note; each note is on its way to the disk when the call returns."""

    def __init__(self, folder: Path, node: str) -> None:
        self.node = node
        self._file = os.open(folder / f"{node}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, saw: Saw, since: int | None = None, **facts: Any) -> None:
        """Write down what was just seen."""
        at = monotonic()
        note = Note(saw=saw, node=self.node, at=at, since=at if since is None else since, **facts)
        os.write(self._file, msgspec.json.encode(note) + b"\n")

    def of(self, run: Run, saw: Saw, since: int | None = None, **facts: Any) -> None:
        """Write down what was just seen of a run."""
        self.note(saw, since, run=run.id, token=run.token, schedule=run.schedule, nominal=run.nominal_at, **facts)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class Log:
    """What the functions of a proof write down; without a history, nobody may call them."""

    def __init__(self, history: History | None) -> None:
        self._kept = history
        self._serial = count()

    @property
    def _history(self) -> History:
        if self._kept is None:
            raise RuntimeError("this process only enqueues")
        return self._kept

    @contextmanager
    def noted(self, context: Context) -> Generator[Random]:
        """Note when a function begins and ends; gives it dice, the same for the same attempt."""
        self._history.of(context.run, Saw.STARTED)
        try:
            yield Random(f"{context.run_id} {context.token}")  # noqa: S311 - for play
        finally:
            self._history.of(context.run, Saw.RETURNED)

    def told(self, context: Context, step: str, value: str) -> str:
        """Note what a step gave."""
        self._history.of(context.run, Saw.TOLD, step=step, value=value)
        return value

    def unlike_any(self, n: int) -> str:
        """Something about a number that nobody has said before."""
        return f"{self._history.node} says {next(self._serial)} of {n}"


def histories(folder: Path) -> list[Note]:
    """What all processes have seen, in order; a line that a kill has cut off is no evidence."""
    notes = [note for file in folder.glob("*.jsonl") for note in _read(file)]
    return sorted(notes, key=lambda note: note.at)


def _read(file: Path) -> Iterator[Note]:
    for line in file.read_bytes().splitlines():
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=Note)
