"""A workflow as a value: nodes, what they come after, and on which conditions. Pure, and checked as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from inspect import Parameter, Signature
from keyword import iskeyword
from typing import Any

from foliot.codec import misfit
from foliot.errors import WorkflowError
from foliot.workflows.expressions import Expression
from foliot.workflows.kinds import Kind, kind_of
from foliot.workflows.works import Decision, Work, gives, takes

MOST_NODES = 1_000
"""How many nodes one workflow may have; what is wider is a map."""

Predicate = Callable[[dict[str, Any]], Any]
Condition = Expression | Predicate


class Upon(StrEnum):
    """What must have become of what a node comes after."""

    SUCCESS = "success"
    """Nothing failed, and at least one was not passed over."""
    FAILURE = "failure"
    """Something failed: for compensation."""
    END = "end"
    """Whatever became of it: for cleaning up."""


class Failed(StrEnum):
    """What the failure of a node means for the nodes after it."""

    BLOCK = "block"
    """They are not run, and the workflow fails."""
    SKIP = "skip"
    """They go on without its result."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node. Equal nodes do the same under the same conditions.

    ``args`` are constants and ``take`` expressions for its parameters; the others come from the context by name.
    ``options`` are those of a job, such as retries and timeout, as they were written.
    """

    name: str
    work: Work
    after: tuple[str, ...] = ()
    when: Condition | None = None
    otherwise: bool = False
    upon: Upon = Upon.SUCCESS
    on_failure: Failed = Failed.BLOCK
    args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    take: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_branch(self) -> bool:
        """Whether a decision chooses it, or not."""
        return self.when is not None or self.otherwise

    @cached_property
    def gives(self) -> Kind:
        """What its result is."""
        return gives(self.work)

    @cached_property
    def asks(self) -> dict[str, Parameter]:
        """The parameters that the context fills in."""
        usual = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        given = self.args.keys() | self.take.keys()
        return {name: each for name, each in takes(self.work).items() if each.kind in usual and name not in given}


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A whole workflow, settled: decisions stand between what they come after and their branches.

    ``declared`` are inputs beside those that nodes ask for by their parameters.
    """

    name: str
    version: int = 1
    nodes: tuple[Node, ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name, in the order of their definition."""
        return {each.name: each for each in self.nodes}

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """The nodes right after each node."""
        below: dict[str, list[str]] = {each.name: [] for each in self.nodes}
        for node in self.nodes:
            for each in node.after:
                below[each].append(node.name)
        return below

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All names so that each node stands behind what it comes after; ties in the order of definition."""
        return sorted_by_edges(self.nodes)

    @cached_property
    def above(self) -> dict[str, tuple[str, ...]]:
        """Everything upstream of each node, in order."""
        reach: dict[str, int] = {}
        at = {name: n for n, name in enumerate(self.order)}
        for name in self.order:
            reach[name] = 0
            for each in self.by_name[name].after:
                reach[name] |= reach[each] | 1 << at[each]
        return {name: tuple(each for n, each in enumerate(self.order) if bits >> n & 1) for name, bits in reach.items()}

    @property
    def sinks(self) -> tuple[str, ...]:
        """The nodes that nothing comes after."""
        return tuple(name for name in self.order if not self.below[name])

    def branches(self, decision: str) -> list[Node]:
        """The nodes that a decision chooses from, the default last."""
        return sorted((self.by_name[each] for each in self.below[decision]), key=lambda each: each.otherwise)

    def providers(self, node: str, name: str) -> list[Node]:
        """The nodes upstream whose results may be what a node finds in the context under a name."""
        above = [self.by_name[each] for each in self.above[node]]
        if name in self.above[node]:
            return [self.by_name[name]]
        return [each for each in above if each.gives.is_open or name in (each.gives.keys or ())]

    @cached_property
    def inputs(self) -> dict[str, Parameter]:
        """What the whole takes: declared, or asked for by a node and given by nothing upstream of it."""
        found = {name: declared(name, value) for name, value in self.declared.items()}
        for node in self.nodes:
            for name, asked in node.asks.items():
                if name not in self.above[node.name] and not self._surely_given(node.name, name):
                    found[name] = _merged(found.get(name), name, asked, bool(self.providers(node.name, name)))
        return found

    def _surely_given(self, node: str, name: str) -> bool:
        return any(name in (each.gives.keys or ()) for each in self.providers(node, name))

    @cached_property
    def signature(self) -> Signature:
        """The inputs as a caller gives them: by name."""
        return Signature(list(self.inputs.values()))

    def passed_over(self) -> Graph:
        """The graph as it was written: without the decisions that were only implied."""
        implied = {each.name: each.after for each in self.nodes if each.work == Decision(implied=True)}
        written = [
            replace(each, after=tuple(above for name in each.after for above in implied.get(name, (name,))))
            for each in self.nodes
            if each.name not in implied
        ]
        return replace(self, nodes=tuple(written))


def declared(name: Any, value: Any) -> Parameter:
    """A declared input: an annotation; or, in a pair, an annotation and a default. Raises WorkflowError."""
    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise WorkflowError(f"inputs: {name!r} is not a name that a parameter can have")
    if isinstance(value, tuple):
        annotation, default = _pair(name, value)  # pyright: ignore[reportUnknownArgumentType]
        if (problem := misfit(default, annotation)) is not None:
            raise WorkflowError(f"inputs: {name!r} has the default {default!r}, which does not fit: {problem}")
        return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=value)


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if len(value) != 2:
        raise WorkflowError(f"inputs: {name!r} is {value!r}; give a type, or a type and a default")
    return value


def _merged(known: Parameter | None, name: str, asked: Parameter, perhaps_given: bool) -> Parameter:
    """An input, as a further node asks for it: needed if one of them needs it, and nothing else may give it."""
    optional = asked.default is not Parameter.empty or perhaps_given
    if known is None:
        default = None if optional else Parameter.empty
        return Parameter(name, Parameter.KEYWORD_ONLY, annotation=asked.annotation, default=default)
    if known.default is Parameter.empty or optional:
        return known
    return known.replace(default=Parameter.empty)


def sorted_by_edges(nodes: Sequence[Node]) -> tuple[str, ...]:
    """Names in the order of the edges; those on or behind a cycle are left out."""
    waits = {each.name: len(set(each.after)) for each in nodes}
    below: dict[str, list[str]] = {}
    for node in nodes:
        for each in dict.fromkeys(node.after):
            below.setdefault(each, []).append(node.name)
    ready, order = deque(name for name, n in waits.items() if not n), list[str]()
    while ready:
        order.append(ready.popleft())
        for each in below.get(order[-1], ()):
            waits[each] -= 1
            if not waits[each]:
                ready.append(each)
    return tuple(order)


def decided(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes, with a decision put before those that say ``when`` or ``otherwise`` after ordinary nodes."""
    written = list(nodes)
    explicit = {each.name for each in written if isinstance(each.work, Decision)}
    groups: dict[tuple[tuple[str, ...], Upon], list[Node]] = {}
    for each in written:
        if each.is_branch and not (len(each.after) == 1 and each.after[0] in explicit):
            groups.setdefault((each.after, each.upon), []).append(each)
    taken, settled = {each.name for each in written}, list[Node]()
    homes = {each.name: group for group in groups.values() for each in group}
    names: dict[str, str] = {}
    for node in written:
        group = homes.get(node.name)
        if group is None:
            settled.append(node)
            continue
        if group[0].name not in names:
            names[group[0].name] = _free("_or_".join(each.name for each in group), taken)
            implied = Decision(implied=True)
            settled.append(Node(name=names[group[0].name], work=implied, after=node.after, upon=node.upon))
        settled.append(replace(node, after=(names[group[0].name],), upon=Upon.SUCCESS))
    return tuple(settled)


def _free(name: str, taken: set[str]) -> str:
    """A name for an implied decision that no node has."""
    name = f"choose_{name}" if "_or_" not in name else name
    name = name[:60]
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def conditions(graph: Graph, node: Node) -> list[tuple[str, Expression]]:
    """The expressions that are worked out when a node is claimed, each with the name of the node that says it."""
    branches = graph.branches(node.name) if isinstance(node.work, Decision) else []
    said = [(each.name, each.when) for each in branches] + [(node.name, each) for each in node.take.values()]
    return [(name, each) for name, each in said if isinstance(each, Expression)]


def graph(name: str, version: int, nodes: Iterable[Node], declared: Mapping[str, Any] | None = None) -> Graph:
    """A checked graph. Raises WorkflowError for whatever can never work, naming the nodes and the remedy."""
    from foliot.workflows.checks import check, check_nodes

    written = tuple(nodes)
    check_nodes(name, version, written)
    made = Graph(name=name, version=version, nodes=decided(written), declared=dict(declared or {}))
    check(made)
    return made


def kinds_of(graph: Graph) -> dict[str, Kind]:
    """What each input is."""
    return {name: kind_of(each.annotation) for name, each in graph.inputs.items()}
