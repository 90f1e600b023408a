"""Graphs: what can never work is an error at definition, and a settled one says what comes when and takes what."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foliot.errors import DefinitionError, ExpressionError, WorkflowError
from foliot.jobs import job
from foliot.workflows.building import Workflow, workflow
from foliot.workflows.graph import MOST_NODES
from foliot.workflows.kinds import fits, kind_of
from foliot.workflows.works import Decision


class Reserved(TypedDict):
    total: int
    stock: str


async def reserve(order_id: int) -> Reserved:
    return {"total": order_id * 100, "stock": "a"}


async def charge(order_id: int, total: float) -> str:
    return f"{order_id}: {total}"


async def ship(charge: str) -> None: ...


async def refund(charge: str, note: str = "") -> None: ...


async def anything() -> dict[str, Any]:
    return {}


def nothing() -> None: ...


def order() -> Workflow:
    made = workflow("order", version=2)
    reserved = made.node(reserve)
    charged = made.node(charge, after=reserved)
    ok = made.approval("ok", after=charged, timeout="3d")
    made.node(ship, after=ok, when="approved and total < 1000")
    made.node(refund, after=ok, otherwise=True)
    return made


def test_a_graph_knows_its_order_its_ends_and_its_inputs():
    graph = order().graph

    assert graph.order == ("reserve", "charge", "ok", "ship_or_refund", "ship", "refund")
    assert graph.sinks == ("ship", "refund")
    assert graph.above["ship"] == ("reserve", "charge", "ok", "ship_or_refund")
    assert str(graph.signature) == "(*, order_id: int)"


def test_nodes_that_say_when_after_the_same_node_are_chosen_by_one_decision_before_them():
    graph = order().graph

    assert graph.by_name["ship_or_refund"].work == Decision(implied=True)
    assert graph.by_name["ship_or_refund"].after == ("ok",)
    assert [each.name for each in graph.branches("ship_or_refund")] == ["ship", "refund"]
    assert [each.name for each in graph.passed_over().nodes] == ["reserve", "charge", "ok", "ship", "refund"]
    assert graph.passed_over().by_name["ship"].after == ("ok",)


def test_a_single_optional_node_is_a_decision_too_and_its_name_is_free():
    made = workflow("w", inputs={"x": int})
    made.node(nothing, "choose_b")
    made.node(nothing, "b", after="choose_b", when="x > 1")

    assert [each.name for each in made.graph.nodes] == ["choose_b", "choose_b_", "b"]


def test_arrows_say_the_same_as_after():
    made = workflow("w")
    a, b, c, d = (made.node(nothing, name) for name in "abcd")

    _ = a >> [b, c] >> d
    _ = [a, b] >> d
    _ = a >> b

    assert {each.name: each.after for each in made.graph.nodes} == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("b", "c", "a"),
    }
    assert repr(a) == "<node 'a' of 'w'>"
    assert repr(made) == "<workflow 'w', version 1>"


def empty(made: Workflow) -> None: ...


def circle(made: Workflow) -> None:
    start, a, b, c = (made.node(nothing, name) for name in ("start", "a", "b", "c"))
    _ = start >> a >> b >> c >> a


def itself(made: Workflow) -> None:
    a = made.node(nothing, "a")
    _ = a >> a


def stranger(made: Workflow) -> None:
    made.node(nothing, "charge")
    made.node(nothing, "ship", after="chrge")


def twice(made: Workflow) -> None:
    made.node(nothing, "a")
    made.node(nothing, "a")


def odd_name(made: Workflow) -> None:
    made.node(nothing, "not a name")


def of_another(made: Workflow) -> None:
    made.node(nothing, "a", after=workflow("other").node(nothing, "b"))


def not_a_node(made: Workflow) -> None:
    made.node(nothing, "a", after=[3])  # type: ignore[list-item]


def not_work(made: Workflow) -> None:
    made.node(3)  # type: ignore[arg-type]


def both(made: Workflow) -> None:
    made.node(nothing, "a", when="true", otherwise=True)


def upon_nothing(made: Workflow) -> None:
    made.node(nothing, "a", upon="failure")


def odd_upon(made: Workflow) -> None:
    made.node(nothing, "a", upon="sometimes")


def no_branches(made: Workflow) -> None:
    made.decision("route")


def a_branch_of_nothing(made: Workflow) -> None:
    made.node(nothing, "a", after=made.decision("route"))


def a_branch_of_two(made: Workflow) -> None:
    start = made.node(nothing, "start")
    made.node(nothing, "b", after=[made.decision("route"), start], upon="end")


def two_defaults(made: Workflow) -> None:
    route = made.decision("route")
    made.node(nothing, "a", after=route, when=bool)
    made.node(nothing, "b", after=route, otherwise=True)
    made.node(nothing, "c", after=route, otherwise=True)


def only_a_default(made: Workflow) -> None:
    made.node(nothing, "a", after=made.node(nothing), otherwise=True)


def never(made: Workflow) -> None:
    made.node(nothing, "a", when="1 > 2")


def behind_always(made: Workflow) -> None:
    made.node(nothing, "a", when="2 > 1")
    made.node(nothing, "b", otherwise=True)


def wrong_type(made: Workflow) -> None:
    async def charge(stock: int) -> None: ...

    made.node(charge, after=made.node(reserve))


def wrong_result(made: Workflow) -> None:
    async def ship(reserve: str) -> None: ...

    made.node(ship, after=made.node(reserve))


def nothing_for_it(made: Workflow) -> None:
    async def ship(a: int) -> None: ...

    made.node(ship, after=made.node(nothing, "a"))


def inputs_at_odds(made: Workflow) -> None:
    async def a(order_id: int) -> None: ...
    async def b(order_id: str) -> None: ...

    made.node(a)
    made.node(b)


def input_like_a_node(made: Workflow) -> None:
    async def b(a: int) -> None: ...

    made.node(nothing, "a")
    made.node(b)


def no_such_parameter(made: Workflow) -> None:
    made.node(charge, args={"totl": 3})


def said_twice(made: Workflow) -> None:
    made.node(charge, args={"total": 3}, take={"total": "order_id"})


def unknown_name(made: Workflow) -> None:
    made.node(nothing, "ship", after=made.node(reserve), when="totl < 1000")


def bad_expression(made: Workflow) -> None:
    made.node(nothing, when="total <")


def bad_length(made: Workflow) -> None:
    made.timer("t", "soon")


def bad_timeout(made: Workflow) -> None:
    made.node(nothing, timeout="soon")


def odd_url(made: Workflow) -> None:
    made.callback("hook", "ftp://shop")


def url_with_password(made: Workflow) -> None:
    made.callback("hook", "https://me:secret@shop.example/")


def too_many(made: Workflow) -> None:
    for n in range(MOST_NODES + 1):
        made.node(nothing, f"n{n}")


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (empty, r"workflow 'w' has no nodes; add one with \.node\(job\)"),
        (circle, "goes in a circle: a → b → c → a; take one of these edges away"),
        (itself, "goes in a circle: a → a"),
        (stranger, "node 'ship' comes after 'chrge', which is no node; did you mean 'charge'"),
        (twice, "node 'a': there is a node of this name already"),
        (odd_name, "a node cannot be called 'not a name'"),
        (of_another, "comes after <node 'b' of 'other'>, a node of another workflow"),
        (not_a_node, "comes after 3, which is no node"),
        (not_work, "3 is no job, function or workflow"),
        (both, "has a condition and is the default, too"),
        (upon_nothing, "is to run upon failure, but comes after nothing"),
        (odd_upon, "upon='sometimes'; choose one of 'success', 'failure', 'end'"),
        (no_branches, "node 'route' is a decision without branches"),
        (a_branch_of_nothing, "node 'a' comes after the decision 'route'; give it when"),
        (a_branch_of_two, "node 'b' is a branch of 'route' and comes after other nodes, too"),
        (two_defaults, "has two defaults, b and c"),
        (only_a_default, "a can never be passed over"),
        (never, "node 'a' is never reached: '1 > 2' never holds"),
        (behind_always, "node 'b' is never reached: 'a' before it always holds"),
        (wrong_type, "node 'charge' takes 'stock' as a whole number, but 'stock' of 'reserve' is a text; change one"),
        (wrong_result, "node 'ship' takes 'reserve' as a text, but 'reserve' gives an object"),
        (nothing_for_it, "takes 'a' as a whole number, but 'a' gives null"),
        (inputs_at_odds, "its input 'order_id' is a whole number, but node 'b' takes it as a text"),
        (input_like_a_node, "a node and an input are both called 'a'"),
        (no_such_parameter, "has no parameter 'totl'; did you mean 'total'"),
        (said_twice, "'total' is in args and in take"),
        (unknown_name, r"nothing upstream gives 'totl'; did you mean 'total'"),
        (bad_expression, "not an expression"),
        (bad_length, "'soon' is not a length of time"),
        (bad_timeout, "'soon' is not a length of time"),
        (odd_url, "'ftp://shop' is no address to call"),
        (url_with_password, "the URL holds a password"),
        (too_many, f"has {MOST_NODES + 1} nodes, more than {MOST_NODES}"),
    ],
)
def test_what_can_never_work_is_an_error_at_definition_with_names_and_a_remedy(
    define: Callable[[Workflow], None], message: str
):
    def defined() -> object:
        made = workflow("w")
        define(made)
        return made.graph

    with pytest.raises(DefinitionError, match=message):
        defined()


def test_an_unknown_name_in_a_condition_is_shown_with_a_caret():
    made = workflow("w")
    unknown_name(made)

    with pytest.raises(ExpressionError) as caught:
        _ = made.graph

    assert str(caught.value).splitlines()[1:] == ["  totl < 1000", "  ^"]


@pytest.mark.parametrize("version", [0, -1, True, "2"])
def test_a_version_is_a_whole_number_from_1(version: Any):
    made = workflow("w", version=version)
    made.node(nothing)

    with pytest.raises(WorkflowError, match="give a whole number from 1"):
        _ = made.graph


def test_an_unknown_option_of_a_workflow_is_told_with_the_nearest():
    with pytest.raises(WorkflowError, match="unknown option 'timeot'; did you mean 'timeout'"):
        workflow("w", timeot="3d")  # type: ignore[call-arg]


def test_a_result_that_may_have_any_keys_may_give_what_nobody_else_does():
    made = workflow("w")
    made.node(charge, after=made.node(anything))

    assert str(made.graph.signature) == "(*, order_id: int = None, total: float = None)"


def test_an_input_that_one_node_needs_is_needed():
    async def a(x: int = 0) -> None: ...
    async def b(x: int) -> None: ...

    made = workflow("w")
    made.node(a)
    made.node(b)

    assert str(made.graph.signature) == "(*, x: int)"


def test_declared_inputs_may_have_a_default():
    made = workflow("w", inputs={"urgent": (bool, False), "note": str})
    made.node(nothing, when="urgent and note != ''")

    assert str(made.graph.signature) == "(*, urgent: bool = False, note: str)"


def test_a_parameter_with_a_default_takes_what_may_be_null():
    async def maybe() -> int | None: ...
    async def use(maybe: int = 3) -> None: ...

    made = workflow("w")
    made.node(use, after=made.node(maybe))

    assert made.graph.order == ("maybe", "use")


def test_one_function_is_one_job_wherever_it_is_a_node():
    @job()
    async def known() -> None: ...

    made = workflow("w")
    made.node(nothing, "a")
    made.node(nothing, "b")
    made.node(known)

    assert made.graph.by_name["a"].work == made.graph.by_name["b"].work
    assert made.graph.order == ("a", "b", "known")


# Kinds


@dataclass
class Point:
    x: int
    next: "Point | None" = None


class Row(NamedTuple):
    x: int


class Packed(msgspec.Struct, array_like=True):
    x: int


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "wanted", "fit"),
    [
        (int, int, True),
        (int, float, True),
        (float, int, False),
        (bool, int, False),
        (int, str, False),
        (None, int, False),
        (int | None, int, False),
        (int, int | None, True),
        (list[int], list[int], True),
        (list[int], set[float], True),
        (list[int], list[str], False),
        (tuple[int, str], list[int], True),
        (dict[str, int], dict[str, int], True),
        (dict[str, int], dict[str, str], False),
        (Point, dict[str, Any], True),
        (Point, Reserved, True),
        (Row, list[int], True),
        (Packed, dict[str, int], False),
        (Colour, str, True),
        (Literal["a", 1], str, False),
        (Any, int, True),
        (str, Any, True),
        (object(), int, True),
        ("a name nobody knows", int, True),
        (int | str | list[int] | list[str], int | str | list[bool], True),
        (list[Point] | Point, str, False),
    ],
)
def test_a_result_fits_a_parameter_unless_it_never_can(given: Any, wanted: Any, fit: bool):
    assert fits(kind_of(given), kind_of(wanted)) is fit


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (int | None, "a whole number or null"),
        (list[float], "a list of a number"),
        (dict[str, str], "an object of a text"),
        (bool, "true or false"),
        (Any, "anything"),
        (Reserved, "an object"),
    ],
)
def test_a_kind_is_said_in_words(annotation: Any, said: str):
    assert str(kind_of(annotation)) == said


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_an_order_puts_each_node_behind_what_it_comes_after(edges: list[tuple[int, int]]):
    made = workflow("w")
    refs = [made.node(nothing, f"n{n}") for n in range(31)]
    for a, b in edges:
        if a < b:
            _ = refs[a] >> refs[b]

    at = {name: n for n, name in enumerate(made.graph.order)}
    assert len(at) == 31
    assert all(at[each] < at[node.name] for node in made.graph.nodes for each in node.after)


def with_inputs(inputs: dict[Any, Any]) -> Workflow:
    made = workflow("w", inputs=inputs)
    made.node(nothing, "a")
    return made


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({1: str}, "inputs: 1 is not a name that a parameter can have"),
        ({True: str}, "inputs: True is not a name"),
        ({"two words": str}, "inputs: 'two words' is not a name"),
        ({"class": str}, "inputs: 'class' is not a name"),
        ({"n": (int, "many")}, "inputs: 'n' has the default 'many', which does not fit: Expected `int`"),
        ({"n": (int, object())}, "inputs: 'n' has the default .*, which does not fit: a value of type object is not"),
        ({"n": (int, 1, 2)}, r"inputs: 'n' is .*; give a type, or a type and a default"),
    ],
)
def test_inputs_that_nobody_could_give_are_refused(inputs: dict[Any, Any], says: str):
    with pytest.raises(WorkflowError, match=says):
        _ = with_inputs(inputs).graph


def test_a_constant_that_does_not_fit_its_parameter_is_refused():
    made = workflow("w")
    made.node(reserve, "a", args={"order_id": "seven"})

    with pytest.raises(
        WorkflowError, match="node 'a': args: order_id='seven' does not fit its parameter: Expected `int`"
    ):
        _ = made.graph


@pytest.mark.parametrize("inputs", [{"n": (int, 3)}, {"n": ("a name nobody knows", 3)}, {"n": (float | None, None)}])
def test_defaults_that_fit_or_of_which_nobody_can_tell_are_taken(inputs: dict[Any, Any]):
    assert with_inputs(inputs).graph.inputs["n"].default == inputs["n"][1]
