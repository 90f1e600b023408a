"""Short proofs: seconds of real time, real processes, real faults. Longer ones, on every store, are ``make prove``."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foliot.cli.app import app
from foliot.errors import FoliotError
from foliot.moments import SECOND
from foliot.testing.faults.plan import OF_PROCESSES, OF_THE_NETWORK
from foliot.testing.faults.prover import Trial, prove
from foliot.testing.faults.report import report

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """A store that somebody named: a file, or a server that other tests use too."""
    if request.param == "sqlite":
        return request.param
    return request.getfixturevalue(f"{request.param}_server")


NO_PATIENCE = -6 * SECOND
"""Beside a lease of a second, so that everything is late that is late at all."""


@pytest.mark.timeout(120)
async def test_every_claim_catches_a_store_that_breaks_its_promise(store: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    kinds = OF_PROCESSES | OF_THE_NETWORK
    trial = Trial(
        store=store, seconds=3, processes=3, seed=3, lease=SECOND, bound=NO_PATIENCE, pace=SECOND // 3, parts=50,
        kinds=kinds, program="tests.proof.planted_node",
    )  # fmt: skip

    proof = await prove(trial, print)

    assert [claim.promise for claim in proof.claims if not claim.broken] == []
    assert report(proof, datetime.now(UTC)).count("| **NO** |") == len(proof.claims)


@pytest.mark.timeout(240)
def test_the_command_proves_that_every_promise_holds_and_writes_the_report(tmp_path: Path):
    file = tmp_path / "proof.md"
    words = [
        "prove",
        "--minutes",
        "0.05",
        "--processes",
        "1",
        "--seed",
        "20",
        "--parts",
        "20",
        "--slack",
        "30",
        "--report",
        str(file),
    ]

    told = CliRunner().invoke(app, words)

    assert told.exit_code == 0, told.output
    assert "seed 20: 1 processes on sqlite" in told.stderr
    assert told.stderr.count("lose replies to process 0") == 2
    text = file.read_text("utf-8")
    assert "| allowed | 37 s late" in text
    assert "# Proof on sqlite, seed 20" in text
    assert "foliot prove --store sqlite --minutes 0.05 --processes 1 --parts 20 --seed 20" in text
    assert "**NO**" not in text


def test_a_store_that_nothing_can_be_proven_on_is_refused():
    told = CliRunner().invoke(app, ["prove", "--store", "memory://"])

    assert told.exit_code == 1
    assert "nothing to prove there; name sqlite, postgres, redis, " in told.stderr


async def test_a_proof_begins_with_nothing(tmp_path: Path):
    (tmp_path / "old").touch()

    with pytest.raises(FoliotError, match="is not empty"):
        await prove(Trial(), print, tmp_path)
