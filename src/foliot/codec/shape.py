"""Functions as JSON sees them: what goes in, what comes out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from inspect import BoundArguments, Parameter, Signature
from typing import Any, Never, NoReturn, get_type_hints

import msgspec
from msgspec import UNSET
from msgspec import inspect as types

from foliot.codec.values import REMEDY, NotJSON, is_ours, named, reader, text_of
from foliot.errors import ArgumentsError, JobError

REST = "*"
"""Under this name travels what goes into ``*args``."""
CLASHING = "**"
"""Under this name travels what goes into ``**kwargs`` under a name that means something else here."""

_KEYS = {Parameter.VAR_POSITIONAL: REST, Parameter.VAR_KEYWORD: CLASHING}
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_NEVER_BY_NAME = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)


class Shape:
    """What a function takes from its caller and what it gives back, as JSON text.

    Arguments are an object by parameter name; defaults that were not given are not stored, so that the
    function's own apply when it runs. Annotations are looked at when the function is defined, to refuse what
    can never work, and again when they are first needed: a class may stand further down in the file. One that
    cannot be found even then, because it is imported for type checkers only, means any JSON.
    """

    def __init__(self, function: Callable[..., Any], skip: Collection[str]) -> None:
        inner, bound = _unpacked(function)
        self.name: str = getattr(inner, "__qualname__", type(inner).__qualname__)
        self._scope = _scope(inner)
        self._theirs = frozenset({*skip, *bound})
        whole = _signature(function, self.name)
        _refuse_to_step_over(whole, self._theirs, self.name)
        self.signature = self._callers(whole)
        self._returns = self._seen(whole.return_annotation, None)

        parameters = self.signature.parameters.values()
        self._keys = [_KEYS.get(each.kind, each.name) for each in parameters]
        self._ordered = [each.name for each in parameters if each.kind in _BY_POSITION]
        self._placed = [each.name for each in parameters if each.kind is Parameter.POSITIONAL_ONLY]
        self._needed = {each.name for each in parameters if _is_needed(each)}
        self._takes_any_name = CLASHING in self._keys
        self._simple = not self._placed and {REST, CLASHING}.isdisjoint(self._keys)
        self._plain = self._simple and self._keys == self._ordered

    @classmethod
    def of(cls, function: Callable[..., Any], *, skip: Collection[str] = ()) -> Shape:
        """Look at a function; what ``skip`` names and what a partial has bound is not for its caller to give.

        Raises JobError when an annotation can never be read from JSON, or the function tells no signature.
        """
        return cls(function, skip)

    # arguments

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The value of each parameter as Python would bind it, defaults included. Raises ArgumentsError."""
        bound = self._bound(args, kwargs)
        bound.apply_defaults()
        return bound.arguments

    def encode(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Write arguments as JSON text. Raises ArgumentsError if they or their types do not fit, or are not JSON."""
        if not args and not kwargs and not self._needed:
            return "{}"
        given = self._given(args, kwargs)
        try:
            text = text_of(given)
        except NotJSON:
            raise ArgumentsError(self._culprit(given)) from None
        self.check(text)
        return text

    def encode_each(self, items: Sequence[Any]) -> list[str]:
        """Write the arguments of one call for each item, its one argument. Raises ArgumentsError that tells which."""
        texts: list[str] = []
        for n, item in enumerate(items):
            try:
                texts.append(self.encode((item,), {}))
            except ArgumentsError as problem:
                raise ArgumentsError(f"item {n}: {problem}") from None
        return texts

    def decode(self, text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Read arguments, each as its annotation says. Raises ArgumentsError saying where they do not fit."""
        if text == "{}" and not self._needed:
            return (), {}
        try:
            values = msgspec.structs.astuple(self._read_arguments(text))
            given = {key: value for key, value in zip(self._keys, values, strict=True) if value is not UNSET}
            return ((), given) if self._simple else self._laid_out(given, text)
        except Exception as problem:  # values may have constructors of their own
            raise self._unfit(problem) from problem

    def check(self, text: str) -> None:
        """Raise ArgumentsError unless this text holds arguments that fit the function and its annotations."""
        if self._takes_any_name:
            self.decode(text)
            return
        try:
            self._read_arguments(text)
        except Exception as problem:  # the same
            raise self._unfit(problem) from problem

    def _unfit(self, problem: Exception) -> ArgumentsError:
        return ArgumentsError(f"{self.name}{self.signature} cannot be called: {problem}")

    def _given(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What was given, by the name it travels under, in the order of the signature."""
        if self._plain and not kwargs and len(args) == len(self._keys):
            return dict(zip(self._keys, args, strict=True))
        given = {**dict(zip(self._ordered, args, strict=False)), **kwargs}
        once = len(given) == len(args) + len(kwargs)
        if not (self._simple and once and self._needed <= given.keys() <= self.signature.parameters.keys()):
            return self._by_the_book(self._bound(args, kwargs).arguments)
        return given if len(kwargs) < 2 else {key: given[key] for key in self._keys if key in given}

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> BoundArguments:
        try:
            self._refuse_theirs(kwargs)
            return self.signature.bind(*args, **kwargs)
        except TypeError as problem:
            raise ArgumentsError(f"{self.name}{self.signature}: {problem}") from None

    def _refuse_theirs(self, names: Collection[str]) -> None:
        if theirs := self._theirs.intersection(names):
            raise TypeError(f"{min(theirs)!r} is not for the caller to give")

    def _by_the_book(self, bound: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in bound.items():
            kind = self.signature.parameters[name].kind
            if kind is Parameter.VAR_KEYWORD:
                given |= self._parted(value)
            else:
                given[_KEYS.get(kind, name)] = value
        return given

    def _parted(self, extras: dict[str, Any]) -> dict[str, Any]:
        """Extras travel beside the parameters, except those whose names are taken."""
        clashing = {name: value for name, value in extras.items() if name in self._keys}
        free = {name: value for name, value in extras.items() if name not in clashing}
        return {**free, CLASHING: clashing} if clashing else free

    def _culprit(self, given: dict[str, Any]) -> str:
        for key, value in given.items():
            try:
                text_of(value)
            except NotJSON as problem:
                return f"argument {key!r} of {self.name}: {problem}; {REMEDY}"
        return f"the arguments of {self.name}: a name is not JSON"

    def _laid_out(self, given: dict[str, Any], text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments for a call in which some go by position, or by names that no parameter has."""
        rest, clashing = given.pop(REST, ()), given.pop(CLASHING, {})
        extras = self._extras(text) if self._takes_any_name else {}
        placed = self._ordered if rest else self._placed
        while not rest and placed and placed[-1] not in given:
            placed = placed[:-1]
        leading = [given.pop(name, self.signature.parameters[name].default) for name in placed]
        return (*leading, *rest), {**given, **extras, **clashing}

    def _extras(self, text: str) -> dict[str, Any]:
        everything = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        extras = {name: raw for name, raw in everything.items() if name not in self._keys}
        self._refuse_theirs(extras)
        return {name: self._read_extra(raw) for name, raw in extras.items()}

    # results

    @property
    def returns(self) -> Any:
        """What the return annotation means, Any where it is not known."""
        return _hint(self._returns, self._scope)

    def encode_result(self, value: object) -> str:
        """Write a result as JSON text. Raises ArgumentsError naming what in it is not JSON."""
        if value is None:
            return "null"
        try:
            return text_of(value)
        except NotJSON as problem:
            raise ArgumentsError(f"the result of {self.name}: {problem}; return plain data") from None

    def decode_result(self, text: str) -> Any:
        """Read a result as the return annotation says. Raises ArgumentsError saying where it does not fit."""
        try:
            return self._read_result(text)
        except Exception as problem:  # values may have constructors of their own
            raise ArgumentsError(f"the result of {self.name} is not what it says: {problem}") from problem

    # annotations

    def _callers(self, whole: Signature) -> Signature:
        """The signature as the caller sees it, with what its annotations mean as far as that is known."""
        ours = [each for each in whole.parameters.values() if each.name not in self._theirs]
        known = [each.replace(annotation=self._seen(each.annotation, each.name)) for each in ours]
        return Signature(known)

    def _seen(self, annotation: Any, parameter: str | None) -> Any:
        hint = _hint(annotation, self._scope)
        if problem := _obstacle(hint):
            raise JobError(_refusal(self.name, parameter, problem))
        return annotation if hint is Any else hint

    @cached_property
    def _read_arguments(self) -> Callable[[str], Any]:
        parameters = self.signature.parameters.values()
        fields = [(f"f{n}", self._travelling(each), _field(each)) for n, each in enumerate(parameters)]
        unknown = not self._takes_any_name
        return reader(msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=unknown))

    @cached_property
    def _read_extra(self) -> Callable[[msgspec.Raw], Any]:
        [*_, extra] = self.signature.parameters.values()  # Python has it last
        return reader(_hint(extra.annotation, self._scope))

    @cached_property
    def _read_result(self) -> Callable[[str], Any]:
        return reader(_hint(self._returns, self._scope))

    def _travelling(self, parameter: Parameter) -> Any:
        """The type of what travels under a parameter's key."""
        hint = _hint(parameter.annotation, self._scope)
        match parameter.kind:
            case Parameter.VAR_POSITIONAL:
                return list[hint]
            case Parameter.VAR_KEYWORD:
                return dict[str, hint]
            case _:
                return hint


# What a function tells about itself


def _unpacked(function: Callable[..., Any]) -> tuple[Callable[..., Any], set[str]]:
    """What partials wrap, and the names that they have bound."""
    bound: set[str] = set()
    while isinstance(function, partial):
        bound |= function.keywords.keys()
        function = function.func  # pyright: ignore[reportUnknownMemberType]
    return function, bound  # pyright: ignore[reportUnknownVariableType]


def _scope(function: Callable[..., Any]) -> dict[str, Any]:
    """Where the names in a function's annotations are looked up."""
    annotated = function if inspect.isroutine(function) else type(function).__call__
    return getattr(inspect.unwrap(annotated), "__globals__", {})


def _signature(function: Callable[..., Any], name: str) -> Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise JobError(f"{name} tells no signature; wrap it in a function of your own") from None


def _refuse_to_step_over(whole: Signature, theirs: Collection[str], name: str) -> None:
    """What is filled in by name cannot stand before what can only be given by position."""
    parameters = list(whole.parameters.values())
    placed = [n for n, each in enumerate(parameters, 1) if each.kind in _NEVER_BY_NAME]
    for each in parameters[: max(placed, default=0)]:
        if each.name in theirs and each.default is not Parameter.empty:
            raise JobError(f"{name}: {each.name!r} is filled in by name; move it behind the *")


def _is_needed(parameter: Parameter) -> bool:
    return parameter.kind not in _KEYS and parameter.default is Parameter.empty


def _field(parameter: Parameter) -> Any:
    key = _KEYS.get(parameter.kind, parameter.name)
    return msgspec.field(name=key) if _is_needed(parameter) else msgspec.field(name=key, default=UNSET)


# What annotations mean


def _hint(annotation: Any, scope: dict[str, Any]) -> Any:
    """The type that an annotation means; Any for what cannot be found, or not yet."""
    if annotation is Parameter.empty:
        return Any

    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    try:
        hint = get_type_hints(holder, scope, include_extras=True)["it"]
    except Exception:  # annotations are expressions: anything can happen
        return Any
    return hint if _is_found(hint) and hint not in (Never, NoReturn) else Any


def _is_found(hint: Any) -> bool:
    """Whether the names inside of it are known: a dataclass may stand before the classes of its fields."""
    try:
        types.type_info(hint)
    except NameError:
        return False
    except TypeError:  # known, but not to be read: see _obstacle
        return True
    return True


def _obstacle(hint: Any) -> str | None:
    """Why a type cannot be read from JSON, if so."""
    try:
        return next(_strangers(types.type_info(hint)), None)
    except TypeError as problem:
        return str(problem)


def _strangers(info: types.Type) -> Iterator[str]:
    """The types inside of one that neither msgspec nor we can make from JSON."""
    seen: set[int] = set()
    waiting: list[Any] = [info]
    while waiting:
        each = waiting.pop()
        if isinstance(each, types.CustomType) and not is_ours(each.cls):
            yield f"{named(each.cls)} is not JSON"
        elif isinstance(each, types.Type | types.Field) and id(each) not in seen:
            seen.add(id(each))
            waiting += msgspec.structs.astuple(each)
        elif isinstance(each, tuple):
            waiting += each


def _refusal(function: str, parameter: str | None, problem: str) -> str:
    if parameter is None:
        return (
            f"the result of {function} cannot be read from JSON: {problem}; return plain data, "
            "and annotate it as Any where JSON cannot tell types apart"
        )
    return (
        f"parameter {parameter!r} of {function} cannot be read from JSON: {problem}; "
        "take plain data such as an id, or let the scheduler fill it in with resource()"
    )
