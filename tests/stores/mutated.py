"""Sits the exam with a SQLite store in which one bug was planted; run by test_mutants.py, never by itself.

``FOLIOT_MUTANT`` holds the file, the text to replace and its replacement, parted by newlines of three dashes.
"""

import importlib.machinery
import os
from pathlib import Path

import pytest

FILE, RIGHT, WRONG = os.environ["FOLIOT_MUTANT"].split("\n---\n")

_get_code = importlib.machinery.SourceFileLoader.get_code


def planted(self, fullname):
    """The module's code, with the bug if it is the one."""
    path = self.get_filename(fullname)
    if not path.endswith(f"/foliot/stores/{FILE}"):
        return _get_code(self, fullname)
    source = Path(path).read_text("utf-8")
    if source.count(RIGHT) != 1:
        pytest.exit(f"{RIGHT!r} is not there exactly once, so this mutant would be none", returncode=99)
    return compile(source.replace(RIGHT, WRONG), path, "exec", dont_inherit=True)


importlib.machinery.SourceFileLoader.get_code = planted

from foliot.stores.memory import MemoryStore  # noqa: E402
from foliot.stores.sqlite import SQLiteStore  # noqa: E402
from foliot.testing import StoreExam, random_hours  # noqa: E402


class TestMutant(StoreExam):
    durable = True

    async def open_store(self, place):
        store = SQLiteStore(place / "runs.db")
        await store.open()
        return store


TestMutantForHours = random_hours(lambda _: MemoryStore(), SQLiteStore)
