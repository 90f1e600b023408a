"""The scripts: one for each verb, put together from the parts that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files

from foliot.model import AGEING
from foliot.stores.base import PARKS

LOOKS = 500
"""How many runs one call of ``find`` or ``tally`` looks at, at most."""

ANYWHERE = ""
"""Servers that are too old for us run it too, and can be told so."""

READS, WRITES, WRITES_WHEN_FULL = "#!lua flags=no-writes\n", "#!lua\n", "#!lua flags=allow-oom\n"
"""When memory is full, what may make room goes on: whoever runs may end, and what is over may be forgotten."""

_FLAT = frozenset({"base", "step"})
"""Parts that every other may use by the plain names in them. What is in the others is asked of the part."""

_LATER = frozenset(
    {"shelves", "moves", "keys", "waits", "lanes", "adding", "schedules", "concluding", "merging", "keeping"}
)
"""Parts that are made when something of them is first asked for: to define all takes longer than most steps."""

_RUNS = ("base", "places", "run", "shelves", "desk", "moves", "keys", "waits", "step")
_ADDING = (*_RUNS, "adding", "schedules")
_FINISHING = (*_RUNS, "lanes", "adding", "schedules", "concluding", "finishing")

_NEEDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "enter": (ANYWHERE, ()),
    "settle": (WRITES_WHEN_FULL, ()),
    "time": (READS, ()),
    "touch": (WRITES_WHEN_FULL, ()),
    "add": (WRITES, _ADDING),
    "add_plain": (WRITES, ("base", "places")),
    "amend": (WRITES_WHEN_FULL, (*_RUNS, "adding", "amending")),
    "claim": (WRITES_WHEN_FULL, (*_RUNS, "lanes", "merging", "claiming")),
    "beat": (WRITES_WHEN_FULL, (*_FINISHING, "keeping", "beating")),
    "finish": (WRITES_WHEN_FULL, _FINISHING),
    "turn": (WRITES_WHEN_FULL, (*_FINISHING, "merging", "claiming")),
    "fire": (WRITES, _ADDING),
    "put": (WRITES, (*_RUNS, "lanes", "adding", "schedules", "keeping")),
    "drop": (WRITES_WHEN_FULL, (*_RUNS, "lanes", "adding", "schedules", "keeping")),
    "prune": (WRITES_WHEN_FULL, (*_RUNS, "pruning")),
    "find": (READS, (*_RUNS, "finding")),
    "tally": (READS, (*_RUNS, "finding")),
    "states": (READS, (*_RUNS, "finding")),
    "lines": (READS, ("base",)),
    "records": (READS, ("base", "keeping")),
    "records_of": (READS, ("base", "keeping")),
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script by the name of its verb, its source, and the digest by which a server knows it."""

    name: str
    source: str
    digest: str


@cache
def script(name: str) -> Script:
    """The script of this name."""
    shebang, parts = _NEEDS[name]
    constants = f"local AGEING, PARKS, LOOKS = {AGEING}, {PARKS}, {LOOKS}\n"
    source = shebang + constants + "".join(map(_part, parts)) + _text("verbs", f"{name}.lua")
    return Script(name, source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def _part(name: str) -> str:
    """A part in a function of its own, from which it has what it uses: variables that are open are looked for."""
    text = _text(f"{name}.lua")
    if name in _FLAT:
        return text
    made = f"function()\n{text}return {name}\nend"
    return f"local {name} = later({made})\n" if name in _LATER else f"local {name} = ({made})()\n"


def _text(*path: str) -> str:
    return files("foliot.stores.redis").joinpath("lua", *path).read_text("utf-8")
