"""What can never work is told when a workflow is defined: which nodes, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from foliot.codec import misfit
from foliot.errors import ExpressionError, WorkflowError
from foliot.workflows.expressions import Expression
from foliot.workflows.graph import MOST_NODES, Graph, Node, Upon, conditions, kinds_of, sorted_by_edges
from foliot.workflows.kinds import Kind, fits, kind_of
from foliot.workflows.works import Callback, Decision, takes


def check_nodes(name: str, version: int, nodes: Sequence[Node]) -> None:
    """Raise WorkflowError unless these nodes, as they were written, make a graph."""
    where = f"workflow {name!r}"
    _check_size(where, version, nodes)
    _check_names(where, nodes)
    for node in nodes:
        _check_edges(f"{where}, node {node.name!r}", node, [each.name for each in nodes])
    _check_cycles(where, nodes)


def check(graph: Graph) -> None:
    """Raise WorkflowError unless every node of a graph can be reached and given what it asks for."""
    for node in graph.nodes:
        where = f"workflow {graph.name!r}, node {node.name!r}"
        if isinstance(node.work, Decision):
            _check_branches(where, graph, node)
        _check_parameters(where, node)
        _check_values(where, graph, node)
    _check_inputs(graph)


def near(name: str, known: Iterable[str]) -> str:
    """What might have been meant."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names[:30]) or 'none'}"


# Nodes and edges


def _check_size(where: str, version: Any, nodes: Sequence[Node]) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise WorkflowError(f"{where}: version={version!r}; give a whole number from 1")
    if not nodes:
        raise WorkflowError(f"{where} has no nodes; add one with .node(job)")
    if len(nodes) > MOST_NODES:
        raise WorkflowError(f"{where} has {len(nodes)} nodes, more than {MOST_NODES}; let one node map over many items")


def _check_names(where: str, nodes: Sequence[Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        if not node.name.isidentifier() or len(node.name) > 100:
            raise WorkflowError(
                f"{where}: a node cannot be called {node.name!r}; use letters, digits and _, for expressions name it"
            )
        if node.name in seen:
            raise WorkflowError(f"{where}: two nodes are called {node.name!r}; give one of them name=...")
        seen.add(node.name)


def _check_edges(where: str, node: Node, names: Sequence[str]) -> None:
    for each in node.after:
        if each not in names:
            raise WorkflowError(f"{where} comes after {each!r}, which is no node; {near(each, names)}")
    if node.when is not None and node.otherwise:
        raise WorkflowError(f"{where} has a condition and is the default, too; give it when= or otherwise=True")
    if node.upon is not Upon.SUCCESS and not node.after:
        raise WorkflowError(f"{where} is to run upon {node.upon.value}, but comes after nothing; say after=...")


def _check_cycles(where: str, nodes: Sequence[Node]) -> None:
    sorted_ = set(sorted_by_edges(nodes))
    left = {each.name: [up for up in each.after if up not in sorted_] for each in nodes if each.name not in sorted_}
    if not left:
        return
    path = [next(iter(left))]
    while path[-1] not in path[:-1]:
        path.append(left[path[-1]][0])
    cycle = path[path.index(path[-1]) :][::-1]
    raise WorkflowError(f"{where} goes in a circle: {' → '.join(cycle)}; take one of these edges away")


# Branches


def _check_branches(where: str, graph: Graph, decision: Node) -> None:
    branches = graph.branches(decision.name)
    if not branches:
        raise WorkflowError(
            f"{where} is a decision without branches; say after={decision.name!r} and when=... of a node"
        )
    for each in branches:
        _check_branch(f"workflow {graph.name!r}, node {each.name!r}", decision, each)
    defaults = [each.name for each in branches if each.otherwise]
    if len(defaults) > 1:
        raise WorkflowError(f"{where} has two defaults, {' and '.join(defaults[:2])}; only one can be otherwise=True")
    if len(defaults) == len(branches):
        raise WorkflowError(f"{where}: {defaults[0]} can never be passed over, for no other branch has when=...")
    _check_reachable(graph, branches)


def _check_branch(where: str, decision: Node, branch: Node) -> None:
    if branch.after != (decision.name,):
        raise WorkflowError(
            f"{where} is a branch of {decision.name!r} and comes after other nodes, too; put a node between"
        )
    if not branch.is_branch:
        raise WorkflowError(f"{where} comes after the decision {decision.name!r}; give it when=... or otherwise=True")


def _check_reachable(graph: Graph, branches: Sequence[Node]) -> None:
    always: str | None = None
    for each in branches:
        where = f"workflow {graph.name!r}, node {each.name!r} is never reached"
        if always is not None:
            raise WorkflowError(f"{where}: {always!r} before it always holds")
        if isinstance(each.when, Expression) and not each.when.paths:
            if not each.when({}):
                raise WorkflowError(f"{where}: {each.when.text!r} never holds")
            always = each.name


# What nodes are given


def _check_parameters(where: str, node: Node) -> None:
    """Constants and expressions must be for parameters that there are."""
    if isinstance(node.work, Callback):
        return
    parameters = takes(node.work)
    open_ = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    for name in (*node.args, *node.take):
        if name not in parameters and not open_:
            raise WorkflowError(f"{where} has no parameter {name!r}; {near(name, parameters)}")
        _check_constant(where, name, node.args, parameters)
    if both := node.args.keys() & node.take.keys():
        raise WorkflowError(f"{where}: {min(both)!r} is in args and in take; say it once")


def _check_constant(where: str, name: str, args: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> None:
    if name not in args or name not in parameters or parameters[name].annotation is Parameter.empty:
        return
    if (problem := misfit(args[name], parameters[name].annotation)) is not None:
        raise WorkflowError(f"{where}: args: {name}={args[name]!r} does not fit its parameter: {problem}")


def _check_values(where: str, graph: Graph, node: Node) -> None:
    for name, asked in node.asks.items():
        for provider in graph.providers(node.name, name):
            _check_fit(where, name, asked, provider)
    for each, expression in conditions(graph, node):
        for name in expression.names:
            _check_known(f"workflow {graph.name!r}, node {each!r}", graph, node, expression, name)


def _check_fit(where: str, name: str, asked: Parameter, provider: Node) -> None:
    given = provider.gives if provider.name == name else (provider.gives.keys or {}).get(name)
    wanted = kind_of(asked.annotation)
    if given is None or fits(given, wanted) or _only_null_is_too_much(given, wanted, asked):
        return
    source = f"{provider.name!r} gives" if provider.name == name else f"{name!r} of {provider.name!r} is"
    raise WorkflowError(
        f"{where} takes {name!r} as {wanted}, but {source} {given}; change one of the annotations, "
        f"or say take={{{name!r}: ...}} with an expression"
    )


def _only_null_is_too_much(given: Kind, wanted: Kind, asked: Parameter) -> bool:
    """A parameter with a default is left out where there is nothing to give."""
    return asked.default is not Parameter.empty and fits(given.without_null, wanted)


def _check_known(where: str, graph: Graph, node: Node, expression: Expression, name: str) -> None:
    if name in graph.inputs or graph.providers(node.name, name):
        return
    known = dict.fromkeys((*graph.inputs, *graph.above[node.name]))
    for each in graph.above[node.name]:
        known |= dict.fromkeys(graph.by_name[each].gives.keys or ())
    raise ExpressionError(
        f"{where}: nothing upstream gives {name!r}; {near(name, known)} "
        f"(an input that only expressions use is declared: inputs={{{name!r}: str}})",
        expression.text,
        expression.where(name),
    )


def _check_inputs(graph: Graph) -> None:
    kinds = kinds_of(graph)
    for name, kind in kinds.items():
        if name in graph.by_name:
            raise WorkflowError(f"workflow {graph.name!r}: a node and an input are both called {name!r}; rename one")
        for node in graph.nodes:
            asked = node.asks.get(name)
            if asked is not None and not graph.providers(node.name, name) and not fits(kind, kind_of(asked.annotation)):
                raise WorkflowError(
                    f"workflow {graph.name!r}: its input {name!r} is {kind}, but node {node.name!r} takes "
                    f"it as {kind_of(asked.annotation)}; let them agree, or rename one"
                )
