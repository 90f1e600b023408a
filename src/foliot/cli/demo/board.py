"""Where the audience looks: a table that lives on a terminal, plain lines without one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from foliot.cli.demo.story import Look
from foliot.cli.printing import Table, on_terminal, rich
from foliot.cli.words import progress
from foliot.model import Run, State

CAST = {
    "tick": "cron, to the second",
    "pulse": "every 250 ms",
    "slow": "every second, takes 2.5 s",
    "flaky": "fails twice, retries",
    "stuck": "never ends, timeout 1 s",
    "primes": "in a process of its own",
    "patience": "takes a minute, cancelled",
    "report": "its worker is killed",
}


@dataclass(frozen=True, slots=True)
class Board:
    """Two ways to tell the audience: a sentence, and the whole picture."""

    say: Callable[[str], None]
    show: Callable[[Look], None]


@contextmanager
def board(elapsed: Callable[[], float]) -> Generator[Board]:
    """A board for this terminal, or for none."""
    if not on_terminal():
        yield Board(lambda text: print(_stamped(text, elapsed()), flush=True), lambda _: None)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with Live(console=console, refresh_per_second=10, transient=False) as live:
        yield Board(
            lambda text: console.print(_stamped(text, elapsed()), markup=False),
            lambda look: live.update(rich(picture(look))),
        )


def _stamped(text: str, elapsed: float) -> str:
    return f"{elapsed:6.1f}s  {text}"


def picture(look: Look) -> Table:
    """How every job of the demo stands."""
    return Table(columns=_COLUMNS, rows=[_row(job, about, look) for job, about in CAST.items()])


_COLUMNS = ("JOB", "WHAT IT IS", "DONE", "SKIPPED", "TRIES", "STATE")


def _row(job: str, about: str, look: Look) -> tuple[str, ...]:
    runs = [run for _, run in sorted(look.items()) if run.job == job]
    running = [each for each in runs if each.state is State.RUNNING]
    return (
        job,
        about,
        str(sum(each.state is State.SUCCEEDED for each in runs)),
        str(sum(each.state is State.SKIPPED for each in runs)),
        str(sum(len(each.timeline) for each in runs)),
        ", ".join(_now(each) for each in running) or (runs[-1].state.value if runs else ""),
    )


def _now(run: Run) -> str:
    return f"on {run.worker} {progress(run.progress)}".rstrip()
