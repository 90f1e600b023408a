"""What a command answers, and how it is printed: as a JSON document, as plain text, or with colours."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

GAP = "  "
STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "retrying": "yellow",
    "cancelling": "yellow",
    "lost": "bold red",
    "failed": "red",
    "timed out": "red",
    "crashed": "red",
    "cancelled": "magenta",
    "skipped": "dim",
    "scheduled": "blue",
    "paused": "yellow",
    "ok": "green",
    "note": "blue",
    "wrong": "bold red",
    "error": "bold red",
    "warning": "yellow",
}
"""The colours of cells that say exactly this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows under headings; without headings, names and values. ``empty`` is said if there are no rows."""

    columns: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    empty: str = ""
    title: str = ""


Part = str | Table


@dataclass(frozen=True, slots=True)
class Answer:
    """A document for programs, and the same in parts for people. Not ``ok`` exits with ``code``."""

    document: Any
    parts: Sequence[Part]
    ok: bool = True
    code: int = 1


def show(answer: Answer, *, json: bool) -> None:
    """Print an answer on standard output."""
    if json:
        print(as_json(answer.document, indent=2))
    elif on_terminal():
        _print_richly(answer.parts)
    else:
        print("\n".join(line for part in answer.parts for line in plain(part)))


def as_json(document: Any, indent: int = 0) -> str:
    """A document as JSON text; on one line unless indented."""
    text = msgspec.json.encode(document)
    return (msgspec.json.format(text, indent=indent) if indent else text).decode()


def on_terminal() -> bool:
    """Whether somebody is looking."""
    return sys.stdout is not None and sys.stdout.isatty()


def plain(part: Part) -> list[str]:
    """A part as lines of text, columns aligned by spaces."""
    if isinstance(part, str):
        return part.splitlines() or [""]
    above = [part.title] if part.title else []
    if not part.rows:
        return [*above, part.empty] if part.empty else above
    rows = [_one_line(each) for each in ([part.columns] if part.columns else []) + list(part.rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return above + [GAP.join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _one_line(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(cell.splitlines()).replace("\t", " ") for cell in row)


def _print_richly(parts: Sequence[Part]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for part in parts:
        console.print(rich(part))


def rich(part: Part) -> RenderableType:
    """A part as rich draws it."""
    from rich.text import Text

    if isinstance(part, str):
        return Text(part)
    if not part.rows:
        return Text("\n".join(filter(None, (part.title, part.empty))), style="dim")
    return _Fitting(part)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A table where there is room for its columns; else a few lines for each row."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield (_drawn if narrowest(self.table) <= options.max_width else _in_lines)(self.table)


def narrowest(table: Table) -> int:
    """How many characters a drawing needs so that whole columns are whole, and others can be read."""
    cells = [*zip(table.columns, *table.rows, strict=True)] if table.columns else []
    widths = [max(map(len, each)) for each in cells]
    return sum(
        width if each[0] in _WHOLE else min(width, _FOLDED) for width, each in zip(widths, cells, strict=True)
    ) + len(_BETWEEN) * len(cells)


def _in_lines(table: Table) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    lines: list[RenderableType] = [Text(table.title, style="bold")] if table.title else []
    for first, *others in table.rows:
        named = [
            Text.assemble((f"{column.lower()} ", "dim"), (cell, STYLES.get(cell, "")))
            for column, cell in zip(table.columns[1:], others, strict=True)
            if cell not in ("", "-")
        ]
        lines.append(Text(first, style="bold", overflow="fold"))
        if named:
            lines.append(Padding(Text(_BETWEEN).join(named), (0, 0, 0, 2), expand=False))
    return Group(*lines)


def _drawn(part: Table) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(
        box=SIMPLE_HEAD if part.columns else None,
        show_header=bool(part.columns),
        title=part.title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    for n in range(len(part.rows[0])):
        heading = part.columns[n] if part.columns else ""
        drawing.add_column(
            heading, no_wrap=heading in _WHOLE, overflow="fold", style="" if part.columns or n else "dim"
        )
    for row in part.rows:
        drawing.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    return drawing


_BETWEEN = "   "
_FOLDED = 7
"""How few characters a column may be folded to."""
_WHOLE = frozenset({"ID", "RUN", "STATE", "DUE", "NEXT", "TOOK"})
"""Columns that are worth keeping in one piece on a narrow terminal."""
