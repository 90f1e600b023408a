"""What happened, in plain sentences, told from two looks at the records of the store. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from foliot.cli.words import Words, brief, lasting
from foliot.model import Attempt, Outcome, Run, State

Look = Mapping[str, Run]

ROUTINE = 3
"""How often the same thing is told of a job; after that it is only counted."""


class Story:
    """Tells what is new, and does not tell the same thing of the same job for ever."""

    def __init__(self) -> None:
        self._before: Look = {}
        self._told: Counter[tuple[str, str]] = Counter()

    def go_on(self, now: Look, words: Words) -> list[str]:
        """What happened since the last look."""
        runs = [run for _, run in sorted(now.items())]
        news = [each for run in runs for each in happenings(self._before.get(run.id), run, words)]
        self._before = now
        return [sentence for job, kind, text in news if (sentence := self._worth_telling(job, kind, text))]

    def _worth_telling(self, job: str, kind: str, text: str) -> str | None:
        self._told[job, kind] += 1
        match self._told[job, kind]:
            case told if told < ROUTINE:
                return text
            case told if told == ROUTINE:
                return f"{text} (from here on this is only counted)"
            case _:
                return None


def happenings(before: Run | None, run: Run, words: Words) -> Iterator[tuple[str, str, str]]:
    """What happened to a run between two looks: its job, the kind of thing, and the sentence."""
    known = 0 if before is None else len(before.attempts)
    for attempt in run.attempts[known:]:
        yield run.job, f"attempt {attempt.outcome}", f"{run.job} {_attempt(attempt, run)}"
    if run.state is State.RUNNING and (before is None or before.token != run.token):
        yield run.job, "running", f"{run.job} is running on {run.worker}{_again(run)}"
    if run.state.over and (before is None or not before.state.over):
        yield run.job, run.state.value, f"{run.job} {_end(run, words)}"


def _attempt(attempt: Attempt, run: Run) -> str:
    match attempt.outcome:
        case Outcome.LOST:
            return f"was lost: its worker {attempt.worker} stopped beating, and the lease ran out"
        case Outcome.RELEASED:
            return f"was given back by {attempt.worker}, which is shutting down"
        case _ if run.state is State.PENDING and attempt.ended_at is not None:
            wait = lasting(run.due_at - attempt.ended_at)
            return f"failed on {attempt.worker} ({brief(attempt.error)}) and will be tried again in {wait}"
        case _:
            return f"failed on {attempt.worker} ({brief(attempt.error)}) and is tried again"


def _again(run: Run) -> str:
    if run.attempts and run.attempts[-1].outcome is Outcome.LOST:
        return f", which took it over from {run.attempts[-1].worker}"
    return "" if not run.attempts else f", attempt {len(run.attempts) + 1}"


def _end(run: Run, words: Words) -> str:
    instant = "" if run.nominal_at is None else f" for {words.clock(run.nominal_at)}"
    match run.state:
        case State.SUCCEEDED:
            return f"succeeded{instant} on {run.worker} in {_took(run)}{_result(run)}"
        case State.SKIPPED:
            return f"was skipped{instant}: {run.reason}"
        case State.CANCELLED:
            return f"was cancelled on {run.worker} after {_took(run)}: {run.reason}"
        case _:
            return f"failed on {run.worker} after {_took(run)}: {brief(run.error) or run.reason}"


def _took(run: Run) -> str:
    return lasting((run.finished_at or 0) - (run.started_at or 0))


def _result(run: Run) -> str:
    return "" if run.result in (None, "null") else f", and returned {run.result}"


def counted(runs: Iterable[Run]) -> str:
    """Runs by state: ``40 succeeded, 2 running``."""
    counts = Counter(each.state.value for each in runs)
    return ", ".join(f"{counts[each]} {each.value}" for each in State if counts[each])
