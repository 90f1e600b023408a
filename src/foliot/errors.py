"""Every error Foliot raises, for the caller to act on.

    FoliotError
    ├── DefinitionError          the code that defines jobs must change (also a ValueError)
    │   ├── TriggerError         a cron line, an interval, a zone: with the position of the mistake
    │   ├── JobError             a function that cannot be a job, a name used twice, unknown options
    │   ├── WorkflowError        a graph that is not one, a document that does not say one
    │   ├── ExpressionError      an expression that cannot be read, or worked out: with the position
    │   └── SettingsError        a keyword, variable or file that cannot be read
    ├── ArgumentsError           arguments that do not fit the function or are not JSON (also a TypeError)
    ├── UnknownJob               a name that no code here defines (also a LookupError)
    ├── UnknownSchedule          no schedule has this id (also a LookupError)
    ├── UnknownRun               no run has this id, or it has been pruned (also a LookupError)
    ├── RunFailed                the result of a run that has none: it failed, was cancelled or skipped
    │   └── PartsFailed          more parts of a fan-out ended so than it tolerates
    ├── RunOver                  a signal for a run that is over
    ├── ReplayError              a run that is picked up again does not do what it did before
    ├── Crashed                  the process that ran a job died under it
    ├── RemoteError              stands for an exception of a child process that cannot be rebuilt here
    └── StoreError               the place where runs live
        ├── StoreUnavailable     cannot be reached or is busy: trying again may help
        ├── StoreFull            no space left: nothing was written
        └── StoreCorrupt         not a store of ours, damaged, or written by a newer Foliot

A lost race is an answer (``False``, ``LOST``), never one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class FoliotError(Exception):
    """The root of all errors raised by Foliot."""


class DefinitionError(FoliotError, ValueError):
    """Something in the defining code is wrong; nothing was registered."""


class TriggerError(DefinitionError):
    """A trigger that cannot be: says where, and what would do instead.

    ``text`` is what was written and ``at`` the offset of the mistake in it; where both are known the message
    ends with the text and a caret under the offending character.
    """

    def __init__(self, message: str, *, text: str | None = None, at: int | None = None) -> None:
        self.text, self.at = text, at
        drawing = "" if text is None or at is None else f"\n  {text}\n  {' ' * at}^"
        super().__init__(message + drawing)


class JobError(DefinitionError):
    """A function that cannot be a job, a name used twice, or options that make no sense."""


class WorkflowError(DefinitionError):
    """A graph that is not one: a cycle, an unknown name, types that do not fit; the message names the nodes."""


class ExpressionError(DefinitionError):
    """An expression that cannot be read or worked out; the message ends with its text and a caret."""

    def __init__(self, message: str, text: str, at: int) -> None:
        self.text, self.at = text, at
        super().__init__(f"{message}\n  {text}\n  {' ' * at}^")

    def __reduce__(self) -> tuple[type[ExpressionError], tuple[str, str, int]]:
        return type(self), (str(self).partition("\n")[0], self.text, self.at)


class SettingsError(DefinitionError):
    """A setting that cannot be read: the message names the keyword, variable, or file and line."""


class ArgumentsError(FoliotError, TypeError):
    """Arguments that do not fit the function's signature, or a value that is not JSON."""


class UnknownJob(FoliotError, LookupError):
    """No job of this name is defined here."""


class UnknownSchedule(FoliotError, LookupError):
    """No schedule has this id."""


class UnknownRun(FoliotError, LookupError):
    """No run has this id, or it has been pruned."""


class RunFailed(FoliotError):
    """A run ended without a result; ``run`` is the run as it ended."""

    def __init__(self, message: str, run: object) -> None:
        self.run = run
        super().__init__(message)


class PartsFailed(RunFailed):
    """More parts of a fan-out have no result than it tolerates; ``runs`` are the first few of them."""

    def __init__(self, message: str, runs: Sequence[object]) -> None:
        self.runs = tuple(runs)
        super().__init__(message, self.runs[0] if self.runs else None)


class RunOver(FoliotError):
    """A run that is over can be told nothing more."""


class ReplayError(FoliotError):
    """A run that was picked up again does not do what it did before, so what it has done cannot be found."""


class Crashed(FoliotError):
    """The process that ran a job died under it: out of memory, by a signal, or because the job ended it."""


class RemoteError(FoliotError):
    """Stands for a child process's exception that cannot be rebuilt here; its class is named like that one."""


class StoreError(FoliotError):
    """The store could not do what it was asked; nothing was half done."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or is busy; trying again may help."""


class StoreFull(StoreError):
    """There is no space left; nothing was written."""


class StoreCorrupt(StoreError):
    """Not a store of ours, damaged, or written by a newer Foliot."""
