"""Executors: in place, in threads, in processes. Each runs one function and tells what it returned or raised."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from foliot.context import Context
from foliot.errors import Crashed, FoliotError
from foliot.executors.inline import Inline
from foliot.executors.threads import Threads

if TYPE_CHECKING:
    from foliot.executors.processes import Processes


class Executor(Protocol):
    """Where functions run."""

    async def run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> Any:
        """Run a function with this context, and return or raise what it does.

        Cancelling this stops it as far as can be.

        Raises Crashed when the process that ran it died.
        """
        ...

    def rest(self, context: Context) -> asyncio.Future[Any] | None:
        """What still goes on here of a run that was stopped, to be waited for; None where nothing does."""
        ...

    async def close(self) -> None:
        """Let go of threads and processes."""
        ...


def refuse_in_child() -> None:
    """Raise FoliotError in a child process that runs jobs: importing its script must not start another scheduler."""
    if getattr(sys.modules["__main__"].__spec__, "name", None) == "foliot.executors.child":
        raise FoliotError(
            "a scheduler was started while a child process imported its script; "
            "put scheduler.run() under: if __name__ == '__main__':"
        )


def __getattr__(name: str) -> Any:
    """Load what runs child processes, and what they are told, only where it is used."""
    if name != "Processes":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from foliot.executors.processes import Processes

    return Processes


__all__ = ["Crashed", "Executor", "Inline", "Processes", "Threads", "refuse_in_child"]
