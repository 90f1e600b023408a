from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NoReturn, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foliot.codec import Shape, dumps, loads
from foliot.errors import ArgumentsError, JobError

if TYPE_CHECKING:
    from somewhere import Elsewhere  # pyright: ignore[reportMissingImports]


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.0
    seen: datetime | None = None


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


class Size(msgspec.Struct, frozen=True):
    width: int
    height: int = 1


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Pair(NamedTuple):
    left: int
    right: str


class Options(TypedDict, total=False):
    deep: bool
    names: list[str]


class Order(pydantic.BaseModel):
    number: int
    total: Decimal
    placed: datetime | None = None
    lines: list[str] = []


class Session:
    """A class of the user's that has no business in JSON."""


SESSION = Session()


def roundtrip(shape: Shape, *args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return shape.decode(shape.encode(args, kwargs))


def resize(path: str, width: int = 800, *, sharp: bool = False) -> str:
    return f"{path} {width} {sharp}"


# Arguments


def test_arguments_travel_by_the_name_of_their_parameter():
    assert Shape.of(resize).encode(("a.png",), {"width": 640}) == '{"path":"a.png","width":640}'


def test_a_default_that_was_not_given_is_not_stored():
    text = Shape.of(resize).encode(("a.png",), {})

    assert text == '{"path":"a.png"}'
    assert Shape.of(resize).decode(text) == ((), {"path": "a.png"})


def test_arguments_are_stored_in_the_order_of_the_signature_however_they_were_given():
    shape = Shape.of(resize)

    assert shape.encode((), {"sharp": True, "width": 1, "path": "a"}) == shape.encode(("a", 1), {"sharp": True})


def test_nothing_travels_for_a_function_that_takes_nothing():
    def nothing() -> None: ...

    assert Shape.of(nothing).encode((), {}) == "{}"
    assert Shape.of(nothing).decode("{}") == ((), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "problem"),
    [
        ((), {}, "missing a required argument: 'path'"),
        (("a", 1, True), {}, "too many positional arguments"),
        (("a",), {"path": "b"}, "multiple values for argument 'path'"),
        (("a",), {"wide": 1}, "got an unexpected keyword argument 'wide'"),
    ],
)
def test_arguments_bind_as_python_binds_them(args: tuple[Any, ...], kwargs: dict[str, Any], problem: str):
    with pytest.raises(ArgumentsError) as raised:
        Shape.of(resize).encode(args, kwargs)

    assert str(raised.value) == f"resize(path: str, width: int = 800, *, sharp: bool = False): {problem}"


def test_binding_tells_the_value_of_every_parameter():
    assert Shape.of(resize).bind(("a",), {"sharp": True}) == {"path": "a", "width": 800, "sharp": True}


def test_positional_only_parameters_are_called_by_position():
    def divide(a: int, b: int = 2, /, *, exact: bool = False) -> None: ...

    shape = Shape.of(divide)

    assert roundtrip(shape, 7) == ((7,), {})
    assert roundtrip(shape, 7, 3, exact=True) == ((7, 3), {"exact": True})
    with pytest.raises(ArgumentsError, match=r"positional.only"):
        shape.encode((), {"a": 1})


def test_a_positional_only_default_is_filled_in_when_a_later_one_is_given():
    def divide(a: int = 1, b: int = 2, /) -> None: ...

    assert Shape.of(divide).decode('{"b":5}') == ((1, 5), {})


def test_star_arguments_travel_as_a_list():
    def total(first: int, second: int = 2, *more: int) -> None: ...

    shape = Shape.of(total)

    assert shape.encode((1, 2, 3, 4), {}) == '{"first":1,"second":2,"*":[3,4]}'
    assert roundtrip(shape, 1, 2, 3, 4) == ((1, 2, 3, 4), {})
    assert roundtrip(shape, 1) == ((), {"first": 1})
    assert shape.decode('{"first":1,"*":[3]}') == ((1, 2, 3), {})


def test_keywords_of_any_name_travel_beside_the_parameters():
    def greet(name: str, **titles: int) -> None: ...

    shape = Shape.of(greet)

    assert shape.encode(("Ada",), {"lady": 1}) == '{"name":"Ada","lady":1}'
    assert roundtrip(shape, "Ada", lady=1, countess=2) == ((), {"name": "Ada", "lady": 1, "countess": 2})


def test_keywords_whose_names_are_taken_do_not_get_lost():
    def greet(name: str, /, *more: str, **titles: str) -> None: ...

    given = {"name": "a", "more": "b", "titles": "c", "*": "d", "**": "e"}

    assert roundtrip(Shape.of(greet), "Ada", "Byron", **given) == (("Ada", "Byron"), given)


@given(st.lists(st.integers()), st.dictionaries(st.text(), st.integers()))
def test_any_call_of_an_open_function_comes_back_as_it_was(args: list[int], kwargs: dict[str, int]):
    def anything(*args: int, **kwargs: int) -> None: ...

    assert roundtrip(Shape.of(anything), *args, **kwargs) == (tuple(args), kwargs)


def test_the_annotations_of_star_parameters_hold_for_each_value():
    def anything(*days: date, **sizes: Size) -> None: ...

    call = roundtrip(Shape.of(anything), date(2026, 1, 2), small=Size(1))

    assert call == ((date(2026, 1, 2),), {"small": Size(1)})
    with pytest.raises(ArgumentsError, match=r"Expected `object`, got `int`"):
        Shape.of(anything).decode('{"small":3}')


def test_what_is_not_the_callers_to_give_is_neither_asked_for_nor_accepted():
    def work(ctx: Session, path: str, *, db: Session) -> None: ...

    shape = Shape.of(work, skip={"ctx", "db"})

    assert roundtrip(shape, "a") == ((), {"path": "a"})
    with pytest.raises(ArgumentsError, match=r"work\(path: str\): 'db' is not for the caller to give"):
        shape.encode(("a",), {"db": 1})
    with pytest.raises(ArgumentsError, match="unknown field `db`"):
        shape.check('{"path":"a","db":1}')


def test_keywords_of_any_name_cannot_reach_what_is_not_the_callers():
    def work(ctx: Session, **more: Any) -> None: ...

    shape = Shape.of(work, skip={"ctx"})

    with pytest.raises(ArgumentsError, match="'ctx' is not for the caller to give"):
        shape.encode((), {"ctx": 1})
    with pytest.raises(ArgumentsError, match="'ctx' is not for the caller to give"):
        shape.check('{"ctx":1}')


def test_what_is_filled_in_by_name_cannot_stand_among_what_goes_by_position():
    def ahead(ctx: Session, db: Session = SESSION, *paths: str) -> None: ...
    def behind(ctx: Session, *paths: str, db: Session = SESSION) -> None: ...

    with pytest.raises(JobError, match="'db' is filled in by name; move it behind the \\*"):
        Shape.of(ahead, skip={"ctx", "db"})
    assert roundtrip(Shape.of(behind, skip={"ctx", "db"}), "a", "b") == (("a", "b"), {})


# Kinds of functions


class Mailer:
    def send(self, to: str, at: datetime) -> None: ...

    @classmethod
    def forward(cls, to: Path) -> None: ...

    def __call__(self, to: Path, copies: int = 1) -> Point:
        return Point(copies)


@pytest.mark.parametrize(
    ("function", "name"),
    [(Mailer().send, "Mailer.send"), (functools.partial(Mailer.send, Mailer()), "Mailer.send")],
)
def test_methods_are_functions_without_their_self(function: Callable[..., Any], name: str):
    when = datetime(2026, 1, 1, tzinfo=UTC)

    shape = Shape.of(function)

    assert shape.name == name
    assert roundtrip(shape, "ada", when) == ((), {"to": "ada", "at": when})


def test_class_methods_are_functions_without_their_class():
    assert roundtrip(Shape.of(Mailer.forward), Path("a")) == ((), {"to": Path("a")})


def test_callable_objects_are_functions():
    shape = Shape.of(Mailer())

    assert shape.name == "Mailer"
    assert roundtrip(shape, Path("a/b"), 2) == ((), {"to": Path("a/b"), "copies": 2})
    assert shape.decode_result('{"x":1}') == Point(1)


def test_what_a_partial_has_bound_is_not_the_callers():
    bound = functools.partial(functools.partial(resize, "a.png"), width=3)

    assert roundtrip(Shape.of(bound), sharp=True) == ((), {"sharp": True})
    with pytest.raises(ArgumentsError, match="'width' is not for the caller to give"):
        Shape.of(bound).encode((), {"width": 4})


def test_a_wrapped_function_keeps_its_own_annotations():
    @functools.wraps(resize)
    def wrapper(*args: Any, **kwargs: Any) -> Any: ...

    with pytest.raises(ArgumentsError, match=r"Expected `int`, got `str` - at `\$\.width`"):
        Shape.of(wrapper).check('{"path":"a","width":"b"}')


def test_a_function_without_a_signature_cannot_be_a_job():
    class Opaque:
        __signature__ = 3

        def __call__(self) -> None: ...

    with pytest.raises(JobError, match="Opaque tells no signature; wrap it in a function of your own"):
        Shape.of(Opaque())


# Values and annotations

WHEN = st.datetimes(timezones=st.just(UTC))
VALUES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (None, st.none()),
    (bool, st.booleans()),
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text()),
    (bytes, st.binary()),
    (bytearray, st.builds(bytearray, st.binary())),
    (Decimal, st.decimals(allow_nan=False)),
    (UUID, st.uuids()),
    (datetime, WHEN),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas(timedelta(days=-1000), timedelta(days=1000))),
    (Path, st.builds(Path, st.text("ab/.", min_size=1))),
    (PurePosixPath, st.builds(PurePosixPath, st.text("ab/.", min_size=1))),
    (Colour, st.sampled_from(Colour)),
    (Level, st.sampled_from(Level)),
    (Literal["a", 2], st.sampled_from(["a", 2])),
    (Point, st.builds(Point, st.integers(), st.floats(-1, 1), st.none() | WHEN)),
    (Size, st.builds(Size, st.integers(), st.integers())),
    (Pair, st.builds(Pair, st.integers(), st.text())),
    (Options, st.fixed_dictionaries({}, optional={"deep": st.booleans(), "names": st.lists(st.text())})),
    (Order, st.builds(Order, number=st.integers(), total=st.decimals(-9, 9), placed=st.none() | WHEN)),
    (Tree, st.builds(Tree, st.text(), st.lists(st.builds(Tree, st.text())))),
    (list[Any], st.lists(st.integers() | st.text() | st.none() | st.booleans())),
    (object, st.dictionaries(st.text(), st.integers())),
]
KEYS = [int, str, date, UUID, Colour]


def compound(inner: tuple[Any, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    kind, values = inner
    shapes: list[tuple[Any, st.SearchStrategy[Any]]] = [
        (kind, values),
        (kind | None if kind is not None else None, values | st.none()),
        (list[kind], st.lists(values)),
        (tuple[kind, ...], st.lists(values).map(tuple)),
        (tuple[kind, int], st.tuples(values, st.integers())),
        (Sequence[kind], st.lists(values)),
        (Mapping[str, kind], st.dictionaries(st.text(), values)),
        (Annotated[kind, "a note"], values),
    ]
    if kind in KEYS:
        shapes += [(set[kind], st.sets(values)), (frozenset[kind], st.frozensets(values))]
        shapes += [(dict[kind, str], st.dictionaries(values, st.text()))]
    return st.one_of([st.tuples(st.just(shape), strategy) for shape, strategy in shapes])


@settings(max_examples=150)
@given(st.sampled_from(VALUES).flatmap(compound))
def test_values_round_trip_by_their_annotation(annotated: tuple[Any, Any]):
    kind, value = annotated

    def job(value): ...

    job.__annotations__ = {"value": kind, "return": kind}
    shape = Shape.of(job)

    assert roundtrip(shape, value) == ((), {"value": value})
    assert shape.decode_result(shape.encode_result(value)) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    )
)
def test_plain_data_needs_no_annotation(value: Any):
    def job(value): ...

    assert roundtrip(Shape.of(job), value) == ((), {"value": value})
    assert loads(dumps(value)) == value


def test_an_aware_datetime_keeps_its_instant():
    def job(at: datetime) -> None: ...

    from zoneinfo import ZoneInfo

    at = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)

    assert roundtrip(Shape.of(job), at)[1]["at"].timestamp() == at.timestamp()


def test_a_value_comes_back_as_what_its_parameter_says():
    def job(where: Path, size: Size, raw: Any, many: dict[str, object]) -> None: ...

    [_, given] = roundtrip(Shape.of(job), "a/b", {"width": 2}, Size(3), {"a": Size(4, 5)})

    assert given == {
        "where": Path("a/b"),
        "size": Size(2),
        "raw": {"width": 3, "height": 1},
        "many": {"a": {"width": 4, "height": 5}},
    }


def test_models_with_aliases_computed_fields_and_their_own_numbers_round_trip():
    class Parcel(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")
        weight: float = pydantic.Field(0, validation_alias="kg", serialization_alias="mass")

        @pydantic.computed_field
        @property
        def heavy(self) -> bool:
            return self.weight > 20

    def job(parcels: list[Parcel]) -> None: ...

    job.__annotations__ = {"parcels": list[Parcel]}

    assert roundtrip(Shape.of(job), [Parcel.model_validate({"kg": 30})])[1] == {
        "parcels": [Parcel.model_validate({"kg": 30})]
    }
    assert Shape.of(job).decode('{"parcels":[{"kg":3}]}')[1] == {"parcels": [Parcel.model_validate({"kg": 3})]}


def test_classes_built_on_text_and_numbers_travel_as_these():
    class Safe(str):
        __slots__ = ()

    class Metres(float): ...

    assert dumps([Safe("a"), Metres(1.5)]) == '["a",1.5]'


def test_a_class_further_down_in_the_file_is_found_when_it_is_needed():
    def job(later: Later) -> Later: ...  # noqa: F821 # pyright: ignore[reportUndefinedVariable]

    shape = Shape.of(job)
    globals()["Later"] = Size
    try:
        assert shape.decode('{"later":{"width":1}}') == ((), {"later": Size(1)})
        assert shape.decode_result('{"width":1}') == Size(1)
    finally:
        del globals()["Later"]


def test_a_name_for_type_checkers_only_means_any_json():
    def job(other: Elsewhere, n: int) -> Elsewhere: ...

    shape = Shape.of(job)

    assert shape.decode('{"other":[1],"n":2}') == ((), {"other": [1], "n": 2})
    assert shape.decode_result("[1]") == [1]
    with pytest.raises(ArgumentsError, match=r"\$\.n"):
        shape.decode('{"other":[1],"n":"2"}')


def test_a_dataclass_with_a_field_that_nobody_can_find_means_any_json():
    @dataclass
    class Half:
        other: Elsewhere

    def job(half: Half) -> None: ...

    job.__annotations__ = {"half": Half}

    assert Shape.of(job).decode('{"half":{"other":1}}') == ((), {"half": {"other": 1}})


def test_an_annotation_that_is_no_type_means_any_json():
    def job(width, height): ...

    job.__annotations__ = {"width": "in pixels", "height": 'mm"'}

    assert Shape.of(job).decode('{"width":1,"height":"2"}') == ((), {"width": 1, "height": "2"})


def test_a_function_that_never_returns_can_be_a_job():
    def job() -> NoReturn:
        raise SystemExit

    assert Shape.of(job).decode_result("null") is None


# What is refused


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Session, f"{__name__}.Session is not JSON"),
        (list[Session | None], f"{__name__}.Session is not JSON"),
        (dict[str, tuple[int, Session]], f"{__name__}.Session is not JSON"),
        (Callable[[int], int], "collections.abc.Callable is not JSON"),
        (Iterable[int], "collections.abc.Iterable is not JSON"),
        (complex, "complex is not JSON"),
        (Point | Order, "may not contain"),
        (Path | str, "may not contain"),
        (datetime | str, "may not contain"),
    ],
)
def test_a_type_that_never_comes_back_from_json_is_refused_at_definition(kind: Any, problem: str):
    def job(first: int, second): ...
    def work(): ...

    job.__annotations__["second"] = kind
    work.__annotations__["return"] = kind

    with pytest.raises(
        JobError, match=rf"parameter 'second' of .*job cannot be read from JSON: .*{problem}.*; take plain"
    ):
        Shape.of(job)
    with pytest.raises(JobError, match=rf"the result of .*work cannot be read from JSON: .*{problem}.*; return plain"):
        Shape.of(work)


def cyclic() -> list[Any]:
    knot: list[Any] = []
    knot.append(knot)
    return knot


BAD: list[tuple[Any, str]] = [
    (Session(), f"a value of type {__name__}.Session is not JSON"),
    ([{"a": Session()}], f"a value of type {__name__}.Session is not JSON"),
    (Point(1, y=Session()), f"a value of type {__name__}.Session is not JSON"),  # pyright: ignore[reportArgumentType]
    (range(3), "a value of type range is not JSON"),
    ([10**5000], "not JSON: Exceeds the limit (4300 digits) for integer string conversion"),
    (print, "a value of type builtin_function_or_method is not JSON"),
    (math.nan, "the number nan is not JSON"),
    ([1, {"a": math.inf}], "the number inf is not JSON"),
    ((-math.inf, None), "the number -inf is not JSON"),
    (Point(1, math.nan), "the number nan is not JSON"),
    (pydantic.create_model("Weight", kg=float)(kg=math.nan), "the number nan is not JSON"),
    (cyclic(), "a value that contains itself is not JSON"),
    ("\ud800", "text with half a surrogate pair is not JSON"),
    ({(1, 2): 3}, "a key of type tuple is not JSON"),
]


@pytest.mark.parametrize(("value", "problem"), BAD)
def test_what_is_not_json_is_refused_by_the_name_of_its_argument(value: Any, problem: str):
    def job(good: Any, bad: Any): ...

    with pytest.raises(ArgumentsError) as raised:
        Shape.of(job).encode((None, value), {})

    assert str(raised.value).startswith(f"argument 'bad' of {Shape.of(job).name}: {problem}")
    assert "; give plain data" in str(raised.value)


@pytest.mark.parametrize(("value", "problem"), BAD)
def test_a_result_that_is_not_json_is_refused_by_the_name_of_its_job(value: Any, problem: str):
    with pytest.raises(ArgumentsError) as raised:
        Shape.of(resize).encode_result(value)

    assert str(raised.value).startswith(f"the result of resize: {problem}")


@pytest.mark.parametrize(("value", "problem"), BAD)
def test_other_values_that_are_not_json_are_refused_with_the_reason(value: Any, problem: str):
    with pytest.raises(ArgumentsError) as raised:
        dumps(value)

    assert str(raised.value).startswith(problem)


def test_a_name_that_is_not_json_is_refused():
    def job(**more: int): ...

    with pytest.raises(ArgumentsError, match="a name is not JSON"):
        Shape.of(job).encode((), {"\ud800": 1})


def test_null_is_no_reason_to_refuse():
    assert dumps({"a": None, "b": ["null", 1.5]}) == '{"a":null,"b":["null",1.5]}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "missing required field `path`"),
        ('{"path":"a","wide":1}', "unknown field `wide`"),
        ('{"path":"a","width":"b"}', r"Expected `int`, got `str` - at `\$.width`"),
        ('{"path":"a","width":1.5}', r"Expected `int`, got `float` - at `\$.width`"),
        ('{"path":"a","width":true}', r"Expected `int`, got `bool` - at `\$.width`"),
        ("[]", "Expected `object`, got `array`"),
        ('{"path":', "truncated"),
        ("", "truncated"),
        ('{"path":"a"} {}', "trailing characters"),
    ],
)
def test_an_undecodable_payload_says_where_it_does_not_fit(text: str, problem: str):
    with pytest.raises(ArgumentsError, match=rf"^resize\(path: str, .*\) cannot be called: .*{problem}"):
        Shape.of(resize).check(text)


def test_where_a_value_does_not_fit_is_said_to_the_last_bracket():
    def job(points: list[Point], where: Path, *more: int) -> None: ...

    with pytest.raises(ArgumentsError, match=r"at `\$\.points\[1\]\.x`"):
        Shape.of(job).check('{"points":[{"x":1},{"x":"a"}],"where":"a"}')
    with pytest.raises(ArgumentsError, match=r"Expected `str`, got `int` - at `\$\.where`"):
        Shape.of(job).check('{"points":[],"where":1}')
    with pytest.raises(ArgumentsError, match=r"at `\$\.\*\[1\]`"):
        Shape.of(job).check('{"points":[],"where":"a","*":[1,"b"]}')


def test_what_a_models_own_validation_says_is_passed_on():
    def job(order: Order) -> None: ...

    with pytest.raises(ArgumentsError, match=r"(?s)number.*valid integer.*at `\$\.order`"):
        Shape.of(job).check('{"order":{"number":"x","total":"1"}}')


def test_a_constructor_that_raises_anything_is_an_undecodable_payload():
    @dataclass
    class Fussy:
        n: int

        def __post_init__(self) -> None:
            raise LookupError("no such thing")

    def job(fussy: Fussy) -> Fussy: ...

    job.__annotations__ = {"fussy": Fussy, "return": Fussy}

    with pytest.raises(ArgumentsError, match="no such thing"):
        Shape.of(job).decode('{"fussy":{"n":1}}')
    with pytest.raises(ArgumentsError, match=r"the result of .*job is not what it says: no such thing"):
        Shape.of(job).decode_result('{"n":1}')


def test_a_result_that_does_not_fit_its_annotation_says_where():
    def job() -> Size: ...

    with pytest.raises(ArgumentsError, match=r"the result of .*job is not what it says: .* - at `\$\.width`"):
        Shape.of(job).decode_result('{"width":"wide"}')


def test_no_result_is_null():
    assert Shape.of(resize).encode_result(None) == "null"


@pytest.mark.parametrize("text", ["", "{", "nan", "[1,]", "[" * 100_000])
def test_malformed_text_is_refused(text: str):
    with pytest.raises(ArgumentsError):
        loads(text)
