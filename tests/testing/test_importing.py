"""Tools for tests come when they are asked for, and what they need may be missing until then."""

import subprocess
import sys

import pytest

import foliot.testing

WITHOUT_TOOLS = """
import sys
for name in ("pytest", "pytest_asyncio", "hypothesis"):
    sys.modules[name] = None
import foliot.testing
from foliot.testing import FaultyStore, simulated
try:
    foliot.testing.StoreExam
except ImportError as error:
    print(error)
try:
    foliot.testing.random_hours
except ImportError as error:
    print(error)
"""


def test_only_the_exam_and_the_hours_need_tools_for_tests():
    ran = subprocess.run([sys.executable, "-c", WITHOUT_TOOLS], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == [
        "StoreExam needs pytest: pip install pytest pytest-asyncio hypothesis",
        "random_hours needs hypothesis: pip install pytest pytest-asyncio hypothesis",
    ]


@pytest.mark.parametrize("name", foliot.testing.__all__)
def test_everything_that_is_promised_is_there(name: str):
    assert getattr(foliot.testing, name) is not None


def test_what_is_not_there_is_said_with_what_is():
    with pytest.raises(AttributeError, match=r"has no attribute 'Exam'; it has: .*StoreExam"):
        foliot.testing.Exam  # noqa: B018 - asking is the test
