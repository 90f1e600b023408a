"""Workflows as YAML or JSON, for people who do not write Python: read with the line of every mistake, and written.

workflow: order
version: 2
inputs: {urgent: {type: boolean, default: false}}
nodes:
  reserve: {job: reserve_stock}
  charge: {job: charge_card, after: reserve, retries: 3}
  ok: {approval: {timeout: 3d}, after: charge}
  ship: {job: ship_goods, after: ok, when: approved and total < 1000}
  refund: {job: refund_card, after: ok, otherwise: true}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from foliot.errors import ExpressionError, FoliotError, WorkflowError
from foliot.jobs import Job
from foliot.moments import length, spell
from foliot.retry import Backoff
from foliot.workflows.building import Workflow
from foliot.workflows.checks import near
from foliot.workflows.expressions import Expression
from foliot.workflows.graph import Failed, Graph, Node, Upon, declared
from foliot.workflows.marked import Marked, Mistake, read, write_yaml
from foliot.workflows.works import Approval, Callback, Decision, Inner, Signal, Task, Timer

_TYPES: dict[str, Any] = {
    "any": Any,
    "boolean": bool,
    "integer": int,
    "number": float,
    "text": str,
    "list": list[Any],
    "object": dict[str, Any],
}
"""What inputs may be."""

_WISHES = ("timeout", "queue", "priority", "tags", "overlap")
_WHOLE = ("workflow", "version", "inputs", "nodes", *_WISHES)
_WORKS = ("job", "workflow", "decision", "approval", "signal", "timer", "callback")
_EDGES = ("after", "when", "otherwise", "upon", "on_failure")
_GIVEN = ("args", "take", "retries", "timeout", "queue", "priority", "tags")


def load(
    text: str,
    jobs: Mapping[str, Job[..., Any, Any]],
    *,
    file: str = "<workflow>",
    workflows: Sequence[Workflow | Graph] = (),
) -> Workflow:
    """Read a workflow from YAML or JSON; its nodes name jobs out of ``jobs``, such as ``scheduler.jobs``.

    Nodes that run a workflow name one of ``workflows``. Raises WorkflowError with the line of the mistake.
    """
    document = _Document(text, file)
    reader = _Reader(document, jobs, {each.name: each for each in workflows})
    return reader.workflow(read(text, file))


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    file: str

    def mistake(self, message: str, line: int) -> Mistake:
        """A mistake in this document."""
        return Mistake(message, self.text, line, self.file)


class _Reader:
    """Reads one document; whatever is wrong in it is said with its line."""

    def __init__(
        self, document: _Document, jobs: Mapping[str, Job[..., Any, Any]], workflows: Mapping[str, Workflow | Graph]
    ) -> None:
        self._document, self._jobs, self._workflows = document, jobs, workflows

    def workflow(self, whole: Marked) -> Workflow:
        """The whole."""
        fields = self._fields(whole, _WHOLE, "a workflow")
        name = self._text(self._needed(fields, "workflow", whole))
        version = self._value(fields.get("version"), int, "a whole number", 1)
        inputs = self._inputs(fields.get("inputs"))
        wishes = {
            key: fields[key].plain for key in ("timeout", "queue", "priority", "tags", "overlap") if key in fields
        }
        made = self._at(whole.line, lambda: Workflow(name, version=version, inputs=inputs, wishes=wishes))
        nodes = self._needed(fields, "nodes", whole)
        lines = self._object(nodes, "nodes by name are").keys
        for key, each in nodes.value.items():
            self._node(made, key, each, lines[key])
        self._check(made, nodes.line, lines)
        return made

    def _check(self, made: Workflow, line: int, lines: Mapping[str, int]) -> None:
        """Let the graph be checked as a whole, and say the line of the node that the mistake is about."""
        try:
            _ = made.graph
        except FoliotError as problem:
            named = [name for name in lines if f"node {name!r}" in str(problem)] or [
                name for name in lines if f"{name} →" in str(problem)
            ]
            raise self._document.mistake(str(problem), lines[named[0]] if named else line) from None

    # Nodes

    def _node(self, made: Workflow, name: str, node: Marked, line: int) -> None:
        fields = self._fields(node, (*_WORKS, *_EDGES, *_GIVEN), f"node {name!r}")
        kinds = [each for each in _WORKS if each in fields]
        if len(kinds) != 1:
            raise self._document.mistake(
                f"node {name!r} says {' and '.join(kinds) or 'nothing'}; it needs one of {', '.join(_WORKS)}", line
            )
        add = getattr(self, f"_{kinds[0]}")
        self._at(line, lambda: add(made, name, fields[kinds[0]], fields))

    def _job(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        job = self._text(work)
        if job not in self._jobs:
            raise self._document.mistake(f"no job is called {job!r} here; {near(job, self._jobs)}", work.line)
        made.node(self._jobs[job], name, **self._edges(fields), **self._given(fields))

    def _workflow(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        inner = self._text(work)
        if inner not in self._workflows:
            raise self._document.mistake(
                f"no workflow is called {inner!r} here; {near(inner, self._workflows)}", work.line
            )
        made.node(self._workflows[inner], name, **self._edges(fields), **self._given(fields))

    def _decision(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        self._none_of(fields, _GIVEN, name)
        made.decision(name, **self._edges(fields))

    def _approval(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        self._none_of(fields, _GIVEN, name)
        made.approval(name, **self._timeout(work, name), **self._edges(fields))

    def _signal(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        self._none_of(fields, _GIVEN, name)
        made.signal(name, **self._timeout(work, name), **self._edges(fields))

    def _timer(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        self._none_of(fields, _GIVEN, name)
        made.timer(name, work.plain, **self._edges(fields))

    def _callback(self, made: Workflow, name: str, work: Marked, fields: dict[str, Marked]) -> None:
        inside = self._fields(work, ("url", "secret_from", "headers"), f"the callback of node {name!r}")
        url = self._text(self._needed(inside, "url", work))
        own = {key: inside[key].plain for key in ("secret_from", "headers") if key in inside}
        given = self._given(fields)
        self._none_of(fields, ("args", "queue", "priority", "tags"), name)
        made.callback(name, url, **own, **self._edges(fields), **given)

    def _timeout(self, work: Marked, name: str) -> dict[str, Any]:
        """What ``approval: {timeout: 3d}`` says; ``approval:`` alone and ``approval: {}`` say nothing."""
        if work.value is None:
            return {}
        return {key: each.plain for key, each in self._fields(work, ("timeout",), f"node {name!r}").items()}

    def _edges(self, fields: dict[str, Marked]) -> Any:
        found = {key: fields[key].plain for key in _EDGES if key in fields}
        return {**found, "when": self._expression(fields["when"])} if "when" in fields else found

    def _given(self, fields: dict[str, Marked]) -> Any:
        found = {key: fields[key].plain for key in _GIVEN if key in fields}
        if "args" in fields:
            self._object(fields["args"], "constants by parameter are")
        if "take" in fields:
            taken = self._object(fields["take"], "expressions by parameter are")
            found["take"] = {key: self._expression(each) for key, each in taken.value.items()}
        return found

    def _expression(self, each: Marked) -> Expression:
        text = str(each.value).lower() if isinstance(each.value, bool) else self._text(each)
        try:
            return Expression(text)
        except ExpressionError as problem:
            raise self._document.mistake(str(problem), each.line) from None

    def _inputs(self, inputs: Marked | None) -> dict[str, Any]:
        if inputs is None:
            return {}
        found = self._object(inputs, "types by name are")
        return {key: self._input(key, each, found.keys[key]) for key, each in found.value.items()}

    def _input(self, name: str, each: Marked, line: int) -> Any:
        made = self._declared(each)
        self._at(line, lambda: declared(name, made))
        return made

    def _declared(self, each: Marked) -> Any:
        if isinstance(each.value, str):
            return self._type(each)
        fields = self._fields(each, ("type", "default"), "an input")
        kind = self._type(fields["type"]) if "type" in fields else Any
        return (kind, fields["default"].plain) if "default" in fields else kind

    def _type(self, each: Marked) -> Any:
        name = self._text(each)
        if name not in _TYPES:
            raise self._document.mistake(f"{name!r} is no type; {near(name, _TYPES)}", each.line)
        return _TYPES[name]

    # Values

    def _fields(self, value: Marked, known: Sequence[str], what: str) -> dict[str, Marked]:
        fields = self._object(value, f"{what} is").value
        for key in fields:
            if key not in known:
                raise self._document.mistake(f"{what} has no {key!r}; {near(key, known)}", value.keys[key])
        return fields

    def _none_of(self, fields: Mapping[str, Marked], names: Sequence[str], node: str) -> None:
        for name in names:
            if name in fields:
                raise self._document.mistake(f"node {node!r} runs no job, so it takes no {name!r}", fields[name].line)

    def _needed(self, fields: Mapping[str, Marked], name: str, whole: Marked) -> Marked:
        if name not in fields:
            raise self._document.mistake(f"here {name!r} is missing", whole.line)
        return fields[name]

    def _object(self, value: Marked, what: str) -> Marked:
        if not isinstance(value.value, dict):
            raise self._document.mistake(f"here {what} expected, as 'name: value'", value.line)
        return value

    def _text(self, value: Marked) -> str:
        return self._value(value, str, "a text", "")

    def _value(self, value: Marked | None, kind: type[Any], said: str, default: Any) -> Any:
        if value is None:
            return default
        if not isinstance(value.value, kind) or isinstance(value.value, bool):
            raise self._document.mistake(f"here {said} is expected, not {value.plain!r}", value.line)
        return value.value

    def _at(self, line: int, act: Callable[[], Any]) -> Any:
        """Do something; what is wrong with it is said with this line."""
        try:
            return act()
        except Mistake:
            raise
        except (FoliotError, TypeError, ValueError) as problem:
            raise self._document.mistake(str(problem), line) from None


# Writing


def dump(workflow: Workflow | Graph, form: str = "yaml") -> str:
    """Write a workflow as ``"yaml"`` or ``"json"``, to be read by ``load``.

    Raises WorkflowError for what only Python can say: a condition that is a function, retries on certain errors.
    """
    graph = workflow if isinstance(workflow, Graph) else workflow.graph
    document = described(graph)
    if isinstance(workflow, Workflow):
        document = {**document, **_wishes(workflow), "nodes": document.pop("nodes")}
    match form:
        case "yaml":
            return write_yaml(document)
        case "json":
            return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
        case _:
            raise WorkflowError(f"{form!r} is no form of a document; choose 'yaml' or 'json'")


def described(graph: Graph) -> dict[str, Any]:
    """A graph as a document."""
    written = graph.passed_over()
    head: dict[str, Any] = {"workflow": graph.name, "version": graph.version}
    if graph.declared:
        head["inputs"] = {name: _input_said(each) for name, each in graph.declared.items()}
    return {**head, "nodes": {each.name: _node_said(graph, each) for each in written.nodes}}


def _wishes(workflow: Workflow) -> dict[str, Any]:
    own = {("timeout" if key == "deadline" else key): each for key, each in workflow.wishes.items()}
    if left := [key for key in own if key not in _WHOLE]:
        raise WorkflowError(f"workflow {workflow.name!r}: a document has no {left[0]!r}; give it in Python")
    return {key: _length_said(each) for key, each in own.items()}


def _node_said(graph: Graph, node: Node) -> dict[str, Any]:
    where = f"workflow {graph.name!r}, node {node.name!r}"
    if node.when is not None and not isinstance(node.when, Expression):
        raise WorkflowError(f"{where} decides by a Python function; write it as an expression to export it")
    said: dict[str, Any] = {
        **_work_said(node),
        "after": node.after[0] if len(node.after) == 1 else list(node.after),
        "when": None if node.when is None else node.when.text,
        "otherwise": node.otherwise,
        "upon": "" if node.upon is Upon.SUCCESS else node.upon.value,
        "on_failure": "" if node.on_failure is Failed.BLOCK else node.on_failure.value,
        "args": dict(node.args),
        "take": {name: each.text for name, each in node.take.items()},
        **_options_said(where, node.options),
    }
    works = _work_said(node).keys()
    return {key: each for key, each in said.items() if key in works or ((each or each == 0) and each is not False)}


def _work_said(node: Node) -> dict[str, Any]:
    match node.work:
        case Task(job=job):
            return {"job": job.name}
        case Inner(graph):
            return {"workflow": graph.name}
        case Decision():
            return {"decision": {}}
        case Approval(timeout):
            return {"approval": {} if timeout is None else {"timeout": spell(timeout)}}
        case Signal(timeout):
            return {"signal": {} if timeout is None else {"timeout": spell(timeout)}}
        case Timer(wait):
            return {"timer": spell(wait)}
        case Callback(url, secret_from, headers):
            own = {"url": url, "secret_from": secret_from, "headers": dict(headers)}
            return {"callback": {key: each for key, each in own.items() if each}}


def _options_said(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    for key, each in options.items():
        if key not in _GIVEN or isinstance(each, Backoff):
            raise WorkflowError(f"{where}: a document cannot say {key}={each!r}; give it to the job in Python")
    return {key: _length_said(each) for key, each in options.items()}


def _length_said(value: Any) -> Any:
    match value:
        case timedelta():
            return spell(length(value))
        case tuple() | list():
            return [_length_said(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _input_said(value: Any) -> Any:
    match value:
        case (kind, default):  # pyright: ignore[reportUnknownVariableType]
            return {"type": _type_said(kind), "default": default}
        case kind:
            return _type_said(kind)


def _type_said(kind: Any) -> str:
    return next((name for name, each in _TYPES.items() if each == kind), "any")
