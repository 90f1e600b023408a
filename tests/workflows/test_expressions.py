"""Safe expressions: what they say, what they refuse, and that nothing else can happen."""

from copy import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.errors import ExpressionError
from foliot.workflows.expressions import DEEPEST, LONGEST, Expression

CONTEXT: dict[str, Any] = {
    "approved": True,
    "total": 900,
    "rate": 0.5,
    "order": {"id": 7, "lines": [{"price": 3}, {"price": 4}], "note": None, "per cent": 5},
    "tags": ["a", "b"],
    "name": "Ann",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("approved and total < 1000", True),
        ("not approved", False),
        ("approved == true and order.note is null", True),
        ("order.lines[0].price + order.lines[-1].price", 7),
        ("order['per cent'] * 2", 10),
        ("total // 7 % 5", 3),
        ("total / 2 - 1", 449.0),
        ("-total", -900),
        ("1 < 2 < 3", True),
        ("1 < 2 < 2", False),
        ("'a' in tags", True),
        ("'c' not in tags", True),
        ("'nn' in name", True),
        ("'id' in order", True),
        ("name + '!'", "Ann!"),
        ("tags + ['c']", ["a", "b", "c"]),
        ("(1, 2)", [1, 2]),
        ("'yes' if approved else 'no'", "yes"),
        ("order.note or 'none'", "none"),
        ("approved or nothing_of_this_name", True),
        ("approved is not None", True),
        ("total is 900", True),
        ("given(order.note)", False),
        ("given(order.missing)", False),
        ("given(total)", True),
        ("len(tags) + len(name) + len(order)", 9),
        ("max(1, 2) + min([3, 4]) + sum([1, 2]) + abs(-1)", 9),
        ("any([false, approved]) and all([1, 2])", True),
        ("lower(name) + upper(name)", "annANN"),
        ("startswith(name, 'A') and endswith(name, 'n')", True),
        ("round(2.567, 1) + round(1.6)", 4.6),
        ("  total  ", 900),
    ],
)
def test_an_expression_has_the_value_that_python_would_give(text: str, value: object):
    assert Expression(text)(CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("", "not an expression", 0),
        ("total <", "not an expression", 7),
        ("2 ** 9999", "this operation is not allowed", 0),
        ("1 << 9999", "this operation is not allowed", 0),
        ("~total", "this operation is not allowed", 0),
        ("approved and (lambda: 1)", "lambda is not allowed", 14),
        ("[each for each in tags]", "list comp is not allowed", 0),
        ("f'{name}'", "joined str is not allowed", 0),
        ("{'a': 1}", "dict is not allowed", 0),
        ("(x := 1)", "named expr is not allowed", 1),
        ("open('/etc/passwd')", "'open' cannot be called here; the functions are: abs", 0),
        ("name.upper()", "'name.upper' cannot be called here", 0),
        ("total + len(*tags)", "takes values only", 8),
        ("round(1, ndigits=2)", "takes values only", 0),
        ("given(1)", "given takes one name", 0),
        ("given(total, name)", "given takes one name", 0),
        ("'a'.join", "only names of the context have parts", 0),
        ("tags[0:1]", "only names of the context have parts", 0),
        ("tags[total]", "only names of the context have parts", 0),
        ("b'bytes'", "is not a number or text", 0),
        ("1e999", "is not a number or text", 0),
        ("1" + "0" * 60, "is not a number or text", 0),
        ("'\\d'", "not an expression", 0),
        ("\0", "not an expression", None),
        ("(" * 500, "not an expression", None),
    ],
)
def test_what_is_not_on_the_list_is_refused_when_it_is_read_with_a_caret(text: str, message: str, at: int | None):
    with pytest.raises(ExpressionError, match=message) as caught:
        Expression(text)

    if at is not None:
        assert caught.value.at == at
    assert str(caught.value).endswith("^")


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("approved and totl < 1000", "there is no 'totl' in the context; there are: approved, total", 13),
        ("order.lines[2].price", r"there is no 2 in order.lines; it is a list of 2", 0),
        ("order.id.real", "there is no 'real' in order.id; it is a number", 0),
        ("name.__class__", "there is no '__class__' in name; it is a text", 0),
        ("name * 99999999", r"\* takes two numbers, not a text and a number", 0),
        ("tags * 99999999", r"\* takes two numbers, not a list and a number", 0),
        ("'%99999999d' % 1", "% takes two numbers", 0),
        ("total / 0", "division by zero", 0),
        ("1 + order", r"\+ takes two numbers, not a number and an object", 0),
        ("name < 1", "not supported between", 0),
        ("1 in name", "only a text is in a text", 0),
        ("1 in total", "nothing is in a number", 0),
        ("round(1, -99999999)", "round takes a number, and from -15 to 15 digits", 0),
        ("len(total)", "len takes a text, a list or an object", 0),
        ("len()", "len takes 1 value, not 0", 0),
        ("abs(1, 2)", "abs takes 1 value, not 2", 0),
        ("round(1, 2, 3)", "round takes 1 or 2 values, not 3", 0),
        ("lower(total)", "lower takes a text", 0),
        ("startswith(name)", "startswith takes 2 texts", 0),
        ("sum(total)", "sum takes a list, not a number", 0),
        ("max([])", "empty", 0),
        ("-name", "- takes a number, not a text", 0),
        ("abs(null)", "abs takes a number, not null", 0),
        ("-(1 < name)", "not supported", 2),
        ("len(1 < 2)", "len takes a text, a list or an object, not true or false", 0),
    ],
)
def test_what_cannot_be_worked_out_says_why_and_where(text: str, message: str, at: int):
    with pytest.raises(ExpressionError, match=message) as caught:
        Expression(text)(CONTEXT)

    assert caught.value.at == at


def test_the_cost_of_reading_is_bounded():
    with pytest.raises(ExpressionError, match="characters; at most"):
        Expression("1" + " + 1" * LONGEST)
    with pytest.raises(ExpressionError, match="nested more than"):
        Expression("-" * (DEEPEST + 1) + "1")


def test_the_size_of_what_is_worked_out_is_bounded():
    wide = {"text": "x" * 90_000, "number": 1 << 127}

    for text in ("text + text", "number * number", "number + number", "sum([number, number, number])"):
        with pytest.raises(ExpressionError, match=r"more than|too large"):
            Expression(text)(wide)


def test_a_caret_counts_characters_and_not_bytes():
    with pytest.raises(ExpressionError) as caught:
        Expression("'日本' == totl")({})

    assert str(caught.value).splitlines()[-1] == "  " + " " * len("'日本' == ") + "^"


def test_an_expression_tells_what_it_asks_of_the_context():
    expression = Expression("approved and order.lines[0].price < max(total, 3) and true and given(note)")

    assert expression.paths == {("approved",), ("order", "lines", 0, "price"), ("total",), ("note",)}
    assert expression.names == {"approved", "order", "total", "note"}
    assert expression.where("total") == expression.text.index("total")


def test_two_expressions_are_equal_if_their_texts_are():
    assert Expression("a < 1") == Expression("a < 1") != Expression("a < 2")


def test_an_error_survives_the_way_to_another_process():
    with pytest.raises(ExpressionError) as caught:
        Expression("1 +")

    assert str(copy(caught.value)) == str(caught.value)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "items"]), inner, max_size=3)
    ),
    max_leaves=8,
)
ATOM = st.sampled_from(["a", "b", "a.b", "a[0]", "items.a", "1", "0", "2.5", "'x'", "true", "null", "[1, a]"])
SIGN = st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "==", "in", "not in", "and", "or"])
FUNCTION = st.sampled_from(["len", "sum", "max", "abs", "upper", "round", "given"])
TEXT = st.recursive(
    ATOM,
    lambda inner: (
        st.tuples(inner, SIGN, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(FUNCTION, inner).map(lambda parts: f"{parts[0]}({parts[1]})")
    ),
    max_leaves=8,
)


@pytest.mark.untraced
@settings(max_examples=300, deadline=None)
@given(TEXT | st.text(max_size=30), st.dictionaries(st.sampled_from(["a", "b", "items"]), DATA))
def test_whatever_is_written_has_a_value_of_plain_data_or_one_kind_of_error(text: str, context: dict[str, Any]):
    try:
        value = Expression(text)(context)
    except ExpressionError:
        return

    assert isinstance(value, None.__class__ | bool | int | float | str | list | dict)


@pytest.mark.parametrize("text", ["sum([" + ", ".join(["sum(many)"] * 90) + "])", "'x' in long and 'x' in long"])
def test_what_goes_through_too_much_is_refused_before_it_does(text: str):
    context = {"many": [1] * 20_000, "long": "y" * 600_000 + "x"}

    with pytest.raises(ExpressionError, match="goes through more than"):
        Expression(text)(context)


def test_a_number_that_json_has_no_word_for_is_refused():
    with pytest.raises(ExpressionError, match="too large"):
        Expression("rate * 1e308 * 10")(CONTEXT)
