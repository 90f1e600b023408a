"""What a run has done so far, and what it does next: each act is a child run, found again by its id."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from foliot import readers
from foliot.clock import Clock
from foliot.codec import Shape, dumps, loads
from foliot.codec.values import reader
from foliot.control import PutDown
from foliot.errors import ArgumentsError, DefinitionError, PartsFailed, ReplayError, RunFailed, StoreUnavailable
from foliot.flow.doors import Doors, there
from foliot.flow.parts import Calls, Each, Parts
from foliot.handle import Call, epitaph
from foliot.ids import child_id
from foliot.jobs import Job, Wish
from foliot.joining import FAR, JOIN, MAP, SIGNAL, SLEEP, STEP, Tolerance, joined, told, tolerance
from foliot.model import Added, Clash, Fate, Limit, Query, Run, State, Terms, Unique, Worker
from foliot.moments import SECOND
from foliot.placing import placed
from foliot.stores.base import Store

if TYPE_CHECKING:
    from foliot.context import Context

T = TypeVar("T")

MOST_PARTS = 100_000
"""How many parts one fan-out may have."""
PAGE = 500
"""How many parts one join waits for at most."""
AHEAD = 50
"""How many acts are looked up at once when a run is picked up again."""
AT_ONCE = 20
"""How many runs are spawned in the step that puts the run down; more are added before, page by page."""


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the stories of one worker's runs need from it."""

    store: Store
    clock: Clock
    jobs: Mapping[str, Job[..., Any, Any]]
    zone: tzinfo | None
    loop: asyncio.AbstractEventLoop
    lease: int
    doors: Doors


class Fan(msgspec.Struct, frozen=True, kw_only=True):
    """How a fan-out is made: its name, how many parts run at once, how many may fail, and what stands in their place.

    ``adapt`` changes the run of the part of each number before it is added.
    """

    name: str
    at_once: int | None = None
    tolerance: Tolerance
    missing: Any = None
    adapt: Callable[[Run, int], Run] | None = None


class Story:
    """The acts of one run, in order: the first execution of each is kept, and every later one finds it.

    The id of an act comes from the run and its place, counted from 0. One that is found but is another's, because the
    function took another way, raises ReplayError.
    """

    def __init__(self, context: Context, desk: Desk) -> None:
        self.run = context.run
        self._context, self._desk = context, desk
        self._next = 0
        self._past: dict[str, Run | None] = {}
        self._begun = self.run.token > 1

    # verbs

    async def step(
        self, name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The result of a function that is called once, whatever becomes of this attempt."""
        place = self._take_place()
        kept = await self._act(place, STEP, name)
        if kept is None:
            self._context.raise_if_cancelled()
            value = function(*args, **kwargs)
            value = await value if inspect.isawaitable(value) else value
            kept = await self._keep(self.record(place, STEP, name, _encoded(name, value)))
        return _decoded(function, kept.result or "null")

    async def sleep(self, length: int, name: str) -> None:
        """Go on after this length of time, counted from when the run first came here; meanwhile it is put down."""
        place = self._take_place()
        kept = await self._act(place, SLEEP, name)
        until = self.now() + length if kept is None else int(kept.result or 0)
        if kept is None:
            raise PutDown(spawn=(self.record(place, SLEEP, name, str(until)),), due_at=until)
        if self.now() < until:
            raise PutDown(due_at=until)

    async def wait_for(self, name: str, timeout: int | None, kind: Any) -> Any:
        """What a signal carries. Raises TimeoutError when it did not come in time."""
        kept = await self._signal(name, timeout)
        told = msgspec.json.decode(kept.result or "{}", type=dict[str, msgspec.Raw])
        if kept.state is not State.SUCCEEDED or "value" not in told:
            raise TimeoutError(f"no signal {name!r} came to run {self.run.id} of {self.run.job!r} in time")
        return _value(told["value"], kind)

    async def _signal(self, name: str, timeout: int | None) -> Run:
        id = signal_id(self.run.id, name)
        kept = (await self.known((id,), fresh=True)).get(id)
        if kept is None:
            until = FAR if timeout is None else self.now() + timeout
            raise PutDown((id,), (waiting(self.run, name, until, self.now()),))
        if not kept.state.over:
            raise PutDown((id,))
        return kept

    async def call(self, call: Call[Any]) -> Any:
        """The result of one child run. Raises RunFailed when it has none."""
        place = self._take_place()
        child = self.place(call, child_id(self.run.id, place))
        kept = await self._look(place)
        if kept is None:
            raise PutDown((child.id,), (child,))
        if (kept.job, kept.args) != (child.job, child.args):
            raise self._otherwise(place, f"a run of {kept.job!r}{kept.args}", f"one of {child.job!r}{child.args}")
        if not kept.state.over:
            raise PutDown((child.id,))
        if kept.state is not State.SUCCEEDED:
            raise RunFailed(epitaph(kept), kept)
        return call.job.told(kept.result or "null", shared=call.job.shards(kept.terms) is not None)

    async def map(
        self, job: Any, items: Iterable[Any], name: str | None, at_once: int | None, failed: str
    ) -> list[Any]:
        """The results of one child run for each item, in order."""
        wish = self.job(job) if isinstance(job, str) else job
        fan = Fan(name=name or _name_of(wish), at_once=at_once, tolerance=tolerance(failed))
        return await self.fan_out(Each(wish, islice(items, MOST_PARTS + 1)), fan)

    async def gather(self, calls: Sequence[Call[Any]], name: str, at_once: int | None, failed: str) -> list[Any]:
        """The results of many child runs, in order; None for those that failed, as far as that is tolerated."""
        return await self.fan_out(Calls(calls), Fan(name=name, at_once=at_once, tolerance=tolerance(failed)))

    async def fan_out(self, parts: Parts, fan: Fan) -> list[Any]:
        """The results of many child runs, in order; ``missing`` for those that failed, as far as that is tolerated."""
        place = self._take_place()
        if len(parts) > MOST_PARTS:
            raise ArgumentsError(f"{fan.name!r} has more than {MOST_PARTS} parts, the most possible; nest them")
        if fan.at_once is not None:
            readers.given("at_once", fan.at_once, readers.positive)
        await self._same_parts(place, parts, fan)
        pages = list(self._pages(child_id(self.run.id, place), len(parts)))
        kept = await self.known([page.join for page in pages])
        await self._spawn(place, parts, fan, [page for page in pages if page.join not in kept])
        if live := [page.join for page in pages if page.join in kept and not kept[page.join].state.over]:
            raise PutDown(live)
        return await self._results(parts, fan, [(page, kept[page.join]) for page in pages])

    # what those who build on this may ask

    def now(self) -> int:
        """What time it is."""
        return self._desk.clock.now()

    def job(self, name: str) -> Job[..., Any, Any]:
        """The job of this name. Raises UnknownJob."""
        return self._desk.jobs[name]

    async def done(self, place: int, job: str) -> str | None:
        """The result of the run of this job that is the act of this place, if there is one already."""
        kept = await self._look(place)
        return (kept.result or "null") if kept and kept.job == job and kept.state is State.SUCCEEDED else None

    async def known(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Run]:
        """Those of these runs that there are; what this attempt has seen is not looked up again unless ``fresh``."""
        asking = [each for each in ids if fresh or each not in self._past] if self._begun or fresh else []
        for at in range(0, len(asking), self._desk.store.batch):
            page = tuple(asking[at : at + self._desk.store.batch])
            found = await self._ask(self._desk.store.find(Query(ids=page, limit=len(page))))
            self._past |= dict.fromkeys(page) | {run.id: run for run in found.runs}
        return {each: run for each in ids if (run := self._past.get(each)) is not None}

    async def children(self, limit: int) -> list[Run]:
        """The first runs that this one has spawned."""
        query = Query(parents=(self.run.id,), limit=limit, oldest_first=True)
        return list((await self._ask(self._desk.store.find(query))).runs)

    async def add(self, runs: Sequence[Run]) -> list[Added]:
        """Add child runs, or any others; those that are there already stay as they are."""
        return await self._ask(self._desk.store.add(runs, self.now()))

    async def workers(self) -> list[Worker]:
        """All workers that are there: of whom something was heard within two leases."""
        return await self._ask(there(self._desk.store, self._desk.lease, self.now()))

    def place(self, call: Call[Any], id: str, **changes: Any) -> Run:
        """The run that a call wants, as a child of this one, with some changes. It is not added yet."""
        if call.job.name not in self._desk.jobs:
            _ = call.job.owner  # raises JobError if no scheduler knows it
        run = placed(call, self.now(), id, self._desk.zone, self.run.headers)
        deadlines = [each for each in (run.deadline_at, self.run.deadline_at) if each is not None]
        unique = None if run.unique is None else replace(run.unique, clash=Clash.SKIP)
        own = {"id": id, "parent": self.run.id, "deadline_at": min(deadlines, default=None), "unique": unique}
        return replace(run, **own, **changes)

    def record(self, place: int, job: str, name: str, result: str) -> Run:
        """A child run that is over: something this run has done."""
        return replace(_own(self.run, child_id(self.run.id, place), job, name, self.now()), **_done(result))

    # places

    def _take_place(self) -> int:
        place, self._next = self._next, self._next + 1
        return place

    async def _act(self, place: int, job: str, name: str) -> Run | None:
        """What this run did at this place before."""
        kept = await self._look(place)
        if kept is not None and (kept.job, kept.key) != (job, name):
            raise self._otherwise(place, f"{kept.job} {kept.key!r}", f"{job} {name!r}")
        return kept

    async def _look(self, place: int) -> Run | None:
        id = child_id(self.run.id, place)
        if id not in self._past:
            await self.known([child_id(self.run.id, n) for n in range(place, place + AHEAD)])
        return self._past.get(id)

    def _otherwise(self, place: int, before: str, now: str) -> ReplayError:
        return ReplayError(
            f"run {self.run.id} of {self.run.job!r} did {before} as its act {place} before, and wants {now} in its "
            "place now; what it does must not depend on time, chance or data that changes: put that into a step"
        )

    async def _keep(self, record: Run) -> Run:
        """Keep what was done; if another attempt was first, what it did stands."""
        [added] = await self.add([record])
        if added.fate is Fate.ADDED:
            return record
        kept = (await self.known([record.id], fresh=True))[record.id]
        if (kept.job, kept.key) != (record.job, record.key):
            raise self._otherwise(self._next - 1, f"{kept.job} {kept.key!r}", f"{record.job} {record.key!r}")
        return kept

    # fan-outs

    async def _same_parts(self, place: int, parts: Parts, fan: Fan) -> None:
        kept = await self._act(place, MAP, fan.name)
        if kept is not None and kept.result != parts.summary:
            raise self._otherwise(place, f"{fan.name!r} of {kept.result}", f"{fan.name!r} of {parts.summary}")

    def _pages(self, base: str, total: int) -> Iterator[Page]:
        size = max(1, min(PAGE, self._desk.store.batch) - 2)  # the parts of a page, its join and the summary
        for at in range(0, total, size):
            yield Page(base, at, min(at + size, total))

    async def _spawn(self, place: int, parts: Parts, fan: Fan, pages: Sequence[Page]) -> None:
        """Spawn the parts of these pages, each with the join that waits for them, and wait for the joins."""
        if not pages:
            return
        parts.check()
        summary = self.record(place, MAP, fan.name, parts.summary)
        lanes = await self._lanes(summary.id, fan)
        for page in pages:
            self._context.raise_if_cancelled()
            runs = await self._ask(self._desk.doors.addressed(self._page(parts, page, fan, lanes)))
            if len(pages) == 1 and page.size <= AT_ONCE and all(each.target is None for each in runs):
                raise PutDown((page.join,), (summary, *runs, self._join(page)))
            await self.add([summary, *runs] if page is pages[0] else runs)
            await self.add([self._join(page)])
            await self._ask(self._desk.doors.answerable(runs))
            await self._breathe()
        raise PutDown([page.join for page in pages])

    def _page(self, parts: Parts, page: Page, fan: Fan, lanes: tuple[str, ...]) -> list[Run]:
        def place(call: Call[Any], id: str) -> Run:
            part = self.place(call, id)
            return replace(part, lanes=(*part.lanes, *lanes)) if lanes else part

        runs = parts.placed(place, page.start, page.parts)
        return runs if fan.adapt is None else [fan.adapt(run, n) for n, run in enumerate(runs, page.start)]

    def _join(self, page: Page) -> Run:
        join = _own(self.run, page.join, JOIN, f"{page.start}-{page.stop - 1}", self.now())
        return replace(join, after=tuple(page.parts), terms=Terms(anyway=True))

    async def _lanes(self, base: str, fan: Fan) -> tuple[str, ...]:
        """The lane that bounds how many parts run at once, and the limit on its family."""
        if fan.at_once is None:
            return ()
        limit = Limit(id=f"together/{fan.at_once}", running=fan.at_once)
        if not await self._ask(self._desk.store.records(Limit, [limit.id])):
            await self._ask(self._desk.store.put([limit]))
        return (f"{limit.id}#{base}",)

    async def _results(self, parts: Parts, fan: Fan, joins: Sequence[tuple[Page, Run]]) -> list[Any]:
        results: list[Any] = [fan.missing] * len(parts)
        failed: list[str] = []
        for page, join in joins:
            kept = told(join.result or joined([None] * page.size))  # it was cancelled by hand
            failed += [page.part(page.start + n) for n in kept.failed]
            without = set(kept.failed)
            for n, raw in enumerate(kept.results):
                if n not in without:
                    results[page.start + n] = parts.read(page.start + n, bytes(raw).decode())
        if not fan.tolerance.bears(len(failed), len(parts)):
            raise await self._failed(fan, failed, len(parts))
        return results

    async def _failed(self, fan: Fan, failed: Sequence[str], total: int) -> PartsFailed:
        first = await self.known(failed[:10], fresh=True)
        runs = [first[each] for each in failed[:10] if each in first]
        why = f"; the first: {epitaph(runs[0])}" if runs else ""
        return PartsFailed(f"{len(failed)} of {total} parts of {fan.name!r} have no result{why}", runs)

    # the store, from wherever the function runs

    async def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        """What the store answers; while it cannot be reached the run is put down, which is no failure of the job's."""
        try:
            if _running_loop() is self._desk.loop:
                return await work
            return asyncio.run_coroutine_threadsafe(work, self._desk.loop).result()
        except StoreUnavailable:
            raise PutDown(due_at=self.now() + SECOND) from None

    async def _breathe(self) -> None:
        """Let others have a turn between two pages."""
        if _running_loop() is self._desk.loop and not self._context.driven:
            await asyncio.sleep(0)


class Page(msgspec.Struct, frozen=True):
    """Some parts of a fan-out, one after the other, for which one join waits."""

    base: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.stop - self.start

    @property
    def join(self) -> str:
        """The id of the join."""
        return child_id(self.base, f"join-{self.start:05}")

    def part(self, n: int) -> str:
        """The id of the part of this number, counted from 0 over all pages."""
        return f"{self.base}.{n:05}"

    @property
    def parts(self) -> list[str]:
        """The ids of all its parts."""
        base = self.base
        return [f"{base}.{n:05}" for n in range(self.start, self.stop)]


# The runs that only keep books


def signal_id(run: str, name: str) -> str:
    """The id of the run that waits for this signal, or keeps it. Raises ArgumentsError for what is no name."""
    if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentsError(f"{name!r} is no name of a signal; give it a text like 'approve'")
    return child_id(run, f"signal-{name}")


def signal_key(run: str, name: str) -> str:
    """The unique key by which a signal finds the run that waits for it."""
    return f"signal/{signal_id(run, name)}"


def waiting(run: Run, name: str, until: int, now: int) -> Run:
    """The run that waits for a signal to this run, in vain from ``until`` on."""
    due = until if run.deadline_at is None else min(until, run.deadline_at)
    own = _own(run, signal_id(run.id, name), SIGNAL, name, now)
    return replace(own, due_at=due, wakes_at=due, unique=Unique(key=signal_key(run.id, name)))


def signalled(run: Run, name: str, value: str, id: str, now: int) -> Run:
    """The run that brings a signal to the one that waits."""
    unique = Unique(key=signal_key(run.id, name), clash=Clash.RENEW)
    return replace(_own(run, id, SIGNAL, name, now), args=f'{{"value":{value}}}', unique=unique)


def early(run: Run, name: str, value: str, now: int) -> Run:
    """The run that keeps a signal nobody waits for yet."""
    own = _own(run, signal_id(run.id, name), SIGNAL, name, now)
    return replace(own, **_done(f'{{"value":{value}}}'))


def _own(run: Run, id: str, job: str, name: str, now: int) -> Run:
    """A child run of ours, where those who execute its parent will find it."""
    return Run(
        id=id,
        job=job,
        key=name,
        parent=run.id,
        queue=run.queue,
        needs=run.needs,
        priority=run.priority,
        due_at=now,
        wakes_at=now,
        created_at=now,
    )


def _done(result: str) -> dict[str, Any]:
    return {"state": State.SUCCEEDED, "result": result, "wakes_at": None}


def _name_of(wish: Job[..., Any, Any] | Wish[..., Any]) -> str:
    return wish.name if isinstance(wish, Job) else wish.job.name


# Results of steps


@lru_cache(maxsize=256)
def _shape(function: Callable[..., Any]) -> Shape | None:
    """How its results are read; None if it tells nothing about itself."""
    if isinstance(function, Job):
        return function.shape
    try:
        return Shape.of(function)
    except DefinitionError:
        return None


def _encoded(name: str, value: object) -> str:
    try:
        return dumps(value)
    except ArgumentsError as problem:
        raise ArgumentsError(f"the result of step {name!r}: {problem}") from None


def _decoded(function: Callable[..., Any], text: str) -> Any:
    shape = _shape(function)
    return loads(text) if shape is None else shape.decode_result(text)


def _value(raw: msgspec.Raw, kind: Any) -> Any:
    text = bytes(raw).decode()
    try:
        return loads(text) if kind is Any else reader(kind)(text)
    except (msgspec.ValidationError, ValueError) as problem:
        raise ArgumentsError(f"the signal carries {text}: {problem}") from None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
