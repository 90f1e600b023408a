"""What is special to the store in memory: threads share it, nothing scans, and nothing is kept longer than needed."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from msgspec.structs import replace

from foliot.model import (
    Beat,
    Change,
    Claim,
    Ending,
    Firing,
    Hint,
    Limit,
    Query,
    Run,
    Schedule,
    State,
    Topic,
    Unique,
    Verdict,
    Worker,
)
from foliot.stores.base import PARKS
from foliot.stores.heaps import Heap, History
from foliot.stores.memory import MemoryStore
from foliot.stores.shelves import SLACK
from foliot.stores.ties import Keys
from foliot.stores.traffic import Traffic

LEASE = 100


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def a_run(name: str, **fields) -> Run:
    return Run(**{"id": name, "job": "job", "due_at": 0, "created_at": 0, **fields})


def a_schedule(name: str = "s", wakes_at: int | None = 50) -> Schedule:
    return Schedule(id=name, job="job", trigger="{}", created_at=0, wakes_at=wakes_at)


def a_claim(limit: int = 10) -> Claim:
    return Claim(worker="w", limit=limit, lease=LEASE)


def an_ending(run: Run, state: State = State.SUCCEEDED, **fields) -> Ending:
    return Ending(run=run.id, token=run.token, state=state, **fields)


async def take(store: MemoryStore, now: int = 0, limit: int = 10) -> tuple[Run, ...]:
    return (await store.claim(a_claim(limit), now)).runs


# Hints are rung in the call that made them, so nobody need wait for them


async def hints_of(store: MemoryStore, step: Awaitable[object]) -> list[Hint]:
    """What who watches hears of this one step."""
    heard: list[Hint] = []
    stop = store.watch(heard.append)
    await step
    stop()
    return heard


async def test_a_call_rings_once_with_the_earliest_instant(store: MemoryStore):
    step = store.add([a_run("a", due_at=70), a_run("b", due_at=30), a_run("c", due_at=50)], 0)

    assert await hints_of(store, step) == [Hint(topic=Topic.RUNS, at=30)]


async def test_runs_that_nobody_can_take_yet_ring_nothing(store: MemoryStore):
    await store.add([a_run("a", due_at=900)], 0)

    waiting = await hints_of(store, store.add([a_run("b", after=("a",)), a_run("c", state=State.SKIPPED)], 0))

    assert waiting == []


async def test_a_lease_rings_nothing(store: MemoryStore):
    await store.add([a_run("a")], 0)

    assert await hints_of(store, store.claim(a_claim(), 5)) == []


async def test_an_end_rings_for_who_waited_for_it(store: MemoryStore):
    await store.add([a_run("a"), a_run("b", after=("a",), due_at=60)], 0)
    [a] = await take(store)

    assert await hints_of(store, store.finish([an_ending(a)], 5)) == [Hint(topic=Topic.RUNS, at=60)]


async def test_an_end_of_which_nobody_gains_anything_rings_nothing(store: MemoryStore):
    await store.add([a_run("a")], 0)
    [a] = await take(store)

    assert await hints_of(store, store.finish([an_ending(a)], 5)) == []


async def test_who_leaves_a_full_lane_rings_for_who_is_parked_before_it(store: MemoryStore):
    await store.put([Limit(id="job/job", running=1)])
    await store.add([a_run("a"), a_run("b")], 0)
    [a] = await take(store)

    assert await hints_of(store, store.finish([an_ending(a)], 5)) == [Hint(topic=Topic.RUNS)]


async def test_a_wider_limit_rings_for_who_is_parked_before_its_lane(store: MemoryStore):
    await store.put([Limit(id="job/job", running=0)])
    await store.add([a_run("a")], 0)
    await take(store)

    assert await hints_of(store, store.put([Limit(id="queue/other", running=1)])) == []
    assert await hints_of(store, store.put([Limit(id="job/job", running=1)])) == [Hint(topic=Topic.RUNS)]
    assert [run.id for run in [*await take(store), *await take(store)]] == ["a"]


async def test_a_dropped_limit_rings_for_who_is_parked_before_its_lane(store: MemoryStore):
    await store.put([Limit(id="job/job", running=0)])
    await store.add([a_run("a")], 0)
    await take(store)

    assert await hints_of(store, store.drop(Limit, ["job/job"])) == [Hint(topic=Topic.RUNS)]


async def test_a_ticker_is_not_woken_by_its_own_firing(store: MemoryStore):
    await store.put([a_schedule()])
    [standing] = await store.records(Schedule)

    fired = await hints_of(
        store, store.fire([Firing(schedule=replace(standing, wakes_at=90), expect=standing.version)], 50, 10)
    )

    assert fired == []


async def test_a_schedule_that_is_due_earlier_than_it_stood_rings_whoever_moved_it(store: MemoryStore):
    await store.put([a_schedule(wakes_at=None)])
    [paused] = await store.records(Schedule)

    resumed = Firing(schedule=replace(paused, wakes_at=70), expect=paused.version)

    assert await hints_of(store, store.fire([resumed], 5, 0)) == [Hint(topic=Topic.SCHEDULES, at=70)]
    assert await hints_of(store, store.put([a_schedule(wakes_at=60)])) == [Hint(topic=Topic.SCHEDULES, at=60)]
    assert await hints_of(store, store.put([a_schedule(wakes_at=60)])) == []


async def test_the_end_of_a_run_that_sets_its_schedules_next_time_rings(store: MemoryStore):
    await store.put([a_schedule(wakes_at=900)])
    await store.add([a_run("a")], 0)
    [standing], [a] = await store.records(Schedule), await take(store)

    firing = Firing(schedule=replace(standing, wakes_at=40), expect=standing.version)

    assert await hints_of(store, store.finish([an_ending(a, firing=firing)], 5)) == [Hint(topic=Topic.SCHEDULES, at=40)]


async def test_a_ring_may_use_the_store_at_once(store: MemoryStore):
    added: list[asyncio.Task[object]] = []
    runs = count()

    def ring(_: Hint) -> None:
        if len(added) < 3:
            added.append(asyncio.ensure_future(store.add([a_run(f"r{next(runs)}")], 0)))

    stop = store.watch(ring)
    await store.add([a_run("first")], 0)
    while len(added) < 3:
        await added[-1]
    await asyncio.gather(*added)
    stop()

    assert (await store.tally(Query(), "state")) == {"pending": 4}


# Threads


def in_another_thread(work: Callable[[], Awaitable[object]]) -> threading.Thread:
    """Start this in the event loop of another thread."""

    async def done() -> None:
        await work()

    thread = threading.Thread(target=lambda: asyncio.run(done()))
    thread.start()
    return thread


async def test_a_hint_from_another_thread_is_rung_in_the_loop_that_watches(store: MemoryStore):
    rung: asyncio.Queue[threading.Thread] = asyncio.Queue()
    stop = store.watch(lambda _: rung.put_nowait(threading.current_thread()))

    thread = in_another_thread(lambda: store.beside().add([a_run("a")], 0))

    async with asyncio.timeout(10):
        assert await rung.get() is threading.current_thread()
    thread.join()
    stop()


async def test_a_loop_that_was_closed_while_it_watched_is_passed_over(store: MemoryStore):
    async def watch() -> None:
        store.watch(lambda _: None)

    in_another_thread(watch).join()

    assert [each.fate for each in await store.add([a_run("a")], 0)] == ["added"]


@pytest.fixture
def eager_threads():
    """Threads take turns as often as they can, so that what may come between does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


async def test_beats_from_another_thread_come_between_no_step(store: MemoryStore, eager_threads: None):
    runs, slots = 5_000, 100
    await store.add([a_run(f"{n:05}") for n in range(runs)], 0)
    held: dict[str, Run] = {}
    working = threading.Event()
    working.set()

    async def keep() -> None:
        for now in count(1):
            beats = [Beat(run=run.id, token=run.token) for run in list(held.values())]
            replies = await store.beat(Worker(id="w"), beats, now, 10**9)
            assert {reply.verdict for reply in replies} <= {Verdict.KEEP, Verdict.LOST}
            if not working.is_set():
                return

    keeper = in_another_thread(keep)
    done: list[str] = []
    while taken := (await store.claim(Claim(worker="w", limit=slots, lease=10**9), 1)).runs:
        held = {run.id: run for run in taken}
        assert all(await store.finish([an_ending(run) for run in taken], 1))
        done += [run.id for run in taken]
    working.clear()
    keeper.join()

    assert done == [f"{n:05}" for n in range(runs)]
    assert await store.tally(Query(), "state") == {"succeeded": runs}


# Nothing scans, nothing stays


async def test_a_lane_that_was_full_for_long_is_woken_in_parts(store: MemoryStore):
    await store.put([Limit(id="job/job", running=0)])
    await store.add([a_run(f"{n:05}") for n in range(2 * PARKS + 10)], 0)
    for _ in range(3):
        await take(store, limit=1)
    await store.drop(Limit, ["job/job"])

    woken = []
    for _ in range(3):
        await store.claim(Claim(worker="w", limit=1, lease=LEASE, queues=("another",)), 0)
        awake = [run for run in (await store.find(Query(limit=10_000))).runs if run.parked is None]
        woken.append(len(awake))

    assert woken == [PARKS, 2 * PARKS, 2 * PARKS + 10]


async def test_a_thing_that_runs_do_not_have_cannot_be_counted(store: MemoryStore):
    with pytest.raises(ValueError, match="state, job, schedule, queue, worker, parent, tag or meta"):
        await store.tally(Query(), "colour")


async def test_many_finds_by_many_paths_keep_finding(store: MemoryStore):
    await store.add([a_run("a", meta={f"k{n}": n for n in range(50)})], 0)

    for n in [*range(50), 0]:
        assert [run.id for run in (await store.find(Query(meta={f"k{n}": n}))).runs] == ["a"]
        assert (await store.find(Query(meta={f"k{n}": n + 1}))).runs == ()


async def test_runs_are_found_after_most_of_them_were_forgotten(store: MemoryStore):
    for n in range(3):
        await store.add([a_run(f"{n}-{each:04}", job=f"j{n}") for each in range(SLACK)], n)
        while taken := await take(store, n, limit=500):
            await store.finish([an_ending(run) for run in taken], n)
        await store.find(Query(jobs=("j0",)))
    await store.add([a_run("left", job="j0", tags=("t",))], 3)

    gone = await store.prune(3, None, 5 * SLACK)
    [left] = await take(store, 3)

    assert gone == 3 * SLACK
    for query in (
        Query(),
        Query(jobs=("j0",)),
        Query(tags=("t",)),
        Query(workers=("w",)),
        Query(states=(State.RUNNING,)),
    ):
        assert (await store.find(query)).runs == (left,)
    assert await store.tally(Query(), "worker") == {"w": 1}


async def test_a_run_that_is_tried_again_is_found_once_in_its_state(store: MemoryStore):
    await store.add([a_run("a")], 0)
    for now in range(5):
        [a] = await take(store, now)
        await store.finish([an_ending(a, State.PENDING, due_at=now + 1)], now)

    assert [run.id for run in (await store.find(Query(states=(State.PENDING,)))).runs] == ["a"]
    assert await store.tally(Query(states=(State.PENDING,)), "job") == {"job": 1}
    assert await store.tally(Query(), "state") == {"pending": 1}


async def test_a_run_moved_there_and_back_is_claimed_once(store: MemoryStore):
    await store.add([a_run("a", due_at=50)], 0)
    for due in (70, 50, 70, 50):
        await store.amend(["a"], Change(due_at=due), 0)

    assert [run.token for run in await take(store, 70)] == [1]


async def test_a_schedule_moved_there_and_back_is_due_once(store: MemoryStore):
    for at in (50, 70, 50, 70, 50):
        await store.put([a_schedule(wakes_at=at)])

    agenda = await store.fire([], 60, 1)

    assert ([schedule.id for schedule in agenda.due], agenda.wake_at) == (["s"], None)


async def test_schedules_that_come_and_go_are_listed_in_order(store: MemoryStore):
    names = [f"{n:04}" for n in range(3 * SLACK)]
    await store.put([a_schedule(name) for name in reversed(names)])
    await store.records(Schedule, limit=1)

    assert await store.drop(Schedule, names[5:]) == [True] * (len(names) - 5)
    await store.put([a_schedule(names[7]), a_schedule(names[1])])

    assert [each.id for each in await store.records(Schedule)] == [*names[:5], names[7]]


async def test_a_closed_store_still_has_everything(store: MemoryStore):
    await store.add([a_run("a")], 0)
    await store.close()
    await store.open()

    assert [run.id for run in await take(store)] == ["a"]


# Its parts


def test_a_heap_forgets_what_no_longer_holds():
    held = {"kept": 10**9}
    heap = Heap(lambda at, name: held.get(name) == at)
    heap.push(10**9, "kept")
    looks = 0

    def looked(at: int, name: str) -> bool:
        nonlocal looks
        looks += 1
        return held.get(name) == at

    heap._holds = looked
    for number in range(10_000):
        heap.push(number, "stale")
    swept = looks
    looks = 0

    assert heap.first() == (10**9, "kept")
    assert looks < 100
    assert swept < 3 * 10_000


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [1, 3, 3, 2]])
def test_a_heap_gives_its_entries_in_order_however_they_came(numbers: list[int]):
    heap = Heap(lambda *_: True)
    for n, number in enumerate(numbers):
        heap.push(number, f"{number}{n}")

    assert heap.take(10) == sorted(f"{number}{n}" for n, number in enumerate(numbers))


def test_a_heap_gives_no_more_than_asked_and_nothing_above_the_bound():
    heap = Heap(lambda *_: True)
    for number in (3, 1, 2, 1, 9):
        heap.push(number, str(number))

    assert heap.take(2, 8) == ["1", "2"]
    assert heap.take(5, 8) == ["3"]
    assert heap.first() == (9, "9")


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [1, 3, 3, 2]])
def test_a_heap_from_which_is_taken_while_it_grows_gives_everything_in_order(numbers: list[int]):
    heap = Heap(lambda *_: True)
    for number in numbers:
        heap.push(number, str(number))

    taken = []
    for id in heap.up_to(3):
        if id == "1":
            heap.push(2, "late")
        taken.append(id)

    assert taken == sorted([*(str(number) for number in numbers if number <= 3), "late"], key="1 2 late 3".find)


async def test_queues_that_nobody_uses_any_more_are_forgotten(store: MemoryStore):
    for n in range(1000):
        await store.add([a_run(str(n), queue=f"q{n}")], 0)
        [run] = await take(store)
        await store.finish([an_ending(run)], 0)

    assert len(store._due.served(a_claim())) < 200


def test_history_counts_a_revived_run_once():
    runs = {name: a_run(name, state=State.FAILED, finished_at=at) for at, name in enumerate("abc")}
    history = History(runs)
    for run in runs.values():
        history.enter(run)

    history.revive(runs["a"])
    runs["a"] = replace(runs["a"], finished_at=9)
    history.enter(runs["a"])

    gone = []
    for name in history.take(None, 2):
        del runs[name]
        gone.append(name)
    assert gone == ["b"]


def test_a_key_is_forgotten_once_its_instant_has_passed():
    keys = Keys()
    for n in range(100):
        keys.take(Unique(key=f"k{n}", until=10), f"r{n}")
    keys.take(Unique(key="k0", until=20), "newer")

    assert keys.holder("k1", 9) == "r1"
    assert keys.holder("k0", 10) == "newer"
    assert len(keys._held) == 1


def test_the_rates_of_keys_that_are_used_once_are_forgotten_after_their_window():
    keys = 12_000
    runs = [a_run(f"{n}", lanes=(f"key/job#{n}",)) for n in range(keys)]
    traffic = Traffic({})
    traffic.put(Limit(id="key/job", starts=1, per=10))

    for now, run in enumerate(runs):
        traffic.enter(run, now)
        traffic.leave(run)

    assert len(traffic._starts) < keys / 2
    assert traffic.full_lane(runs[-1], keys + 8) == f"key/job#{keys - 1}"
    assert traffic.full_lane(runs[-1], keys + 9) is None
