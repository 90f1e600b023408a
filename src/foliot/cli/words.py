"""How values read: times in the zone of whoever looks, lengths in two units, states in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from foliot.model import Attempt, Failure, Limit, Progress, Run, Worker
from foliot.moments import DAY, HOUR, MILLISECOND, MINUTE, SECOND, moment

NOTHING = "-"
_UNITS = (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND))


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Tells times as seen at ``now``, in the zone of this machine or in UTC."""

    now: int
    utc: bool = False

    def time(self, at: int | None) -> str:
        """To the second: ``2026-11-21 09:00:00``, with a Z when it is UTC."""
        return NOTHING if at is None else f"{self._there(at):%Y-%m-%d %H:%M:%S}{self._mark}"

    def clock(self, at: int | None) -> str:
        """The time of day to the millisecond: ``09:00:00.012``."""
        if at is None:
            return NOTHING
        return f"{self._there(at):%H:%M:%S}.{at // MILLISECOND % 1000:03}{self._mark}"

    def away(self, at: int) -> str:
        """How far from now: ``in 5m`` or ``3s ago``."""
        return f"in {lasting(at - self.now)}" if at > self.now else f"{lasting(self.now - at)} ago"

    def seen(self, at: int | None) -> str:
        """A time and how far it is from now: ``2026-11-21 09:00:00 (in 5m)``."""
        return NOTHING if at is None else f"{self.time(at)} ({self.away(at)})"

    @property
    def _mark(self) -> str:
        return "Z" if self.utc else ""

    def _there(self, at: int) -> datetime:
        return moment(at).astimezone(UTC if self.utc else None)


def lasting(length: int | None) -> str:
    """A length in its two largest units: ``2m 3s``, ``1d 2h``, ``1.25s``, ``250ms``."""
    if length is None:
        return NOTHING
    if length < 0:
        return f"-{lasting(-length)}"
    if length < SECOND:
        return f"{length / MILLISECOND:.3g}ms" if length < 10 * MILLISECOND else f"{length // MILLISECOND}ms"
    if length < 10 * SECOND:
        return f"{length / SECOND:.3g}s"
    return _in_two_units(length)


def _in_two_units(length: int) -> str:
    for n, (unit, size) in enumerate(_UNITS):
        if length >= size:
            count, rest = divmod(length, size)
            smaller = [f"{rest // other}{name}" for name, other in _UNITS[n + 1 : n + 2] if rest >= other]
            return " ".join([f"{count}{unit}", *smaller])
    return "0s"


def many(count: int, thing: str, plural: str = "") -> str:
    """A count with its noun: ``1 run``, ``1,203 runs``."""
    return f"{count:,} {thing if count == 1 else plural or thing + 's'}"


def progress(report: Progress | None) -> str:
    """How far a job says it is: ``40 % (4 of 10) resizing``."""
    if report is None:
        return ""
    if report.total:
        share = f"{100 * report.done / report.total:.0f} % ({report.done:g} of {report.total:g})"
    else:
        share = f"{report.done:g}"
    return f"{share} {report.note}".strip()


def duration(run: Run, now: int) -> int | None:
    """How long the last attempt at a run took, or has been taking."""
    if run.started_at is None:
        return None
    return (now if run.finished_at is None else run.finished_at) - run.started_at


def why(run: Run) -> str:
    """Why a run did not do what was wanted, or how far it is."""
    if run.reason is not None and run.error is not None:
        return f"{run.reason}: {brief(run.error)}"
    if run.reason is not None or run.error is not None:
        return run.reason or brief(run.error)
    if run.parked is not None:
        return f"no room in {run.parked}"
    if run.waits:
        return f"waits for {many(run.waits, 'run')}"
    if run.state.over:
        return ""
    return progress(run.progress) or (how(run.attempts[-1]) if run.attempts else "")


def how(attempt: Attempt) -> str:
    """How an attempt ended, with its error."""
    outcome = "running" if attempt.outcome is None else attempt.outcome.value
    return outcome if attempt.error is None else f"{outcome}: {brief(attempt.error)}"


def brief(failure: Failure | None) -> str:
    """A failure in one line."""
    if failure is None:
        return ""
    first = failure.message.strip().splitlines()
    return f"{failure.kind}: {first[0]}" if first else failure.kind


def bounds(limit: Limit | None) -> str:
    """What a limit allows: ``4 at once, 100 per 1m``."""
    parts: list[str] = []
    if limit is not None and limit.running is not None:
        parts.append(f"{limit.running} at once")
    if limit is not None and limit.starts is not None:
        parts.append(f"{limit.starts} per {lasting(limit.per)}")
    return ", ".join(parts) or "none"


def queues(worker: Worker) -> str:
    """Which queues a worker serves."""
    return ", ".join(worker.queues) or "all"


def data(value: Any) -> str:
    """A value as compact JSON."""
    return msgspec.json.encode(value).decode()
