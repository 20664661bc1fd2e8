"""A document's nodes -> records, by the records' own field types; collects every mistake instead of stopping at one."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from harness.language.documents import Mapping, Node, Place, Scalar, Sequence, plain
from harness.problems import Problem, nearest, shortened

Path = tuple[str | int, ...]
R = TypeVar("R", bound=msgspec.Struct)
_STEERING = re.compile(
    r"[^\S \n\t]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
_BAD = object()
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


class Decoder:
    """Decodes one document; afterwards ``problems`` holds every mistake and ``places`` says where each value stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.places: dict[Path, Place] = {}
        self.nodes: dict[Path, Node] = {}

    def problem(self, place: Place, text: str) -> None:
        self.problems.append(Problem(self.file, *place, text))

    def record(self, node: Node, record: type[R]) -> R | None:
        """``node`` as a ``record``, or None where what it cannot do without is wrong.

        Wrong optional values are left out, so that what uses the record can be checked as well: look at ``problems``."""
        value = self._struct(node, record, ())
        return None if value is _BAD else value

    def _value(self, node: Node, hint: Any, path: Path, meta: tuple[Any, ...] = ()) -> Any:
        self.places[path], self.nodes[path] = node.place, node
        origin = get_origin(hint)
        if origin is Annotated:
            inner, *more = get_args(hint)
            value = self._value(node, inner, path, tuple(more))
            return value if value is _BAD else self._bounded(node, value, tuple(more))
        if origin in (Union, types.UnionType):
            return self._union(node, get_args(hint), path)
        if origin is tuple:
            return self._tuple(node, get_args(hint)[0], path)
        if origin is dict:
            return self._dict(node, get_args(hint)[1], path)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self._struct(node, hint, path)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return self._enum(node, hint)
        if hint in _NAMES:
            return self._scalar(node, hint)
        return self._data(node)  # Data

    def _scalar(self, node: Node, kind: Any) -> Any:
        if isinstance(node, Scalar):
            value = node.value
            if isinstance(value, str):
                self._text(node.place, value)
            if type(value) is kind:
                return value
            if kind is float and type(value) is int:
                return float(value)
        return self._wrong(node, _NAMES[kind])

    def _text(self, place: Place, text: str) -> None:
        """Text is shown in terminals, pages and logs: nothing in it may steer them."""
        if found := _STEERING.search(text):
            self.problem(place, f"holds the character U+{ord(found[0]):04X}, which no text needs")

    def _wrong(self, node: Node, expected: str) -> Any:
        found = shortened(node.value) if isinstance(node, Scalar) else _shape(node)
        hint = (
            "; put it in quotes" if expected == "text" and isinstance(node, Scalar) and node.value is not None else ""
        )
        self.problem(node.place, f"found {found}, expected {expected}{hint}")
        return _BAD

    def _data(self, node: Node) -> Any:
        if isinstance(node, Mapping):
            return self._wrong(node, "a number, true, false, null, an expression, or a list of these")
        if isinstance(node, Sequence):
            for item in node.items:
                if self._data(item) is _BAD:
                    return _BAD
        elif isinstance(node.value, str):
            self._text(node.place, node.value)
        return plain(node)

    def _union(self, node: Node, hints: tuple[Any, ...], path: Path) -> Any:
        options = [h for h in hints if h is not msgspec.UnsetType]
        if type(None) in options and isinstance(node, Scalar) and node.value is None:
            return None
        options = [h for h in options if h is not type(None)]
        structs = [h for h in options if isinstance(h, type) and issubclass(h, msgspec.Struct)]
        if structs and (isinstance(node, Mapping) or len(options) == 1):
            return self._value(node, structs[0], path)
        rest = [h for h in options if h not in structs]
        fit = [h for h in rest if self._fits(node, h)]
        return self._value(node, (fit or rest)[0], path)

    def _fits(self, node: Node, hint: Any) -> bool:
        """Whether a value of this type looks like the node."""
        while get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        if isinstance(node, Scalar):
            return type(node.value) is hint
        return isinstance(node, Mapping) and get_origin(hint) is dict

    def _tuple(self, node: Node, item: Any, path: Path) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            node = Sequence(node.place, [node])  # one word may stand without its brackets
        if not isinstance(node, Sequence):
            return self._wrong(node, "a list")
        values = [self._value(entry, item, (*path, index)) for index, entry in enumerate(node.items)]
        return _BAD if _BAD in values else tuple(values)

    def _dict(self, node: Node, item: Any, path: Path) -> Any:
        if not isinstance(node, Mapping):
            return self._wrong(node, "a mapping")
        values = {}
        for key, (place, entry) in node.items.items():
            self._text(place, key)
            values[key] = self._value(entry, item, (*path, key))
            self.places[(*path, key)] = place
        return _BAD if _BAD in values.values() else values

    def _enum(self, node: Node, enum: type[Enum]) -> Any:
        known = [member.value for member in enum]
        if isinstance(node, Scalar) and node.value in known:
            return enum(node.value)
        found = node.value if isinstance(node, Scalar) else _shape(node)
        self.problem(
            node.place, f"found {shortened(found)}, expected one of {', '.join(known)}{nearest(str(found), known)}"
        )
        return _BAD

    def _struct(self, node: Node, record: type[msgspec.Struct], path: Path) -> Any:
        fields = _fields(record)
        if not isinstance(node, Mapping):
            required = _listed(key for key, (field, _) in fields.items() if field.required)
            return self._wrong(node, f"a mapping with {required}")
        values: dict[str, Any] = {}
        for key, (place, entry) in node.items.items():
            if key in fields:
                field, hint = fields[key]
                values[field.name] = self._value(entry, hint, (*path, key))
            else:
                hint = nearest(key, fields) or f"; known are {_listed(fields)}"
                self.problem(place, f"unknown key {shortened(key)}{hint}")
        for key, (field, _) in fields.items():
            if field.required and key not in node.items:
                self.problem(node.place, f"{key!r} is missing")
                values[field.name] = _BAD
        if any(values.get(field.name) is _BAD for field, _ in fields.values() if field.required):
            return _BAD
        return record(**{name: value for name, value in values.items() if value is not _BAD})

    def _bounded(self, node: Node, value: Any, metas: tuple[Any, ...]) -> Any:
        for meta in metas:
            if not isinstance(meta, msgspec.Meta):
                continue
            wrong = None
            if meta.min_length is not None and len(value) < meta.min_length:
                wrong = "is empty" if meta.min_length == 1 else f"is shorter than {meta.min_length}"
            elif meta.max_length is not None and len(value) > meta.max_length:
                wrong = f"is longer than {meta.max_length}"
            elif meta.pattern is not None and not re.fullmatch(meta.pattern.removeprefix("^").removesuffix("$"), value):
                wrong = "does not look like area/some-words (lower-case letters, digits, hyphens)"
            elif meta.ge is not None and not value >= meta.ge:
                wrong = f"is less than {meta.ge}"
            elif meta.le is not None and not value <= meta.le:
                wrong = f"is more than {meta.le}"
            if wrong:
                self.problem(node.place, f"{shortened(plain(node))} {wrong}")
                return _BAD
        return value


@cache
def _fields(record: type[msgspec.Struct]) -> dict[str, tuple[msgspec.structs.FieldInfo, Any]]:
    """Key in the document -> (field, its type hint)."""
    hints = get_type_hints(record, include_extras=True)
    return {field.encode_name: (field, hints[field.name]) for field in msgspec.structs.fields(record)}


def _shape(node: Node) -> str:
    return "a list" if isinstance(node, Sequence) else "a mapping"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in words)
