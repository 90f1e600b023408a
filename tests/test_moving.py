"""Moving: what one store keeps arrives in another, and goes on there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.waiting import eventually

from foliot.context import Context
from foliot.errors import StoreUnavailable
from foliot.model import (
    Attempt,
    Beat,
    Change,
    Claim,
    Clash,
    Ending,
    Fate,
    Hold,
    Limit,
    Line,
    Outcome,
    Pause,
    Progress,
    Query,
    Run,
    Schedule,
    State,
    Unique,
    Worker,
)
from foliot.moving import Comparison, Copied, Move, in_order, moved
from foliot.moving_rates import NAME, Starts
from foliot.scheduler import Scheduler
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.stores.memory import MemoryStore
from foliot.testing.faulty import After, Before, FaultyStore, scripted

LEASE = 100
NOW = 1000


def a_run(id: str, **fields: Any) -> Run:
    return replace(Run(id=id, job="job", due_at=0, created_at=0, wakes_at=0), **fields)


def keyed(id: str, key: str, clash: Clash = Clash.DROP, hold: Hold = Hold.OVER, until: int | None = None) -> Run:
    return a_run(id, unique=Unique(key=key, clash=clash, hold=hold, until=until), queue=id)


def said(*texts: str) -> tuple[Line, ...]:
    return tuple(Line(at=5, level="info", text=each, fields={"n": 1}) for each in texts)


async def take(store: Store, id: str, now: int = 0) -> Run:
    """Claim the run that is in a queue of its own name."""
    [run] = (await store.claim(Claim(worker="w", limit=1, lease=LEASE, queues=(id,)), now)).runs
    return run


async def end(store: Store, run: Run, state: State, now: int = 10, **fields: Any) -> None:
    assert await store.finish([Ending(run=run.id, token=run.token, state=state, **fields)], now) == [True]


async def lived_in(store: Store) -> None:
    """Fill a store with everything that there is, by what workers and people do."""
    await store.put(
        [Limit(id="queue/narrow", running=0, owner="shop"), Limit(id="job/j", paused=Pause(at=1, note="x"))]
    )
    trigger: dict[str, Any] = {"trigger": '{"every":"1h"}', "declared": '{"every":"1h"}'}
    schedules = [Schedule(id=id, job="job", created_at=0, wakes_at=9, owner="shop", **trigger) for id in "pq"]
    await store.put([schedules[0], replace(schedules[1], wakes_at=None, paused=Pause(at=3), skips=(7,), fired=4)])

    async def add(*runs: Run) -> None:
        assert {each.fate for each in await store.add(runs, 0)} == {Fate.ADDED}

    rich = {"tags": ("x",), "meta": {"a": {"b": 1.5}}, "headers": {"h": "1"}, "args": '{"n":1}', "key": "k"}
    await add(a_run("done", queue="done", schedule="p", nominal_at=3, **rich), a_run("tried", queue="tried"))
    await end(store, await take(store, "done"), State.SUCCEEDED, result="42", lines=said("one", "two"))
    await end(store, await take(store, "tried"), State.PENDING, due_at=20, failed=True, outcome=Outcome.FAILED)
    await add(a_run("held", queue="held"), a_run("stopping", queue="stopping"), a_run("full", queue="narrow"))
    held = await take(store, "held")
    notes = Beat(run="held", token=held.token, lines=said("busy"), progress=Progress(done=1, total=2))
    await store.beat(Worker(id="w"), [notes], 20, LEASE)
    await take(store, "stopping")
    await store.amend(["stopping"], Change(cancel="no more"), 30)
    await store.claim(Claim(worker="w", limit=1, lease=LEASE, queues=("narrow",)), 0)

    await add(a_run("z3", queue="z3"), a_run("z2", queue="z2", after=("z3",)), a_run("z1", after=("z2", "done")))
    await add(a_run("child", parent="done", needs=("gpu",)), a_run("letter", target="w9"))
    await add(keyed("old", "until", until=10 * NOW), keyed("first", "start", hold=Hold.START))
    await end(store, await take(store, "old"), State.SUCCEEDED)
    await take(store, "first")
    await add(keyed("second", "start", hold=Hold.START), keyed("keeper", "over"))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def quiet(_stage: str, _done: int, _total: int) -> None: ...


def a_move(source: Store, target: Store) -> Move:
    return Move(source, target, NOW, quiet)


@pytest.fixture
async def source() -> Store:
    store = MemoryStore()
    await lived_in(store)
    return store


@pytest.fixture(params=["memory", "sqlite", "postgres", "redis"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    match request.param:
        case "memory":
            url = "memory://"
        case "sqlite":
            url = f"sqlite:///{tmp_path}/target.db"
        case server:
            url = request.getfixturevalue(f"{server}_url")
    async with opened(url) as store:
        yield store


def kinds(compared: list[Comparison]) -> dict[str, tuple[int, int]]:
    return {each.kind: (each.source, each.target) for each in compared}


async def see(store: Store, id: str) -> Run:
    [run] = (await store.find(Query(ids=(id,)))).runs
    return run


async def test_everything_arrives_in_every_store_and_can_be_moved_back(source: Store, target: Store):
    back = MemoryStore()

    copied = await a_move(source, target).copy()
    there = await a_move(source, target).compare()
    await a_move(target, back).copy()
    home = await a_move(source, back).compare()

    assert (copied.fates, copied.clashed) == ({Fate.ADDED: 14}, [])
    assert kinds(there) == {"schedules": (2, 2), "limits": (2, 2), "runs": (14, 14), "lines": (3, 3)}
    assert [each.differing for each in (*there, *home)] == [[]] * 8
    assert all(each.equal for each in (*there, *home))


async def test_copying_twice_is_copying_once(source: Store, target: Store):
    await a_move(source, target).copy()

    again = await a_move(source, target).copy()

    assert again.fates == {Fate.KNOWN: 14}
    assert all(each.equal for each in await a_move(source, target).compare())


async def test_what_waits_goes_on_waiting_and_is_released(source: Store, target: Store):
    await a_move(source, target).copy()

    for id in ("z3", "z2", "z1"):
        waiting = [each for each in ("z3", "z2", "z1") if (await see(target, each)).waits]
        assert waiting == ["z2", "z1"][("z3", "z2", "z1").index(id) :]
        run = await take(target, id if id != "z1" else "default", NOW)
        assert run.id == id
        await end(target, run, State.SUCCEEDED, NOW)


async def test_keys_are_held_as_before(source: Store, target: Store):
    await a_move(source, target).copy()

    wishes = [keyed(f"new-{key}", key) for key in ("until", "start", "over")]
    added = await target.add(wishes, NOW)

    assert [each.fate for each in added] == [Fate.DROPPED] * 3
    assert [each.id for each in added] == ["old", "second", "keeper"]


async def test_what_ran_is_lost_and_taken_over_with_a_newer_token(source: Store, target: Store):
    await a_move(source, target).copy()

    run = await take(target, "held", NOW)

    assert (run.token, run.worker, run.progress) == (2, "w", Progress(done=1, total=2))
    assert run.attempts == (Attempt(token=1, worker="w", started_at=0, ended_at=120, outcome=Outcome.LOST),)
    assert [line.text for line in await target.lines("held")] == ["busy"]


async def test_a_cancel_that_was_asked_for_still_stands(source: Store, target: Store):
    await a_move(source, target).copy()

    assert (await take(target, "stopping", NOW)).cancelling == "no more"


async def test_what_stood_before_a_full_lane_stands_there_again(source: Store, target: Store):
    await a_move(source, target).copy()

    batch = await target.claim(Claim(worker="w", limit=5, lease=LEASE, queues=("narrow",)), NOW)

    assert batch.runs == ()
    assert (await see(target, "full")).parked == "queue/narrow"


@pytest.mark.parametrize("verb", ["add", "amend", "put", "find", "lines"])
async def test_a_copy_that_was_interrupted_goes_on_when_begun_again(source: Store, verb: str):
    target = MemoryStore()
    trouble = Before(error=StoreUnavailable("gone"))
    broken = FaultyStore(source if verb in ("find", "lines") else target, scripted(**{verb: [None, trouble]}))
    pair = (broken, target) if verb in ("find", "lines") else (source, broken)
    broken.batch = target.batch = 4

    with pytest.raises(StoreUnavailable):
        await a_move(*pair).copy()
    await a_move(source, target).copy()

    assert all(each.equal for each in await a_move(source, target).compare())


async def test_runs_that_wait_come_after_those_that_they_wait_for_on_every_page():
    source, target = MemoryStore(), MemoryStore()
    chain = [a_run(f"{n:03}", after=(f"{n + 1:03}",)) for n in range(30)]
    await source.add([*chain, a_run("030")], 0)
    source.batch = target.batch = 7

    await a_move(source, target).copy()

    assert {each.waits for each in (await target.find(Query(limit=100, until=1))).runs if each.id != "030"} == {1}


@pytest.mark.parametrize(
    ("meddle", "kind", "id"),
    [
        (lambda store: store.amend(["z3"], Change(priority=9), NOW), "runs", "z3"),
        (
            lambda store: store.amend(["done"], Change(lines=(Line(at=1, level="info", text="x", n=3),)), NOW),
            None,
            None,
        ),
        (lambda store: store.prune(NOW, None, 1), "runs", "done"),
        (lambda store: store.drop(Schedule, ["q"]), "schedules", "q"),
        (lambda store: store.put([Limit(id="job/j")]), "limits", "job/j"),
    ],
)
async def test_a_difference_is_found_and_named(
    source: Store, meddle: Callable[[Store], Any], kind: str | None, id: str | None
):
    target = MemoryStore()
    await a_move(source, target).copy()

    await meddle(target)
    differing = {each.kind: each.differing for each in await a_move(source, target).compare() if not each.equal}

    assert differing.get(kind or "", []) == ([id] if id else [])


async def test_nothing_in_the_target_is_changed_by_a_key_that_another_holds(source: Store):
    target = MemoryStore()
    await target.add([keyed("other", "over")], 0)

    copied: Copied = await a_move(source, target).copy()

    assert copied.clashed == ["keeper"]
    assert (await see(target, "other")).state is State.PENDING


RUNNING = a_run("r", state=State.RUNNING, token=3, worker="w", started_at=5, wakes_at=105)
KEY = Unique(key="k")


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (a_run("r", unique=KEY), KEY),
        (a_run("r", unique=replace(KEY, clash=Clash.REPLACE)), KEY),
        (replace(RUNNING, unique=KEY), KEY),
        (replace(RUNNING, unique=replace(KEY, hold=Hold.START)), None),
        (replace(RUNNING, unique=replace(KEY, clash=Clash.RENEW)), None),
        (replace(RUNNING, unique=KEY, cancelling="replaced by x"), None),
        (
            replace(RUNNING, unique=replace(KEY, hold=Hold.START, until=NOW + 1)),
            replace(KEY, hold=Hold.START, until=NOW + 1),
        ),
        (a_run("r", unique=replace(KEY, until=NOW)), None),
    ],
)
def test_a_run_takes_the_key_along_that_it_still_holds(run: Run, key: Unique | None):
    assert moved(run, NOW).unique == key


def test_a_run_that_is_over_arrives_as_it_is():
    over = a_run("r", state=State.FAILED, wakes_at=None, finished_at=3, unique=replace(KEY, until=NOW))

    assert moved(over, NOW) is over


@pytest.mark.parametrize(
    ("waiting", "order"),
    [
        ({}, []),
        ({"a": ["b"], "b": ["c", "gone"], "c": ["over"]}, ["c", "b", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b"]),
    ],
)
def test_who_waits_comes_after_whom_it_waits_for(waiting: dict[str, list[str]], order: list[str]):
    assert in_order(waiting) == order


async def test_a_run_that_waits_for_its_children_finds_them_after_the_move(target: Store):
    def program(store: Store, *queues: str) -> Scheduler:
        scheduler = Scheduler(store, queues=queues)

        @scheduler.job(name="double", queue="parts")
        async def double(n: int) -> int:
            return 2 * n

        @scheduler.job(name="whole")
        async def whole(context: Context) -> list[int]:
            return await context.map(double, [1, 2, 3])

        return scheduler

    source = MemoryStore()
    async with program(source, "default") as before:
        handle = await before.jobs["whole"].enqueue()

        async def waits() -> bool:
            return (await handle.status()).waits > 0

        await eventually(waits)
    now = before.clock.now()

    await Move(source, target, now, quiet).copy()

    async with program(target) as after:
        ended = await after.runs.ended(handle.id, timeout=30)
    assert ended.result == "[2,4,6]"


RATED = "key/mail#a"


async def start_at(store: Store, at: int, id: str) -> None:
    await store.add([a_run(id, lanes=(RATED,), due_at=at, queue=id)], at)
    await end(store, await take(store, id, at), State.SUCCEEDED, at)


async def may_start(store: Store, now: int) -> int:
    """How many more runs of the rated lane a worker would be given, of ten that are due."""
    await store.add([a_run(f"new{now}-{n}", lanes=(RATED,), queue="new") for n in range(10)], now)
    return len((await store.claim(Claim(worker="w", limit=10, lease=LEASE, queues=("new",)), now)).runs)


@pytest.mark.parametrize("limit", [Limit(id="key/mail"), Limit(id=RATED, running=9)])
async def test_a_rate_goes_on_counting_the_starts_of_before(target: Store, limit: Limit):
    source = MemoryStore()
    await source.put([replace(limit, starts=5, per=600)])
    for at in (300, 450, 700, 900):
        await start_at(source, at, f"at{at}")

    await a_move(source, target).copy()
    await a_move(source, target).copy()

    assert await may_start(target, NOW) == 2
    assert (await target.find(Query(queues=(NAME,)))).runs == ()
    assert [await may_start(target, at) for at in (1049, 1050, 1300, 1499, 1500)] == [0, 1, 1, 0, 1]


async def test_starts_are_counted_behind_a_pause_which_stays(target: Store):
    source = MemoryStore()
    limit = Limit(id="key/mail", starts=1, per=600)
    await source.put([limit])
    await start_at(source, 900, "one")
    await source.put([replace(limit, running=0, paused=Pause(at=950))])

    await a_move(source, target).copy()
    standing = await target.records(Limit)
    await target.put([limit])

    assert standing == await source.records(Limit)
    assert await may_start(target, NOW) == 0


@pytest.mark.parametrize("verb", ["add", "claim", "put", "finish", "prune"])
async def test_starts_are_counted_once_when_a_move_was_interrupted(verb: str):
    source, target = MemoryStore(), MemoryStore()
    await source.put([Limit(id="key/mail", starts=3, per=600)])
    for at in (800, 900):
        await start_at(source, at, f"at{at}")
    lost = After(error=StoreUnavailable("gone"))
    broken = FaultyStore(target, scripted(**{verb: [None, lost] if verb in ("add", "put") else [lost]}))

    with pytest.raises(StoreUnavailable):
        await a_move(source, broken).copy()
    await a_move(source, target).copy()

    assert await may_start(target, NOW) == 1
    assert (await target.find(Query(queues=(NAME,)))).runs == ()


async def test_while_somebody_works_in_the_target_no_starts_are_made_there():
    source, target = MemoryStore(), MemoryStore()
    await source.put([Limit(id="key/mail", starts=3, per=600)])
    await start_at(source, 900, "one")

    await a_move(source, FaultyStore(target, scripted(claim=[Before(error=StoreUnavailable("gone"))]))).copy(live=True)

    assert await may_start(target, NOW) == 3


def test_many_starts_of_a_long_period_are_made_by_few_claims():
    day = 86_400_000_000
    starts = Starts([Limit(id="job/job", starts=5_000, per=day)], 2 * day)

    for n in range(3_000):
        starts.see(a_run(str(n), state=State.SUCCEEDED, token=1, started_at=day + n * 28_800_000 + 1))

    told = list(starts)
    assert len(told) == 3_000
    assert len({at for at, _ in told}) == 1000
    assert max(told) == (2 * day, "job/job")
