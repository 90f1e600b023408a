"""Finds the scheduler that ``MODULE:SCHEDULER`` names."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

from foliot.errors import DefinitionError
from foliot.scheduler import Scheduler


def load(app: str) -> Scheduler:
    """The scheduler that ``shop.tasks:scheduler`` names, or the only one in ``shop.tasks``.

    Modules are looked for in the current directory first. Raises DefinitionError if there is none, or if the module
    itself raises something, with where in it that was.
    """
    module, _, path = app.partition(":")
    home = _imported(module)
    found = _inside(home, path) if path else _only_one(home)
    if not isinstance(found, Scheduler):
        raise DefinitionError(f"{app!r} is not a Scheduler but {found!r}{_others(home)}")
    _name_owner(found, f"{home.__name__}:{path or schedulers(home)[0]}")
    return found


def _name_owner(scheduler: Scheduler, app: str) -> None:
    """What a scheduler that was not told its owner declares, it declares in its own name."""
    if "owner" not in scheduler.settings.sources:
        scheduler.override({"owner": app}, "its module")


def _imported(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    if name.endswith(".py") or os.sep in name:
        raise DefinitionError(f"{name!r} is a file; name the module: {_as_module(name)!r}")
    if not all(name.split(".")):
        raise DefinitionError(f"{name!r} names no module; write it like shop.tasks:scheduler")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name is not None and f"{name}.".startswith(f"{problem.name}."):
            raise DefinitionError(f"there is no module {problem.name!r} in {here} or on sys.path") from None
        raise _its_own(name, problem) from problem
    except Exception as problem:
        raise _its_own(name, problem) from problem


def _its_own(module: str, problem: Exception) -> DefinitionError:
    """What a module raised while it was imported, with the places in it and none of ours."""
    places = [each for each in traceback.extract_tb(problem.__traceback__) if not each.filename.startswith(_NOT_THEIRS)]
    told = "".join([*traceback.format_list(places), *traceback.format_exception_only(problem)]).rstrip()
    return DefinitionError(f"module {module!r} cannot be imported; mend this in it:\n{told}")


_NOT_THEIRS = ("<frozen importlib", "<string>", str(Path(importlib.__file__).parent), str(Path(__file__).parents[1]))


def _as_module(file: str) -> str:
    return file.removesuffix(".py").strip("./").replace(os.sep, ".")


def _inside(home: ModuleType, path: str) -> Any:
    try:
        return reduce(getattr, path.split("."), home)
    except AttributeError:
        close = get_close_matches(path, vars(home), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else _others(home)
        raise DefinitionError(f"module {home.__name__!r} has no {path!r}{hint}") from None


def _only_one(home: ModuleType) -> Scheduler:
    names = schedulers(home)
    if len(names) != 1:
        example = f"{home.__name__}:{names[0] if names else 'scheduler'}"
        raise DefinitionError(f"module {home.__name__!r} has {len(names)} schedulers; name one, like {example!r}")
    return vars(home)[names[0]]


def schedulers(home: ModuleType) -> list[str]:
    """The names under which a module keeps schedulers."""
    return [name for name, value in vars(home).items() if isinstance(value, Scheduler)]


def _others(home: ModuleType) -> str:
    names = schedulers(home)
    return f"; {home.__name__!r} has {', '.join(names)}" if names else ""
