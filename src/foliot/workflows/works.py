"""What a node does: run a job, decide, wait for a person, a signal or a time, call back, run another workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import TYPE_CHECKING, Any, TypedDict

from foliot.jobs import Job
from foliot.moments import spell
from foliot.workflows.kinds import ANYTHING, NOTHING, Kind, kind_of

if TYPE_CHECKING:
    from foliot.workflows.graph import Graph


class Answer(TypedDict):
    """What an approval gives: whether, by whom and why. Nobody's answer in time is a no."""

    approved: bool
    by: str
    note: str


class Sent(TypedDict):
    """What a callback gives: the answer's status, and what it said, read as JSON if it is that."""

    status: int
    answer: Any


@dataclass(frozen=True, slots=True)
class Task:
    """Run a job. One that is ``plain`` was made of a function for this node alone, and is nothing else."""

    job: Job[..., Any, Any]
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Choose one of the nodes that come after it: the first whose condition holds, else the default."""

    implied: bool = False
    """Whether it was made for nodes that say ``when`` after an ordinary node."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Wait for a person to say yes or no; a no after ``timeout`` microseconds."""

    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Wait for a signal, and give what it brings; fails after ``timeout`` microseconds."""

    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """Wait so many microseconds."""

    wait: int


@dataclass(frozen=True, slots=True)
class Callback:
    """POST the context, or what is taken of it, to a URL as JSON; signed if a secret is named.

    ``secret_from`` names the environment variable that holds the secret; ``headers`` go with the request.
    """

    url: str
    secret_from: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Inner:
    """Run another workflow, as a part of this one."""

    graph: Graph


Work = Task | Decision | Approval | Signal | Timer | Callback | Inner


def takes(work: Work) -> Mapping[str, Parameter]:
    """The parameters of what a node does, by name."""
    match work:
        case Task(job=job):
            return job.shape.signature.parameters
        case Inner(graph):
            return graph.signature.parameters
        case _:
            return {}


def gives(work: Work) -> Kind:
    """What a node's result is."""
    match work:
        case Task(job=job):
            return kind_of(job.shape.returns)
        case Decision():
            return Kind({"string": None})
        case Approval():
            return kind_of(Answer)
        case Timer():
            return NOTHING
        case Callback():
            return kind_of(Sent)
        case Signal() | Inner():
            return ANYTHING


def told(work: Work) -> str:
    """What a node does, in a few words."""
    match work:
        case Task(job=job):
            return job.name
        case Decision():
            return "decision"
        case Approval(timeout):
            return f"approval{_within(timeout)}"
        case Signal(timeout):
            return f"signal{_within(timeout)}"
        case Timer(wait):
            return f"timer {spell(wait)}"
        case Callback(url):
            return f"callback {url}"
        case Inner(graph):
            return f"workflow {graph.name}"


def _within(timeout: int | None) -> str:
    return "" if timeout is None else f" within {spell(timeout)}"
