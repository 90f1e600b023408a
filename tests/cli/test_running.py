import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.cli.console import Console
from tests.waiting import eventually

from foliot.cli.crew import ended_by_wish, rest
from foliot.cli.reloading import look
from foliot.cli.running import sentence
from foliot.events import Event, Kind
from foliot.model import Failure, Run, Worker
from foliot.scheduler import Scheduler

RUN = Run(id="r", job="resize", due_at=0, created_at=0, error=Failure(kind="E", message="no"))

MILL = """
import asyncio
from foliot.scheduler import Scheduler

scheduler = Scheduler({store})

@scheduler.job()
async def grind(seconds: float = 0.5) -> str:
    await asyncio.sleep(seconds)
    return "flour"

@scheduler.job(at_most_once=True)
async def deliver() -> None:
    await asyncio.sleep(60)
"""


class Program:
    """``foliot run ...`` in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("FOLIOT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "foliot", "run", *words],
            cwd=folder,
            env=plain,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self, text: str) -> str:
        """Wait for a line of its log that contains this."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return line
        raise AssertionError(f"it ended with {self.process.wait()} before it said {text!r}")

    def told(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture
def started(console: Console) -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for each in programs:
        each.process.kill()
        each.process.wait()
        if each.process.stderr is not None:
            each.process.stderr.close()


def mill(console: Console, *, names_its_store: bool = True) -> None:
    (console.folder / "mill.py").write_text(MILL.format(store=repr(console.url) if names_its_store else ""))


def enqueued(console: Console, job: str, **args: object) -> str:
    """The id of a run that somebody wants."""

    async def enqueue(scheduler: Scheduler) -> str:
        now = scheduler.clock.now()
        run = Run(id=f"wanted-{job}", job=job, args=json.dumps(args), created_at=now, due_at=now, wakes_at=now)
        [added] = await scheduler.store.add([run], now)
        return added.id

    return console.prepare(enqueue)


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_sigterm_lets_it_finish_what_is_running_and_exit_with_0(console: Console, started: list[Program]):
    mill(console)
    started.append(
        program := Program(
            console.folder, "mill:scheduler", "-v", "--queues", "default,x", "--labels", "gpu", "--concurrency", "3"
        )
    )
    program.says("worker started")

    run = enqueued(console, "grind")
    program.says("grind started")
    [worker] = console.prepare(lambda scheduler: scheduler.store.records(Worker))

    assert program.told(signal.SIGTERM) == 0
    assert console.json("runs", "show", run)["result"] == "flour"
    assert (worker.queues, worker.labels, worker.slots) == (("default", "x"), ("gpu",), 3)


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_with_reload_it_starts_anew_when_a_file_changes(console: Console, started: list[Program]):
    code = console.folder / "mill.py"
    code.write_text("this is no Python")
    started.append(program := Program(console.folder, "mill:scheduler", "--reload", "--store", console.url))

    program.says("starting anew when a file changes")
    mill(console, names_its_store=False)
    program.says("worker started")
    code.write_text(code.read_text() + "# changed\n")
    program.says("a file has changed")
    program.says("mill:scheduler runs as worker")

    assert program.told(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mill:schedular",), "did you mean 'scheduler'"),
        (("nowhere:scheduler",), "there is no module 'nowhere'"),
        (("mill:scheduler", "--store", "elsewhere.db"), "command line: store: 'elsewhere.db' is not a store's URL"),
        (("mill:scheduler", "--store", "memory://", "--workers", "2"), "2 workers need a store that they share"),
        (("mill:scheduler", "--labels", "gpu+eu"), "command line: labels: 'gpu+eu' is no label"),
    ],
)
def test_what_cannot_be_run_is_one_message(console: Console, words: tuple[str, ...], message: str):
    mill(console)

    result = console.typed("run", *words)
    sys.modules.pop("mill", None)

    assert result.exit_code == 1
    assert message in result.stderr


# Several workers


async def known(scheduler: Scheduler) -> dict[str, int]:
    return {each.id: each.pid for each in await scheduler.store.records(Worker)}


def pids(console: Console) -> dict[str, int]:
    return console.prepare(known)


def both_pids(console: Console, *gone: int) -> dict[str, int]:
    """Those of two workers, once each has beaten: its first beat may come after it says that it has started."""

    async def ask(scheduler: Scheduler) -> dict[str, int]:
        async def both() -> bool:
            return len({*(await known(scheduler)).values()} - {*gone}) == 2

        await eventually(both)
        return await known(scheduler)

    return console.prepare(ask)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_a_worker_of_several_that_dies_is_replaced_and_all_stop_together(console: Console, started: list[Program]):
    mill(console)
    (console.folder / "foliot.toml").write_text('name = "mill"')
    started.append(program := Program(console.folder, "mill:scheduler", "--workers", "2"))
    program.says("2 workers: processes")
    program.says("worker started")
    program.says("worker started")

    first = both_pids(console)
    os.kill(first["mill-2"], signal.SIGKILL)
    told = program.says("worker 2 was killed by SIGKILL")
    program.says("worker started")

    assert "starting another in 1 s" in told
    second = both_pids(console, first["mill-2"])
    assert (second.keys(), second["mill-1"]) == (first.keys(), first["mill-1"])
    assert second["mill-2"] != first["mill-2"]
    assert program.told(signal.SIGTERM) == 0
    assert pids(console) == {}


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_a_worker_of_several_that_was_stopped_is_replaced_at_once(console: Console, started: list[Program]):
    mill(console)
    started.append(program := Program(console.folder, "mill:scheduler", "--workers", "2"))
    program.says("worker started")
    program.says("worker started")

    os.kill(next(iter(both_pids(console).values())), signal.SIGTERM)

    program.says("has stopped; starting another in 0 s")
    program.says("worker started")
    assert program.told(signal.SIGINT) == 0


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_a_second_signal_gives_back_what_runs_and_is_no_failure(console: Console, started: list[Program]):
    mill(console)
    started.append(program := Program(console.folder, "mill:scheduler", "--workers", "2", "-v"))
    program.says("worker started")
    program.says("worker started")
    runs = [enqueued(console, "grind", seconds=60), enqueued(console, "deliver")]
    program.says(" started (run")
    program.says(" started (run")

    program.process.send_signal(signal.SIGTERM)
    program.says("stopping: waiting")
    program.says("stopping: waiting")  # both have heard it: two signals at once would be one
    assert program.told(signal.SIGTERM) == 0

    again, once = (console.json("runs", "show", run) for run in runs)
    assert (again["state"], again["failures"], again["timeline"][0]["outcome"]) == ("pending", 0, "released")
    assert (once["state"], once["failures"]) == ("failed", 0)
    assert "its worker shut down in the middle" in once["reason"]


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_what_may_run_only_once_and_does_not_end_within_the_grace_has_failed(console: Console, started: list[Program]):
    mill(console)
    (console.folder / "foliot.toml").write_text('grace = "50ms"')
    started.append(program := Program(console.folder, "mill:scheduler", "-v"))
    program.says("worker started")
    run = enqueued(console, "deliver")
    program.says("deliver started")

    assert program.told(signal.SIGTERM) == 0
    assert "its worker shut down in the middle" in console.json("runs", "show", run)["reason"]


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
async def test_workers_do_not_outlive_their_parent(console: Console, started: list[Program]):
    mill(console)
    started.append(program := Program(console.folder, "mill:scheduler", "--workers", "2"))
    program.says("worker started")
    program.says("worker started")
    workers = await asyncio.to_thread(pids, console)

    program.process.kill()

    await eventually(lambda: not any(map(alive, workers.values())))


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_workers_that_find_no_store_are_started_again_until_there_is_one(console: Console, started: list[Program]):
    mill(console)
    store = f"sqlite:///{console.folder}/later/jobs.db"
    started.append(program := Program(console.folder, "mill:scheduler", "--workers", "2", "--store", store))

    program.says("ended with code 1; starting another in")
    (console.folder / "later").mkdir()
    program.says("worker started")

    assert program.told(signal.SIGTERM) == 0


def test_a_program_that_several_workers_cannot_load_is_told_once(console: Console):
    result = console.typed("run", "nowhere:scheduler", "--workers", "2")

    assert result.exit_code == 1
    assert result.stderr.count("there is no module 'nowhere'") == 1


@pytest.mark.parametrize(("deaths", "seconds"), [(0, 0), (1, 1), (2, 2), (4, 8), (6, 30), (99, 30)])
def test_each_death_in_a_row_doubles_the_rest_up_to_half_a_minute(deaths: int, seconds: float):
    assert rest(deaths) == seconds


@pytest.mark.parametrize(("code", "as_wished"), [(0, 0), (-signal.SIGTERM, 0), (1, 1), (-signal.SIGKILL, 137)])
def test_a_worker_that_ends_of_its_stop_has_not_failed(code: int, as_wished: int):
    assert ended_by_wish(code) == as_wished


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked to stop there")
def test_the_store_on_the_command_line_goes_before_one_that_code_names(console: Console, started: list[Program]):
    mill(console)
    elsewhere = console.folder / "elsewhere.db"
    started.append(program := Program(console.folder, "mill:scheduler", "--store", f"sqlite:///{elsewhere}"))

    program.says("worker started")

    assert program.told(signal.SIGTERM) == 0
    assert elsewhere.exists()
    assert not (console.folder / "shop.db").exists()


def test_only_python_files_that_may_be_ours_are_watched(tmp_path: Path):
    for name in ("a.py", "b.txt", "sub/c.py", ".venv/d.py", "lib/site-packages/e.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")

    assert {Path(each).relative_to(tmp_path).as_posix() for each in look(tmp_path)} == {"a.py", "sub/c.py"}


def test_a_change_is_seen_by_time_or_size(tmp_path: Path):
    file = tmp_path / "a.py"
    file.write_text("")
    before = look(tmp_path)
    assert look(tmp_path) == before

    file.write_text("x")

    assert look(tmp_path) != before


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event(kind=Kind.STARTED, at=0, run=replace(RUN, error=None)), "resize started (run r)"),
        (Event(kind=Kind.RETRYING, at=0, run=RUN), "resize retrying (run r): E: no"),
        (
            Event(kind=Kind.FAILED, at=0, run=RUN, duration=250_000, reason="failed after 1 of 1 attempts"),
            "resize failed after 250ms (run r): failed after 1 of 1 attempts: E: no",
        ),
        (
            Event(kind=Kind.PAUSED, at=0, schedule="s", reason="its last 3 runs failed"),
            "schedule s paused: its last 3 runs failed",
        ),
        (Event(kind=Kind.WORKER_STARTED, at=0, reason="till"), "worker started: till"),
    ],
)
def test_an_event_is_a_sentence(event: Event, text: str):
    assert sentence(event) == text
