"""The report: what came out, in words, with the seed and how to do it again."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer
from tests.proof.test_checker import sound

from foliot.cli.proving import hand_over
from foliot.moments import MINUTE, SECOND
from foliot.testing.faults.checker import Claim, check
from foliot.testing.faults.plan import Fault, Kind, planned
from foliot.testing.faults.prover import Proof, Trial, said
from foliot.testing.faults.report import report

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAULTS = planned(7, MINUTE, 4, frozenset(Kind), lease=2 * SECOND, jump=SECOND, pace=SECOND)
BROKEN = Claim(promise="nothing is late", cases=30, broken=[f"run {n} was late" for n in range(30)])
UNSEEN = Claim(promise="nothing is early", cases=0)


def proof(*claims: Claim) -> Proof:
    return Proof(trial=Trial(seed=7), faults=FAULTS, evidence=sound(), claims=claims)


def test_a_proof_that_holds_says_so_with_every_claim():
    claims = check(sound())

    text = report(proof(*claims), WHEN)

    assert "Every claim holds after" in text
    assert all(f"| yes | {claim.promise} | {claim.cases} |" in text for claim in claims)
    assert "## Broken" not in text


def test_a_broken_claim_shows_what_contradicts_it_as_far_as_anybody_reads():
    text = report(proof(*check(sound()), BROKEN, UNSEEN), WHEN)

    assert "2 of 16 claims do not hold" in text
    assert "- run 19 was late\n- and 10 more" in text
    assert "nothing was looked at" in text


def test_the_time_of_a_report_is_utc():
    text = report(proof(BROKEN), WHEN.astimezone(timezone(timedelta(hours=9))))

    assert "2026-03-01 12:00 UTC" in text


def test_what_was_not_seen_has_no_lateness():
    empty = Proof(trial=Trial(seed=7), faults=(), evidence=sound(), claims=[BROKEN])
    late = {name.strip(): value for _, name, value, _ in _rows(report(empty, WHEN)) if name.strip().startswith("late")}

    assert late["lateness of starts that nothing held back"].strip() == "0.003 s, 0.003 s, 0.003 s"


def _rows(text: str) -> list[list[str]]:
    return [row for line in text.splitlines() if len(row := line.split("|")) == 4]


@pytest.mark.parametrize(("claim", "code"), [(BROKEN, 1), (Claim(promise="all is well", cases=1), None)])
def test_the_exit_code_tells_what_came_out(claim: Claim, code: int | None, capsys: pytest.CaptureFixture[str]):
    ended: int | None = None
    try:
        hand_over([proof(claim)], None)
    except typer.Exit as end:
        ended = end.exit_code

    assert ended == code
    assert "# Proof on sqlite, seed 7" in capsys.readouterr().out


def test_the_reports_of_several_proofs_go_into_one_file(tmp_path: Path):
    file = tmp_path / "proof.md"

    with pytest.raises(typer.Exit):
        hand_over([proof(Claim(promise="all is well", cases=1)), proof(BROKEN)], file)

    assert "| yes | all is well | 1 |" in file.read_text("utf-8")
    assert "## Broken: nothing is late" in file.read_text("utf-8")


def test_each_fault_is_a_line_of_the_progress():
    jump = Fault(at=2 * SECOND, kind=Kind.JUMP, node=3, lasts=SECOND, amount=-5 * SECOND)

    assert said(jump) == "   2.0 s  set the clock of process 3 by -5.00 s for 1.0 s"
    assert said(Fault(at=0, kind=Kind.STORE_KILL, lasts=SECOND)) == "   0.0 s  kill the store's server for 1.0 s"
    assert all(said(fault) for fault in FAULTS)
