"""dramatiq on Redis: enqueue one by one (it has no other way), drain by one worker process, and idle latency."""

import json
import threading
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from measure import Stopwatch, answer, asked, child, said, spread
from serving import redis

GAP, WARM = 0.005, 20
wish = asked()
url = getattr(wish, "url", None) or redis()
broker = RedisBroker(url=url)
dramatiq.set_broker(broker)
took: list[float] = []
over = threading.Event()
enough = wish.runs + (WARM if wish.measure in {"hear", "latency"} else 0)


@dramatiq.actor
def noop(sent: float) -> None:
    """Tell how long it took to get here."""
    took.append(time.monotonic() - sent)
    if len(took) == enough:
        over.set()


def drain() -> dict[str, float]:
    """Enqueue here, drain in a fresh process."""
    watch = Stopwatch()
    for _ in range(wish.runs):
        noop.send(0.0)
    return {"enqueue": watch.rate(wish.runs), **said(child(measure="work", url=url))}


def work() -> dict[str, float]:
    """Time from here, imports done, to the last call of the function."""
    watch = Stopwatch()
    receive()
    return {"drain": watch.rate(wish.runs)}


def latency() -> dict[str, float]:
    """Enqueue to start, to a worker in another process."""
    other = child(measure="hear", url=url)
    said(other)
    time.sleep(1)
    for _ in range(WARM + wish.runs):
        noop.send(time.monotonic())
        time.sleep(GAP)
    return said(other)


def hear() -> dict[str, float]:
    """Collect latencies, without the first few."""
    print(json.dumps({}), flush=True)
    receive()
    return spread(took[WARM:], "latency")


def receive() -> None:
    """Work with eight threads until there was enough."""
    dramatiq.Worker(broker, worker_threads=8).start()
    over.wait()


answer(**{"drain": drain, "work": work, "latency": latency, "hear": hear}[wish.measure]())
