"""When: triggers as pure values, made by the functions below and written down as short JSON.

A trigger answers one question: which is the first instant after this one? ``a | b``, ``a & b`` and ``a - b``
put triggers together, and ``trigger & calendar`` and ``trigger - calendar`` keep them inside or outside days
and hours.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from foliot.triggers.base import Spec, Trigger
from foliot.triggers.cron import Cron, cron
from foliot.triggers.once import after, at
from foliot.triggers.text import dumps, load, load_calendar, loads
from foliot.triggers.words import daily, every, hourly, monthly, randomly, weekly

if TYPE_CHECKING:
    from foliot.triggers.calendars import Calendar, between, dates, during, weekdays, window
    from foliot.triggers.dialects import CrontabLine, from_crontab_file, from_quartz, from_seconds_last
    from foliot.triggers.ics import calendar_file, calendar_text
    from foliot.triggers.public_holidays import business_days, holidays
    from foliot.triggers.recurrence import rrule

__all__ = [
    "Calendar",
    "Cron",
    "CrontabLine",
    "Spec",
    "Trigger",
    "after",
    "at",
    "between",
    "business_days",
    "calendar_file",
    "calendar_text",
    "cron",
    "daily",
    "dates",
    "dumps",
    "during",
    "every",
    "from_crontab_file",
    "from_quartz",
    "from_seconds_last",
    "holidays",
    "hourly",
    "load",
    "load_calendar",
    "loads",
    "monthly",
    "randomly",
    "rrule",
    "weekdays",
    "weekly",
    "window",
]

_HOMES = {  # what fewer programs use is loaded when it is first asked for
    "calendars": "Calendar between dates during weekdays window",
    "dialects": "CrontabLine from_crontab_file from_quartz from_seconds_last",
    "ics": "calendar_file calendar_text",
    "public_holidays": "business_days holidays",
    "recurrence": "rrule",
}
_HOME = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a public name from where it is defined, once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value
