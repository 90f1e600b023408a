"""Lifespan resources: opened at start, given to jobs that ask for them by annotation, closed at stop."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, get_args, get_origin, get_type_hints

from foliot.errors import JobError
from foliot.jobs import Job

_STREAMS = (AsyncGenerator, AsyncIterator, Generator, Iterator)


class Resources:
    """What providers provide, by annotation."""

    def __init__(self) -> None:
        self._providers: dict[Any, Callable[..., Any]] = {}

    def provide(self, provider: Callable[..., Any]) -> Callable[..., Any]:
        """Take in a provider. Raises JobError if it does not say what it provides, or another provides the same."""
        if not callable(provider):
            raise JobError(f"{provider!r} is no function; write @scheduler.resource without parentheses")
        kind = _provided(provider)
        if kind in self._providers:
            raise JobError(f"two resources provide {kind!r}; give one of them a type of its own (typing.NewType)")
        self._providers[kind] = provider
        return provider

    async def opened(self, stack: AsyncExitStack, jobs: Iterable[Job[..., Any, Any]]) -> dict[Any, Any]:
        """Open everything provided; the stack closes it, the last one first.

        Raises JobError if a job asks for something else.
        """
        for job in jobs:
            for name, kind in job.resources.items():
                if kind not in self._providers:
                    raise JobError(f"job {job.name!r} asks for {name}: {kind!r}, which no @scheduler.resource provides")
        return {kind: await _open(provider, stack) for kind, provider in self._providers.items()}


def _provided(provider: Callable[..., Any]) -> Any:
    kind = get_type_hints(provider).get("return")
    if get_origin(kind) in _STREAMS:
        kind = get_args(kind)[0]
    if kind is None or kind is type(None):
        raise JobError(f"resource {provider.__qualname__} needs a return annotation; it says which jobs get it")
    return kind


async def _open(provider: Callable[..., Any], stack: AsyncExitStack) -> Any:
    if inspect.isasyncgenfunction(provider):
        return await stack.enter_async_context(asynccontextmanager(provider)())
    if inspect.isgeneratorfunction(provider):
        return stack.enter_context(contextmanager(provider)())
    made = provider()
    return await made if inspect.isawaitable(made) else made
