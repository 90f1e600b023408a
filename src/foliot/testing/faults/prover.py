"""The proof as it is played: a crew works, a plan of faults goes through it, and then the evidence is read."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foliot.errors import FoliotError
from foliot.moments import MILLISECOND, MINUTE, SECOND, spell
from foliot.testing.faults.checker import Claim, Evidence, Span, check, outages
from foliot.testing.faults.crew import Member
from foliot.testing.faults.ground import Ground, prepared
from foliot.testing.faults.node import Command
from foliot.testing.faults.notes import Saw, histories, monotonic
from foliot.testing.faults.office import Office
from foliot.testing.faults.plan import OF_THE_STORE, Fault, Kind, planned

SMALL_JUMP = 5 * SECOND
GREAT_JUMP = 10 * MINUTE
"""How far clocks jump: where processes go by their own clocks, and where they follow the store's."""
RECOVERY = SECOND
START = 3 * SECOND
"""How long a process may take to start, on a busy machine, before it counts as well again."""
QUIET = 120.0
"""Seconds after the last fault within which everything must be over."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to prove. Lengths are microseconds."""

    store: str = "sqlite"
    seconds: float = 60
    processes: int = 4
    seed: int = 0
    lease: int = 2 * SECOND
    bound: int = 5 * SECOND
    """How much later than a lease something may be."""
    pace: int = 900 * MILLISECOND
    """How long after each other faults begin, on the average."""
    parts: int = 5000
    """How many parts each map has."""
    kinds: frozenset[Kind] = frozenset(Kind)
    """What may go wrong, as far as the store's place allows it."""
    program: str = "foliot.testing.faults.node"
    """The module that each process runs."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What came out."""

    trial: Trial
    faults: Sequence[Fault]
    evidence: Evidence
    claims: Sequence[Claim]

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)


Tell = Callable[[str], object]


async def prove(trial: Trial, tell: Tell, folder: Path | None = None) -> Proof:
    """Play a trial and check what was promised. Everything is kept in ``folder`` if one is given."""
    with tempfile.TemporaryDirectory(prefix="foliot-proof-") as temporary:
        place = Path(temporary) if folder is None else _empty(folder)
        (place / "history").mkdir(parents=True, exist_ok=True)
        async with prepared(trial.store, place, trial.processes) as ground:
            try:
                return await _Play(trial, ground, place, tell).played()
            finally:
                await ground.leave()


def _empty(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise FoliotError(f"{folder} is not empty; a proof begins with nothing")
    return folder


class _Play:
    def __init__(self, trial: Trial, ground: Ground, folder: Path, tell: Tell) -> None:
        self._trial, self._ground, self._folder, self._tell = trial, ground, folder, tell
        self._crew = [
            Member(folder, each, ground.url_for(each), spell(trial.lease), trial.program)
            for each in range(trial.processes)
        ]
        self._away: list[Span] = []
        self._office = Office(ground.url, trial.parts)
        self._epoch = time.time_ns() // 1000 - monotonic()

    async def played(self) -> Proof:
        """Start everybody, let the faults happen, heal, wait until it is quiet, and look."""
        faults = self._planned()
        async with self._office.scheduler.connected():
            async with self._at_work():
                async with self._office_open():
                    await self._through(faults)
                self._tell("healed; waiting until everything is over")
                await self._office.quiet(QUIET)
                await asyncio.gather(*(member.end() for member in self._crew))
            evidence = await self._evidence()
        return Proof(trial=self._trial, faults=faults, evidence=evidence, claims=check(evidence))

    def _planned(self) -> tuple[Fault, ...]:
        trial = self._trial
        jump = GREAT_JUMP if self._ground.own_time else SMALL_JUMP
        return planned(
            trial.seed,
            round(trial.seconds * SECOND),
            trial.processes,
            self._ground.kinds & trial.kinds,
            lease=trial.lease,
            jump=jump,
            pace=trial.pace,
        )

    # The play

    @asynccontextmanager
    async def _at_work(self) -> AsyncGenerator[None]:
        """Everybody works, and is looked after; at the end nobody is left."""
        async with AsyncExitStack() as stack:
            for member in self._crew:
                stack.callback(member.remove)
                member.start()
            await self._first_claim()
            for member in self._crew:
                await stack.enter_async_context(_meanwhile(member.look_after()))
            yield

    @asynccontextmanager
    async def _office_open(self) -> AsyncGenerator[None]:
        """Things are wanted meanwhile; in the end, whoever waits for an answer has one."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._office.work())
            yield
            self._office.close()

    async def _first_claim(self) -> None:
        """Wait until the first run is in somebody's hands."""
        latest = time.monotonic() + QUIET
        while not any(note.saw is Saw.CLAIMED for note in histories(self._folder / "history")):
            if time.monotonic() > latest:
                raise FoliotError(f"no process has claimed a run within {QUIET:.0f} s:\n{self._logs()}")
            await asyncio.sleep(0.1)
        self._tell(f"{len(self._crew)} processes work on {self._ground.name}")

    async def _through(self, faults: Sequence[Fault]) -> None:
        """Let each fault happen at its time; they may overlap."""
        began = monotonic()
        happening: list[asyncio.Task[None]] = []
        for fault in faults:
            await asyncio.sleep(max(0, began + fault.at - monotonic()) / SECOND)
            self._tell(said(fault))
            happening.append(asyncio.ensure_future(self._happen(fault)))
        await asyncio.gather(*happening)

    async def _happen(self, fault: Fault) -> None:
        if fault.kind in OF_THE_STORE or fault.node is None:
            start = monotonic()
            await self._ground.hurt(fault)
            end = monotonic()
            self._away.append(Span(start, end + (end - start) + RECOVERY))  # loops back off as long as it lasted
        else:
            await self._happen_to(self._crew[fault.node], fault)

    async def _happen_to(self, member: Member, fault: Fault) -> None:
        lasts = fault.lasts / SECOND
        match fault.kind:
            case Kind.KILL:
                await member.ails(member.kill, START / SECOND, _nothing)
            case Kind.FREEZE:
                await member.ails(lambda: member.send(signal.SIGSTOP), lasts, lambda: member.send(signal.SIGCONT))
            case Kind.JUMP:
                await member.ails(
                    lambda: member.tell(Command(clock=fault.amount)), lasts, lambda: member.tell(Command(clock=0))
                )
            case _:
                await self._on_the_wire(member, fault, lasts)

    async def _on_the_wire(self, member: Member, fault: Fault, lasts: float) -> None:
        if not self._ground.proxies:
            await member.ails(lambda: member.tell(Command(lose=fault.amount)), lasts, _nothing)
            return
        proxy = self._ground.proxies[member.number]
        wrongs: dict[Kind, Callable[[], None]] = {
            Kind.CUT: proxy.cut,
            Kind.HOLE: proxy.black_hole,
            Kind.LOSE: proxy.lose_replies,
            Kind.SLOW: lambda: proxy.delay(fault.amount / SECOND),
        }
        await member.ails(wrongs[fault.kind], lasts, proxy.restore)

    # The evidence

    async def _evidence(self) -> Evidence:
        trial = self._trial
        jump = 0 if self._ground.own_time else SMALL_JUMP
        return Evidence(
            notes=histories(self._folder / "history"),
            runs=await self._office.everything(),
            schedules=await self._office.schedules(),
            wanted=self._office.wanted,
            epoch=self._epoch,
            outages=outages([member.sick for member in self._crew], self._away),
            patience=trial.lease + trial.bound + jump,
            haste=SECOND // 2 + jump,
            complaints=[each for member in self._crew for each in member.complaints()],
        )

    def _logs(self) -> str:
        return "\n".join(file.read_text("utf-8")[-1000:] for file in self._folder.glob("n*.log"))


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Let something go on that would do so for ever; a failure of it is ours."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _nothing() -> None:
    """Some wrongs heal by themselves."""


def said(fault: Fault) -> str:
    """A fault as a line of the progress."""
    what = fault.kind.replace("a process", f"process {fault.node}")
    lasts = f" for {fault.lasts / SECOND:.1f} s" if fault.lasts else ""
    return f"{fault.at / SECOND:6.1f} s  {what}{_amount(fault)}{lasts}"


def _amount(fault: Fault) -> str:
    match fault.kind:
        case Kind.JUMP | Kind.SLOW:
            return f" by {fault.amount / SECOND:+.2f} s"
        case _:
            return ""
