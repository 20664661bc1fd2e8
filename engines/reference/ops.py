"""Operations: what they compute, in NumPy. How they are differentiated stands in rules.py.

Elementwise operations follow PyTorch's type promotion (dtypes.py) and NumPy's broadcasting, which is PyTorch's, too.
The functions at the end of each section are what users call: ``mul(a, b)``, ``a.mul(b)`` and ``a * b`` are one function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import (
    DIFFERENTIABLE,
    Array,
    as_dtype,
    cast,
    float16,
    float32,
    promote,
    promote_to_floating,
    result_type,
)
from .errors import AutogradError, AutogradIndexError
from .layout import copied
from .record import Operation, apply
from .rules import RULES
from .tensor import Tensor, method

np.seterr(all="ignore")  # infinities and NaNs are values here, not accidents


def _operation(name: str, forward: Callable[..., Any], operands: str = "a b") -> Operation:
    return Operation(name, forward, operands.split(), RULES.get(name, {}))


_NUMBERS = (float, int)


def binary(
    function: Callable[..., Any], promotion: Callable[..., list[Array]] = promote
) -> Callable[[Any, Any], Array]:
    def forward(a: Any, b: Any) -> Any:
        # the usual cases: two arrays of one floating dtype, or one and a Python number, which has no say in NumPy either
        if a.__class__ is b.__class__:
            if a.dtype is b.dtype and a.dtype.kind in DIFFERENTIABLE:
                return function(a, b)
        elif b.__class__ in _NUMBERS:
            if a.dtype.kind in DIFFERENTIABLE:
                return function(a, b)
        elif a.__class__ in _NUMBERS and b.dtype.kind in DIFFERENTIABLE:
            return function(a, b)
        return function(*promotion(a, b))

    return forward


def unary(function: Callable[..., Any]) -> Callable[[Array], Array]:
    def forward(a: Array) -> Any:
        return function(a if a.dtype.kind in DIFFERENTIABLE else promote_to_floating(a)[0])

    return forward


def floating_binary(function: Callable[..., Any]) -> Callable[[Any, Any], Array]:
    """Like `binary`, for functions that leave the integers."""
    return binary(function, promote_to_floating)


def _whole_power(a: Array, b: Array) -> Array:
    """A power of integers; to a negative exponent, rounded to zero."""
    inverse = np.where(np.abs(a) == 1, a ** (b & 1), 0)
    return np.where(b < 0, inverse, np.power(a, np.maximum(b, 0)))


# -- elementwise arithmetic --------------------------------------------------------------------------------------------

_add, _sub, _mul = binary(np.add), binary(np.subtract), binary(np.multiply)

ADD = _operation("add", lambda a, b, *, alpha: _add(a, b if alpha == 1 else _mul(b, alpha)))
SUB = _operation("sub", lambda a, b, *, alpha: _sub(a, b if alpha == 1 else _mul(b, alpha)))
MUL = _operation("mul", _mul)
DIV = _operation("div", floating_binary(np.true_divide))
NEG = _operation("neg", np.negative, "a")
REMAINDER = _operation("remainder", binary(np.remainder))
FLOOR_DIVIDE = _operation("floor_divide", binary(np.floor_divide))
POW = _operation("pow", lambda a, *, exponent: np.power(*promote(a, exponent)), "a")
POW_TENSOR = _operation(
    "pow:1", binary(lambda a, b: np.power(a, b) if a.dtype.kind in DIFFERENTIABLE else _whole_power(a, b))
)


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return apply(ADD, (input, other), {"alpha": alpha})


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return apply(SUB, (input, other), {"alpha": alpha})


def mul(input: Any, other: Any) -> Tensor:
    return apply(MUL, (input, other))


def div(input: Any, other: Any) -> Tensor:
    return apply(DIV, (input, other))


def neg(input: Tensor) -> Tensor:
    return apply(NEG, (input,))


def remainder(input: Any, other: Any) -> Tensor:
    """What is left of ``input`` after division by ``other``; has the sign of ``other``."""
    return apply(REMAINDER, (input, other))


def floor_divide(input: Any, other: Any) -> Tensor:
    return apply(FLOOR_DIVIDE, (input, other))


def pow(input: Any, exponent: Any) -> Tensor:
    if isinstance(exponent, Tensor):
        if not isinstance(input, Tensor):
            input = Tensor(np.asarray(input, result_type(input, exponent._array)))
        return apply(POW_TENSOR, (input, exponent))
    return apply(POW, (input,), {"exponent": exponent})


# -- elementwise functions ---------------------------------------------------------------------------------------------


EXP = _operation("exp", unary(np.exp), "a")
LOG = _operation("log", unary(np.log), "a")
SQRT = _operation("sqrt", unary(np.sqrt), "a")
SIN = _operation("sin", unary(np.sin), "a")
COS = _operation("cos", unary(np.cos), "a")
TANH = _operation("tanh", unary(np.tanh), "a")
SIGMOID = _operation("sigmoid", unary(lambda a: 1 / (1 + np.exp(-a))), "a")
SOFTPLUS = _operation("softplus", unary(lambda a: np.logaddexp(a, np.zeros((), a.dtype))), "a")
RELU = _operation("relu", lambda a: np.maximum(a, np.zeros((), a.dtype)), "a")
ABS = _operation("abs", np.abs, "a")
FLOOR = _operation("floor", np.floor, "a")
SIGN = _operation("sign", lambda a: np.where(np.isnan(a), np.zeros((), a.dtype), np.sign(a)), "a")
CONJ = _operation("conj", np.conjugate, "a")

FUNCTIONS = (EXP, LOG, SQRT, SIN, COS, TANH, SIGMOID, RELU, ABS, NEG)
"""Those that exist as ``f(x)``, ``x.f()`` and in place, as ``x.f_()``."""


def exp(input: Tensor) -> Tensor:
    return apply(EXP, (input,))


def log(input: Tensor) -> Tensor:
    return apply(LOG, (input,))


def sqrt(input: Tensor) -> Tensor:
    return apply(SQRT, (input,))


def sin(input: Tensor) -> Tensor:
    return apply(SIN, (input,))


def cos(input: Tensor) -> Tensor:
    return apply(COS, (input,))


def tanh(input: Tensor) -> Tensor:
    return apply(TANH, (input,))


def sigmoid(input: Tensor) -> Tensor:
    return apply(SIGMOID, (input,))


def softplus(input: Tensor) -> Tensor:
    return apply(SOFTPLUS, (input,))


def relu(input: Tensor) -> Tensor:
    return apply(RELU, (input,))


def abs(input: Tensor) -> Tensor:
    return apply(ABS, (input,))


def floor(input: Tensor) -> Tensor:
    return apply(FLOOR, (input,))


def sign(input: Tensor) -> Tensor:
    return apply(SIGN, (input,))


def conj(input: Tensor) -> Tensor:
    return apply(CONJ, (input,)) if input.dtype.kind == "c" else input


# -- comparisons and choices: their results are not differentiable, where() is in the chosen values --------------------

_COMPARISONS = {
    "__lt__": np.less,
    "__le__": np.less_equal,
    "__gt__": np.greater,
    "__ge__": np.greater_equal,
    "__eq__": np.equal,
    "__ne__": np.not_equal,
    "__and__": np.logical_and,
    "__or__": np.logical_or,
}
NOT = _operation("logical_not", np.logical_not, "a")
WHERE = _operation("where", lambda condition, a, b: np.where(condition, *promote(a, b)), "condition a b")


def _comparison(name: str, function: Callable[..., Any]) -> None:
    operation = _operation(name.strip("_"), binary(function))

    def compare(self: Tensor, other: Any) -> Tensor:
        return apply(operation, (self, other))

    setattr(Tensor, name, compare)


for _name, _function in _COMPARISONS.items():
    _comparison(_name, _function)


@method
def __invert__(self: Tensor) -> Tensor:
    return apply(NOT, (self,))


@method
def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where ``condition`` holds, ``other`` elsewhere."""
    return apply(WHERE, (condition, self, other))


# -- reductions --------------------------------------------------------------------------------------------------------


_reduce: Callable[..., Any] = np.add.reduce


def _sum(a: Array, *, dim: tuple[int, ...], keepdim: bool) -> Any:
    if a.dtype is float16:  # the parts of a sum are wider than the sum
        return _reduce(a, axis=dim, keepdims=keepdim, dtype=float32).astype(float16)
    return _reduce(a, axis=dim, keepdims=keepdim)


def _mean(a: Array, *, dim: tuple[int, ...], keepdim: bool) -> Any:
    count = math.prod(a.shape[axis] for axis in dim)
    if a.dtype is float16:
        return (_reduce(a, axis=dim, keepdims=keepdim, dtype=float32) / np.float32(count)).astype(float16)
    return _reduce(a, axis=dim, keepdims=keepdim) / np.asarray(count, a.dtype)


def _sum_to_size(a: Array, *, size: tuple[int, ...]) -> Any:
    new = a.ndim - len(size)
    kept = [i for i, n in enumerate(size, new) if n == 1 and a.shape[i] != 1]
    return _sum(a, dim=(*range(new), *kept), keepdim=False).reshape(size)


SUM = _operation("sum", _sum, "a")
MEAN = _operation("mean", _mean, "a")
SUM_TO_SIZE = _operation("sum_to_size", _sum_to_size, "a")


def axis(dim: int, ndim: int) -> int:
    """A dimension counted from the front. A 0-d tensor has the dimensions of one with a single element."""
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise AutogradIndexError(
            "invalid-argument",
            f"Dimension out of range (expected to be in range of [{-max(ndim, 1)}, {max(ndim, 1) - 1}], but got {dim})",
        )
    return dim % max(ndim, 1)


def axes(tensor: Tensor, dim: Any) -> tuple[int, ...]:
    """The dimensions to reduce: all of them for None, and for an empty list."""
    ndim = tensor.dim()
    if dim is None or ndim == 0 or dim == () or dim == []:
        return tuple(range(ndim))
    return tuple(axis(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim))


def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    input = input if dtype is None else input.to(dtype)
    return apply(SUM, (input,), {"dim": axes(input, dim), "keepdim": keepdim})


def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    self = input if dtype is None else input.to(dtype)
    if self.dtype.kind not in DIFFERENTIABLE:
        raise AutogradError(
            "not-floating", f"mean(): input dtype should be floating point or complex, got {self.dtype}"
        )
    return apply(MEAN, (self,), {"dim": axes(self, dim), "keepdim": keepdim})


@method
def sum_to_size(self: Tensor, size: tuple[int, ...]) -> Tensor:
    """Sum over the axes along which a tensor of ``size`` would be repeated to get this shape."""
    return apply(SUM_TO_SIZE, (self,), {"size": size})


# -- matrix products ---------------------------------------------------------------------------------------------------

DOT = _operation("dot", np.matmul)
MV = _operation("mv", np.matmul)
MM = _operation("mm", np.matmul)
BMM = _operation("bmm", np.matmul)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    if input.dim() != 2 or mat2.dim() != 2:
        raise AutogradError("invalid-argument", f"mm needs two matrices, got {input.dim()}D and {mat2.dim()}D")
    return apply(MM, (input, mat2))


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of vectors, matrices or batches of matrices, whichever the operands are."""
    dims = (input.dim(), other.dim())
    if dims == (2, 2):
        return apply(MM, (input, other))
    if dims == (1, 1):
        return apply(DOT, (input, other))
    if dims == (2, 1):
        return apply(MV, (input, other))
    if dims[0] == 1:
        row: Tensor = matmul(input[None, :], other).squeeze(-2)
        return row
    if dims[1] == 1:
        column: Tensor = matmul(input, other[:, None]).squeeze(-1)
        return column
    if 0 in dims:
        raise AutogradError("invalid-argument", "both arguments to matmul need to be at least 1D")
    return apply(BMM, (input, other))


# -- copies ------------------------------------------------------------------------------------------------------------

CLONE = _operation("clone", copied, "a")
TO_COPY = _operation("to_copy", lambda a, *, dtype: cast(a, dtype), "a")


@method
def clone(self: Tensor) -> Tensor:
    return apply(CLONE, (self,))


@method
def to(self: Tensor, dtype: Any) -> Tensor:
    """This tensor in another dtype; the tensor itself if it has that dtype."""
    if dtype == self._array.dtype:
        return self
    return apply(TO_COPY, (self,), {"dtype": as_dtype(dtype)})


@method
def zeros(self: Tensor) -> Tensor:
    """Zeros like this tensor."""
    return Tensor(np.zeros_like(self._array))


# -- the functions above as methods and operators ----------------------------------------------------------------------

method(add, "add", "__add__", "__radd__")
method(sub, "sub", "__sub__")
method(mul, "mul", "__mul__")
method(div, "div", "__truediv__")
method(remainder, "remainder", "__mod__")
method(floor_divide, "floor_divide", "__floordiv__")
method(pow, "pow", "__pow__")
method(matmul, "matmul", "__matmul__")
method(neg, "neg", "__neg__")
method(abs, "abs", "__abs__")
method(lambda self, other: sub(other, self), "__rsub__")
method(lambda self, other: mul(other, self), "__rmul__")
method(lambda self, other: div(other, self), "__rtruediv__")
method(lambda self, other: remainder(other, self), "__rmod__")
method(lambda self, other: floor_divide(other, self), "__rfloordiv__")
method(lambda self, other: pow(other, self), "__rpow__")

for _user_function in (exp, log, sqrt, sin, cos, tanh, sigmoid, relu, floor, sign, conj, mm, sum, mean):
    method(_user_function)

WORDS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        *(add, sub, mul, div, neg, pow, remainder, floor_divide, matmul, mm),
        *(exp, log, sqrt, sin, cos, tanh, sigmoid, relu, abs, floor, sign, sum, mean, clone),
    )
}
"""What programs may call."""
