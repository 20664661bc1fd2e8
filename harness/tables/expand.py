"""A table's file -> specs, one per row and aspect, checked like any other."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from harness.language import documents, sources
from harness.language.decode import Decoder
from harness.language.decode import Path as Keys
from harness.language.documents import Node, Place, Scalar
from harness.language.expected import leaves
from harness.language.formulas import BadFormula
from harness.language.records import Expectation, Origin, Spec
from harness.problems import InputError, Problem, nearest, shortened
from harness.tables.rows import KINDS, Hard, Input, Row, Table

Check = Callable[[Spec, Decoder, Origin], Any]
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_table(node: Node) -> bool:
    """Whether a document is a table and not a spec."""
    return isinstance(node, documents.Mapping) and "rows" in node.items


class Expanded(NamedTuple):
    spec: Spec
    decoder: Decoder
    """Knows where in the table each part of the spec comes from."""


def read(node: Node, shown: str, known: Mapping[str, sources.Document] | None = None) -> tuple[Table, Decoder]:
    """The table in a document. Raises `InputError` with everything that is wrong with its form."""
    decoder = Decoder(shown)
    table = decoder.record(node, Table)
    if table is None:
        raise InputError(decoder.problems)
    for name, row in table.rows.items():
        _look(name, row, decoder, known)
    if decoder.problems:
        raise InputError(decoder.problems)
    return table, decoder


def _look(name: str, row: Row, decoder: Decoder, known: Mapping[str, sources.Document] | None) -> None:
    """What the types of the records do not say."""
    from harness.tables.aspects import WITHOUT

    def problem(text: str, *path: str | int) -> None:
        decoder.problem(decoder.places.get(("rows", name, *path), decoder.places["rows", name]), text)

    if not _NAME.fullmatch(name):
        problem(f"{name!r} is no name of a row: lower-case letters, digits, hyphens")
    for index, source in enumerate(row.source):
        if known is not None and (text := sources.wrong(source, known)):
            problem(text, "source", index)
    for key, given in row.inputs.items():
        origin = given.origin if isinstance(given, Input) else given
        if isinstance(origin, str):
            if origin not in KINDS:
                problem(f"{origin!r} is no kind of input{nearest(origin, KINDS)}", "inputs", key)
        elif not _is_domain(origin):
            problem("an input comes from an interval [low, high], several of them, or a kind", "inputs", key)
        if not key.isidentifier() or key == "out" or key in row.outputs:
            problem(f"{key!r} cannot name an input", "inputs", key)
    for field in ("derivative", "gradient"):
        for key in getattr(row, field):
            if key not in row.inputs:
                problem(f"{key!r} is no input{nearest(key, row.inputs)}", field, key)
    if row.derivative and row.gradient:
        problem("'derivative' and 'gradient' stand side by side; an elementwise operation has the first", "gradient")
    values = row.value if isinstance(row.value, dict) else {row.outputs[0].removeprefix("#"): row.value}
    if {*values} != {output.removeprefix("#") for output in row.outputs}:
        problem("'value' says the formula of every output, by name", "value")
    for key in row.without:
        if key not in WITHOUT:
            problem(f"{key!r} is no aspect{nearest(key, WITHOUT)}", "without", key)
    numbers = [("hard", i, key, given) for i, point in enumerate(row.hard) for key, given in _stated(point)]
    for field, index, key, given in numbers:
        if not all(type(leaf) in (int, float) for leaf in leaves(given)):
            problem(f"{key} must be numbers, with a decimal point: {shortened(given)}", field, index)
    if row.loose != 1.0 and not row.note:
        problem("'loose' needs a 'note' that says why", "loose")
    at = [("points", index, point.at) for index, point in enumerate(row.points)]
    at += [("hard", index, point.at) for index, point in enumerate(row.hard)]
    for field, index, said in at:
        if unknown := [key for key in row.inputs if key not in said]:
            problem(f"'at' does not say {unknown[0]}", field, index)


def _stated(point: Hard) -> Iterator[tuple[str, Any]]:
    yield from point.value.items()
    yield from point.gradient.items()
    yield from point.cotangent.items()


def _is_domain(origin: Any) -> bool:
    if not isinstance(origin, list) or not origin:
        return False
    intervals = origin if isinstance(origin[0], list) else [origin]
    return all(
        isinstance(i, list) and len(i) == 2 and all(type(bound) in (int, float) for bound in i) and i[0] < i[1]
        for i in intervals
    )


def expand(
    node: Node, shown: str, area: str, check: Check, known: Mapping[str, sources.Document] | None = None
) -> list[Any]:
    """Every spec of a table, as ``check`` makes them. Raises `InputError` with all problems of all rows."""
    import numpy as np

    from harness.tables import aspects
    from harness.tables.numbers import BadNumbers, Rule

    table, decoder = read(node, shown, known)
    made: list[Any] = []
    problems: list[Problem] = []
    for name, row in table.rows.items():
        place = decoder.places["rows", name]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NumPy warns of means of nothing; a row may be about them
                drafts = list(aspects.drafts(name, Rule(row)))
        except BadFormula as error:
            key = getattr(error, "key", "value")
            at = decoder.places.get(("rows", name, key), place)
            problems.append(Problem(shown, *at, f"row {name!r}, {key}: {error}"))
            continue
        except BadNumbers as error:
            problems.append(Problem(shown, *place, f"row {name!r}: {error}"))
            continue
        run = decoder.nodes["rows", name, "run"]
        assert isinstance(run, Scalar)
        for draft in drafts:
            spec = Spec(
                id=f"{area}/{name}/{draft.aspect}",
                claim=draft.claim,
                source=draft.source or row.source,
                standing=draft.standing or row.standing,
                since=draft.since or row.since,
                until=draft.until or row.until,
                note=row.note,
                cases=draft.cases,
                steps=draft.steps,
            )
            try:
                made.append(check(spec, _Places(shown, place, run, spec), _origin(table, name, row, draft.aspect)))
            except InputError as error:
                problems += [p._replace(text=f"row {name!r}, {draft.aspect}: {p.text}") for p in error.problems]
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return made


def _origin(table: Table, name: str, row: Row, aspect: str) -> Origin:
    value = row.value if isinstance(row.value, dict) else {row.outputs[0].removeprefix("#"): row.value}
    return Origin(
        table=table.title,
        name=name,
        aspect=aspect,
        run=row.run.strip(),
        value=_one_line(value),
        derivative=_one_line(row.derivative),
        gradient=_one_line(row.gradient),
        where=row.where.strip(),
        without=_one_line(row.without),
    )


def _one_line(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in texts.items()}


class _Places(Decoder):
    """Where a spec's parts stand, for a spec that no file spells out: in the row."""

    def __init__(self, file: str, place: Place, run: Scalar, spec: Spec) -> None:
        super().__init__(file)
        self.places = _Everywhere(place)
        self.nodes = _Nodes(place, spec)
        self.spec = spec


class _Everywhere(dict[Keys, Place]):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def __missing__(self, key: Keys) -> Place:
        return self.place


class _Nodes(dict[Keys, Node]):
    """Programs and expected values as nodes, which is what a check looks at."""

    def __init__(self, place: Place, spec: Spec) -> None:
        super().__init__()
        self.place = place
        self.spec = spec

    def __missing__(self, key: Keys) -> Node:
        match key:
            case ("steps", int(number), "run"):
                return self.scalar(self.spec.steps[number].run, "|")
            case ("steps", int(number), "expect", text):
                due = self.spec.steps[number].expect[str(text)]
                if not isinstance(due, Expectation):
                    return self.scalar(due)
                return documents.Mapping(self.place, {"value": (self.place, self.scalar(due.value))})
        raise KeyError(key)

    def scalar(self, value: Any, style: str = "") -> Scalar:
        return Scalar(self.place, value, style, self.place)
