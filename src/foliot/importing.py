"""Where a function is to be found again: its module and its name in it.

For functions that must travel to other processes. The script that was started is no module that another process could
import: there it is run from its file, under a name of its own, so that ``if __name__ == "__main__"`` does not hold.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from foliot.errors import JobError

Address = tuple[str, str]

SCRIPT = "__foliot_main__"
"""What the script that was started is called in other processes."""


class Script(NamedTuple):
    """The program that was started: its file, and the package it belongs to if it was started with ``-m``."""

    file: str
    package: str


def script() -> Script | None:
    """The script of this process; None for what has no file, such as an interpreter somebody types into."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return Script(file, main.__package__ or "") if file is not None and Path(file).is_file() else None


def address(function: Callable[..., Any]) -> Address:
    """Where a function is to be found. Raises JobError for one that has no place of its own."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if module is None or name is None or "<" in name:
        raise JobError(f"{function!r} cannot be found by a child process; define it with def, at the top of a module")
    if module == "__main__" and script() is None:
        raise JobError(f"{function!r} cannot be found by a child process; write it into a file that can be imported")
    return module, name


def check_importable(function: Callable[..., Any]) -> None:
    """Refuse a function that a child process could not import: a lambda, a partial, one inside another function."""
    address(function)


class Imports:
    """Finds what another process means by its names for modules."""

    def __init__(self, script: Script | None) -> None:
        self._script = script

    def found(self, place: Address) -> Callable[..., Any]:
        """The function at this place; where a job stands there now, its function. Raises JobError if there is none."""
        module, name = place
        try:
            there: Any = reduce(getattr, name.split("."), import_module(self.here(module)))
        except (ImportError, AttributeError) as problem:
            raise JobError(f"a child process cannot find {module}.{name}: {problem}") from problem
        return getattr(there, "function", there)

    def here(self, module: str) -> str:
        """What a module is called in this process."""
        if module != "__main__" or self._script is None:
            return module
        if SCRIPT not in sys.modules:
            _run(self._script)
        return SCRIPT


def _run(script: Script) -> None:
    module = ModuleType(SCRIPT)
    module.__file__, module.__package__ = script
    code = compile(Path(script.file).read_bytes(), script.file, "exec")
    sys.modules[SCRIPT] = module  # before its code runs: dataclasses and pickle look their module up by name
    try:
        exec(code, vars(module))  # noqa: S102 - the very program whose child this process is
    except BaseException:
        del sys.modules[SCRIPT]
        raise


def at_home(module: str) -> str:
    """What a module of a child process is called in its parent."""
    return "__main__" if module == SCRIPT else module
