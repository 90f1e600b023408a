"""What callers hand in, one value at a time, read and checked: an error says what would do instead.

A reader raises DefinitionError with the remedy only; ``given`` puts the keyword and its value before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from inspect import signature
from typing import Any, TypeVar

import msgspec

from foliot.errors import DefinitionError
from foliot.model import PRIORITIES, Shards
from foliot.moments import length

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def given(name: str, value: Any, read: Callable[[Any], T]) -> T:
    """The value of a keyword, read. Raises DefinitionError that names the keyword, its value and the remedy."""
    try:
        return read(value)
    except DefinitionError as problem:
        raise DefinitionError(f"{name}={value!r}: {problem}") from None


def positive_length(value: Any) -> int:
    """A length of time above zero, in microseconds."""
    micros = length(value)
    if micros <= 0:
        raise DefinitionError("give a length of time above zero")
    return micros


def any_length(value: Any) -> int:
    """A length of time from zero, in microseconds."""
    micros = length(value)
    if micros < 0:
        raise DefinitionError("give a length of time from zero")
    return micros


def positive(value: Any) -> int:
    """A whole number from 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DefinitionError("give a whole number from 1")
    return value


def count(value: Any) -> int:
    """A whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DefinitionError("give a whole number from 0")
    return value


def priority(value: Any) -> int:
    """A priority from 0 to 9."""
    if not isinstance(value, int) or isinstance(value, bool) or value not in PRIORITIES:
        raise DefinitionError(f"give a priority from {PRIORITIES[0]} (last) to {PRIORITIES[-1]} (first)")
    return value


def shards(value: Any) -> Shards:
    """How many, or an argument for each."""
    if isinstance(value, int):
        return positive(value)
    listed = _listed(value)
    if not listed or isinstance(value, Mapping):
        raise DefinitionError("give a whole number from 1, or a list with an argument for each")
    try:
        return tuple(msgspec.json.decode(msgspec.json.encode(listed)))
    except (TypeError, ValueError) as problem:
        raise DefinitionError(f"give arguments that are JSON: {problem}") from None


def flag(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise DefinitionError("give True or False")
    return value


def text(value: Any) -> str:
    """Any text that can be written down."""
    if not isinstance(value, str):
        raise DefinitionError("give a text")
    return _whole(value)


def _whole(value: str) -> str:
    """Text that every store can hold: no halves of surrogate pairs, as in file names that are not UTF-8, and no NUL."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DefinitionError("give text that is Unicode, without half a surrogate pair") from None
    if "\0" in value:
        raise DefinitionError("give text without NUL")
    return value


def name(value: Any) -> str:
    """A name that is not blank."""
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise DefinitionError("give a text of 1 to 200 characters")
    return _whole(value)


def lane(value: Any) -> str:
    """The name of a job: ``#`` would make it one of a family of lanes."""
    if "#" in name(value):
        raise DefinitionError("give a name without '#', which keeps a name apart from a key")
    return value


def queue(value: Any) -> str:
    """The name of a queue."""
    if "+" in lane(value) or "@" in value:
        raise DefinitionError("give a name without '+' and '@', which say what a worker must have or be")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts."""
    listed = _listed(value)
    if listed is None or not all(isinstance(each, str) for each in listed):
        raise DefinitionError("give a list of texts")
    return tuple(map(_whole, listed))


def labels(value: Any) -> tuple[str, ...]:
    """A list of texts that are not blank."""
    listed = texts(value)
    if blank := [each for each in listed if not each.strip()]:
        raise DefinitionError(f"{blank[0]!r} tells nothing apart; leave it out")
    return listed


def functions(value: Any) -> tuple[Callable[..., Any], ...]:
    """Middleware: functions around functions."""
    listed = _listed(value)
    if listed is None or not all(callable(each) and _takes_two(each) for each in listed):
        raise DefinitionError("give a list of functions `async (call, next)`")
    return listed


def _listed(value: Any) -> tuple[Any, ...] | None:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def mapping(value: Any) -> dict[str, Any]:
    """A mapping with text keys."""
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):  # pyright: ignore[reportUnknownVariableType]
        raise DefinitionError("give a mapping with text keys")
    return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def plain(value: Any) -> dict[str, Any]:
    """A mapping with text keys that is JSON."""
    found = mapping(value)
    try:
        msgspec.json.encode(found)
    except (TypeError, ValueError) as problem:
        raise DefinitionError(f"give plain data that is JSON: {problem}") from None
    return found


def function(value: Any) -> Any:
    """Something to call with a run and what came of it."""
    if not callable(value) or not _takes_two(value):
        raise DefinitionError("give a function `(run, outcome)`")
    return value


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether two arguments fit, as far as it tells."""
    try:
        signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # some functions written in C tell nothing
        return True
    return True


def choice(kind: type[E]) -> Callable[[Any], E]:
    """One of the values of an enumeration, or its text."""

    def read_choice(value: Any) -> E:
        try:
            return kind(value)
        except ValueError:
            raise DefinitionError(f"choose one of {', '.join(repr(each.value) for each in kind)}") from None

    return read_choice
