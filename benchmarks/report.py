"""Tables for the terminal and for RESULTS.md, which keeps one section for each part."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.contest import Aim, Column, Entrant, Figures
from benchmarks.environments import HERE, version
from benchmarks.machine import commit
from benchmarks.race import Standing

RESULTS = HERE / "RESULTS.md"
FINDINGS = HERE / "FINDINGS.md"
"""Written by hand after profiling: a section for each part says what was missed, and why."""

TITLE = "# Results"
PREFACE = """\
What `make bench` measured: our programs and the peers' took turns on one machine, and the middle of three
rounds is shown (schedules, which take long, have one). Figures of different days or machines cannot be compared; leads
can. *Lead* is how many times better ours (the first row) is in the first column of figures.
"""


def section(part: str, machine: str, standings: Sequence[Standing]) -> str:
    """All about one part, as Markdown; ``machine`` describes what it was measured on."""
    today = dt.datetime.now(dt.UTC).date()
    measured = f"Measured on {today} at {commit()}: {machine}{_versions(standings)}."
    return "\n\n".join([f"## {part}", measured, *map(_shown, standings), *_findings(part)]) + "\n"


def keep(part: str, text: str, order: Iterable[str]) -> None:
    """Write the section of one part into RESULTS.md; those of the others stay."""
    kept = _sections(RESULTS) | {part: text}
    RESULTS.write_text("\n".join([TITLE, "", PREFACE, *(kept[each] for each in order if each in kept)]))


def _sections(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    parts = re.split(r"^## (\w+)$", file.read_text(), flags=re.MULTILINE)
    return {name: f"## {name}{text}".rstrip("\n") + "\n" for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _findings(part: str) -> list[str]:
    text = _sections(FINDINGS).get(part)
    return [] if text is None else [text.partition("\n")[2].strip()]


def _versions(standings: Sequence[Standing]) -> str:
    peers = dict.fromkeys(each.peer for standing in standings for each in standing.contest.entrants if each.peer)
    return "".join(f", {version(peer)}" for peer in peers)


def _shown(standing: Standing) -> str:
    parts = [
        f"### {standing.contest.title}",
        _table(standing),
        "\n".join([*_absent(standing), *_aims(standing), standing.contest.notes.strip()]).strip(),
    ]
    return "\n\n".join(each for each in parts if each)


def _table(standing: Standing) -> str:
    contest = standing.contest
    head = ["", *(each.title for each in contest.columns), "lead"]
    rows = [_row(each, standing) for each in contest.entrants]
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    ruler = [f"{'-' * (width - 1)}{':' if n else '-'}" for n, width in enumerate(widths)]
    return "\n".join(_line(row, widths) for row in (head, ruler, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    [first, *rest] = zip(cells, widths, strict=True)
    return " | ".join(["| " + first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]) + " |"


def _row(entrant: Entrant, standing: Standing) -> list[str]:
    columns = standing.contest.columns
    if entrant.name in standing.excuses:
        return [entrant.name, *["-"] * len(columns), ""]
    figures = standing.figures[entrant.name]
    cells = [each.show(figures[each.key]) if each.key in figures else "-" for each in columns]
    return [entrant.name, *cells, _lead(entrant, standing, columns[0])]


def _lead(entrant: Entrant, standing: Standing, column: Column) -> str:
    """How many times better ours is; nothing beside ourselves."""
    ours, figures = standing.contest.entrants[0], standing.figures
    pair = [figures.get(name, {}).get(column.key) for name in (ours.name, entrant.name)]
    if entrant.ours or not all(pair):
        return ""
    [mine, theirs] = [each or 0 for each in pair]
    return f"{theirs / mine if column.less_is_better else mine / theirs:,.2f} x"


def _absent(standing: Standing) -> list[str]:
    return [f"* {name} did not run: {excuse}" for name, excuse in standing.excuses.items()]


def _aims(standing: Standing) -> list[str]:
    return [_judged(each, standing.figures) for each in standing.contest.aims]


def _judged(aim: Aim, figures: Figures) -> str:
    try:
        reached, how = aim.judge(figures)
    except KeyError as missing:
        return f"* Aim: {aim.what}. **Not measured**: {missing} did not run."
    return f"* Aim: {aim.what}. {'Reached' if reached else '**Missed**'}: {how}."
