"""What is known after a play, and what is claimed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from foliot.model import Run, Schedule
from foliot.moments import MILLISECOND, SECOND
from foliot.testing.faults.notes import Note, Saw


class Span(NamedTuple):
    """From when to when, microseconds of the monotonic clock."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known after a play: what the processes noted, and what the store holds.

    ``wanted`` are the ids of enqueued runs that the store has answered for. ``epoch`` is the wall clock minus the
    monotonic one. ``outages`` are the times when no process could work with the store. ``patience`` is how late
    something may be, and ``haste`` how early, microseconds. ``complaints`` tells of processes that ended by
    themselves or met errors that they had not expected.
    """

    notes: Sequence[Note]
    runs: Sequence[Run]
    schedules: Sequence[Schedule]
    wanted: Sequence[str]
    epoch: int
    outages: Sequence[Span] = ()
    patience: int = 5 * SECOND
    haste: int = 500 * MILLISECOND
    complaints: Sequence[str] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Run]:
        """The runs in the store."""
        return {run.id: run for run in self.runs}

    def seen(self, *what: Saw) -> Mapping[str, list[Note]]:
        """Notes of these kinds, by run."""
        found: dict[str, list[Note]] = defaultdict(list)
        for note in self.notes:
            if note.saw in what:
                found[note.run].append(note)
        return found


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that is promised, how many cases were looked at, and what contradicts it."""

    promise: str
    cases: int
    broken: Sequence[str] = field(default_factory=list[str])

    @property
    def holds(self) -> bool:
        """Whether it was looked at and nothing contradicts it."""
        return self.cases > 0 and not self.broken
