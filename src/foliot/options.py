"""What can be asked for: the keywords of jobs, schedules and single runs, read once into plain values.

A keyword that does not exist is an error with the nearest name; a value that makes no sense is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, TypedDict, TypeVar

import msgspec
from msgspec.structs import replace

from foliot import readers
from foliot.errors import DefinitionError, JobError
from foliot.model import USUAL_PRIORITY, Catchup, Limit, Overlap, Route, Shards
from foliot.moments import DAY, Length, Moment
from foliot.retry import NEVER, Backoff, Retries, retries

ExecutorName = Literal["inline", "threads", "processes"]
Callback = Callable[..., Awaitable[None] | None]
Middleware = Callable[..., Awaitable[Any]]
Text = str | Callable[..., str]
Shares = int | Sequence[Any]


class RunKeywords(TypedDict, total=False):
    """What one run may ask for: ``job.options(...)``; and ``shards``, which changes what it gives."""

    id: str
    after: Length
    at: Moment
    tz: str
    priority: int
    queue: str
    needs: Sequence[str]
    route: Route | str
    key: str
    unique: str | bool
    unique_for: Length
    debounce: Length
    timeout: Length
    deadline: Length
    expires: Length
    retries: int | Sequence[Length] | Backoff
    tags: Sequence[str]
    meta: Mapping[str, Any]


class JobKeywords(TypedDict, total=False):
    """What a job may ask for: ``@job(...)``; and ``shards``, which changes what its runs give."""

    name: str
    executor: ExecutorName
    queue: str
    priority: int
    needs: Sequence[str]
    route: Route | str
    key: Text
    unique: Text | bool
    unique_for: Length
    debounce: Length
    timeout: Length
    deadline: Length
    expires: Length
    retries: int | Sequence[Length] | Backoff
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    give_up_on: type[BaseException] | tuple[type[BaseException], ...]
    concurrency: int
    per_key: int
    limit: str
    max_crashes: int
    at_most_once: bool
    tags: Sequence[str]
    meta: Mapping[str, Any]
    on_success: Callback
    on_failure: Callback
    middleware: Sequence[Middleware]


class ScheduleKeywords(TypedDict, total=False):
    """What a schedule may ask for beside its job and trigger."""

    id: str
    args: Mapping[str, Any]
    overlap: Overlap | str
    catchup: Catchup | str
    window: Length
    most: int
    pause_after: int
    at_start: bool


class DecoratorKeywords(JobKeywords, total=False):
    """What a decorator that both defines a job and schedules it may ask for."""

    schedule_id: str
    args: Mapping[str, Any]
    overlap: Overlap | str
    catchup: Catchup | str
    window: Length
    most: int
    pause_after: int
    at_start: bool


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A job's policies, read and checked. Lengths are microseconds; None means no such bound."""

    name: str | None = None
    executor: ExecutorName | None = None
    queue: str = "default"
    priority: int = USUAL_PRIORITY
    needs: tuple[str, ...] = ()
    route: Route | None = None
    key: Text | None = None
    unique: Text | bool | None = None
    unique_for: int | None = None
    debounce: int | None = None
    timeout: int | None = None
    deadline: int | None = None
    expires: int | None = None
    retries: Retries = NEVER
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    give_up_on: tuple[type[BaseException], ...] = ()
    concurrency: int | None = None
    per_key: int | None = None
    limit: tuple[int, int] | None = None
    max_crashes: int = 3
    at_most_once: bool = False
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    shards: Shards | None = None
    on_success: Callback | None = None
    on_failure: Callback | None = None
    middleware: tuple[Middleware, ...] = ()

    def limits(self, job: str) -> list[Limit]:
        """The limits this job declares on its lanes."""
        starts, per = self.limit or (None, None)
        declared: list[Limit] = []
        if self.concurrency is not None or self.limit is not None:
            declared.append(Limit(id=f"job/{job}", running=self.concurrency, starts=starts, per=per))
        if self.per_key is not None:
            declared.append(Limit(id=f"key/{job}", running=self.per_key))
        return declared


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What one run asks for; None leaves the job's own. ``after`` is a length, ``at`` a moment as it was written."""

    id: str | None = None
    after: int | None = None
    at: Moment | None = None
    tz: str | None = None
    priority: int | None = None
    queue: str | None = None
    needs: tuple[str, ...] = ()
    route: Route | None = None
    key: str | None = None
    unique: str | bool | None = None
    unique_for: int | None = None
    debounce: int | None = None
    timeout: int | None = None
    deadline: int | None = None
    expires: int | None = None
    retries: Retries | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    shards: Shards | None = None


class ScheduleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a schedule asks for, read and checked."""

    id: str | None = None
    args: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    overlap: Overlap = Overlap.SKIP
    catchup: Catchup = Catchup.LATEST
    window: int = DAY
    most: int = 100
    pause_after: int | None = None
    at_start: bool = False


PLACING = frozenset({"meta", "tags", "queue", "priority", "key", "timeout", "expires", "deadline", "retries"})
"""What a schedule may ask for in the place of its job."""


Options = TypeVar("Options", JobOptions, RunOptions, ScheduleOptions)


def read(kind: type[Options], wishes: Mapping[str, Any], where: str) -> Options:
    """Read keywords into options.

    Raises JobError that names the keyword, its value and the remedy; ``where`` says whose they are.
    """
    return amend(_bare(kind), wishes, where) if wishes else _bare(kind)


@cache
def _bare(kind: type[Options]) -> Options:
    return kind()


def amend(options: Options, wishes: Mapping[str, Any], where: str) -> Options:
    """These options with some keywords changed."""
    known = set(options.__struct_fields__)
    for name in wishes:
        if name not in known:
            raise JobError(f"{where}: unknown option {name!r}{_nearest(name, known | _beside(options))}")
    made = replace(options, **{name: _checked(name, value, where) for name, value in wishes.items()})
    if (problem := _contradiction(made, wishes)) is not None:
        raise JobError(f"{where}: {problem}")
    return made


def _beside(options: JobOptions | RunOptions | ScheduleOptions) -> set[str]:
    """What decorators take beside a job's options, and ``put`` beside a schedule's, and may have been meant."""
    match options:
        case JobOptions():
            return {*ScheduleOptions.__struct_fields__, "schedule_id", "tz", "jitter", "spread"} - {"id"}
        case ScheduleOptions():
            return {*PLACING, "trigger", "cron", "every", "at", "after", "tz", "jitter", "spread"}
        case _:
            return set()


def _contradiction(options: JobOptions | RunOptions | ScheduleOptions, wishes: Mapping[str, Any]) -> str | None:
    """What would be wished in vain."""
    if isinstance(options, ScheduleOptions):
        if "most" in wishes and options.catchup is not Catchup.ALL:
            return f"most={options.most} bounds catchup='all', and catchup is {options.catchup.value!r}"
        return None
    if options.debounce is not None and options.unique_for is not None:
        return "'unique_for' is in vain with 'debounce', which holds a key until the run starts; give one of the two"
    if isinstance(options, JobOptions) and options.unique_for is not None and not options.unique:
        return "'unique_for' says how long a key is held; give 'unique', too"
    return None


def split(wishes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a decorator's keywords into the job's and the schedule's (``schedule_id`` is the schedule's ``id``)."""
    of_schedule = {*ScheduleOptions.__struct_fields__} - {"id"}
    ours = {name: value for name, value in wishes.items() if name in of_schedule}
    if "schedule_id" in wishes:
        ours["id"] = wishes["schedule_id"]
    return {name: value for name, value in wishes.items() if name not in of_schedule | {"schedule_id"}}, ours


def _nearest(name: str, known: set[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known))}"


def _checked(name: str, value: Any, where: str) -> Any:
    try:
        return readers.given(name, value, _READERS[name])
    except DefinitionError as problem:
        raise JobError(f"{where}: {problem}") from None


def _text(value: Any) -> Any:
    return value if callable(value) or isinstance(value, bool) else readers.name(value)


def _moment(value: Any) -> Any:
    return value


def _labels(value: Any) -> tuple[str, ...]:
    labels = tuple(sorted(set(readers.texts(value))))
    if joined := [each for each in labels if not each or "+" in each or "@" in each]:
        raise DefinitionError(f"{joined[0]!r} is no label; give a list of texts without '+' and '@'")
    return labels


def _errors(value: Any) -> tuple[type[BaseException], ...]:
    kinds: tuple[Any, ...] = (*value,) if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in kinds):
        raise DefinitionError("give an exception class or a tuple of them")
    return kinds


def _executor(value: Any) -> ExecutorName:
    if value not in ("inline", "threads", "processes"):
        raise DefinitionError("choose 'inline', 'threads' or 'processes'")
    return value


_RATE = re.compile(r"(\d+)\s*/\s*(\d*\s*(?:ms|s|m|h|d))", re.ASCII)


def rate(value: Any) -> tuple[int, int]:
    """Read ``"100/m"``, ``"5/s"`` or ``"10/30s"``: starts per time."""
    written = _RATE.fullmatch(value) if isinstance(value, str) else None
    if written is None or not int(written[1]):
        raise DefinitionError("write a rate like '100/m', '5/s' or '10/30s'")
    per = written[2] if written[2][0].isdigit() else f"1{written[2]}"
    return int(written[1]), readers.positive_length(per)


_READERS: dict[str, Callable[[Any], Any]] = {
    "name": readers.lane,
    "id": readers.name,
    "executor": _executor,
    "queue": readers.queue,
    "needs": _labels,
    "route": readers.choice(Route),
    "priority": readers.priority,
    "key": _text,
    "unique": _text,
    "shards": readers.shards,
    "unique_for": readers.positive_length,
    "debounce": readers.positive_length,
    "timeout": readers.positive_length,
    "deadline": readers.positive_length,
    "expires": readers.positive_length,
    "after": readers.any_length,
    "at": _moment,
    "tz": readers.name,
    "retries": retries,
    "retry_on": _errors,
    "give_up_on": _errors,
    "concurrency": readers.positive,
    "per_key": readers.positive,
    "limit": rate,
    "max_crashes": readers.count,
    "at_most_once": readers.flag,
    "tags": readers.labels,
    "meta": readers.plain,
    "on_success": readers.function,
    "on_failure": readers.function,
    "middleware": readers.functions,
    "args": readers.mapping,
    "overlap": readers.choice(Overlap),
    "catchup": readers.choice(Catchup),
    "window": readers.any_length,
    "most": readers.positive,
    "pause_after": readers.positive,
    "at_start": readers.flag,
}
