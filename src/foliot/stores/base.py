"""The store: where schedules and runs live, the only source of truth. Fourteen verbs, three rules, no policy.

The rules, which every store keeps and ``foliot.testing.StoreExam`` examines:

1. **Visible.** A run may be claimed when ``wakes_at <= now`` and every limit on its lanes has room.
2. **Fenced.** Each claim raises ``token``; only the newest token may beat or finish. A lost race is an
   answer, not an exception.
3. **Released.** When a run is over, whatever waited for it waits for one thing less; at zero it wakes when
   due.

``now`` is always an argument: no store reads a clock. Each verb is one atomic step, and takes the items of
one call one after the other, in the order given.

**Order.** Due runs go by ``(wakes_at - priority * AGEING, id)``, lowest first; ids are compared code point by
code point, here and wherever there is an order by id.

**Places.** A run waits at its ``Run.place``; a claim looks at the places that ``foliot.model.serves`` says.
Queues and labels have no ``+`` or ``@`` in their names.

**Lanes.** A running run takes a place in each of its lanes (``Run.every_lane``) and keeps it until it ends,
is put down or is claimed anew; a lapsed lease does not free it, the take-over does. Its own place does not
stand in its own way, and a lane that it names twice counts once. A lane has room when its
limit (its own, else its family's) is not paused, fewer than ``running`` runs hold a place in it, and fewer
than ``starts`` claims were made in it within the last ``per``. Starts are recorded only while a limit with
``starts`` stands; putting a limit with another ``starts`` or ``per``, or dropping it, forgets those of its
lane and family.

A due run that meets a full lane is *parked* before it: ``parked`` names the first full lane in
``every_lane``'s order, ``wakes_at`` is None, and it costs later claims nothing. ``claim`` looks at no more
than ``limit + PARKS`` due runs. Each lane with parked runs has an instant at which to look at it again: at
once when somebody left it, its limit changed or it still had room at the last look; when the window opens if
only ``starts`` are exhausted; otherwise never. At the end of every claim, each lane whose instant has come is
looked at, in order of name, and as many of its parked runs as it has room for, at most ``PARKS``, wake
(``wakes_at = due_at``), in the order above with ``due_at`` for ``wakes_at``. If any woke, the batch's
``wake_at`` is no later than now.

**Claim.** A claimed run is RUNNING, its ``token`` one higher, ``wakes_at = now + lease``, ``worker`` and
``started_at`` set. If it was running under a lapsed lease, that attempt joins ``attempts`` as LOST first
(ended now). If it cannot be claimed because a lane is full, a lapsed run is put down: PENDING and parked, its
lost attempt kept, ``worker`` and ``started_at`` cleared; a cancel that was asked for still stands. A claim of a
run whose unique key is held until START gives up the key (unless it has ``until``). A batch that is full needs
no ``wake_at``; otherwise it is the earliest ``wakes_at`` in the served places and the earliest instant at which
to look at a lane.

**Finish.** Accepted while the run is RUNNING under that token, also when its lease has lapsed but nobody has
taken it. A final state sets ``finished_at``, ``reason``, ``result`` and ``error``, clears ``wakes_at``, gives
up the key (unless it has ``until``), releases whoever waits. PENDING sets ``reason`` and ``due_at`` (None: now), clears
``worker`` and ``started_at``, and appends the attempt, with the error, if the ending has an ``outcome``; if a
cancel was asked for meanwhile, the run becomes CANCELLED instead, for that reason, and spawns and waits for
nothing. A CANCELLED ending without a reason takes the reason of the cancel. ``failed`` raises ``failures``;
``progress``, if given, replaces the last. ``spawn`` is added as by ``add``, then ``wait`` counts, then
``firing`` is taken as by ``fire``.

**Waiting.** Waiting for an unknown run, or one that is over, counts as waiting for nothing, and it stays so if
the unknown one comes later; waiting twice for one run is waiting once. Ids within one
``add`` may come in any order. A run that is over waits for nothing; revived, it waits again for those of its
``after`` that are not over, whatever the order of the ids revived with it.

**Unique.** A key is held by one run. Clashes are answered as ``Clash`` says, with the reason ``overlap with
<holder>`` on a skipped run and ``replaced by <new>`` on a replaced one. RENEW gives the holder ``args``,
``due_at``, ``expires_at`` and ``deadline_at``, and wakes it if it is parked; on a holder that was ever
claimed or is over, it counts as free, and so does a key whose ``until`` has passed. A key with ``until``
outlives its run, even pruned. Runs that are over when added hold no key, except one that nobody holds with an
``until`` that lies ahead.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from foliot.errors import ArgumentsError
from foliot.model import (
    Added,
    Agenda,
    Batch,
    Beat,
    Change,
    Claim,
    Ending,
    Firing,
    Hint,
    Limit,
    Line,
    Page,
    Query,
    Record,
    Reply,
    Run,
    Schedule,
    Worker,
)

PARKS = 1000
"""How many due runs one claim may park, and wake in one lane, before it comes back."""

R = TypeVar("R", Schedule, Limit, Worker)

_NO_TRANSACTION = "only a PostgreSQL store joins a transaction of yours; enqueue after you have committed"


class Store(ABC):
    """Where schedules and runs live. Each verb is one atomic step, taken whole or not at all.

    Failures are raised as ``StoreError``: ``StoreUnavailable`` when trying again may help, ``StoreFull``,
    ``StoreCorrupt``.
    """

    batch: int = 500
    """How many runs, endings or firings one call should carry at most; callers split."""
    costly: bool = True
    """Whether a step waits for a disk or a server, so that two are better taken as one; else hints are never lost."""
    turns: int = 1
    """How many turns of one worker it is quickest with, while more is due than one takes."""
    gathers: bool = False
    """Whether steps that are asked for together are taken as one, and claims last: of what was fired in it, too."""

    # life

    @abstractmethod
    async def open(self) -> None:
        """Connect, and make or migrate what is needed. Opening twice is opening once."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything held; a closed store may be opened again."""

    def beside(self) -> Store:
        """The same store for use from another thread's event loop: itself, if it is safe to share.

        One that is not itself connects when it is used, and is closed by who asked for it.
        """
        return self

    async def time(self) -> int | None:
        """What the store's own clock says, so that engines on many machines can follow it; None if it has none."""
        return None

    # producers

    @abstractmethod
    async def add(self, runs: Sequence[Run], now: int) -> list[Added]:
        """Add runs; known ids are ignored, so adding twice is adding once.

        A run that is over is kept as given, finished now if it does not say when; any other becomes PENDING
        and wakes at its ``due_at``, or waits.
        """

    def join(self, connection: Any, runs: Sequence[Run], now: int) -> list[Added]:
        """Add runs inside the transaction of a caller's connection, where data and runs share a database."""
        raise ArgumentsError(_NO_TRANSACTION)

    async def ajoin(self, connection: Any, runs: Sequence[Run], now: int) -> list[Added]:
        """As ``join``, on an async connection."""
        raise ArgumentsError(_NO_TRANSACTION)

    @abstractmethod
    async def amend(self, ids: Sequence[str], change: Change, now: int) -> list[Run | None]:
        """Cancel, delay, reprioritise or revive runs; tells each run as it is now, None where there is none.

        A cancel ends a pending run at once and marks a running one (``cancelling``); over, it changes
        nothing. ``due_at`` moves pending runs (a parked one wakes then), ``priority`` live ones. Reviving
        keeps the last attempt in ``attempts``, clears the outcome (``reason``, ``result``, ``error``,
        ``progress`` and all that says who ran it and when), expiry, deadline and cancel; a run whose key
        another holds by now stays as it is. ``lines`` numbered above the last line of a run, in whatever state, are
        appended to it; others are ignored. A change of several things revives first and cancels last.
        """

    # workers

    @abstractmethod
    async def claim(self, claim: Claim, now: int) -> Batch:
        """Take due runs, each leased, and learn when to come back."""

    @abstractmethod
    async def beat(self, worker: Worker, beats: Sequence[Beat], now: int, lease: int) -> list[Reply]:
        """Keep the leases of these runs, hand in their lines and progress, and learn which to stop.

        Puts the worker's record with ``seen_at = now``. A stale token is answered LOST and changes nothing; a
        lapsed run that nobody has taken is kept. STOP keeps the lease too.
        """

    @abstractmethod
    async def finish(self, endings: Sequence[Ending], now: int) -> list[bool]:
        """End claims; False where the claim was lost and nothing happened."""

    async def turn(self, endings: Sequence[Ending], claim: Claim, now: int) -> tuple[list[bool], Batch]:
        """Finish and claim in one step. Default: one after the other."""
        return await self.finish(endings, now), await self.claim(claim, now)

    # schedulers

    @abstractmethod
    async def fire(self, firings: Sequence[Firing], now: int, limit: int) -> Agenda:
        """Replace each schedule that still stands at the expected version, and add its runs with it.

        Who expects version 0 creates a schedule, and is refused where one of its name stands.

        Tells which were accepted, then up to ``limit`` schedules with ``wakes_at <= now`` by (wakes_at, id),
        and the earliest ``wakes_at`` of the rest, if all due ones fitted. The accepted schedule's ``version``
        is ``expect + 1``.
        """

    # people

    @abstractmethod
    async def find(self, query: Query) -> Page:
        """The runs that match, a page at a time. Pages are not one instant.

        The page's ``cursor`` is None when no more match. ``since`` is included, ``until`` is not; values in
        ``meta`` are compared as JSON text. Of a ``brief`` query's runs, those fields are as they are that a run cannot
        be without, and ``state``, ``result``, ``parent``, ``cancelling`` and ``finished_at``.
        """

    @abstractmethod
    async def tally(self, query: Query, by: str) -> dict[str, int]:
        """Count matching runs by what they have in common.

        ``by`` is ``state``, ``job``, ``schedule``, ``queue``, ``worker``, ``parent``, ``tag`` or
        ``meta.<path>``. The query's ``after`` and ``limit`` do not count. Runs without the thing are not
        counted; JSON values that are not text count under their JSON text.
        """

    @abstractmethod
    async def lines(self, run: str, after: int = 0, limit: int = 1000) -> list[Line]:
        """The lines a run has logged, those numbered above ``after``."""

    # records

    @abstractmethod
    async def put(self, records: Sequence[Record]) -> None:
        """Keep these schedules, limits and workers as they are given.

        A schedule's ``version`` becomes one more than the kept one's, 1 if there was none.
        """

    @abstractmethod
    async def drop(self, kind: type[Record], ids: Sequence[str]) -> list[bool]:
        """Forget records of a kind; False where there was none. Runs already fired stay."""

    @abstractmethod
    async def records(
        self, kind: type[R], ids: Sequence[str] | None = None, after: str = "", limit: int | None = None
    ) -> list[R]:
        """The records of a kind in order of id: of these ids, or all; above ``after``, at most ``limit``."""

    # care

    @abstractmethod
    async def prune(self, before: int | None, keep: int | None, limit: int) -> int:
        """Forget at most ``limit`` runs that are over.

        Those finished before ``before`` go, and those not among the newest ``keep`` of their job, but none whose
        parent is live: it may ask for what it has spawned. Age goes by (finished_at, id), and the oldest go
        first. Their lines go with them. Tells how many went; fewer than
        ``limit`` means all are gone.
        """

    @abstractmethod
    def watch(self, ring: Callable[[Hint], None]) -> Callable[[], None]:
        """Call ``ring`` in this event loop when something may have changed; returns how to stop.

        Hints may be lost or repeated.
        """
