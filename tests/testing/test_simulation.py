"""Simulated clusters keep every promise, replay exactly, and show what is broken when something is."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest
from msgspec.structs import replace as changed

from foliot import joining
from foliot.engine.aftermath import Aftermath
from foliot.engine.worker import Worker
from foliot.flow.story import Story
from foliot.model import Added, Agenda, Batch, Beat, Claim, Clash, Fate, Firing, Overlap, Reply, Run, State, Unique
from foliot.moments import MINUTE, SECOND
from foliot.stores import memory
from foliot.stores.memory import MemoryStore
from foliot.testing.simulation import Plan, Weather, node, planned, simulate
from foliot.testing.simulation.__main__ import main, size
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.loop import SimulatedLoop, Stuck
from foliot.testing.simulation.machine import Machine, Process
from foliot.testing.simulation.network import at_once

# Promises


@pytest.mark.untraced
@pytest.mark.parametrize("seed", range(6))
def test_a_cluster_in_bad_weather_keeps_every_promise(seed: int):
    report = simulate(planned(seed, storm=10 * MINUTE))

    assert report.wrongs == ()
    assert report.fired > 0


@pytest.mark.untraced
def test_fifty_nodes_keep_every_promise():
    report = simulate(planned(1, nodes=50, storm=10 * MINUTE))

    assert report.wrongs == ()
    assert report.boots > 50


# Replaying


def test_a_seed_replays_exactly():
    first, second = (simulate(planned(3, storm=10 * MINUTE)) for _ in range(2))

    assert first.pulse == second.pulse
    assert (first.calls, first.failed, first.lasted) == (second.calls, second.failed, second.lasted)


def test_a_seed_replays_exactly_in_another_process_with_other_hashes():
    program = "from foliot.testing.simulation import *; print(simulate(planned(4, storm=300_000_000)).pulse)"

    pulses = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }

    assert len(pulses) == 1


# Planted bugs


class Unfenced(MemoryStore):
    """Takes an ending by whoever brings one."""

    def _held(self, id: str, token: int) -> Run | None:
        run = self._runs.get(id)
        return run if run is not None and run.state is State.RUNNING else None


class FiresFromOldVersions(MemoryStore):
    def _fire(self, firing: Firing, now: int) -> bool:
        standing = self._schedules.get(firing.schedule.id)
        assert standing is not None
        return super()._fire(changed(firing, expect=standing.version), now)


class NeverTakesOver(MemoryStore):
    def _wake(self, run: Run, at: int) -> None:
        if run.state is not State.RUNNING:
            super()._wake(run, at)


class ForgetsLimits(MemoryStore):
    def _try_to_claim(self, run: Run, claim: Claim, now: int) -> Run | None:
        limits, self._traffic.limits = self._traffic.limits, {}
        try:
            return super()._try_to_claim(run, claim, now)
        finally:
            self._traffic.limits = limits


class ForgetsKeys(MemoryStore):
    def _add(self, run: Run, now: int) -> Added:
        return super()._add(changed(run, unique=None), now)


class ForgetsBeats(MemoryStore):
    """Says that a lease is kept, and keeps it not."""

    def _beat(self, beat: Beat, now: int, lease: int) -> Reply:
        held = self._held(beat.run, beat.token)
        reply = super()._beat(beat, now, lease)
        if held is not None:
            self._change(self._runs[held.id], held)
        return reply


class LosesSomeFirings(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self._count = count()

    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        return await super().fire([self._without_some(each) for each in firings], now, limit)

    def _without_some(self, firing: Firing) -> Firing:
        return firing if next(self._count) % 10 else changed(firing, runs=())


class LosesSomeRuns(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self._count = count()

    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        if next(self._count) % 3:
            return await super().add(runs, now)
        return [Added(id=run.id, fate=Fate.ADDED) for run in runs]


class EndsWithoutEnding(MemoryStore):
    """Says that a run has ended, and lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self._count = count()

    def _finish(self, ending, now: int) -> bool:
        if next(self._count) % 10:
            return super()._finish(ending, now)
        return self._held(ending.run, ending.token) is not None


class ClaimsTooEarly(MemoryStore):
    def _claim(self, claim, now: int):
        return super()._claim(claim, now + MINUTE)


BROKEN_STORES = [
    Unfenced,
    FiresFromOldVersions,
    NeverTakesOver,
    ForgetsLimits,
    ForgetsKeys,
    ForgetsBeats,
    LosesSomeFirings,
    LosesSomeRuns,
    EndsWithoutEnding,
    ClaimsTooEarly,
]


ROUGH = Weather(before=0.05, after=0.05, silent=0.01, crash=MINUTE, freeze=MINUTE, cut=MINUTE, leave=2 * MINUTE)


def rough(seed: int) -> Plan:
    return replace(planned(seed, nodes=3, storm=3 * MINUTE, lease=10 * SECOND), weather=ROUGH, follow=False)


def seeds_until_caught(make: Callable[[], MemoryStore], plan: Callable[[int], Plan] = rough) -> int | None:
    for seed in range(100):
        if simulate(plan(seed), make).wrongs:
            return seed
    return None


@pytest.mark.untraced
@pytest.mark.parametrize("broken", BROKEN_STORES)
def test_a_bug_planted_in_the_store_is_caught_within_some_seeds(broken: type[MemoryStore]):
    assert seeds_until_caught(broken) is not None


def test_a_store_that_gives_the_same_token_twice_is_caught(monkeypatch):
    kept = memory.claimed
    monkeypatch.setattr(node, "FANS", 0)  # they would look for nothing that they have done, and do it for ever
    monkeypatch.setattr(memory, "claimed", lambda run, claim, now: changed(kept(run, claim, now), token=run.token or 1))

    assert seeds_until_caught(MemoryStore) is not None


@pytest.mark.untraced
def test_a_worker_that_forgets_endings_when_the_store_fails_is_caught(monkeypatch):
    kept = Worker._turned

    async def forgetful(self):
        try:
            return await kept(self)
        except Exception:
            self._endings = []
            raise

    monkeypatch.setattr(Worker, "_turned", forgetful)

    assert seeds_until_caught(MemoryStore) is not None


@pytest.mark.untraced
def test_an_ending_that_depends_on_a_reply_of_the_store_is_caught(monkeypatch):
    monkeypatch.setattr(Aftermath, "firing", Aftermath._firing)

    def delayed(seed: int) -> Plan:
        plan = rough(seed)
        return replace(plan, loads=tuple(replace(each, overlap=Overlap.DELAY) for each in plan.loads))

    assert seeds_until_caught(MemoryStore, delayed) is not None


def test_a_join_that_mistakes_one_part_for_another_is_caught(monkeypatch):
    kept = joining.joined
    monkeypatch.setattr(joining, "joined", lambda parts: kept([*parts[1:2], *parts[1:]]))

    assert seeds_until_caught(MemoryStore) is not None


def test_a_step_that_does_not_yield_to_the_one_that_was_first_is_caught(monkeypatch):
    async def keep_mine(self, record):
        await self.add([record])
        return record

    monkeypatch.setattr(Story, "_keep", keep_mine)

    assert seeds_until_caught(MemoryStore) is not None


@pytest.mark.parametrize(("clash", "wrongs"), [(Clash.RENEW, 0), (Clash.DROP, 1)])
def test_a_signal_may_run_beside_the_one_that_it_came_too_late_to_renew(clash: Clash, wrongs: int):
    chronicle = Chronicle()
    waiting = Run(id="waiting", job="foliot.signal", due_at=0, created_at=0, unique=Unique(key="go"))
    signal = changed(waiting, id="signal", unique=Unique(key="go", clash=clash))

    for run in (waiting, signal):
        chronicle.saw("add", ([run], 0), None, 0)
        chronicle.saw("claim", (None, 0), Batch(runs=(changed(run, token=1),)), 0)

    assert len(chronicle.wrongs) == wrongs


# The command


def test_the_command_says_that_every_promise_was_kept(capsys):
    assert main(["--seeds", "2", "--time", "5m", "--nodes", "2", "--verbose"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:2]] == ["seed 0", "seed 1"]
    assert said[-1].startswith("2 seeds, ")
    assert said[-1].endswith("every promise was kept")


def test_the_command_sizes_clusters_by_their_seeds_and_says_how_to_see_one_again(capsys, monkeypatch):
    monkeypatch.setattr("foliot.testing.simulation.world.simulate.__defaults__", (LosesSomeFirings,))

    assert main(["--seeds", "2", "--first", "5", "--time", "5m", "--nodes", "2-4"]) == 1

    assert f"--seed 5 --nodes {size(5, 2, 4)} --time 5m" in capsys.readouterr().out
    assert {size(seed, 3, 200) > 25 for seed in range(50)} == {True, False}
    assert all(3 <= size(seed, 3, 200) <= 200 for seed in range(200))


def test_the_command_says_what_was_broken_and_how_to_see_it_again(capsys, monkeypatch):
    monkeypatch.setattr("foliot.testing.simulation.world.simulate.__defaults__", (LosesSomeFirings,))

    assert main(["--seed", "5", "--time", "10m"]) == 1

    said = capsys.readouterr().out
    assert "BROKEN: schedule" in said
    assert "again: python -m foliot.testing.simulation --seed 5 --time 10m" in said


# The loop


def test_time_leaps_from_timer_to_timer():
    loop = SimulatedLoop()
    seen: list[int] = []

    async def sleepy() -> None:
        for _ in range(3):
            await asyncio.sleep(3600)
            seen.append(loop.micros)

    loop.run_until_complete(sleepy())
    loop.close()

    assert seen == [3600 * SECOND, 7200 * SECOND, 10_800 * SECOND]


def test_timers_of_one_instant_go_off_in_the_order_they_were_set():
    loop = SimulatedLoop()
    seen: list[str] = []
    for name in "abc":
        loop.alarm(SECOND, seen.append, name)
    loop.alarm(SECOND // 2, seen.append, "first")
    loop.alarm(SECOND, seen.append, "never").cancel()

    loop.run_until_complete(asyncio.sleep(2))
    loop.close()

    assert seen == ["first", "a", "b", "c"]


def test_a_loop_in_which_nothing_can_happen_any_more_says_so():
    loop = SimulatedLoop()

    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_a_task_that_was_begun_elsewhere_dies_with_the_process_that_owns_it_however_it_clings_to_life():
    loop = SimulatedLoop()
    process = Process(Machine("node0", loop, seed=1))

    async def clinging() -> None:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await loop.create_future()

    task = asyncio.Task(clinging(), loop=loop)
    process.own(task)
    loop.run_until_complete(asyncio.sleep(1))
    process.die()
    loop.run_until_complete(asyncio.sleep(5))
    loop.close()

    assert task.done()
    assert process.tasks == {}


def test_an_alarm_that_raises_is_told_to_the_loop():
    loop = SimulatedLoop()
    told: list[dict] = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    loop.alarm(0, lambda: 1 / 0)

    loop.run_until_complete(asyncio.sleep(1))
    loop.close()

    assert [type(each["exception"]) for each in told] == [ZeroDivisionError]


def test_a_store_that_waits_for_something_is_refused():
    with pytest.raises(RuntimeError, match="must answer at once"):
        at_once(asyncio.sleep(0))
