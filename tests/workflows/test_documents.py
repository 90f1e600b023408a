"""Workflows as documents: what is written is read again, and what is wrong is shown with its line."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.errors import WorkflowError
from foliot.jobs import Job, Jobs, job
from foliot.retry import exponential
from foliot.workflows.building import Workflow, workflow
from foliot.workflows.documents import dump, load
from foliot.workflows.marked import DEEPEST, LARGEST, read


@job()
async def reserve_stock(order_id: int) -> dict[str, Any]:
    return {}


@job()
async def charge_card(order_id: int, currency: str = "EUR") -> str:
    return ""


@job()
async def ship_goods() -> None: ...


def jobs() -> Jobs:
    known = Jobs()
    for each in (reserve_stock, charge_card, ship_goods):
        known.add(each)
    return known


def inner() -> Workflow:
    made = workflow("pack")
    made.node(ship_goods)
    return made


ORDER = """\
workflow: order
version: 2
inputs:
  urgent: {type: boolean, default: false}
  note: text
timeout: 7d
nodes:
  reserve: {job: reserve_stock, queue: stock}
  charge:
    job: charge_card
    after: reserve
    args: {currency: USD}
    take: {order_id: order_id + 0}
    retries: [1s, 5m]
    timeout: 30s
  ok: {approval: {timeout: 3d}, after: charge}
  paid: {signal: {}, after: charge, on_failure: skip}
  cool: {timer: 1d12h, after: [ok, paid]}
  route: {decision: {}, after: cool}
  ship: {job: ship_goods, after: route, when: approved and urgent}
  pack: {workflow: pack, after: route, otherwise: true}
  tell:
    callback: {url: "https://shop.example/hook?x=1", secret_from: HOOK_SECRET, headers: {X-Shop: acme}}
    after: [ship, pack]
    upon: end
    take: {order: order_id}
    retries: 2
    timeout: 10s
"""


def test_a_document_says_what_code_says():
    made = load(ORDER, jobs(), workflows=[inner()])

    same = workflow("order", version=2, inputs={"urgent": (bool, False), "note": str}, timeout="7d")
    reserve = same.node(reserve_stock, "reserve", queue="stock")
    charge = same.node(
        charge_card,
        "charge",
        after=reserve,
        args={"currency": "USD"},
        take={"order_id": "order_id + 0"},
        retries=["1s", "5m"],
        timeout="30s",
    )
    ok = same.approval("ok", after=charge, timeout="3d")
    paid = same.signal("paid", after=charge, on_failure="skip")
    route = same.decision("route", after=same.timer("cool", "36h", after=[ok, paid]))
    ship = same.node(ship_goods, "ship", after=route, when="approved and urgent")
    pack = same.node(inner(), after=route, otherwise=True)
    same.callback(
        "tell",
        "https://shop.example/hook?x=1",
        secret_from="HOOK_SECRET",
        headers={"X-Shop": "acme"},
        after=[ship, pack],
        upon="end",
        take={"order": "order_id"},
        retries=2,
        timeout="10s",
    )
    assert made.graph == same.graph
    assert made.wishes == same.wishes


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_written_is_read_as_the_same(form: str):
    made = load(ORDER, jobs(), workflows=[inner()])

    again = load(dump(made, form), jobs(), workflows=[inner().graph])

    assert again.graph == made.graph
    assert again.wishes == made.wishes
    assert dump(again.graph, form) == dump(made.graph, form)


def test_a_workflow_without_a_person_is_small():
    made = workflow("w")
    made.node(ship_goods, "a")

    assert dump(made) == "workflow: w\nversion: 1\nnodes:\n  a:\n    job: ship_goods\n"
    assert json.loads(dump(made, "json")) == {"workflow": "w", "version": 1, "nodes": {"a": {"job": "ship_goods"}}}


HEAD = "workflow: w\nnodes:\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "here a workflow is expected"),
        ("- a\n", 1, "is expected, as 'name: value'"),
        ("nodes: {}\n", 1, "here 'workflow' is missing"),
        ("workflow: w\n", 1, "here 'nodes' is missing"),
        ("workflow: w\nnodes: [a]\n", 2, "here nodes by name are expected"),
        ("workflow: w\nnodes: {}\n", 2, "workflow 'w' has no nodes"),
        ("workflow: 3\nnodes: {}\n", 1, "here a text is expected, not 3"),
        ("workflow: w\nversion: two\nnodes: {}\n", 2, "here a whole number is expected, not 'two'"),
        ("workflow: w\nnodse: {}\n", 2, "a workflow has no 'nodse'; did you mean 'nodes'"),
        ("workflow: w\nworkflow: v\n", 2, "'workflow' is there twice"),
        ("workflow: w\ninputs: {a: {type: txt}}\nnodes: {}\n", 2, "'txt' is no type; did you mean 'text'"),
        ("workflow: w\ninputs: {1: text}\nnodes: {a: {job: ship_goods}}\n", 2, "inputs: '1' is not a name"),
        (
            "workflow: w\ninputs:\n  a: {type: integer, default: many}\nnodes: {a: {job: ship_goods}}\n",
            3,
            "inputs: 'a' has the default 'many', which does not fit: Expected `int`, got `str`",
        ),
        (
            HEAD + "  a:\n    job: charge_card\n    args: {currency: 3}\n",
            3,
            "node 'a': args: currency=3 does not fit its parameter: Expected `str`, got `int`",
        ),
        ("workflow: w\ntimeout: soon\nnodes: {a: {job: ship_goods}}\n", 1, "'soon' is not a length of time"),
        ("workflow: w\npriority: 99\nnodes: {a: {job: ship_goods}}\n", 1, "give a priority from 0"),
        (HEAD + "  a: {jb: ship_goods}\n", 3, "node 'a' has no 'jb'; did you mean 'job'"),
        (HEAD + "  a: {after: b}\n", 3, "node 'a' says nothing; it needs one of job, workflow"),
        (HEAD + "  a: {job: x, timer: 1d}\n", 3, "node 'a' says job and timer; it needs one of"),
        (HEAD + "  a:\n    job: ship_good\n", 4, "no job is called 'ship_good' here; did you mean 'ship_goods'"),
        (HEAD + "  a:\n    workflow: pck\n", 4, "no workflow is called 'pck' here; did you mean 'pack'"),
        (HEAD + "  a:\n    job: ship_goods\n    when: total <\n", 5, "not an expression"),
        (HEAD + "  a:\n    job: ship_goods\n    when: 3\n", 5, "here a text is expected, not 3"),
        (HEAD + "  a:\n    job: ship_goods\n\n  b:\n    job: ship_goods\n    after: c\n", 6, "comes after 'c', which"),
        (HEAD + "  a: {job: ship_goods, upon: now}\n", 3, "upon='now'; choose one of"),
        (HEAD + "  a: {job: ship_goods, retries: many}\n", 3, "many"),
        (HEAD + "  a: {job: ship_goods, after: 3}\n", 3, "comes after 3, which is no node"),
        (HEAD + "  a: {job: ship_goods, take: [a]}\n", 3, "here expressions by parameter are expected"),
        (HEAD + "  a: {job: ship_goods, args: {x: 1}}\n", 3, "has no parameter 'x'"),
        (HEAD + "  a: {timer: soon}\n", 3, "'soon' is not a length of time"),
        (HEAD + "  a: {timer: 1d, retries: 3}\n", 3, "node 'a' runs no job, so it takes no 'retries'"),
        (HEAD + "  a: {approval: {timeot: 3d}}\n", 3, "node 'a' has no 'timeot'; did you mean 'timeout'"),
        (HEAD + "  a: {callback: {}}\n", 3, "here 'url' is missing"),
        (HEAD + "  a: {callback: {url: 'ftp://x'}}\n", 3, "'ftp://x' is no address to call"),
        (HEAD + "  a: {job: ship_goods, after: b}\n  b: {job: ship_goods, after: a}\n", 3, "goes in a circle"),
        (
            HEAD + "  a: {job: ship_goods}\n  b: {job: ship_goods, when: 'x > 1'}\n",
            4,
            "nothing upstream gives",
        ),
        ("workflow: [w\n", 2, "expected ',' or ']'"),
        ("workflow: w\nnodes: *nobody\n", 2, "undefined alias"),
        ("? [a]\n: b\n", 1, "here a name is expected"),
        ("a: !!python/object:os.system {}\n", 1, "a workflow has no 'a'"),
        ("workflow: &a [*a]\n", 1, "nested deeper"),
        ("[" * 1000, 1, ""),
        ('{"workflow": "w",\n "nodes": {}\n', 3, "here ',' or '}' is expected"),
        ('{"workflow": "w",\n nodes: {}}', 2, "here a name in double quotes is expected"),
        ('{"workflow" "w"}', 1, "here ':' is expected"),
        ('{"workflow": "w", "workflow": "w"}', 1, "'workflow' is there twice"),
        ('{"workflow":\n\n what}', 3, "here a value is expected"),
        ('{"workflow": "w}', 1, "Unterminated string"),
        ('{"workflow": "w", "nodes": {}} {}', 1, "there is more after the end"),
        ('{"workflow": "w", "nodes": {"a": []}}', 1, "here node 'a' is expected"),
        ('{"a": ' * (DEEPEST + 1), 1, "nested deeper than"),
    ],
)
def test_what_is_wrong_with_a_document_is_said_with_the_line(text: str, line: int, message: str):
    with pytest.raises(WorkflowError, match=r"order\.txt, line (\d+): ") as caught:
        load(text, jobs(), file="order.txt", workflows=[inner()])

    said = str(caught.value)
    assert said.startswith(f"order.txt, line {line}: "), said
    assert message in said
    shown = text.splitlines()[line - 1].strip() if text.splitlines()[line - 1 :] else ""
    assert shown in said or len(shown) > 1000


def test_a_document_that_repeats_itself_is_not_blown_up():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))

    with pytest.raises(WorkflowError, match="more than 20000 values"):
        read(bomb, "bomb")
    with pytest.raises(WorkflowError, match="at most 1000000 are read"):
        read("x" * (LARGEST + 1), "long")


def test_numbers_and_words_of_both_notations_are_the_same():
    as_json = '{"a": [1, -2.5, 1e3, true, false, null, "x\\n"], "b": {}, "c": []}'
    as_yaml = 'a: [1, -2.5, 1.0e+3, true, false, null, "x\\n"]\nb: {}\nc: []\n'

    for text in (as_json, as_yaml):
        assert read(text, "f").plain == {"a": [1, -2.5, 1000.0, True, False, None, "x\n"], "b": {}, "c": []}


def test_what_yaml_takes_for_something_else_stays_as_it_was_written():
    assert read("on: 2026-01-01\nyes: 1:30\n", "f").plain == {"on": "2026-01-01", "yes": 90}


def decided_by_a_function(made: Workflow) -> None:
    made.node(ship_goods, "a", when=lambda context: context["x"])


def with_a_backoff(made: Workflow) -> None:
    made.node(ship_goods, "a", retries=exponential(3))


def with_an_exception(made: Workflow) -> None:
    made.node(ship_goods, "a", retry_on=ValueError)


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (decided_by_a_function, "node 'a' decides by a Python function; write it as an expression"),
        (with_a_backoff, "a document cannot say retries="),
        (with_an_exception, "a document cannot say retry_on="),
    ],
)
def test_what_only_python_can_say_is_not_written_wrongly(define: Any, message: str):
    made = workflow("w")
    define(made)

    with pytest.raises(WorkflowError, match=message):
        dump(made)


def test_options_and_forms_that_documents_have_not_are_refused():
    made = workflow("w", on_success=print)
    made.node(ship_goods, "a")

    with pytest.raises(WorkflowError, match="a document has no 'on_success'"):
        dump(made)
    with pytest.raises(WorkflowError, match="'xml' is no form of a document"):
        dump(made.graph, "xml")


def test_a_type_that_documents_do_not_know_is_any():
    made = workflow("w", inputs={"x": Job})
    made.node(ship_goods, "a", when="given(x)")

    assert "x: any" in dump(made)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=5), inside, max_size=4),
        max_leaves=20,
    )
)
def test_any_json_is_read_as_json_reads_it(value: Any):
    text = json.dumps({"value": value}, indent=1)

    assert read(text, "f").plain == {"value": value}
