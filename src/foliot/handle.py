"""What an enqueued job gives back: a call to make, and a handle on the run it became."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from foliot.errors import RunFailed
from foliot.model import Fate, Run, State
from foliot.moments import Length

if TYPE_CHECKING:
    from foliot.jobs import Job
    from foliot.options import RunOptions

T_co = TypeVar("T_co", covariant=True)


class Call(msgspec.Struct, Generic[T_co], frozen=True):
    """A job with arguments and options, ready for ``enqueue_many``: what ``job.call(...)`` gives."""

    job: Job[..., Any, T_co]
    args: str
    options: RunOptions
    arguments: tuple[tuple[Any, ...], dict[str, Any]]


class Home(Protocol):
    """Where a job's runs go: the scheduler that includes it."""

    async def enqueue_many(self, calls: Sequence[Call[Any]]) -> list[Handle[Any]]:
        """Add a run for each call."""
        ...

    async def look(self, run: str) -> Run:
        """The run as it is now. Raises UnknownRun."""
        ...

    async def ended(self, run: str, timeout: Length | None) -> Run:
        """The run once it is over. Raises TimeoutError, UnknownRun."""
        ...

    async def cancel(self, run: str, reason: str) -> Run:
        """Ask for a run to be cancelled."""
        ...

    async def pause(self, job: str, note: str) -> None:
        """Let no run of a job start."""
        ...

    async def resume(self, job: str) -> None:
        """Let runs of a job start again."""
        ...


class Handle(msgspec.Struct, Generic[T_co], frozen=True):
    """A run that was enqueued.

    ``fate`` tells what became of the wish: if it clashed with a unique key, ``id`` is the holder's.
    """

    id: str
    fate: Fate
    job: Job[..., Any, T_co]
    home: Home

    async def result(self, timeout: Length | None = None) -> T_co:
        """Wait until the run is over and give what the function returned.

        Of a job that is run in ``shards``, a list of what it returned for each. Raises RunFailed when it failed, was
        cancelled or skipped; TimeoutError when it is not over in time; UnknownRun when it has been pruned.
        """
        run = await self.home.ended(self.id, timeout)
        if run.state is not State.SUCCEEDED:
            raise RunFailed(epitaph(run), run)
        return self.job.told(run.result or "null", shared=self.job.shards(run.terms) is not None)

    async def status(self) -> Run:
        """The run as it is now."""
        return await self.home.look(self.id)

    async def cancel(self, reason: str = "cancelled by its caller") -> Run:
        """Ask for the run to be cancelled: at once if it has not started, at its next beat if it runs."""
        return await self.home.cancel(self.id, reason)


def epitaph(run: Run) -> str:
    """How a run without a result ended, in a sentence."""
    what = f"{run.error.kind}: {run.error.message}" if run.error is not None else run.reason or "no reason was given"
    return f"run {run.id} of {run.job!r} {run.state.value}: {what}"
