"""What the store was asked and what it answered, kept beside it and checked at each step."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Clash,
    Ending,
    Firing,
    Hold,
    Limit,
    Record,
    Reply,
    Run,
    Schedule,
    State,
    Unique,
    Verdict,
)
from foliot.stores.lanes import lanes_of, limit_of

MOST_WRONGS = 20
"""How many broken promises are told of one simulation."""


class Chronicle:
    """Follows every step of the store by books of its own, and writes down each promise that is broken.

    ``pulse`` is a checksum of all that happened, in order: simulations that are the same have the same.
    """

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        self.pulse = 0
        self.fired: list[tuple[int, Run]] = []
        """Each run that came from a schedule, and when the store was told, microseconds from the beginning."""
        self.claimed: list[tuple[int, Run]] = []
        self.lost = 0
        """How many claims were taken over."""
        self.wanted: dict[str, int] = {}
        """Each run that was enqueued and acknowledged, and when."""
        self.tokens: dict[str, int] = {}
        self.ends: Counter[str] = Counter()
        self.executions: Counter[tuple[str, int]] = Counter()
        self.steps: dict[tuple[str, str], str] = {}
        """What each step of a run has given to its function."""
        self.limits: Mapping[str, Limit] = {}
        self._handed: dict[str, Run] = {}
        self._running: dict[str, Run] = {}
        self._leases: dict[str, int] = {}
        self._lanes: dict[str, set[str]] = {}
        self._keys: dict[str, set[str]] = {}
        self._versions: dict[str, int] = {}

    def saw(self, verb: str, args: tuple[Any, ...], answer: Any, at: int) -> None:
        """The store took this step just now."""
        match verb:
            case "turn":
                self._finished(args[0], answer[0], at)
                self._claimed(answer[1], args[2], at)
            case "claim":
                self._claimed(answer, args[1], at)
            case "finish":
                self._finished(args[0], answer, at)
            case "beat":
                self._beaten(args[1], answer, args[2] + args[3])
            case "fire":
                self._fired(args[0], answer, at)
            case "add":
                self._handed |= {run.id: run for run in args[0]}
            case "amend":
                self._amended(args[1], answer)
            case "put":
                self._put(args[0])
            case _:
                pass
        self._note(verb, at)

    def acknowledged(self, added: Added, at: int) -> None:
        """Somebody was told that this run is in the store."""
        self.wanted.setdefault(added.id, at)

    def executing(self, run: Run) -> None:
        """The function of a run is called."""
        self.executions[run.id, run.token] += 1
        if self.executions[run.id, run.token] > 1:
            self._wrong(f"run {run.id} was executed twice under the token {run.token}")

    def told(self, run: Run, step: str, value: str) -> str:
        """A step of a run gave this to its function, and must give the same to every attempt."""
        if (kept := self.steps.setdefault((run.id, step), value)) != value:
            self._wrong(f"step {step!r} of run {run.id} gave {value!r}, and {kept!r} before")
        return value

    def wrong(self, what: str) -> None:
        """Write down that a promise is broken."""
        self._wrong(what)

    # Workers

    def _claimed(self, batch: Batch, now: int, at: int) -> None:
        for run in batch.runs:
            if run.token != self.tokens.get(run.id, 0) + 1:
                self._wrong(f"run {run.id} was claimed with the token {run.token}, after {self.tokens.get(run.id, 0)}")
            if self.ends[run.id]:
                self._wrong(f"run {run.id} was claimed after it had ended")
            if run.id in self._running:
                self._taken_over(run, now)
            elif run.due_at > now:
                self._wrong(f"run {run.id} was claimed before it was due")
            self._enters(run)
            self.tokens[run.id], self._leases[run.id] = run.token, run.wakes_at or 0
            self.claimed.append((at, run))
            self._note(f"{run.id}{run.worker}", run.token)

    def _taken_over(self, run: Run, now: int) -> None:
        if self._leases[run.id] > now:
            self._wrong(f"run {run.id} was taken before its lease had lapsed")
        self.lost += 1
        self._leaves(run.id)

    def _enters(self, claimed: Run) -> None:
        run = self._handed.get(claimed.id, claimed)  # as it was wanted, whatever the store made of it
        self._running[run.id] = run
        for lane in lanes_of(run):
            limit = limit_of(lane, self.limits)
            if limit is not None:
                self._takes_place(self._lanes.setdefault(lane, set()), run, lane, limit.running)
        if run.unique is not None and _alone(run.unique):
            self._takes_place(self._keys.setdefault(run.unique.key, set()), run, run.unique.key, 1)

    def _takes_place(self, holders: set[str], run: Run, lane: str, most: int | None) -> None:
        holders.add(run.id)
        if most is not None and len(holders) > most:
            self._wrong(f"{len(holders)} runs hold {lane!r}, which has room for {most}: {sorted(holders)}")

    def _leaves(self, id: str) -> None:
        run = self._running.pop(id)
        self._leases.pop(id, None)
        for lane in lanes_of(run):
            self._lanes.get(lane, set()).discard(id)
        if run.unique is not None:
            self._keys.get(run.unique.key, set()).discard(id)

    def _finished(self, endings: Sequence[Ending], kept: Sequence[bool], at: int) -> None:
        for ending, accepted in zip(endings, kept, strict=True):
            if accepted != self._stands(ending.run, ending.token):
                self._wrong(
                    f"an ending of run {ending.run} with the token {ending.token} was "
                    f"{'taken' if accepted else 'refused'}; the newest token is {self.tokens.get(ending.run)}"
                )
            if accepted:
                self._ended(ending, at)
            self._note(f"{ending.run}{ending.state}{accepted}", ending.token)

    def _ended(self, ending: Ending, at: int) -> None:
        if ending.run in self._running:
            self._leaves(ending.run)
        if ending.state.over:
            self.ends[ending.run] += 1
            if self.ends[ending.run] > 1:
                self._wrong(f"run {ending.run} ended {self.ends[ending.run]} times")
        self._handed |= {run.id: run for run in ending.spawn}
        if ending.firing is not None:
            stands = self._versions.get(ending.firing.schedule.id, 0) == ending.firing.expect
            self._fired([ending.firing], Agenda(fired=(stands,)), at)

    def _beaten(self, beats: Sequence[Beat], replies: Sequence[Reply], until: int) -> None:
        for beat, reply in zip(beats, replies, strict=True):
            kept = reply.verdict is not Verdict.LOST
            if kept != self._stands(beat.run, beat.token):
                self._wrong(f"a beat for run {beat.run} with the token {beat.token} was answered {reply.verdict.value}")
            if kept:
                self._leases[beat.run] = until

    def _stands(self, run: str, token: int) -> bool:
        return run in self._running and self.tokens.get(run) == token

    # Schedules and people

    def _fired(self, firings: Sequence[Firing], agenda: Agenda, at: int) -> None:
        for firing, accepted in zip(firings, agenda.fired, strict=True):
            if accepted != (self._versions.get(firing.schedule.id, 0) == firing.expect):
                self._wrong(f"a firing of {firing.schedule.id!r} decided from an old version was taken")
            if accepted:
                self._versions[firing.schedule.id] = firing.expect + 1
                self.fired += [(at, run) for run in firing.runs]
                self._handed |= {run.id: run for run in firing.runs}
            self._note(f"{firing.schedule.id}{accepted}", firing.expect)

    def _amended(self, change: Change, runs: Sequence[Run | None]) -> None:
        for run in runs:
            if run is not None and change.cancel is not None and run.state is State.CANCELLED:
                self.ends[run.id] = max(1, self.ends[run.id])

    def _put(self, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record, Schedule):
                self._versions[record.id] = self._versions.get(record.id, 0) + 1
            elif isinstance(record, Limit):
                self.limits = {**self.limits, record.id: record}

    def _wrong(self, what: str) -> None:
        if len(self.wrongs) < MOST_WRONGS:
            self.wrongs.append(what)

    def _note(self, what: str, number: int) -> None:
        self.pulse = zlib.crc32(f"{what}{number}".encode(), self.pulse)


def _alone(unique: Unique) -> bool:
    """Whether nobody else runs with this key; to a run that renews, who was ever claimed counts as gone."""
    return unique.hold is Hold.OVER and unique.until is None and unique.clash is not Clash.RENEW
