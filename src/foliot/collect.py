"""Collects the jobs that modules define. Importing a module does nothing but define, so collecting is safe anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from foliot.errors import JobError
from foliot.jobs import Bundle, Job


def jobs_in(source: ModuleType | str | Job[..., Any, Any] | Bundle) -> Iterator[Job[..., Any, Any]]:
    """The jobs of a module, of a package and all in it, of every module whose dotted name fits a glob; or one job.

    What brings several jobs, such as a workflow, brings them wherever a job may stand.

    ``"shop.tasks"``, ``"shop.*.jobs"``. Raises JobError if a name cannot be imported or a glob matches nothing.
    """
    if isinstance(source, Job):
        yield source
        return
    if isinstance(source, Bundle):
        yield from source.jobs()
        return
    seen: set[int] = set()
    for module in _modules(source):
        for value in list(vars(module).values()):
            if isinstance(value, Job | Bundle) and id(value) not in seen:  # pyright: ignore[reportUnknownArgumentType]
                seen.add(id(value))  # pyright: ignore[reportUnknownArgumentType]
                yield from jobs_in(value)  # pyright: ignore[reportUnknownArgumentType]


def _modules(source: ModuleType | str) -> list[ModuleType]:
    if not isinstance(source, ModuleType | str):  # pyright: ignore[reportUnnecessaryIsInstance] - for those without a checker
        raise JobError(f"{source!r} is no source of jobs; give a module, a dotted name, a glob or a job")
    if isinstance(source, ModuleType):
        return [source, *_inside(source)]
    if not any(sign in source for sign in "*?["):
        module = _imported(source)
        return [module, *_inside(module)]
    matching = [each for each in _candidates(source) if fnmatchcase(each.__name__, source)]
    if not matching:
        raise JobError(f"no module matches {source!r}")
    return matching


def _candidates(pattern: str) -> list[ModuleType]:
    """All modules below the part of a pattern that is plain."""
    plain: list[str] = []
    for part in pattern.split("."):
        if any(sign in part for sign in "*?["):
            break
        plain.append(part)
    if not plain:
        raise JobError(f"{pattern!r} begins with a glob; name the package to look in, like 'shop.*.jobs'")
    root = _imported(".".join(plain))
    return [root, *_inside(root)]


def _inside(package: ModuleType) -> list[ModuleType]:
    paths = getattr(package, "__path__", None)
    if paths is None:
        return []
    names = [
        each.name
        for each in pkgutil.walk_packages(paths, f"{package.__name__}.")
        if not each.name.endswith(".__main__")
    ]
    return [_imported(name) for name in names]


def _imported(name: str) -> ModuleType:
    if not all(name.split(".")):
        raise JobError(f"{name!r} names no module; write it like 'shop.tasks'")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name is not None and name.startswith(problem.name):
            raise JobError(f"there is no module {name!r}; is its directory on sys.path?") from None
        raise
