"""Real children: what they return, raise and say, how they are stopped, and how they die."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.executors import work
from tests.waiting import eventually

from foliot.clock import SystemClock
from foliot.context import Context, Notes
from foliot.errors import ArgumentsError, Crashed, JobError, RemoteError
from foliot.executors import Processes, refuse_in_child
from foliot.importing import Imports, address, check_importable
from foliot.model import Run

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a signal without a name is Linux's")


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


async def test_an_error_of_the_system_in_a_function_is_not_taken_for_the_end_of_its_process(processes: Processes):
    with pytest.raises(FileNotFoundError):
        await processes.run(work.find_nothing, (), {}, context())


async def test_leaving_python_ends_the_run_and_not_the_scheduler(processes: Processes):
    with pytest.raises(RemoteError, match="enough") as raised:
        await processes.run(work.sys_exit, (), {}, context())

    assert type(raised.value).__name__ == "SystemExit"


async def test_arguments_that_cannot_travel_are_refused_with_the_remedy(processes: Processes):
    with pytest.raises(ArgumentsError, match="let it run in threads"):
        await processes.run(work.double, (lambda: 1,), {}, context())


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        (work.refuse_oddly, "Unpicklable", "odd"),
        (work.refuse_in_its_own_words, "Word", "only here"),
        (work.refuse_in_silence, "Silent", ""),
    ],
)
async def test_an_exception_that_cannot_travel_is_stood_for_by_one_of_its_name(
    processes: Processes, function, name: str, message: str
):
    with pytest.raises(RemoteError) as raised:
        await processes.run(function, (), {}, context())

    assert (type(raised.value).__name__, str(raised.value)) == (name, message)
    assert f"in {function.__name__}" in raised.value.remote_traceback  # type: ignore[attr-defined]


async def test_a_result_that_cannot_travel_is_an_error_of_its_run(processes: Processes):
    with pytest.raises(ArgumentsError, match="return plain data"):
        await processes.run(work.unpicklable_result, (), {}, context())

    assert await processes.run(work.double, (1,), {}, context()) == 2


async def test_what_a_child_says_reaches_the_run(processes: Processes):
    ctx = context()

    assert await processes.run(work.talk, (ctx,), {}, ctx) == "r1"

    lines, progress = ctx.notes.drain()
    assert [(line.level, line.text) for line in lines] == [("info", "hello"), ("warning", "stock is low")]
    assert progress is not None
    assert (progress.done, progress.total, progress.note) == (1, 2, "half")


async def test_progress_may_be_told_as_often_as_one_likes_and_the_last_is_never_lost(processes: Processes):
    rung = []
    ctx = Context(context().run, Notes(lambda: rung.append(ctx.notes.drain()[1])), SystemClock())

    await processes.run(work.hurry, (ctx,), {}, ctx)

    assert rung[-1].done == 20_000
    assert len(rung) < 2_000


async def test_what_a_function_left_behind_says_is_not_put_on_the_next_run():
    processes, first, second = Processes(1), context(), context()

    await processes.run(work.talk_on, (first,), {}, first)
    await processes.run(work.hurry, (second,), {}, second)
    await processes.close()

    assert second.notes.drain()[0] == ()


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (work.kill_itself, "killed by SIGKILL"),
        pytest.param(work.kill_oddly, "killed by signal 40", marks=ON_LINUX),
        (work.leave, "with exit code 7"),
    ],
)
async def test_a_child_that_dies_takes_one_run_with_it(processes: Processes, function, says: str):
    dying = asyncio.ensure_future(processes.run(function, (), {}, context()))
    other = asyncio.ensure_future(processes.run(work.double, (3,), {}, context()))

    with pytest.raises(Crashed, match=says):
        await dying
    assert await other == 6
    assert await processes.run(work.double, (4,), {}, context()) == 8


async def test_a_child_that_died_idle_is_no_crash_of_the_next_run(processes: Processes):
    pid = await processes.run(work.pid, (), {}, context())

    os.kill(pid, signal.SIGKILL)  # nobody has noticed yet

    assert await processes.run(work.pid, (), {}, context()) != pid


async def test_a_child_that_cannot_even_start_is_a_crash(processes: Processes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(Crashed, match="with exit code 1"):
        await processes.run(work.double, (1,), {}, context())


async def test_a_death_is_noticed_although_a_forked_process_holds_the_line(processes: Processes, tmp_path: Path):
    path = tmp_path / "pid"

    with pytest.raises(Crashed, match="with exit code 7"):
        await processes.run(work.fork_and_die, (str(path),), {}, context())

    os.kill(int(path.read_text()), signal.SIGKILL)


async def test_signals_are_the_parent_s_to_answer_and_programs_of_a_job_still_heed_them(processes: Processes):
    said = await processes.run(work.survive_signals, (), {}, context())

    assert said == f"the program ended with {-signal.SIGTERM}"


async def test_no_more_children_work_than_there_may_be_and_who_is_cancelled_waiting_never_begins(tmp_path: Path):
    processes, ctx, path = Processes(1), context(), tmp_path / "trace"
    holder = asyncio.ensure_future(processes.run(work.wait_until_stopped, (ctx, str(path)), {}, ctx))
    await eventually(path.exists)
    waiting = asyncio.ensure_future(processes.run(work.never_stop, (str(tmp_path / "never"),), {}, context()))
    await asyncio.sleep(0)

    waiting.cancel()
    ctx.stop("enough")

    assert await holder == "stopped by itself"
    assert await processes.run(work.double, (1,), {}, context()) == 2
    assert not (tmp_path / "never").exists()
    await processes.close()


async def test_a_child_whose_start_is_interrupted_is_there_for_the_next_run():
    processes = Processes(1)
    running = asyncio.ensure_future(processes.run(work.double, (1,), {}, context()))
    await asyncio.sleep(0)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await processes.run(work.double, (2,), {}, context()) == 4
    await processes.close()


async def test_a_stop_that_comes_at_once_is_not_lost(tmp_path: Path):
    processes, ctx = Processes(1, grace=60_000_000), context()
    running = asyncio.ensure_future(processes.run(work.wait_until_stopped, (ctx, str(tmp_path / "trace")), {}, ctx))
    await asyncio.sleep(0)

    ctx.stop("changed my mind")

    assert await running == "stopped by itself"
    await processes.close()


async def test_stopping_a_run_that_is_over_does_not_stop_the_next_one_in_its_child(tmp_path: Path):
    processes, first, second, path = Processes(1), context(), context(), tmp_path / "trace"
    await processes.run(work.double, (1,), {}, first)
    running = asyncio.ensure_future(processes.run(work.wait_until_stopped, (second, str(path)), {}, second))
    await eventually(path.exists)

    first.stop("the first")
    second.stop("the second")
    await running

    assert path.read_text().endswith(" the second")
    await processes.close()


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


async def test_a_child_that_does_not_stop_is_killed(tmp_path: Path):
    processes = Processes(1, grace=100_000)
    ctx, path = context(), tmp_path / "pid"
    running = asyncio.ensure_future(processes.run(work.never_stop, (str(path),), {}, ctx))
    await eventually(lambda: path.exists() and path.read_text() != "")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert gone(int(path.read_text()))
    assert await processes.run(work.double, (1,), {}, context()) == 2
    await processes.close()


async def test_who_asks_a_second_time_need_not_wait(tmp_path: Path):
    processes, path = Processes(1, grace=60_000_000), tmp_path / "pid"
    running = asyncio.ensure_future(processes.run(work.never_stop, (str(path),), {}, context()))
    await eventually(lambda: path.exists() and path.read_text() != "")

    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert gone(int(path.read_text()))
    await processes.close()


async def test_programs_that_a_job_has_started_are_killed_with_it(tmp_path: Path):
    processes, path = Processes(1, grace=0), tmp_path / "pid"
    running = asyncio.ensure_future(processes.run(work.start_a_program, (str(path),), {}, context()))
    await eventually(path.exists)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await eventually(lambda: gone(int(path.read_text())))
    await processes.close()


async def test_closing_kills_what_still_runs(tmp_path: Path):
    processes, path = Processes(2), tmp_path / "pid"
    running = asyncio.ensure_future(processes.run(work.never_stop, (str(path),), {}, context()))
    idle = await processes.run(work.pid, (), {}, context())
    await eventually(lambda: path.exists() and path.read_text() != "")

    await processes.close()

    with pytest.raises(Crashed, match="killed by SIGKILL"):
        await running
    assert gone(idle)


PARENT = """
import asyncio, sys
from tests.executors.test_processes import context
from tests.executors.work import start_a_program
from foliot.executors import Processes

async def main():
    await Processes(1).run(start_a_program, (sys.argv[1],), {}, context())

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_child_and_its_programs_end_when_its_parent_is_killed(tmp_path: Path):
    script, path = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, str(script), str(path)], env=env)
    await eventually(path.exists)

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


PACKAGED = """
import asyncio, dataclasses
from foliot.executors import Processes
from . import sibling

@dataclasses.dataclass
class Point:
    x: int

class Odd(Exception): ...

def shifted(point: Point) -> Point:
    if point.x < 0:
        raise Odd("negative")
    return Point(point.x + sibling.STEP)

async def main():
    from tests.executors.test_processes import context
    processes = Processes(1)
    print(await processes.run(shifted, (Point(1),), {}, context()) == Point(1 + sibling.STEP))
    try:
        await processes.run(shifted, (Point(-1),), {}, context())
    except Odd as odd:
        print(odd)
    await processes.close()

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_what_a_started_module_defines_travels_to_its_children_and_back(tmp_path: Path):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "sibling.py").write_text("STEP = 10")
    (package / "app.py").write_text(PACKAGED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-m", "shop.app"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "True\nnegative\n"), done.stderr


def test_a_function_that_was_typed_into_an_interpreter_is_refused():
    code = "from foliot.importing import check_importable as check\ndef f(): ...\ncheck(f)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert "write it into a file" in done.stderr


def test_a_scheduler_may_live_in_a_process_that_others_have_started():
    process = multiprocessing.get_context("spawn").Process(target=refuse_in_child)
    process.start()
    process.join()

    assert process.exitcode == 0


def test_functions_that_no_child_could_find_are_refused():
    def local() -> None: ...

    for function in (local, lambda: 1):
        with pytest.raises(JobError, match="cannot be found by a child process"):
            check_importable(function)
    with pytest.raises(JobError, match="cannot find"):
        Imports(None).found(("tests.executors.work", "missing"))
    assert Imports(None).found(address(work.double)) is work.double
