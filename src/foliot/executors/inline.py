"""In place: async functions in the worker's own event loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from foliot.context import Context


class Inline:
    """Awaits async functions where the worker lives; a plain function, when it is given one, holds everything up."""

    async def run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], context: Context
    ) -> Any:
        context.enter()
        context.begun = True
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    def rest(self, context: Context) -> None:
        """Nothing goes on behind an await."""

    async def close(self) -> None:
        """There is nothing to let go of."""
