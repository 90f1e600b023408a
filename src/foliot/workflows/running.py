"""How a workflow runs: its run spawns one run for each node and is put down; a node decides when it is claimed.

All runs of a workflow are added at once, with ids made from its run and the node's name, and the store releases each
when what it comes after is over. So there is nothing to drive them, and nothing is decided twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from foliot.codec import Shape, dumps, loads
from foliot.context import Context
from foliot.control import PutDown, Skip, Snooze
from foliot.errors import WorkflowError
from foliot.handle import Call
from foliot.ids import child_id
from foliot.jobs import USUAL, Job, decorator, of_its_own
from foliot.model import Run, Terms
from foliot.moments import DAY, MINUTE, spell
from foliot.options import JobOptions, amend, read
from foliot.retry import exponential
from foliot.triggers.base import Trigger
from foliot.workflows.callbacks import CallbackRefused, post
from foliot.workflows.graph import Graph, Node
from foliot.workflows.outcomes import BY_HAND, admitted, arguments, chosen, concluded, looked_at, merged, wanted
from foliot.workflows.works import Approval, Callback, Decision, Inner, Signal, Task, Timer

if TYPE_CHECKING:
    from foliot.engine.attempt import Execution

ANSWER = "answer"
"""The name of the signal that an approval and a signal's node wait for."""
SKIPPED = "foliot.skip"
"""The job of a run that says that a node is to be skipped."""
LOOK, PATIENCE = 10 * MINUTE, DAY
"""How often a run looks for a worker that knows the version that began it, and how long."""


def node_job(graph: Graph, node: Node) -> str:
    """The name of the job that a node is: ``order@2/charge``."""
    return f"{graph.name}@{graph.version}/{node.name}"


def version_of(job: str) -> int | None:
    """The version that a node's job is of; None for other jobs."""
    number = job.partition("@")[2].partition("/")[0]
    return int(number) if number.isdecimal() else None


def node_id(run: str, node: str) -> str:
    """The id of a node's run, from that of the workflow's."""
    return child_id(run, node)


def skip_id(run: str, node: str) -> str:
    """The id of the run that says that a node is to be skipped."""
    return child_id(run, f"skip-{node}")


# The jobs


class WorkflowJob(Job[..., Any, Any]):
    """The job that a whole workflow is."""

    def __init__(self, function: Callable[..., Any], options: JobOptions, graphs: Mapping[int, Graph]) -> None:
        self.graphs = dict(graphs)
        """Its versions, by number; the last is the one that new runs begin."""
        super().__init__(function, options)


class NodeJob(Job[..., Any, Any]):
    """The job that a node is: what it runs, with arguments out of the context."""

    def __init__(self, function: Callable[..., Any], options: JobOptions, graph: Graph, node: Node) -> None:
        self.graph, self.node = graph, node
        super().__init__(function, replace(options, middleware=(self.guided, *options.middleware)))
        self.taken = self.shape
        self.shape = _Filled.like(self.taken)
        self._wanted = wanted(graph, node)

    async def guided(self, call: Execution, inner: Callable[[Execution], Awaitable[Any]]) -> Any:
        """Decide whether the node is executed; if so, execute it with what the context has for it."""
        upstream = self._upstream(call.context)
        if (passed := admitted(self.graph, self.node, upstream)) is not None:
            raise Skip(passed.reason)
        context = merged(self.graph, self.node.name, loads(call.run.args), upstream)
        args, kwargs = self.taken.decode(dumps(self._given(context)))
        return await inner(dataclasses.replace(call, args=(*call.args, *args), kwargs={**call.kwargs, **kwargs}))

    def _upstream(self, ctx: Context) -> dict[str, Run]:
        """The runs of the nodes that matter here. Raises Skip when somebody wants this one skipped."""
        run = ctx.run.parent or ""
        known = {each.id: each for each in ctx.upstream}
        if (mark := known.get(skip_id(run, self.node.name))) is not None:
            raise Skip(mark.reason or BY_HAND)
        names = (*self.node.after, *self._wanted)
        return {name: known[id] for name in names if (id := node_id(run, name)) in known}

    def _given(self, context: dict[str, Any]) -> dict[str, Any]:
        """What the function is called with, as JSON has it."""
        match self.node.work:
            case Task() | Inner():
                return arguments(self.node, context)
            case Decision():
                return {"context": context}
            case Callback():
                return {"data": arguments(self.node, context) if self.node.take else context}
            case Approval() | Signal() | Timer():
                return {}


class _Filled(Shape):
    """The shape of a function whose arguments are filled in when it is claimed; what its run carries are inputs."""

    @classmethod
    def like(cls, shape: Shape) -> _Filled:
        """The same as another in all that concerns results."""
        made = cls.__new__(cls)
        vars(made).update(vars(shape))
        return made

    def decode(self, text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Nothing: what it is called with comes later."""
        return (), {}


def workflow_job(
    name: str, graph: Graph, graphs: Mapping[int, Graph], triggers: Sequence[Trigger], wishes: Mapping[str, Any]
) -> WorkflowJob:
    """The job of a workflow, with schedules for its triggers."""
    ours = {key: value for key, value in wishes.items() if key in JobOptions.__struct_fields__}
    theirs = {key: value for key, value in wishes.items() if key not in ours}
    options = read(JobOptions, {**ours, "name": name}, f"workflow {name!r}")
    job = WorkflowJob(_entry(graph, graphs), options, graphs)
    for trigger in triggers:
        decorator(trigger, {**theirs, **of_its_own(trigger)})(job)
    return job


def jobs_of(graph: Graph) -> Iterator[Job[..., Any, Any]]:
    """The jobs of a graph's nodes, those that they run, and those of the workflows inside of it."""
    for node in graph.nodes:
        match node.work:
            case Task(job, plain):
                yield _task(graph, node, job)
                yield from () if plain else (job,)
            case Inner(inner):
                yield NodeJob(_entry(inner, {inner.version: inner}), _options(graph, node), graph, node)
                yield from jobs_of(inner)
            case Callback() as work:
                yield NodeJob(_posting(graph, node, work), _options(graph, node, **_of_callback()), graph, node)
            case Decision() | Approval() | Signal() | Timer():
                yield NodeJob(_waiting(graph, node), _options(graph, node), graph, node)


def _options(graph: Graph, node: Node, **more: Any) -> JobOptions:
    where = f"workflow {graph.name!r}, node {node.name!r}"
    return read(JobOptions, {**more, **node.options, "name": node_job(graph, node)}, where)


def _task(graph: Graph, node: Node, job: Job[..., Any, Any]) -> NodeJob:
    """A job as a node; limits on the job hold for it, too, by a lane: see ``_lanes``.

    Raises WorkflowError for what a job asks for that depends on its arguments, or on when it is due: a node is added
    with its workflow, and has both only when it starts.
    """
    if strange := [name for name in NEVER_OF_NODES if getattr(job.settings, name) not in (None, False)]:
        raise WorkflowError(
            f"workflow {graph.name!r}, node {node.name!r}: {strange[0]!r} of job {job.name!r} cannot hold for a node; "
            "let it be a job or a function without it; a workflow has a 'timeout' and 'expires' of its own"
        )
    own: dict[str, Any] = {"name": node_job(graph, node), "executor": job.executor}
    bare = replace(job.settings, unique=None, unique_for=None, concurrency=None, limit=None)
    options = amend(bare, {**own, **node.options}, f"workflow {graph.name!r}, node {node.name!r}")
    return NodeJob(job.function, options, graph, node)


NEVER_OF_NODES = ("unique", "debounce", "per_key", "shards", "key", "deadline", "expires", "route")
"""What a job may ask for that makes no sense where it is a node of a workflow."""


def _lanes(node: Node) -> tuple[str, ...]:
    match node.work:
        case Task(job=job) if job.settings.concurrency is not None or job.settings.limit is not None:
            return (f"job/{job.name}",)
        case _:
            return ()


# What nodes do that run no job


def _waiting(graph: Graph, node: Node) -> Callable[..., Any]:
    match node.work:
        case Approval(timeout):
            return partial(_approved, timeout=timeout)
        case Signal(timeout):
            return partial(_signalled, timeout=timeout)
        case Timer(wait):
            return partial(_slept, wait=wait)
        case _:
            return partial(_decided, graph=graph, node=node.name)


async def _approved(ctx: Context, *, timeout: int | None) -> dict[str, Any]:
    try:
        return await ctx.wait_for(ANSWER, timeout=_length(timeout), kind=dict)
    except TimeoutError:
        return {"approved": False, "by": "", "note": f"nobody answered within {spell(timeout or 0)}"}


async def _signalled(ctx: Context, *, timeout: int | None) -> Any:
    return await ctx.wait_for(ANSWER, timeout=_length(timeout))


async def _slept(ctx: Context, *, wait: int) -> None:
    await ctx.sleep(_length(wait) or 0)


async def _decided(context: dict[str, Any], *, graph: Graph, node: str) -> str | None:
    return chosen(graph, node, context)


def _length(micros: int | None) -> str | None:
    return None if micros is None else f"{micros}us"


def _of_callback() -> dict[str, Any]:
    return {"retries": exponential(5), "timeout": "30s", "give_up_on": CallbackRefused}


def _posting(graph: Graph, node: Node, work: Callback) -> Callable[..., Any]:
    return partial(post, work=work, workflow=graph.name, version=graph.version, node=node.name)


# The whole


def _entry(graph: Graph, graphs: Mapping[int, Graph]) -> Callable[..., Any]:
    """The function of a workflow, which takes its inputs."""

    async def entry(ctx: Context, **inputs: Any) -> Any:
        return await _orchestrated(ctx, graph, graphs, inputs)

    first = Parameter("ctx", Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    told: Any = entry
    told.__signature__ = Signature([first, *graph.inputs.values()], return_annotation=Any)
    told.__annotations__ = {"ctx": Context, "return": Any}
    told.__name__ = told.__qualname__ = graph.name
    return told


async def _orchestrated(ctx: Context, newest: Graph, graphs: Mapping[int, Graph], inputs: Mapping[str, Any]) -> Any:
    """Spawn the nodes, wait until all are over, and conclude from them. Found again by their ids, whoever goes on."""
    story: Any = ctx.acts
    ids = {node_id(ctx.run_id, name): name for each in (newest, *graphs.values()) for name in each.order}
    known: dict[str, Run] = await story.known(list(ids))
    begun = list(known.values()) or (await story.children(FEW) if ctx.token > 1 else [])
    graph = _begun_with(ctx, newest, graphs, begun)
    runs = {ids[each]: run for each, run in known.items()}
    if missing := [name for name in graph.order if name not in runs]:
        await _spawn(ctx, graph, missing, inputs)
    live = [node_id(ctx.run_id, name) for name in graph.order if name not in runs or not runs[name].state.over]
    if live:
        raise PutDown(live)
    return concluded(graph, runs)


FEW = 10
"""How many children to look at, at most, to tell which version spawned them."""


def _begun_with(ctx: Context, newest: Graph, graphs: Mapping[int, Graph], begun: Sequence[Run]) -> Graph:
    """The version that a run was begun with. Raises Snooze while no worker here knows it."""
    versions = [version for each in begun if (version := version_of(each.job)) is not None]
    if not versions or versions[0] in graphs:
        return graphs[versions[0]] if versions else newest
    version = versions[0]
    ours = ", ".join(map(str, graphs))
    why = f"version {version} of workflow {newest.name!r} began it, and this worker defines {ours}"
    if ctx.clock.now() - max(run.finished_at or run.created_at for run in begun) > PATIENCE:
        raise LookupError(f"{why}; name the older version in previous=[...]")
    raise Snooze(f"{LOOK}us", why)


async def _spawn(ctx: Context, graph: Graph, names: Sequence[str], inputs: Mapping[str, Any]) -> None:
    """Add these nodes' runs, page by page in order, so that what one waits for is always there before it."""
    story: Any = ctx.acts
    given = _plain(graph, inputs)
    runs = [_placed(ctx, graph, graph.by_name[name], given) for name in names]
    for at in range(0, len(runs), PAGE):
        ctx.raise_if_cancelled()
        await story.add(runs[at : at + PAGE])


PAGE = 100
"""How many nodes are added in one step of the store."""


def _plain(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as JSON has them, defaults included."""
    defaults = {name: each.default for name, each in graph.inputs.items() if each.default not in (each.empty, None)}
    return loads(dumps({**defaults, **inputs}))


def _placed(ctx: Context, graph: Graph, node: Node, inputs: Mapping[str, Any]) -> Run:
    story: Any = ctx.acts
    job = story.job(node_job(graph, node))
    run = story.place(Call(job, dumps(_needed(graph, node, inputs)), USUAL, ((), {})), node_id(ctx.run_id, node.name))
    return _with(
        run, after=_after(ctx.run_id, graph, node), lanes=(*run.lanes, *_lanes(node)), terms=Terms(anyway=True)
    )


def _after(run: str, graph: Graph, node: Node) -> tuple[str, ...]:
    """What a node's run waits for, and finds when it is claimed, with no further question to the store.

    That is what it comes after; those further up whose results it needs, which are over before; and the run that says
    that it is to be skipped, which is not there yet, if it ever will be, and so not waited for.
    """
    names = dict.fromkeys((*node.after, *wanted(graph, node)))
    return (*(node_id(run, each) for each in names), skip_id(run, node.name))


def _needed(graph: Graph, node: Node, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the inputs that a node may look at."""
    names = looked_at(graph, node)
    return dict(inputs) if names is None else {name: each for name, each in inputs.items() if name in names}


def _with(run: Run, **changes: Any) -> Run:
    return replace(run, **changes)


__all__ = ["NodeJob", "WorkflowJob", "jobs_of", "node_id", "node_job", "skip_id", "workflow_job"]
