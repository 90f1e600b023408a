"""The starts that rates count, taken along in a move: read off the runs, and made again in the target.

A store tells nobody which starts it counts, but a run tells when each attempt at it was started. In the target as
many runs of nobody's are claimed, as of those instants, in the lanes that rates limit, and forgotten at once.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from foliot.model import LIVE, Change, Claim, Ending, Limit, Query, Run, State
from foliot.moments import DAY
from foliot.stores.base import Store
from foliot.stores.lanes import lanes_of, limit_of, rate

NAME = "foliot.move"
"""The queue, the job and the worker of the runs that are claimed and forgotten."""
STEPS = 1000
"""An instant is rounded up to one of so many within a rate's period, so that few claims make many starts."""
LEASE = 365 * DAY
"""Longer than any claim of before is away from the last one, so that none is taken over."""
LONG_AGO = 0
"""When these runs end: before any other, so that they alone are pruned."""

Start = tuple[int, str]
"""An instant and a lane."""


class Starts:
    """The newest starts in each lane that one of these limits gives a rate, no more than the rate allows."""

    def __init__(self, limits: Iterable[Limit], now: int) -> None:
        self._limits = {limit.id: limit for limit in limits}
        self._now = now
        self._at: dict[str, list[int]] = {}
        self.rated = [limit for limit in self._limits.values() if rate(limit) is not None]

    def see(self, run: Run) -> None:
        """Count the starts of this run."""
        for lane, (starts, per) in self._rates(run):
            kept = self._at.setdefault(lane, [])
            for at in _started(run, self._now - per):
                insort(kept, _rounded_up(at, per, self._now))
            del kept[: max(0, len(kept) - starts)]

    def _rates(self, run: Run) -> Iterator[tuple[str, tuple[int, int]]]:
        if self.rated:
            for lane in lanes_of(run):
                if (allowed := rate(limit_of(lane, self._limits))) is not None:
                    yield lane, allowed

    def __iter__(self) -> Iterator[Start]:
        """All of them, the oldest first."""
        return iter(sorted((at, lane) for lane, kept in self._at.items() for at in kept))


def _started(run: Run, since: int) -> list[int]:
    """When its attempts after an instant were started."""
    return [each.started_at for each in run.timeline if each.started_at is not None and each.started_at > since]


def _rounded_up(at: int, per: int, now: int) -> int:
    step = max(1, per // STEPS)
    return min(now, -(-at // step) * step)


async def count_again(starts: Starts, target: Store) -> None:
    """Let the target count these starts, and no others of before. Nobody may work there meanwhile."""
    if not starts.rated:
        return
    await _forget_ours(target)
    await target.put([replace(each, starts=None) for each in starts.rated])
    await target.put([replace(each, running=None, paused=None) for each in starts.rated])
    for at, some in groupby(starts, key=lambda start: start[0]):
        await _start(target, at, [lane for _, lane in some])
    await _forget_ours(target)
    await target.put(starts.rated)


async def _start(target: Store, at: int, lanes: Sequence[str]) -> None:
    ours = [_nobodys(f"{NAME}-{at}-{n}", at, lane) for n, lane in enumerate(lanes)]
    for first in range(0, len(ours), target.batch):
        some = ours[first : first + target.batch]
        await target.add(some, at)
        await target.claim(Claim(worker=NAME, limit=len(some), lease=LEASE, queues=(NAME,)), at)


def _nobodys(id: str, at: int, lane: str) -> Run:
    return Run(id=id, job=NAME, queue=NAME, lanes=(lane,), due_at=at, created_at=at)


async def _forget_ours(target: Store) -> None:
    """End whatever stands there of this, also from a move that was interrupted, and forget it."""
    query = Query(queues=(NAME,), states=tuple(LIVE), limit=target.batch)
    while ours := (await target.find(query)).runs:
        await target.amend([run.id for run in ours], Change(cancel=NAME), LONG_AGO)
        await target.finish([_over(run) for run in ours if run.state is State.RUNNING], LONG_AGO)
    while await target.prune(LONG_AGO + 1, None, target.batch) == target.batch:
        pass


def _over(run: Run) -> Ending:
    return Ending(run=run.id, token=run.token, state=State.CANCELLED)
