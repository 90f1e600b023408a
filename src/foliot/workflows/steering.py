"""Workflows, for people: approve, signal, skip, retry and recover; and what became of each node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from foliot.clock import Clock
from foliot.errors import UnknownRun, WorkflowError
from foliot.flow.family import cancel_below
from foliot.jobs import Job
from foliot.model import LIVE, Change, Query, Run, State
from foliot.moments import MINUTE
from foliot.stores.base import Store
from foliot.workflows.checks import near
from foliot.workflows.graph import Graph
from foliot.workflows.outcomes import BY_HAND, again
from foliot.workflows.running import ANSWER, SKIPPED, NodeJob, WorkflowJob, node_id, skip_id, version_of
from foliot.workflows.works import Approval, Inner, Signal

Send = Callable[[str, str, object], Awaitable[bool]]


class Workflows:
    """The workflows that a scheduler knows, and their runs in the store."""

    def __init__(self, store: Store, clock: Clock, jobs: Mapping[str, Job[..., Any, Any]], send: Send) -> None:
        self._store, self._clock, self._jobs, self._send = store, clock, jobs, send

    @property
    def graphs(self) -> dict[str, Graph]:
        """The newest version of each workflow, by name."""
        return {
            name: job.graphs[list(job.graphs)[-1]] for name, job in self._jobs.items() if isinstance(job, WorkflowJob)
        }

    def named(self, name: str) -> Graph:
        """The newest version of a workflow. Raises WorkflowError if none is called so."""
        if name not in self.graphs:
            raise WorkflowError(f"no workflow is called {name!r} here; {near(name, self.graphs)}")
        return self.graphs[name]

    async def graph(self, run: str) -> Graph:
        """The graph that a run follows. Raises UnknownRun, UnknownJob, WorkflowError."""
        return (await self._look(run))[0]

    async def nodes(self, run: str) -> dict[str, Run]:
        """The runs of a workflow's nodes, by name, in order; without those that are not there yet."""
        return (await self._look(run))[2]

    # Answers

    async def approve(self, run: str, node: str, *, by: str = "", note: str = "") -> bool:
        """Say yes to an approval. False if it was answered before; raises RunOver if nobody waits any more."""
        return await self._answer(run, node, {"approved": True, "by": by, "note": note}, Approval)

    async def refuse(self, run: str, node: str, *, by: str = "", note: str = "") -> bool:
        """Say no to an approval. False if it was answered before; raises RunOver if nobody waits any more."""
        return await self._answer(run, node, {"approved": False, "by": by, "note": note}, Approval)

    async def signal(self, run: str, node: str, value: object = None) -> bool:
        """Bring a signal's node what it waits for. False if that was brought before; raises RunOver if it is over."""
        return await self._answer(run, node, value, Signal)

    async def _answer(self, run: str, node: str, value: object, kind: type[Approval | Signal]) -> bool:
        graph, _, _ = await self._look(run)
        work = graph.by_name[_known(graph, node)].work
        if not isinstance(work, kind):
            fitting = [each.name for each in graph.nodes if isinstance(each.work, kind)]
            raise WorkflowError(
                f"workflow {graph.name!r}, node {node!r} waits for no {kind.__name__.lower()}; "
                f"those that do: {', '.join(fitting) or 'none'}"
            )
        return await self._send(node_id(run, node), ANSWER, value)

    # Steering

    async def retry(self, run: str, node: str) -> list[str]:
        """Run a node that is over again, and all nodes after it; tells which."""
        return await self._again(run, (node,))

    async def recover(self, run: str) -> list[str]:
        """Go on with a workflow from where it failed: its failed nodes run again, and all after them; tells which."""
        return await self._again(run, ())

    async def skip(self, run: str, node: str, reason: str = "") -> None:
        """Skip a node that has not succeeded: those after it go on without its result.

        Raises WorkflowError while it runs: cancel its run, or wait.
        """
        graph, _, runs = await self._look(run)
        one = runs.get(_known(graph, node))
        if one is not None and one.state in (State.RUNNING, State.SUCCEEDED):
            raise WorkflowError(
                f"node {node!r} of run {run} is {one.state.value}; only what has not run can be skipped"
            )
        await self._mark(run, node, f"{BY_HAND}: {reason}" if reason else BY_HAND)
        if one is None:
            return
        if one.state.over:
            await self._again(run, (node,))
        elif one.token:
            await self._wake(graph, one, node)

    async def _mark(self, run: str, node: str, reason: str) -> None:
        now = self._clock.now()
        mark = Run(
            id=skip_id(run, node),
            job=SKIPPED,
            key=node,
            parent=run,
            state=State.SKIPPED,
            reason=reason,
            due_at=now,
            created_at=now,
        )
        await self._store.add([mark], now)

    async def _wake(self, graph: Graph, run: Run, node: str) -> None:
        """Let somebody look at a node that was put down."""
        match graph.by_name[node].work:
            case Approval() | Signal():
                await self._send(run.id, ANSWER, None)
            case Inner():
                await cancel_below(self._store, self._clock, [run.id], BY_HAND)
            case _:
                await self._store.amend([run.id], Change(due_at=self._clock.now()), self._clock.now())

    async def _again(self, run: str, roots: Collection[str]) -> list[str]:
        graph, whole, runs = await self._look(run)
        names = again(graph, runs, [_known(graph, root) for root in roots])
        if live := [each for each in names if each in runs and not runs[each].state.over]:
            raise WorkflowError(
                f"node {live[0]!r} of run {run} is {runs[live[0]].shown(self._clock.now())}; wait until it is over"
            )
        if whole.state.over and (gone := [each for each in graph.order if runs and each not in runs]):
            raise WorkflowError(f"node {gone[0]!r} of run {run} has been pruned, so it cannot go on; enqueue it anew")
        if not names and whole.state in (*LIVE, State.SUCCEEDED):
            raise WorkflowError(f"no node of run {run} has failed; it is {whole.shown(self._clock.now())}")
        await self._revive_tree(run, graph, names)
        return names

    async def _revive_tree(self, run: str, graph: Graph, names: Sequence[str]) -> None:
        """Revive nodes in order, with the workflow's run before them, and let that look when all are there."""
        await self._revive([run], self._clock.now() + MINUTE)
        plain: list[str] = []
        for name in names:
            match graph.by_name[name].work:
                case Inner(inner):
                    await self._revive(plain)
                    await self._revive_inner(node_id(run, name), inner)
                    plain = []
                case _:
                    plain.append(node_id(run, name))
        await self._revive(plain)
        await self._store.amend([run], Change(due_at=self._clock.now()), self._clock.now())

    async def _revive_inner(self, run: str, graph: Graph) -> None:
        found = await self._found([node_id(run, name) for name in graph.order])
        runs = {name: found[id] for name in graph.order if (id := node_id(run, name)) in found}
        await self._revive_tree(run, graph, [each for each in again(graph, runs) if each in runs])

    async def _revive(self, ids: Sequence[str], due: int | None = None) -> None:
        for at in range(0, len(ids), self._store.batch):
            page = ids[at : at + self._store.batch]
            await self._store.amend(page, Change(revive=True, due_at=due), self._clock.now())

    # Looking

    async def _look(self, run: str) -> tuple[Graph, Run, dict[str, Run]]:
        whole = (await self._found([run])).get(run)
        if whole is None:
            raise UnknownRun(f"no run has the id {run!r}; it may have been pruned")
        versions = self._versions(whole)
        ids = {node_id(run, name): name for each in versions.values() for name in each.order}
        found = {ids[id]: each for id, each in (await self._found(list(ids))).items()}
        graph = _version_of(found, versions)
        return graph, whole, {name: found[name] for name in graph.order if name in found}

    def _versions(self, run: Run) -> dict[int, Graph]:
        job = self._jobs[run.job]
        if isinstance(job, WorkflowJob):
            return job.graphs
        if isinstance(job, NodeJob) and isinstance(job.node.work, Inner):
            return {job.node.work.graph.version: job.node.work.graph}
        raise WorkflowError(f"run {run.id} is of {run.job!r}, which is no workflow")

    async def _found(self, ids: Sequence[str]) -> dict[str, Run]:
        found: dict[str, Run] = {}
        for at in range(0, len(ids), self._store.batch):
            page = tuple(ids[at : at + self._store.batch])
            found |= {each.id: each for each in (await self._store.find(Query(ids=page, limit=len(page)))).runs}
        return found


def _known(graph: Graph, node: str) -> str:
    if node not in graph.by_name:
        raise WorkflowError(f"workflow {graph.name!r} has no node {node!r}; {near(node, graph.by_name)}")
    return node


def _version_of(runs: Mapping[str, Run], versions: Mapping[int, Graph]) -> Graph:
    """The version that these nodes are of; the newest, if none is there yet or theirs is not known."""
    newest = list(versions.values())[-1]
    for run in runs.values():
        return versions.get(version_of(run.job) or 0, newest)
    return newest
