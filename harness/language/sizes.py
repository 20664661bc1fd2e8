"""How large the tensors of a program can be, as far as its text tells: small ones need no watching while it runs."""

from __future__ import annotations

import ast
import math

from harness.language import expected
from harness.language.export import StepTree
from harness.language.guards import MAX_TURNS
from harness.language.records import Spec
from harness.language.words import NAMES


def largest(spec: Spec, trees: list[StepTree]) -> int:
    """No tensor that the program writes out has more elements than this."""
    numbers = 0
    for step in trees:
        for statement in step.body:
            for node in ast.walk(statement):
                match node:
                    case ast.Constant():
                        numbers += 1
                    case ast.ListComp(generators=[ast.comprehension(iter=turns), *rest]):
                        numbers += _turns(turns) ** (1 + len(rest))
                    case ast.Attribute(attr="append" | "tolist"):
                        numbers += MAX_TURNS
                    case ast.Call(func=ast.Name(id=name), args=sizes) if name in NAMES and NAMES[name].traits & {
                        "sized",
                        "spatial",
                        "counts",
                    }:
                        numbers += math.prod(_turns(size) for size in sizes)
    return max([numbers, *(len(expected.leaves([value])) for case in spec.cases for value in case.values())])


def _turns(node: ast.expr) -> int:
    """A bound of a loop's turns, or of a size: a literal, or all that is allowed."""
    match node:
        case ast.Constant(value=int() as size):
            return max(size, 1)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as turns)]):
            return max(turns, 1)
        case ast.List(elts=elements):
            return max(len(elements), 1)
    return MAX_TURNS
