"""Planting a bug: the SQLite store once more, with one piece of its text replaced, beside the sound one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import foliot.stores
from foliot.stores.base import Store

HOME = Path(foliot.stores.__file__).parent
FILES = (*HOME.glob("sqlite/*.py"), HOME / "moves.py", HOME / "lanes.py")
"""What the SQLite store is made of; the store in memory keeps sound copies of what both share."""

PACKAGE = "foliot.stores"


@contextmanager
def planted(right: str, wrong: str) -> Iterator[type[Store]]:
    """The SQLite store in which ``right``, which one file has exactly once, is ``wrong``."""
    found = [file for file in FILES for _ in range(file.read_text("utf-8").count(right))]
    assert len(found) == 1, (
        f"this would be no mutant, or several: {right!r} is found in {[each.name for each in found]}"
    )
    sound = _set_aside()
    planter = _Planter(found[0], right, wrong)
    sys.meta_path.insert(0, planter)
    try:
        yield import_module(f"{PACKAGE}.sqlite").SQLiteStore
    finally:
        sys.meta_path.remove(planter)
        _set_aside()
        _restore(sound)


def _set_aside() -> dict[str, ModuleType]:
    """Let these modules be imported anew; tells the ones that were."""
    names = {f"{PACKAGE}.{file.stem}" for file in FILES if file.parent == HOME}
    names |= {name for name in sys.modules if name.startswith(f"{PACKAGE}.sqlite")}
    return {name: sys.modules.pop(name) for name in names if name in sys.modules}


def _restore(modules: dict[str, ModuleType]) -> None:
    sys.modules.update(modules)
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, module)


class _Planter(MetaPathFinder):
    """Finds the guilty file and plants the bug while it is loaded."""

    def __init__(self, file: Path, right: str, wrong: str) -> None:
        self._file, self._right, self._wrong = file, right, wrong

    def find_spec(self, fullname, path=None, target=None) -> ModuleSpec | None:
        if not fullname.startswith(f"{PACKAGE}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin == str(self._file):
            spec.loader = _Loader(fullname, self._file, self._right, self._wrong)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, file: Path, right: str, wrong: str) -> None:
        super().__init__(fullname, str(file))
        self._right, self._wrong = right, wrong

    def get_code(self, fullname: str) -> CodeType:
        text = Path(self.path).read_text("utf-8")
        return compile(text.replace(self._right, self._wrong), self.path, "exec", dont_inherit=True)
