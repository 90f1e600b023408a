"""``foliot move``: copy what one store keeps into another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

import typer

from foliot.cli import documents
from foliot.cli.desk import Desk, refuse_missing, unopened
from foliot.cli.printing import Answer, Part, Table, on_terminal
from foliot.cli.words import lasting, many
from foliot.cli.workers import alive
from foliot.errors import DefinitionError, FoliotError, StoreError
from foliot.model import Fate, Worker
from foliot.moving import Comparison, Copied, Move
from foliot.stores import open_store
from foliot.stores.base import Store

AGAIN = "what was copied stays: start it again, and it goes on"


def register(app: typer.Typer) -> None:
    """Add the command."""
    unopened(app, "move")(move)


Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The URL of the store to copy; it is only read.")]
Target = Annotated[str, typer.Argument(metavar="TARGET", help="The URL of the store to copy into.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Copy although workers are at it; it will differ then.")]
CheckOption = Annotated[bool, typer.Option("--check", help="Copy nothing, only compare.")]


async def move(
    desk: Desk, source: Source, target: Target, live: LiveOption = False, check: CheckOption = False
) -> Answer:
    """Copy schedules, limits and runs, with their history and logs, from any store to any other.

    Stop the workers first. Copying again is harmless: what is there already stays, so an interrupted copy goes on. At
    the end both are counted and compared by checksum; exit 1 if they differ. The source stays as it is: let no
    scheduler start on it any more.

    \b
    foliot move sqlite:///jobs.db postgresql://db.example/jobs
    foliot move redis://localhost/0 "redis://localhost/0?namespace=shop"
    foliot move sqlite:///jobs.db postgresql://db.example/jobs --check
    """
    began = desk.now
    async with _opened(_named(source), make=False) as one, _opened(_named(target), make=not check) as other:
        _refuse_one_place(one, other, source, target)
        if not live and not check:
            await _refuse_workers(desk, {source: one, target: other})
        with _progress(desk) as tell, _with_remedy(check):
            job = Move(one, other, began, tell)
            copied = Copied() if check else await job.copy(live=live)
            compared = await job.compare()
    desk.refresh()
    return _answer(copied, compared, desk.now - began)


def _named(url: str) -> Store:
    if url.startswith("memory:"):
        raise DefinitionError(f"{url!r} is seen by its own process only; name a file or a database")
    return open_store(url)


@asynccontextmanager
async def _opened(store: Store, *, make: bool) -> AsyncGenerator[Store]:
    if not make:
        refuse_missing(store)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _refuse_one_place(one: Store, other: Store, source: str, target: str) -> None:
    path = getattr(one, "path", None)
    if source == target or (path is not None and path == getattr(other, "path", None)):
        raise DefinitionError(f"{source!r} and {target!r} are one store; name two")


async def _refuse_workers(desk: Desk, stores: dict[str, Store]) -> None:
    """What changes while it is copied cannot be compared, and would be worked on twice."""
    for url, store in stores.items():
        living = [each for each in await store.records(Worker) if alive(each, desk.now)]
        if living:
            heard = lasting(desk.now - max(each.seen_at for each in living))
            names = ", ".join(each.id for each in living[:3])
            raise FoliotError(
                f"{many(len(living), 'worker')} at work on {url}: {names}, heard of {heard} ago; "
                "stop them first and wait a minute, or copy with --live"
            )


@contextmanager
def _with_remedy(check: bool) -> Generator[None]:
    try:
        yield
    except StoreError as problem:
        raise type(problem)(f"{problem}; {'nothing was changed' if check else AGAIN}") from problem


@contextmanager
def _progress(desk: Desk) -> Generator[Callable[[str, int, int], None]]:
    """A bar for each stage, if somebody is looking."""
    if desk.choices.json or not on_terminal():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def _answer(copied: Copied, compared: list[Comparison], took: int) -> Answer:
    well = not copied.clashed and all(each.equal for each in compared)
    new, known = copied.fates[Fate.ADDED], copied.fates[Fate.KNOWN]
    parts: list[Part] = [
        f"{many(new, 'run')} copied, {known:,} were there already; {lasting(took)}.",
        "",
        Table(columns=_COLUMNS, rows=[_row(each) for each in compared]),
        "",
        *_problems(copied, compared),
        "Both have the same." if well else "They differ.",
    ]
    return Answer({**_document(copied, compared), "same": well}, parts, ok=well)


_COLUMNS = ("KIND", "SOURCE", "TARGET", "CHECKSUMS", "")


def _row(each: Comparison) -> tuple[str, ...]:
    one, other = each.checksums
    sums = one if each.equal else f"{one} {other}"
    return each.kind, f"{each.source:,}", f"{each.target:,}", sums, "ok" if each.equal else "wrong"


def _problems(copied: Copied, compared: list[Comparison]) -> list[str]:
    lines = [
        f"{each.kind} that are missing or differ: {', '.join(each.differing)}" for each in compared if not each.equal
    ]
    if copied.clashed:
        some = ", ".join(copied.clashed[:5])
        lines.append(
            f"{many(len(copied.clashed), 'run')} not copied, for another in the target holds their key: {some}"
        )
    return lines


def _document(copied: Copied, compared: list[Comparison]) -> documents.Document:
    return {
        "copied": copied.fates[Fate.ADDED],
        "known": copied.fates[Fate.KNOWN],
        "clashed": copied.clashed,
        "compared": [
            {
                "kind": each.kind,
                "source": each.source,
                "target": each.target,
                "checksums": list(each.checksums),
                "same": each.equal,
                "differing": each.differing,
            }
            for each in compared
        ],
    }
