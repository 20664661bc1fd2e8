"""What a formula may call: NumPy's functions under their own names, a few special functions, and helpers for derivatives.

Whatever could make a large array of small ones looks at sizes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from functools import reduce as folded
from typing import Any, Final

import numpy as np

from harness.language.formulas import MAX_ELEMENTS, MAX_TURNS, BadFormula

Array = Any


def _allowed(*sizes: int) -> None:
    if math.prod(max(int(size), 0) for size in sizes) > MAX_ELEMENTS:
        raise BadFormula(f"more than {MAX_ELEMENTS:,} elements")


# ---- special functions


def _each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of one number, for each element."""

    def applied(x: Array) -> Array:
        x = np.asarray(x, float)
        return np.array([_or_nan(function, value) for value in x.ravel().tolist()], float).reshape(x.shape)

    return applied


def _or_nan(function: Callable[..., float], *values: float) -> float:
    try:
        return function(*values)
    except (ValueError, OverflowError, ZeroDivisionError):
        return math.nan


def _precise(name: str) -> Callable[..., Array]:
    """A function that mpmath knows, for each element, in double precision."""

    @cache  # mpmath is slow, and a table asks for the same number again: for the value, the gradient, at every shape
    def exactly(*operands: float) -> float:
        import mpmath

        return _or_nan(lambda *values: float(getattr(mpmath, name)(*values)), *operands)

    def applied(*operands: Array) -> Array:
        several = np.broadcast_arrays(*(np.asarray(operand, float) for operand in operands))
        values = [exactly(*each) for each in zip(*(s.ravel().tolist() for s in several), strict=True)]
        return np.array(values, float).reshape(several[0].shape)

    return applied


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), which overflows nowhere."""
    if np.iscomplexobj(x):
        return 1 / (1 + np.exp(-x))
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1, small) / (1 + small)


def _softplus(x: Array) -> Array:
    """log(1 + exp(x))"""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


# ---- helpers for derivatives


def _axes(x: Array, dim: Any) -> tuple[int, ...]:
    if dim is None:
        return tuple(range(x.ndim))
    return tuple(d % max(x.ndim, 1) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))) if x.ndim else ()


def unbroadcast(g: Array, x: Array) -> Array:
    """``g`` summed down to the shape of ``x``, which was broadcast to the shape of ``g``."""
    g = np.asarray(g)
    g = np.sum(g, axis=tuple(range(g.ndim - x.ndim))) if g.ndim > x.ndim else g
    once = tuple(i for i, n in enumerate(x.shape) if n == 1 and g.shape[i] != 1)
    return np.sum(g, axis=once, keepdims=True) if once else g


def kept(v: Array, x: Array, dim: Any, keepdim: bool) -> Array:
    """``v``, a reduction of ``x`` over ``dim``, with the reduced dimensions as sizes 1."""
    v = np.asarray(v)
    return v if keepdim or not x.ndim else np.expand_dims(v, _axes(x, dim))


def count(x: Array, dim: Any) -> int:
    """How many elements of ``x`` one element of a reduction over ``dim`` reads."""
    return math.prod(x.shape[d] for d in _axes(x, dim))


def transposed(a: Array) -> Array:
    """The last two dimensions exchanged."""
    return np.swapaxes(a, -1, -2)


def adjoint(a: Array) -> Array:
    """The conjugate transpose of the last two dimensions."""
    return np.conj(np.swapaxes(a, -1, -2))


def half_lower(m: Array) -> Array:
    """The lower triangle, with half of the diagonal."""
    return np.tril(m) - np.einsum("...i,ij->...ij", np.diagonal(m, axis1=-2, axis2=-1), np.eye(m.shape[-1])) / 2


def scatter_add(x: Array, key: Any, g: Array) -> Array:
    """Zeros of the shape of ``x`` with ``g`` added at ``key``; positions that come twice add up."""
    out = np.zeros(x.shape, np.asarray(g).dtype)
    np.add.at(out, key, g)
    return out


def _along(shape: Sequence[int], index: Array, dim: int) -> tuple[Array, ...]:
    grid: list[Array] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[dim] = index
    return tuple(grid)


def add_along(x: Array, index: Array, g: Array, dim: int) -> Array:
    """Zeros of the shape of ``x`` with ``g`` added along ``dim`` at ``index``."""
    if not x.ndim:
        return np.asarray(g)
    out = np.zeros(x.shape, np.asarray(g).dtype)
    np.add.at(out, _along(x.shape, index, dim), np.asarray(g)[tuple(slice(n) for n in index.shape)])
    return out


def put_along(x: Array, index: Array, v: Array, dim: int) -> Array:
    """A copy of ``x`` with ``v`` written along ``dim`` at ``index``."""
    out = np.array(x)
    out[_along(x.shape, index, dim)] = np.broadcast_to(v, np.shape(v))[tuple(slice(n) for n in index.shape)]
    return out


def write(x: Array, key: Any, v: Array) -> Array:
    """A copy of ``x`` with ``v`` written at ``key``."""
    out = np.array(x, dtype=np.result_type(x, v))
    out[key] = v
    return out


def prod_others(x: Array, dim: Any) -> Array:
    """For every element the product of the others of its slice, without a division."""
    axes = _axes(x, dim)
    moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    flat = np.reshape(moved, (*moved.shape[: x.ndim - len(axes)], -1)) if moved.size else np.zeros((0,), x.dtype)
    if not moved.size:
        return np.zeros(x.shape, x.dtype)
    out = np.stack([np.prod(np.delete(flat, i, axis=-1), axis=-1) for i in range(flat.shape[-1])], axis=-1)
    return np.moveaxis(np.reshape(out, moved.shape), range(x.ndim - len(axes), x.ndim), axes)


def cumsum_from_end(v: Array, dim: int) -> Array:
    """The running sum along ``dim``, begun at its end."""
    return np.flip(np.cumsum(np.flip(v, dim), axis=dim), dim) if np.ndim(v) else v


def expm(a: Array) -> Array:
    """The exponential of a matrix: scaling and squaring of its series."""
    k = max(0, math.ceil(math.log2(max(float(np.linalg.norm(a, 1)), 1e-30))) + 4)
    b = term = out = np.eye(a.shape[0], dtype=a.dtype)
    b = a / 2.0**k
    for n in range(1, 24):
        term = term @ b / n
        out = out + term
    return np.linalg.matrix_power(out, 2**k) if k < 8 else folded(lambda m, _: m @ m, range(k), out)


def one_hot(index: Array, classes: int) -> Array:
    """1 at ``index`` in a new last dimension of size ``classes``, 0 elsewhere, all 0 where the index is outside."""
    _allowed(np.size(index), classes)
    return (np.asarray(index)[..., None] == np.arange(classes)).astype(float)


def einsum_vjp(equation: str, g: Array, operands: Sequence[Array], k: int) -> Array:
    """The gradient of operand ``k`` of an einsum of two operands with an explicit output."""
    inputs, output = equation.replace(" ", "").split("->")
    letters = inputs.split(",")
    mine, other = letters[k], 1 - k
    unique = "".join(dict.fromkeys(mine))
    have = "".join(c for c in unique if c in output or c in letters[other])
    r = _einsum(f"{output},{letters[other]}->{have}", g, np.conj(operands[other]))
    size = dict(zip(mine, operands[k].shape, strict=True))
    r = np.reshape(r, [size[c] if c in have else 1 for c in unique]) if unique else r
    r = np.broadcast_to(r, [size[c] for c in unique])
    if mine == unique:
        return r
    grid = dict(zip(unique, np.ogrid[tuple(slice(size[c]) for c in unique)], strict=True))
    return scatter_add(operands[k], tuple(grid[c] for c in mine), r)


def patches(x: Array, k: Any, s: Any, p: Any, d: Any, fill: float = 0.0) -> Array:
    """Sliding windows over all dimensions of ``x`` but the first two: (N, C, *output, *kernel).

    ``k``, ``s``, ``p``, ``d``: kernel, stride, padding, dilation, per dimension."""
    n = len(k)
    padded = np.pad(x, ((0, 0), (0, 0), *((q, q) for q in p)), constant_values=fill)
    sizes = [(padded.shape[2 + i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i in range(n)]
    _allowed(*x.shape[:2], *sizes, *k)
    out = np.empty((*x.shape[:2], *sizes, *k), x.dtype)
    for at in np.ndindex(*k):
        cut = tuple(slice(at[i] * d[i], at[i] * d[i] + s[i] * (sizes[i] - 1) + 1, s[i]) for i in range(n))
        out[(slice(None),) * (2 + n) + at] = padded[(slice(None), slice(None), *cut)]
    return out


def unpatches(windows: Array, shape: Any, k: Any, s: Any, p: Any, d: Any) -> Array:
    """The adjoint of `patches`: windows added up where they overlap, as an array of the given shape."""
    n = len(k)
    sizes = windows.shape[2 : 2 + n]
    _allowed(*shape)
    out = np.zeros((*shape[:2], *(shape[2 + i] + 2 * p[i] for i in range(n))), windows.dtype)
    for at in np.ndindex(*k):
        cut = tuple(slice(at[i] * d[i], at[i] * d[i] + s[i] * (sizes[i] - 1) + 1, s[i]) for i in range(n))
        out[(slice(None), slice(None), *cut)] += windows[(slice(None),) * (2 + n) + at]
    return out[(slice(None), slice(None), *(slice(p[i], p[i] + shape[2 + i]) for i in range(n)))]


def reduced(v: Array, reduction: str) -> Array:
    """A loss: the 'mean' or the 'sum' of its elements, or with 'none' the elements."""
    return np.mean(v) if reduction == "mean" else np.sum(v) if reduction == "sum" else v


def spread(g: Array, reduction: str, x: Array) -> Array:
    """The cotangent that each element of a loss of the shape of ``x`` gets from that of the reduced one."""
    return np.broadcast_to(g, x.shape) / (x.size if reduction == "mean" else 1.0)


def _sign(x: Array) -> Array:
    """x / |x|, and 0 at 0; before NumPy 2 its own looks at the real part of a complex number alone."""
    return x / np.where(x == 0, 1, np.abs(x)) if np.iscomplexobj(x) else np.sign(x)


# ---- functions that take a dimension


def _reduction(function: Callable[..., Array]) -> Callable[..., Array]:
    """``axis`` may be a list, and the only dimension of a 0-d array, as engines have it."""

    def over(x: Array, axis: Any = None, **more: Any) -> Array:
        axis = tuple(axis) if isinstance(axis, list) else axis
        return function(x, axis=axis if np.ndim(x) else None, **more)

    return over


# ---- functions that could grow


def _einsum(equation: str, *operands: Array) -> Array:
    inputs = equation.replace(" ", "").partition("->")[0]
    sizes: dict[str, int] = {}
    for letters, operand in zip(inputs.replace("...", "").split(","), operands, strict=True):
        sizes |= zip(letters[::-1], operand.shape[::-1], strict=False)
    _allowed(*sizes.values(), max([math.prod(o.shape) for o in operands]) if "..." in equation else 1)
    return np.einsum(equation, *operands)


def _sized(function: Callable[..., Array]) -> Callable[..., Array]:
    """The first argument says the sizes."""

    def made(shape: Any, *rest: Any, **more: Any) -> Array:
        _allowed(*(shape if isinstance(shape, (tuple, list)) else (shape,)))
        return function(shape, *rest, **more)

    return made


def _grown(function: Callable[..., Array]) -> Callable[..., Array]:
    """The result is at most as large as the product of the operands' sizes."""

    def made(left: Array, right: Array, *rest: Any, **more: Any) -> Array:
        _allowed(np.size(left), np.size(right))
        return function(left, right, *rest, **more)

    return made


def _broadcast_to(x: Array, shape: Any) -> Array:
    _allowed(*(shape if isinstance(shape, (tuple, list)) else (shape,)))
    return np.broadcast_to(x, shape)


def _repeated(function: Callable[..., Array]) -> Callable[..., Array]:
    def made(x: Array, times: Any, *rest: Any, **more: Any) -> Array:
        _allowed(np.size(x), math.prod(np.atleast_1d(times).tolist()) if function is np.tile else np.max(times))
        return function(x, times, *rest, **more)

    return made


def _pad(x: Array, widths: Any, *rest: Any, **more: Any) -> Array:
    _allowed(*(size + 2 * int(np.max(widths)) for size in np.shape(x)))
    return np.pad(x, widths, *rest, **more)


def _arange(*bounds: Any) -> Array:
    if len(range(*(int(bound) for bound in bounds))) > MAX_ELEMENTS:
        raise BadFormula(f"more than {MAX_ELEMENTS:,} elements")
    return np.arange(*bounds)


def _range(*bounds: int) -> range:
    turns = range(*bounds)
    if len(turns) > MAX_TURNS:
        raise BadFormula(f"range of more than {MAX_TURNS:,} turns")
    return turns


def _eye(n: int, m: int | None = None, k: int = 0) -> Array:
    _allowed(n, n if m is None else m)
    return np.eye(n, m, k)


def _diag(x: Array, k: int = 0) -> Array:
    _allowed(*([np.size(x) + abs(k)] * 2 if np.ndim(x) == 1 else [1]))
    return np.diag(x, k)


def _linspace(low: float, high: float, count: int) -> Array:
    _allowed(count)
    return np.linspace(low, high, count)


def _matrix_power(a: Array, n: int) -> Array:
    if abs(n) > MAX_TURNS:
        raise BadFormula(f"a power beyond {MAX_TURNS:,}")
    return np.linalg.matrix_power(a, n)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    # of each element
    **{name: getattr(np, name) for name in ("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "square")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "sinc")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    "sign": _sign,
    **{name: getattr(np, name) for name in ("abs", "floor", "ceil", "trunc", "round", "copysign", "nextafter")},
    **{name: getattr(np, name) for name in ("conj", "real", "imag", "angle", "isnan", "isinf", "isfinite", "isclose")},
    **{name: getattr(np, name) for name in ("logaddexp", "logaddexp2", "fmod", "remainder", "signbit", "nan_to_num")},
    **{name: _grown(getattr(np, name)) for name in ("maximum", "minimum", "fmax", "fmin")},
    **{name: getattr(np, name) for name in ("where", "clip", "isin", "zeros_like", "ones_like", "iscomplexobj")},
    **{name: getattr(np, name) for name in ("logical_and", "logical_or", "logical_not", "logical_xor")},
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "erf": _each(math.erf),
    "erfc": _each(math.erfc),
    "lgamma": _each(math.lgamma),
    "erfinv": _precise("erfinv"),
    "digamma": _precise("digamma"),
    "polygamma": _precise("polygamma"),
    "besseli": _precise("besseli"),
    "besselj": _precise("besselj"),
    # of several
    **{name: _reduction(getattr(np, name)) for name in ("sum", "mean", "prod", "max", "min", "var", "std")},
    **{name: _reduction(getattr(np, name)) for name in ("any", "all", "argmax", "argmin", "count_nonzero")},
    **{name: _reduction(getattr(np, name)) for name in ("nansum", "nanmean", "nanmedian", "median")},
    **{name: getattr(np, name) for name in ("quantile", "argsort", "sort", "cumsum", "cumprod", "diff")},
    "maximum_accumulate": np.maximum.accumulate,
    "minimum_accumulate": np.minimum.accumulate,
    # shapes and indices
    **{name: getattr(np, name) for name in ("reshape", "transpose", "swapaxes", "moveaxis", "ravel", "expand_dims")},
    **{name: getattr(np, name) for name in ("squeeze", "concatenate", "stack", "split", "flip", "roll", "rot90")},
    **{name: getattr(np, name) for name in ("take", "take_along_axis", "diagonal", "tril", "triu", "trace", "unique")},
    **{name: getattr(np, name) for name in ("searchsorted", "bincount", "nonzero", "block", "shape", "size", "ndim")},
    **{name: _sized(getattr(np, name)) for name in ("zeros", "ones", "full", "indices")},
    **{name: _repeated(getattr(np, name)) for name in ("tile", "repeat")},
    "broadcast_to": _broadcast_to,
    "pad": _pad,
    "arange": _arange,
    "linspace": _linspace,
    "eye": _eye,
    "diag": _diag,
    "array": np.array,
    # linear algebra
    **{name: getattr(np.linalg, name) for name in ("solve", "inv", "det", "slogdet", "svd", "eigh", "eigvalsh", "eig")},
    **{name: getattr(np.linalg, name) for name in ("cholesky", "qr", "pinv", "norm", "lstsq")},
    **{name: _grown(getattr(np, name)) for name in ("outer", "kron", "tensordot", "cross", "dot", "inner")},
    "matmul": lambda a, b: _matmul(a, b),
    "matrix_power": _matrix_power,
    "einsum": _einsum,
    "expm": expm,
    **{name: getattr(np.fft, name) for name in ("fft", "ifft", "rfft", "irfft")},
    # helpers
    "T": transposed,
    "H": adjoint,
    **{
        function.__name__: function
        for function in (
            *(unbroadcast, kept, count, half_lower, scatter_add, add_along, put_along, write, prod_others),
            *(cumsum_from_end, one_hot, einsum_vjp, patches, unpatches, reduced, spread),
        )
    },
    # plain Python
    "len": len,
    "range": _range,
    "slice": slice,
    "tuple": tuple,
    "list": list,
    "int": int,
    "float": float,
    "zip": lambda *several: list(zip(*several, strict=False)),
}
"""What a formula may call."""


def _matmul(a: Array, b: Array) -> Array:
    if a.size * b.size // max(a.shape[-1] ** 2, 1) > MAX_ELEMENTS:
        raise BadFormula(f"more than {MAX_ELEMENTS:,} elements")
    return np.matmul(a, b)
