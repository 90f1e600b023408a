"""Let entrants take turns, and keep the middle of what each answered."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.contest import Contest, Entrant, Figures
from benchmarks.environments import HERE, disk, interpreter


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a contest brought: the figures, and why some entrants have none."""

    contest: Contest
    figures: Figures
    excuses: Mapping[str, str]


class DidNotRun(Exception):
    """Says why an entrant gave no answer."""


def hold(contest: Contest, rounds: int) -> Standing:
    """So many rounds of a contest; who fails once is out."""
    answers: dict[str, list[Mapping[str, float]]] = {each.name: [] for each in contest.entrants}
    excuses: dict[str, str] = {}
    for number in range(1, rounds + 1):
        for entrant in contest.entrants:
            if entrant.name not in excuses:
                _say(f"{contest.title}, round {number} of {rounds}: {entrant.name}")
                try:
                    answers[entrant.name].append(measure(entrant))
                except DidNotRun as excuse:
                    excuses[entrant.name] = str(excuse)
    _say("")
    figures = {name: _middle(given) for name, given in answers.items() if name not in excuses}
    return Standing(contest=contest, figures=figures, excuses=excuses)


def measure(entrant: Entrant) -> Mapping[str, float]:
    """Run an entrant's program once. Raises DidNotRun."""
    command = [
        interpreter(entrant.peer),
        HERE / "programs" / f"{entrant.program}.py",
        json.dumps(dict(entrant.asked)),
    ]
    with TemporaryDirectory(dir=disk()) as files:
        surroundings = _surroundings() | {"TMPDIR": files}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=entrant.patience, env=surroundings, check=False
            )
        except subprocess.TimeoutExpired:
            raise DidNotRun(f"gave up after {entrant.patience} s") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise DidNotRun(said[-1] if said else f"ended with {done.returncode}, saying nothing")
    return json.loads(lines[-1])


def _surroundings() -> dict[str, str]:
    """What programs of an installed package find: byte code is kept, whatever whoever measures prefers."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _middle(answers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: median(each[key] for each in answers) for key in answers[0]}


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
