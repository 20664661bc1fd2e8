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
from ..mapped import per_entry
from ..record import Operation, Rule, apply
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


class Signature:
    """How a function of operands and options may be called."""

    def __init__(self, name: str, primal: Primal) -> None:
        self.name = name
        self.operands: tuple[str, ...]
        self.options: tuple[str, ...] = ()
        self.defaults: dict[str, Any] = {}
        if isinstance(primal, np.ufunc):
            self.operands = ("a", "b")[: primal.nin]
            return
        parameters = inspect.signature(primal).parameters.values()
        self.operands = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.options = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    def bind(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The operands and the options of a call."""
        arity = len(self.operands)
        missing = [_SPELT.get(name, name) for name in self.operands[len(arguments) :]]
        unfit = AutogradTypeError(
            "invalid-argument", f"{self.name}() takes {', '.join((*self.operands, *self.options))}"
        )
        if not keywords.keys() >= {*missing}:
            raise unfit
        arguments = (*arguments, *(keywords.pop(name) for name in missing))
        options = {**self.defaults, **dict(zip(self.options, arguments[arity:], strict=False)), **keywords}
        if len(arguments) > arity + len(self.options) or options.keys() != {*self.options}:
            raise unfit
        return arguments[:arity], options


def define(name: str, primal: Primal, **rules: Rule) -> Function:
    """The function that applies the operation; nothing but its rules' modules know it."""
    return _function(Signature(name, primal), operation_of(name, primal, rules))


def operation_of(name: str, primal: Primal, rules: dict[str, Rule]) -> Operation:
    label = name.replace(".", "_")
    operation = OPERATIONS[label] = Operation(label, primal, Signature(name, primal).operands, rules)
    return operation


def _function(signature: Signature, operation: Operation) -> Function:
    arity, defaults = len(signature.operands), signature.defaults
    complete = len(defaults) == len(signature.options)

    def function(*arguments: Any, **keywords: Any) -> Tensor:
        if complete and len(arguments) == arity and not keywords:
            return apply(operation, arguments, defaults)
        return apply(operation, *signature.bind(arguments, keywords))

    return function


def elementwise(name: str, primal: Primal, **rules: Rule) -> Function:
    """Spelt ``f(x)``, ``x.f()`` and, in place, ``x.f_()``."""
    signature, operation = Signature(name, primal), operation_of(name, primal, rules)
    function = WORDS[name] = method(_function(signature, operation), name)

    def in_place(self: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
        operands, options = signature.bind((self, *arguments), keywords)
        return inplace.write(self, operation, operands[1:], options)

    method(in_place, f"{name}_")
    return function


def functional(name: str, primal: Primal, **rules: Rule) -> Function:
    """Spelt ``f(x)`` only (torch.nn.functional, torch.special, torch.linalg)."""
    function = WORDS[name] = define(name, primal, **rules)
    return function


def word(*spellings: str, methods: str = "") -> Callable[[Composed], Composed]:
    """Make a composed function known: under its own name, or under ``spellings``; as the named ``methods`` as well."""

    def known(function: Composed) -> Composed:
        function = per_entry(function)
        for spelling in spellings or (function.__name__,):
            WORDS[spelling] = function
        if methods:
            method(function, *methods.split())
        return function

    return known


def refused(value: object, what: str) -> AutogradValueError:
    return AutogradValueError("invalid-argument", f"{value!r} is not a valid value for {what}")
