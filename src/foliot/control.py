"""What a running function raises to say how it wants to end. Control flow, not errors: nothing went wrong.

    Control
    ├── Retry      this attempt failed, try again: after a length of time, or as the job's retries say
    ├── Snooze     look again later; nothing failed
    ├── Cancel     end as cancelled, for good
    └── Skip       end as skipped: there was nothing to do

They are ordinary exceptions, so an ``except Exception`` in between catches them too; let them through.

Beside them stands PutDown, which our own verbs raise: the run waits, without a worker. It is no ordinary exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from foliot.errors import DefinitionError
from foliot.moments import Length, length

if TYPE_CHECKING:
    from foliot.model import Run


class Control(Exception):
    """The root of what a function raises to steer its run; ``reason`` is kept with the run."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(reason)


class Retry(Control):
    """Try again. Counts as a failure.

    With ``after`` the run is looked at again that much later, however many retries the job has left; without
    it the job's own retries decide. ``self.after`` is in microseconds.
    """

    def __init__(self, after: Length | None = None, reason: str = "") -> None:
        self.after = None if after is None else _wait(after)
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[Retry], tuple[str | None, str]]:
        return type(self), (None if self.after is None else f"{self.after}us", self.reason)


class Snooze(Control):
    """Put the run down and look again after this length of time. Counts no failure.

    ``self.after`` is in microseconds.
    """

    def __init__(self, after: Length, reason: str = "") -> None:
        self.after = _wait(after)
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[Snooze], tuple[str, str]]:
        return type(self), (f"{self.after}us", self.reason)


class Cancel(Control):
    """End the run as cancelled: no retry follows."""


class Skip(Control):
    """End the run as skipped, with the reason why there was nothing to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PutDown(BaseException):
    """Put the run down until these runs are over, and not before ``due_at``; what it spawns is added with it.

    The function runs from its beginning when the run is picked up again. Raised by the verbs of ``Context`` that wait;
    an ``except BaseException`` or a bare ``except`` in between must let it through.
    """

    def __init__(self, wait: Sequence[str] = (), spawn: Sequence[Run] = (), due_at: int | None = None) -> None:
        self.wait, self.spawn, self.due_at = tuple(wait), tuple(spawn), due_at
        super().__init__("this run waits; let it through")

    @classmethod
    def found(cls, error: BaseException) -> Self | None:
        """What to put down, if this is one, or a group of nothing else, as a TaskGroup raises."""
        if isinstance(error, cls):
            return error
        if not isinstance(error, BaseExceptionGroup):
            return None
        together: Any = error.exceptions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        downs = [cls.found(each) for each in together]
        return None if None in downs else cls._together([each for each in downs if each is not None])

    @classmethod
    def _together(cls, downs: Sequence[Self]) -> Self:
        """All of them at once, due with the first."""
        due = None if any(each.due_at is None for each in downs) else min(each.due_at or 0 for each in downs)
        wait = [run for each in downs for run in each.wait]
        return cls(wait, [run for each in downs for run in each.spawn], due)


def _wait(after: Length) -> int:
    wait = length(after)
    if wait < 0:
        raise DefinitionError(f"{after!r} lies in the past; wait for zero or longer, like '30s'")
    return wait
