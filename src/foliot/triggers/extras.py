"""Libraries that only some triggers need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from foliot.errors import TriggerError


def library(module: str, *, extra: str) -> Any:
    """A module of a library that an extra of Foliot installs. Raises TriggerError where it is not there."""
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise TriggerError(f"this needs the package {package!r}: pip install 'foliot[{extra}]'") from None
