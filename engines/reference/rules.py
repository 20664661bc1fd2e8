"""The derivative table: for every operation, the gradient of each operand.

A rule is ``gradient of the result -> gradient of the operand`` (a vector-Jacobian product). Its parameters after ``g``
name what it needs (see record.py): operands, the result ``y``, options, the operand's ``shape``. They also decide what is
saved, so a rule names nothing that it can do without: ``exp`` uses its result, ``sin`` its operand, ``sum`` neither.

What no rule has to think of, because the machinery does it for all:

- broadcasting and dtypes: a gradient is summed and cast to its operand's shape and dtype (graph.py);
- complex numbers: rules are the textbook's for real numbers; the gradient of a complex result is conjugated before and
  after, which makes them PyTorch's convention, ``g * conj(derivative)`` (record.py, notes/autograd#complex-autograd-doc);
  only where a complex result is put together from real parts does a rule have to undo that;
- higher derivatives: rules are written in differentiable operations.

An operation that is not in the table, or a rule that is missing, means: not differentiable, treated as constant.
Conventions at points without a derivative follow notes/autograd#gradients-for-non-differentiable-functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from .errors import AutogradError
from .sharing import chained

Rule = Callable[..., Any]


def scaled(g: Any, factor: float) -> Any:
    return g if factor == 1 else g * factor


def zeros(g: Any) -> Any:
    """A zero gradient that stays connected: it arrives, as zeros, instead of being absent."""
    return g.zeros()


def refuse(operation: str) -> Any:
    """The rule of an operation that is recorded although its derivative is not provided."""
    raise AutogradError("no-derivative", f"derivative for aten::{operation} is not implemented")


def direction(a: Any) -> Any:
    """``a / |a|``, and 0 at 0."""
    return a.sign() if a.dtype.kind != "c" else (a / abs(a)).where(a != 0, 0.0)


def slope_of_power(a: Any, exponent: float) -> Any:
    """Derivative of ``a ** exponent`` (0 for exponent 0, also at a = 0)."""
    return exponent * a ** (exponent - 1) if exponent != 0 else zeros(a)


def spread(g: Any, shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool) -> Any:
    """The gradient of a reduction, given back to all elements that went into it."""
    if not keepdim and len(dim) < len(shape):
        g = g.reshape(tuple(1 if axis in dim else n for axis, n in enumerate(shape)))
    return g.expand(shape)


def share(g: Any, shape: tuple[int, ...]) -> float:
    """How many elements went into each element of a mean with gradient ``g``."""
    count: int = max(g.numel(), 1)
    return math.prod(shape) / count


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


def transposed(a: Any) -> Any:
    return a.transpose(-2, -1)


RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    # elementwise arithmetic
    "add": {"a": lambda g: g, "b": lambda g, alpha: scaled(g, alpha)},
    "sub": {"a": lambda g: g, "b": lambda g, alpha: scaled(g, -alpha)},
    "mul": {"a": lambda g, b: g * b, "b": lambda g, a: g * a},
    "div": {"a": lambda g, b: g / b, "b": lambda g, a, b: -g * (a / b / b)},
    "neg": {"a": lambda g: -g},
    "remainder": {"a": lambda g: g, "b": lambda g, a, b: -g * (a / b).floor()},
    "floor": {"a": lambda g: zeros(g)},
    "floor_divide": {"a": lambda g: refuse("floor_divide"), "b": lambda g: refuse("floor_divide")},
    "pow": {"a": lambda g, a, exponent: g * slope_of_power(a, exponent)},
    "pow:1": {
        "a": lambda g, a, b: g * (b * a ** (b - 1)).where(b != 0, 0.0),
        "b": lambda g, a, b, y: g * (y * a.log()).where((a != 0) | (b < 0), 0.0),
    },
    # elementwise functions
    "exp": {"a": lambda g, y: g * y},
    "log": {"a": lambda g, a: g / a},
    "sqrt": {"a": lambda g, y: g / (2 * y)},
    "sin": {"a": lambda g, a: chained(g, a.cos())},
    "cos": {"a": lambda g, a: chained(-g, a.sin())},
    "tanh": {"a": lambda g, y: chained(g, 1 - y * y)},
    "sigmoid": {"a": lambda g, y: chained(g, y * (1 - y))},
    "softplus": {"a": lambda g, a: g * a.sigmoid()},
    "relu": {"a": lambda g, y: g.masked_fill(y <= 0, 0.0)},
    "abs": {"a": lambda g, a: g * direction(a)},
    "sign": {"a": lambda g: zeros(g)},
    "where": {"a": lambda g, condition: g.where(condition, 0.0), "b": lambda g, condition: g.where(~condition, 0.0)},
    # reductions
    "sum": {"a": lambda g, shape, dim, keepdim: spread(g, shape, dim, keepdim)},
    "mean": {"a": lambda g, shape, dim, keepdim: spread(g / share(g, shape), shape, dim, keepdim)},
    "sum_to_size": {"a": lambda g, shape: g.expand(shape)},
    # matrix products
    "dot": {"a": lambda g, b: g * b, "b": lambda g, a: g * a},
    "mv": {"a": lambda g, b: g[:, None] * b, "b": lambda g, a: a.t().matmul(g)},
    "mm": {"a": lambda g, b: g.mm(b.t()), "b": lambda g, a: a.t().mm(g)},
    "bmm": {"a": lambda g, b: g.matmul(transposed(b)), "b": lambda g, a: transposed(a).matmul(g)},
    # copies and other looks at the same numbers
    "clone": {"a": lambda g: g},
    "to_copy": {"a": lambda g: g},
    "conj": {"a": lambda g: g.conj()},
    "view_as_real": {"a": lambda g: g.contiguous().view_as_complex()},
    "view_as_complex": {"a": lambda g: g.conj().view_as_real()},
    "view": {"a": lambda g, shape: g.reshape(shape)},
    "expand": {"a": lambda g: g},
    "t": {"a": lambda g: g.t()},
    "transpose": {"a": lambda g, dim0, dim1: g.transpose(dim0, dim1)},
    "permute": {"a": lambda g, dims: g.permute(inverse(dims))},
    "select": {"a": lambda g, shape, index: g.place(index, shape)},
    "slice": {"a": lambda g, shape, index: g.place(index, shape)},
    "index": {"a": lambda g, shape, index: g.place(index, shape)},
    "place": {"a": lambda g, index: g[index]},
    # what in-place writes amount to
    "copy": {"a": lambda g: zeros(g), "b": lambda g: g},
    "fill": {"a": lambda g: zeros(g), "b": lambda g: g},
    "zero": {"a": lambda g: zeros(g)},
    "index_put": {"a": lambda g, index: g.index_put(index, 0.0), "b": lambda g, index: g[index]},
    "copy_slices": {"a": lambda g, steps: g.copy_slices(0.0, steps), "b": lambda g, steps: g.conj().look(steps).conj()},
}
