"""The names that derivative rules are written in: NumPy's and PyTorch's, which most engines of Python share."""

from __future__ import annotations

from typing import Final

AXES: Final = frozenset({"dim", "axis", "along", "dim0", "dim1", "axis1", "axis2", "dims", "axes"})
"""What arguments are called that say along which axis."""

KEEPDIM: Final = frozenset({"keepdim", "keepdims"})

REDUCTIONS: Final = frozenset(
    {"sum", "mean", "sum_to_size", "sum_to_shape", "unbroadcast", "nansum", "reduce_sum", "logsumexp"}
)

TRANSPOSES: Final = frozenset(
    {"t", "transpose", "transposed", "swapaxes", "swapdims", "permute", "movedim", "moveaxis", "flip", "fliplr", "flipud", "roll"}
)  # fmt: skip

MASKS: Final = frozenset({"where", "masked_fill"})

COMMUTATIVE: Final = frozenset(
    {
        *("add", "multiply", "mul", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_xor", "max", "min"),
        *("isinstance", "issubclass", "getattr", "setattr", "hasattr", "cast", "zip", "enumerate", "print"),
    }
)
"""Calls in which an exchange of arguments changes nothing, or is no call at all any more."""

_PAIRS: Final = (
    "sin cos", "sinh cosh", "tan tanh", "arcsin arccos", "asin acos", "arctan arctanh", "atan atanh", "arcsinh arccosh",
    "asinh acosh", "exp expm1", "log log1p", "log2 log10", "sqrt rsqrt", "maximum minimum", "fmax fmin", "amax amin",
    "max min", "argmax argmin", "nanmax nanmin", "cummax cummin", "floor ceil", "zeros_like ones_like", "zeros ones",
    "sum mean", "prod sum", "all any", "isnan isinf", "add subtract", "multiply divide", "true_divide floor_divide",
    "triu tril", "greater greater_equal", "less less_equal", "logical_and logical_or", "real imag", "digamma lgamma",
    "erf erfc", "round trunc", "fft ifft", "rfft irfft", "cumsum cumprod", "sigmoid tanh", "numel dim", "fmod remainder",
)  # fmt: skip

_SPLIT: Final = [(a, b) for a, b in map(str.split, _PAIRS)]
SIMILAR: Final = {b: a for a, b in reversed(_SPLIT)} | dict(_SPLIT)
"""A function -> one that it may be taken for."""
