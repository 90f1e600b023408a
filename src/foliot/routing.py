"""Which worker a run prefers: pure, given who is there. One that is gone by then is answered for by another."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random

from foliot.model import Route, Run, Worker


class Router:
    """Chooses workers, and remembers whom it chose."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 0
        self._chosen: dict[str, int] = {}

    def choose(self, route: Route, run: Run, workers: Sequence[Worker]) -> str | None:
        """The worker that a run prefers, of those that may execute it; None if there are none."""
        fit = sorted(each.id for each in workers if fits(run, each))
        if not fit:
            return None
        self._count += 1
        chosen = self._one(route, run, fit)
        self._chosen[chosen] = self._count
        return chosen

    def _one(self, route: Route, run: Run, fit: Sequence[str]) -> str:
        match route:
            case Route.STICKY:
                return max(fit, key=lambda worker: weight(run.key or run.args, worker))
            case Route.ROUND:
                return fit[(self._count - 1) % len(fit)]
            case Route.RANDOM:
                return self._random.choice(fit)
            case Route.LEAST_RECENT:
                return min(fit, key=lambda worker: self._chosen.get(worker, 0))
            case Route.FIRST:
                return fit[0]
            case Route.LAST:
                return fit[-1]


def fits(run: Run, worker: Worker) -> bool:
    """Whether a worker serves the queue of a run, and has the labels that it needs."""
    return (not worker.queues or run.queue in worker.queues) and set(run.needs) <= set(worker.labels)


def weight(key: str, worker: str) -> bytes:
    """How much a key is drawn to a worker: highest random weight (Thaler and Ravishankar, 1998)."""
    return blake2b(f"{key}\0{worker}".encode(), digest_size=8).digest()
