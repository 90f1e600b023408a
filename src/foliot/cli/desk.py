"""What every command has in common: options given everywhere, an open store, a printed answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self

import typer

from foliot.cli.errors import kind_errors
from foliot.cli.options import AppOption, DebugOption, JsonOption, StoreOption, UtcOption
from foliot.cli.printing import Answer, show
from foliot.cli.words import Words
from foliot.errors import StoreError, StoreUnavailable
from foliot.stores.base import Store

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The options that may be given before a command or after it."""

    store: str | None = None
    app: str | None = None
    json: bool = False
    utc: bool = False
    debug: bool = False

    def over(self, other: object) -> Choices:
        """These, and where nothing was chosen, the other ones."""
        if not isinstance(other, Choices):
            return self
        return replace(other, **{each.name: value for each in fields(self) if (value := getattr(self, each.name))})


_TYPES = {"store": StoreOption, "app": AppOption, "json": JsonOption, "utc": UtcOption, "debug": DebugOption}
_PLACES = [
    inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=_TYPES[each.name])
    for each in fields(Choices)
]


class NothingThere(StoreUnavailable):
    """The file that a store lives in is not there yet."""


def refuse_missing(store: Store) -> None:
    """Refuse a store in a file that is not there. Raises NothingThere."""
    path = getattr(store, "path", None)
    if isinstance(path, Path) and not path.exists():
        raise NothingThere(f"there is no file {path}; the first 'foliot run' on it makes it")


class Desk:
    """An open store and somebody at it: the scheduler to ask, what was chosen, and words to answer in."""

    def __init__(self, choices: Choices) -> None:
        from foliot.cli.loading import load
        from foliot.scheduler import Scheduler

        self.choices = choices
        self.scheduler = Scheduler(choices.store) if choices.app is None else load(choices.app)
        self._other_store = choices.store if choices.app is not None else None
        self.words = Words(now=self.scheduler.clock.now(), utc=choices.utc)

    @property
    def now(self) -> int:
        """When the desk was opened, or last refreshed."""
        return self.words.now

    @property
    def store(self) -> Store:
        """The store that was given, else the scheduler's, not opened."""
        from foliot.stores import open_store

        return self.scheduler.store if self._other_store is None else open_store(self._other_store)

    def refresh(self) -> None:
        """Look at the clock again."""
        self.words = replace(self.words, now=self.scheduler.clock.now())

    def of(self, app: str | None) -> Desk:
        """This desk, or one with the scheduler that was named on the command line itself."""
        return self if app is None else Desk(replace(self.choices, app=app))

    @asynccontextmanager
    async def opened(self, *, make: bool = False) -> AsyncGenerator[Self]:
        """Open the store: of the URL that was given, else of the scheduler. Raises StoreError.

        A file that is not there is refused, unless it is to be made.
        """
        from foliot.stores import open_store

        own = self.scheduler
        url = self._other_store
        standing = nullcontext() if url is None else own.furnished(open_store(url), own.clock, own.settings)
        with standing:
            self._refuse_memory()
            if not make:
                self._refuse_missing()
            async with own.connected():
                yield self

    def _refuse_memory(self) -> None:
        """Looking into our own memory would show nothing and hide a slip."""
        if self.choices.store is None and self.scheduler.settings.store.startswith("memory:"):
            raise StoreError(
                "which store? Give --store sqlite:///jobs.db or --app MODULE:SCHEDULER, set FOLIOT_STORE, "
                'or write store = "sqlite:///jobs.db" in foliot.toml; memory is seen by its own process only'
            )

    def _refuse_missing(self) -> None:
        """So would a file made by looking."""
        refuse_missing(self.scheduler.store)


Command = Callable[Concatenate[Desk, P], Awaitable[Answer | None]]


def command(app: typer.Typer, name: str) -> Callable[[Command[P]], Command[P]]:
    """Make a function a command: it is given a desk with the store open, and its answer is printed."""

    def register(function: Command[P]) -> Command[P]:
        @wraps(function)
        async def opened(desk: Desk, *args: P.args, **kwargs: P.kwargs) -> Answer | None:
            async with desk.opened():
                return await function(desk, *args, **kwargs)

        app.command(name)(_with_desk(opened))
        return function

    return register


def unopened(app: typer.Typer, name: str) -> Callable[[Command[P]], Command[P]]:
    """Make a function a command that opens the store itself, if it can."""

    def register(function: Command[P]) -> Command[P]:
        app.command(name)(_with_desk(function))
        return function

    return register


def _with_desk(function: Command[...]) -> Callable[..., None]:
    """The function as typer shall see it: with the options given everywhere, and printing its answer."""

    @wraps(function)
    def run(*, ctx: typer.Context, **given: Any) -> None:
        choices = Choices(**{each.name: given.pop(each.name) for each in fields(Choices)}).over(ctx.obj)
        with kind_errors(choices.debug):
            answer = asyncio.run(_answered(function, choices, given))
        if answer is not None:
            show(answer, json=choices.json)
            if not answer.ok:
                raise typer.Exit(answer.code)

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    asked = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    _retyped(run, [context, *asked, *_PLACES])
    return run


async def _answered(function: Command[...], choices: Choices, given: dict[str, Any]) -> Answer | None:
    return await function(Desk(choices), **given)


def _retyped(function: Any, parameters: list[inspect.Parameter]) -> None:
    """Give a function the signature that typer shall read."""
    del function.__wrapped__
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {each.name: each.annotation for each in parameters}
