"""Workflows as they run: the real engine in virtual time, and a direct topological execution to compare with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foliot.context import Context
from foliot.control import Skip
from foliot.errors import ArgumentsError, RunFailed, RunOver, UnknownRun, WorkflowError
from foliot.jobs import job
from foliot.model import Run, State
from foliot.moments import MILLISECOND
from foliot.scheduler import Scheduler
from foliot.testing import simulated
from foliot.when import every
from foliot.workflows.building import Workflow, workflow


def scheduler_of(*workflows: Workflow) -> Scheduler:
    scheduler = Scheduler("memory://", concurrency=20)
    scheduler.include(*workflows)
    return scheduler


async def outcome(made: Workflow, wait: str = "1h", **inputs: Any) -> tuple[Run, dict[str, Run]]:
    """The run of a workflow and those of its nodes, when all has happened."""
    scheduler = scheduler_of(made)
    async with simulated(scheduler) as time:
        handle = await made.enqueue(**inputs)
        await time.advance(wait)
        return await handle.status(), await scheduler.workflows.nodes(handle.id)


def told(runs: dict[str, Run]) -> dict[str, str]:
    """How each node ended, in a word or a reason."""
    return {name: (run.state is State.SKIPPED and run.reason) or run.state.value for name, run in runs.items()}


async def fine() -> str:
    return "fine"


async def broken() -> None:
    raise ValueError("no way")


def idle() -> None: ...


# Context and arguments


async def test_a_node_is_given_inputs_and_what_the_nodes_upstream_gave():
    seen: dict[str, Any] = {}

    async def reserve(order_id: int) -> dict[str, Any]:
        return {"total": order_id * 100, "order": {"id": order_id}}

    def charge(context: Context, order_id: int, total: int, reserve: dict[str, Any], *, note: str = "none") -> str:
        seen.update(order_id=order_id, total=total, reserve=reserve, note=note, job=context.job)
        return "charged"

    made = workflow("order", version=3)
    made.node(charge, after=made.node(reserve))

    run, _ = await outcome(made, order_id=4)

    assert run.result == '"charged"'
    assert seen == {
        "order_id": 4,
        "total": 400,
        "reserve": {"total": 400, "order": {"id": 4}},
        "note": "none",
        "job": "order@3/charge",
    }


async def test_constants_and_expressions_go_before_the_context():
    async def price() -> dict[str, int]:
        return {"amount": 10}

    async def pay(amount: float, currency: str, who: str, **more: int) -> list[Any]:
        return [amount, currency, who, more]

    made = workflow("w", inputs={"rate": (float, 0.5), "who": str})
    made.node(pay, after=made.node(price), args={"currency": "EUR"}, take={"amount": "amount * rate", "more": "1 + 1"})

    run, _ = await outcome(made, who="ann")

    assert run.result == '[5.0,"EUR","ann",{"more":2}]'


async def test_results_of_nodes_beside_each_other_are_all_in_the_context_and_the_order_of_the_graph_decides():
    async def slow() -> dict[str, int]:
        await asyncio.sleep(60)
        return {"shared": 1, "a": 1}

    async def quick() -> dict[str, int]:
        return {"shared": 2, "b": 2}

    async def join(shared: int, a: int, b: int, slow: dict[str, int]) -> list[Any]:
        return [shared, a, b, slow["shared"]]

    made = workflow("w")
    made.node(join, after=[made.node(slow), made.node(quick)])

    run, _ = await outcome(made)

    assert run.result == "[2,1,2,1]"


async def test_a_node_sees_nothing_of_what_runs_beside_it():
    async def beside() -> dict[str, int]:
        return {"x": 1}

    async def last(x: int = 0) -> int:
        return x

    made = workflow("w")
    start = made.node(idle)
    made.node(beside, after=start)
    made.node(last, after=start)

    _, nodes = await outcome(made)

    assert nodes["last"].result == "0"


async def test_inputs_are_checked_when_it_is_enqueued():
    async def use(order_id: int) -> None: ...

    made = workflow("w")
    made.node(use)
    scheduler = scheduler_of(made)

    async with simulated(scheduler):
        with pytest.raises(ArgumentsError, match=r"missing a required .*argument: 'order_id'"):
            await made.enqueue()
        with pytest.raises(ArgumentsError, match="oder_id"):
            await made.enqueue(order_id=4, oder_id=1)


async def test_a_node_with_arguments_that_do_not_fit_fails_and_says_which():
    async def give() -> dict[str, Any]:
        return {"x": "text"}

    async def use(x: int) -> None: ...

    made = workflow("w")
    made.node(use, after=made.node(give))

    run, nodes = await outcome(made)

    assert nodes["use"].error is not None
    assert "Expected `int`, got `str`" in nodes["use"].error.message
    assert run.state is State.FAILED


async def test_the_result_is_that_of_the_last_node_or_of_all_last_ones():
    one = workflow("one")
    one.node(fine, "b", after=one.node(idle))
    two = workflow("two")
    start = two.node(idle)
    two.node(fine, "a", after=start, when="true")
    two.node(fine, "b", after=start)
    two.node(broken, "c", after=start, on_failure="skip")

    assert (await outcome(one))[0].result == '"fine"'
    assert (await outcome(two))[0].result == '{"b":"fine","a":"fine"}'


# Branches


@pytest.mark.parametrize(("total", "taken"), [(50, "small"), (500, "large"), (5000, "huge")])
async def test_the_first_branch_that_holds_is_taken_and_the_others_say_that_they_are_not(total: int, taken: str):
    made = workflow("w", inputs={"total": int})
    start = made.node(idle)
    made.node(fine, "small", after=start, when="total < 100")
    made.node(fine, "large", after=start, when=lambda context: context["total"] < 1000)
    made.node(fine, "huge", after=start, otherwise=True)
    made.node(fine, "after_small", after="small")
    made.node(fine, "end", after=["small", "large", "huge"])

    run, nodes = await outcome(made, total=total)

    ways = told(nodes)
    assert ways.pop("after_small") == ("succeeded" if taken == "small" else "branch not taken: nor was small")
    assert {name for name, way in ways.items() if way == "succeeded"} == {
        "idle",
        "small_or_large_or_huge",
        taken,
        "end",
    }
    others = {"small", "large", "huge"} - {taken}
    assert {ways[each] for each in others} == {f"branch not taken: small_or_large_or_huge chose {taken}"}
    assert run.state is State.SUCCEEDED


async def test_without_a_default_no_branch_may_be_taken():
    made = workflow("w", inputs={"x": int})
    route = made.decision("route")
    made.node(fine, "a", after=route, when="x > 1")
    made.node(fine, "b", after=route, when="x > 2")

    run, nodes = await outcome(made, x=0)

    assert told(nodes)["a"] == "branch not taken: route chose none"
    assert (run.state, run.result) == (State.SUCCEEDED, "{}")


@pytest.mark.parametrize("when", ["x / 0 > 1", lambda context: context["missing"]])
async def test_a_decision_that_raises_fails_and_its_branches_are_skipped_with_the_reason(when: Any):
    made = workflow("w", inputs={"x": int})
    made.node(fine, "a", when=when)
    made.node(fine, "b", otherwise=True)

    run, nodes = await outcome(made, x=1)

    assert nodes["a_or_b"].state is State.FAILED
    assert told(nodes)["a"] == told(nodes)["b"] == "upstream failed: a_or_b"
    assert run.state is State.FAILED
    assert run.error is not None
    assert "node 'a_or_b' failed: " in run.error.message


# Failures


@pytest.mark.parametrize(
    ("on_failure", "upon", "below", "whole"),
    [
        ("block", "success", "upstream failed: broken", "failed"),
        ("block", "failure", "succeeded", "failed"),
        ("block", "end", "succeeded", "failed"),
        ("skip", "success", "succeeded", "succeeded"),
        ("skip", "failure", "succeeded", "succeeded"),
        ("skip", "end", "succeeded", "succeeded"),
    ],
)
async def test_what_the_failure_of_a_node_means(on_failure: str, upon: str, below: str, whole: str):
    made = workflow("w")
    bad = made.node(broken, on_failure=on_failure)
    made.node(fine, "below", after=bad, upon=upon)
    made.node(fine, "beside")

    run, nodes = await outcome(made)

    assert told(nodes) == {"broken": "failed", "below": below, "beside": "succeeded"}
    assert run.state.value == whole


async def test_a_failure_reaches_all_that_comes_after_and_is_told_once():
    made = workflow("w")
    a = made.node(broken, "a")
    b = made.node(fine, "b", after=a)
    made.node(fine, "c", after=[b, made.node(fine, "d")])
    made.node(fine, "undo", after=b, upon="failure")

    run, nodes = await outcome(made)

    assert told(nodes) == {
        "a": "failed",
        "d": "succeeded",
        "b": "upstream failed: a",
        "c": "upstream failed: b",
        "undo": "succeeded",
    }
    assert run.error is not None
    assert run.error.message == "node 'a' failed: ValueError: no way"


async def test_what_is_to_run_upon_failure_is_not_taken_when_all_went_well():
    made = workflow("w")
    made.node(fine, "undo", after=made.node(fine), upon="failure")

    run, nodes = await outcome(made)

    assert told(nodes)["undo"] == "branch not taken: nothing failed in fine"
    assert run.state is State.SUCCEEDED


async def test_what_compensates_may_depend_on_what_was_done():
    async def reserve() -> dict[str, str]:
        return {"stock": "s1"}

    released: list[str] = []

    async def release(stock: str) -> None:
        released.append(stock)

    made = workflow("w")
    reserved = made.node(reserve)
    charged = made.node(broken, "charge", after=reserved)
    made.node(release, after=[reserved, charged], upon="failure", when="given(reserve)")

    run, _ = await outcome(made)

    assert released == ["s1"]
    assert run.state is State.FAILED


async def test_a_node_is_retried_as_it_says_before_it_counts_as_failed():
    calls: list[int] = []

    @job(name="flaky", retries=1)
    async def flaky(context: Context) -> int:
        calls.append(context.attempt)
        if context.attempt < 3:
            raise ValueError
        return context.attempt

    made = workflow("w")
    made.node(flaky, retries=["1m", "1m"])

    run, _ = await outcome(made)

    assert (calls, run.result) == ([1, 2, 3], "3")


async def test_a_node_that_takes_too_long_fails_by_its_own_timeout():
    async def slow() -> None:
        await asyncio.sleep(100)

    made = workflow("w")
    made.node(slow, timeout="10s")

    run, nodes = await outcome(made)

    assert nodes["slow"].error is not None
    assert nodes["slow"].error.message == "took longer than 10s"
    assert run.state is State.FAILED


async def test_a_node_that_skips_itself_does_not_stop_those_after_it():
    async def lazy() -> None:
        raise Skip("nothing to do")

    made = workflow("w")
    made.node(fine, "end", after=made.node(lazy))

    run, nodes = await outcome(made)

    assert told(nodes) == {"lazy": "nothing to do", "end": "succeeded"}
    assert run.result == '"fine"'


# The whole


async def test_the_timeout_of_the_whole_ends_what_is_not_done_by_then():
    made = workflow("w", timeout="1d")
    made.node(fine, "end", after=made.timer("wait", "3d"))

    run, nodes = await outcome(made, wait="2d")

    assert run.state is State.FAILED
    assert (nodes["wait"].reason or "").startswith("deadline")


async def test_stopping_a_workflow_cancels_its_nodes():
    made = workflow("w")
    made.node(fine, "end", after=made.timer("wait", "3d"))
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1h")
        await handle.cancel("enough")
        await time.advance("1h")
        run, nodes = await handle.status(), await scheduler.workflows.nodes(handle.id)

    assert run.state is State.CANCELLED
    assert {each.state for each in nodes.values()} == {State.CANCELLED}


async def test_a_schedule_fires_a_workflow_as_it_fires_a_job_and_knows_overlap():
    made = workflow("nightly", every("1d", overlap="skip", args={"day": 3}))

    async def use(day: int) -> int:
        return day

    made.node(use, after=made.timer("wait", "30h"))
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        await time.advance("6d")
        runs = await scheduler.runs.find(job="nightly", schedule="nightly")

    assert [(run.state.value, run.result) for run in reversed(runs)][:3] == [
        ("succeeded", "3"),
        ("skipped", None),
        ("succeeded", "3"),
    ]


async def test_limits_of_a_job_hold_when_it_is_a_node():
    most = now = 0

    @job(name="narrow", concurrency=1)
    async def narrow() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(1)
        now -= 1

    made = workflow("w")
    for n in range(4):
        made.node(narrow, f"n{n}")

    run, _ = await outcome(made)

    assert (run.state, most) == (State.SUCCEEDED, 1)


async def test_a_workflow_of_many_nodes_is_added_in_pages_and_ends():
    made = workflow("w")
    last = made.node(idle, "n0")
    for n in range(1, 250):
        last = made.node(idle, f"n{n}", after=last)

    run, nodes = await outcome(made)

    assert run.state is State.SUCCEEDED
    assert {each.state for each in nodes.values()} == {State.SUCCEEDED}
    assert len(nodes) == 250


def double(n: int) -> int:
    return 2 * n


async def test_nodes_run_in_the_executor_of_their_job(tmp_path: Path):
    made = workflow("w", inputs={"n": int})
    made.node(job(name="double", executor="processes")(double), "a", take={"n": "n"})
    made.node(job(name="double_in_thread", executor="threads")(double), "b", take={"n": "a"}, after="a")

    scheduler = Scheduler(f"sqlite:///{tmp_path}/runs.db", processes=1)
    scheduler.include(made)

    async with scheduler:
        handle = await made.enqueue(n=3)
        result = await handle.result(timeout=30)

    assert result == 12


# People, signals and time


async def test_three_days_and_an_approval_pass_in_virtual_time():
    made = workflow("order")
    ok = made.approval("ok", after=made.timer("cool_off", "3d"), timeout="2d")
    made.node(fine, "ship", after=ok, when="approved and by == 'ann'")
    made.node(fine, "refund", after=ok, otherwise=True)
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("4d")
        assert (await handle.status()).state is State.PENDING
        assert await scheduler.workflows.approve(handle.id, "ok", by="ann", note="fine")
        await time.advance("1m")
        run = await handle.status()
        with pytest.raises(RunOver, match="nobody waits for the signal"):
            await scheduler.workflows.refuse(handle.id, "ok")

    assert run.result == '{"ship":"fine"}'


async def test_an_approval_that_nobody_gives_in_time_is_a_no():
    made = workflow("order")
    made.approval("ok", timeout="2d")

    run, _ = await outcome(made, wait="3d")

    assert run.result == '{"approved":false,"by":"","note":"nobody answered within 2d"}'


async def test_an_approval_may_be_given_before_anybody_waits_for_it_and_only_once():
    made = workflow("order")
    made.approval("ok", after=made.timer("wait", "1d"))
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1h")
        assert await scheduler.workflows.refuse(handle.id, "ok", by="bob")
        assert not await scheduler.workflows.approve(handle.id, "ok")
        await time.advance("2d")
        run = await handle.status()

    assert run.result == '{"approved":false,"by":"bob","note":""}'


async def test_a_signal_brings_a_value_and_fails_when_it_does_not_come():
    made = workflow("order")
    made.signal("paid", timeout="1d")
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        first, second = await made.enqueue(), await made.enqueue()
        await time.advance("1h")
        assert await scheduler.workflows.signal(first.id, "paid", {"amount": 3})
        await time.advance("2d")
        runs = [await first.status(), await second.status()]

    assert runs[0].result == '{"amount":3}'
    assert runs[1].error is not None
    assert "node 'paid' failed: TimeoutError" in runs[1].error.message


async def test_whoever_steers_is_told_what_does_not_exist():
    made = workflow("order")
    made.signal("paid", after=made.node(fine))
    scheduler = scheduler_of(made)

    @scheduler.job()
    async def other() -> None: ...

    async with simulated(scheduler) as time:
        handle, stranger = await made.enqueue(), await other.enqueue()
        await time.advance("1m")
        steer = scheduler.workflows
        with pytest.raises(WorkflowError, match="has no node 'pad'; did you mean 'paid'"):
            await steer.signal(handle.id, "pad")
        with pytest.raises(WorkflowError, match=r"node 'paid' waits for no approval; those that do: none"):
            await steer.approve(handle.id, "paid")
        with pytest.raises(WorkflowError, match="which is no workflow"):
            await steer.recover(stranger.id)
        with pytest.raises(UnknownRun):
            await steer.recover("nothing")
        with pytest.raises(WorkflowError, match=r"no node of run \S+ has failed; it is waiting"):
            await steer.recover(handle.id)
        with pytest.raises(WorkflowError, match=r"node 'paid' of run .* is waiting; wait until it is over"):
            await steer.retry(handle.id, "fine")
        with pytest.raises(WorkflowError, match=r"node 'fine' of run .* is succeeded; only what has not run"):
            await steer.skip(handle.id, "fine")


# Again, and not at all


class Switch:
    """A function that fails until it is told otherwise."""

    def __init__(self) -> None:
        self.works, self.calls = False, 0

    async def __call__(self) -> str:
        self.calls += 1
        if not self.works:
            raise ValueError("no way")
        return "worked"


async def test_a_failed_workflow_goes_on_from_where_it_failed():
    first, switch = Switch(), Switch()
    first.works = True
    made = workflow("w")
    a = made.node(job(name="a")(first), "a")
    b = made.node(job(name="b")(switch), "b", after=a)
    made.node(fine, "c", after=b)
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1m")
        assert (await handle.status()).state is State.FAILED
        switch.works = True
        again = await scheduler.workflows.recover(handle.id)
        await time.advance("1m")
        run, nodes = await handle.status(), await scheduler.workflows.nodes(handle.id)

    assert again == ["b", "c"]
    assert (first.calls, switch.calls) == (1, 2)
    assert run.state is State.SUCCEEDED
    assert set(told(nodes).values()) == {"succeeded"}


async def test_a_node_is_run_again_with_all_that_comes_after_it():
    first, second = Switch(), Switch()
    first.works = second.works = True
    made = workflow("w")
    a = made.node(job(name="a")(first), "a")
    made.node(job(name="b")(second), "b", after=a)
    made.node(fine, "c")
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1m")
        assert await scheduler.workflows.retry(handle.id, "a") == ["a", "b"]
        await time.advance("1m")
        run = await handle.status()

    assert (first.calls, second.calls, run.state) == (2, 2, State.SUCCEEDED)


async def test_a_node_may_be_retried_while_others_go_on():
    switch = Switch()
    made = workflow("w")
    a = made.node(job(name="a")(switch), "a")
    made.node(fine, "b", after=[a, made.timer("wait", "1d")])
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1h")
        switch.works = True
        with pytest.raises(WorkflowError, match=r"node 'b' of run .* is waiting"):
            await scheduler.workflows.retry(handle.id, "a")
        await time.advance("1d")
        await scheduler.workflows.recover(handle.id)
        await time.advance("1h")
        run = await handle.status()

    assert run.result == '"fine"'


async def test_what_failed_inside_of_an_inner_workflow_is_recovered_there():
    switch = Switch()
    inner = workflow("inner")
    inner.node(fine, "y", after=inner.node(job(name="x")(switch), "x"))
    made = workflow("w")
    a = made.node(fine, "a")
    made.node(fine, "z", after=made.node(inner, after=a))
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1m")
        assert (await handle.status()).state is State.FAILED
        switch.works = True
        assert await scheduler.workflows.recover(handle.id) == ["inner", "z"]
        await time.advance("5m")
        run = await handle.status()
        inside = await scheduler.workflows.nodes((await scheduler.workflows.nodes(handle.id))["inner"].id)

    assert run.result == '"fine"'
    assert set(told(inside).values()) == {"succeeded"}


async def test_a_workflow_that_was_never_begun_goes_on_too_and_one_without_its_records_does_not():
    made = workflow("w")
    made.node(broken, after=made.node(fine), retries=["10s"])
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        early = await made.options(after="1h").enqueue()
        await early.cancel()
        assert await scheduler.workflows.recover(early.id) == []
        await time.advance("1m")
        assert (await early.status()).state is State.FAILED
        await scheduler.store.prune(None, 0, 1)
        with pytest.raises(WorkflowError, match=r"node 'fine' of run .* has been pruned, so it cannot go on"):
            await scheduler.workflows.recover(early.id)


@pytest.mark.parametrize("kind", ["failed", "waiting", "approval", "signal", "timer", "inner", "retrying"])
async def test_a_node_skipped_by_hand_says_so_and_those_after_it_go_on(kind: str):
    inner = workflow("inner")
    inner.timer("long", "9d")
    made = workflow("w")
    match kind:
        case "failed":
            made.node(broken, "x")
        case "waiting":
            made.node(broken, "x", after=made.timer("before", "1d"))
        case "approval":
            made.approval("x")
        case "signal":
            made.signal("x")
        case "timer":
            made.timer("x", "9d")
        case "inner":
            made.node(inner, "x")
        case _:
            made.node(broken, "x", retries=["9d"])
    made.node(fine, "end", after="x")
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance("1h")
        await scheduler.workflows.skip(handle.id, "x", "not today")
        await time.advance("2d")
        run, nodes = await handle.status(), await scheduler.workflows.nodes(handle.id)

    assert told(nodes)["x"] == "skipped by hand: not today"
    assert (run.state, run.result) == (State.SUCCEEDED, '"fine"')


async def test_a_node_may_be_skipped_before_it_is_there():
    made = workflow("w")
    made.node(broken, "x")
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.options(after="1h").enqueue()
        await scheduler.workflows.skip(handle.id, "x")
        await time.advance("2h")
        nodes = await scheduler.workflows.nodes(handle.id)

    assert told(nodes) == {"x": "skipped by hand"}


# Workflows in workflows, and versions


async def test_a_workflow_is_a_node_of_another_and_gives_it_its_result():
    async def half(n: int) -> dict[str, int]:
        return {"n": n // 2}

    async def show(n: int, halve: dict[str, int]) -> list[Any]:
        return [n, halve]

    halve = workflow("halve")
    halve.node(half)
    made = workflow("w")
    made.node(show, after=made.node(halve, after=made.node(idle)))
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue(n=8)
        await time.advance("1m")
        run = await handle.status()
        inner = (await scheduler.workflows.nodes(handle.id))["halve"]
        graph = await scheduler.workflows.graph(inner.id)

    assert run.result == '[4,{"n":4}]'
    assert graph.name == "halve"


async def test_a_run_is_finished_by_the_version_that_began_it():
    old = workflow("w", version=1)
    old.node(fine, "end", after=old.timer("wait", "1d"))
    new = workflow("w", version=2, previous=[old])
    new.node(idle, "other")
    first, second = scheduler_of(old), scheduler_of(new)

    async with simulated(first) as time:
        handle = await old.enqueue()
        await time.advance("1h")
        store = first.store
    async with simulated(second, "2026-01-01T02:00:00Z", store=store) as time:
        fresh = await new.enqueue()
        await time.advance("2d")
        runs = [await second.runs.get(each.id) for each in (handle, fresh)]
        graph = await second.workflows.graph(handle.id)

    assert [each.result for each in runs] == ['"fine"', "null"]
    assert graph.version == 1


async def test_a_run_that_an_unknown_version_began_waits_a_day_and_fails_with_the_reason():
    old = workflow("w", version=1)
    old.timer("wait", "1h")
    new = workflow("w", version=2)
    new.node(idle)
    first, second = scheduler_of(old), scheduler_of(new)

    async with simulated(first) as time:
        handle = await old.enqueue()
        await time.advance("1m")
        store = first.store
    async with simulated(second, "2026-01-01T02:00:00Z", store=store) as time:
        await time.advance("1h")
        early = await second.runs.get(handle.id)
        await time.advance("3d")
        late = await second.runs.get(handle.id)

    assert not early.state.over
    assert late.error is not None
    assert "version 1 of workflow 'w' began it, and this worker defines 2" in late.error.message


# Equivalence


@dataclass(frozen=True)
class Spec:
    """One node of a random graph."""

    after: frozenset[int]
    fails: bool
    on_failure: str
    upon: str
    above: int | None
    """It is taken if x is above this; None: always."""


@st.composite
def graphs(draw: Callable[..., Any]) -> list[Spec]:
    specs: list[Spec] = []
    for n in range(draw(st.integers(1, 8))):
        after = draw(st.frozensets(st.integers(0, n - 1), max_size=3)) if n else frozenset[int]()
        specs.append(
            Spec(
                after=after,
                fails=draw(st.integers(0, 3)) == 0,
                on_failure=draw(st.sampled_from(["block", "block", "skip"])),
                upon=draw(st.sampled_from(["success", "success", "success", "failure", "end"])) if after else "success",
                above=draw(st.sampled_from([None, None, 0, 5])),
            )
        )
    return specs


def built(specs: list[Spec]) -> Workflow:
    made = workflow("w", inputs={"x": int})
    for n, spec in enumerate(specs):
        made.node(
            _function(n, spec.fails),
            f"n{n}",
            after=[f"n{each}" for each in sorted(spec.after)],
            when=None if spec.above is None else f"x > {spec.above}",
            on_failure=spec.on_failure,
            upon=spec.upon,
        )
    return made


def _function(n: int, fails: bool) -> Callable[..., Any]:
    async def work(sum_: int = 0) -> dict[str, int]:
        if fails:
            raise ValueError
        return {"sum_": sum_ + n + 1}

    return work


def executed(made: Workflow, specs: list[Spec], x: int) -> dict[str, tuple[str, int | None]]:
    """A direct execution in topological order: how each node ends, and what it gives."""
    done: dict[str, tuple[str, int | None]] = {}
    for name in made.graph.order:
        if name[1:].isdigit():
            done[name] = _one(specs, int(name[1:]), x, done, made.graph.order)
    return done


def _one(
    specs: list[Spec], n: int, x: int, done: dict[str, tuple[str, int | None]], order: tuple[str, ...]
) -> tuple[str, int | None]:
    spec = specs[n]
    ways = {done[f"n{each}"][0]: specs[each] for each in spec.after}
    pairs = [(done[f"n{each}"][0], specs[each]) for each in spec.after]
    bad = any(way in {"blocked", "failed"} for way, _ in pairs)
    blocked = any(way == "blocked" or (way == "failed" and each.on_failure == "block") for way, each in pairs)
    if spec.upon == "failure" and not bad:
        return "not taken", None
    if spec.upon == "success" and blocked:
        return "blocked", None
    if spec.upon == "success" and ways and set(ways) == {"not taken"}:
        return "not taken", None
    if spec.above is not None and _winner(specs, n, x) != n:
        return "not taken", None
    if spec.fails:
        return "failed", None
    return "done", _upstream_sum(specs, n, done, order) + n + 1


def _winner(specs: list[Spec], n: int, x: int) -> int | None:
    """The first of the nodes after the same ones whose condition holds."""
    same = (specs[n].after, specs[n].upon)
    group = [m for m, each in enumerate(specs) if each.above is not None and (each.after, each.upon) == same]
    return next((m for m in group if x > (specs[m].above or 0)), None)


def _upstream_sum(specs: list[Spec], n: int, done: dict[str, tuple[str, int | None]], order: tuple[str, ...]) -> int:
    above, waiting = set[int](), list(specs[n].after)
    while waiting:
        each = waiting.pop()
        above.add(each)
        waiting += specs[each].after
    sums = [done[name][1] for name in order if name in done and int(name[1:]) in above]
    return next((each for each in reversed(sums) if each is not None), 0)


WAYS = {"upstream failed": "blocked", "branch not take": "not taken"}


@pytest.mark.untraced
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.sampled_from([0, 3, 9]))
def test_any_graph_ends_as_a_direct_execution_in_topological_order(specs: list[Spec], x: int):
    made = built(specs)

    run, nodes = asyncio.run(outcome(made, x=x))

    expected = executed(made, specs, x)
    got = {
        name: (
            WAYS.get((each.reason or "")[:15], each.state.value.replace("succeeded", "done")),
            None if each.result is None else int(each.result.partition(":")[2].rstrip("}")),
        )
        for name, each in nodes.items()
        if name[1:].isdigit()
    }
    assert got == expected
    failed = any(way == "failed" and specs[int(name[1:])].on_failure == "block" for name, (way, _) in expected.items())
    assert run.state is (State.FAILED if failed else State.SUCCEEDED)


# On every store


async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A webhook that is pleased with anything."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.partition("content-length:")[2].partition("\r")[0]))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    await writer.drain()
    writer.close()


async def test_all_kinds_of_nodes_and_a_recovery_give_the_same_on_every_store(url: str):
    hook = await asyncio.start_server(heard, "127.0.0.1", 0)
    switch = Switch()
    inner = workflow("pack")
    inner.node(fine, "wrap")
    made = workflow("order")
    paid = made.signal("paid", after=made.node(job(name="flaky")(switch), "reserve"))
    ok = made.approval("ok", after=paid)
    ship = made.node(inner, "ship", after=ok, when="approved")
    made.callback("tell", f"http://127.0.0.1:{hook.sockets[0].getsockname()[1]}/", after=ship)
    made.node(fine, "refund", after=ok, otherwise=True)
    scheduler = Scheduler(url)
    scheduler.include(made)

    async with hook, scheduler:
        handle = await made.enqueue()
        failed = await scheduler.runs.ended(handle.id, timeout=30)
        switch.works = True
        await scheduler.workflows.recover(handle.id)
        await scheduler.workflows.approve(handle.id, "ok")
        await scheduler.workflows.signal(handle.id, "paid", 5)
        result = await handle.result(timeout=30)
        ends = told(await scheduler.workflows.nodes(handle.id))

    assert failed.state is State.FAILED
    assert result == {"tell": {"status": 200, "answer": {}}}
    assert ends.pop("refund").startswith("branch not taken")
    assert set(ends.values()) == {"succeeded"}


async def test_a_failed_workflow_raises_for_whoever_waits_for_its_result():
    made = workflow("w")
    made.node(broken)
    scheduler = scheduler_of(made)

    async with simulated(scheduler) as time:
        handle = await made.enqueue()
        await time.advance(MILLISECOND / 1_000_000)
        await time.advance("1s")
        with pytest.raises(RunFailed, match=r"node 'broken' failed: ValueError: no way"):
            await handle.result()
