"""The plot of the demo: what is enqueued, cancelled, killed and awaited. The store tells the rest."""

from __future__ import annotations

from collections.abc import Callable

from foliot.cli.demo import jobs
from foliot.cli.demo.board import Board
from foliot.cli.demo.stage import Stage
from foliot.cli.demo.story import Look, Story
from foliot.cli.demo.verdict import Ends
from foliot.cli.words import Words
from foliot.errors import FoliotError
from foliot.model import Run, Schedule, State, Worker
from foliot.moments import MILLISECOND, SECOND
from foliot.scheduler import Scheduler

WORKERS = ("ada", "bob")
SCHEDULES = ("tick", "pulse", "slow")
LOOK = 100 * MILLISECOND
ENOUGH = 12 * SECOND
"""How long the schedules fire at least."""
MOST = 10_000
"""More runs than the demo can make."""
PATIENCE = 30 * SECOND
"""How long to wait for anything before giving up."""


class Play:
    """Performs the demo on a stage, before a board."""

    def __init__(self, stage: Stage, scheduler: Scheduler, board: Board) -> None:
        self._stage, self._scheduler, self._board = stage, scheduler, board
        self._story = Story()
        self._look: Look = {}
        self._pids: dict[str, int] = {}

    async def perform(self) -> Ends:
        """Everything, in order. Raises FoliotError when something that must happen does not."""
        began = self._scheduler.clock.now()
        await self._open_with_two_workers()
        await self._small_things()
        killed, code = await self._kill_in_the_middle_of_a_report()
        await self._until(lambda _: self._now() - began >= ENOUGH, "the time passes")
        return await self._close(killed, code)

    async def _open_with_two_workers(self) -> None:
        for name in WORKERS:
            self._stage.start(name)
            self._board.say(f"worker {name} starts, as process {self._stage.workers[name].pid}")
            await self._until(lambda _, name=name: name in self._pids, f"worker {name} is up")

    async def _small_things(self) -> None:
        self._board.say("enqueued: flaky, stuck, primes and patience")
        flaky, stuck, primes = (
            await jobs.flaky.enqueue(),
            await jobs.stuck.enqueue(),
            await jobs.primes.enqueue(50_000),
        )
        patience = await jobs.patience.enqueue()
        await self._until(lambda look: look[patience.id].state is State.RUNNING, "patience runs")
        await patience.cancel("nobody waits for it any more")
        self._board.say("asked for patience to be cancelled")
        mine = (flaky.id, stuck.id, primes.id, patience.id)
        await self._until(lambda look: all(look[each].state.over for each in mine), "the small things are over")

    async def _kill_in_the_middle_of_a_report(self) -> tuple[str, int]:
        self._board.say("enqueued: report")
        report = await jobs.report.enqueue()
        run = await self._until_run(report.id, _steps(2), "report has made two steps")
        victim = run.worker or ""
        code = self._stage.kill(victim)
        self._board.say(f"killed worker {victim} in the middle of report; its exit code is {code}")
        await self._until_run(report.id, lambda run: run.state.over, "report is taken over and done")
        return victim, code

    async def _close(self, killed: str, code: int) -> Ends:
        for each in SCHEDULES:
            await self._scheduler.schedules.pause(each, "the demo is ending")
        self._board.say("paused: tick, pulse and slow; waiting for what is running")
        await self._until(lambda look: all(each.state.over for each in look.values()), "every run is over")
        [survivor] = {*WORKERS} - {killed}
        farewell = self._stage.dismiss(survivor)
        self._board.say(f"worker {survivor} was asked to stop, and ended with exit code {farewell}")
        return Ends(
            runs=tuple(self._look.values()),
            schedules=await self._scheduler.store.records(Schedule, SCHEDULES),
            killed=killed,
            survivor=survivor,
            killed_code=code,
            survivor_code=farewell,
            worker_pids=frozenset(self._pids.values()),
        )

    # Waiting is looking

    async def _until(self, happened: Callable[[Look], bool], what: str) -> None:
        """Look at the store, and tell what is new in it, until something has happened."""
        latest = self._now() + PATIENCE
        while True:
            await self._see()
            if happened(self._look):
                return
            if self._now() > latest or self._stage.fallen():
                raise FoliotError(f"waited in vain until {what}. {self._worker_logs()}")
            await self._scheduler.clock.sleep(LOOK)

    async def _until_run(self, id: str, happened: Callable[[Run], bool], what: str) -> Run:
        await self._until(lambda look: happened(look[id]), what)
        return self._look[id]

    async def _see(self) -> None:
        runs = await self._scheduler.runs.find(limit=MOST)
        self._look = {each.id: each for each in runs if not each.job.startswith("foliot.")}
        self._pids = {each.id: each.pid for each in await self._scheduler.store.records(Worker)}
        for sentence in self._story.go_on(self._look, Words(now=self._now())):
            self._board.say(sentence)
        self._board.show(self._look)

    def _now(self) -> int:
        return self._scheduler.clock.now()

    def _worker_logs(self) -> str:
        return "\n".join(f"{name} said:\n{self._stage.last_words(name)}" for name in self._stage.workers)


def _steps(count: int) -> Callable[[Run], bool]:
    return lambda run: run.progress is not None and run.progress.done >= count
