"""Which specs a command means: ids, areas, patterns, files, ``-k`` expressions."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from harness.language import documents, load
from harness.language.decode import Decoder
from harness.language.load import CheckedSpec
from harness.language.records import Record, Text
from harness.places import room
from harness.problems import InputError, nearest


class SelectionError(Exception):
    """Words of a selection that mean nothing; the text says which and what was near."""


class Area(Record, frozen=True, kw_only=True):
    """``_area.yaml``: introduces a folder of specs."""

    title: Text
    about: Annotated[Text, Meta(description="what the area is and which documents it rests on, in a paragraph")]
    order: Annotated[int, Meta(description="its place in the order in which a reader learns the topic")]


@cache
def areas() -> Mapping[str, Area]:
    """The suite's areas in teaching order, read once. Raises `InputError`."""
    found, problems = {}, []
    for path in sorted(room("specs").glob("*/_area.yaml")):
        shown = f"specs/{path.parent.name}/_area.yaml"
        decoder = Decoder(shown)
        area = decoder.record(documents.read(path, shown), Area)
        problems += decoder.problems
        if area is not None:
            found[path.parent.name] = area
    if problems:
        raise InputError(problems)
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))


def suite() -> list[CheckedSpec]:
    """All specs of the suite, areas in teaching order, ids in alphabetical order within. Raises `InputError`."""
    return _suite([room("specs")])


def _suite(places: Sequence[Path]) -> list[CheckedSpec]:
    return _ordered(load.load(load.find(places), room("specs")))


def _within(words: Sequence[str], area: Sequence[str]) -> list[Path]:
    """The folders that hold all that ``words`` and ``area`` may mean: an id begins with its folder's name.

    Thousands of specs need not be loaded where a few are meant."""
    heads = {word.partition("/")[0] for word in words} if words else {*area}
    folders = [room("specs") / head for head in sorted(heads)]
    known = all(folder.name.replace("-", "").isalnum() and folder.is_dir() for folder in folders)
    return folders if heads and known else [room("specs")]


TABLES = "ops"
"""The area whose specs come from derivative tables, and have oracles of their own."""


def written() -> list[CheckedSpec]:
    """The specs that somebody wrote one by one. Raises `InputError`."""
    return [spec for spec in suite() if spec.spec.area != TABLES]


def _ordered(specs: Iterable[CheckedSpec]) -> list[CheckedSpec]:
    place = {name: index for index, name in enumerate(areas())}
    return sorted(specs, key=lambda s: (place.get(s.spec.area, len(place)), s.spec.id))


def select(words: Sequence[str], expression: str | None = None, area: Sequence[str] = ()) -> list[CheckedSpec]:
    """The specs that ``words`` name, or all of the suite; narrowed by ``-k`` and ``--area``.

    Raises `InputError` for specs that do not load, `SelectionError` for words that mean nothing."""
    matches = keyword_filter(expression) if expression else None
    files = [Path(word) for word in words if _is_path(word)]
    names = [word for word in words if not _is_path(word)]
    if missing := [file for file in files if not file.exists()]:
        raise SelectionError(f"no such file: {missing[0]}")
    chosen: dict[str, CheckedSpec] = {}
    if names or not files:
        everything = _suite(_within(names, area))
        for word in names or ["*"]:
            found = [spec for spec in everything if _named(spec, word)] or _one_case(everything, word)
            if not found:
                everything = suite()
                known = [*(s.spec.id for s in everything), *(s.spec.area for s in everything)]
                raise SelectionError(f"no spec {word!r}{nearest(word, known) or '; `harness list` shows them'}")
            for spec in found:
                before = chosen.get(spec.spec.id)
                chosen[spec.spec.id] = spec if before is None else before.joined(spec)
        known_areas = {path.parent.name for path in room("specs").glob("*/*.yaml") if path.name[0] != "_"}
        if wrong := [name for name in area if name not in known_areas]:
            raise SelectionError(
                f"no area {wrong[0]!r}{nearest(wrong[0], known_areas) or '; known are ' + ', '.join(sorted(known_areas))}"
            )
    if files:
        chosen |= {spec.spec.id: spec for spec in load.load(load.find(files), room("specs"))}
    specs = _ordered(chosen.values())
    return [s for s in specs if (not area or s.spec.area in area) and (matches is None or matches(s.spec.id))]


def _is_path(word: str) -> bool:
    """A spec file or a folder; a bare word that is an area of the suite means the area."""
    if word.endswith((".yaml", ".yml")):
        return True
    return Path(word).is_dir() and (word.startswith((".", "/")) or not (room("specs") / word).is_dir())


def _named(spec: CheckedSpec, word: str) -> bool:
    return word in (spec.spec.id, spec.spec.area, row_of(spec)) or fnmatchcase(spec.spec.id, word)


def row_of(spec: CheckedSpec) -> str | None:
    """The name by which all specs of a table's row are called; None of a spec that is none of a row."""
    return None if spec.row is None else f"{spec.spec.area}/{spec.row.name}"


def _one_case(specs: Iterable[CheckedSpec], word: str) -> list[CheckedSpec]:
    """``id[n]``: the n-th case of a spec alone."""
    return [
        dataclasses.replace(spec, chosen=frozenset([word]))
        for spec in specs
        if word.startswith(f"{spec.spec.id}[") and word in (id for id, _ in spec.cases)
    ]


def digest(specs: Iterable[CheckedSpec]) -> str:
    """One hash over what the specs say: two runs with the same hash judged the same."""
    lines = sorted(f"{spec.spec.id} {spec.digest} {sorted(spec.chosen or ())}\n" for spec in specs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


def keyword_filter(expression: str) -> Callable[[str], bool]:
    """``-k``: words with ``and``, ``or``, ``not`` and parentheses; a word fits ids that contain it, whatever the case.

    Raises `SelectionError`."""
    tokens = _TOKEN.findall(expression)
    if len(tokens) > 200:
        raise SelectionError("-k: an expression of more than 200 words")
    position = 0

    def peek() -> str | None:
        return tokens[position] if position < len(tokens) else None

    def take() -> str:
        nonlocal position
        token = peek()
        if token is None:
            raise SelectionError(f"-k {expression!r}: ends where a word is due")
        position += 1
        return token

    def either() -> Callable[[str], bool]:
        left = both()
        while peek() == "or":
            take()
            left = _join(any, left, both())
        return left

    def both() -> Callable[[str], bool]:
        left = unary()
        while peek() == "and":
            take()
            left = _join(all, left, unary())
        return left

    def unary() -> Callable[[str], bool]:
        token = take()
        if token == "not":
            inner = unary()
            return lambda id: not inner(id)
        if token == "(":
            inner = either()
            if peek() != ")":
                raise SelectionError(f"-k {expression!r}: a ( is not closed")
            take()
            return inner
        if token in ("and", "or", ")"):
            raise SelectionError(f"-k {expression!r}: {token!r} where a word is due")
        return lambda id: token.lower() in id.lower()

    result = either()
    if peek() is not None:
        raise SelectionError(f"-k {expression!r}: {peek()!r} was not expected; join words with 'and' or 'or'")
    return result


def _join(
    how: Callable[[Iterable[bool]], bool], left: Callable[[str], bool], right: Callable[[str], bool]
) -> Callable[[str], bool]:
    return lambda id: how(side(id) for side in (left, right))
