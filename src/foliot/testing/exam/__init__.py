"""The exam: examples of every rule that a store keeps, to be sat by each store.

Subclass ``StoreExam`` in a test module, say how a store is opened, and run pytest.
"""

import pytest

_SUBJECTS = (
    "adding",
    "amending",
    "claiming",
    "durability",
    "finding",
    "finishing",
    "firing",
    "keeping",
    "lanes",
    "leases",
    "order",
    "rates",
    "releasing",
    "unique",
)
pytest.register_assert_rewrite(*(f"{__name__}.{subject}" for subject in _SUBJECTS))

from foliot.testing.exam.exam import StoreExam  # noqa: E402 - failures read best when pytest rewrites the asserts first

__all__ = ["StoreExam"]
