"""Reads what is written on the command line. What cannot be read is a usage error, exit 2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
import typer

from foliot import triggers
from foliot.cli.words import Words
from foliot.errors import ArgumentsError, DefinitionError
from foliot.moments import Moment, instant, length
from foliot.moments import moment as shown
from foliot.moments import zone as zone_named
from foliot.settings import Settings
from foliot.triggers import Trigger


def moment(text: str, words: Words, there: tzinfo | None = None) -> Moment:
    """A moment: ``2h`` means two hours ago; without a zone it is read ``there``, else where times are shown."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return _ago(text, words)
    try:
        return _placed(when, words, there)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is beyond the times there are; give one of the years 2 to 9998") from None


def _placed(when: datetime, words: Words, there: tzinfo | None) -> Moment:
    if when.tzinfo is not None:
        return when
    if there is not None:
        return shown(instant(when, there))
    return when.replace(tzinfo=UTC) if words.utc else when.astimezone()


def _ago(text: str, words: Words) -> Moment:
    try:
        return shown(words.now - length(text))
    except DefinitionError:
        raise typer.BadParameter(
            f"{text!r} is not a time; write it like '2026-12-01 10:00' or, counted back from now, '2h'"
        ) from None


def month(text: str) -> tuple[int, int]:
    """A year and a month of it: ``2026-12``."""
    try:
        first = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month; write it like 2026-12") from None
    return first.year, first.month


def zone(name: str | None, settings: Settings) -> str | None:
    """The zone that was given, or else set; None where nobody said."""
    try:
        return zone_named(name).key if name is not None else settings.named_tz
    except DefinitionError as problem:
        raise typer.BadParameter(str(problem)) from None


def trigger(text: str, tz: str | None) -> Trigger:
    """A trigger: a cron line, ``every 5m``, a time, or JSON. Raises ArgumentsError that shows where it is wrong."""
    try:
        return _trigger(text.strip(), tz)
    except DefinitionError as problem:
        raise ArgumentsError(str(problem)) from None


def _trigger(text: str, tz: str | None) -> Trigger:
    if text.startswith("{"):
        return triggers.loads(text)
    if text.startswith("every "):
        return triggers.every(text.removeprefix("every ").strip())
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return triggers.cron(text, tz=tz)
    return triggers.at(when, tz=tz or "UTC")


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
    return key, value_of(value)


def value_of(text: str) -> Any:
    """A value as it is typed: JSON, or else the text itself."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def arguments(document: str | None, texts: Sequence[str]) -> dict[str, Any] | None:
    """A job's arguments, from a JSON object and ``key=value`` pairs; None if neither is given."""
    if document is None and not texts:
        return None
    try:
        whole = msgspec.json.decode(document or "{}", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise typer.BadParameter(f"--args is not a JSON object: {problem}") from None
    return whole | pairs(texts)
