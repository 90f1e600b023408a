"""No-op async runs through a SQLite file: bulk enqueue, then drain by one worker process."""

from collections.abc import Sequence

from benchmarks.contest import Aim, Column, Contest, Entrant, Figures, at_least, rate

OURS, RELAXED = "foliot, every commit synced", "foliot, relaxed"
HUEY, UNSYNCED = "huey, every commit synced", "huey, sync off"
SIX, ENQUEUE = 6.0, 100_000

NOTES = """
* Not like for like: huey takes a task out of the file before it runs it and keeps nothing of it, so a crash
  loses what was running. Ours keeps leases, attempts and the history of every run.
* huey has no bulk enqueue: its figure is one call after the other, one commit each.
* huey's default is to sync every commit. Its worker is one thread; with eight it is slower.
* Ours is timed until the end of the last run is committed, huey's until the last call of the function.
* Relaxed is SQLite's `synchronous=NORMAL`: a power cut may lose the last commits, but not the file. Sync off
  may lose the file.
"""


def contests(quick: bool) -> Sequence[Contest]:
    """Who drains 20,000 no-op runs fastest, with and without syncing every commit."""
    runs = 5_000 if quick else 20_000
    return [
        Contest(
            title=f"SQLite: {runs:,} no-op runs, one worker process",
            entrants=[
                _ours(OURS, runs, "full"),
                _huey(HUEY, runs, fsync=True),
                _ours(RELAXED, runs, "relaxed"),
                _huey(UNSYNCED, runs, fsync=False),
            ],
            columns=[
                Column(key="drain", title="drain", show=rate),
                Column(key="enqueue", title="enqueue", show=rate),
            ],
            aims=[
                Aim(what="drain at six times huey's rate, every commit synced", judge=_six_times),
                Aim(
                    what="drain faster, every commit synced, than huey does with sync off",
                    judge=_faster_than_unsynced,
                ),
                Aim(what="enqueue_many above 100,000/s", judge=at_least(OURS, "enqueue", ENQUEUE, rate)),
            ],
            notes=NOTES,
        )
    ]


def _ours(name: str, runs: int, durability: str) -> Entrant:
    asked = {"measure": "drain", "runs": runs, "slots": 1000}
    place = {"store": "sqlite", "options": f"?durability={durability}"}
    return Entrant(name=name, ours=True, program="foliot_runs", asked=asked | place)


def _huey(name: str, runs: int, *, fsync: bool) -> Entrant:
    asked = {"measure": "drain", "runs": runs, "fsync": fsync}
    return Entrant(name=name, program="huey_sqlite", asked=asked, peer="huey")


def _six_times(figures: Figures) -> tuple[bool, str]:
    lead = figures[OURS]["drain"] / figures[HUEY]["drain"]
    return lead >= SIX, f"{lead:.1f} x"


def _faster_than_unsynced(figures: Figures) -> tuple[bool, str]:
    lead = figures[OURS]["drain"] / figures[UNSYNCED]["drain"]
    return lead >= 1, f"{lead:.2f} x"
