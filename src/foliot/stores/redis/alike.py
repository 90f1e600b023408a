"""Pages of runs that differ in nothing but their ids and arguments, as most do: packed and read once for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from foliot.model import LIVE, Run
from foliot.stores.moves import arrived
from foliot.stores.redis.client import Word
from foliot.stores.redis.rows import Row, exact, mould_of, pack_each, rows_of, run_of

MOST = 500
"""The longest page that goes in one call."""


def page_of(runs: Sequence[Run], now: int) -> list[Word] | None:
    """Runs as ``add_plain.lua`` takes them; None where they are not alike, or something ties one to others."""
    if not 0 < len(runs) <= MOST or _is_tied(runs[0]) or not _are_alike(runs):
        return None
    first = arrived(runs[0], now)
    head = pack_each(exact(first.due_at), first.priority, first.place, first.job, first.schedule, first.parent)
    mould = mould_of(first)
    return [head, *[run.id for run in runs], *[mould(run.id, run.args) for run in runs]]


def _is_tied(run: Run) -> bool:
    return run.state not in LIVE or run.unique is not None or bool(run.after or run.tags or run.meta)


def _are_alike(runs: Sequence[Run]) -> bool:
    first = runs[0]
    if len(runs) == 1:
        return True
    return len({run.id for run in runs}) == len(runs) and all(
        run.terms is first.terms and replace(first, id=run.id, args=run.args) == run for run in runs
    )


def runs_of(reply: bytes) -> list[Run]:
    """The runs in a packed list, which has no gaps."""
    return list(_read(row for row in rows_of(reply) if row is not None))


def _read(rows: Iterable[Row]) -> Iterator[Run]:
    """Each like the one before it that was read in full, if it is."""
    like: Row | None = None
    run: Run | None = None
    for row in rows:
        if like is not None and run is not None and replace(like, id=row.id, args=row.args, result=row.result) == row:
            yield replace(run, id=row.id, args=row.args, result=row.result)
        else:
            like, run = row, run_of(row)
            yield run
