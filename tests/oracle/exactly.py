"""Asking the exact oracle: the engine of that name, which knows values and nothing of a tape."""

from __future__ import annotations

import ast
import copy
import functools
import warnings
from typing import Any

from harness import plugins
from harness.engine import Engine
from harness.language import compile as compiler
from harness.language.export import Program, StepTree
from tests.oracle.stated import Question, sorted_out

_OF_A_TAPE = frozenset({"retain_graph", "allow_unused"})
"""Keywords that say nothing of values."""


@functools.cache
def _engine() -> Engine:
    return plugins.load(plugins.find("exact"), None).engine


def answers(question: Question) -> list[Any]:
    """What was observed of each stated gradient: plain data, or the exception that there was instead of it."""
    engine = _engine()
    runner = compiler.build(_valued(question.program), engine, list)
    out: list[Any] = []
    ended: BaseException = LookupError("the program ended early")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine.reset()
        try:
            runner.call(out.append, *question.values)
        except Exception as error:
            ended = error
    return sorted_out(question, out, ended)


def _valued(program: Program) -> Program:
    """The program without what only concerns a tape."""
    steps = []
    for step in program.steps:
        body = [_Valued().visit(copy.deepcopy(statement)) for statement in step.body if not _retains(statement)]
        observed = [_Valued().visit(copy.deepcopy(expression)) for expression in step.observed]
        steps.append(StepTree(body or ast.parse("pass").body, observed, False))
    return program._replace(steps=tuple(steps))


def _retains(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="retain_grad"))):
            return True
    return False


class _Valued(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in _OF_A_TAPE]
        return node
