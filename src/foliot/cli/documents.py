"""What ``--json`` prints. Field names stay; times are ISO 8601 in UTC, lengths are seconds. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from foliot.errors import DefinitionError
from foliot.model import Attempt, Failure, Limit, Line, Pause, Progress, Run, Schedule, Worker
from foliot.moments import SECOND, moment
from foliot.triggers import loads

Document = dict[str, Any]


def time(at: int | None) -> str | None:
    """An instant: ``2026-11-21T09:00:00.000000Z``, always of the same length, so that text sorts as time."""
    return None if at is None else f"{moment(at):%Y-%m-%dT%H:%M:%S.%f}Z"


def seconds(length: int | None) -> float | None:
    """A length in seconds, to the microsecond."""
    return None if length is None else length / SECOND


def run(run: Run, now: int) -> Document:
    """A run. ``state`` is the stored one; ``shown`` also tells scheduled, waiting, retrying and lost."""
    return {
        "id": run.id,
        "job": run.job,
        "state": run.state.value,
        "shown": run.shown(now),
        "reason": run.reason,
        "schedule": run.schedule,
        "nominal_at": time(run.nominal_at),
        "queue": run.queue,
        "priority": run.priority,
        "key": run.key,
        "tags": list(run.tags),
        "meta": run.meta,
        "args": decoded(run.args),
        "created_at": time(run.created_at),
        "due_at": time(run.due_at),
        "expires_at": time(run.expires_at),
        "deadline_at": time(run.deadline_at),
        "started_at": time(run.started_at),
        "finished_at": time(run.finished_at),
        "worker": run.worker,
        "token": run.token,
        "failures": run.failures,
        "waits": run.waits,
        "after": list(run.after),
        "parked": run.parked,
        "cancelling": run.cancelling,
        "progress": _progress(run.progress),
        "result": None if run.result is None else decoded(run.result),
        "error": _failure(run.error),
        "timeline": [_attempt(each) for each in run.timeline],
    }


def schedule(schedule: Schedule, orphaned: bool | None = None) -> Document:
    """A schedule. ``orphaned`` is None where it is not known whether a live worker defines its job."""
    place = schedule.placement
    return {
        "id": schedule.id,
        "job": schedule.job,
        "trigger": trigger(schedule),
        "tz": _zone(schedule),
        "args": decoded(schedule.args),
        "next_at": time(schedule.wakes_at),
        "last_at": time(schedule.last_at),
        "last_run": schedule.last_run,
        "fired": schedule.fired,
        "paused": _pause(schedule.paused),
        "orphaned": orphaned,
        "overlap": schedule.overlap.value,
        "catchup": schedule.catchup.value,
        "window_seconds": seconds(schedule.window),
        "most": schedule.most,
        "pause_after": schedule.pause_after,
        "skips": [time(each) for each in schedule.skips],
        "queue": place.queue,
        "priority": place.priority,
        "key": place.key,
        "tags": list(place.tags),
        "meta": place.meta,
        "created_at": time(schedule.created_at),
        "source": schedule.source,
        "owner": schedule.owner,
    }


def trigger(schedule: Schedule) -> Any:
    """A schedule's trigger as it was asked for, as JSON."""
    return decoded(schedule.declared or schedule.trigger)


def _zone(schedule: Schedule) -> str | None:
    try:
        return loads(schedule.trigger).zone_name
    except DefinitionError:
        return None


def worker(worker: Worker, alive: bool) -> Document:
    """A worker, as last heard of."""
    return {
        "id": worker.id,
        "alive": alive,
        "host": worker.host,
        "pid": worker.pid,
        "queues": list(worker.queues),
        "jobs": list(worker.jobs),
        "labels": list(worker.labels),
        "slots": worker.slots,
        "busy": worker.busy,
        "started_at": time(worker.started_at),
        "seen_at": time(worker.seen_at),
        "stopping": worker.stopping,
    }


def queue(name: str, bound: Limit | None, waiting: int, running: int) -> Document:
    """A queue: how many runs wait and run in it, and what bounds it."""
    return {"name": name, "waiting": waiting, "running": running, **limit(bound or Limit(id=name))}


def limit(limit: Limit) -> Document:
    """What bounds a queue."""
    return {
        "concurrency": limit.running,
        "starts": limit.starts,
        "per_seconds": seconds(limit.per),
        "paused": _pause(limit.paused),
    }


def line(line: Line) -> Document:
    """A line of a run's log."""
    return {
        "n": line.n,
        "at": time(line.at),
        "level": line.level,
        "text": line.text,
        "fields": line.fields or {},
    }


def decoded(text: str) -> Any:
    """Stored JSON as a value; text that is not JSON is given as it is."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _attempt(attempt: Attempt) -> Document:
    return {
        "token": attempt.token,
        "worker": attempt.worker,
        "started_at": time(attempt.started_at),
        "ended_at": time(attempt.ended_at),
        "outcome": None if attempt.outcome is None else attempt.outcome.value,
        "error": _failure(attempt.error),
    }


def _failure(failure: Failure | None) -> Document | None:
    return None if failure is None else msgspec.to_builtins(failure)


def _progress(progress: Progress | None) -> Document | None:
    return None if progress is None else msgspec.to_builtins(progress)


def _pause(pause: Pause | None) -> Document | None:
    return None if pause is None else {"at": time(pause.at), "note": pause.note}
