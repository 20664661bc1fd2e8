"""How an operation is written down: its primal in NumPy and one derivative rule per operand, side by side.

    tan = elementwise("tan", np.tan, a=lambda g, y: g * (1 + y * y))

The primal's positional parameters are the operands, its keyword-only parameters the options. A rule is a function of the
incoming gradient and of what it needs, by name (see record.py); an operand without a rule is a constant. What results is
the function that users call. A function that is only composed of others needs no rule: it is written in Python and made
known with `word`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from .. import inplace
from ..dtypes import Array
from ..errors import AutogradTypeError, AutogradValueError
from ..record import NO_OPTIONS, Operation, Rule, apply
from ..tensor import Tensor, method

Primal = Callable[..., Array]
Function = Callable[..., Any]
Composed = TypeVar("Composed", bound=Function)

WORDS: Final[dict[str, Function]] = {}
"""What programs may call, as the language spells it."""

OPERATIONS: Final[dict[str, Operation]] = {}
"""Every operation that is defined with `define`, by name."""

_SPELT: Final = {"a": "input", "b": "other"}
"""Operands that PyTorch's users know under another name."""


def operation_of(name: str, primal: Primal, rules: dict[str, Rule]) -> tuple[Operation, dict[str, Any]]:
    """The operation, and its options with their defaults."""
    if isinstance(primal, np.ufunc):
        return Operation(name, primal, ("a", "b")[: primal.nin], rules), {}
    parameters = inspect.signature(primal).parameters.values()
    operands = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Operation(name, primal, operands, rules), options


def define(name: str, primal: Primal, **rules: Rule) -> Function:
    """The function that applies the operation; nothing but its rules' modules know it."""
    operation, defaults = operation_of(name.replace(".", "_"), primal, rules)
    OPERATIONS[operation.name] = operation
    operands, arity = operation.operands, len(operation.operands)

    if arity == 1 and not defaults:

        def unary(input: Tensor) -> Tensor:
            return apply(operation, (input,))

        return unary

    def function(*arguments: Any, **keywords: Any) -> Tensor:
        given, options = _bound(name, operands, arguments, keywords, defaults)
        return apply(operation, given, options)

    return function


def _bound(
    name: str,
    operands: tuple[str, ...],
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    defaults: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The operands and the options of a call."""
    arity = len(operands)
    if len(arguments) < arity:
        try:
            named = (keywords.pop(_SPELT.get(o, o)) for o in operands[len(arguments) :])
            arguments = (*arguments, *named)
        except KeyError as missing:
            raise AutogradTypeError("invalid-argument", f"{name}() missing argument {missing}") from None
    positional = dict(zip(defaults, arguments[arity:], strict=False))
    if len(arguments) > arity + len(defaults) or keywords.keys() - defaults.keys() or keywords.keys() & positional:
        raise AutogradTypeError("invalid-argument", f"{name}() takes {', '.join((*operands, *defaults))}")
    return arguments[:arity], {**defaults, **positional, **keywords} if defaults else dict(NO_OPTIONS)


def elementwise(name: str, primal: Primal, **rules: Rule) -> Function:
    """Spelt ``f(x)``, ``x.f()`` and, in place, ``x.f_()``."""
    function = define(name, primal, **rules)
    WORDS[name] = function
    method(function, name)
    operation = OPERATIONS[name]
    _, defaults = operation_of(name, primal, rules)

    def in_place(self: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
        given, options = _bound(f"{name}_", operation.operands, (self, *arguments), keywords, defaults)
        return inplace.write(self, operation, given[1:], options)

    method(in_place, f"{name}_")
    return function


def functional(name: str, primal: Primal, **rules: Rule) -> Function:
    """Spelt ``f(x)`` only (torch.nn.functional, torch.special, torch.linalg)."""
    function = WORDS[name] = define(name, primal, **rules)
    return function


def word(*spellings: str, methods: str = "") -> Callable[[Composed], Composed]:
    """Make a composed function known: under its own name, or under ``spellings``; as the named ``methods`` as well."""

    def known(function: Composed) -> Composed:
        for spelling in spellings or (function.__name__,):
            WORDS[spelling] = function
        if methods:
            method(function, *methods.split())
        return function

    return known


def refused(value: object, what: str) -> AutogradValueError:
    return AutogradValueError("invalid-argument", f"{value!r} is not a valid value for {what}")
