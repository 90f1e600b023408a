"""A short proof on every store, in each run of the tests. Seconds of real time, real processes, real faults."""

import os
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import pytest

from foliot.moments import SECOND
from foliot.testing.faults.prover import Trial, prove
from foliot.testing.faults.report import report

SEED = int(os.environ.get("FOLIOT_SEED", SystemRandom().randrange(10**6)))
SLACK = 30 * SECOND
"""How much later than a lease something may be on a machine that does other things as well."""


@pytest.mark.timeout(240)
async def test_on_sqlite_every_promise_holds_when_everything_goes_wrong(tmp_path: Path):
    trial = Trial(store="sqlite", seconds=25, processes=3, seed=SEED, bound=SLACK)

    proof = await prove(trial, print, tmp_path / "proof")

    assert proof.holds, report(proof, datetime.now(UTC))
