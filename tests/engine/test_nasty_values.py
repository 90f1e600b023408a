"""What a job says or gives cannot stop its worker, whatever it is."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from foliot.context import Context
from foliot.control import Cancel, Skip
from foliot.errors import StoreError
from foliot.model import State
from foliot.scheduler import Scheduler
from foliot.stores.memory import MemoryStore
from foliot.testing import FaultyStore, simulated

HALF = "caf\udce9"  # the file name b"caf\xe9", as Python reads it


class Mute(Exception):
    """Raises when it is asked what it has to say."""

    def __str__(self) -> str:
        raise RuntimeError("I will not say")

    __repr__ = __str__


class Unusual(BaseException):
    """What pytest.fail raises is one, too."""


def raising(error: BaseException) -> Callable[[], None]:
    def job() -> None:
        raise error

    return job


async def fine() -> str:
    return "fine"


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (FileNotFoundError(HALF), State.FAILED, "caf\\udce9"),
        (ValueError("a\0b"), State.FAILED, "a\u2400b"),
        (ValueError("x" * 10**6), State.FAILED, "(cut; 1000000 characters)"),
        (Mute(), State.FAILED, ""),
        (Unusual("no"), State.FAILED, "no"),
        (GeneratorExit("no"), State.FAILED, "the function raised GeneratorExit('no')"),
        (KeyboardInterrupt("no"), State.FAILED, "the function raised KeyboardInterrupt('no')"),
        (Cancel(f"\0{HALF}"), State.CANCELLED, "\u2400caf\\udce9"),
        (Skip(f"\0{HALF}"), State.SKIPPED, "\u2400caf\\udce9"),
    ],
)
async def test_whatever_a_job_raises_ends_its_run_and_no_other(
    url: str, error: BaseException, state: State, message: str
):
    scheduler = Scheduler(url)
    nasty = scheduler.job(name="nasty")(raising(error))
    good = scheduler.job(name="fine")(fine)

    async with scheduler:
        run = await scheduler.runs.ended((await nasty.enqueue()).id, timeout=30)
        assert await (await good.enqueue()).result(timeout=30) == "fine"

    assert run.state is state
    assert ((run.error.message if run.error else run.reason) or "").endswith(message)


async def test_whatever_a_job_says_is_kept_as_far_as_it_can_be(url: str):
    scheduler = Scheduler(url)

    @scheduler.job(name="talker")
    def talker(context: Context) -> None:
        context.log(f"{HALF}\0", **{HALF: HALF}, mute=Mute())
        context.progress(1, 2, f"{HALF}\0")

    async with scheduler:
        run = await talker.enqueue()
        await run.result(timeout=30)
        [line] = await scheduler.runs.logs(run.id)
        progress = (await run.status()).progress

    assert line.text == "caf\\udce9\u2400"
    assert line.fields == {"caf\\udce9": "caf\\udce9", "mute": "<Mute that cannot be shown>"}
    assert progress is not None
    assert progress.note == "caf\\udce9\u2400"


async def test_code_without_a_module_may_raise():
    scheduler = Scheduler()
    space: dict[str, Any] = {"__builtins__": __builtins__}
    exec("def broken(): raise ValueError('no')", space)  # noqa: S102
    broken = scheduler.job(name="broken")(space["broken"])

    async with simulated(scheduler) as time:
        run = await broken.enqueue()
        await time.advance("1s")
        kept = await run.status()

    assert kept.error is not None
    assert kept.error.message == "no"


@pytest.mark.parametrize("problem", [UnicodeEncodeError("utf-8", "x", 0, 1, "no"), StoreError("it keeps no such text")])
async def test_an_ending_that_cannot_be_written_down_fails_its_run_and_holds_up_no_other(problem: Exception, caplog):
    caplog.set_level("CRITICAL", "foliot")
    scheduler = Scheduler()

    class Picky(FaultyStore):
        """Refuses whatever hands in the poison."""

        async def turn(self, endings: Any, claim: Any, now: int) -> Any:
            _refuse_poison(endings, problem)
            return await super().turn(endings, claim, now)

        async def finish(self, endings: Any, now: int) -> Any:
            _refuse_poison(endings, problem)
            return await super().finish(endings, now)

    store = Picky(MemoryStore(), lambda _: None)

    @scheduler.job(name="give")
    async def give(value: str) -> str:
        await asyncio.sleep(1)  # so that they end together
        return value

    async with simulated(scheduler, store=store) as time:
        runs = [await give.enqueue(each) for each in ("good", "poison", "good")]
        await time.advance("1m")
        kept = [await each.status() for each in runs]

    assert [each.state for each in kept] == [State.SUCCEEDED, State.FAILED, State.SUCCEEDED]
    assert kept[1].reason == "its ending cannot be written down"
    assert kept[1].error is not None


def _refuse_poison(endings: Any, problem: Exception) -> None:
    if any(each.result == '"poison"' for each in endings):
        raise problem
