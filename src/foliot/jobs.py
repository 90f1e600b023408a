"""Jobs: functions with names and policies. Defining them does nothing else; a scheduler collects them."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from string import Formatter
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, get_type_hints, overload

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from foliot.codec import Shape
from foliot.context import Context
from foliot.errors import ArgumentsError, JobError, UnknownJob
from foliot.handle import Call, Handle, Home
from foliot.ids import fitting
from foliot.importing import check_importable
from foliot.model import Placement, Route, Run, Shards, Terms
from foliot.options import (
    DecoratorKeywords,
    ExecutorName,
    JobKeywords,
    JobOptions,
    RunKeywords,
    RunOptions,
    ScheduleOptions,
    Shares,
    amend,
    read,
    split,
)
from foliot.triggers.base import Trigger

P = ParamSpec("P")
C = TypeVar("C")
T = TypeVar("T")
U = TypeVar("U")
C_co = TypeVar("C_co", covariant=True)


class Resource:
    """The mark of a parameter that the scheduler fills in: ``db: Database = resource()``."""

    def __repr__(self) -> str:
        return "resource()"


_RESOURCE = Resource()


def resource() -> Any:
    """Mark a parameter as filled in by annotation, from what ``scheduler.resource`` provides; callers never pass it."""
    return _RESOURCE


class Timer(Struct, frozen=True):
    """A trigger that a job was decorated with, and the schedule's options."""

    trigger: Trigger
    options: ScheduleOptions


class Job(Generic[P, C, T]):
    """A function with a name and its policies. Calling it calls the function; ``enqueue`` wants it run."""

    def __init__(self, function: Callable[..., C], options: JobOptions) -> None:
        self.function = function
        self.name = options.name or _own_name(function)
        self.settings = options
        hints = _hints(function)
        self.wants_context = _wants_context(function, hints, self.name)
        self.resources = _resources(function, hints, self.name)
        self.shape = Shape.of(function, skip={*self.resources, *_first(function, self.wants_context)})
        for option, text in (("key", options.key), ("unique", options.unique)):
            _check_template(self, option, text)
        _check_shards(self)
        self.is_async = _is_async(function)
        self.executor = _executor(self, options.executor)
        self._usual = self._placement(USUAL, None) if options.key is None else None
        self.usual = None if self._usual is None else _usual_run(self.name, options, self._usual)
        """What all runs have in common of which nothing was asked; None if that depends on arguments or the time."""
        self.timers: list[Timer] = []
        self.home: Home | None = None

    def __repr__(self) -> str:
        return f"<job {self.name!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C:
        """Call the function here and now, as if it were not decorated."""
        return self.function(*((Context.detached(self.name),) if self.wants_context else ()), *args, **kwargs)

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[T]:
        """Want the function run with these arguments, now. Raises ArgumentsError if they do not fit or are not JSON."""
        return await Wish(self, USUAL).enqueue(*args, **kwargs)

    async def pause(self, note: str = "") -> None:
        """Let no run of this job start, in any process, until it is resumed; what runs goes on."""
        await self.owner.pause(self.name, note)

    async def resume(self) -> None:
        """Let runs of this job start again."""
        await self.owner.resume(self.name)

    @property
    def owner(self) -> Home:
        """The scheduler that includes this job. Raises JobError if none does."""
        if self.home is None:
            raise JobError(f"job {self.name!r} belongs to no scheduler yet; scheduler.include(...) its module first")
        return self.home

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """These arguments as a value, for ``scheduler.enqueue_many``."""
        return Call(self, self.shape.encode(args, kwargs), USUAL, (args, kwargs))

    @overload
    def options(
        self: Job[P, Coroutine[Any, Any, U], Any], *, shards: Shares, **wishes: Unpack[RunKeywords]
    ) -> Wish[P, list[U]]: ...
    @overload
    def options(self: Job[P, U, Any], *, shards: Shares, **wishes: Unpack[RunKeywords]) -> Wish[P, list[U]]: ...
    @overload
    def options(self, **wishes: Unpack[RunKeywords]) -> Wish[P, T]: ...
    def options(self, **wishes: Any) -> Wish[P, Any]:
        """This job with options for single runs: ``after``, ``at``, ``priority``, ``key``, ``unique``, ``id`` …"""
        return Wish(self, read(RunOptions, wishes, f"job {self.name!r}"))

    def scheduled(self, trigger: Trigger, options: ScheduleOptions) -> None:
        """Add a trigger to this job's own schedules."""
        self.timers.append(Timer(trigger, options))

    def placement(self, options: RunOptions, arguments: _Arguments | None = None) -> Placement:
        """Where and how runs of this job are placed, with some options of its caller."""
        if options is USUAL and self._usual is not None:
            return self._usual
        return self._placement(options, arguments)

    def _placement(self, options: RunOptions, arguments: _Arguments | None) -> Placement:
        ours, theirs = self.settings, options
        key = theirs.key or self._text(ours.key, arguments)
        return Placement(
            queue=theirs.queue or ours.queue,
            priority=ours.priority if theirs.priority is None else theirs.priority,
            needs=theirs.needs or ours.needs,
            key=key,
            lanes=(f"key/{self.name}#{key}",) if key is not None and ours.per_key is not None else (),
            expires=theirs.expires or ours.expires,
            deadline=theirs.deadline or ours.deadline,
            terms=_terms(theirs, theirs.route or ours.route),
            tags=tuple(dict.fromkeys((*ours.tags, *theirs.tags))),
            meta={**ours.meta, **theirs.meta},
        )

    def shards(self, terms: Terms | None) -> Shards | None:
        """Into how many shares a run with these terms is parted; None if it does the work itself."""
        if terms is None:
            return self.settings.shards
        return None if terms.shard is not None else terms.shards or self.settings.shards

    def told(self, text: str, *, shared: bool) -> Any:
        """Read a result: of each share in order, if the work was ``shared`` out. Raises ArgumentsError."""
        if not shared:
            return self.shape.decode_result(text)
        return [self.shape.decode_result(bytes(each).decode()) for each in _parts(text)]

    def unique_key(self, wish: str | bool | None, call: Call[Any]) -> str | None:
        """The unique key of a call: as asked, filled in from its arguments; True means all of its arguments."""
        text = self.settings.unique if wish is None else wish
        if text is None or text is False:
            return None
        return f"unique/{self.name}#{fitting(call.args) if text is True else self._text(text, call.arguments)}"

    def _text(self, text: Any, arguments: _Arguments | None) -> str | None:
        """A key as written, as computed from the arguments, or with ``{parameter}`` filled in."""
        if text is None or arguments is None:
            return None if callable(text) else text
        args, kwargs = arguments
        if callable(text):
            return fitting(str(text(*args, **kwargs)))
        try:
            return fitting(text.format_map(self.shape.bind(args, kwargs))) if "{" in text else text
        except (LookupError, AttributeError, ValueError) as problem:
            raise ArgumentsError(f"job {self.name!r}: {text!r} cannot be filled in: {problem!r}") from None


def _usual_run(job: str, options: JobOptions, place: Placement) -> Run | None:
    """Any run of a job that is due at once, as far as it does not depend on its arguments or the time."""
    if options.unique or options.debounce or place.expires is not None or place.deadline is not None:
        return None
    return Run(
        id="",
        job=job,
        due_at=0,
        created_at=0,
        queue=place.queue,
        priority=place.priority,
        needs=place.needs,
        lanes=place.lanes,
        terms=place.terms,
        tags=place.tags,
        meta=place.meta,
    )


_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode

USUAL = read(RunOptions, {}, "nobody")
"""What a caller asks for who asks for nothing."""

_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Wish(Struct, Generic[P, T], frozen=True):
    """A job with options for single runs."""

    job: Job[P, Any, T]
    given: RunOptions

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Handle[T]:
        """Want the function run with these arguments and options."""
        [handle] = await self.job.owner.enqueue_many([self.call(*args, **kwargs)])
        return handle

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """These arguments and options as a value, for ``scheduler.enqueue_many``."""
        return Call(self.job, self.job.shape.encode(args, kwargs), self.given, (args, kwargs))

    def options(self, **wishes: Unpack[RunKeywords]) -> Wish[P, T]:
        """The same with some options changed."""
        return replace(self, given=amend(self.given, wishes, f"job {self.job.name!r}"))


class Bundle(ABC):
    """Something that brings several jobs: a scheduler's ``include`` takes in all of them."""

    @abstractmethod
    def jobs(self) -> Sequence[Job[..., Any, Any]]:
        """The jobs that it brings. Raises DefinitionError when it makes no sense."""


class Jobs(Mapping[str, "Job[..., Any, Any]"]):
    """The jobs that one scheduler knows, by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job[..., Any, Any]] = {}

    def __getitem__(self, name: str) -> Job[..., Any, Any]:
        if name not in self._jobs:
            close = get_close_matches(name, self._jobs, n=1)
            hint = (
                f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(self._jobs)) or 'none'}"
            )
            raise UnknownJob(f"no job is called {name!r} here{hint}")
        return self._jobs[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The job of this name, or the default."""
        return self._jobs.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._jobs

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job[..., Any, Any]) -> None:
        """Take in a job; the same one again changes nothing. Raises JobError when another has its name."""
        known = self._jobs.setdefault(job.name, job)
        if known is not job:
            raise JobError(
                f"two jobs are called {job.name!r}: {_place(known.function)} and {_place(job.function)}; "
                "give one of them name=..."
            )


# Decorators


class _Nobody:
    """What no caller passes: a parameter that takes even this, such as ``n: Any``, does not ask for a Context."""


class _Open(Protocol[P, C_co]):
    """A function whose first parameter takes anything."""

    @overload
    def __call__(self, first: _Nobody, /, *args: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C_co: ...


class Decorator(Protocol):
    """Turns a function into a job whose calls are checked against the function's own signature."""

    @overload
    def __call__(self, function: Job[P, C, T], /) -> Job[P, C, T]: ...
    @overload
    def __call__(self, function: _Open[P, Coroutine[Any, Any, T]], /) -> Job[P, Coroutine[Any, Any, T], T]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Context, P], Coroutine[Any, Any, T]], /
    ) -> Job[P, Coroutine[Any, Any, T], T]: ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> Job[P, Coroutine[Any, Any, T], T]: ...
    @overload
    def __call__(self, function: _Open[P, T], /) -> Job[P, T, T]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], T], /) -> Job[P, T, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Job[P, T, T]: ...


class Sharing(Protocol):
    """Turns a function into a job that is run in shards, each of whose runs gives what every share gave, in order."""

    @overload
    def __call__(self, function: _Open[P, Coroutine[Any, Any, T]], /) -> Job[P, Coroutine[Any, Any, T], list[T]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Context, P], Coroutine[Any, Any, T]], /
    ) -> Job[P, Coroutine[Any, Any, T], list[T]]: ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> Job[P, Coroutine[Any, Any, T], list[T]]: ...
    @overload
    def __call__(self, function: _Open[P, T], /) -> Job[P, T, list[T]]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Context, P], T], /) -> Job[P, T, list[T]]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> Job[P, T, list[T]]: ...


def decorator(
    trigger: Trigger | None, wishes: Mapping[str, Any], collect: Callable[[Job[..., Any, Any]], None] | None = None
) -> Decorator:
    """Make the decorator that defines a job, gives it a schedule if there is a trigger, and hands it to a collector."""

    def define(function: Any) -> Any:
        ours, schedules = split(wishes)
        job = _defined(function, ours)
        where = f"job {job.name!r}"
        if trigger is None and schedules:
            raise JobError(
                f"{where}: {next(iter(schedules))!r} is a schedule's option; use @cron, @every, @at or @after"
            )
        options = read(ScheduleOptions, schedules, where)
        if trigger is not None:
            _check_arguments(job, options)
        if collect is not None:
            collect(job)
        if trigger is not None:
            job.scheduled(trigger, options)
        return job

    return define


@overload
def job(*triggers: Trigger, shards: Shares, **wishes: Unpack[DecoratorKeywords]) -> Sharing: ...
@overload
def job(*triggers: Trigger, **wishes: Unpack[DecoratorKeywords]) -> Decorator: ...
def job(*triggers: Trigger, **wishes: Any) -> Any:
    """Define a job, fired by these triggers if any are given; a scheduler's ``include`` collects it."""
    return several(triggers, wishes)


def several(
    triggers: tuple[Trigger, ...],
    wishes: Mapping[str, Any],
    collect: Callable[[Job[..., Any, Any]], None] | None = None,
) -> Decorator:
    """A decorator that gives one job any number of triggers."""

    if strangers := [each for each in map(_any, triggers) if not isinstance(each, Trigger)]:
        raise JobError(f"{strangers[0]!r} is not a trigger; write @job() with parentheses, or @job(every('1h'), ...)")

    def define(function: Any) -> Any:
        first, *others = triggers or (None,)
        made = decorator(first, {**wishes, **of_its_own(first)}, collect)(function)
        for n, trigger in enumerate(others, start=2):
            decorator(trigger, {**_of_another(wishes, n), **of_its_own(trigger)})(made)
        return made

    return define


def _of_another(wishes: Mapping[str, Any], n: int) -> dict[str, Any]:
    """What a job's ``n``-th schedule has in common with its first: all but the id."""
    options = split(wishes)[1]
    id = options.pop("id", None)
    return options if id is None else {**options, "schedule_id": f"{id}-{n}"}


def of_its_own(trigger: Trigger | None) -> Mapping[str, Any]:
    """The options that were given to a trigger itself, as in ``@job(every("10m", overlap="queue"), every("1h"))``."""
    return getattr(trigger, "wishes", {})


def _any(value: Any) -> Any:
    """The value, for checks at run time of what the type checker takes for granted."""
    return value


def _defined(function: Any, wishes: Mapping[str, Any]) -> Job[..., Any, Any]:
    if isinstance(function, Job):
        if wishes:
            raise JobError(
                f"job {function.name!r} is defined already; "
                f"give {next(iter(wishes))!r} to the decorator next to the function"
            )
        return function  # pyright: ignore[reportUnknownVariableType]
    if not callable(function) or isinstance(function, type):
        raise JobError(f"{function!r} is not a function; write the decorator with parentheses, like @job()")
    where = f"job {wishes.get('name') or getattr(function, '__name__', repr(function))!r}"
    return Job(function, read(JobOptions, wishes, where))


def _check_arguments(job: Job[..., Any, Any], options: ScheduleOptions) -> None:
    """A schedule's arguments must fit the function when it is defined, not when it fires."""
    try:
        job.shape.encode((), dict(options.args))
    except ArgumentsError as problem:
        raise JobError(f"job {job.name!r} cannot be scheduled with args={dict(options.args)!r}: {problem}") from None


# What a function tells about itself


def _check_template(job: Job[..., Any, Any], option: str, text: object) -> None:
    """Refuse a key with braces that are not closed, or that name no parameter of the job."""
    if not isinstance(text, str):
        return
    parameters = job.shape.signature.parameters
    try:
        named = [re.split(r"[.\[]", each[1], maxsplit=1)[0] for each in Formatter().parse(text) if each[1] is not None]
    except ValueError as problem:
        raise JobError(f"job {job.name!r}: {option}={text!r}: {problem}; write {{parameter}}") from None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    if strange := [name for name in named if name not in parameters]:
        known = ", ".join(parameters) or "none"
        raise JobError(f"job {job.name!r}: {option}={text!r}: {strange[0]!r} is no parameter; there are: {known}")


def _check_shards(job: Job[..., Any, Any]) -> None:
    """Refuse an argument for each share where there is no parameter for it, or the whole cannot go without it."""
    if not isinstance(job.settings.shards, tuple):
        return
    first = next(iter(job.shape.signature.parameters.values()), None)
    if first is None or first.default is first.empty:
        raise JobError(
            f"job {job.name!r}: each of its shards={list(job.settings.shards)!r} is given as its first argument; "
            "take one, with a default, for the whole is wanted without it"
        )


def _own_name(function: Any) -> str:
    name = getattr(function, "__name__", None)
    if name is None or name == "<lambda>" or getattr(function, "__closure__", None):
        raise JobError(f"{_place(function)} has no name that survives a restart; give name='...' to the decorator")
    return name


def _place(function: Any) -> str:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    return f"{module}.{name}" if module and name else repr(function)


def _bare(function: Any) -> Any:
    """The function with the annotations: under partials, and behind callable objects."""
    while isinstance(function, partial):
        function = function.func  # pyright: ignore[reportUnknownMemberType]
    return function if inspect.isroutine(function) else type(function).__call__


def _is_async(function: Any) -> bool:
    bare = _bare(function)
    if inspect.isgeneratorfunction(bare) or inspect.isasyncgenfunction(bare):
        raise JobError(f"{_place(function)} is a generator; a job returns one result")
    return inspect.iscoroutinefunction(bare)


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(_bare(function))
    except Exception:
        return dict(getattr(_bare(function), "__annotations__", {}))


def _wants_context(function: Any, hints: Mapping[str, Any], name: str) -> bool:
    """Whether the first parameter is a Context. Anywhere else it is an error: callers would have to step around it."""
    parameters = list(inspect.signature(function).parameters.values())
    where = [n for n, each in enumerate(parameters) if hints.get(each.name) in (Context, "Context")]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if where and (where != [0] or parameters[0].kind not in kinds):
        raise JobError(f"job {name!r}: the Context must be its first parameter, and there can be only one")
    return bool(where)


def _first(function: Any, wants: bool) -> list[str]:
    return list(inspect.signature(function).parameters)[:1] if wants else []


def _resources(function: Any, hints: Mapping[str, Any], name: str) -> dict[str, Any]:
    asked = [each.name for each in inspect.signature(function).parameters.values() if each.default is _RESOURCE]
    if bare := [each for each in asked if each not in hints]:
        raise JobError(f"job {name!r}: resource parameter {bare[0]!r} needs an annotation; it says which resource")
    return {each: hints[each] for each in asked}


def _executor(job: Job[..., Any, Any], wish: ExecutorName | None) -> ExecutorName:
    if wish == "threads" and job.is_async:
        raise JobError(f"job {job.name!r} is async; it runs 'inline' or in 'processes', not in 'threads'")
    if wish == "processes":
        check_importable(job.function)
        if job.resources:
            raise JobError(
                f"job {job.name!r}: resources live in the worker's process; a job in 'processes' opens its own"
            )
    return wish or ("inline" if job.is_async else "threads")


def _terms(options: RunOptions, route: Route | None) -> Terms | None:
    if options.timeout is options.retries is options.shards is route is None:
        return None
    return Terms(timeout=options.timeout, retries=options.retries, shards=options.shards, route=route)


__all__ = [
    "Bundle",
    "Decorator",
    "Job",
    "JobKeywords",
    "Jobs",
    "Sharing",
    "Timer",
    "Wish",
    "decorator",
    "job",
    "of_its_own",
    "resource",
    "several",
]
