"""Inputs: names that a program binds once, to a tensor of literals. An expected value may use them as the numbers they hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from harness.language import program


def inputs(statements: list[ast.stmt], parameters: set[str]) -> dict[str, tuple[ast.expr, str | None]]:
    """Names that hold the same literal tensor from where they are bound to the end of the program."""
    stores: dict[str, int] = {}
    for node in program.same_scope(*statements):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stores[node.id] = stores.get(node.id, 0) + 1
    parameters = parameters - set(_changed(statements))
    found: dict[str, tuple[ast.expr, str | None]] = {}
    for statement in statements:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="tensor"), args=[data], keywords=keywords)
            ):
                given = next((k.value for k in keywords if k.arg == "dtype"), None)
                dtype = given.id if isinstance(given, ast.Name) else None
                if stores[name] == 1 and _literal(data, parameters) and (given is None or dtype is not None):
                    found[name] = (data, dtype)
    return found


def _changed(statements: list[ast.stmt]) -> Iterator[str]:
    """Names that a program rebinds or writes into."""
    for statement in statements:
        for node in ast.walk(statement):
            match node:
                case ast.Name(id=name, ctx=ast.Store()):
                    yield name
                case ast.Subscript(value=owner, ctx=ast.Store()) | ast.Attribute(value=owner, attr="append"):
                    while isinstance(owner, (ast.Subscript, ast.Attribute)):
                        owner = owner.value
                    if isinstance(owner, ast.Name):
                        yield owner.id


def _literal(node: ast.expr, parameters: set[str]) -> bool:
    match node:
        case ast.Constant(value=int() | float() | complex()):
            return True
        case ast.Name(id=name):
            return name in parameters
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _literal(operand, set())
        case ast.List(elts=elements):
            return all(_literal(element, parameters) for element in elements)
    return False


def literal_value(node: ast.expr, parameters: Mapping[str, Any]) -> Any:
    """The data of an input."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return parameters[name]
        case ast.UnaryOp(operand=operand):
            return -literal_value(operand, parameters)
        case ast.List(elts=elements):
            return [literal_value(element, parameters) for element in elements]
    raise AssertionError(ast.dump(node))
