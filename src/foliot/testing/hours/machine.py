# pyright: basic
# Hypothesis describes dictionaries of many shapes, which strict typing cannot follow.
# ruff: noqa: S101 - invariants assert
"""The machine that plays an hour: it does at random what producers, workers, schedulers and people do."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from foliot.model import (
    AGEING,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Firing,
    Limit,
    Line,
    Progress,
    Run,
    Schedule,
    State,
    Worker,
)
from foliot.stores.base import Store
from foliot.stores.lanes import lanes_of, limit_of
from foliot.testing.hours import wishes
from foliot.testing.hours.pair import Pair, agenda_alike, batch_alike

WHICH = st.integers(0, 9)
"""One of those there are, counted round and round."""

SOME = st.lists(WHICH, min_size=1, max_size=3)

PASSING = st.sampled_from((0, 1, 5, 20, 40, AGEING))
"""How much time passes."""

ROUNDS = st.tuples(PASSING, st.lists(wishes.ENDINGS, max_size=3), wishes.CLAIMS)
"""How much time passes, how some of what runs ends, and what is claimed then."""

Held = tuple[str, int]
"""A claim: the run and its token."""


class StoreMachine(RuleBasedStateMachine):
    """Plays hours on a reference and a subject and demands equal answers and equal contents after every step."""

    durable = False

    def make_reference(self, place: Path) -> Store:
        """The store that is right."""
        raise NotImplementedError

    def make_subject(self, place: Path) -> Store:
        """The store under examination; ``place`` is an empty directory."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.leftovers = ExitStack()
        self.now = 0
        self.runs: dict[str, Run] = {}
        self.added = 0
        self.held: list[Held] = []
        self.just_claimed: tuple[Run, ...] = ()
        self.limits: dict[str, Limit] = {}
        self.seen: list[Schedule] = []
        self.fired = 0

    @initialize(each=st.lists(wishes.WISHES, min_size=3, max_size=6), bounds=wishes.BOUNDS)
    def begin(self, each: list[dict[str, Any]], bounds: dict[str, Any] | None) -> None:
        """Begin with two stores that have a few runs, a limit and a schedule."""
        place = Path(self.leftovers.enter_context(TemporaryDirectory(prefix="foliot-hour-")))
        subject = place / "subject"
        twin = self.make_subject(subject) if self.durable else None
        self.pair = Pair(self.make_reference(place / "reference"), self.make_subject(subject), twin)
        self.leftovers.callback(self.pair.close)
        self.pair.open()
        self.limit("key/a", bounds)
        self.schedule(wishes.SCHEDULES[0], 0)
        self.add(each)

    def teardown(self) -> None:
        """Close both."""
        self.leftovers.close()

    # producers

    @rule(each=st.lists(wishes.WISHES, min_size=2, max_size=6), again=st.none() | WHICH)
    def add(self, each: list[dict[str, Any]], again: int | None = None) -> None:
        """Add runs; at times the last one has an id that is known."""
        runs = [self._wished(wish) for wish in each]
        if again is not None:
            runs[-1] = replace(runs[-1], id=self._run(again))
        self.pair.ask("add", runs, self.now)

    @rule(which=SOME, change=wishes.CHANGES)
    def amend(self, which: list[int], change: Change | int) -> None:
        """Change runs, one of them unknown at times."""
        ids = list(dict.fromkeys("unknown" if n == 9 else self._run(n) for n in which))
        change = Change(due_at=max(0, self.now + change)) if isinstance(change, int) else change
        self.pair.ask("amend", ids, change, self.now)
        if change.lines:
            self.pair.compare_lines(ids)

    # workers

    @rule(
        rounds=st.lists(st.tuples(PASSING, st.lists(wishes.ENDINGS, max_size=3), wishes.CLAIMS), min_size=1, max_size=4)
    )
    def work(self, rounds: list[tuple[int, list[dict[str, Any]], Claim]]) -> None:
        """Some rounds of a worker: let time pass, end some of what runs, and take what is due, in one trip."""
        for by, endings, claim in rounds:
            self._pass(by)
            same_batch = batch_alike(claim.limit, self.now)
            ended = [self._ending(held, ending) for held, ending in zip(self._running(), endings, strict=False)]
            _, batch = self.pair.ask(
                "turn", ended, claim, self.now, alike=lambda answer, same=same_batch: (answer[0], same(answer[1]))
            )
            self._claimed(batch)
            self.compare()

    @rule(by=PASSING, claim=wishes.CLAIMS)
    def claim(self, by: int, claim: Claim) -> None:
        """Let time pass, and take due runs."""
        self._pass(by)
        batch: Batch = self.pair.ask("claim", claim, self.now, alike=batch_alike(claim.limit, self.now))
        self._claimed(batch)

    @rule(which=SOME, ending=wishes.ENDINGS)
    def finish(self, which: list[int], ending: dict[str, Any]) -> None:
        """End some of what runs, the same claim twice at times."""
        running = self._running()
        ended = [self._ending(running[n % len(running)], ending) for n in which if running]
        self.pair.ask("finish", ended, self.now)

    @rule(which=SOME, ending=wishes.ENDINGS)
    def finish_as_zombies(self, which: list[int], ending: dict[str, Any]) -> None:
        """End claims of which some still stand and most do not."""
        self.pair.ask("finish", [self._ending(held, ending) for held in self._ever_held(which)], self.now)

    @rule(which=SOME, spawn=st.integers(1, 2), wait=SOME)
    def spawn_as_zombies(self, which: list[int], spawn: int, wait: list[int]) -> None:
        """Spawn and wait under claims of which most are lost: only those that stand may."""
        wish = {"state": State.PENDING, "due": 0, "spawn": spawn, "wait": [n % 3 for n in wait]}
        self.finish_as_zombies(which, wish)

    @rule(which=WHICH)
    def cancel_family(self, which: int) -> None:
        """Cancel a parent and all that it has spawned."""
        parents = sorted({run.parent for run in self.runs.values() if run.parent is not None})
        if parents:
            parent = parents[which % len(parents)]
            family = [parent, *(run.id for run in self.runs.values() if run.parent == parent)]
            self.pair.ask("amend", family, Change(cancel="with its parent"), self.now)

    @rule(which=SOME, lines=st.integers(0, 2), worker=st.sampled_from(wishes.WORKERS))
    def beat(self, which: list[int], lines: int, worker: str) -> None:
        """Keep the leases of claims that may be lost by now."""
        said = tuple(Line(at=self.now, level="info", text=f"{n}") for n in range(lines))
        progress = Progress(done=self.now) if lines else None
        held = self._ever_held(which)
        beats = [Beat(run=run, token=token, lines=said, progress=progress) for run, token in held]
        self.pair.ask("beat", Worker(id=worker), beats, self.now, 40)
        self.pair.compare_lines({run for run, _ in held})

    # schedulers

    @rule(name=st.sampled_from(wishes.SCHEDULES), due=wishes.MOMENTS | st.none())
    def schedule(self, name: str, due: int | None) -> None:
        """Define or edit a schedule, or drop it."""
        if due is None:
            self.pair.ask("drop", Schedule, [name, "unknown"])
        else:
            at = max(0, self.now + due)
            self.pair.ask("put", [Schedule(id=name, job="job", trigger="{}", created_at=0, wakes_at=at)])

    @rule(which=SOME, by=wishes.LITTLE, wish=wishes.WISHES)
    def fire(self, which: list[int], by: int, wish: dict[str, Any]) -> None:
        """Read what is due, and fire schedules as they were read, now or long ago."""
        self._fire([])
        seen = [self.seen[-1 - n % len(self.seen)] for n in which if self.seen]
        self._fire([self._firing(each, by, wish) for each in seen])

    @rule(name=st.sampled_from(wishes.SCHEDULES), by=wishes.LITTLE, wish=wishes.WISHES)
    def create(self, name: str, by: int, wish: dict[str, Any]) -> None:
        """Create a schedule, unless one of its name stands, and fire it in the same step."""
        new = Schedule(id=name, job="job", trigger="{}", created_at=0)
        self._fire([self._firing(new, by, wish)])

    # people

    @rule(lane=st.sampled_from(wishes.LIMITS), bounds=wishes.BOUNDS)
    def limit(self, lane: str, bounds: dict[str, Any] | None) -> None:
        """Limit, pause or free a lane or a family of lanes."""
        if bounds is None:
            self.limits.pop(lane, None)
            self.pair.ask("drop", Limit, [lane])
        else:
            self.limits[lane] = wishes.limited(lane, bounds)
            self.pair.ask("put", [self.limits[lane]])

    @rule(query=wishes.QUERIES, by=st.sampled_from(wishes.TALLIES))
    def look(self, query: Any, by: str) -> None:
        """Find and count runs, after the subject was closed and opened again if it is durable."""
        if self.durable:
            self.pair.reopen_subject()
        self.pair.ask("tally", query, by)
        page = self.pair.ask("find", query)
        while page.cursor is not None:
            query = replace(query, after=page.cursor)
            page = self.pair.ask("find", query)

    @rule(age=wishes.LITTLE, keep=st.sampled_from((None, 0, 2)), limit=st.sampled_from((1, 100)))
    def prune(self, age: int, keep: int | None, limit: int) -> None:
        """Forget what is over."""
        self.pair.ask("prune", self.now - age, keep, limit)

    # what must hold after every step

    @invariant()
    def compare(self) -> None:
        """Compare all contents; then look at them alone, for what both may have got wrong."""
        runs = self.pair.everything()
        for run in runs.values():
            sensible(run)
            grown(self.runs.get(run.id), run)
        one_holder_of_the_plain_key(runs)
        fits(self.just_claimed, runs, self.limits)
        self.runs, self.just_claimed = runs, ()

    # helpers

    def _wished(self, wish: dict[str, Any]) -> Run:
        self.added += 1
        return wishes.wished(wish, self.added, self.now)

    def _pass(self, by: int) -> None:
        self.now += by
        note(f"  now {self.now}")

    def _run(self, which: int) -> str:
        return [*self.runs, "unknown"][which % (len(self.runs) + 1)]

    def _running(self) -> list[Held]:
        return [(run.id, run.token) for run in self.runs.values() if run.state == State.RUNNING]

    def _ever_held(self, which: list[int]) -> list[Held]:
        return [self.held[-1 - n % len(self.held)] for n in which if self.held]

    def _claimed(self, batch: Batch) -> None:
        self.held += [(run.id, run.token) for run in batch.runs]
        self.just_claimed = batch.runs

    def _ending(self, held: Held, ending: dict[str, Any]) -> Ending:
        fields = dict(ending)
        if (due := fields.pop("due", None)) is not None:
            fields["due_at"] = max(0, self.now + due)
        first = self.added + 1
        run, token = held
        fields["spawn"] = tuple(replace(self._wished({}), parent=run) for _ in range(fields.pop("spawn", 0)))
        fields["wait"] = tuple(wishes.named(first + step) for step in fields.pop("wait", ()) if first + step > 0)
        return Ending(run=run, token=token, **fields, lines=(Line(at=self.now, level="info", text="end"),))

    def _fire(self, firings: list[Firing]) -> None:
        self.seen += self.pair.ask("fire", firings, self.now, 2, alike=agenda_alike(2)).due

    def _firing(self, schedule: Schedule, by: int, wish: dict[str, Any]) -> Firing:
        self.fired += 1
        run = replace(self._wished(wish), schedule=schedule.id)
        return Firing(
            schedule=replace(schedule, wakes_at=self.now + by, fired=self.fired), expect=schedule.version, runs=(run,)
        )


def sensible(run: Run) -> None:
    """A run sleeps only if it waits, is parked or is over; and only then."""
    told = f"{run.id} cannot be so: {run}"
    match run.state:
        case State.PENDING:
            asleep = bool(run.waits) or run.parked is not None
            assert (run.wakes_at is None) == asleep, told
            assert run.wakes_at in {None, run.due_at}, told
            assert not (run.waits and run.parked), told
            assert (run.worker, run.started_at, run.finished_at) == (None, None, None), told
        case State.RUNNING:
            assert None not in {run.wakes_at, run.worker, run.started_at}, told
            assert (run.waits, run.parked, run.finished_at) == (0, None, None), told
            assert run.token > 0, told
        case _:
            assert (run.wakes_at, run.waits, run.parked) == (None, 0, None), told
            assert run.finished_at is not None, told


def grown(before: Run | None, after: Run) -> None:
    """A token only grows, attempts are never forgotten, and what is over stays over unless it is revived."""
    if before is None or before.created_at != after.created_at:
        return  # pruned, and added anew
    told = f"{before.id} cannot go from {before} to {after}"
    assert after.token >= before.token, told
    assert after.attempts[: len(before.attempts)] == before.attempts, told
    if before.state.over and after.state.over:
        assert after == before or after.finished_at != before.finished_at or after.reason == "on second thoughts", told


def one_holder_of_the_plain_key(runs: dict[str, Run]) -> None:
    """Of the live runs that want a key until they are over, all but one are to be cancelled."""
    wanting = [
        run.id
        for run in runs.values()
        if run.unique and run.unique.key == wishes.PLAIN_KEY and not run.state.over and run.cancelling is None
    ]
    assert len(wanting) <= 1, f"{wanting} all hold the key {wishes.PLAIN_KEY!r}"


def fits(claimed: tuple[Run, ...], runs: dict[str, Run], limits: dict[str, Limit]) -> None:
    """Nobody was let into a lane that is paused or has more in it than it has places."""
    places = Counter(lane for run in runs.values() if run.state == State.RUNNING for lane in lanes_of(run))
    for run in claimed:
        for lane in lanes_of(run):
            limit = limit_of(lane, limits)
            if limit is not None:
                assert limit.paused is None, f"{run.id} was claimed although {lane} is paused"
                assert limit.running is None or places[lane] <= limit.running, f"{places[lane]} runs are in {lane}"
