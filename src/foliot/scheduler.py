"""The scheduler: jobs, a store and a clock, composed into a ticker and a worker. The one place where all parts meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import tzinfo
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from foliot import capture, eventloop, readers, triggers
from foliot.clock import Clock, SystemClock
from foliot.collect import jobs_in
from foliot.declaring import Declaration, schedule_id
from foliot.engine.aftermath import Aftermath
from foliot.engine.following import Follower
from foliot.engine.keeper import Keeper
from foliot.engine.loop import Loop
from foliot.engine.ticker import AHEAD, Ticker
from foliot.engine.worker import Bench, Worker
from foliot.errors import ArgumentsError, FoliotError, JobError, SettingsError, StoreError
from foliot.events import Event, Kind, Listener, Listeners
from foliot.executors import Executor, Inline, Threads, refuse_in_child
from foliot.flow import signals
from foliot.flow.doors import Doors, leave
from foliot.flow.home import flow_job
from foliot.handle import Call, Handle
from foliot.housekeeping import PRUNE, TZDATA, housekeeping
from foliot.ids import Ids
from foliot.jobs import Bundle, Decorator, Job, Jobs, Sharing, decorator, several
from foliot.lanes import Lanes
from foliot.model import Added, Hint, Run, Schedule, Topic
from foliot.moments import Length, Moment
from foliot.moments import zone as zone_named
from foliot.options import DecoratorKeywords, Middleware, Shares
from foliot.placing import placed
from foliot.portal import Portal, until_signalled
from foliot.readers import given
from foliot.resources import Resources
from foliot.runs import Runs
from foliot.schedules import Schedules
from foliot.settings import Settings, SettingsKeywords
from foliot.stores import open_store
from foliot.stores.base import Store
from foliot.triggers import Trigger
from foliot.triggers.zones import tzdata_version
from foliot.when import AtKeywords, CronKeywords, EveryKeywords, LateKeywords, When

if TYPE_CHECKING:
    from foliot.workflows.steering import Workflows

log = logging.getLogger("foliot")


class Scheduler:
    """Runs jobs when they are due or wanted, with a store as the only truth.

    ``store`` is a URL (default ``memory://``, or what ``FOLIOT_STORE`` or foliot.toml say) or any object that keeps the
    store's contract. ``fire=False`` leaves firing schedules to other processes, ``work=False`` executing runs. Use it
    as an async context manager, or ``run()`` a script, or ``start()`` and ``stop()`` it beside a program without an
    event loop.
    """

    def __init__(
        self,
        store: str | Store | None = None,
        *,
        clock: Clock | None = None,
        middleware: Sequence[Middleware] = (),
        fire: bool = True,
        work: bool = True,
        **settings: Unpack[SettingsKeywords],
    ) -> None:
        _refuse_strange_parts(store, clock)
        named: dict[str, Any] = {**settings, "store": store} if isinstance(store, str) else {**settings}
        self.settings = Settings.read(named)
        self.jobs = Jobs()
        self.listeners = Listeners()
        self.middleware: list[Middleware] = list(given("middleware", middleware, readers.functions))
        self.carriers: list[Callable[[dict[str, str]], None]] = []
        self.resources = Resources()
        self.executors: dict[str, Executor] = {}
        self._sleepers: dict[Topic, Loop | Keeper] = {}
        self.worker: Worker | None = None
        self.enqueued: Callable[[], Awaitable[None]] | None = None
        self.grace = self.settings.grace
        self._fires, self._works = given("fire", fire, readers.flag), given("work", work, readers.flag)
        self._inline = self._up = False
        self._open = AsyncExitStack()
        self._portal = Portal(self)
        self._furnish(store if isinstance(store, Store) else open_store(self.settings.store), clock or SystemClock())
        self.include(housekeeping(self), flow_job())

    def _furnish(self, store: Store, clock: Clock) -> None:
        """Stand on this store and this clock."""
        self.store, self.clock = store, clock
        self._ids = Ids(clock.random)
        self._doors = Doors(store, clock, self.settings.lease)
        self.runs = Runs(store, clock, self.listeners)
        self.schedules = Schedules(
            store, self.jobs, clock, self._ids, self.listeners, self.settings.tz, self.settings.named_tz, self._doors
        )
        self.queues = Lanes("queue", store, clock)
        self.lanes = Lanes("job", store, clock, self.jobs)

    @contextmanager
    def furnished(self, store: Store, clock: Clock, settings: Settings) -> Generator[None]:
        """Stand on another store, clock and settings meanwhile, and run every function in place: for simulations."""
        before = self.store, self.clock
        kept, self.settings, self._inline = self.settings, settings, True
        self._furnish(store, clock)
        try:
            yield
        finally:
            self.settings, self._inline = kept, False
            self._furnish(*before)

    def override(self, wishes: Mapping[str, Any], source: str) -> None:
        """Put settings above those of code, variables and file, the store included, before this is started.

        ``source`` says in whose name. Raises SettingsError, and then nothing is changed.
        """
        settings = self.settings.over(wishes, source)
        store = open_store(settings.store) if "store" in wishes else self.store
        self.settings = settings
        self.grace = settings.grace
        self._furnish(store, self.clock)

    # Define

    @overload
    def job(self, *on: Trigger, shards: Shares, **wishes: Unpack[DecoratorKeywords]) -> Sharing: ...
    @overload
    def job(self, *on: Trigger, **wishes: Unpack[DecoratorKeywords]) -> Decorator: ...
    def job(self, *on: Trigger, **wishes: Any) -> Any:
        """Define a job of this scheduler, fired by these triggers if any are given."""
        return several(on, wishes, self.include)

    @overload
    def cron(self, expression: str | None = None, *, shards: Shares, **wishes: Unpack[CronKeywords]) -> Sharing: ...
    @overload
    def cron(self, expression: str | None = None, **wishes: Unpack[CronKeywords]) -> Decorator: ...
    def cron(self, expression: str | None = None, **wishes: Any) -> Any:
        """Define a job and fire it when a cron expression says: 5 fields, or 6 with seconds first, in ``tz``."""
        return self._timed(triggers.cron, (expression,), {"tz": self.settings.tz, **wishes})

    @overload
    def every(self, interval: Length, *, shards: Shares, **wishes: Unpack[EveryKeywords]) -> Sharing: ...
    @overload
    def every(self, interval: Length, **wishes: Unpack[EveryKeywords]) -> Decorator: ...
    def every(self, interval: Length, **wishes: Any) -> Any:
        """Define a job and fire it at a fixed rate."""
        return self._timed(triggers.every, (interval,), wishes)

    @overload
    def at(self, *moments: Moment, shards: Shares, **wishes: Unpack[AtKeywords]) -> Sharing: ...
    @overload
    def at(self, *moments: Moment, **wishes: Unpack[AtKeywords]) -> Decorator: ...
    def at(self, *moments: Moment, **wishes: Any) -> Any:
        """Define a job and fire it once at each of these moments."""
        return self._timed(triggers.at, moments, {"tz": self.settings.named_tz, **wishes})

    @overload
    def after(self, delay: Length, *, shards: Shares, **wishes: Unpack[LateKeywords]) -> Sharing: ...
    @overload
    def after(self, delay: Length, **wishes: Unpack[LateKeywords]) -> Decorator: ...
    def after(self, delay: Length, **wishes: Any) -> Any:
        """Define a job and fire it once, so long after its schedule is first created."""
        return self._timed(triggers.after, (delay,), wishes)

    def _timed(self, make: Callable[..., Trigger], args: Sequence[Any], wishes: Mapping[str, Any]) -> Decorator:
        made = When.of(make, args, wishes)
        return decorator(made.trigger, made.wishes, self.include)

    def include(self, *sources: ModuleType | str | Job[..., Any, Any] | Bundle) -> None:
        """Take in jobs: modules or packages (objects or dotted names, globs allowed), single jobs, or workflows.

        Raises JobError if two jobs share a name; then none of them is taken in.
        """
        found = [job for source in sources for job in jobs_in(source)]
        trial = Jobs()
        for job in [*self.jobs.values(), *found]:
            trial.add(job)
        for job in found:
            self.jobs.add(job)
            job.home = self

    def resource(self, provider: Callable[..., Any]) -> Callable[..., Any]:
        """Provide what the function returns or yields to jobs that ask for it by annotation, from start to stop.

        ``provider`` is a plain or async function, or generator with one ``yield``, annotated with what it provides.
        """
        return self.resources.provide(provider)

    def on(self, listener: Listener, *kinds: Kind) -> Callable[[], None]:
        """Call ``listener(event)`` for these kinds of events, all if none are named; returns how to stop."""
        return self.listeners.subscribe(listener, *kinds)

    # Live

    async def __aenter__(self) -> Self:
        refuse_in_child()
        if self._up:
            raise FoliotError("this scheduler has been started already; make another one to run two side by side")
        async with AsyncExitStack() as stack:
            self._up = True
            stack.callback(setattr, self, "_up", False)
            await self._start(stack)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Self]:
        """Only open the store: enqueue, look and steer, without firing or working here."""
        await self.store.open()
        try:
            await self._follow_time()
            yield self
        finally:
            await self.store.close()

    async def _start(self, stack: AsyncExitStack) -> None:
        """Start part by part; the stack takes down what is up, in reverse, if a later part fails or all is done."""
        await self.store.open()
        stack.push_async_callback(self.store.close)
        if (follower := await self._follow_time()) is not None:
            self._spin(stack, "clock", follower.round)
        await self._look_for_new_zones()
        await self.declaration().renew()
        provided = await self.resources.opened(stack, self.jobs.values())
        stack.callback(self.store.watch(self._hear))
        aftermath = Aftermath(self.store, self.clock, self.listeners)
        stack.push_async_callback(self.listeners.settled)
        stack.push_async_callback(aftermath.settled)
        if self._works:
            await self._start_worker(stack, aftermath, provided)
        if self._fires:
            self._start_ticker(stack)
        await self._fire_at_start()

    async def _follow_time(self) -> Follower | None:
        """Go by the store's time from here on; None if it has none, or the clock is one that somebody turns."""
        if not isinstance(self.clock, SystemClock):
            return None
        follower = Follower(self.store, self.clock)
        return follower if await follower.begin() else None

    async def _start_worker(self, stack: AsyncExitStack, aftermath: Aftermath, provided: Mapping[Any, Any]) -> None:
        capture.install()
        stack.callback(capture.remove)
        self.executors = self._make_executors()
        for executor in self.executors.values():
            stack.push_async_callback(executor.close)
        bench = Bench(
            store=self.store,
            jobs=self.jobs,
            executors=self.executors,
            clock=self.clock,
            listeners=self.listeners,
            aftermath=aftermath,
            middleware=self.middleware,
            resources=provided,
            log_level=logging.getLevelNamesMapping()[self.settings.log_level],
            zone=self._named_zone,
        )
        own = self.settings
        worker = Worker(
            self._worker_name(),
            bench,
            slots=own.concurrency,
            lease=own.lease,
            queues=own.queues,
            labels=own.labels,
        )
        self.worker = worker
        stack.callback(self._say, Kind.WORKER_STOPPED)
        stack.push_async_callback(self._sign_off, worker.id)
        keeper = Keeper(worker, self.store, self.clock, list(self.jobs))
        worker.on_notes = keeper.soon
        await self._start_keeper(stack, keeper)
        loop = self._spin(stack, "worker", worker.round)
        worker.ring = loop.bell.ring
        self._wake(stack, loop, Topic.RUNS)
        self._wake(stack, keeper, Topic.CANCELS)
        stack.push_async_callback(self._drain)
        self._say(Kind.WORKER_STARTED)

    def _worker_name(self) -> str:
        """The name that was given; else one that no other worker has, not even in this process."""
        own = self.settings
        return own.name if "name" in own.sources else f"{own.name}-{self.clock.random.getrandbits(24):06x}"

    def _make_executors(self) -> dict[str, Executor]:
        own = self.settings
        if self._inline:
            return dict.fromkeys(("inline", "threads", "processes"), Inline())
        from foliot.executors import Processes

        return {"inline": Inline(), "threads": Threads(own.threads), "processes": Processes(own.processes)}

    async def _start_keeper(self, stack: AsyncExitStack, keeper: Keeper) -> None:
        stack.push_async_callback(keeper.stop)
        await keeper.start(in_thread=self.clock.threaded)

    def _start_ticker(self, stack: AsyncExitStack) -> None:
        ahead = AHEAD if isinstance(self.clock, SystemClock) else 0
        ticker = Ticker(self.store, self.clock, self.listeners, ahead, self._doors)
        if self.worker is not None:
            ticker.on_firing = self.worker.ring
        loop = self._spin(stack, "ticker", ticker.round)
        self._wake(stack, loop, Topic.SCHEDULES)

    def _spin(self, stack: AsyncExitStack, name: str, round_: Callable[[], Any]) -> Loop:
        loop = Loop(name, round_, self.clock)
        task = asyncio.get_running_loop().create_task(loop.run(), name=f"foliot {name}")

        async def stop() -> None:
            loop.stop()
            await task

        stack.push_async_callback(stop)
        return loop

    def _wake(self, stack: AsyncExitStack, sleeper: Loop | Keeper, topic: Topic) -> None:
        """Wake this one when the store hints at such a thing."""
        self._sleepers[topic] = sleeper
        stack.callback(self._sleepers.pop, topic)

    def _hear(self, hint: Hint) -> None:
        if (sleeper := self._sleepers.get(hint.topic)) is not None:
            sleeper.hint(hint.at)

    async def _drain(self) -> None:
        if self.worker is not None:
            await self.worker.drain(self.grace)

    async def _sign_off(self, worker: str) -> None:
        """Leave the list of workers; a store that is gone has nobody on it.

        If something is meant for this worker only, it stays on the list as gone, so that another answers for it.
        """
        with suppress(StoreError):
            await leave(self.store, worker, self.settings.lease, self.clock.now())

    def stop_now(self) -> None:
        """Cut a draining short: give back what is still running."""
        if self.worker is not None:
            self.worker.leave_now()

    def _say(self, kind: Kind) -> None:
        self.listeners.publish(
            Event(kind=kind, at=self.clock.now(), reason=None if self.worker is None else self.worker.id)
        )

    async def _look_for_new_zones(self) -> None:
        """Say and heed that the time zone database is another than when this store was last used."""
        ours = await self.store.records(Schedule, [PRUNE])
        was, now = (ours[0].placement.meta.get(TZDATA) if ours else None), tzdata_version()
        if was is not None and was != now:
            moved = await self.schedules.rezone()
            log.warning(
                "the time zone database is %s now, it was %s; schedules whose next time has moved: %s",
                *(now, was, ", ".join(moved[:10]) or "none"),
                extra={"moved": moved},
            )

    # What the code says

    def declaration(self) -> Declaration:
        """What the jobs defined here say should stand in the store: to plan, to apply."""
        return Declaration(self.store, self.clock, self.jobs, self.settings.owner)

    async def _fire_at_start(self) -> None:
        for job in self.jobs.values():
            for n, timer in enumerate(job.timers, start=1):
                if timer.options.at_start:
                    await self.schedules.trigger(schedule_id(job, timer, n))

    # Enqueue: what jobs and handles ask of their home

    async def enqueue_many(self, calls: Sequence[Call[Any]]) -> list[Handle[Any]]:
        """Add a run for each call, in few steps of the store; answers in the same order."""
        if strangers := [each for each in map(_any, calls) if not isinstance(each, Call)]:
            raise ArgumentsError(f"{strangers[0]!r} is no call; give what job.call(...) returns")
        now, size = self.clock.now(), self.store.batch
        if len(calls) <= size:
            added = await self._add(calls, now)
        else:
            added = await self._add_paged([calls[at : at + size] for at in range(0, len(calls), size)], now)
        if self.enqueued is not None:
            await self.enqueued()
        return self._handles(added, calls)

    async def _add_paged(self, pages: Sequence[Sequence[Call[Any]]], now: int) -> list[Added]:
        adding: list[asyncio.Task[list[Added]]] = []
        for page in pages:
            adding.append(asyncio.ensure_future(self._add(page, now)))
            await asyncio.sleep(0)  # one page is on its way while the next is made
        return [each for page in await asyncio.gather(*adding) for each in page]

    async def _add(self, calls: Sequence[Call[Any]], now: int) -> list[Added]:
        runs = await self._doors.addressed(self._placed(calls, now))
        added = await self.store.add(runs, now)
        await self._doors.answerable(runs)
        self._tell_added(runs, now)
        return added

    def _placed(self, calls: Sequence[Call[Any]], now: int) -> list[Run]:
        zone, headers = self._named_zone, self._headers()
        return [placed(each, now, self._ids.new(now), zone, headers) for each in calls]

    def enqueue_within(self, connection: Any, calls: Sequence[Call[Any]]) -> list[Handle[Any]]:
        """Add a run for each call inside the transaction of this connection: they are wanted if it commits.

        ``connection`` is psycopg's, SQLAlchemy's (or a session) or Django's, to the database of this scheduler's
        PostgreSQL store. Raises ArgumentsError for anything else, JobError for runs with a ``route``, and what the
        connection raises.
        """
        now = self.clock.now()
        runs = self._placed(calls, now)
        if routed := [run for run in runs if run.terms is not None and run.terms.route is not None]:
            raise JobError(
                f"job {routed[0].job!r} has a route, and whom it leads to cannot be asked here; "
                "use aenqueue_within, or ask for no route"
            )
        return self._handles(self.store.join(connection, runs, now), calls)

    async def aenqueue_within(self, connection: Any, calls: Sequence[Call[Any]]) -> list[Handle[Any]]:
        """As ``enqueue_within``, on an async connection: asyncpg's, psycopg's or SQLAlchemy's (or a session)."""
        now = self.clock.now()
        runs = await self._doors.addressed(self._placed(calls, now))
        added = await self.store.ajoin(connection, runs, now)
        await self._doors.answerable(runs)
        return self._handles(added, calls)

    def _handles(self, added: Sequence[Added], calls: Sequence[Call[Any]]) -> list[Handle[Any]]:
        return [Handle(each.id, each.fate, call.job, self) for each, call in zip(added, calls, strict=True)]

    @property
    def _named_zone(self) -> tzinfo | None:
        named = self.settings.named_tz
        return None if named is None else zone_named(named)

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for carry in self.carriers:
            carry(headers)
        return headers

    def _tell_added(self, runs: Sequence[Run], now: int) -> None:
        if self.listeners.wants(Kind.ADDED):
            for run in runs:
                self.listeners.publish(Event(kind=Kind.ADDED, at=now, run=run))

    async def look(self, run: str) -> Run:
        """The run as it is now."""
        return await self.runs.get(run)

    async def ended(self, run: str, timeout: Length | None) -> Run:
        """The run once it is over."""
        return await self.runs.ended(run, timeout)

    async def cancel(self, run: str, reason: str) -> Run:
        """Ask for a run to be cancelled."""
        [cancelled] = await self.runs.cancel(run, reason=reason)
        return cancelled

    async def signal(self, run: str, name: str, value: object = None) -> bool:
        """Tell a run what it waits for with ``context.wait_for(name)``, or will wait for. From any process.

        The first signal of a name stands: False if there was one before, or the run has given up waiting. Raises
        RunOver for a run that is over, UnknownRun if there is none, ArgumentsError for a value that is not JSON.
        """
        now = self.clock.now()
        return await signals.send(self.store, run, name, value, self._ids.new(now), now)

    @property
    def workflows(self) -> Workflows:
        """The workflows that were included, and their runs: approve, signal, skip, retry, recover."""
        from foliot.workflows.steering import Workflows

        return Workflows(self.store, self.clock, self.jobs, self.signal)

    async def pause(self, job: str, note: str = "") -> None:
        """Let no run of a job start, in any process, until it is resumed; what runs goes on. Raises UnknownJob."""
        await self.lanes.pause(job, note)

    async def resume(self, job: str) -> None:
        """Let runs of a job start again. Raises UnknownJob."""
        await self.lanes.resume(job)

    # Without an event loop of one's own

    def run(self) -> None:
        """Fire and work until SIGINT or SIGTERM, then drain; a second signal stops at once. For scripts."""
        refuse_in_child()
        eventloop.run(until_signalled(self))

    def start(self) -> None:
        """Fire and work in a thread of our own; returns once all is up. For programs without an event loop."""
        refuse_in_child()
        self._portal.start()

    def stop(self, timeout: Length | None = None) -> None:
        """Drain for at most ``timeout`` (default: the settings' grace) and end what ``start`` began.

        What runs then is told to stop, and given back: at once, or after ten seconds if it does not heed that.
        """
        self._portal.stop(None if timeout is None else given("timeout", timeout, readers.any_length))

    def wait(self, work: Any, timeout: float | None = None) -> Any:
        """Do something async from plain code, after ``start``: ``scheduler.wait(resize.enqueue("a.png"))``. Seconds."""
        return self._portal.wait(work, timeout)


def _any(value: Any) -> Any:
    """The value, for checks at run time of what the type checker takes for granted."""
    return value


def _refuse_strange_parts(store: Any, clock: Any) -> None:
    if store is not None and not isinstance(store, str | Store):
        raise SettingsError(f"{store!r} is no store; give a URL like 'sqlite:///jobs.db', or a Store")
    if clock is not None and not isinstance(clock, Clock):
        raise SettingsError(f"{clock!r} is no clock; leave it out, or give a Clock such as foliot.testing.ManualClock")
