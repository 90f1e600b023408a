"""What becomes of an error: one kind message on standard error, and an exit code that scripts can use."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import typer

from foliot.errors import ArgumentsError, FoliotError

WRONG, USAGE, INTERRUPTED, UNREAD = 1, 2, 130, 141
"""Exit codes: something is wrong or was not found; the command line cannot be read; Ctrl-C; nobody reads on."""

_UNWRITABLE = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


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


@contextmanager
def kind_output() -> Generator[None]:
    """End quietly when nobody reads on, as in ``| head -1``, and say in one line why nothing can be written."""
    try:
        with _flushed():
            yield
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        raise SystemExit(_unwritten(end.__context__)) from None
    except OSError as problem:
        if problem.errno not in _UNWRITABLE or problem.filename is not None:
            raise
        raise SystemExit(_unwritten(problem)) from None


def refuse_bytes(words: Sequence[str]) -> None:
    """Refuse words that are not text: no name, id or argument may hold such. Exits as for a usage error."""
    for each in words:
        try:
            each.encode()
        except UnicodeEncodeError:
            typer.echo(f"foliot: {each!a} on the command line is not text in UTF-8; write it in UTF-8", err=True)
            raise SystemExit(USAGE) from None


@contextmanager
def _flushed() -> Generator[None]:
    """Write out all that was printed while it can still be told that this failed."""
    try:
        yield
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _unwritten(problem: OSError) -> int:
    """Let standard output be, so that nothing is tried again at the very end. The exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if problem.errno == errno.EPIPE:
        return UNREAD
    typer.echo(
        f"foliot: standard output cannot be written ({problem.strerror}); free some space or write elsewhere", err=True
    )
    return WRONG
