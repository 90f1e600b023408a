"""huey on SQLite: enqueue one by one (it has no other way), drain by one worker process, and idle latency."""

import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from huey import SqliteHuey
from measure import Stopwatch, answer, asked, child, said, spread

GAP, WARM = 0.005, 20
wish = asked()
file = getattr(wish, "file", None) or str(Path(tempfile.mkdtemp()) / "huey.db")
queue = SqliteHuey("bench", filename=file, results=False, fsync=wish.fsync)
took: list[float] = []
after: dict[int, Callable[[], None]] = {}
"""What to do after so many calls of the function."""


@queue.task()
def noop(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) in after:
        after[len(took)]()


def drain() -> None:
    """Enqueue here, drain in a fresh process."""
    watch = Stopwatch()
    for _ in range(wish.runs):
        noop(0.0)
    enqueued = watch.rate(wish.runs)
    answer(enqueue=enqueued, **said(child(measure="work", file=file)))


def work() -> None:
    """Time from here, imports done, to the last call of the function; with no ack, nothing comes after it."""
    watch = Stopwatch()
    after[wish.runs] = lambda: answer(drain=watch.rate(wish.runs))
    consume()


def latency() -> None:
    """Enqueue to start, to a worker in another process or in this one."""
    if wish.where == "across":
        worker = child(measure="hear", file=file)
        said(worker)
        send()
        answer(**said(worker))
    threading.Thread(target=send, daemon=True).start()
    hear()


def hear() -> None:
    """Collect latencies, without the first few."""
    after[WARM + wish.runs] = lambda: answer(**spread(took[WARM:], "latency"))
    print(json.dumps({}), flush=True)
    consume()


def send() -> None:
    """Enqueue one at a time, with gaps."""
    time.sleep(1)
    for _ in range(WARM + wish.runs):
        noop(time.monotonic())
        time.sleep(GAP)


def consume() -> None:
    """Work with one thread: with eight it is slower."""
    consumer = queue.create_consumer(workers=1, worker_type="thread", periodic=False)
    consumer._set_signal_handlers = lambda: None
    consumer.run()


{"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()
