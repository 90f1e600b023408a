"""An exam that passes everything examines nothing: each planted bug must fail it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

MUTANTS = {
    "no fence": (
        "sqlite/working.py",
        "return run.state is State.RUNNING and run.token == token",
        "return run.state is State.RUNNING",
    ),
    "the token does not grow": ("sqlite/working.py", "token = token + 1, ", "token = 1, "),
    "a lost attempt is forgotten": ("moves.py", "(*run.attempts, last)", "run.attempts"),
    "priority is ignored": ("sqlite/working.py", "return run.rank, run.id", "return run.wakes_at, run.id"),
    "ageing is ignored": ("sqlite/working.py", "return run.rank, run.id", "return -run.priority, run.id"),
    "ties go by no order": ("sqlite/working.py", "ORDER BY wakes_at, id\n", "ORDER BY wakes_at, id DESC\n"),
    "who waits is visible": ("moves.py", "wakes_at=None if waits else run.due_at", "wakes_at=run.due_at"),
    "an end releases nobody": ("sqlite/releasing.py", "    if not over:\n", "    if True:\n"),
    "unknown runs are waited for": ("sqlite/releasing.py", "return added.rowcount", "return len(list(upstreams))"),
    "a zombie's end is believed": ("sqlite/working.py", "run is None or not _holds(run, ending.token)", "run is None"),
    "any version may fire": ("sqlite/keeping.py", "if versions.get(firing.schedule.id) != firing.expect:", "if False:"),
    "one more fits into a full lane": ("sqlite/lanes.py", "lane.running += 1", "lane.running += 0"),
    "who leaves a lane wakes nobody": ("sqlite/lanes.py", "lane.left = True", "lane.left = False"),
    "a unique key is never given up": (
        "sqlite/releasing.py",
        "AND until IS NULL",
        "AND until IS NULL AND 0",
    ),
    "a key held for a while is free": (
        "sqlite/adding.py",
        "return self.until is None or self.until > now",
        "return self.until is None",
    ),
    "a cancel of what runs is forgotten": (
        "moves.py",
        "return replace(run, cancelling=reason) if run.state is RUNNING else run",
        "return run",
    ),
    "another's run is claimed": ("sqlite/working.py", 'f"@{wish.worker}"', '"@w1", "@w2", "@worker", "@other"'),
    "pruning forgets what is young": ("sqlite/amending.py", "bound = (_NEVER if before", "bound = (_EVER if before"),
    "a page skips one": ("sqlite/finding.py", "rows[: query.limit]", "rows[: query.limit - 1]"),
    "spawned runs are lost": ("sqlite/working.py", "    if ending.spawn and not instead:\n", "    if False:\n"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_exam_catches_a_planted_bug(name: str, tmp_path: Path):
    sat = subprocess.run(
        [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", "-p", "no:xdist", HERE / "mutated.py"],
        env={**os.environ, "FOLIOT_MUTANT": "\n---\n".join(MUTANTS[name]), "FOLIOT_HOURS": "30"},
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert sat.returncode == 1, f"the exam passed, or could not be sat:\n{sat.stdout[-2000:]}{sat.stderr[-2000:]}"
