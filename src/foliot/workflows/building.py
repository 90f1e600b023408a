"""A workflow as code writes it: nodes one after the other, with ``after=`` or ``>>`` between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack, cast
from weakref import WeakKeyDictionary

from foliot.errors import WorkflowError
from foliot.handle import Handle
from foliot.jobs import Bundle, Job, Wish
from foliot.moments import Length, length
from foliot.options import (
    Callback as Told,
)
from foliot.options import (
    JobOptions,
    RunKeywords,
    ScheduleOptions,
    read,
    split,
)
from foliot.retry import Backoff
from foliot.triggers.base import Trigger
from foliot.workflows.checks import near
from foliot.workflows.expressions import Expression
from foliot.workflows.graph import Condition, Failed, Graph, Node, Upon, graph
from foliot.workflows.running import WorkflowJob, jobs_of, workflow_job
from foliot.workflows.works import Approval, Callback, Decision, Inner, Signal, Task, Timer, Work


class NodeKeywords(TypedDict, total=False):
    """What one node may ask for, in the place of what its job says."""

    retries: int | Sequence[Length] | Backoff
    timeout: Length
    queue: str
    priority: int
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    give_up_on: type[BaseException] | tuple[type[BaseException], ...]
    at_most_once: bool
    tags: Sequence[str]
    meta: Mapping[str, Any]


class EdgeKeywords(TypedDict, total=False):
    """When a node comes, and what follows from its failure."""

    after: Ref | str | Sequence[Ref | str] | None
    when: str | Condition | None
    otherwise: bool
    upon: Upon | str
    on_failure: Failed | str


class WorkflowKeywords(TypedDict, total=False):
    """What a whole workflow may ask for; ``timeout`` bounds it from when it is due until its last node has ended."""

    timeout: Length
    queue: str
    priority: int
    unique: str | bool | Callable[..., str]
    unique_for: Length
    expires: Length
    tags: Sequence[str]
    meta: Mapping[str, Any]
    on_success: Told
    on_failure: Told
    schedule_id: str
    args: Mapping[str, Any]
    overlap: str
    catchup: str
    window: Length
    most: int
    pause_after: int
    at_start: bool


class Ref:
    """A node of a workflow, to name in ``after=`` of others; ``a >> b`` and ``a >> [b, c] >> d`` say the same."""

    def __init__(self, home: Workflow, name: str) -> None:
        self.home, self.name = home, name

    def __repr__(self) -> str:
        return f"<node {self.name!r} of {self.home.name!r}>"

    def __rshift__(self, other: Ref | Sequence[Ref]) -> Any:
        """Let the other node, or each of several, come after this one; gives them back, for the next ``>>``."""
        for each in _several(other):
            self.home.connect(self, each)
        return other if isinstance(other, Ref) else Refs(other)

    def __rrshift__(self, others: Sequence[Ref]) -> Ref:
        """Let this node come after each of several."""
        for each in others:
            self.home.connect(each, self)
        return self


class Refs(tuple[Ref, ...]):
    """Several nodes beside each other."""

    __slots__ = ()

    def __rshift__(self, other: Ref | Sequence[Ref]) -> Any:
        """Let each of the others come after all of these."""
        for each in self:
            _ = each >> other
        return other if isinstance(other, Ref) else Refs(other)


class Workflow(Bundle):
    """A named, versioned graph of nodes. A scheduler's ``include`` takes it in, and then it is enqueued like a job."""

    def __init__(
        self,
        name: str,
        triggers: Sequence[Trigger] = (),
        *,
        version: int = 1,
        inputs: Mapping[str, Any] | None = None,
        previous: Sequence[Workflow] = (),
        wishes: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.version = name, version
        self._triggers, self.wishes = tuple(triggers), _known_wishes(name, dict(wishes or {}))
        self._declared, self._previous = dict(inputs or {}), tuple(previous)
        self._nodes: dict[str, Node] = {}
        self._graph: Graph | None = None
        self._job: WorkflowJob | None = None

    def __repr__(self) -> str:
        return f"<workflow {self.name!r}, version {self.version}>"

    # Nodes

    def node(  # noqa: PLR0913 - one keyword for each thing that can be said of a node
        self,
        work: Job[..., Any, Any] | Workflow | Graph | Callable[..., Any],
        name: str | None = None,
        *,
        after: Ref | str | Sequence[Ref | str] | None = None,
        when: str | Condition | None = None,
        otherwise: bool = False,
        upon: Upon | str = Upon.SUCCESS,
        on_failure: Failed | str = Failed.BLOCK,
        args: Mapping[str, Any] | None = None,
        take: Mapping[str, str | Expression] | None = None,
        **options: Unpack[NodeKeywords],
    ) -> Ref:
        """Add a node that runs a job, a plain function, or another workflow as a part of this one.

        Its parameters are filled in from the context by name: the workflow's inputs, the results of the nodes
        upstream under their names, and the keys of results that are objects. ``args`` gives constants, ``take``
        expressions over the context. Of the nodes after the same ones, the first whose ``when`` holds is run, else
        the one with ``otherwise=True``; ``upon="failure"`` runs a node if something failed, ``"end"`` whatever
        happened. ``on_failure="skip"`` lets those after it go on. Raises WorkflowError.
        """
        done = _work(work)
        edges: EdgeKeywords = {
            "after": after,
            "when": when,
            "otherwise": otherwise,
            "upon": upon,
            "on_failure": on_failure,
        }
        given = {"args": dict(args or {}), "take": {key: _expression(each) for key, each in (take or {}).items()}}
        called = name or _own_name(done)
        read(JobOptions, {**options}, f"workflow {self.name!r}, node {called!r}")
        return self._add(called, done, edges, {**given, "options": dict(options)})

    def decision(self, name: str, **edges: Unpack[EdgeKeywords]) -> Ref:
        """Add a decision: of the nodes after it, the first whose ``when`` holds is run, else ``otherwise=True``."""
        return self._add(name, Decision(), edges)

    def approval(self, name: str, *, timeout: Length | None = None, **edges: Unpack[EdgeKeywords]) -> Ref:
        """Add a wait for a person's yes or no, which joins the context as ``approved``, ``by`` and ``note``.

        No worker is held meanwhile. Nobody's answer within ``timeout`` is a no.
        """
        return self._add(name, Approval(_maybe(timeout)), edges)

    def signal(self, name: str, *, timeout: Length | None = None, **edges: Unpack[EdgeKeywords]) -> Ref:
        """Add a wait for a signal; what it brings is the result. Fails if it does not come within ``timeout``."""
        return self._add(name, Signal(_maybe(timeout)), edges)

    def timer(self, name: str, wait: Length, **edges: Unpack[EdgeKeywords]) -> Ref:
        """Add a wait of so long, without holding a worker."""
        return self._add(name, Timer(length(wait)), edges)

    def callback(
        self,
        name: str,
        url: str,
        *,
        secret_from: str | None = None,
        headers: Mapping[str, str] | None = None,
        take: Mapping[str, str | Expression] | None = None,
        retries: int | Sequence[Length] | Backoff = 5,
        timeout: Length = "30s",
        **edges: Unpack[EdgeKeywords],
    ) -> Ref:
        """Add a POST to a URL, with the context, or what ``take`` says, as JSON.

        It is signed with the secret in the environment variable that ``secret_from`` names. An answer other than 2xx,
        or none within ``timeout``, is tried again.
        """
        from foliot.workflows.callbacks import check_url

        work = Callback(check_url(url, f"workflow {self.name!r}, node {name!r}"), secret_from, dict(headers or {}))
        taken = {key: _expression(each) for key, each in (take or {}).items()}
        return self._add(name, work, edges, {"take": taken, "options": {"retries": retries, "timeout": timeout}})

    def _add(self, name: str, work: Work, edges: EdgeKeywords, more: Mapping[str, Any] | None = None) -> Ref:
        where = f"workflow {self.name!r}, node {name!r}"
        self._check_open(where)
        if name in self._nodes:
            raise WorkflowError(f"{where}: there is a node of this name already; give one of them name=...")
        when = edges.get("when")
        self._nodes[name] = Node(
            name=name,
            work=work,
            after=tuple(dict.fromkeys(self._named(where, each) for each in _several(edges.get("after")))),
            when=Expression(when) if isinstance(when, str) else when,
            otherwise=bool(edges.get("otherwise", False)),
            upon=_choice(Upon, edges.get("upon", Upon.SUCCESS), f"{where}: upon"),
            on_failure=_choice(Failed, edges.get("on_failure", Failed.BLOCK), f"{where}: on_failure"),
            **(more or {}),
        )
        return Ref(self, name)

    def _named(self, where: str, each: Any) -> str:
        if isinstance(each, Ref) and each.home is not self:
            raise WorkflowError(
                f"{where} comes after {each!r}, a node of another workflow; add that workflow as a node"
            )
        if isinstance(each, Ref | str):
            return each if isinstance(each, str) else each.name
        raise WorkflowError(f"{where} comes after {each!r}, which is no node; give what .node() gave back, or its name")

    def connect(self, above: Ref, below: Ref) -> None:
        """Let one node come after another."""
        where = f"workflow {self.name!r}, node {below.name!r}"
        self._check_open(where)
        if below.name not in self._nodes or below.home is not self:
            raise WorkflowError(f"{where} is no node of it; {near(below.name, self._nodes)}")
        node = self._nodes[below.name]
        self._nodes[below.name] = replace(node, after=tuple(dict.fromkeys((*node.after, self._named(where, above)))))

    def _check_open(self, where: str) -> None:
        if self._job is not None:
            raise WorkflowError(f"{where}: the workflow is in use already; add nodes before it is included or enqueued")
        self._graph = None

    # The whole

    @property
    def graph(self) -> Graph:
        """The whole as a value. Raises WorkflowError, or ExpressionError, for what can never work."""
        if self._graph is None:
            self._graph = graph(self.name, self.version, self._nodes.values(), self._declared)
        return self._graph

    @property
    def job(self) -> WorkflowJob:
        """The job that the workflow is. From here on it takes no more nodes."""
        if self._job is None:
            graphs = {each.version: each.graph for each in (*self._previous, self)}
            self._job = workflow_job(self.name, self.graph, graphs, self._triggers, self.wishes)
        return self._job

    def jobs(self) -> list[Job[..., Any, Any]]:
        """All jobs that a scheduler must know to run it: its own, one for each node, and those that nodes run."""
        graphs = [each.graph for each in (*self._previous, self)]
        return list(dict.fromkeys([self.job, *(job for each in graphs for job in jobs_of(each))]))

    async def enqueue(self, **inputs: Any) -> Handle[Any]:
        """Want it run with these inputs, now. Raises ArgumentsError if they do not fit what its nodes take."""
        return await self.job.enqueue(**inputs)

    def options(self, **wishes: Unpack[RunKeywords]) -> Wish[..., Any]:
        """This workflow with options for single runs, as for a job."""
        return self.job.options(**wishes)


class _Keywords(WorkflowKeywords, total=False):
    version: int
    inputs: Mapping[str, Any]
    previous: Sequence[Workflow]


def workflow(name: str, *on: Trigger, **wishes: Unpack[_Keywords]) -> Workflow:
    """Begin a workflow; fired by these triggers, if any are given.

    ``version`` goes up when the graph changes: runs that have begun are finished by workers that know their version,
    so name the older ones in ``previous`` until they are over. ``inputs`` declares what the nodes' parameters do not
    tell: ``{"note": str, "urgent": (bool, False)}``.
    """
    rest: dict[str, Any] = {**wishes}
    own = {key: rest.pop(key) for key in ("version", "inputs", "previous") if key in rest}
    return Workflow(name, on, **own, wishes=rest)


_FUNCTIONS: WeakKeyDictionary[Any, Job[..., Any, Any]] = WeakKeyDictionary()
"""The jobs that were made of plain functions, so that one function is one job wherever it is a node."""


def _work(work: Any) -> Work:
    if isinstance(work, Job):
        return Task(work)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(work, Workflow | Graph):
        return Inner(work.graph if isinstance(work, Workflow) else work)
    if not callable(work):
        raise WorkflowError(f"{work!r} is no job, function or workflow; give one of these to .node()")
    if work not in _FUNCTIONS:
        name = getattr(work, "__name__", type(work).__name__)
        _FUNCTIONS[work] = Job(work, read(JobOptions, {"name": name}, f"node {name!r}"))
    return Task(_FUNCTIONS[work], plain=True)


def _own_name(work: Work) -> str:
    match work:
        case Task(job=job):
            return job.name
        case Inner(graph):
            return graph.name
        case _:  # pragma: no cover - the others are always named
            raise WorkflowError("give it a name")


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else (value,)


def _expression(value: str | Expression) -> Expression:
    return Expression(value) if isinstance(value, str) else value


def _maybe(value: Length | None) -> int | None:
    return None if value is None else length(value)


def _choice(kind: type[Upon | Failed], value: Any, where: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise WorkflowError(
            f"{where}={value!r}; choose one of {', '.join(repr(each.value) for each in kind)}"
        ) from None


def _known_wishes(name: str, wishes: dict[str, Any]) -> dict[str, Any]:
    known = WorkflowKeywords.__annotations__
    for each in wishes:
        if each not in known:
            raise WorkflowError(f"workflow {name!r}: unknown option {each!r}; {near(each, known)}")
    if "timeout" in wishes:
        wishes["deadline"] = wishes.pop("timeout")
    ours, theirs = split(wishes)
    read(JobOptions, ours, f"workflow {name!r}")
    read(ScheduleOptions, theirs, f"workflow {name!r}")
    return wishes
