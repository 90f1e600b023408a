"""What parent and child tell each other, and how it is packed. Both run the same code, and nothing of it is kept."""

from __future__ import annotations

import io
import pickle
import struct
from asyncio import StreamReader
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foliot.importing import Address, Script
from foliot.model import Line, Progress, Run

_SIZE = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Setup:
    """To the child, first of all: where its parent finds modules, and what was started with which arguments."""

    path: list[str]
    argv: list[str]
    script: Script | None


@dataclass(frozen=True, slots=True)
class Errand:
    """To the child: a function to run, for this run; the arguments are packed."""

    place: Address
    run: Run
    times_out_at: int | None
    ahead: int | None
    level: int
    most: int
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """To the child: stop what you are doing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """To the child: nothing more will come."""


@dataclass(frozen=True, slots=True)
class Begun:
    """To the parent: the function is about to be called."""


@dataclass(frozen=True, slots=True)
class Said:
    """To the parent: what the function has logged, and how far it is."""

    lines: tuple[Line, ...]
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Done:
    """To the parent: the function has returned; its value, packed."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Raised:
    """To the parent: the function has raised; the exception, packed if it can be, and what it was in words."""

    packed: bytes | None
    kind: str
    message: str
    trace: str


Answer = Done | Raised


def framed(message: object) -> bytes:
    """A message as it goes over the wire: its size, 8 bytes, and itself."""
    packed = pickle.dumps(message)
    return _SIZE.pack(len(packed)) + packed


async def received(reader: StreamReader) -> Any:
    """The next message, in the parent. Raises IncompleteReadError when the child has hung up."""
    (size,) = _SIZE.unpack(await reader.readexactly(_SIZE.size))
    return pickle.loads(await reader.readexactly(size))  # noqa: S301 - from our own child


def read(file: io.BufferedIOBase) -> Any:
    """The next message, in the child, or None when the parent has hung up."""
    head = file.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    packed = file.read(size)
    return pickle.loads(packed) if len(packed) == size else None  # noqa: S301 - from our own parent


def unpacked(packed: bytes, here: Callable[[str], str]) -> Any:
    """A value of the other side; ``here`` knows what the modules over there are called on this side."""
    return _Unpickler(packed, here).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, packed: bytes, here: Callable[[str], str]) -> None:
        super().__init__(io.BytesIO(packed))
        self._here = here

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return super().find_class(self._here(module_name), global_name)
