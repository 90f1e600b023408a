"""What becomes of a node that was claimed, and of the whole: policy, as pure functions of what happened upstream."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from foliot.codec import loads
from foliot.errors import FoliotError
from foliot.model import Run, State
from foliot.workflows.expressions import Expression
from foliot.workflows.graph import Failed, Graph, Node, Upon, conditions
from foliot.workflows.works import Callback, Decision

NOT_TAKEN = "branch not taken"
BLOCKED = "upstream failed"
BY_HAND = "skipped by hand"
"""How the reasons of skipped nodes begin."""


class Past(Enum):
    """What became of a node, as far as those after it care."""

    DONE = auto()
    """It gave a result; or it was skipped, by hand or by itself, and gave none."""
    FAILED = auto()
    BLOCKED = auto()
    """Something upstream of it failed."""
    NOT_TAKEN = auto()


@dataclass(frozen=True, slots=True)
class Passed:
    """The node is not executed, for this reason."""

    reason: str


def past(run: Run | None) -> Past:
    """What became of a node, by the run that was its."""
    if run is None:
        return Past.FAILED
    match run.state:
        case State.SUCCEEDED:
            return Past.DONE
        case State.SKIPPED if (run.reason or "").startswith(NOT_TAKEN):
            return Past.NOT_TAKEN
        case State.SKIPPED if (run.reason or "").startswith(BLOCKED):
            return Past.BLOCKED
        case State.SKIPPED:
            return Past.DONE
        case _:
            return Past.FAILED


def admitted(graph: Graph, node: Node, upstream: Mapping[str, Run]) -> Passed | None:
    """Whether a node is executed, now that all it comes after is over: None, or why it is not."""
    pasts = {name: past(upstream.get(name)) for name in node.after}
    match node.upon:
        case Upon.END:
            return None
        case Upon.FAILURE:
            failed = [name for name, each in pasts.items() if each in (Past.FAILED, Past.BLOCKED)]
            return None if failed else Passed(f"{NOT_TAKEN}: nothing failed in {', '.join(node.after)}")
        case Upon.SUCCESS:
            return _blocked(graph, pasts) or _not_taken(pasts) or _not_chosen(graph, node, upstream)


def _blocked(graph: Graph, pasts: Mapping[str, Past]) -> Passed | None:
    names = [name for name, each in pasts.items() if _blocks(graph.by_name[name], each)]
    return Passed(f"{BLOCKED}: {', '.join(names)}") if names else None


def _blocks(node: Node, each: Past) -> bool:
    return each is Past.BLOCKED or (each is Past.FAILED and node.on_failure is Failed.BLOCK)


def _not_taken(pasts: Mapping[str, Past]) -> Passed | None:
    if pasts and all(each is Past.NOT_TAKEN for each in pasts.values()):
        return Passed(f"{NOT_TAKEN}: nor was {', '.join(pasts)}")
    return None


def _not_chosen(graph: Graph, node: Node, upstream: Mapping[str, Run]) -> Passed | None:
    if not node.is_branch:
        return None
    decision = graph.by_name[node.after[0]]
    chosen = result(upstream.get(decision.name))
    if chosen == node.name:
        return None
    return Passed(f"{NOT_TAKEN}: {decision.name} chose {chosen or 'none'}")


def result(run: Run | None) -> Any:
    """What a node gave; None if it gave nothing."""
    if run is None or run.state is not State.SUCCEEDED or run.result is None:
        return None
    return loads(run.result)


# The context: derived, so that no update of it can be lost


def merged(graph: Graph, node: str, inputs: Mapping[str, Any], upstream: Mapping[str, Run]) -> dict[str, Any]:
    """What a node finds in the context: the inputs, and what the nodes upstream gave.

    The keys of a result that is an object join in the order of the graph, so a later node's go before an earlier
    one's; under a node's name stands its whole result, None if it has none. What runs beside it is not in there,
    so it is the same however the runs were timed.
    """
    results = {name: result(upstream.get(name)) for name in graph.above[node]}
    context = dict(inputs)
    for given in results.values():
        if isinstance(given, dict):
            context.update(given)  # pyright: ignore[reportUnknownArgumentType]
    return context | results


def chosen(graph: Graph, decision: str, context: dict[str, Any]) -> str | None:
    """The branch that a decision takes: the first whose condition holds, else the default; None if there is none."""
    for each in graph.branches(decision):
        if each.otherwise or (each.when is not None and each.when(context)):
            return each.name
    return None


def arguments(node: Node, context: Mapping[str, Any]) -> dict[str, Any]:
    """What a node's parameters are given. Those with a default are left out where the context has nothing for them."""
    asked = {
        name: context.get(name) for name, each in node.asks.items() if _has(context, name, each.default is each.empty)
    }
    return {**asked, **node.args, **{name: each(context) for name, each in node.take.items()}}


def _has(context: Mapping[str, Any], name: str, needed: bool) -> bool:
    return name in context and (needed or context[name] is not None)


def looked_at(graph: Graph, node: Node) -> frozenset[str] | None:
    """The names of the context that a node looks at; None for whatever there is."""
    if isinstance(node.work, Callback) and not node.take:
        return None
    branches = graph.branches(node.name) if isinstance(node.work, Decision) else []
    if any(each.when is not None and not isinstance(each.when, Expression) for each in branches):
        return None
    return frozenset((*node.asks, *(name for _, each in conditions(graph, node) for name in each.names)))


def wanted(graph: Graph, node: Node) -> tuple[str, ...]:
    """The nodes upstream whose results a node may need."""
    names = looked_at(graph, node)
    if names is None:
        return tuple(each for each in graph.above[node.name] if not graph.by_name[each].gives.is_nothing)
    found = {each.name for name in names for each in graph.providers(node.name, name)}
    return tuple(each for each in graph.above[node.name] if each in found)


# The whole


class NodesFailed(FoliotError):
    """A workflow failed, for some of its nodes did."""


def concluded(graph: Graph, runs: Mapping[str, Run]) -> Any:
    """The result of a workflow whose nodes are over. Raises NodesFailed, naming the nodes that failed.

    That is the result of its last node, or, if several nodes have nothing after them, those of the ones that have any.
    """
    if failed := [name for name in graph.order if _blocks_the_whole(graph.by_name[name], runs.get(name))]:
        raise NodesFailed(f"{'; '.join(_epitaph(name, runs.get(name)) for name in failed)}")
    results = {name: result(runs.get(name)) for name in graph.sinks if past(runs.get(name)) is Past.DONE}
    return next(iter(results.values()), None) if len(graph.sinks) == 1 else results


def _blocks_the_whole(node: Node, run: Run | None) -> bool:
    return past(run) is Past.FAILED and node.on_failure is Failed.BLOCK


def _epitaph(name: str, run: Run | None) -> str:
    if run is None:
        return f"node {name!r} is gone: its run was pruned"
    why = f"{run.error.kind}: {run.error.message}" if run.error is not None else run.reason
    return f"node {name!r} {run.state.value}: {why}"


def again(graph: Graph, runs: Mapping[str, Run], roots: Collection[str] = ()) -> list[str]:
    """The nodes to run again, in order: these, or else those that made the workflow fail; and all after them."""
    over = {name: past(run) for name, run in runs.items() if run.state.over}
    first = roots or [name for name, each in over.items() if _blocks(graph.by_name[name], each)]
    found: set[str] = set()
    for name in graph.order:
        if name in first or found.intersection(graph.by_name[name].after):
            found.add(name)
    return [name for name in graph.order if name in found]
