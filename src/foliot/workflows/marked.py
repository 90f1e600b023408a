"""JSON and YAML with the lines kept, so that a mistake can be shown where it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from json import JSONDecodeError, decoder
from typing import Any

from foliot.errors import WorkflowError

_scanned: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]
"""What json itself reads texts with: the text, and where it ends."""

MOST_PARTS = 20_000
"""How many values a document may have; more would come from something that repeats itself."""
DEEPEST = 50
LARGEST = 1_000_000
"""How many characters a document may have."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A value of a document, and the line it stands in; what is inside is marked, too."""

    value: Any
    line: int
    keys: dict[str, int] = field(default_factory=dict[str, int])
    """For an object: the line of each key."""

    @property
    def plain(self) -> Any:
        """The value without marks."""
        match self.value:
            case dict():
                return {key: each.plain for key, each in self.value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            case list():
                return [each.plain for each in self.value]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            case _:
                return self.value


class Mistake(WorkflowError):
    """A mistake in a document: the message says the file and the line, and shows it."""

    def __init__(self, message: str, text: str, line: int, file: str) -> None:
        lines = text.splitlines()
        shown = f"\n  {lines[line - 1].rstrip()}" if 0 < line <= len(lines) else ""
        self.line = line
        super().__init__(f"{file}, line {line}: {message}{shown}")


def read(text: str, file: str) -> Marked:
    """Read JSON if it begins like that, else YAML. Raises Mistake."""
    if len(text) > LARGEST:
        raise Mistake(f"the document has {len(text)} characters; at most {LARGEST} are read", "", 1, file)
    return _Json(text, file).document() if text.lstrip()[:1] == "{" else _yaml(text, file)


# JSON


class _Json:
    """Reads one JSON document, counting lines."""

    _SPACE = re.compile(r"[ \t\n\r]*")
    _WORD = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._at: int = 0
        self._parts = 0

    def document(self) -> Marked:
        """The whole document."""
        whole = self._value(1)
        self._skip()
        if self._at < len(self._text):
            raise self._mistake("there is more after the end of the document")
        return whole

    def _value(self, depth: int) -> Marked:
        self._skip()
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:
            raise self._mistake(f"nested deeper than {DEEPEST}, or more than {MOST_PARTS} values")
        match self._text[self._at : self._at + 1]:
            case "{":
                return self._object(depth)
            case "[":
                return self._list(depth)
            case '"':
                line = self._line
                return Marked(self._string(), line)
            case _:
                return self._word()

    def _object(self, depth: int) -> Marked:
        line, found, keys = self._line, dict[str, Marked](), dict[str, int]()
        for _ in self._items("}"):
            self._skip()
            at = self._line
            key = self._key(keys)
            found[key], keys[key] = self._value(depth + 1), at
        return Marked(found, line, keys)

    def _key(self, known: dict[str, int]) -> str:
        if self._text[self._at : self._at + 1] != '"':
            raise self._mistake("here a name in double quotes is expected")
        key = self._string()
        if key in known:
            raise self._mistake(f"{key!r} is there twice")
        self._expect(":")
        return key

    def _list(self, depth: int) -> Marked:
        line = self._line
        return Marked([self._value(depth + 1) for _ in self._items("]")], line)

    def _items(self, end: str) -> Iterator[None]:
        """Once for each item, up to and over the end."""
        self._at += 1
        self._skip()
        if self._text[self._at : self._at + 1] == end:
            self._at += 1
            return
        while True:
            yield
            self._skip()
            sign = self._text[self._at : self._at + 1]
            if sign not in (",", end) or not sign:
                raise self._mistake(f"here ',' or {end!r} is expected")
            self._at += 1
            if sign == end:
                return

    def _string(self) -> str:
        try:
            value, self._at = _scanned(self._text, self._at + 1)
        except JSONDecodeError as problem:
            raise self._mistake(problem.msg) from None
        return value

    def _word(self) -> Marked:
        found = self._WORD.match(self._text, self._at)
        if found is None:
            raise self._mistake("here a value is expected")
        line, self._at = self._line, found.end()
        words = {"true": True, "false": False, "null": None}
        if found[0] in words:
            return Marked(words[found[0]], line)
        return Marked(float(found[0]) if set(found[0]) & set(".eE") else int(found[0][:400]), line)

    def _expect(self, sign: str) -> None:
        self._skip()
        if self._text[self._at : self._at + 1] != sign:
            raise self._mistake(f"here {sign!r} is expected")
        self._at += 1

    def _skip(self) -> None:
        found = self._SPACE.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    @property
    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _mistake(self, message: str) -> Mistake:
        return Mistake(message, self._text, self._line, self._file)


# YAML


def _yaml(text: str, file: str) -> Marked:
    yaml = _pyyaml()
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        return Marked(None, 1) if node is None else _Yaml(yaml, loader, text, file).marked(node, 1)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise _as_mistake(problem, text, file) from None
    finally:
        if loader is not None:
            loader.dispose()


def _as_mistake(problem: Any, text: str, file: str) -> Mistake:
    if isinstance(problem, Mistake):
        return problem
    mark = getattr(problem, "problem_mark", None)
    said = getattr(problem, "problem", None) or str(problem) or "nested too deep"
    return Mistake(said, text, 1 if mark is None else mark.line + 1, file)


def _pyyaml() -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise WorkflowError(
            "reading and writing YAML needs PyYAML: pip install 'foliot[yaml]'; JSON needs nothing"
        ) from None
    return yaml


class _Yaml:
    """Marks what PyYAML has composed. Keys are texts, whatever YAML takes them for."""

    def __init__(self, yaml: Any, loader: Any, text: str, file: str) -> None:
        self._yaml, self._loader, self._text, self._file, self._parts = yaml, loader, text, file, 0

    def marked(self, node: Any, depth: int) -> Marked:
        """A node and all inside of it."""
        line = node.start_mark.line + 1
        self._parts += 1
        if depth > DEEPEST or self._parts > MOST_PARTS:
            raise self._mistake(f"nested deeper than {DEEPEST}, or more than {MOST_PARTS} values", line)
        match node:
            case self._yaml.MappingNode():
                return self._mapping(node, line, depth)
            case self._yaml.SequenceNode():
                return Marked([self.marked(each, depth + 1) for each in node.value], line)
            case _:
                return Marked(self._scalar(node, line), line)

    def _mapping(self, node: Any, line: int, depth: int) -> Marked:
        found, keys = dict[str, Marked](), dict[str, int]()
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, self._yaml.ScalarNode):
                raise self._mistake("here a name is expected", at)
            if key.value in keys:
                raise self._mistake(f"{key.value!r} is there twice", at)
            found[key.value], keys[key.value] = self.marked(value, depth + 1), at
        return Marked(found, line, keys)

    def _scalar(self, node: Any, line: int) -> Any:
        value = self._loader.construct_object(node)
        if value is None or isinstance(value, str | bool | int | float):
            return value
        return str(node.value)

    def _mistake(self, message: str, line: int) -> Mistake:
        return Mistake(message, self._text, line, self._file)


def write_yaml(document: Any) -> str:
    """A document as YAML, in the order it has."""
    yaml = _pyyaml()
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
