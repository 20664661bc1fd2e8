"""A checked program as JSON and back: the form in which programs reach workers, whatever language they are written in.

A node is an object: ``node`` is its name in Python's own grammar (https://docs.python.org/3/library/ast.html), its other
keys are the fields of that grammar; empty fields are left out. Operators are their signs (``"op": "+"``). ``line`` is the
line in the spec's file where it differs from that of the node around; ``store`` marks a name, an item or an attribute that
is written to. ``docs/protocol.md`` lists every node that a program may hold.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from harness.language.words import COMPARISONS, IDENTITY, OPERATORS


class StepTree(NamedTuple):
    """One step after checking."""

    body: list[ast.stmt]
    observed: list[ast.expr]
    raises: bool


class Program(NamedTuple):
    """What an engine is asked to do: all that a worker needs to know of a spec."""

    id: str
    file: str
    parameters: tuple[str, ...]
    steps: tuple[StepTree, ...]
    watch: bool
    """Whether its tensors may become so large that their sizes are watched while it runs."""


SIGNS: Final[Mapping[type[ast.AST], str]] = {
    **OPERATORS,
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Not: "not",
    ast.And: "and",
    ast.Or: "or",
    **COMPARISONS,
    **IDENTITY,
}
"""What operators are written as."""
_BINARY: Final = {sign: kind for kind, sign in SIGNS.items() if issubclass(kind, ast.operator)}
_UNARY: Final = {sign: kind for kind, sign in SIGNS.items() if issubclass(kind, ast.unaryop)}
_OTHER: Final = {sign: kind for kind, sign in SIGNS.items() if issubclass(kind, (ast.boolop, ast.cmpop))}
_LEFT_OUT: Final = frozenset({"ctx", "type_comment", "kind", "type_params", "is_async", "simple"})


def write(program: Program) -> dict[str, Any]:
    """``program`` as plain data for JSON."""
    return {
        "id": program.id,
        "file": program.file,
        "parameters": list(program.parameters),
        "steps": [
            {
                "body": [_written(statement, 0) for statement in step.body],
                "observe": [_written(expression, 0) for expression in step.observed],
                "raises": step.raises,
            }
            for step in program.steps
        ],
        "watch": program.watch,
    }


def read(data: Mapping[str, Any]) -> Program:
    """The program that `write` wrote."""
    steps = tuple(
        StepTree(
            [_read(statement, 0) for statement in step["body"]],
            [_read(expression, 0) for expression in step["observe"]],
            step["raises"],
        )
        for step in data["steps"]
    )
    return Program(data["id"], data["file"], tuple(data["parameters"]), steps, data["watch"])


def number(value: Any) -> Any:
    """A plain value as JSON has it: what JSON cannot hold becomes ``{"number": text}``, ``...`` becomes ``{"ellipsis": true}``."""
    if value is ...:
        return {"ellipsis": True}
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return {"number": repr(value)}
    if type(value) is int and not -(2**63) <= value < 2**63:
        return {"number": repr(value)}
    return value


def spelt(value: Any) -> Any:
    """Numbers in nested lists, each as `number` has it."""
    return [spelt(item) for item in value] if isinstance(value, list) else number(value)


def value_of(data: Any) -> Any:
    """The value that `number` wrote."""
    if isinstance(data, dict):
        if "ellipsis" in data:
            return ...
        text = data["number"]
        return complex(text) if "j" in text else float(text) if "n" in text else int(text)
    return data


def _written(node: ast.AST, line: int) -> dict[str, Any]:
    out: dict[str, Any] = {"node": type(node).__name__}
    here = getattr(node, "lineno", line)
    if here != line:
        out["line"] = here
    end = getattr(node, "end_lineno", None)
    if isinstance(node, ast.stmt) and end not in (None, here):
        out["end"] = end
    if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
        out["store"] = True
    for name, value in ast.iter_fields(node):
        empty = value is None or value == []
        if name in _LEFT_OUT or (empty and not isinstance(node, ast.Constant)):
            continue
        if isinstance(value, ast.AST):
            out[name] = SIGNS[type(value)] if type(value) in SIGNS else _written(value, here)
        elif isinstance(value, list):
            out[name] = [SIGNS[type(v)] if type(v) in SIGNS else _part(v, here) for v in value]
        else:
            out[name] = number(value) if isinstance(node, ast.Constant) else value
            if type(value) in (int, float) and isinstance(node, ast.Constant):
                out["type"] = type(value).__name__  # some languages read 1.0 and 1 as one number
    return out


def _part(value: Any, line: int) -> Any:
    return _written(value, line) if isinstance(value, ast.AST) else value


def _read(data: Mapping[str, Any], line: int) -> Any:
    kind = getattr(ast, data["node"])
    here = data.get("line", line)
    fields: dict[str, Any] = {}
    for name in kind._fields:
        given = data.get(name)
        if name == "ctx":
            fields[name] = ast.Store() if data.get("store") else ast.Load()
        elif name == "op":
            fields[name] = _sign(kind, given)()
        elif name == "ops":
            fields[name] = [_OTHER[sign]() for sign in given or ()]
        elif kind is ast.Constant and name == "value":
            fields[name] = value_of(given)
        elif isinstance(given, dict):
            fields[name] = _read(given, here)
        elif isinstance(given, list):
            fields[name] = [_read(item, here) if isinstance(item, dict) else item for item in given]
        else:
            fields[name] = given if given is not None else _EMPTY.get((kind, name), _absent(kind, name))
    made = kind(**fields)
    if isinstance(made, ast.Delete):
        for target in made.targets:
            target.ctx = ast.Del()  # type: ignore[attr-defined]  # only names are deleted
    if isinstance(made, (ast.stmt, ast.expr, ast.arg, ast.keyword)):
        made.lineno, made.col_offset = here, 0
        made.end_lineno, made.end_col_offset = data.get("end", here), 0
    return made


def _sign(kind: type[ast.AST], sign: Any) -> type[ast.AST]:
    table: Mapping[str, type[ast.AST]] = _UNARY if kind is ast.UnaryOp else _OTHER if kind is ast.BoolOp else _BINARY
    return table[sign]


_EMPTY: Final[Mapping[tuple[type[ast.AST], str], Any]] = {(ast.comprehension, "is_async"): 0}
_LISTS: Final = frozenset(
    {"body", "orelse", "targets", "args", "keywords", "elts", "generators", "ifs", "bases", "decorator_list", "items"}
    | {"posonlyargs", "kwonlyargs", "kw_defaults", "defaults", "type_params", "values", "comparators", "keys"}
)


def _absent(kind: type[ast.AST], name: str) -> Any:
    """What Python's grammar has where a field was left out."""
    return [] if name in _LISTS and (kind, name) not in ((ast.IfExp, "body"), (ast.Lambda, "args")) else None
