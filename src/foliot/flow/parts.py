"""What a fan-out is made of: calls as they are given, or one job with many items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

from msgspec.structs import replace

from foliot.codec import dumps
from foliot.errors import ArgumentsError
from foliot.handle import Call
from foliot.jobs import USUAL, Job, Wish
from foliot.model import Run
from foliot.options import RunOptions

Place = Callable[[Call[Any], str], Run]
"""Makes the run that a call wants, with this id."""


class Parts(Protocol):
    """The parts of a fan-out, numbered from 0."""

    def __len__(self) -> int: ...

    @property
    def summary(self) -> str:
        """What they are, as JSON text that differs if they do."""
        ...

    def check(self) -> None:
        """Raise ArgumentsError if a part cannot be called."""
        ...

    def placed(self, place: Place, start: int, ids: Sequence[str]) -> list[Run]:
        """The runs of the parts from this number on, with these ids."""
        ...

    def read(self, n: int, text: str) -> Any:
        """The result of a part."""
        ...


class Calls:
    """Calls, one for each part."""

    def __init__(self, calls: Sequence[Call[Any]]) -> None:
        self._calls = calls

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def summary(self) -> str:
        """How many, and a digest of their jobs and arguments."""
        return _summary(len(self), *(f"{each.job.name}\0{each.args}" for each in self._calls))

    def check(self) -> None:
        """They were checked when they were made."""

    def placed(self, place: Place, start: int, ids: Sequence[str]) -> list[Run]:
        """Each placed for itself."""
        return [place(self._calls[n], id) for n, id in enumerate(ids, start)]

    def read(self, n: int, text: str) -> Any:
        """As the job of this part says."""
        return _told(self._calls[n].job, self._calls[n].options, text)


class Each:
    """One job, called with each of many items as its one argument."""

    def __init__(self, job: Job[..., Any, Any] | Wish[..., Any], items: Iterable[Any]) -> None:
        self._wish = Wish(job, USUAL) if isinstance(job, Job) else job
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def summary(self) -> str:
        """How many, and a digest of the job and the items."""
        return self._summary

    @cached_property
    def _summary(self) -> str:
        try:
            return _summary(len(self), self._wish.job.name, dumps(self._items))
        except ArgumentsError:
            self.check()
            raise

    def check(self) -> None:
        """Raise ArgumentsError that tells which item does not fit, or is not JSON."""
        _ = self._texts

    @cached_property
    def _texts(self) -> list[str]:
        """The arguments of each part."""
        return self._wish.job.shape.encode_each(self._items)

    def placed(self, place: Place, start: int, ids: Sequence[str]) -> list[Run]:
        """All like the first, but for their ids and arguments; each for itself, where those say how it is placed."""
        if not self._alike:
            return [place(self._call(n), id) for n, id in enumerate(ids, start)]
        first = place(self._call(start), ids[0])
        return [replace(first, id=id, args=self._texts[n]) for n, id in enumerate(ids, start)]

    @property
    def _alike(self) -> bool:
        ours, theirs = self._wish.job.settings, self._wish.given
        unique = ours.unique if theirs.unique is None else theirs.unique
        return (ours.key is None or theirs.key is not None) and unique in (None, False)

    def _call(self, n: int) -> Call[Any]:
        return Call(self._wish.job, self._texts[n], self._wish.given, ((self._items[n],), {}))

    def read(self, n: int, text: str) -> Any:
        """As the job says."""
        return _told(self._wish.job, self._wish.given, text)


def _told(job: Job[..., Any, Any], given: RunOptions, text: str) -> Any:
    return job.told(text, shared=bool(given.shards or job.settings.shards))


def _summary(count: int, *texts: str) -> str:
    digest = blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return f'{{"parts":{count},"digest":"{digest.hexdigest()}"}}'
