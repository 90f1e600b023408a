"""Tags and values in ``meta`` as terms: texts by which runs are found, whatever store indexes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from foliot.model import Run

LONGEST = 200
"""Values longer than this are not indexed; who asks for one is answered by looking at each run."""

_json = msgspec.json.Encoder().encode


def tag_term(tag: str) -> str:
    """The term of a tag."""
    return f"tag {tag}"


def meta_term(path: str, value: Any) -> str | None:
    """The term of a value at a dotted path; None for values that are not indexed."""
    if isinstance(value, dict | list | tuple):
        return None
    text = as_json(value)
    return f"meta {path}={text}" if len(text) <= LONGEST else None


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return _json(value).decode()


def terms_of(run: Run) -> set[str]:
    """Everything by which this run is found quickly."""
    terms = {tag_term(tag) for tag in run.tags}
    terms.update(term for path, value in _paths(run.meta, "") if (term := meta_term(path, value)) is not None)
    return terms


def _paths(meta: Mapping[str, Any], under: str) -> Iterator[tuple[str, Any]]:
    """Every value with its path. A name with a dot in it cannot be asked for."""
    for name, value in meta.items():
        if "." in name:
            continue
        if isinstance(value, dict):
            yield from _paths(cast("dict[str, Any]", value), f"{under}{name}.")
        else:
            yield f"{under}{name}", value


def at_path(meta: Mapping[str, Any], path: str) -> str | None:
    """The value at a dotted path as JSON text; None where there is none."""
    value: Any = meta
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = cast("dict[str, Any]", value)[name]
    return as_json(value)
