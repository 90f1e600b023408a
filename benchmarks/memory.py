"""No-op async runs in memory: enqueue them all, then drain."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, rate

TWICE, HALF = 2.0, 0.5

NOTES = """
* Ours keeps every run with its times and result, checks arguments and watches leases; pgqueuer keeps
  statistics; taskiq keeps the last 100 results; asyncio keeps nothing.
* taskiq starts a task in the call that enqueues it, so only both together can be told.
* pgqueuer drains fastest in batches of 10, its default; ours has its default of 100 runs at a time.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """Who drains 20,000 no-op runs fastest."""
    runs = 5_000 if quick else 20_000
    return [
        Contest(
            title=f"Memory: {runs:,} no-op async runs in one process",
            entrants=[
                Entrant(
                    name="foliot",
                    ours=True,
                    program="foliot_memory",
                    asked={"measure": "drain", "runs": runs, "slots": 100},
                ),
                Entrant(
                    name="pgqueuer in memory",
                    program="pgqueuer_memory",
                    asked={"runs": runs, "page": 1000, "batch": 10},
                    peer="pgqueuer",
                ),
                Entrant(
                    name="taskiq in memory",
                    program="taskiq_memory",
                    asked={"measure": "drain", "runs": runs},
                    peer="taskiq",
                ),
                Entrant(name="asyncio, a task each", program="raw_asyncio", asked={"way": "each", "runs": runs}),
                Entrant(name="asyncio, gathered", program="raw_asyncio", asked={"way": "gather", "runs": runs}),
            ],
            columns=[
                Column(key="drain", title="drain", show=rate),
                Column(key="enqueue", title="enqueue", show=rate),
                Column(key="through", title="both", show=rate),
            ],
            aims=[Aim(what="drain at twice pgqueuer's rate, or half that of raw tasks", judge=_drain)],
            notes=NOTES,
        )
    ]


def _drain(figures: Figures) -> tuple[bool, str]:
    ours = figures["foliot"]["drain"]
    peer = ours / figures["pgqueuer in memory"]["drain"]
    raw = ours / figures["asyncio, a task each"]["drain"]
    return peer >= TWICE or raw >= HALF, f"{peer:.2f} x pgqueuer, {raw:.2f} x raw tasks"
