"""A short proof on every store, in each run of the tests. Seconds of real time, real processes, real faults."""

import os
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import pytest
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.errors import FoliotError
from foliot.moments import SECOND
from foliot.testing.faults.ground import SERVERS
from foliot.testing.faults.prover import Trial, prove
from foliot.testing.faults.report import report

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("FOLIOT_SEED", SystemRandom().randrange(10**6)))
SLACK = 30 * SECOND
"""How much later than a lease something may be on a machine that does other things as well."""


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """A kind of store of which there is one on this machine."""
    if request.param in SERVERS:
        request.getfixturevalue(f"{request.param}_server")
    return request.param


@pytest.mark.timeout(240)
async def test_every_promise_holds_when_everything_goes_wrong(store: str, tmp_path: Path):
    trial = Trial(store=store, seconds=20, processes=3, seed=SEED, bound=SLACK)

    proof = await prove(trial, print, tmp_path / "proof")

    assert proof.holds, report(proof, datetime.now(UTC))


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("bug", "promise"),
    [
        ("a finish is not fenced", "no stale write was accepted"),
        ("one more fits into a full lane", "overlap policies were kept: never two at once"),
    ],
)
async def test_a_store_with_a_bug_is_caught(bug: str, promise: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLANTED", bug)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    trial = Trial(seconds=9, processes=3, seed=3, bound=SLACK, program="tests.proof.planted_node")

    proof = await prove(trial, print)

    assert promise in {claim.promise for claim in proof.claims if claim.broken}
    assert "**NO**" in report(proof, datetime.now(UTC))


@pytest.mark.timeout(240)
def test_the_command_writes_the_report_and_tells_the_seed(tmp_path: Path):
    file = tmp_path / "proof.md"
    words = ["prove", "--minutes", "0.05", "--processes", "1", "--seed", "20", "--report", str(file)]

    told = CliRunner().invoke(app, words)

    assert told.exit_code == 0, told.output
    assert "seed 20: 1 processes on sqlite" in told.stderr
    assert told.stderr.count("lose replies to process 0") == 2
    text = file.read_text("utf-8")
    assert "# Proof on sqlite, seed 20" in text
    assert "foliot prove --store sqlite --minutes 0.05 --processes 1 --seed 20" in text
    assert "**NO**" not in text


def test_a_store_that_nothing_can_be_proven_on_is_refused():
    told = CliRunner().invoke(app, ["prove", "--store", "memory://"])

    assert told.exit_code == 1
    assert "nothing to prove there; name sqlite, postgres, redis, " in told.stderr


async def test_a_proof_begins_with_nothing(tmp_path: Path):
    (tmp_path / "old").touch()

    with pytest.raises(FoliotError, match="is not empty"):
        await prove(Trial(), print, tmp_path)
