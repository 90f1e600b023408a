"""What may go wrong with a Redis, as errors of ours that say what to do."""

from __future__ import annotations

from foliot.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable
from foliot.stores.redis.line import Refused

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

_BY_FIRST_WORD: dict[str, _Known] = {
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": _RIGHTS,
    "READONLY": _REPLICA,
    "OOM": (StoreFull, "Redis is out of memory, nothing was written ({said}); raise maxmemory, or keep less history"),
    "MISCONF": (StoreUnavailable, "it cannot save to its disk, so it takes no changes ({said})"),
    "NOREPLICAS": (StoreUnavailable, "too few replicas are connected ({said})"),
    "WRONGTYPE": (StoreCorrupt, "a key of ours holds something else ({said})"),
    **dict.fromkeys(
        ("BUSY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "UNBLOCKED"), _NOT_READY
    ),
}

_BY_ANY_WORDS: dict[str, _Known] = {
    "ACL failure": _RIGHTS,
    "can't run this command": _RIGHTS,
    "can't access": _RIGHTS,
    "invalid password": _LOGIN,
    "without any password configured": _LOGIN,
    "read only replica": _REPLICA,
    "MOVED": _NOT_READY,
}


def explained(problem: Exception, where: str) -> StoreError:
    """The error of ours that stands for this one."""
    said = str(problem) or type(problem).__name__
    kind, told = _known(problem, said)
    return kind(f"{where}: {told.format(said=said)}")


def _known(problem: Exception, said: str) -> _Known:
    if not isinstance(problem, Refused):
        return StoreUnavailable, "cannot be reached ({said})"
    by_first = _BY_FIRST_WORD.get(said.partition(" ")[0])
    if by_first is not None:
        return by_first
    return next((known for words, known in _BY_ANY_WORDS.items() if words in said), (StoreError, "{said}"))


def is_unknown(problem: Refused) -> bool:
    """Whether it does not know the script."""
    return str(problem).startswith("NOSCRIPT")


def knows_better(problem: Refused) -> bool:
    """Whether somebody else keeps the namespace now, and nothing was done."""
    return str(problem).startswith(("MOVED", "ASK"))
