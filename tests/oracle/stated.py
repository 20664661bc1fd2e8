"""Which gradients the suite states, and the programs with nothing left in them but what leads to one.

A stated gradient is a number that a spec expects of an expression through which a gradient flows: ``x.grad``, what `grad`
returned, what a hook was given, a Jacobian. Shapes, counts, truth values, words and null are no gradients."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from harness import cases
from harness.language.compile import Raised
from harness.language.expected import AnyOf, Expected, Items, Numbers, leaves
from harness.language.export import Program, StepTree
from harness.language.load import CheckedSpec
from harness.language.words import ATTRIBUTES, BUILTINS, NAMES

SOURCES: Final = frozenset(
    {"grad", "functional.jacobian", "functional.hessian", "functional.vjp", "functional.jvp", "functional.vhp"}
    | {"functional.hvp", "func.grad", "func.grad_and_value", "func.vjp", "func.jvp", "func.linearize", "func.jacrev"}
    | {"func.jacfwd", "func.hessian", "forward_ad.unpack_dual", ".grad", ".tangent"}
)
"""Words that show a gradient."""
_RULES: Final = frozenset({"backward", "vjp", "jvp"})
"""Methods of a custom function that are given gradients."""


class Stated(NamedTuple):
    """One gradient that a spec states in one of its cases."""

    step: int
    position: int
    """Among the observations of the step."""
    text: str
    expected: Expected

    @property
    def is_finite(self) -> bool:
        return all(abs(number) < float("inf") for number in _numbers(self.expected))


class Question(NamedTuple):
    """A case of a spec that states gradients, for an oracle."""

    checked: CheckedSpec
    case: cases.Case
    program: Program
    """It observes the stated gradients, in their order, and nothing else."""
    stated: tuple[Stated, ...]

    @property
    def values(self) -> list[Any]:
        return [cases.fresh(value) for value in self.case.values]


def questions(suite: Iterable[CheckedSpec]) -> Iterator[Question]:
    for checked in suite:
        shown = [[_flows_from(expression, names) for expression in step.observed] for step, names in _tainted(checked)]
        if not any(map(any, shown)):
            continue
        for case in cases.prepare(checked, "float32"):
            stated = tuple(
                Stated(number, position, checked.observations[number][position].text, wanted)
                for number, step in enumerate(case.steps)
                for position, wanted in enumerate(step)
                if shown[number][position] and _numbers(wanted)
            )
            if stated:
                yield Question(checked, case, _reduced(checked, stated), stated)


def _reduced(checked: CheckedSpec, stated: Iterable[Stated]) -> Program:
    """Without the lines that must raise, and without every observation that is no gradient."""
    chosen = {(entry.step, entry.position) for entry in stated}
    steps = tuple(
        StepTree(
            step.body[:-1] if step.raises else step.body,
            [tree for position, tree in enumerate(step.observed) if (number, position) in chosen],
            False,
        )
        for number, step in enumerate(checked.trees)
    )
    return copy.deepcopy(checked.program._replace(steps=tuple(map(_not_empty, steps))))


def _not_empty(step: StepTree) -> StepTree:
    return step if step.body else step._replace(body=ast.parse("pass").body)


def _numbers(expected: Expected) -> list[Any]:
    """The numbers that a gradient may have; none where something else is expected."""
    if isinstance(expected, Numbers):
        return [] if expected.dtype.startswith(("int", "uint", "bool")) else leaves(expected.values)
    if isinstance(expected, AnyOf):
        return [number for value in expected.values for number in _numbers(value)]
    if isinstance(expected, Items):
        return [number for value in expected.items for number in _numbers(value)]
    return []


def sorted_out(question: Question, out: list[Any], ended: BaseException) -> list[Any]:
    """What each stated gradient showed, or the exception that there was instead; ``out`` is what the program said: after each
    step its observations, then its warnings."""
    answers: list[Any] = []
    for step in question.program.steps:
        seen, out = out[: len(step.observed)], out[len(step.observed) + 1 :]
        seen += [Raised(ended)] * (len(step.observed) - len(seen))
        answers += [value.error if isinstance(value, Raised) else value for value in seen]
    return answers


# ---- where gradients flow


def _tainted(checked: CheckedSpec) -> Iterator[tuple[StepTree, frozenset[str]]]:
    """Every step with the names that hold gradients when it is over."""
    names: frozenset[str] = frozenset()
    for step in checked.trees:
        while True:
            more = names | {name for statement in step.body for name in _assigned(statement, names)}
            if more == names:
                break
            names = more
        yield step, names


def _assigned(statement: ast.stmt, names: frozenset[str]) -> Iterator[str]:
    hooks = {
        argument.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and _registers(node.func)
        for argument in node.args
        if isinstance(argument, ast.Name)
    }
    yield from hooks
    for node in ast.walk(statement):
        match node:
            case ast.Assign(targets=targets, value=value) if _flows_from(value, names):
                for target in targets:
                    yield from _stored(target)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                if _flows_from(value, names):
                    yield from _stored(target)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="append"), args=[item]):
                if _flows_from(item, names):
                    yield owner
            case ast.Call(func=function, args=arguments) if _registers(function):
                yield from (p.arg for a in arguments if isinstance(a, ast.Lambda) for p in a.args.args)
            case ast.ClassDef(body=methods):
                for method in methods:
                    if isinstance(method, ast.FunctionDef) and method.name in _RULES:
                        yield from (parameter.arg for parameter in method.args.args[1:])
            case ast.FunctionDef(name=name, args=parameters) if name in names:
                yield from (parameter.arg for parameter in parameters.args)
            case ast.FunctionDef(name=name, body=body):
                returned = [n.value for s in body for n in ast.walk(s) if isinstance(n, ast.Return) and n.value]
                if any(_flows_from(value, names) for value in returned):
                    yield name


def _registers(function: ast.expr) -> bool:
    """Whether hooks for gradients are registered; ``register_hooks`` takes those of a saved tensor."""
    return re.search(r"register_\w*hook$", ast.unparse(function)) is not None


def _stored(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from _stored(element)
        case ast.Subscript(value=value):
            yield from _stored(value)


def _flows_from(tree: ast.expr, names: frozenset[str]) -> bool:
    """Whether a gradient flows into the value of ``tree``."""
    match tree:
        case ast.Name(id=name):
            return name in names
        case ast.Call(func=function, args=arguments, keywords=keywords):
            word = ast.unparse(function)
            if word in SOURCES:
                return True
            known = NAMES.get(word) or BUILTINS.get(word)
            if (
                known is not None
                and known.result in ("plain", "word", "words")
                and word not in ("list", "tuple", "dict")
            ):
                return False
            given = [*arguments, *(keyword.value for keyword in keywords)]
            return _flows_from(function, names) or any(_flows_from(argument, names) for argument in given)
        case ast.Attribute(value=value, attr=name):
            if f".{name}" in SOURCES:
                return True
            plain = name in ATTRIBUTES and ATTRIBUTES[name].result in ("plain", "word", "words")
            return (not plain or name in ("item", "tolist")) and _flows_from(value, names)
        case ast.Compare() | ast.BoolOp():
            return False
        case ast.Lambda(body=body):
            return _flows_from(body, names)
    return any(_flows_from(child, names) for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr))
