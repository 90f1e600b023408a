"""The worker: claim, admit, execute, conclude, finish. One round hands in what has ended and takes what is due."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from foliot.clock import Clock
from foliot.context import Context, Notes
from foliot.engine.aftermath import Aftermath
from foliot.engine.attempt import Held, attempt
from foliot.errors import StoreCorrupt, StoreFull, StoreUnavailable
from foliot.events import Event, Kind, Listeners
from foliot.executors import Executor
from foliot.flow.doors import Doors
from foliot.flow.story import Desk, Story
from foliot.jobs import Job
from foliot.joining import JOIN
from foliot.model import Batch, Claim, Ending, Query, Run
from foliot.moments import SECOND
from foliot.options import Middleware
from foliot.policy import Conclusion, GivenBack, Stopped, admit, conclude, unkept
from foliot.stores.base import Store

log = logging.getLogger("foliot")


class Bench(Struct, frozen=True, kw_only=True):
    """What a worker works with."""

    store: Store
    jobs: Mapping[str, Job[..., Any, Any]]
    executors: Mapping[str, Executor]
    clock: Clock
    listeners: Listeners
    aftermath: Aftermath
    middleware: Sequence[Middleware] = ()
    resources: Mapping[Any, Any]
    log_level: int = logging.INFO
    zone: tzinfo | None = None


_Ended = tuple[Held, Ending, Conclusion | None]


class _Turn(NamedTuple):
    """A turn of the store: what it hands in, how many runs it may take, and its answer once it is there."""

    ended: list[_Ended]
    asked: int
    answer: Awaitable[tuple[Sequence[bool], Batch]]


class Worker:
    """Executes runs, at most ``slots`` at a time, each under a lease that the keeper renews."""

    def __init__(
        self,
        id: str,
        bench: Bench,
        *,
        slots: int,
        lease: int,
        queues: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
    ) -> None:
        self.id, self.slots, self.lease, self.queues, self.labels = id, slots, lease, queues, labels
        self.held: dict[tuple[str, int], Held] = {}
        self.ring: Callable[[], None] = lambda: None
        self.on_notes: Callable[[], None] = lambda: None
        self.draining = False
        self._gone: tuple[str, ...] = ()
        self._wished = self._wish(slots)
        self._parents = Parents()
        self._bench = bench
        self._desk = Desk(
            store=bench.store,
            clock=bench.clock,
            jobs=bench.jobs,
            zone=bench.zone,
            loop=asyncio.get_running_loop(),
            lease=lease,
            doors=Doors(bench.store, bench.clock, lease),
        )
        self._endings: list[_Ended] = []
        self._doubted: list[_Ended] = []
        self._emptied: asyncio.Event | None = None
        self._leaving = asyncio.get_running_loop().create_future()
        self._turning = False
        self._underway: deque[_Turn] = deque()
        self._more = False

    # One round

    async def round(self) -> int | None:
        """Hand in what has ended, take what is due, and tell when to come back."""
        self._turning = True
        try:
            while self._doubted:
                await self._hand_in_alone(self._doubted[0])
            stale = bool(self._underway)  # it may have looked before this round was rung for
            wake_at = await self._turned()
            if self._endings and not self._underway:  # what has ended at once is handed in at once
                wake_at = await self._turned(wake_at)
            return self._bench.clock.now() if stale or self._endings or self._underway else wake_at
        finally:
            self._turning = bool(self._underway)
            if self._emptied is not None and not self.held and not self._turning:
                self._emptied.set()

    async def _turned(self, wake_at: int | None = None) -> int | None:
        """One turn of the store, and a start for what it brings; tells when to come back, if there is nothing sooner.

        ``wake_at`` is what the turn just before has told: where steps cost little, nobody asks for more then.
        """
        claims = wake_at is None or self._bench.store.costly
        if self._underway:
            self._set_out(0)
        turn = self._underway.popleft() if self._underway else self._next_turn(0, claims=claims)
        try:
            kept, batch = await turn.answer
        except (*TROUBLE, asyncio.CancelledError):
            self._endings = turn.ended + self._endings  # fenced, so handing them in again is safe
            raise
        except Exception:
            self._doubted += turn.ended
            raise
        if turn.ended:
            self._let_go(turn.ended, kept)
        self._more = len(batch.runs) == self._bench.store.batch
        if self._more:
            self._set_out(len(batch.runs))
            await _sent()
        if batch.runs:
            await self._take(batch.runs)
        return batch.wake_at if claims else wake_at

    def _set_out(self, taken: int) -> None:
        """Where there is more, let as many turns be on their way as the store bears."""
        while self._more and len(self._underway) < self._bench.store.turns and self._free(taken) > 0:
            turn = self._next_turn(taken)
            self._underway.append(turn._replace(answer=asyncio.ensure_future(turn.answer)))

    def _free(self, taken: int) -> int:
        """How many slots the next turn may fill, with so many taken beside those held.

        What it hands in has left by then, as has what those under way do, and what they may take has come.
        """
        coming = sum(each.asked - len(each.ended) for each in self._underway)
        leaving = min(len(self._endings), self._bench.store.batch)
        return 0 if self.draining else max(0, self.slots - len(self.held) - taken - coming + leaving)

    async def _hand_in_alone(self, ended: _Ended) -> None:
        """Hand in one of several endings of which the store could not even write one; that one fails its run."""
        held, ending, _ = ended
        store, now = self._bench.store, self._bench.clock.now()
        try:
            kept = await store.finish([ending], now)
        except TROUBLE:
            raise
        except Exception as problem:
            log.exception("the ending of run %s (%s) cannot be written down", held.run.id, held.run.job)
            ended = held, unkept(held.run, problem), None
            kept = await store.finish([ended[1]], now)
        self._doubted.pop(0)
        self._let_go([ended], kept)

    def _next_turn(self, taken: int, *, claims: bool = True) -> _Turn:
        """To hand in what has ended and to take what is due, with so many slots taken beside those held."""
        store, now = self._bench.store, self._bench.clock.now()
        asked = min(self._free(taken), store.batch) if claims else 0
        ended, self._endings = self._endings[: store.batch], self._endings[store.batch :]
        endings = [ending for _, ending, _ in ended]
        if not asked:
            return _Turn(ended, 0, self._handed_in(endings, now))
        if self._wished.limit != asked or self._wished.targets is not self._gone:
            self._wished, self._gone = self._wish(asked), ()
        return _Turn(ended, asked, store.turn(endings, self._wished, now))

    def _wish(self, limit: int) -> Claim:
        return Claim(
            worker=self.id,
            limit=limit,
            lease=self.lease,
            queues=self.queues,
            labels=self.labels,
            targets=self._gone,
        )

    async def _handed_in(self, endings: Sequence[Ending], now: int) -> tuple[Sequence[bool], Batch]:
        return await self._bench.store.finish(endings, now) if endings else (), Batch()

    async def _take(self, runs: Sequence[Run]) -> None:
        kin = [run for run in runs if run.after or run.parent is not None]
        around = await self._around(kin) if kin else {}
        now = self._bench.clock.now()
        for run in runs:
            job = self._bench.jobs.get(run.job)
            held = self._hold(run, job)
            if run.after:
                held.context.upstream = tuple(around[each] for each in run.after if each in around)
            refused = admit(run, None if job is None else job.settings, around, now)
            if job is None or refused is not None:
                self._conclude(held, refused, None)
            elif self.draining:  # claimed while the wish to stop was on its way
                self._conclude(held, conclude(run, job.settings, GivenBack(), now, self._bench.clock.random), None)
            else:
                self._start(held, job)
        if not _AT_ONCE:
            await asyncio.sleep(0)  # what never waits has ended then

    async def _around(self, runs: Sequence[Run]) -> dict[str, Run]:
        """The runs that these waited for, and their parents."""
        now = self._bench.clock.now()
        parents = self._parents.known(now)
        asked = [run.parent for run in runs if run.parent is not None and run.parent not in parents]
        found = await self._found([*asked, *(each for run in runs if run.job != JOIN for each in run.after)])
        found |= await self._found([each for run in runs if run.job == JOIN for each in run.after], brief=True)
        self._parents.learn([found[each] for each in asked if each in found], now)
        return {**parents, **found}

    async def _found(self, ids: Sequence[str], *, brief: bool = False) -> dict[str, Run]:
        wanted, size = tuple(dict.fromkeys(ids)), self._bench.store.batch
        found: dict[str, Run] = {}
        for at in range(0, len(wanted), size):
            page = await self._bench.store.find(Query(ids=wanted[at : at + size], limit=size, brief=brief))
            found |= {run.id: run for run in page.runs}
        return found

    def _hold(self, run: Run, job: Job[..., Any, Any] | None) -> Held:
        notes = Notes(self.on_notes, self._bench.log_level)
        held = Held(run, job, Context(run, notes, self._bench.clock), notes)
        if job is not None and (job.executor != "processes" or job.shards(run.terms) is not None):
            held.context.begin = self._begin
        self.held[run.id, run.token] = held
        return held

    def _begin(self, context: Context) -> Story:
        return Story(context, self._desk)

    def _start(self, held: Held, job: Job[..., Any, Any]) -> None:
        run = held.run
        if self._bench.listeners.wants(Kind.STARTED):
            now = self._bench.clock.now()
            self._bench.listeners.publish(Event(kind=Kind.STARTED, at=now, run=run, lateness=now - run.due_at))
        held.task = _begun(self._execute(held, job), loop=self._desk.loop)

    async def _execute(self, held: Held, job: Job[..., Any, Any]) -> None:
        bench = self._bench
        conclusion = await attempt(
            held, job, bench.executors[job.executor], bench.middleware, bench.resources, bench.clock
        )
        ending = conclude(held.run, job.settings, conclusion, bench.clock.now(), bench.clock.random)
        if not ending.state.over and (rest := bench.executors[job.executor].rest(held.context)) is not None:
            # never two copies of one run here, unless we leave
            await asyncio.wait([rest, self._leaving], return_when=asyncio.FIRST_COMPLETED)
        if held.run.terms is not None and held.run.terms.followed and ending.state.over:
            ending = replace(ending, firing=await bench.aftermath.firing(held.run, bench.clock.now()))
        self._conclude(held, ending, conclusion)

    def _conclude(self, held: Held, ending: Ending | None, conclusion: Conclusion | None) -> None:
        if ending is not None:
            held.concluded = True
            self._endings.append((held, held.signed(ending) if held.notes.waiting else ending, conclusion))
        if not self._turning:  # else the round that is under way sees it
            self.ring()

    # What the store kept

    def _let_go(self, ended: Sequence[_Ended], kept: Sequence[bool]) -> None:
        for (held, ending, conclusion), accepted in zip(ended, kept, strict=True):
            self.held.pop((held.run.id, held.run.token), None)
            self._parents.forget(held.run.id)
            if accepted:
                self._bench.aftermath.ended(held, ending, conclusion)
            else:
                self._bench.aftermath.refused(held, ending, conclusion)

    def answer_for(self, gone: tuple[str, ...]) -> None:
        """Look once at what is meant for these workers only: they are gone."""
        self._gone = gone
        self.ring()

    # Interruptions

    def stop(self, run: str, token: int, reason: str) -> None:
        """Stop a run because somebody asked for that."""
        if (held := self.held.get((run, token))) is None or held.concluded:
            return
        if held.interruption is None and self._bench.listeners.wants(Kind.STOP_ASKED):
            now = self._bench.clock.now()
            told = Event(kind=Kind.STOP_ASKED, at=now, run=held.run, schedule=held.run.schedule, reason=reason)
            self._bench.listeners.publish(told)
        held.interrupt(Stopped(reason), reason)

    def lose(self, run: str, token: int) -> None:
        """Stop a run whose lease was lost: another worker has it now. Where its end is on its way, the answer tells."""
        if (held := self.held.get((run, token))) is not None and not held.concluded:
            log.warning("run %s of %r: its lease was lost; stopping it here", run, held.run.job)
            held.interrupt(GivenBack(), "its lease was lost")

    async def drain(self, timeout: int) -> None:
        """Take nothing more, wait for what is running, and give back what is not done by ``timeout``."""
        self.draining = True
        await self._empty(timeout)
        self.give_back()
        await self._empty(GRACE)
        await self._leave()

    async def _leave(self) -> None:
        """Give back also what a thread goes on with that heeds nothing."""
        self._abandon()
        if any(not each.underway for each in self.held.values()):
            await self._empty(LAST_TURN)

    def leave_now(self) -> None:
        """Give everything back at once, also what a thread goes on with."""
        self.give_back()
        self._abandon()

    def _abandon(self) -> None:
        if not self._leaving.done():
            self._leaving.set_result(None)

    def give_back(self) -> None:
        """Interrupt everything; what stops is due again at once, for another worker."""
        for held in list(self.held.values()):
            held.interrupt(GivenBack(), "the worker is shutting down")

    async def _empty(self, timeout: int) -> None:
        emptied = self._emptied = asyncio.Event()
        self.ring()
        alarm = self._bench.clock.call_at(self._bench.clock.now() + timeout, emptied.set)
        if self.held or self._turning:
            await emptied.wait()
        alarm.cancel()


class Parents:
    """The parents of runs that lived when they were last looked at, which is not asked again for a while.

    So a run whose parent has just ended elsewhere may start for that long, as any may that was claimed before.
    """

    def __init__(self) -> None:
        self._lived: dict[str, Run] = {}
        self._until = 0

    def known(self, now: int) -> dict[str, Run]:
        """Those that are taken to live."""
        if now >= self._until:
            self._lived, self._until = {}, now + FRESH
        return self._lived

    def learn(self, runs: Sequence[Run], now: int) -> None:
        """How some were just now."""
        self.known(now).update({run.id: run for run in runs if not run.state.over and run.cancelling is None})

    def forget(self, id: str) -> None:
        """This one has ended, or is put down."""
        self._lived.pop(id, None)


async def _sent() -> None:
    """Let what was begun be on its way: it begins in the next turn of the event loop, and some send at its end."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


FRESH = SECOND // 10
"""How long a parent that lived is taken to live, microseconds."""

_AT_ONCE = sys.version_info >= (3, 12)
"""Whether a task can begin at once, without a turn of the event loop."""

_begun = partial(asyncio.Task[None], **({"eager_start": True} if _AT_ONCE else {}))
"""A task of its own."""


TROUBLE = (StoreUnavailable, StoreFull, StoreCorrupt)
"""What is not the fault of what the store was handed."""
LAST_TURN = 2_000_000
"""How long the last endings may take to be handed in before a worker leaves, microseconds."""
GRACE = 10_000_000
"""How long after being interrupted a run may take to clean up before the worker leaves it behind, microseconds."""
