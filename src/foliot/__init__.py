"""Foliot: one scheduler for Python, from a decorator to a cluster."""

from foliot.clock import Clock, ManualClock, SystemClock
from foliot.context import Context
from foliot.control import Cancel, Retry, Skip, Snooze
from foliot.errors import (
    ArgumentsError,
    Crashed,
    DefinitionError,
    FoliotError,
    JobError,
    RunFailed,
    SettingsError,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TriggerError,
    UnknownJob,
    UnknownRun,
    UnknownSchedule,
)
from foliot.events import Event, Kind
from foliot.handle import Call, Handle
from foliot.jobs import Job, job, resource
from foliot.model import Catchup, Overlap, Run, Schedule, State
from foliot.retry import delays, exponential, fixed, random
from foliot.scheduler import Scheduler
from foliot.triggers import Trigger
from foliot.when import after, at, cron, every

__all__ = [
    "ArgumentsError",
    "Call",
    "Cancel",
    "Catchup",
    "Clock",
    "Context",
    "Crashed",
    "DefinitionError",
    "Event",
    "FoliotError",
    "Handle",
    "Job",
    "JobError",
    "Kind",
    "ManualClock",
    "Overlap",
    "Retry",
    "Run",
    "RunFailed",
    "Schedule",
    "Scheduler",
    "SettingsError",
    "Skip",
    "Snooze",
    "State",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnavailable",
    "SystemClock",
    "Trigger",
    "TriggerError",
    "UnknownJob",
    "UnknownRun",
    "UnknownSchedule",
    "after",
    "at",
    "cron",
    "delays",
    "every",
    "exponential",
    "fixed",
    "job",
    "random",
    "resource",
]
