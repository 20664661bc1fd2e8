"""Every node that a checked program may hold, as `export.write` spells it: the page on the protocol and the schema say the same.

The list is that of the whitelist in `program`; a test compares the two.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from harness.language import export

SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    group: tuple(sign for kind, sign in export.SIGNS.items() if issubclass(kind, base))
    for group, base in (
        ("binary sign", ast.operator),
        ("unary sign", ast.unaryop),
        ("logical sign", ast.boolop),
        ("comparing sign", ast.cmpop),
    )
}
"""What operators are written as."""

Sort = Literal["statement", "expression", "part"]


class Kind(NamedTuple):
    """One kind of node."""

    sort: Sort
    fields: Mapping[str, str]
    """Name -> what it holds; ``[...]`` is a list, ``?`` means that it is left out where there is none."""
    meaning: str
    stores: bool = False
    """Whether it may be written to: then it has ``store``."""


def _table(sort: Sort, text: str) -> dict[str, Kind]:
    """One kind a line: ``Name field: what, ... | meaning``; ``=`` before the name of one that may be written to."""
    kinds = {}
    for line in text.strip().splitlines():
        head, meaning = (part.strip() for part in line.split("|", 1))
        name, _, listed = head.partition(" ")
        pairs = (part.split(":") for part in listed.split(",") if part.strip())
        fields = {field.strip(): holds.strip() for field, holds in pairs}
        kinds[name.lstrip("=")] = Kind(sort, fields, meaning, name.startswith("="))
    return kinds


NODES: Final[Mapping[str, Kind]] = {
    **_table(
        "statement",
        """
Assign targets: [target], value: expression                       | `a = value`; several targets: `a = b = value`
AugAssign target: target, op: binary sign, value: expression      | `a += value`, in place where the engine does so
Expr value: expression                                            | an expression for its effect
For target: target, iter: expression, body: [statement]           | a loop
If test: expression, body: [statement], orelse: [statement]?      | `elif` is an `If` in `orelse`
With items: [withitem], body: [statement]                         | lines under a grad mode
FunctionDef name: text, args: arguments, body: [statement], decorator_list: [expression]? | a function of the program; not recursive; decorators are modes, or `once_differentiable`
ClassDef name: text, bases: [expression], body: [statement]       | of base `Function` a custom function, whose methods are static; of base `Module` a module, whose `__init__` calls that of its base first
Return value: expression?                                         | the end of a function
Raise exc: expression                                             | a call of `ValueError` with one text: an error of kind `user-error`
Delete targets: [target]                                          | names that are forgotten
Pass                                                              | nothing
""",
    ),
    **_table(
        "expression",
        """
Constant value: constant, type: constant type?                    | a literal; `type` tells 1 (`int`) from 1.0 (`float`)
=Name id: text                                                    | a name: of the program, or one of NAMES or BUILTINS
=Attribute value: expression, attr: text                          | `value.attr`: one of ATTRIBUTES, or `append` of a list
Call func: expression, args: [expression]?, keywords: [keyword]?  | `func` is a `Name` or an `Attribute`
BinOp left: expression, op: binary sign, right: expression        | `left + right`
UnaryOp op: unary sign, operand: expression                       | `-operand`
BoolOp op: logical sign, values: [expression]                     | two or more values, as many evaluated as needed
Compare left: expression, ops: [comparing sign], comparators: [expression] | `left < a <= b` has two of each
IfExp test: expression, body: expression, orelse: expression      | `body if test else orelse`
=List elts: [expression]?                                         | a list
=Tuple elts: [expression]?                                        | a fixed list
ListComp elt: expression, generators: [comprehension]             | `[elt for target in iter if ifs]`
Lambda args: arguments, body: expression                          | a function of one expression
Dict keys: [expression]?, values: [expression]?                   | a dictionary; its keys are texts
=Subscript value: expression, slice: index                        | `value[slice]`
""",
    ),
    **_table(
        "part",
        """
Slice lower: expression?, upper: expression?, step: expression?   | `lower:upper:step`, only in an index
keyword arg: text, value: expression                              | `arg=value` in a call
comprehension target: target, iter: expression, ifs: [expression]? | one `for` of a list comprehension
withitem context_expr: expression, optional_vars: target?         | a call of a mode, and the name of what it gives
arguments args: [arg]?, defaults: [expression]?                   | the parameters of a function, and what the last ones are where they are left out
arg arg: text                                                     | one of them
""",
    ),
}

_LINED: Final = frozenset({"keyword", "arg"})
"""Parts that have a line of their own."""


def schema() -> dict[str, Any]:
    """JSON Schema of a program."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A checked program of the conformance suite for automatic differentiation",
        "$ref": "#/$defs/Program",
        "$defs": definitions(),
    }


def definitions() -> dict[str, Any]:
    """Its parts by name: `Program`, `Step`, one for every kind of node."""
    sorts: dict[str, list[str]] = {"statement": [], "expression": []}
    for name, kind in NODES.items():
        sorts.setdefault(kind.sort, []).append(name)
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "Program": _closed(
            {
                "id": {"type": "string", "description": "of the spec"},
                "file": {"type": "string", "description": "of the spec, as it is shown"},
                "parameters": texts | {"description": "names of the parameters, in order"},
                "steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}, "minItems": 1},
                "watch": {"type": "boolean", "description": "whether tensors may become large while it runs"},
            }
        ),
        "Step": _closed(
            {
                "body": _list("statement") | {"description": "its lines"},
                "observe": {"type": "array", "items": _ref("expression"), "description": "what is read after them"},
                "raises": {"type": "boolean", "description": "whether its last line must raise"},
            }
        ),
        **{sort: {"oneOf": [_ref(name) for name in names]} for sort, names in sorts.items() if sort != "part"},
        "target": {"oneOf": [_ref(f"{name}Target") for name, kind in NODES.items() if kind.stores]},
        "index": {
            "oneOf": [*(_ref(n) for n in sorts["expression"] if n != "Tuple"), _ref("Slice"), _ref("TupleIndex")]
        },
        "TupleIndex": _node("Tuple", NODES["Tuple"]._replace(fields={"elts": "[index]?"})),
        "constant": {
            "anyOf": [
                {"type": ["number", "string", "boolean", "null"]},
                _closed({"number": {"type": "string", "description": "nan, inf or a complex number"}}),
                _closed({"ellipsis": {"const": True}}),
            ]
        },
        "constant type": {"enum": ["int", "float"]},
        "text": {"type": "string"},
        **{name: {"enum": list(signs)} for name, signs in SIGNS.items()},
        **{name: _node(name, kind) for name, kind in NODES.items()},
        **{f"{name}Target": _target(name, kind) for name, kind in NODES.items() if kind.stores},
    }


def _target(name: str, kind: Kind) -> dict[str, Any]:
    """A node that is written to; what a list or a tuple holds is then written to as well."""
    out = _node(name, kind._replace(fields={"elts": "[target]?"}) if "elts" in kind.fields else kind)
    out["properties"] |= {"store": {"const": True}}
    out["required"].append("store")
    return out


def _node(name: str, kind: Kind) -> dict[str, Any]:
    properties: dict[str, Any] = {"node": {"const": name}}
    if kind.sort != "part" or name in _LINED or name == "Slice":
        properties["line"] = {
            "type": "integer",
            "description": "in the spec's file; that of the node around if left out",
        }
    if kind.sort == "statement":
        properties["end"] = {"type": "integer", "description": "its last line; the first if left out"}
    for field, holds in kind.fields.items():
        inner = holds.strip("[]?")
        properties[field] = _list(inner) if holds.startswith("[") else _ref(inner)
    optional = {"line", "end", *(field for field, holds in kind.fields.items() if holds.endswith("?"))}
    return _closed(properties, optional) | {"description": kind.meaning}


def _closed(properties: dict[str, Any], optional: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name), "minItems": 1}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name.replace(' ', '%20')}"}
