"""Runs that spread, in a simulation: a step, a map, an answer that comes in time or not, and another step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from foliot.codec import loads
from foliot.context import Context
from foliot.jobs import Job
from foliot.model import Run, State
from foliot.moments import spell
from foliot.retry import fixed
from foliot.scheduler import Scheduler
from foliot.testing.simulation.chronicle import Chronicle
from foliot.testing.simulation.plan import Plan

ANSWER = "go"
PARTS = (0, 1, 3, 5, 8, 25)
"""How many parts a map may have."""

Working = Callable[[Context], Awaitable[None]]


def spread(
    scheduler: Scheduler, plan: Plan, chronicle: Chronicle, name: Callable[[], str], work: Working
) -> Job[..., Any, Any]:
    """Give a scheduler jobs that spread; tells the one to enqueue. ``name`` gives what was never given before."""

    @scheduler.job(name="part", retries=fixed(2, spell(plan.lease)), max_crashes=1000)
    async def part(context: Context, n: int) -> int:
        await work(context)
        return n

    @scheduler.job(name="fan", max_crashes=1000)
    async def fan(context: Context, parts: int, at_once: int | None) -> list[Any]:
        chronicle.executing(context.run)
        first = chronicle.told(context.run, "first", await context.step("first", name))
        numbers = await context.map(part, range(parts), at_once=at_once, failed="skip")
        answer = chronicle.told(context.run, ANSWER, await _answered(context, plan))
        last = chronicle.told(context.run, "last", await context.step("last", name))
        return [first, numbers, answer, last]

    return fan


async def _answered(context: Context, plan: Plan) -> str:
    try:
        return await context.wait_for(ANSWER, timeout=spell(2 * plan.lease), kind=str)
    except TimeoutError:
        return "nobody"


def counted(chronicle: Chronicle, runs: Sequence[Run]) -> None:
    """Each fan that succeeded has counted each of its parts once, and stands by what its steps have told."""
    parts = {run.id: run for run in runs if run.job == "part"}
    for fan in runs:
        if fan.job == "fan" and fan.state is State.SUCCEEDED:
            _counted_once(chronicle, fan, [part for part in parts.values() if part.parent == fan.id])


def _counted_once(chronicle: Chronicle, fan: Run, parts: Sequence[Run]) -> None:
    first, numbers, answer, last = loads(fan.result or "")
    ended = {loads(part.args)["n"]: part.state for part in parts}
    if sorted(loads(part.args)["n"] for part in parts) != list(range(loads(fan.args)["parts"])):
        chronicle.wrong(f"fan {fan.id} of {fan.args} has the parts {sorted(ended)}")
    expected = [n if ended.get(n) is State.SUCCEEDED else None for n in range(len(numbers))]
    if numbers != expected or len(numbers) != len(parts):
        chronicle.wrong(f"fan {fan.id} of {fan.args} counted {numbers}, and its parts are {ended}")
    told = [chronicle.steps.get((fan.id, step)) for step in ("first", ANSWER, "last")]
    if [first, answer, last] != told:
        chronicle.wrong(f"fan {fan.id} came to {[first, answer, last]}, and its steps gave {told}")
