"""Celery on Redis: a chord of tasks that do nothing, beside as many independent ones."""

from celery import Celery, chord, group
from measure import Stopwatch, answer, asked, child, said
from serving import end_with_us, redis

WARM = 100
wish = asked()
url = getattr(wish, "url", None) or redis()
app = Celery("fanout", broker=url, backend=url)
app.conf.update(worker_prefetch_multiplier=wish.prefetch, worker_hijack_root_logger=False)


@app.task
def noop(n: int) -> int:
    """Nothing."""
    return n


@app.task
def total(numbers: list[int]) -> int:
    """How many there are."""
    return len(numbers)


def measure() -> dict[str, float]:
    """Tasks per second, as parts and alone, and how much longer the chord took; its worker is another process."""
    worker = child(url=url, measure="work")
    said(worker)
    gathered(WARM)
    alone = independent(wish.runs)
    together = gathered(wish.runs)
    worker.kill()
    return {"parts": wish.runs / together, "runs": wish.runs / alone, "longer": together / alone}


def independent(runs: int) -> float:
    """Seconds from the first word to the last result."""
    watch = Stopwatch()
    assert len(group(noop.s(n) for n in range(runs)).apply_async().get()) == runs
    return watch.seconds()


def gathered(runs: int) -> float:
    """Seconds from the first word to the result of the callback."""
    watch = Stopwatch()
    assert chord((noop.s(n) for n in range(runs)), total.s()).apply_async().get() == runs
    return watch.seconds()


def work() -> dict[str, float]:
    """Receive until killed."""
    end_with_us()
    print("{}", flush=True)
    arguments = f"worker --loglevel=ERROR --without-gossip --without-mingle -P {wish.pool} -c {wish.slots}"
    app.worker_main(arguments.split())
    return {}


answer(**{"measure": measure, "work": work}[getattr(wish, "measure", "measure")]())
