"""What travels between nodes, as JSON sees it: whether a result fits a parameter, and which keys an object has.

Everything here errs on the side of yes: what cannot be known before it runs is no mismatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import inspect as types

_SCALARS: dict[type[Any], str] = {
    types.NoneType: "null",
    types.BoolType: "boolean",
    types.IntType: "integer",
    types.FloatType: "number",
    types.StrType: "string",
    types.BytesType: "string",
    types.ByteArrayType: "string",
    types.MemoryViewType: "string",
    types.DateTimeType: "string",
    types.DateType: "string",
    types.TimeType: "string",
    types.TimeDeltaType: "string",
    types.UUIDType: "string",
    types.DecimalType: "string",
}
_ARRAYS = (types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType, types.CollectionType)
_OBJECTS = (types.StructType, types.DataclassType, types.TypedDictType)
_SAID = {"null": "null", "boolean": "true or false", "integer": "a whole number", "string": "a text", "array": "a list"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type is as JSON: one of several shapes; None stands for anything."""

    shapes: Mapping[str, Kind | None] | None
    """The shapes it may have; with an array or an object goes what is inside of it."""
    keys: Mapping[str, Kind] | None = None
    """The keys of an object, where they are known."""

    @property
    def is_open(self) -> bool:
        """Whether it may be an object with keys that nobody knows before."""
        return self.shapes is None or ("object" in self.shapes and self.keys is None)

    @property
    def is_nothing(self) -> bool:
        """Whether it tells nothing."""
        return self.shapes is not None and set(self.shapes) == {"null"}

    @property
    def without_null(self) -> Kind:
        """The same, where it is not null."""
        return self if self.shapes is None else Kind({k: v for k, v in self.shapes.items() if k != "null"}, self.keys)

    def __str__(self) -> str:
        if self.shapes is None:
            return "anything"
        return " or ".join(_spelled(name, inside) for name, inside in self.shapes.items())


ANYTHING = Kind(None)
NOTHING = Kind({"null": None})


def _spelled(name: str, inside: Kind | None) -> str:
    said = _SAID.get(name, f"a {name}" if name == "number" else f"an {name}")
    return said if inside is None or inside.shapes is None else f"{said} of {inside}"


def kind_of(annotation: Any) -> Kind:
    """What an annotation means as JSON; anything, where it cannot be told."""
    try:
        return _kind(types.type_info(annotation))
    except (TypeError, NameError):
        return ANYTHING


def _kind(info: Any, left: int = 4) -> Kind:
    """What a type means, looked at so many levels deep: a type may contain itself."""
    if not left:
        return ANYTHING
    match info:
        case types.UnionType(types=several):
            return _either([_kind(each, left) for each in several])
        case types.LiteralType(values=values):
            return _either([kind_of(type(each)) for each in values])
        case types.EnumType():
            return _either([kind_of(type(each.value)) for each in _members(info)])
        case types.DictType(value_type=inside):
            return Kind({"object": _kind(inside, left - 1)})
        case types.Metadata(type=inside):
            return _kind(inside, left)
        case _ if isinstance(info, _ARRAYS):
            return Kind({"array": _kind(info.item_type, left - 1)})
        case types.TupleType() | types.NamedTupleType():
            return Kind({"array": None})
        case _ if isinstance(info, _OBJECTS):
            return _object(info, left - 1)
        case _:
            return _scalar(info)


def _scalar(info: object) -> Kind:
    name = _SCALARS.get(type(info))
    return ANYTHING if name is None else Kind({name: None})


def _members(info: Any) -> list[Any]:
    return list(info.cls)


def _object(info: Any, left: int) -> Kind:
    if isinstance(info, types.StructType) and info.array_like:
        return Kind({"array": None})
    return Kind({"object": None}, {each.encode_name: _kind(each.type, left) for each in info.fields})


def _either(several: list[Kind]) -> Kind:
    shapes: dict[str, Kind | None] = {}
    for each in several:
        if each.shapes is None:
            return ANYTHING
        for name, inside in each.shapes.items():
            shapes[name] = inside if name not in shapes else None
    objects = [each for each in several if "object" in (each.shapes or ())]
    return Kind(shapes, objects[0].keys if len(objects) == 1 else None)


def fits(given: Kind, wanted: Kind) -> bool:
    """Whether what is given can be read as what is wanted: no, only if it never can be."""
    if given.shapes is None or wanted.shapes is None:
        return True
    return all(_fits_one(name, inside, wanted.shapes) for name, inside in given.shapes.items())


def _fits_one(name: str, inside: Kind | None, wanted: Mapping[str, Kind | None]) -> bool:
    if name not in wanted:
        return name == "integer" and "number" in wanted
    asked = wanted[name]
    return inside is None or asked is None or fits(inside, asked)
