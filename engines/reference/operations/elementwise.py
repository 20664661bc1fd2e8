"""Elementwise operations beyond arithmetic (ops.py): roots, logarithms, trigonometry, steps, choices between operands.

Keeps notes/autograd#gradients-for-non-differentiable-functions: where an operation is not differentiable but convex, the
subgradient of smallest norm (0 for hardtanh at its bounds); where it is a choice between equal operands, each takes half.
What an operation does not select receives exactly 0, even if the incoming gradient is NaN: rules mask, they do not
multiply by 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import Array, promote
from ..inplace import write
from ..ops import NOT, WHERE, binary, floating_binary, pow, unary
from ..ops import div as true_divide
from ..record import apply
from ..rules import refuse, zeros
from ..tensor import Tensor, method
from .define import OPERATIONS, WORDS, define, elementwise, refused, word

_LN2, _LN10 = math.log(2), math.log(10)


# -- masks -------------------------------------------------------------------------------------------------------------


def _masked_fill(a: Array, mask: Array, value: Any) -> Array:
    return np.where(mask, a.dtype.type(value), a)


masked_fill = elementwise(
    "masked_fill", _masked_fill, a=lambda g, mask: g.masked_fill(mask, 0.0), value=lambda g, mask: g.where(mask, 0.0)
)


@word("where")
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, ``other`` elsewhere; the positions where it holds if there are no others."""
    if input is None:
        return tuple(Tensor(positions) for positions in np.nonzero(condition._array))
    return apply(WHERE, (condition, input, other))


def _nan_to_num(a: Array, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    return np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = elementwise("nan_to_num", _nan_to_num, a=lambda g, a: g.masked_fill(~a.isfinite(), 0.0))

# -- roots, powers, logarithms -----------------------------------------------------------------------------------------

positive = elementwise("positive", lambda a: +a, a=lambda g: g)
square = elementwise("square", lambda a: a * a, a=lambda g, a: g * (2 * a))


@word(methods="float_power")
def float_power(input: Any, exponent: Any) -> Tensor:
    """`pow`, in double precision."""
    return pow(_doubled(input), _doubled(exponent))


def _doubled(value: Any) -> Any:
    return value.to("complex128" if value.dtype.kind == "c" else "float64") if isinstance(value, Tensor) else value


reciprocal = elementwise("reciprocal", unary(np.reciprocal), a=lambda g, y: -g * (y * y))
rsqrt = elementwise("rsqrt", unary(lambda a: 1 / np.sqrt(a)), a=lambda g, y: g * (-0.5 * y**3))
exp2 = elementwise("exp2", unary(np.exp2), a=lambda g, y: g * (y * _LN2))
expm1 = elementwise("expm1", unary(np.expm1), a=lambda g, a: g * a.exp())
log1p = elementwise("log1p", unary(np.log1p), a=lambda g, a: g / (a + 1))
log2 = elementwise("log2", unary(np.log2), a=lambda g, a: g / (a * _LN2))
log10 = elementwise("log10", unary(np.log10), a=lambda g, a: g / (a * _LN10))
deg2rad = elementwise("deg2rad", unary(lambda a: a * (math.pi / 180)), a=lambda g: g * (math.pi / 180))
rad2deg = elementwise("rad2deg", unary(lambda a: a * (180 / math.pi)), a=lambda g: g * (180 / math.pi))

# -- trigonometry ------------------------------------------------------------------------------------------------------


def _hypotenuse(a: Any) -> Any:
    """``sqrt(1 + a^2)``, also where the square of a real number overflows."""
    return (a * a + 1).sqrt() if a.dtype.kind == "c" else hypot(a, 1.0)


tan = elementwise("tan", unary(np.tan), a=lambda g, y: g * (1 + y * y))
asin = elementwise("asin", unary(np.arcsin), a=lambda g, a: g * (1 - a * a).rsqrt())
acos = elementwise("acos", unary(np.arccos), a=lambda g, a: -g * (1 - a * a).rsqrt())
atan = elementwise("atan", unary(np.arctan), a=lambda g, a: g / (a * a + 1))
sinh = elementwise("sinh", unary(np.sinh), a=lambda g, a: g * a.cosh())
cosh = elementwise("cosh", unary(np.cosh), a=lambda g, a: g * a.sinh())
asinh = elementwise("asinh", unary(np.arcsinh), a=lambda g, a: g / _hypotenuse(a))
acosh = elementwise("acosh", unary(np.arccosh), a=lambda g, a: g * ((a - 1).rsqrt() * (a + 1).rsqrt()))
atanh = elementwise("atanh", unary(np.arctanh), a=lambda g, a: g / (1 - a * a))


def _slope_of_angle(g: Any, part: Any, a: Any, b: Any) -> Any:
    """``g * part / (a^2 + b^2)``, where the squares overflow or vanish, too; 0 at the origin."""
    origin = (a == 0) & (b == 0)
    length = hypot(a.masked_fill(origin, 1.0), b)
    return g * (part / length / length)


atan2 = elementwise(
    "atan2",
    floating_binary(np.arctan2),
    a=lambda g, a, b: _slope_of_angle(g, b, a, b),
    b=lambda g, a, b: _slope_of_angle(-g, a, a, b),
)
hypot = elementwise("hypot", binary(np.hypot), a=lambda g, a, y: g * (a / y), b=lambda g, b, y: g * (b / y))


def _sinc_slope(a: Any) -> Any:
    """``(t cos t - sin t) / t^2`` for ``t = pi a``; near 0, where the difference cancels, its power series."""
    turned = a * math.pi
    near = abs(turned) < 1
    far = turned.masked_fill(near, 1.0)
    square = turned.masked_fill(~near, 0.0) ** 2
    series: Any = 0.0
    for n in range(8, 0, -1):
        series = series * square + (-1) ** n * 2 * n / math.factorial(2 * n + 1)
    return where(near, turned * series, (far.cos() * far - far.sin()) / (far * far)) * math.pi


sinc = elementwise("sinc", unary(np.sinc), a=lambda g, a: g * _sinc_slope(a))

# -- steps: constant almost everywhere ---------------------------------------------------------------------------------

ceil = elementwise("ceil", np.ceil, a=zeros)
trunc = elementwise("trunc", np.trunc, a=zeros)


def _round(a: Array, *, decimals: int = 0) -> Array:
    return np.asarray(np.round(a, decimals))


round = elementwise("round", _round, a=zeros)


@word(methods="frac")
def frac(input: Tensor) -> Tensor:
    return input - input.trunc()


heaviside = elementwise(
    "heaviside",
    lambda a, values: np.heaviside(a, values),
    a=lambda g: refuse("heaviside"),
    values=lambda g: refuse("heaviside"),
)


def _truncated(a: Array, b: Array) -> Array:
    if a.dtype.kind in "biu":
        return a // b + ((a % b != 0) & ((a < 0) != (b < 0)))
    return np.trunc(a / b)


_div_floor = define("div_floor", binary(np.floor_divide), a=zeros, b=zeros)
_div_trunc = define("div_trunc", binary(_truncated), a=zeros, b=zeros)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise refused(rounding_mode, "rounding_mode")
    rounded: Tensor = (_div_floor if rounding_mode == "floor" else _div_trunc)(input, other)
    return rounded


method(div)
fmod = elementwise("fmod", binary(np.fmod), a=lambda g: g, b=lambda g, a, b: -g * (a / b).trunc())

# -- choices between operands ------------------------------------------------------------------------------------------


def _half(g: Any, tie: Any, lost: Any) -> Any:
    """The gradient of a winner: half at a tie, nothing where it lost."""
    return (g / 2).where(tie, g).masked_fill(lost, 0.0)


maximum = elementwise(
    "maximum",
    binary(np.maximum),
    a=lambda g, a, b: _half(g, a == b, a < b),
    b=lambda g, a, b: _half(g, a == b, b < a),
)
minimum = elementwise(
    "minimum",
    binary(np.minimum),
    a=lambda g, a, b: _half(g, a == b, a > b),
    b=lambda g, a, b: _half(g, a == b, b > a),
)


fmax = elementwise(
    "fmax",
    binary(np.fmax),
    a=lambda g, a, b: g.where((a >= b) | b.isnan(), 0.0),
    b=lambda g, a, b: g.masked_fill((a >= b) | b.isnan(), 0.0),
)
fmin = elementwise(
    "fmin",
    binary(np.fmin),
    a=lambda g, a, b: g.where((a <= b) | b.isnan(), 0.0),
    b=lambda g, a, b: g.masked_fill((a <= b) | b.isnan(), 0.0),
)


def _clamp(a: Array, min: Any, max: Any) -> Array:
    for bound, choose in ((min, np.maximum), (max, np.minimum)):
        if not (isinstance(bound, float) and math.isinf(bound)):
            a = np.asarray(choose(*promote(a, bound)))
    return np.array(a)


_clamped = define(
    "clamp",
    _clamp,
    a=lambda g, a, min, max: g.where((a >= min) & (a <= max), 0.0),
    min=lambda g, a, min, max: g.where((a < min) & (min < max), 0.0),
    max=lambda g, a, min, max: g.where((a > max) | (max < min), 0.0),
)


@word("clamp", "clip", methods="clamp clip")
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The nearest number between the bounds. At a bound the whole gradient is the input's (PyTorch up to 2.13)."""
    return _clamped(input, *_bounds(min, max))


def _bounds(min: Any, max: Any) -> tuple[Any, Any]:
    if min is None and max is None:
        raise refused(None, "both bounds of clamp")
    return (-math.inf if min is None else min, math.inf if max is None else max)


@method
def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
    return write(self, OPERATIONS["clamp"], _bounds(min, max))


@word(methods="clamp_min")
def clamp_min(input: Tensor, min: Any) -> Tensor:
    return clamp(input, min=min)


@word(methods="clamp_max")
def clamp_max(input: Tensor, max: Any) -> Tensor:
    return clamp(input, max=max)


nextafter = elementwise("nextafter", binary(np.nextafter), a=lambda g, a, b: g.where(a != b, 0.0), b=zeros)
copysign = elementwise(
    "copysign",
    floating_binary(np.copysign),
    a=lambda g, a, y: g * (y / a).masked_fill(a == 0, 0.0),
    b=zeros,
)

# -- sums of exponentials, products with logarithms --------------------------------------------------------------------


def _logaddexp(a: Array, b: Array) -> Array:
    if a.dtype.kind != "c":
        return np.logaddexp(a, b)
    top = np.maximum(a.real, b.real)
    return np.log(np.exp(a - top) + np.exp(b - top)) + top


logaddexp = elementwise(
    "logaddexp",
    binary(_logaddexp),
    a=lambda g, a, b: g * (a - b).sigmoid(),
    b=lambda g, a, b: g * (b - a).sigmoid(),
)
logaddexp2 = elementwise(
    "logaddexp2",
    binary(np.logaddexp2),
    a=lambda g, a, b: g * ((a - b) * _LN2).sigmoid(),
    b=lambda g, a, b: g * ((b - a) * _LN2).sigmoid(),
)


def _xlogy(a: Array, b: Array) -> Array:
    return np.where((a == 0) & ~np.isnan(b), 0, a * np.log(b))


def _xlog1py(a: Array, b: Array) -> Array:
    return np.where((a == 0) & ~np.isnan(b), 0, a * np.log1p(b))


xlogy = elementwise(
    "xlogy",
    floating_binary(_xlogy),
    a=lambda g, a, b: g * b.log().masked_fill((a == 0) & (b <= 0), 0.0),
    b=lambda g, a, b: g * (a / b),
)
xlog1py = define(
    "special.xlog1py",
    floating_binary(_xlog1py),
    a=lambda g, a, b: g * b.log1p().masked_fill((a == 0) & (b <= -1), 0.0),
    b=lambda g, a, b: g * (a / (b + 1)),
)
WORDS["special.xlog1py"] = xlog1py
WORDS["special.xlogy"] = xlogy


@word(methods="ldexp")
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    return input * 2.0**other


# -- three operands ----------------------------------------------------------------------------------------------------


@word(methods="addcmul")
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    return input + tensor1 * tensor2 * value


@word(methods="addcdiv")
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    return input + tensor1 / tensor2 * value


@word(methods="lerp")
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    return input + (end - input) * weight


# -- tests: their results are not differentiable -----------------------------------------------------------------------

isnan = elementwise("isnan", np.isnan)
isfinite = elementwise("isfinite", np.isfinite)


@word(methods="logical_not")
def logical_not(input: Tensor) -> Tensor:
    return apply(NOT, (input,))


@word("equal", methods="equal")
def equal(input: Tensor, other: Tensor) -> bool:
    return input.shape == other.shape and bool(np.all(input._array == other._array))


for _word, _operator in zip(
    ["eq", "ne", "lt", "le", "gt", "ge"], ["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"], strict=True
):
    WORDS[_word] = getattr(Tensor, _operator)
    method(getattr(Tensor, _operator), _word)


for _name, _dtype in {
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "bool": "bool",
    "cfloat": "complex64",
    "cdouble": "complex128",
}.items():

    def _converted(self: Tensor, _dtype: str = _dtype) -> Tensor:
        return self.to(_dtype)

    method(_converted, _name)

WORDS["div"] = div
