"""An exam that everybody passes examines nothing: each planted bug is caught by its examples, most by random hours."""

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.stores.planting import planted
from tests.stores.sitting import differs_within, failed_example

from foliot.stores.base import Store
from foliot.stores.sqlite import SQLiteStore
from foliot.testing.exam.amending import Amending
from foliot.testing.exam.claiming import Claiming
from foliot.testing.exam.finding import Finding
from foliot.testing.exam.finishing import Finishing
from foliot.testing.exam.firing import FiringSchedules
from foliot.testing.exam.keeping import Keeping
from foliot.testing.exam.lanes import Lanes
from foliot.testing.exam.leases import Leases
from foliot.testing.exam.order import Order
from foliot.testing.exam.rates import Rates
from foliot.testing.exam.releasing import Releasing
from foliot.testing.exam.unique import UniqueKeys

pytestmark = pytest.mark.untraced

HOURS = 160


class Mutant(NamedTuple):
    """A bug, and the examples that must catch it."""

    subject: type
    right: str
    wrong: str


MUTANTS = {
    "a finish is not fenced": Mutant(Finishing, "not _holds(run, ending.token)", "run.state is not State.RUNNING"),
    "a beat is not fenced": Mutant(Leases, "not _holds(run, each.token)", "run.state is not State.RUNNING"),
    "the token does not grow": Mutant(Leases, "token = token + 1, ", ""),
    "a lost attempt is forgotten": Mutant(
        Leases, "run.attempts if run.state is PENDING else _with_last(run, now, Outcome.LOST),", "run.attempts,"
    ),
    "a lapsed lease is never seen": Mutant(Leases, "AND wakes_at <= ? ORDER", "AND wakes_at <= ? AND token = 0 ORDER"),
    "labels are ignored": Mutant(Claiming, "if serves(place, wish)", "if serves(place.partition('+')[0], wish)"),
    "priority is ignored": Mutant(Order, "return run.rank, run.id", "return run.wakes_at, run.id"),
    "ageing is ignored": Mutant(Order, "return run.rank, run.id", "return -run.priority, run.id"),
    "ties go by queue": Mutant(Order, "return run.rank, run.id", "return run.rank, run.queue"),
    "ties go by the newest": Mutant(Order, "<= ? ORDER BY wakes_at, id\n", "<= ? ORDER BY wakes_at, id DESC\n"),
    "another's run is claimed": Mutant(
        Claiming, "return [*shared, *wish.doors]", 'return [*dict.fromkeys((*shared, "@w1", "@w2", *wish.doors))]'
    ),
    "who waits is visible": Mutant(Releasing, "wakes_at=None if waits else run.due_at", "wakes_at=run.due_at"),
    "an end releases nobody": Mutant(Releasing, "    if not over:\n", "    if True:\n"),
    "who is released wakes before it is due": Mutant(Releasing, "THEN due_at END", "THEN 0 END"),
    "unknown runs are waited for": Mutant(Releasing, "return added.rowcount", "return len(set(upstreams))"),
    "unknown runs release later": Mutant(
        Releasing,
        "    return added.rowcount",
        "    known = added.rowcount\n"
        "    links = [(each, name) for each in upstreams]\n"
        "    db.executemany('INSERT OR IGNORE INTO waits (upstream, run) VALUES (?, ?)', links)\n"
        "    return known",
    ),
    "a zombie spawns": Mutant(
        Finishing,
        "        if run is not None:\n            _follow_up(",
        "        add(tx, each.spawn, now)\n        if run is not None:\n            _follow_up(",
    ),
    "spawned runs are lost": Mutant(Finishing, "if ending.spawn and not instead:", "if False:"),
    "any version may fire": Mutant(
        FiringSchedules,
        "if versions.get(firing.schedule.id, 0) != firing.expect:",
        "if firing.expect and firing.schedule.id not in versions:",
    ),
    "the agenda forgets when to come back": Mutant(
        FiringSchedules, "None if len(rows) > limit else _next(tx.db, now)", "None"
    ),
    "one more fits into a full lane": Mutant(Lanes, "limit.running - running", "limit.running + 1 - running"),
    "a pause is ignored": Mutant(
        Lanes, "if limit.paused is not None:\n        return 0", "if False:\n        return 0"
    ),
    "who leaves a lane wakes nobody": Mutant(
        Lanes, "self._look_at_left([lane.name for lane in changed if lane.left])", "self._look_at_left([])"
    ),
    "who is put down keeps its place": Mutant(
        Lanes, "if run.state is State.RUNNING:\n            _leave(lanes)", "if False:\n            _leave(lanes)"
    ),
    "the last in line is woken first": Mutant(
        Lanes, "ORDER BY due_at - priority * {AGEING}, id LIMIT ?", "ORDER BY id DESC LIMIT ?"
    ),
    "a place that nobody took is offered no more": Mutant(
        Lanes, "return self._now if free else opens_at(", "return opens_at("
    ),
    "a window opens a moment late": Mutant(Rates, "WHERE lane = ? AND at > ?", "WHERE lane = ? AND at >= ?"),
    "nobody looks when a window opens": Mutant(
        Rates, "return self._now if free else opens_at(", "return self._now if free else None and opens_at("
    ),
    "a unique key is never given up": Mutant(UniqueKeys, "    give_up_keys(tx.db, over)\n    release(", "    release("),
    "a key held for a while is free": Mutant(
        UniqueKeys, "return self.until is None or self.until > now", "return self.until is None"
    ),
    "a key held for a while is held for ever": Mutant(
        UniqueKeys, "return self.until is None or self.until > now", "return True"
    ),
    "a cancel of what runs is forgotten": Mutant(
        Amending, "return replace(run, cancelling=reason) if run.state is RUNNING else run", "return run"
    ),
    "pruning takes who is pending": Mutant(
        Keeping, "DELETE FROM runs WHERE id IN {THESE}", "DELETE FROM runs WHERE id IN {THESE} OR state = 'pending'"
    ),
    "pruning takes what a live run has spawned": Mutant(Keeping, "AND p.finished_at IS NULL", "AND FALSE"),
    "pruning keeps one too many": Mutant(Keeping, "(job, keep - 1)", "(job, keep)"),
    "all lines but the first are lost": Mutant(Keeping, "for run, line in lines:", "for run, line in lines[:1]:"),
    "a page skips one": Mutant(Finding, "rows[: query.limit]", "rows[1 : query.limit + 1]"),
    "pages end too soon": Mutant(Finding, "more = len(rows) > query.limit", "more = len(rows) > query.limit + 1"),
}

SLOW_TO_SHOW = {
    "a beat is not fenced",
    "the last in line is woken first",
    "who is put down keeps its place",
    "who leaves a lane wakes nobody",
    "ageing is ignored",
    "one more fits into a full lane",
    "pruning keeps one too many",
    "ties go by queue",
    "labels are ignored",
    "pruning takes what a live run has spawned",
    "who is released wakes before it is due",
    "a place that nobody took is offered no more",
    "a window opens a moment late",
    "nobody looks when a window opens",
}
"""What random hours come across, but only after many of them: too long for every day."""


@pytest.mark.parametrize("name", MUTANTS)
def test_the_examples_catch_a_planted_bug(name: str):
    subject, right, wrong = MUTANTS[name]

    with planted(right, wrong) as mutant:
        caught = failed_example(subject, mutant)

    assert caught is not None, f"a store in which {name} passes every example of {subject.__name__}"


@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - SLOW_TO_SHOW))
def test_random_hours_catch_a_planted_bug(name: str):
    _, right, wrong = MUTANTS[name]

    with planted(right, wrong) as mutant:
        caught = differs_within(HOURS, mutant)

    assert caught, f"a store in which {name} was not told from a sound one"


def test_random_hours_catch_a_store_that_does_not_see_what_another_process_does():
    with planted("if version != self._limits_as_of:", "if self._limits_as_of < 0:") as mutant:
        caught = differs_within(HOURS, mutant, durable=True)

    assert caught


def test_a_sound_store_planted_the_same_way_is_not_caught():
    with planted("return run.rank, run.id", "return (run.rank, run.id)") as same:
        caught = failed_example(Order, same), failed_example(Claiming, same), differs_within(5, same)

    assert same is not SQLiteStore
    assert issubclass(same, Store)
    assert caught == (None, None, False)


def test_a_bug_that_cannot_be_planted_is_no_mutant(tmp_path: Path):
    with pytest.raises(AssertionError, match="would be no mutant"), planted("no such text", ""):
        pass
