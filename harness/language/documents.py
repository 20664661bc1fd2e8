"""YAML text from strangers -> a tree of nodes that know their place.

PyYAML's C parser gives events; everything else is decided here: YAML 1.2 core scalars (``1e-3`` is a number, ``on`` is a
string), duplicate keys are errors, and size, depth and alias expansion have bounds, so that no text can exhaust the
machine. Parsing works on events with an explicit stack: nothing recurses.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from harness.problems import InputError, Problem, shortened

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 50_000
"""After aliases are expanded."""
MAX_DIGITS: Final = 40

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class Place(NamedTuple):
    """One-based."""

    line: int
    column: int


class Scalar(NamedTuple):
    place: Place
    value: Any
    style: str
    """``|``, ``>``, ``'``, ``"`` or empty for a plain scalar."""
    text: Place
    """Where the first character of the value stands: behind the quote, in the first line of a block."""


class Sequence(NamedTuple):
    place: Place
    items: list[Node]


class Mapping(NamedTuple):
    place: Place
    items: dict[str, tuple[Place, Node]]
    """Key -> (place of the key, value)."""


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """The node's data without places."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, (_, value) in node.items.items()}


def read(path: Path, shown: str | None = None) -> Node:
    """Parse the file at ``path``; ``shown`` is its name in messages. Raises `InputError`."""
    name = shown or str(path)
    return decode(content(path, name), name)


def content(path: Path, name: str) -> bytes:
    """The bytes of a file that may be a document. Raises `InputError`."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError([Problem(name, 1, 1, "is no file")])  # a pipe or a device could make us wait for ever
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError([Problem(name, 1, 1, f"cannot be read: {error.strerror or error}")]) from None
    if len(data) > MAX_BYTES:
        raise InputError([Problem(name, 1, 1, f"is larger than {MAX_BYTES:,} bytes; split it into several specs")])
    return data


def decode(data: bytes, name: str) -> Node:
    """Parse what `content` gave. Raises `InputError`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise InputError([Problem(name, line, column, f"is not UTF-8 text: byte 0x{data[error.start]:02x}")]) from None
    return parse(text, name)


def parse(text: str, file: str) -> Node:
    """Parse one YAML document. Raises `InputError` with every duplicate key and bad scalar, or with the syntax error."""
    return _Builder(file).build(text)


class _Open:
    """A collection whose end has not been seen."""

    __slots__ = ("anchor", "key", "node", "size")

    def __init__(self, node: Sequence | Mapping, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, Place] | None = None
        self.size = 1


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.nodes = 0
        self.root: Node | None = None

    def stop(self, place: Place, text: str) -> InputError:
        return InputError([*self.problems, Problem(self.file, *place, text)])

    def build(self, text: str) -> Node:
        documents = 0
        self.lines = text.splitlines()
        # Without libyaml (a source build of PyYAML) the Python parser gives the same events, only slower.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            for event in yaml.parse(text, Loader=loader):
                start = event.start_mark
                assert start is not None
                place = Place(start.line + 1, start.column + 1)
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        raise self.stop(place, "a second document begins here; a file holds one spec")
                else:
                    self.take(event, place)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
            reason = " ".join(part for part in (error.context, error.problem) if part)
            raise self.stop(where, f"is not YAML: {reason}") from None
        except yaml.YAMLError as error:
            position = getattr(error, "position", 0)
            line = text.count("\n", 0, position) + 1
            column = position - text.rfind("\n", 0, position)
            raise self.stop(Place(line, column), f"is not YAML: {getattr(error, 'reason', error)}") from None
        except RecursionError:
            raise self.stop(Place(1, 1), f"is nested deeper than {MAX_DEPTH} levels") from None
        if self.problems:
            raise InputError(self.problems)
        return Mapping(Place(1, 1), {}) if self.root is None else self.root

    def take(self, event: Any, place: Place) -> None:
        match event:
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(self.stack) == MAX_DEPTH:
                    raise self.stop(place, f"is nested deeper than {MAX_DEPTH} levels")
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                self.stack.append(_Open(Mapping(place, {}) if is_mapping else Sequence(place, []), event.anchor))
                self.count(1, place)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.stack.pop()
                self.add(done.node, done.size, done.anchor, place)
            case yaml.ScalarEvent():
                self.count(1, place)
                self.add(self.scalar(event, place), 1, event.anchor, place)
            case yaml.AliasEvent():
                if event.anchor not in self.anchors:
                    raise self.stop(place, f"alias *{event.anchor} has no anchor &{event.anchor} before it")
                node, size = self.anchors[event.anchor]
                self.count(size, place)
                self.add(node, size, None, place)

    def count(self, size: int, place: Place) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self.stop(place, f"holds more than {MAX_NODES:,} values once its aliases are expanded")

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        text, style = event.value, event.style or ""
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            self.problems.append(
                Problem(self.file, *place, f"tag {event.tag!r} has no meaning in a spec; leave it out")
            )
        if style or event.tag is not None:
            return Scalar(place, text, style or "'", self.text_place(place, style))
        return Scalar(place, self.plain(text, place), "", place)

    def text_place(self, place: Place, style: str) -> Place:
        if style not in ("|", ">"):
            return Place(place.line, place.column + 1)
        first = next((line for line in self.lines[place.line :] if line.strip()), "")
        return Place(place.line + 1, len(first) - len(first.lstrip()) + 1)

    def plain(self, text: str, place: Place) -> Any:
        """A plain scalar's value by the core schema of YAML 1.2."""
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            if len(text) <= MAX_DIGITS:
                return int(text[2:] if text[:2] in ("0o", "0x") else text, {"0o": 8, "0x": 16}.get(text[:2], 10))
            self.problems.append(Problem(self.file, *place, f"a number of more than {MAX_DIGITS} digits"))
            return 0
        return float(text) if _FLOAT.fullmatch(text) else text

    def add(self, node: Node, size: int, anchor: str | None, place: Place) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += size
        if isinstance(top.node, Sequence):
            top.node.items.append(node)
        elif top.key is None:
            if not isinstance(node, Scalar):
                raise self.stop(place, "a key must be a word, not a list or a mapping")
            # A key is text whatever it looks like: `1: x` and `null: x` name a key, not a number or nothing.
            key = node.value if isinstance(node.value, str) else json.dumps(node.value)
            if key in top.node.items:
                first = top.node.items[key][0]
                self.problems.append(
                    Problem(self.file, *place, f"key {shortened(key)} again; it stands already in line {first.line}")
                )
            top.key = (key, node.place)
        else:
            key, key_place = top.key
            top.node.items[key] = (key_place, node)
            top.key = None
