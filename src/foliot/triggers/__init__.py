"""When: triggers as pure values, made by the functions below and written down as short JSON."""

from foliot.triggers.base import Spec, Trigger
from foliot.triggers.cron import Cron, cron
from foliot.triggers.every import every
from foliot.triggers.once import after, at
from foliot.triggers.text import dumps, load, loads

__all__ = ["Cron", "Spec", "Trigger", "after", "at", "cron", "dumps", "every", "load", "loads"]
