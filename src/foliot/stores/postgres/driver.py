"""asyncpg, as far as we use it; it comes without types."""

from __future__ import annotations

from importlib import import_module
from typing import Any

asyncpg: Any = import_module("asyncpg")

ServerError: type[Exception] = asyncpg.PostgresError
"""The server says what is wrong."""

BROKEN: tuple[type[Exception], ...] = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The way to the server is broken."""


def code_of(error: BaseException) -> str:
    """What the server calls an error (appendix A of its manual); empty for what is none of the server's."""
    return getattr(error, "sqlstate", None) or ""
