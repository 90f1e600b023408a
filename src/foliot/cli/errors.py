"""What becomes of an error: one kind message on standard error, and an exit code that scripts can use."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import typer

from foliot.errors import ArgumentsError, FoliotError

WRONG, USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes: something is wrong or was not found; the command line cannot be read; Ctrl-C."""


@contextmanager
def kind_errors(debug: bool) -> Generator[None]:
    """Say our own errors in one message, without a traceback unless it is asked for; end quietly on Ctrl-C."""
    try:
        yield
    except FoliotError as problem:
        if debug:
            raise
        typer.echo(f"foliot: {problem}", err=True)
        raise typer.Exit(USAGE if isinstance(problem, ArgumentsError) else WRONG) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
