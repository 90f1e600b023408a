"""Workflows as pictures: a tree of text, Mermaid, and the bars of a run over time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from foliot.model import Run
from foliot.moments import spell
from foliot.workflows.expressions import Expression
from foliot.workflows.graph import Failed, Graph, Node, Upon
from foliot.workflows.works import Approval, Callback, Decision, Inner, Signal, Task, Timer, told

# A tree of text


def tree(graph: Graph, runs: Mapping[str, Run] | None = None, now: int = 0) -> list[str]:
    """The graph as lines: each node below the last of those it comes after; further ones are named behind it.

    With the states of a run's nodes, if they are given.
    """
    rows = [(left, _state(runs, name, now), right) for left, name, right in _rows(graph)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head = f"{graph.name}, version {graph.version}{_inputs(graph)}"
    return [head, *(_aligned(row, widths) for row in rows)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True) if width).rstrip()


def _inputs(graph: Graph) -> str:
    return f"  takes {', '.join(graph.inputs)}" if graph.inputs else ""


def _rows(graph: Graph) -> Iterator[tuple[str, str, str]]:
    roots = [name for name in graph.order if not graph.by_name[name].after]
    waiting = [(root, "", root == roots[-1]) for root in reversed(roots)]
    while waiting:
        name, indent, last = waiting.pop()
        yield f"{indent}{'└─ ' if last else '├─ '}{name}", name, _said(graph, graph.by_name[name])
        below = [each for each in graph.below[name] if _home(graph, each) == name]
        inner = indent + ("   " if last else "│  ")
        waiting += [(each, inner, each == below[-1]) for each in reversed(below)]


def _home(graph: Graph, name: str) -> str:
    """The node below which another is drawn: the last, in the order of the graph, of those it comes after."""
    return max(graph.by_name[name].after, key=graph.order.index)


def _said(graph: Graph, node: Node) -> str:
    """What a node does, and when, in one line."""
    others = [each for each in node.after if each != _home(graph, node.name)] if node.after else []
    parts = [
        told(node.work),
        condition(node),
        f"upon {node.upon.value}" if node.upon is not Upon.SUCCESS else "",
        "its failure is skipped" if node.on_failure is Failed.SKIP else "",
        *(f"{key} {each}" for key, each in node.options.items() if key in ("retries", "timeout", "queue")),
        f"also after {', '.join(others)}" if others else "",
    ]
    return ", ".join(each for each in parts if each)


def condition(node: Node) -> str:
    """On which condition a decision chooses it."""
    if node.otherwise:
        return "otherwise"
    if node.when is None:
        return ""
    return f"when {node.when.text if isinstance(node.when, Expression) else _function(node.when)}"


def _function(predicate: object) -> str:
    return getattr(predicate, "__name__", repr(predicate))


# Mermaid


def mermaid(graph: Graph, runs: Mapping[str, Run] | None = None, now: int = 0) -> str:
    """The graph as a Mermaid flowchart; with the states of a run's nodes, if they are given."""
    lines = ["flowchart TD"]
    lines += [f"    {_id(graph, each.name)}{_shaped(each, _state(runs, each.name, now))}" for each in graph.nodes]
    for node in graph.nodes:
        lines += [f"    {_id(graph, each)} {_arrow(node)} {_id(graph, node.name)}" for each in node.after]
    return "\n".join([*lines, *_coloured(graph, runs or {}, now)]) + "\n"


def _state(runs: Mapping[str, Run] | None, name: str, now: int) -> str:
    return "" if runs is None else runs[name].shown(now) if name in runs else "not there yet"


def _id(graph: Graph, name: str) -> str:
    """A name that is no word of Mermaid's."""
    return f"n{graph.order.index(name)}"


def _shaped(node: Node, state: str) -> str:
    text = f'"{_escaped(node.name)}<br/>{_escaped(told(node.work))}{state and "<br/>" + state}"'
    match node.work:
        case Decision():
            return f"{{{text}}}"
        case Approval() | Signal():
            return f"[/{text}/]"
        case Timer():
            return f"([{text}])"
        case Callback():
            return f">{text}]"
        case Inner():
            return f"[[{text}]]"
        case Task():
            return f"[{text}]"


def _arrow(node: Node) -> str:
    label = condition(node) or (node.upon.value if node.upon is not Upon.SUCCESS else "")
    line = "-.->" if node.upon is not Upon.SUCCESS else "-->"
    return f'{line}|"{_escaped(label)}"|' if label else line


def _escaped(text: str) -> str:
    for sign, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(sign, code)
    return text


_COLOURS = {"succeeded": "#cfc", "failed": "#fcc", "skipped": "#eee", "cancelled": "#ecf", "running": "#cef"}


def _coloured(graph: Graph, runs: Mapping[str, Run], now: int) -> list[str]:
    return [
        f"    style {_id(graph, name)} fill:{_COLOURS[shown]}"
        for name, run in runs.items()
        if name in graph.by_name and (shown := run.shown(now)) in _COLOURS
    ]


# Bars over time


@dataclass(frozen=True, slots=True)
class Bar:
    """A run as it lay in time: when it was first due, when it ended, and how."""

    name: str
    since: int
    until: int
    shown: str
    executed: tuple[tuple[int, int], ...] = ()
    """When it was in a worker's hands."""


def bars(runs: Sequence[Run], now: int, names: Mapping[str, str] | None = None) -> list[Bar]:
    """Runs as bars, in the order in which they began; by their jobs' names, unless others are given by id."""
    made = [_bar(each, now, (names or {}).get(each.id, each.job)) for each in runs]
    return sorted(made, key=lambda each: (each.since, each.until))


def _bar(run: Run, now: int, name: str) -> Bar:
    spans = tuple(
        (each.started_at, now if each.ended_at is None else each.ended_at)
        for each in run.timeline
        if each.started_at is not None
    )
    until = now if run.finished_at is None else run.finished_at
    since = spans[0][0] if spans else until
    return Bar(name, since, max(since, until), run.shown(now), spans)


def gantt(chart: Sequence[Bar], width: int = 60) -> list[str]:
    """Bars as lines: ``█`` where a worker had the run in its hands, ``·`` where it waited."""
    if not chart:
        return ["There is nothing to draw yet."]
    start, end = min(each.since for each in chart), max(each.until for each in chart)
    names = max(len(each.name) for each in chart)
    states = max(len(each.shown) for each in chart)
    lines = [
        f"{each.name.ljust(names)}  {each.shown.ljust(states)}  {_drawn(each, start, end, width)}  "
        f"{_rounded(each.until - each.since)}"
        for each in chart
    ]
    return [*lines, f"{'':{names + states + 2}}  0{_rounded(end - start).rjust(width - 1)}"]


def _drawn(bar: Bar, start: int, end: int, width: int) -> str:
    """One bar in so many characters; what happened at all is at least one wide."""
    signs = [" "] * width
    spans = [((bar.since, bar.until), "·"), *((span, "█") for span in bar.executed)]
    for (since, until), sign in spans:
        low, high = (min(width - 1, (at - start) * width // max(1, end - start)) for at in (since, until))
        signs[low : high + 1] = sign * (high + 1 - low)
    return "".join(signs)


def _rounded(micros: int) -> str:
    """A length in at most two units."""
    for unit in (86_400_000_000, 60_000_000, 1_000_000, 1_000):
        if micros >= 100 * unit or (unit == 60_000_000 and micros >= 10 * unit):
            return spell(micros // unit * unit)
    return spell(micros)
