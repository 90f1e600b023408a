"""Settings: keywords go before ``FOLIOT_*`` variables, and these before a file.

The file is ``foliot.toml``, or ``pyproject.toml`` with ``[tool.foliot]``. Each value remembers where it came
from, and an error says so too: the keyword, the variable, or the file and line.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec

from foliot.errors import DefinitionError, SettingsError
from foliot.moments import DAY, SECOND, Length, length, spell, zone

PREFIX = "FOLIOT_"


class SettingsKeywords(TypedDict, total=False):
    """The settings as keywords; ``Settings`` says what they mean."""

    queues: Sequence[str]
    labels: Sequence[str]
    concurrency: int
    threads: int | None
    processes: int | None
    lease: Length
    grace: Length
    tz: str
    keep: Length
    keep_runs: int | None
    log_level: str
    name: str
    owner: str


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _host_and_process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Setting(NamedTuple):
    """One setting as people see it: secrets are hidden, lengths are spelled."""

    name: str
    value: str
    source: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a scheduler is set up. Lengths are microseconds."""

    store: str = "memory://"
    """Where schedules and runs live."""
    queues: tuple[str, ...] = ()
    """Which queues to work on; none named means all."""
    labels: tuple[str, ...] = ()
    """What this worker has that a run may need, like ``gpu`` or ``eu``."""
    concurrency: int = 100
    """How many runs to work on at once."""
    threads: int | None = None
    """How many threads for plain functions; None lets Python choose."""
    processes: int | None = None
    """How many child processes for heavy work; None means one per processor."""
    lease: int = 30 * SECOND
    """How long a claimed run is left to its worker without a sign of life."""
    grace: int = 30 * SECOND
    """How long a stop waits for running jobs."""
    tz: str = "UTC"
    """The zone of triggers that name none."""
    keep: int = 7 * DAY
    """How long runs that are over are kept."""
    keep_runs: int | None = 10_000
    """How many runs that are over are kept of each job; None keeps any number."""
    log_level: str = "INFO"
    """From which level on a job's logging is kept with its run."""
    name: str = msgspec.field(default_factory=_host_and_process)
    """What this worker is called; no two that are alive may share it."""
    owner: str = ""
    """Which program declares the schedules, so that it can tell what it no longer declares."""
    sources: dict[str, str] = {}
    """Where the values that are not defaults came from."""

    @classmethod
    def read(
        cls,
        overrides: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        start: Path | None = None,
    ) -> Settings:
        """Read the settings from keywords (those given), variables, and the nearest file from ``start`` up.

        Variables and folder default to those of the process, looked at now. An empty variable counts as
        absent; the text ``none`` is None. Raises SettingsError naming the source of what is unknown or makes
        no sense.
        """
        layers = (
            _in_file(Path.cwd() if start is None else start),
            _in_variables(os.environ if environ is None else environ),
            _in_keywords(overrides or {}),
        )
        given = {each.name: each for layer in layers for each in layer}
        values = {name: _checked(each) for name, each in given.items()}
        return cls(**values, sources={name: each.source for name, each in given.items()})

    def over(self, wishes: Mapping[str, Any], source: str) -> Settings:
        """These settings where others are wished, in the name of whoever wishes them. Raises SettingsError."""
        for name in wishes:
            _refuse_unknown(name, source)
        values = {name: _checked(_Given(name, value, source)) for name, value in wishes.items()}
        return msgspec.structs.replace(self, **values, sources=self.sources | dict.fromkeys(wishes, source))

    @property
    def named_tz(self) -> str | None:
        """The zone in which times without one are read: one that somebody named, and no default."""
        return self.tz if "tz" in self.sources else None

    def describe(self) -> list[Setting]:
        """Every setting with its value as people write it and where it came from."""
        return [Setting(name, _shown(name, getattr(self, name)), self.sources.get(name, "default")) for name in NAMES]


NAMES = tuple(name for name in Settings.__struct_fields__ if name != "sources")


class _Given(NamedTuple):
    name: str
    value: Any
    source: str


def _checked(given: _Given) -> Any:
    try:
        return _READERS[given.name](given.value)
    except DefinitionError as problem:
        raise SettingsError(f"{given.source}: {given.name}: {problem}") from None


# Sources


def _in_keywords(overrides: Mapping[str, Any]) -> list[_Given]:
    for name in overrides:
        _refuse_unknown(name, "keyword")
    return [_Given(name, value, "keyword") for name, value in overrides.items()]


def _in_variables(environ: Mapping[str, str]) -> list[_Given]:
    ours = {each.removeprefix(PREFIX).lower(): each for each in environ if each.startswith(PREFIX)}
    for name, variable in ours.items():
        _refuse_misspelled(name, variable)
    return [_Given(name, environ[ours[name]], ours[name]) for name in NAMES if name in ours and environ[ours[name]]]


def _refuse_misspelled(name: str, variable: str) -> None:
    """Refuse what looks like one of ours; others may be anybody's: Kubernetes sets FOLIOT_PORT."""
    if name not in NAMES and (ours := _nearest(name, cutoff=0.75)):
        raise SettingsError(f"{variable}: there is no such setting; did you mean {PREFIX}{ours.upper()}?")


def _refuse_unknown(name: str, source: str) -> None:
    if name not in NAMES:
        ours = _nearest(name, cutoff=0.6)
        hint = f"did you mean {ours!r}?" if ours else f"there are: {', '.join(NAMES)}"
        raise SettingsError(f"{source}: unknown setting {name!r}; {hint}")


def _nearest(name: str, cutoff: float) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, NAMES, n=1, cutoff=cutoff)), None)


def _in_file(start: Path) -> list[_Given]:
    """What the first file says that is found from the folder upward; in each, ``foliot.toml`` goes first."""
    for folder in (start.resolve(), *start.resolve().parents):
        for path, table in ((folder / "foliot.toml", ()), (folder / "pyproject.toml", ("tool", "foliot"))):
            if os.path.isfile(path) and (found := _in_table(path, table)) is not None:
                return found
    return []


def _in_table(path: Path, table: tuple[str, ...]) -> list[_Given] | None:
    text = _text(path)
    content: Any = _parsed(path, text)
    for name in table:
        content = content.get(name) if hasattr(content, "get") else None
    if not hasattr(content, "items"):
        return None
    given = [_Given(name, value, f"{path}:{_line(text, (*table, name))}") for name, value in content.items()]
    for each in given:
        _refuse_unknown(each.name, each.source)
    return given


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path}: cannot be read: {problem}") from None


@lru_cache(maxsize=4)
def _parsed(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = re.search(r"line (\d+)", str(problem))
        raise SettingsError(f"{path}:{line[1] if line else len(text.splitlines())}: not TOML: {problem}") from None


_HEADER = re.compile(r"\s*\[\[?([^\]]+)\]")
_KEY = re.compile(r"\s*([\w\-.\s\"']+?)\s*=")


def _line(text: str, wanted: tuple[str, ...]) -> int:
    """The line on which a key is written, or the nearest table around it; the parser does not tell."""
    table, nearest = (), 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            here = table = _dotted(header[1])
        elif key := _KEY.match(line):
            here = (*table, *_dotted(key[1]))
        else:
            continue
        if here == wanted:
            return number
        if here == wanted[: len(here)]:
            nearest = number
    return nearest


def _dotted(written: str) -> tuple[str, ...]:
    return tuple(part.strip(" \t\"'") for part in written.split("."))


# Values


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None or value == "none" else read(value)


def _url(value: Any) -> str:
    if not isinstance(value, str) or "://" not in value:
        raise DefinitionError(f"{value!r} is not a store's URL; write it like 'sqlite:///jobs.db'")
    return value


def _words(value: Any) -> tuple[str, ...]:
    words: Any = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(_name(each).strip() for each in words)
    except (TypeError, DefinitionError):
        raise DefinitionError(
            f"{value!r} is not a list of names; write it like ['mail', 'news'] or 'mail,news'"
        ) from None


def _labels(value: Any) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(_words(value)))
    if joined := [each for each in labels if "+" in each or "@" in each]:
        raise DefinitionError(f"{joined[0]!r} is no label; write two labels as two, without '+' and '@'")
    return labels


def _queues(value: Any) -> tuple[str, ...]:
    queues = _words(value)
    if strange := [each for each in queues if any(sign in each for sign in "+@#")]:
        raise DefinitionError(f"{strange[0]!r} is no queue; write its name without '+', '@' and '#'")
    return queues


def _count(value: Any) -> int:
    count = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise DefinitionError(f"{value!r} is not a whole number from 1")
    return count


def _length(value: Any) -> int:
    seconds = re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) if isinstance(value, str) else None
    micros = length(float(value) if seconds else value)
    if micros <= 0:
        raise DefinitionError(f"{value!r} is not a length of time above zero")
    return micros


def _zone(value: Any) -> str:
    return zone(_name(value)).key


def _level(value: Any) -> str:
    if not isinstance(value, str) or value.upper() not in _LEVELS:
        raise DefinitionError(f"{value!r} is not a level; choose one of {', '.join(_LEVELS)}")
    return value.upper()


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DefinitionError(f"{value!r} is not a name; give a text")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "store": _url,
    "queues": _queues,
    "labels": _labels,
    "concurrency": _count,
    "threads": _optional(_count),
    "processes": _optional(_count),
    "lease": _length,
    "grace": _length,
    "tz": _zone,
    "keep": _length,
    "keep_runs": _optional(_count),
    "log_level": _level,
    "name": _name,
    "owner": _name,
}


_NOTHING_NAMED = {"queues": "all", "labels": "none"}


def _shown(name: str, value: Any) -> str:
    match value:
        case None | "":
            return "none"
        case tuple():
            return ", ".join(value) or _NOTHING_NAMED[name]  # pyright: ignore[reportUnknownArgumentType]
        case int() if _READERS[name] is _length:
            return spell(value)
        case _:
            return _without_secrets(str(value))


def _without_secrets(url: str) -> str:
    """A URL whose passwords are hidden, in the user part as well as in the query."""
    return re.sub(r"([?&]password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*:)[^/]*@", r"\1***@", url))
