"""Values as JSON text.

Anything that msgspec encodes may travel (plain data, dataclasses, structs, attrs, aware datetimes, Decimal,
UUID, bytes, enums, sets, named tuples), and beside it paths and pydantic models (2.11 or newer). A value is
written as what it is, and read as the type that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import PurePath
from typing import Any

import msgspec

from foliot.errors import ArgumentsError

REMEDY = "give plain data (an id, a dict, a dataclass) and look the rest up inside the job"


class NotJSON(Exception):
    """Its message says what is not JSON."""


def dumps(value: object) -> str:
    """Write a value as JSON text. Raises ArgumentsError naming what in it is not JSON."""
    try:
        return text_of(value)
    except NotJSON as problem:
        raise ArgumentsError(f"{problem}; {REMEDY}") from None


def loads(text: str) -> Any:
    """Read JSON text as plain data. Raises ArgumentsError saying where it is malformed."""
    try:
        return _plain(text)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise ArgumentsError(str(problem)) from None


def reader(kind: Any) -> Callable[[str | msgspec.Raw], Any]:
    """What reads JSON text as this type; it raises msgspec's errors and those of the values' constructors."""
    return msgspec.json.Decoder(kind, dec_hook=_read).decode


def misfit(value: object, kind: Any) -> str | None:
    """Why a value cannot be read as this type once it has travelled as JSON; None if it can, or nobody can tell."""
    try:
        read = reader(kind)
    except (TypeError, NameError):  # a name that is not known yet, or no type
        return None
    try:
        read(text_of(value))
    except Exception as problem:  # values may have constructors of their own
        return str(problem)
    return None


def is_ours(kind: Any) -> bool:
    """Whether a type that msgspec does not know can be read all the same."""
    return isinstance(kind, type) and (kind is object or issubclass(kind, PurePath) or _is_model(kind))


def text_of(value: object) -> str:
    """Write a value as JSON text. Raises NotJSON, for callers who can tell where the value comes from."""
    try:
        text = _encode(value).decode()
    except Exception as problem:  # values may have serialisers of their own
        raise NotJSON(_blamed(problem)) from problem
    if "null" in text:  # which is also how a number that is none would be written
        _refuse_odd_numbers(value)
    return text


def named(kind: Any) -> str:
    """A type as people write it."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _blamed(problem: Exception) -> str:
    match problem:
        case NotJSON():
            return str(problem)
        case RecursionError():
            return "a value that contains itself is not JSON"
        case UnicodeEncodeError():
            return "text with half a surrogate pair is not JSON"
        case _:
            return f"not JSON: {problem}"


def _refuse_odd_numbers(value: object) -> None:
    for leaf in _leaves(msgspec.to_builtins(value, enc_hook=_written)):
        if isinstance(leaf, float) and not isfinite(leaf):
            raise NotJSON(f"the number {leaf} is not JSON")


def _leaves(data: Any) -> Iterator[object]:
    match data:
        case dict():
            for each in data.values():  # pyright: ignore[reportUnknownVariableType]
                yield from _leaves(each)
        case list() | tuple():
            for each in data:  # pyright: ignore[reportUnknownVariableType]
                yield from _leaves(each)
        case _:
            yield data


def _written(value: Any) -> object:
    """What to write in the place of a value that msgspec does not know."""
    for basic in (str, int, float):  # classes of others that are one of these, such as numpy's float64
        if isinstance(value, basic):
            return basic(value)
    if isinstance(value, PurePath):
        return str(value)
    if _is_model(value):
        return value.model_dump(mode="json", round_trip=True)
    kind = named(type(value))
    raise NotJSON(f"a {'key' if isinstance(value, _KEYS_ONLY) else 'value'} of type {kind} is not JSON")


def _read(kind: Any, data: Any) -> object:
    """Make what msgspec does not know from the JSON data that was written for it."""
    if kind is object:
        return data
    if _is_model(kind):
        return kind.model_validate_json(_encode(data), by_alias=True, by_name=True)
    if isinstance(data, str):
        return kind(data)
    raise ValueError(f"Expected `str`, got `{type(data).__name__}`")


def _is_model(it: Any) -> bool:
    """Whether it is a pydantic model or its class; told by its methods, so pydantic need not be there."""
    return hasattr(it, "model_dump") and hasattr(it, "model_validate_json")


_KEYS_ONLY = (tuple, frozenset, type(None))
"""Types that msgspec knows, except as the keys of a dict."""

_encode = msgspec.json.Encoder(enc_hook=_written).encode
_plain = msgspec.json.Decoder().decode
