"""Puts what a job says through ``logging`` onto its run.

While installed, and only inside a running job, a record of at least the run's level (INFO unless asked
otherwise) is kept as a line of the run, if its logger lets it through. A logger that has no level of its own,
nor a parent below the root with one, lets it through even where the root's level (WARNING, unless configured)
would not. Not kept: records of loggers named ``foliot`` or below it, of disabled loggers, what
``logging.disable`` or a logger's filters hold back, and records of threads that a job starts without its
context.

What the program shows elsewhere stays as it is: no handler is added, no level is changed, and a record that
exists only for the run reaches no handler. That is why two methods of ``logging.Logger`` are wrapped. A
handler on the root logger would need the root's level lowered for everybody, would turn a later
``logging.basicConfig()`` into nothing, would silence the warnings of a program that has no handler, and would
miss loggers that do not propagate.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from logging import Logger, LogRecord
from typing import Any

from foliot.context import CURRENT, Context

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_users = 0
_unwrap: Callable[[], bool] | None = None


def install() -> None:
    """Capture from now on. Several engines in one process share it: each that installs it removes it once."""
    global _users, _unwrap  # noqa: PLW0603 - what it wraps belongs to the whole process, too
    _users += 1
    if _unwrap is None:
        _unwrap = _wrap()


def remove() -> None:
    """Stop capturing, when the last who installed it has removed it."""
    global _users, _unwrap  # noqa: PLW0603
    _users -= 1
    if _users == 0 and _unwrap is not None and _unwrap():
        _unwrap = None


def _wrap() -> Callable[[], bool]:
    """Wrap the two methods. The answer unwraps them, or is False: others wrapped them since, ours stay."""
    enabled_before, handled_before = Logger.isEnabledFor, Logger.callHandlers

    def is_enabled_for(self: Logger, level: int) -> bool:
        return enabled_before(self, level) or _only_for_the_run(self, level)

    def call_handlers(self: Logger, record: LogRecord) -> None:
        context = CURRENT.get(None)
        if context is not None and _wanted(self, record.levelno, context):
            with suppress(Exception):  # a line that cannot be kept must not fail the job
                context.write(_text(record), record.levelname, _fields(record))
        if enabled_before(self, record.levelno) or not _only_for_the_run(self, record.levelno):
            handled_before(self, record)

    def unwrap() -> bool:
        if Logger.isEnabledFor is not is_enabled_for or Logger.callHandlers is not call_handlers:
            return False
        Logger.isEnabledFor, Logger.callHandlers = enabled_before, handled_before
        return True

    Logger.isEnabledFor, Logger.callHandlers = is_enabled_for, call_handlers
    return unwrap


def _only_for_the_run(logger: Logger, level: int) -> bool:
    """Whether the run that is executing here wants a record that its logger would not let through."""
    context = CURRENT.get(None)
    return (
        context is not None
        and _wanted(logger, level, context)
        and not logger.disabled
        and logger.manager.disable < level
        and _has_the_level_of_the_root(logger)
    )


def _wanted(logger: Logger, level: int, context: Context) -> bool:
    return _users > 0 and level >= context.notes.level and logger.name.partition(".")[0] != "foliot"


def _has_the_level_of_the_root(logger: Logger) -> bool:
    while logger.parent is not None:
        if logger.level:
            return False
        logger = logger.parent
    return True


def _text(record: LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit their message: a slip, and worth showing
        return f"{record.msg} {record.args!r}"


def _fields(record: LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _USUAL}
    fields = {"logger": record.name, **extra}
    if record.exc_info and record.exc_info[0] is not None:
        fields["exception"] = "".join(traceback.format_exception(*record.exc_info))
    return fields
