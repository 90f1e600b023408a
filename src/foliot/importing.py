"""Where a function is to be found again: its module and its name in it.

For functions that must travel to other processes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any

from foliot.errors import JobError

Address = tuple[str, str]


def address(function: Callable[..., Any]) -> Address:
    """Where a function is to be found. Raises JobError for one that has no place of its own."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if module is None or name is None or "<" in name:
        raise JobError(f"{function!r} cannot be found by a child process; define it with def, at the top of a module")
    return module, name


def check_importable(function: Callable[..., Any]) -> None:
    """Refuse a function that a child process could not import: a lambda, a partial, one inside another function."""
    address(function)


def found(place: Address) -> Callable[..., Any]:
    """The function at this place; where a job stands there now, its function. Raises JobError if there is none."""
    module_name, name = place
    module = sys.modules.get("__mp_main__") if module_name == "__main__" else None
    try:
        there: Any = reduce(getattr, name.split("."), module or import_module(module_name))
    except (ImportError, AttributeError) as problem:
        raise JobError(f"a child process cannot find {module_name}.{name}: {problem}") from None
    return getattr(there, "function", there)
