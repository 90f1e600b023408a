"""What a running function raises to say how it wants to end. Control flow, not errors: nothing went wrong.

    Control
    ├── Retry      this attempt failed, try again: after a length of time, or as the job's retries say
    ├── Snooze     look again later; nothing failed
    ├── Cancel     end as cancelled, for good
    └── Skip       end as skipped: there was nothing to do

They are ordinary exceptions, so an ``except Exception`` in between catches them too; let them through.
"""

from __future__ import annotations

from foliot.errors import DefinitionError
from foliot.moments import Length, length


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


def _wait(after: Length) -> int:
    wait = length(after)
    if wait < 0:
        raise DefinitionError(f"{after!r} lies in the past; wait for zero or longer, like '30s'")
    return wait
