"""Values as text: what an engine showed and what a spec expects, laid out for people, differing entries marked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.record import Check
from harness.text import plural as plural
from harness.text import printable as printable


class Piece(NamedTuple):
    """A stretch of one line; ``marked`` where it differs from the other side."""

    text: str
    marked: bool = False


Where = frozenset[tuple[int, ...]]
"""Indices of the entries that differ."""
Block = list[list[Piece]]
"""Lines of pieces: what a value looks like. Plain text joins them, HTML wraps the marked ones."""

DEEPEST = 8
LONGEST = 16
_KINDS = {
    "no-error": "no error",
    "wrong-error": "no error",
    "unexpected-error": "no error",
    "bounds": "no error",
    "unbound": "no error",
    "missing-warning": "no warning",
    "extra-warning": "no warning",
}
MEANING = {
    "value": "the value differs",
    "shape": "the shape differs",
    "dtype": "the dtype differs",
    "type": "another type of thing",
    "no-error": "no error where one is due",
    "wrong-error": "another error",
    "unexpected-error": "an error where none is due",
    "missing-warning": "a warning is missing",
    "extra-warning": "a warning that is not due",
    "message": "another wording",
    "unbound": "the program uses a name that it has not bound",
    "bounds": "the program did not end in its bounds",
}


def sides(check: Check) -> tuple[Block, Block]:
    """Expected and observed, laid out, with what differs marked on both."""
    if check.what in _KINDS:
        return _kinds(check.expected, _KINDS[check.what]), _kinds(check.observed, _KINDS[check.what])
    if check.what == "message":
        return _text(check.expected), _text(check.observed)
    where = frozenset(tuple(index) for index in check.where)
    expected, observed = block(check.expected, where), block(check.observed, where)
    if is_tensor(check.expected) and is_tensor(check.observed):
        expected[0], observed[0] = _head(check.expected, check.observed), _head(check.observed, check.expected)
    elif not where:
        expected, observed = ([[Piece(line, True)] for line in text(side).split("\n")] for side in (expected, observed))
    return expected, observed


def _kinds(value: Any, absent: str) -> Block:
    if value in (None, [], absent):
        return [[Piece(absent)]]
    return [[Piece(bare(kind), True)] for kind in (value if isinstance(value, list) else [value])]


def _text(value: Any) -> Block:
    return [[Piece(line)] for line in (value if isinstance(value, str) else scalar(value)).splitlines()]


def is_tensor(value: Any) -> bool:
    """A tensor, or the form that one must have (without values; null where any dtype or shape will do)."""
    return isinstance(value, dict) and {"dtype", "shape"} <= value.keys() <= {"dtype", "shape", "values"}


def _head(tensor: Any, other: Any) -> list[Piece]:
    """Dtype and shape, marked where those of ``other`` are not the same."""
    pieces = []
    for part in ("dtype", "shape"):
        mine, theirs = tensor[part], other[part]
        words = f"any {part}" if mine is None else bare(mine)
        pieces += [Piece(words, mine != theirs and None not in (mine, theirs)), Piece(" ")]
    return pieces[:-1]


def block(value: Any, where: Where = frozenset(), depth: int = DEEPEST) -> Block:
    """``value`` over as many lines as its shape asks for: aligned matrices, the tensors of a list one by one."""
    if isinstance(value, list) and depth and any(is_tensor(item) for item in value):
        return [line for index in _shown(len(value), where) for line in _numbered(value, index, where, depth - 1)]
    head = [_head(value, value)] if is_tensor(value) else []
    if head and "values" not in value:
        return head
    entries = value["values"] if head else value
    width = max((len(entry) for entry in _entries(entries, DEEPEST)), default=0)
    return head + _block(entries, where, width, DEEPEST)


def _numbered(items: list[Any], index: int | str, where: Where, depth: int) -> Block:
    """One item of a list that holds tensors, with its number before it."""
    if isinstance(index, str):
        return [[Piece(index)]]
    number = f"[{index}] "
    lines = block(items[index], _below(where, index), depth)
    return [[Piece(" " * len(number) if n else number), *line] for n, line in enumerate(lines)]


def _entries(value: Any, depth: int) -> Iterable[str]:
    """The texts of the entries that may be shown, to find a common width."""
    if not isinstance(value, list):
        yield scalar(value)
    elif depth:
        for item in value[:LONGEST]:
            yield from _entries(item, depth - 1)


def _block(value: Any, where: Where, width: int, depth: int) -> Block:
    if not isinstance(value, list):
        entry = scalar(value)
        return [[Piece(" " * (width - len(entry))), Piece(entry, bool(where))]]
    if not value or not depth:
        return [[Piece("[…]" if value else "[]", bool(where))]]
    shown = [
        [[Piece(index)]] if isinstance(index, str) else _block(value[index], _below(where, index), width, depth - 1)
        for index in _shown(len(value), where)
    ]
    if not any(isinstance(item, list) for item in value):
        row = [piece for (line,) in shown for piece in (Piece(", "), *line)]
        return [[Piece("["), *row[1:], Piece("]")]]
    lines: Block = []
    for inner in shown:
        lines += [[Piece(" "), *line] for line in inner]
        lines[-1].append(Piece(","))
    lines[0][0], lines[-1][-1] = Piece("["), Piece("]")
    return lines


def _below(where: Where, index: int) -> Where:
    """The part of ``where`` that lies in one item. What differs as a whole differs in all its items."""
    return frozenset(path[1:] for path in where if not path or path[0] == index)


def _shown(length: int, where: Where) -> Iterator[int | str]:
    """Which items of a long list are shown: the first ones, and of the rest those that differ; words for the gaps."""
    head = length if length <= LONGEST else LONGEST // 2
    differing = sorted({path[0] for path in where if path and head <= path[0] < length})[:LONGEST]
    last = -1
    for index in [*range(head), *differing, length]:
        if index > last + 1:
            yield f"… {index - last - 1} more"
        if index < length:
            yield index
        last = index


def text(lines: Block) -> str:
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def scalar(value: Any) -> str:
    """One entry, as YAML would have it; nan, inf and complex numbers (text in a record) stand bare."""
    if isinstance(value, str):
        return value if _is_number(value) else json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return inline(value) if isinstance(value, (list, dict)) else repr(value)


def bare(word: Any) -> str:
    """A text (a name, an expression) without quotes; anything else as `inline` has it."""
    return word if isinstance(word, str) else inline(word)


def _is_number(text: str) -> bool:
    try:
        complex(text)
    except ValueError:
        return False
    return True


def inline(value: Any, depth: int = DEEPEST) -> str:
    """``value`` on one line."""
    if isinstance(value, (list, dict)) and value and not depth:
        return "…"
    if is_tensor(value):
        words = "".join(piece.text for piece in _head(value, value))
        return f"{inline(value['values'], depth - 1)} {bare(value['dtype'])}" if "values" in value else words
    if isinstance(value, list):
        items = [inline(item, depth - 1) for item in value[:LONGEST]]
        return "[" + ", ".join([*items, *_more(len(value) - LONGEST)]) + "]"
    if isinstance(value, dict):
        items = [f"{key}: {inline(item, depth - 1)}" for key, item in list(value.items())[:LONGEST]]
        return "{" + ", ".join([*items, *_more(len(value) - LONGEST)]) + "}"
    return scalar(value)


LONG = 48
"""Characters of a value that a line with many values has room for."""


def brief(value: Any) -> str:
    """``value`` in a few words: of many numbers the first ones, and the shape."""
    whole = inline(value)
    tensor = value if is_tensor(value) else {"values": value}
    if len(whole) <= LONG or not isinstance(tensor.get("values"), list):
        return shorten(whole, 2 * LONG)
    shape, entries = [], tensor["values"]
    while isinstance(entries, list) and entries:
        shape.append(len(entries))
        entries = entries[0]
    numbers = [n for n, _ in zip(flat(tensor["values"]), range(3), strict=False)]
    kind = f" {bare(tensor['dtype'])}" if "dtype" in tensor else ""
    return f"[{', '.join(map(_rounded, numbers))}, …] of {'×'.join(map(str, shape))}{kind}"


def flat(value: Any) -> Iterator[Any]:
    """The entries of nested lists, in order."""
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield value


def _rounded(number: Any) -> str:
    return f"{number:.4g}" if isinstance(number, float) else scalar(number)


def given(parameters: Mapping[str, Any], programs: Iterable[str], most: int = 8) -> str:
    """What a case was given: the parameters that its program reads, in a few words each."""
    read = {name for program in programs for name in _WORD.findall(program)}
    told = [name for name in parameters if name in read] or [*parameters]
    words = [
        f"{name} has shape {inline(value['shape'])}"
        if isinstance(value := parameters[name], dict) and {*value} == {"shape"}
        else f"{name} = {brief(value)}"
        for name in told[:most]
    ]
    return ", ".join([*words, *_more(len(told) - most)])


_WORD = re.compile(r"[A-Za-z_]\w*")


class Worst(NamedTuple):
    """The entry of two tensors that differs most."""

    at: list[int]
    expected: Any
    observed: Any
    relative: float | None
    """The difference, relative to what is expected."""
    wrong: int
    entries: int

    @property
    def words(self) -> str:
        relative = "" if self.relative is None else f", relative error {self.relative:.2g}"
        return f"{self.wrong} of {plural(self.entries, 'entry').replace('entrys', 'entries')} differ{relative}"


def worst(check: Check) -> Worst | None:
    """Which entry of a tensor is farthest off; None where something else than entries differs."""
    if check.what != "value" or not (is_tensor(check.expected) and is_tensor(check.observed)):
        return None
    where = [index for index in check.where if index]
    if not where or not all("values" in side for side in (check.expected, check.observed)):
        return None
    found: list[tuple[float, list[int], Any, Any]] = []
    for index in where:
        expected, observed = (_entry(side["values"], index) for side in (check.expected, check.observed))
        try:
            gap = abs(complex(observed) - complex(expected))
        except (TypeError, ValueError):
            return None
        found.append((math.inf if gap != gap else gap, index, expected, observed))
    gap, index, expected, observed = max(found, key=lambda one: one[0])
    size = abs(complex(expected))
    relative = gap / size if size and math.isfinite(gap) and math.isfinite(size) else None
    return Worst(index, expected, observed, relative, len(where), math.prod(check.expected["shape"]))


def _entry(values: Any, index: Sequence[int]) -> Any:
    for position in index:
        values = values[position] if isinstance(values, list) and position < len(values) else None
    return values


def _more(hidden: int) -> list[str]:
    return [f"… {hidden} more"] if hidden > 0 else []


def one_line(check: Check) -> tuple[str, str]:
    """Expected and observed on one line each, cut to what a summary has room for."""
    if check.what in _KINDS or check.what == "message":
        expected, observed = (text(side).replace("\n", ", ") for side in sides(check))
    else:
        expected, observed = inline(check.expected), inline(check.observed)
        if max(len(expected), len(observed)) > ROOM and (most := worst(check)) is not None:
            return f"{scalar(most.expected)} at {inline(most.at)}", scalar(most.observed)
    return shorten(expected), shorten(observed)


ROOM = 120


def shorten(words: str, limit: int = ROOM) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"
