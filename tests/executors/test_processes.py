"""Real children: what they return, raise and say, how they are stopped, and how they die."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.executors import work
from tests.waiting import eventually

from foliot.clock import SystemClock
from foliot.context import Context, Notes
from foliot.errors import Crashed, JobError, RemoteError
from foliot.executors import Processes
from foliot.importing import address, check_importable, found
from foliot.model import Run


def context() -> Context:
    return Context(Run(id="r1", job="j", due_at=0, created_at=0), Notes(), SystemClock())


@pytest.fixture
async def processes():
    executor = Processes(2)
    yield executor
    await executor.close()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


async def test_a_child_returns_what_the_function_returns_and_is_used_again(processes: Processes):
    assert await processes.run(work.double, (21,), {}, context()) == 42
    assert await processes.run(work.double_later, (4,), {}, context()) == 8
    first = await processes.run(work.pid, (), {}, context())
    assert first != os.getpid()
    assert await processes.run(work.pid, (), {}, context()) == first


async def test_an_exception_comes_back_as_itself_with_the_child_s_traceback(processes: Processes):
    with pytest.raises(KeyError, match="no such thing") as raised:
        await processes.run(work.refuse, (), {}, context())

    assert "in refuse" in raised.value.remote_traceback  # type: ignore[attr-defined]


async def test_an_exception_that_cannot_travel_is_stood_for_by_one_of_its_name(processes: Processes):
    with pytest.raises(RemoteError, match="odd") as raised:
        await processes.run(work.refuse_oddly, (), {}, context())

    assert type(raised.value).__name__ == "Unpicklable"


async def test_a_result_that_cannot_travel_is_an_error_of_its_run(processes: Processes):
    with pytest.raises(Exception, match="pickle"):
        await processes.run(work.unpicklable_result, (), {}, context())

    assert await processes.run(work.double, (1,), {}, context()) == 2


async def test_what_a_child_says_reaches_the_run(processes: Processes):
    ctx = context()

    assert await processes.run(work.talk, (ctx,), {}, ctx) == "r1"

    lines, progress = ctx.notes.drain()
    assert [(line.level, line.text) for line in lines] == [("info", "hello"), ("warning", "stock is low")]
    assert progress is not None
    assert (progress.done, progress.total, progress.note) == (1, 2, "half")


@pytest.mark.parametrize(
    ("function", "says"), [(work.kill_itself, "killed by SIGKILL"), (work.leave, "with exit code 7")]
)
async def test_a_child_that_dies_takes_one_run_with_it(processes: Processes, function, says: str):
    dying = asyncio.ensure_future(processes.run(function, (), {}, context()))
    other = asyncio.ensure_future(processes.run(work.double, (3,), {}, context()))

    with pytest.raises(Crashed, match=says):
        await dying
    assert await other == 6
    assert await processes.run(work.double, (4,), {}, context()) == 8


async def test_a_cancelled_function_is_told_and_may_clean_up(processes: Processes, tmp_path: Path):
    ctx, path = context(), tmp_path / "trace"
    running = asyncio.ensure_future(processes.run(work.wait_until_stopped, (ctx, str(path)), {}, ctx))
    await eventually(path.exists)

    ctx.stop("not needed")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert path.read_text().endswith(" not needed")


async def test_a_cancelled_async_function_is_cancelled_in_its_child(processes: Processes, tmp_path: Path):
    ctx, path = context(), tmp_path / "trace"
    running = asyncio.ensure_future(processes.run(work.sleep_until_cancelled, (str(path),), {}, ctx))
    await eventually(path.exists)

    ctx.stop("not needed")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert path.read_text() == "started cleaned"


async def test_a_child_that_does_not_stop_is_killed(processes: Processes, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("foliot.executors.processes.GRACE", 0.1)
    ctx, path = context(), tmp_path / "pid"
    running = asyncio.ensure_future(processes.run(work.never_stop, (str(path),), {}, ctx))
    await eventually(lambda: path.exists() and path.read_text() != "")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await eventually(lambda: gone(int(path.read_text())))
    assert await processes.run(work.double, (1,), {}, context()) == 2


PARENT = """
import asyncio, sys
from tests.executors.test_processes import context
from tests.executors.work import never_stop
from foliot.executors import Processes

async def main():
    await Processes(1).run(never_stop, (sys.argv[1],), {}, context())

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path):
    script, path = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, str(script), str(path)], env=env)
    await eventually(lambda: path.exists() and path.read_text() != "")

    parent.kill()
    parent.wait()

    await eventually(lambda: gone(int(path.read_text())))


SCRIPT = """
from foliot import Scheduler

scheduler = Scheduler(processes=1)

@scheduler.job(executor="processes")
def square(x: int) -> int:
    return x * x

async def main():
    async with scheduler:
        print(await (await square.enqueue(7)).result(timeout=30))

{guard}
"""


def run_script(tmp_path: Path, guard: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard=guard))
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)


def test_a_function_of_a_script_is_found_by_its_children(tmp_path: Path):
    done = run_script(tmp_path, "if __name__ == '__main__':\n    import asyncio\n    asyncio.run(main())")

    assert (done.returncode, done.stdout) == (0, "49\n"), done.stderr


def test_a_script_without_a_guard_is_told_and_does_not_multiply(tmp_path: Path):
    done = run_script(tmp_path, "import asyncio\nasyncio.run(main())")

    assert done.returncode != 0
    assert "if __name__ == '__main__'" in done.stderr


def test_functions_that_no_child_could_find_are_refused():
    def local() -> None: ...

    for function in (local, lambda: 1):
        with pytest.raises(JobError, match="cannot be found by a child process"):
            check_importable(function)
    with pytest.raises(JobError, match="cannot find"):
        found(("tests.executors.work", "missing"))
    assert found(address(work.double)) is work.double
