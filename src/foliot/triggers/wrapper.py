"""What all triggers have in common that change one other trigger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from foliot.triggers.base import Trigger


@dataclass(frozen=True, slots=True)
class Wrapper(Trigger):
    """A trigger made of one other, ``of``, whose zone, delay and way of counting it keeps."""

    of: Trigger

    @property
    def zone_name(self) -> str | None:
        return self.of.zone_name

    @property
    def from_finish(self) -> bool:
        return self.of.from_finish

    def delay(self, nominal: int) -> int:
        return self.of.delay(nominal)

    def mapped(self, change: Callable[[Trigger], Trigger]) -> Trigger:
        changed = change(self.of)
        return self if changed is self.of else replace(self, of=changed)
