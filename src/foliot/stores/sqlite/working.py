"""What workers do: claim due runs, keep them by beats, and finish them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice

from msgspec.structs import replace

from foliot.model import (
    PRIORITIES,
    Batch,
    Beat,
    Claim,
    Ending,
    Line,
    Reply,
    Run,
    State,
    Topic,
    Verdict,
    Worker,
)
from foliot.stores.base import PARKS
from foliot.stores.moves import beaten, claimed, ended, parked, settled
from foliot.stores.sqlite.adding import add
from foliot.stores.sqlite.bulk import THESE, listed
from foliot.stores.sqlite.keeping import fire_each, put
from foliot.stores.sqlite.lanes import Lanes
from foliot.stores.sqlite.releasing import give_up_keys, give_up_keys_at_start, release, wait_for
from foliot.stores.sqlite.rows import (
    BEATEN,
    CLAIMED,
    COLUMNS,
    ENDED,
    PARKED,
    PUT_DOWN,
    SETTLED,
    load,
    run_of,
    save,
    text_of,
)
from foliot.stores.sqlite.transaction import Transaction

# Claiming


def claim(tx: Transaction, wish: Claim, now: int) -> Batch:
    """Take due runs in order; those that meet a full lane are parked before it."""
    if wish.limit <= 0:
        return Batch()
    lanes = Lanes(tx, now)
    taken, put_down = _sorted_out(_due(tx.db, wish, now), lanes, wish, now)
    _mark_claimed(tx.db, [run.id for run in taken if not run.attempts], wish, now)
    save(tx.db, [run for run in taken if run.attempts], CLAIMED)
    save(tx.db, [run for run in put_down if not run.attempts], PARKED)
    save(tx.db, [run for run in put_down if run.attempts], PUT_DOWN)
    give_up_keys_at_start(tx.db, taken)
    lanes.write()
    woken = lanes.wake()
    if woken:
        tx.hint(Topic.RUNS, min(run.due_at for run in woken))
    return Batch(
        runs=tuple(taken),
        wake_at=None if len(taken) == wish.limit else _wake_at(tx.db, wish, lanes, woken, now),
    )


def _mark_claimed(db: sqlite3.Connection, names: Sequence[str], wish: Claim, now: int) -> None:
    """What ``claimed`` says of runs that nobody has lost, in one step for all."""
    db.execute(
        "UPDATE runs SET state = 'running', token = token + 1, wakes_at = ?, worker = ?, started_at = ?"
        f" WHERE id IN {THESE}",
        (now + wish.lease, wish.worker, now, listed(names)),
    )


def _sorted_out(due: Iterator[Run], lanes: Lanes, wish: Claim, now: int) -> tuple[list[Run], list[Run]]:
    """Those to be taken, in order, and those to be parked."""
    if not lanes.any_limited:
        return [claimed(run, wish, now) for run in islice(due, wish.limit)], []
    taken: list[Run] = []
    put_down: list[Run] = []
    while missing := wish.limit - len(taken):
        page = list(islice(due, missing))
        if not page:
            break
        lanes.meet(page)
        for run in page:
            if (full := lanes.admit(run)) is None:
                taken.append(claimed(run, wish, now))
            else:
                put_down.append(parked(run, full, now))
    return taken, put_down


def _wake_at(db: sqlite3.Connection, wish: Claim, lanes: Lanes, woken: Sequence[Run], now: int) -> int | None:
    instants = [instant for _, _, instant in _heads(db, wish)]
    if (look := lanes.next_look()) is not None:
        instants.append(look)
    if woken:
        instants.append(now)
    return min(instants, default=None)


# The order of what is due. The index has it for one place and one priority; across them it is merged here.

_EVERY_PLACE = """
WITH RECURSIVE every(place) AS (
  SELECT ''
  UNION ALL
  SELECT coalesce(
    (SELECT place FROM runs INDEXED BY runs_due
      WHERE wakes_at IS NOT NULL AND place > every.place AND place < '@' ORDER BY place LIMIT 1),
    (SELECT place FROM runs INDEXED BY runs_due
      WHERE wakes_at IS NOT NULL AND place > every.place AND place >= 'A' ORDER BY place LIMIT 1))
  FROM every WHERE every.place IS NOT NULL
)
SELECT place FROM every WHERE place <> ''
"""

_HEADS = f"""
SELECT * FROM (
  SELECT value AS place, column1 AS priority, (
    SELECT wakes_at FROM runs INDEXED BY runs_due
    WHERE wakes_at IS NOT NULL AND place = value AND priority = column1 ORDER BY wakes_at LIMIT 1
  ) AS wakes_at
  FROM json_each(?), (VALUES {", ".join(f"({priority})" for priority in PRIORITIES)})
) WHERE wakes_at IS NOT NULL
"""

_DUE = f"""
SELECT {COLUMNS} FROM runs INDEXED BY runs_due
WHERE wakes_at IS NOT NULL AND place = ? AND priority = ? AND wakes_at <= ? ORDER BY wakes_at, id
"""


def _places(db: sqlite3.Connection, wish: Claim) -> list[str]:
    """Where this worker looks: the places of its queues, or of all that have runs; and its own."""
    queues = wish.queues or (place for [place] in db.execute(_EVERY_PLACE).fetchall())
    return list(dict.fromkeys((*queues, f"@{wish.worker}")))


def _heads(db: sqlite3.Connection, wish: Claim) -> list[tuple[str, int, int]]:
    """For each served place and each priority that has any, when somebody should look at its first run."""
    return db.execute(_HEADS, (listed(_places(db, wish)),)).fetchall()


def _due(db: sqlite3.Connection, wish: Claim, now: int) -> Iterator[Run]:
    """What is due, in the order of claims; read only as far as it is asked for, or as many may be parked."""
    waiting = [(place, priority) for place, priority, instant in _heads(db, wish) if instant <= now]
    lines = [_read(db.execute(_DUE, (place, priority, now)), wish.limit) for place, priority in waiting]
    return islice(lines[0] if len(lines) == 1 else merge(*lines, key=_rank), wish.limit + PARKS)


def _read(cursor: sqlite3.Cursor, page: int) -> Iterator[Run]:
    while rows := cursor.fetchmany(page):
        yield from map(run_of, rows)


def _rank(run: Run) -> tuple[int, str]:
    return run.rank, run.id


# Beating


def beat(tx: Transaction, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
    """Keep the leases of those that are still held."""
    put(tx, [replace(worker, seen_at=now)])
    held = load(tx.db, [each.run for each in beats])
    replies = [_replied(held, each, now, lease) for each in beats]
    kept = [each for each, reply in zip(beats, replies, strict=True) if reply.verdict is not Verdict.LOST]
    save(tx.db, [held[name] for name in dict.fromkeys(each.run for each in kept)], BEATEN)
    keep_lines(tx.db, kept)
    return replies


def _replied(held: dict[str, Run], each: Beat, now: int, lease: int) -> Reply:
    run = held.get(each.run)
    if run is None or not _holds(run, each.token):
        return Reply(verdict=Verdict.LOST)
    held[run.id] = beaten(run, each, now, lease)
    return Reply(verdict=Verdict.KEEP if run.cancelling is None else Verdict.STOP, reason=run.cancelling)


def _holds(run: Run, token: int) -> bool:
    return run.state is State.RUNNING and run.token == token


def keep_lines(db: sqlite3.Connection, given: Iterable[Beat | Ending]) -> None:
    """Keep lines, numbered on from those that their run has."""
    for each in given:
        if each.lines:
            [[last]] = db.execute("SELECT coalesce(max(n), 0) FROM lines WHERE run = ?", (each.run,))
            rows = [(each.run, n, *_line(line)) for n, line in enumerate(each.lines, last + 1)]
            db.executemany("INSERT INTO lines (run, n, at, level, text, fields) VALUES (?, ?, ?, ?, ?, ?)", rows)


def _line(line: Line) -> tuple[int, str, str, str | None]:
    return line.at, line.level, line.text, None if line.fields is None else text_of(line.fields) or "{}"


# Finishing


def finish(tx: Transaction, endings: Sequence[Ending], now: int) -> list[bool]:
    """End claims, one after the other; those that touch nothing but their own run go together."""
    answers: list[bool] = []
    for alone, those in groupby(endings, _brings_more):
        finish_these = _finish_each if alone else _finish_together
        answers += finish_these(tx, list(those), now)
    return answers


def _brings_more(ending: Ending) -> bool:
    return bool(ending.spawn or ending.wait or ending.firing)


def _finish_together(tx: Transaction, endings: Sequence[Ending], now: int) -> Iterable[bool]:
    return [run is not None for run in _finish(tx, endings, now)]


def _finish_each(tx: Transaction, endings: Sequence[Ending], now: int) -> Iterator[bool]:
    for each in endings:
        [run] = _finish(tx, [each], now)
        if run is not None:
            _follow_up(tx, run, each, now)
        yield run is not None


def _finish(tx: Transaction, endings: Sequence[Ending], now: int) -> list[Run | None]:
    """The runs as they are now; None where the claim was lost."""
    held = load(tx.db, [each.run for each in endings])
    runs = [_ended(held, each, now) for each in endings]
    accepted = [run for run in runs if run is not None]
    over = [run for run in accepted if run.state.over]
    save(tx.db, over, ENDED)
    save(tx.db, [run for run in accepted if not run.state.over], PUT_DOWN)
    _leave(tx, accepted, now)
    give_up_keys(tx.db, over)
    release(tx, [run.id for run in over])
    keep_lines(tx.db, [each for each, run in zip(endings, runs, strict=True) if run is not None])
    _hint(tx, accepted)
    return runs


def _ended(held: dict[str, Run], ending: Ending, now: int) -> Run | None:
    """Each claim ends once: it is taken out of those that are held."""
    run = held.get(ending.run)
    if run is None or not _holds(run, ending.token):
        return None
    del held[ending.run]
    return ended(run, ending, now)


def _leave(tx: Transaction, runs: Sequence[Run], now: int) -> None:
    lanes = Lanes(tx, now)
    if lanes.any_limited:
        lanes.leave(runs)
        if lanes.write():
            tx.hint(Topic.RUNS, now)


def _hint(tx: Transaction, runs: Sequence[Run]) -> None:
    instants = [run.wakes_at for run in runs if run.wakes_at is not None]
    if instants:
        tx.hint(Topic.RUNS, min(instants))


def _follow_up(tx: Transaction, run: Run, ending: Ending, now: int) -> None:
    """What an accepted ending brings with it: new runs, waiting for runs, the next time of its schedule."""
    instead = ending.state is State.PENDING and run.state.over
    if ending.spawn and not instead:
        add(tx, ending.spawn, now)
    if ending.wait and not run.state.over:
        _wait(tx.db, run.id, ending.wait)
    if ending.firing is not None:
        fire_each(tx, [ending.firing], now)


def _wait(db: sqlite3.Connection, name: str, upstreams: Iterable[str]) -> None:
    """Let it sleep until these are over, unless what it spawned has replaced it."""
    if not (run := load(db, [name])[name]).state.over:
        save(db, [settled(run, wait_for(db, name, upstreams))], SETTLED)


def turn(tx: Transaction, endings: Sequence[Ending], wish: Claim, now: int) -> tuple[list[bool], Batch]:
    """Finish and claim in one step."""
    return finish(tx, endings, now), claim(tx, wish, now)
