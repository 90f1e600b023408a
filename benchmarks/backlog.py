"""What a claim costs on PostgreSQL, from ten thousand rows of backlog and history to five million."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, milliseconds
from benchmarks.postgres import namespace, own_server

FEW, BLOCKED = 10_000, 50_000
FLAT = 1.5
"""How many times as long a claim may take in front of many rows as in front of few at the same time, at p50."""

NOTES = f"""
* Half of the rows are history, a quarter is due later, a quarter is due. Rows are put there by SQL, and vacuumed.
* One claim after the other, each a synced commit; its runs are ended before the next. Each takes turns with a claim in
  front of {FEW:,} rows on the same server, and the aims compare the two: the disk is not as quick at all times.
* In front of a full key: {BLOCKED:,} due runs stand before all others, and their key has room for one. *Parking* is the
  longest of the claims that meet them; each looks at no more than a thousand. *Just parked* is before the server's next
  vacuum: till then their places in the index are stepped over. *A snapshot held* is while some transaction (a dump, a
  forgotten session) is open since before they were parked: the server can clear away nothing, and looks at each.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """More and more rows, and a full key in front."""
    sizes = [FEW, 100_000] if quick else [FEW, 100_000, 1_000_000, 5_000_000]
    blocked = 5_000 if quick else BLOCKED
    entrants = [_entrant(size, 0) for size in sizes]
    entrants += [
        _entrant(100_000, blocked, "a snapshot held", vacuumed=True, held=True),
        _entrant(100_000, blocked, "just parked", vacuumed=False),
        _entrant(100_000, blocked),
    ]
    return [
        Contest(
            title="PostgreSQL: claims in front of many rows",
            entrants=entrants,
            columns=[
                Column(key="one_p50", title="one run, p50", show=milliseconds, less_is_better=True),
                Column(key="one_p99", title="p99", show=milliseconds, less_is_better=True),
                Column(key="page_p50", title="100 runs, p50", show=milliseconds, less_is_better=True),
                Column(key="parking", title="parking", show=milliseconds, less_is_better=True),
            ],
            aims=[
                _flat(each.name, key)
                for each in (entrants[len(sizes) - 1], entrants[-1])
                for key in ("one_p50", "page_p50")
            ],
            notes=NOTES,
            rounds=1,
        )
    ]


def _entrant(rows: int, blocked: int, when: str = "", *, vacuumed: bool = True, held: bool = False) -> Entrant:
    name = f"{rows:,} rows, {blocked:,} of a full key in front" if blocked else f"{rows:,} rows"
    place = {"server": own_server(), "namespace": namespace()}
    asked = {"rows": rows, "few": FEW, "blocked": blocked, "vacuumed": vacuumed, "held": held}
    return Entrant(name=f"{name}, {when}" if when else name, ours=True, program="foliot_backlog", asked=asked | place)


def _flat(many: str, key: str) -> Aim:
    def judge(figures: Figures) -> tuple[bool, str]:
        times = figures[many][key] / figures[many][f"few_{key}"]
        return times <= FLAT, f"{times:.2f} x"

    what = "one run" if key.startswith("one") else "100 runs"
    return Aim(what=f"a claim of {what} takes at most {FLAT} x as long with {many}", judge=judge)
