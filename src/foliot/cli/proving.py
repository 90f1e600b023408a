"""``foliot prove``: let everything go wrong, and check every promise."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from foliot.cli.desk import Choices
from foliot.cli.errors import WRONG, kind_errors
from foliot.cli.options import DebugOption
from foliot.moments import SECOND

if TYPE_CHECKING:
    from foliot.testing.faults.prover import Proof, Trial


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prove")(prove)


def prove(  # noqa: PLR0913 - each is an option of the command
    ctx: typer.Context,
    *,
    store: Annotated[
        list[str] | None,
        typer.Option(
            "--store",
            metavar="KIND|URL",
            help="sqlite, postgres, redis, redis-cluster or redis-sentinel of our own, or an empty store; repeatable.",
        ),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.05, help="How long faults happen.")] = 1,
    processes: Annotated[int, typer.Option("--processes", min=1, help="How many processes work.")] = 4,
    parts: Annotated[int, typer.Option("--parts", min=1, help="How many parts each map has.")] = 5000,
    slack: Annotated[
        float, typer.Option("--slack", min=0, help="Seconds by which things may be later than a lease.")
    ] = 5,
    seed: Annotated[int | None, typer.Option("--seed", help="Plan the same faults again.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Where to write the report; else it is printed.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Keep the histories and logs there.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Prove on this machine that the promises hold when everything goes wrong.

    Starts real processes that fire schedules each second, work, map and reduce, and meanwhile kills and freezes them,
    sets their clocks, cuts the network, loses replies, and kills the database. Then every promise is checked: nothing
    fired twice, nothing lost, no run ended twice, no part counted twice, no two at once that may not, nothing late.

    \b
    foliot prove                                            a minute on SQLite
    foliot prove --store postgres --minutes 10 --report proof.md
    foliot prove --store redis --seed 7
    foliot prove --store sqlite --store postgres --store redis --minutes 0.3 --parts 500

    Exit code 1 when a claim does not hold.
    """
    choices = Choices(debug=debug).over(ctx.obj)
    with kind_errors(choices.debug):
        from foliot.testing.faults.prover import Trial

        chosen = Random().randrange(10**6) if seed is None else seed  # noqa: S311 - to be repeated, not kept secret
        each = Trial(seconds=minutes * 60, processes=processes, parts=parts, bound=round(slack * SECOND), seed=chosen)
        trials = [replace(each, store=name) for name in store or [choices.store or "sqlite"]]
        hand_over([_proven(trial, keep if len(trials) == 1 else _below(keep, trial.store)) for trial in trials], report)


def _below(keep: Path | None, store: str) -> Path | None:
    return None if keep is None else keep / store


def _proven(trial: Trial, keep: Path | None) -> Proof:
    from foliot.testing.faults.prover import prove as play

    minutes = trial.seconds / 60
    typer.echo(f"seed {trial.seed}: {trial.processes} processes on {trial.store} for {minutes:g} min", err=True)
    return asyncio.run(play(trial, _tell, keep))


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def hand_over(proofs: Sequence[Proof], file: Path | None) -> None:
    """Print the reports or write them, and end with an exit code that tells what came out."""
    from foliot.testing.faults.report import report, verdict

    text = "\n".join(report(proof, datetime.now(UTC)) for proof in proofs)
    if file is None:
        typer.echo(text)
    else:
        file.write_text(text, "utf-8")
    for proof in proofs:
        typer.echo(f"{proof.trial.store}: {verdict(proof)} (seed {proof.trial.seed})", err=True)
    if not all(proof.holds for proof in proofs):
        raise typer.Exit(WRONG)
