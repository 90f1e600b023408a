"""Reads what is written on the command line. What cannot be read is a usage error, exit 2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import typer

from foliot.cli.words import Words
from foliot.errors import DefinitionError
from foliot.moments import Moment, length, zone


def moment(text: str, words: Words) -> Moment:
    """A moment: ``2h`` means two hours ago; without a zone, it is in the zone in which times are shown."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return _ago(text, words)
    if when.tzinfo is not None:
        return when
    return when.replace(tzinfo=zone("UTC")) if words.utc else when.astimezone()


def _ago(text: str, words: Words) -> Moment:
    from foliot.moments import moment as shown

    try:
        return shown(words.now - length(text))
    except DefinitionError:
        raise typer.BadParameter(
            f"{text!r} is not a time; write it like '2026-12-01 10:00' or, counted back from now, '2h'"
        ) from None


def span(text: str) -> int:
    """A length of time like ``7d``, in microseconds."""
    try:
        return length(text)
    except DefinitionError as problem:
        raise typer.BadParameter(str(problem)) from None


def pairs(texts: Sequence[str]) -> dict[str, Any]:
    """``key=value`` pairs; a value that is JSON is that value, any other is text."""
    return dict(_pair(each) for each in texts)


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} is not a pair; write it like tenant=acme")
    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value


def arguments(document: str | None, texts: Sequence[str]) -> dict[str, Any] | None:
    """A job's arguments, from a JSON object and ``key=value`` pairs; None if neither is given."""
    if document is None and not texts:
        return None
    try:
        whole = msgspec.json.decode(document or "{}", type=dict[str, Any])
    except msgspec.MsgspecError as problem:
        raise typer.BadParameter(f"--args is not a JSON object: {problem}") from None
    return whole | pairs(texts)
