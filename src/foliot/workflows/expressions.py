"""Safe expressions: conditions and values over a workflow's context, for people who do not write Python.

What is allowed is a short list: names of the context and what is inside of them (``order.lines[0].price``), literals
and lists, ``and or not``, comparisons, ``+ - * / // %`` of numbers, ``+`` of texts or lists, ``a if x else b``, and the
functions of ``FUNCTIONS``. Nothing else is read, so nothing else can happen: there are no attributes, no powers, no
repetitions, no calls of anything else. The cost is bounded when it is read (``LONGEST``, ``DEEPEST``) and when it is
worked out (``WIDEST``, ``LARGEST``, ``MOST``).
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from foliot.errors import ExpressionError

LONGEST = 1_000
"""How many characters an expression may have."""
DEEPEST = 30
"""How deep it may be nested."""
WIDEST = 100_000
"""How many characters or items a text or list that it makes may have."""
LARGEST = 1 << 128
"""How large a whole number it works out may be."""
MOST = 1_000_000
"""How many characters and items it may go through, all in all."""

Path = tuple[str | int, ...]
"""Where something is in the context: a name, then keys and positions."""

_WORDS = {"true": True, "false": False, "null": None}
"""How JSON and YAML say it."""


@dataclass(frozen=True)
class Expression:
    """A text that was read and may be worked out over any context. Equal if the texts are."""

    text: str

    def __post_init__(self) -> None:
        self._tree  # noqa: B018 - read at once, so that a mistake is told where it is made

    @cached_property
    def _tree(self) -> ast.expr:
        return _read(self.text)

    @cached_property
    def paths(self) -> frozenset[Path]:
        """What it asks of the context."""
        return frozenset(_paths(self._tree))

    @property
    def names(self) -> frozenset[str]:
        """The names it asks of the context."""
        return frozenset(str(path[0]) for path in self.paths)

    def where(self, name: str) -> int:
        """The position of the first use of a name, for the caret of an error about it."""
        found = (each for each in ast.walk(self._tree) if isinstance(each, ast.Name) and each.id == name)
        return min((_at(self.text, each) for each in found), default=0)

    def __call__(self, context: Mapping[str, Any]) -> Any:
        """Its value over this context of plain data. Raises ExpressionError saying where it cannot be worked out."""
        return _Work(self.text, context).value(self._tree)


# Reading


def _read(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters; at most {LONGEST} are read", text[:60], 0)
    tree = _parsed(text)
    _check(text, tree, 1)
    return tree


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as problem:
        at = max(0, problem.offset - 1) if problem.offset else len(text)
        raise ExpressionError(f"not an expression: {problem.msg}", text, at) from None
    except (ValueError, MemoryError, RecursionError, Warning) as problem:
        raise ExpressionError(f"not an expression: {problem or 'nested too deep'}", text, 0) from None


def _check(text: str, tree: ast.expr, depth: int) -> None:
    """Raise unless this and all inside of it is on the list."""
    if depth > DEEPEST:
        raise ExpressionError(
            f"nested more than {DEEPEST} deep; name a part of it in an earlier node", text, _at(text, tree)
        )
    if problem := _objection(tree):
        raise ExpressionError(problem, text, _at(text, tree))
    for each in _inside(tree):
        _check(text, each, depth + 1)


def _objection(tree: ast.expr) -> str | None:
    """Why this, seen by itself, is not on the list."""
    match tree:
        case ast.Constant(value=value):
            return None if _is_plain(value) else f"{value!r} is not a number or text that can be compared with data"
        case ast.BoolOp() | ast.IfExp() | ast.List() | ast.Tuple() | ast.Name():
            return None
        case ast.UnaryOp(op=op):
            return None if type(op) in _UNARY else "this operation is not allowed; there are: not, -, +"
        case ast.BinOp(op=op):
            return None if type(op) in _BINARY else "this operation is not allowed; there are: + - * / // %"
        case ast.Compare():
            return None
        case ast.Attribute() | ast.Subscript():
            return None if _path(tree) else "only names of the context have parts, by a key or a position, like a.b[0]"
        case ast.Call():
            return _objection_to_call(tree)
        case _:
            return f"{_called(tree)} is not allowed in an expression; do it in a job and use its result"


def _objection_to_call(call: ast.Call) -> str | None:
    known = ", ".join(sorted((*FUNCTIONS, "given")))
    if not isinstance(call.func, ast.Name) or call.func.id not in {*FUNCTIONS, "given"}:
        return f"{ast.unparse(call.func)[:40]!r} cannot be called here; the functions are: {known}"
    if call.keywords or any(isinstance(each, ast.Starred) for each in call.args):
        return f"{call.func.id} takes values only, without names or stars"
    if call.func.id == "given" and not (len(call.args) == 1 and _path(call.args[0])):
        return "given takes one name of the context, like given(order.note)"
    return None


def _called(tree: ast.expr) -> str:
    """What a part of an expression is called, in words."""
    name = type(tree).__name__
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name).strip()


def _inside(tree: ast.expr) -> Iterator[ast.expr]:
    """The parts of it that are expressions of their own."""
    match tree:
        case ast.Attribute() | ast.Subscript():
            return
        case ast.Call(args=args):
            yield from args
        case _:
            yield from (each for each in ast.iter_child_nodes(tree) if isinstance(each, ast.expr))


def _path(tree: ast.expr) -> Path | None:
    """The place in the context that a name, or a name with parts, means."""
    keys: list[str | int] = []
    while not isinstance(tree, ast.Name):
        match tree:
            case ast.Attribute(value=inner, attr=key):
                keys.append(key)
            case ast.Subscript(value=inner, slice=ast.Constant(value=str() | int() as key)):
                keys.append(key)
            case ast.Subscript(value=inner, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as key))):
                keys.append(-key)
            case _:
                return None
        tree = inner
    return (tree.id, *reversed(keys))


def _paths(tree: ast.expr) -> Iterator[Path]:
    if (path := _path(tree)) is not None:
        if path[0] not in _WORDS:
            yield path
        return
    for each in _inside(tree):
        yield from _paths(each)


def _is_plain(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < LARGEST
    return value is None or isinstance(value, str | bool) or (isinstance(value, float) and isfinite(value))


def _at(text: str, tree: ast.expr) -> int:
    """The position in the text; the parser counts bytes from where the text begins."""
    first, *before = reversed(text.strip().split("\n")[: tree.lineno])
    skipped = len(text) - len(text.lstrip()) + sum(len(each) + 1 for each in before)
    return skipped + len(first.encode()[: tree.col_offset].decode(errors="ignore"))


# Working out


class _Work:
    """One working out of an expression over a context."""

    def __init__(self, text: str, context: Mapping[str, Any]) -> None:
        self._text, self._context = text, context
        self._left = MOST

    def value(self, tree: ast.expr) -> Any:
        """The value of a part. Raises ExpressionError that points at the part that cannot be worked out."""
        try:
            return self._value(tree)
        except ExpressionError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as problem:
            raise ExpressionError(
                f"cannot be worked out: {_said(problem)}", self._text, _at(self._text, tree)
            ) from None

    def _value(self, tree: ast.expr) -> Any:  # noqa: PLR0912 - one case for each kind
        match tree:
            case ast.Constant(value=value):
                return value
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._found(tree)
            case ast.BoolOp(op=op, values=values):
                return self._first(values, isinstance(op, ast.Or))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self.value(left), self.value(right))
            case ast.Compare():
                return self._compared(tree)
            case ast.IfExp(test=test, body=body, orelse=other):
                return self.value(body if self.value(test) else other)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self.value(each) for each in parts]
            case ast.Call(func=ast.Name(id="given"), args=[asked]):
                return self._is_given(asked)
            case ast.Call(func=ast.Name(id=name), args=args):
                values = [self.value(each) for each in args]
                self._spend(*values)
                _refuse_count(name, len(values))
                return FUNCTIONS[name](*values)
            case _:  # pragma: no cover - it was not read
                raise TypeError(_called(tree))

    def _spend(self, *values: Any) -> None:
        """Count what is gone through, before it is."""
        self._left -= sum(_len(each) for each in values if isinstance(each, str | list | dict))
        if self._left < 0:
            raise ValueError(f"it goes through more than {MOST} characters and items; let a job do that")

    def _found(self, tree: ast.expr) -> Any:
        path = _path(tree) or ()
        if len(path) == 1 and path[0] in _WORDS and path[0] not in self._context:
            return _WORDS[str(path[0])]
        return look(self._context, path)

    def _is_given(self, tree: ast.expr) -> bool:
        try:
            return self._found(tree) is not None
        except LookupError:
            return False

    def _first(self, values: list[ast.expr], wanted: bool) -> Any:
        """The first value that decides, else the last: as Python's ``and`` and ``or``."""
        value: Any = None
        for each in values:
            value = self.value(each)
            if bool(value) is wanted:
                break
        return value

    def _compared(self, tree: ast.Compare) -> bool:
        left = self.value(tree.left)
        for op, each in zip(tree.ops, tree.comparators, strict=True):
            right = self.value(each)
            self._spend(left, right)
            if not _COMPARE[type(op)](left, right):
                return False
            left = right
        return True


def look(context: Mapping[str, Any], path: Path) -> Any:
    """What is at a place of the context. Raises LookupError that says which part is not there."""
    value: Any = context
    for n, key in enumerate(path):
        if not _is_there(value, key):
            raise LookupError(f"there is no {key!r} in {_spelled(path[:n]) or 'the context'}; {_there(value)}")
        value = value[key]
    return value


def _is_there(value: Any, key: str | int) -> bool:
    match value:
        case Mapping():
            return key in value
        case list():
            return isinstance(key, int) and -len(value) <= key < len(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return False


def _spelled(path: Path) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def _there(value: Any) -> str:
    match value:
        case Mapping():
            return f"there are: {', '.join(map(str, list(value)[:20])) or 'none'}"  # pyright: ignore[reportUnknownArgumentType]
        case list():
            return f"it is a list of {len(value)}"  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return f"it is {_kind(value)}"


def _said(problem: Exception) -> str:
    return str(problem.args[0]) if problem.args else type(problem).__name__


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _numbers(act: Callable[[Any, Any], Any], sign: str) -> Callable[[Any, Any], Any]:
    def worked(left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TypeError(f"{sign} takes two numbers, not {_kind(left)} and {_kind(right)}")
        return _bounded(act(left, right))

    return worked


def _added(left: Any, right: Any) -> Any:
    if _kind(left) == _kind(right) and _kind(left) in ("a text", "a list"):
        if len(left) + len(right) > WIDEST:
            raise ValueError(f"more than {WIDEST} characters or items")
        return left + right
    return _numbers(operator.add, "+")(left, right)


def _bounded(number: Any) -> Any:
    if abs(number) >= LARGEST if isinstance(number, int) else not isfinite(number):
        raise ValueError("a number too large")
    return number


def _number(act: Callable[[Any], Any], sign: str) -> Callable[[Any], Any]:
    def worked(value: Any) -> Any:
        if not isinstance(value, int | float):
            raise TypeError(f"{sign} takes a number, not {_kind(value)}")
        return _bounded(act(value))

    return worked


def _text(act: Callable[..., Any], name: str, takes: int) -> Callable[..., Any]:
    def worked(*values: Any) -> Any:
        if len(values) != takes or not all(isinstance(each, str) for each in values):
            raise TypeError(f"{name} takes {'a text' if takes == 1 else f'{takes} texts'}")
        return act(*values)

    return worked


def _over(act: Callable[[Any], Any], name: str) -> Callable[..., Any]:
    """A function over the items of one list, or over its arguments."""

    def worked(*values: Any) -> Any:
        items: Any = values[0] if len(values) == 1 else values
        if not isinstance(items, list | tuple):
            raise TypeError(f"{name} takes a list, not {_kind(items)}")
        return act(items)

    return worked


def _sum(items: Any) -> Any:
    total: Any = 0
    for each in items:
        total = _numbers(operator.add, "sum")(total, each)
    return total


def _round(value: Any, digits: Any = 0) -> Any:
    if not (isinstance(value, int | float) and isinstance(digits, int) and -15 <= digits <= 15):
        raise TypeError("round takes a number, and from -15 to 15 digits")
    return round(value, digits) if digits else round(value)


def _refuse_count(name: str, count: int) -> None:
    """A wrong count of values is told by the name that was written."""
    takes = _TAKES.get(name)
    if takes is not None and count not in takes:
        raise TypeError(f"{name} takes {' or '.join(map(str, takes))} value{'s' * (len(takes) > 1)}, not {count}")


def _len(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise TypeError(f"len takes a text, a list or an object, not {_kind(value)}")
    return len(value)  # pyright: ignore[reportUnknownArgumentType]


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, str) and not isinstance(left, str):
        raise TypeError(f"only a text is in a text, not {_kind(left)}")
    if not isinstance(right, str | list | dict):
        raise TypeError(f"nothing is in {_kind(right)}")
    return left in right


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": _number(abs, "abs"),
    "all": _over(all, "all"),
    "any": _over(any, "any"),
    "endswith": _text(str.endswith, "endswith", 2),
    "len": _len,
    "lower": _text(str.lower, "lower", 1),
    "max": _over(max, "max"),
    "min": _over(min, "min"),
    "round": _round,
    "startswith": _text(str.startswith, "startswith", 2),
    "sum": _over(_sum, "sum"),
    "upper": _text(str.upper, "upper", 1),
}
"""All that can be called, beside ``given(name)``: whether the context has it, and it is not null."""

_TAKES = {"abs": (1,), "len": (1,), "round": (1, 2)}

_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: _number(operator.neg, "-"),
    ast.UAdd: _number(operator.pos, "+"),
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _added,
    ast.Sub: _numbers(operator.sub, "-"),
    ast.Mult: _numbers(operator.mul, "*"),
    ast.Div: _numbers(lambda left, right: left / right, "/"),
    ast.FloorDiv: _numbers(lambda left, right: left // right, "//"),
    ast.Mod: _numbers(operator.mod, "%"),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _within,
    ast.NotIn: lambda left, right: not _within(left, right),
    ast.Is: lambda left, right: left is right if right is None else left == right,
    ast.IsNot: lambda left, right: left is not right if right is None else left != right,
}
