"""``foliot flow``: workflows as they are defined, and as they run; answer, skip and recover them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from foliot.cli import completion, documents, given
from foliot.cli.desk import Desk, command
from foliot.cli.options import several
from foliot.cli.printing import Answer, Table
from foliot.cli.words import Words, duration, lasting, many, why
from foliot.errors import WorkflowError
from foliot.model import Run

app = typer.Typer(
    name="flow",
    help="List, show, run, answer and recover workflows; name your scheduler with --app.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The workflow's name.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs, help="The workflow's run.")]
NodeName = Annotated[str, typer.Argument(metavar="NODE", help="The node's name.")]
By = Annotated[str, typer.Option("--by", help="Who answers.")]
Note = Annotated[str, typer.Option("--note", help="Why; joins the context as 'note'.")]
Form = Annotated[
    Literal["tree", "mermaid", "yaml", "json"],
    typer.Option("--as", help="As a tree of text, a Mermaid flowchart, or a document to be read again."),
]


@command(app, "list")
async def list_(desk: Desk) -> Answer:
    """List the workflows that --app defines."""
    graphs = desk.scheduler.workflows.graphs
    rows = [
        (name, str(each.version), str(len(each.nodes)), ", ".join(each.inputs) or "-") for name, each in graphs.items()
    ]
    found = [
        {"name": name, "version": each.version, "nodes": list(each.order), "inputs": list(each.inputs)}
        for name, each in graphs.items()
    ]
    table = Table(columns=("NAME", "VERSION", "NODES", "TAKES"), rows=rows, empty=_NONE)
    return Answer({"workflows": found}, [table])


_NONE = "There are no workflows here; name the scheduler that includes them with --app MODULE:SCHEDULER."


@command(app, "show")
async def show(
    desk: Desk,
    name: Name,
    form: Form = "tree",
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Draw in the states of this run.")] = None,
) -> Answer:
    """Show a workflow as a picture, or as a document.

    \b
    foliot --app shop flow show order --as mermaid > order.mmd
    foliot --app shop flow show order --as yaml > order.yaml
    """
    from foliot.workflows.documents import described, dump
    from foliot.workflows.pictures import mermaid, tree

    graph = desk.scheduler.workflows.named(name)
    nodes = None if run is None else await desk.scheduler.workflows.nodes(run)
    match form:
        case "tree":
            said = "\n".join(tree(graph, nodes, desk.now))
        case "mermaid":
            said = mermaid(graph, nodes, desk.now)
        case "yaml" | "json":
            said = dump(graph, form)
    return Answer(described(graph) if form in ("yaml", "json") else {"workflow": name, form: said}, [said])


@command(app, "run")
async def run(
    desk: Desk,
    name: Name,
    args: Annotated[list[str], several("--arg", "One input", "KEY=VALUE")],
    document: Annotated[str | None, typer.Option("--args", metavar="JSON", help="All inputs, as one object.")] = None,
) -> Answer:
    """Want a workflow run, now."""
    desk.scheduler.workflows.named(name)
    inputs = given.arguments(document, args) or {}
    handle = await desk.scheduler.jobs[name].enqueue(**inputs)
    return Answer(
        {"run": handle.id, "workflow": name, "fate": handle.fate.value}, [f"{handle.id} {name} is {handle.fate.value}"]
    )


@command(app, "nodes")
async def nodes(desk: Desk, run: RunId) -> Answer:
    """List what became of each node of a run."""
    found = await desk.scheduler.workflows.nodes(run)
    rows = [_row(name, each, desk.words) for name, each in found.items()]
    table = Table(columns=("NODE", "STATE", "STARTED", "TOOK", "WHY"), rows=rows, empty="No node is there yet.")
    return Answer({"run": run, "nodes": {name: documents.run(each, desk.now) for name, each in found.items()}}, [table])


def _row(name: str, run: Run, words: Words) -> tuple[str, ...]:
    return name, run.shown(words.now), words.time(run.started_at), lasting(duration(run, words.now)), why(run)


@command(app, "approve")
async def approve(desk: Desk, run: RunId, node: NodeName, by: By = "", note: Note = "") -> Answer:
    """Say yes to an approval that a run waits for."""
    return _answered(await desk.scheduler.workflows.approve(run, node, by=by, note=note), run, node)


@command(app, "refuse")
async def refuse(desk: Desk, run: RunId, node: NodeName, by: By = "", note: Note = "") -> Answer:
    """Say no to an approval that a run waits for."""
    return _answered(await desk.scheduler.workflows.refuse(run, node, by=by, note=note), run, node)


@command(app, "signal")
async def signal(
    desk: Desk,
    run: RunId,
    node: NodeName,
    value: Annotated[str, typer.Argument(metavar="[VALUE]", help="What it brings: JSON, or else a text.")] = "null",
) -> Answer:
    """Bring a signal's node what it waits for."""
    [(_, brought)] = given.pairs([f"value={value}"]).items()
    return _answered(await desk.scheduler.workflows.signal(run, node, brought), run, node)


def _answered(counts: bool, run: str, node: str) -> Answer:
    said = f"Told node {node!r} of run {run}." if counts else f"Node {node!r} of run {run} was answered before."
    return Answer({"run": run, "node": node, "counted": counts}, [said], ok=counts)


@command(app, "skip")
async def skip(
    desk: Desk, run: RunId, node: NodeName, reason: Annotated[str, typer.Option("--reason", help="Why.")] = ""
) -> Answer:
    """Skip a node that has not succeeded; those after it go on without its result."""
    await desk.scheduler.workflows.skip(run, node, reason)
    return Answer({"run": run, "skipped": node}, [f"Node {node!r} of run {run} is skipped."])


@command(app, "retry")
async def retry(desk: Desk, run: RunId, node: NodeName) -> Answer:
    """Run one node that is over again, and all after it."""
    return _again(run, await desk.scheduler.workflows.retry(run, node))


@command(app, "recover")
async def recover(desk: Desk, run: RunId) -> Answer:
    """Go on with a failed run from where it failed."""
    return _again(run, await desk.scheduler.workflows.recover(run))


def _again(run: str, names: list[str]) -> Answer:
    return Answer({"run": run, "again": names}, [f"{many(len(names), 'node')} of run {run} again: {', '.join(names)}"])


@command(app, "check")
async def check(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A workflow in YAML or JSON; - reads standard input.")],
) -> Answer:
    """Check a workflow's document against the jobs of --app, and draw it."""
    from foliot.workflows.documents import load
    from foliot.workflows.pictures import tree

    text = _text(file)
    made = load(text, desk.scheduler.jobs, file=file, workflows=list(desk.scheduler.workflows.graphs.values()))
    return Answer({"workflow": made.name, "version": made.version, "nodes": list(made.graph.order)}, tree(made.graph))


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise WorkflowError(f"cannot read {file}: {problem}") from None
