"""What may go wrong with a Redis, as errors of ours that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from redis import exceptions as theirs
from redis.asyncio.sentinel import MasterNotFoundError

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable

_Known = tuple[type[StoreError], str]

_LOGIN: _Known = (StoreError, "{said}; put the user and its password into the URL: redis://user:password@host:6379/0")
_RIGHTS: _Known = (
    StoreError,
    "this user may not do what the store needs ({said}); the page about Redis has an ACL SETUSER that gives it enough",
)
_REPLICA: _Known = (
    StoreUnavailable,
    "this is a read-only replica ({said}); name the master in the URL, or its sentinels: redis+sentinel://…",
)
_NOT_READY: _Known = (StoreUnavailable, "not ready ({said})")
_NO_MASTER: _Known = (
    StoreUnavailable,
    "no sentinel that can be reached knows a living master of this name ({said}); look at both in the URL",
)
_UNREACHABLE: _Known = (StoreUnavailable, "cannot be reached ({said}); start it, or name another in the URL")

_BY_KIND: tuple[tuple[type[Exception], _Known], ...] = (
    (MasterNotFoundError, _NO_MASTER),
    (theirs.AuthenticationError, _LOGIN),
    (theirs.NoPermissionError, _RIGHTS),
    (theirs.ReadOnlyError, _REPLICA),
    (
        theirs.OutOfMemoryError,
        (StoreFull, "Redis is out of memory, nothing was written ({said}); raise maxmemory, or keep less history"),
    ),
    (theirs.BusyLoadingError, _NOT_READY),
    (theirs.ClusterError, _NOT_READY),
    (theirs.AskError, _NOT_READY),
    (theirs.TryAgainError, _NOT_READY),
)

_BY_WORDS: tuple[tuple[str, _Known], ...] = (
    ("ACL failure", _RIGHTS),
    ("can't run this command", _RIGHTS),
    ("can't access", _RIGHTS),
    ("read only replica", _REPLICA),
    ("MISCONF", (StoreUnavailable, "it cannot save to its disk, so it takes no changes ({said})")),
    ("NOREPLICAS", (StoreUnavailable, "too few replicas are connected ({said})")),
    ("WRONGTYPE", (StoreCorrupt, "a key of ours holds something else ({said})")),
    ("BUSY", _NOT_READY),
    ("UNBLOCKED", _NOT_READY),
)


_KIND_OF_ERROR = re.compile(r"- (\w+:\w+)")


def explained(problem: Exception, where: str) -> StoreError:
    """The error of ours that stands for this one."""
    said = _said(problem)
    kind, told = _known(problem, said)
    return kind(f"{where}: {told.format(said=said)}")


def _known(problem: Exception, said: str) -> _Known:
    for each in _behind(problem):
        for kind, known in _BY_KIND:
            if isinstance(each, kind):
                return known
    if not isinstance(problem, theirs.ResponseError):
        return _UNREACHABLE
    return next((known for words, known in _BY_WORDS if words in said), (StoreError, "{said}"))


def _said(problem: Exception) -> str:
    if isinstance(problem, MasterNotFoundError):  # names every sentinel by all that its client is made from
        head, _, asked = str(problem).partition(" : ")
        return "; ".join([head, *dict.fromkeys(_KIND_OF_ERROR.findall(asked))])
    return str(problem).rstrip(".") or type(problem).__name__


def _behind(problem: BaseException | None) -> Iterator[BaseException]:
    """A problem, and those because of which it was raised."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
