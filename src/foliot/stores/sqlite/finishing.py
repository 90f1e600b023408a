"""What holders of claims do: keep them by beats, and end them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from foliot.model import Beat, Ending, Reply, Run, State, Topic, Verdict, Worker
from foliot.stores.moves import beaten, ended, settled
from foliot.stores.sqlite.adding import add
from foliot.stores.sqlite.keeping import fire_each, put
from foliot.stores.sqlite.lanes import Lanes
from foliot.stores.sqlite.lines import keep_lines
from foliot.stores.sqlite.releasing import give_up_keys, release, wait_for
from foliot.stores.sqlite.rows import BEATEN, ENDED, PUT_DOWN, SETTLED, load, save
from foliot.stores.sqlite.transaction import Transaction

# Beating


def beat(tx: Transaction, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
    """Keep the leases of those that are still held."""
    put(tx, [replace(worker, seen_at=now)])
    held = load(tx.db, [each.run for each in beats])
    replies = [_replied(held, each, now, lease) for each in beats]
    kept = [each for each, reply in zip(beats, replies, strict=True) if reply.verdict is not Verdict.LOST]
    save(tx.db, [held[name] for name in dict.fromkeys(each.run for each in kept)], BEATEN)
    keep_lines(tx.db, [(each.run, line) for each in kept for line in each.lines])
    return replies


def _replied(held: dict[str, Run], each: Beat, now: int, lease: int) -> Reply:
    run = held.get(each.run)
    if run is None or not _holds(run, each.token):
        return Reply(verdict=Verdict.LOST)
    held[run.id] = beaten(run, each, now, lease)
    return Reply(verdict=Verdict.KEEP if run.cancelling is None else Verdict.STOP, reason=run.cancelling)


def _holds(run: Run, token: int) -> bool:
    return run.state is State.RUNNING and run.token == token


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
    counted = [each for each, run in zip(endings, runs, strict=True) if run is not None]
    keep_lines(tx.db, [(each.run, line) for each in counted for line in each.lines])
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
