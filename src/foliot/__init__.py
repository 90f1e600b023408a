"""Foliot: one scheduler for Python, from a decorator to a cluster.

The names below are loaded when they are first asked for, so that ``import foliot`` alone costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foliot.clock import Clock, ManualClock, SystemClock
    from foliot.context import Context
    from foliot.control import Cancel, Retry, Skip, Snooze
    from foliot.errors import (
        ArgumentsError,
        Crashed,
        DefinitionError,
        ExpressionError,
        FoliotError,
        JobError,
        PartsFailed,
        ReplayError,
        RunFailed,
        RunOver,
        SettingsError,
        StoreCorrupt,
        StoreError,
        StoreFull,
        StoreUnavailable,
        TriggerError,
        UnknownJob,
        UnknownRun,
        UnknownSchedule,
        WorkflowError,
    )
    from foliot.events import Event, Kind
    from foliot.handle import Call, Handle
    from foliot.jobs import Job, job, resource
    from foliot.model import Catchup, Overlap, Run, Schedule, State
    from foliot.retry import delays, exponential, fixed, random
    from foliot.scheduler import Scheduler
    from foliot.triggers import Trigger
    from foliot.when import after, at, cron, every
    from foliot.workflows.building import Workflow, workflow

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
    "ExpressionError",
    "FoliotError",
    "Handle",
    "Job",
    "JobError",
    "Kind",
    "ManualClock",
    "Overlap",
    "PartsFailed",
    "ReplayError",
    "Retry",
    "Run",
    "RunFailed",
    "RunOver",
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
    "Workflow",
    "WorkflowError",
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
    "workflow",
]

_HOMES = {
    "foliot.clock": "Clock ManualClock SystemClock",
    "foliot.context": "Context",
    "foliot.control": "Cancel Retry Skip Snooze",
    "foliot.errors": "ArgumentsError Crashed DefinitionError ExpressionError FoliotError JobError PartsFailed "
    "ReplayError RunFailed RunOver SettingsError StoreCorrupt StoreError StoreFull StoreUnavailable TriggerError "
    "UnknownJob UnknownRun UnknownSchedule WorkflowError",
    "foliot.events": "Event Kind",
    "foliot.handle": "Call Handle",
    "foliot.jobs": "Job job resource",
    "foliot.model": "Catchup Overlap Run Schedule State",
    "foliot.retry": "delays exponential fixed random",
    "foliot.scheduler": "Scheduler",
    "foliot.triggers": "Trigger",
    "foliot.when": "after at cron every",
    "foliot.workflows.building": "Workflow workflow",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a public name from where it is defined, once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
