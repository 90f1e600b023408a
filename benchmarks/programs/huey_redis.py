"""huey on Redis: enqueue one by one (it has no other way), drain by one worker process, and idle latency."""

import json
import time
from collections.abc import Callable

from huey import RedisHuey
from measure import Stopwatch, answer, asked, child, said, spread
from serving import redis

GAP, WARM = 0.005, 20
wish = asked()
url = getattr(wish, "url", None) or redis()
queue = RedisHuey("bench", url=url, results=False)
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
    answer(enqueue=enqueued, **said(child(measure="work", url=url)))


def work() -> None:
    """Time from here, imports done, to the last call of the function; with no ack, nothing comes after it."""
    watch = Stopwatch()
    after[wish.runs] = lambda: answer(drain=watch.rate(wish.runs))
    consume()


def latency() -> None:
    """Enqueue to start, to a worker in another process."""
    worker = child(measure="hear", url=url)
    said(worker)
    time.sleep(1)
    for _ in range(WARM + wish.runs):
        noop(time.monotonic())
        time.sleep(GAP)
    answer(**said(worker))


def hear() -> None:
    """Collect latencies, without the first few."""
    after[WARM + wish.runs] = lambda: answer(**spread(took[WARM:], "latency"))
    print(json.dumps({}), flush=True)
    consume()


def consume() -> None:
    """Work with one thread: with eight it is slower."""
    consumer = queue.create_consumer(workers=1, worker_type="thread", periodic=False)
    consumer._set_signal_handlers = lambda: None
    consumer.run()


{"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]()
