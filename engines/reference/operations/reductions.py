"""Reductions and scans: sums, products, extreme values, norms, moments.

Keeps notes/autograd#gradients-for-non-differentiable-functions. An extreme value that several elements reach is a convex
(concave) function of them, and its (super)gradient of smallest norm gives each the same share. A norm has gradient 0 at
the zero vector.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from ..dtypes import DIFFERENTIABLE, Array, float32
from ..errors import AutogradError
from ..ops import axes, axis
from ..rules import spread
from ..tensor import Tensor, method
from .define import WORDS, define, word
from .shapes import cat, flip, movedim

# -- extreme values ----------------------------------------------------------------------------------------------------


def _evenly(g: Any, hits: Any, shape: tuple[int, ...], dim: tuple[int, ...], keepdim: bool) -> Any:
    """``g``, in equal shares, to the elements that ``hits`` marks."""
    share = g / hits.sum(dim, keepdim).to(g.dtype)
    return spread(share, shape, dim, keepdim).where(hits, 0.0)


def _reached(a: Any, y: Any, dim: tuple[int, ...], keepdim: bool) -> Any:
    """Where ``a`` has the reduced value ``y``, which is NaN if any element is."""
    return (a == spread(y, a.shape, dim, keepdim)) | a.isnan()


def _reached_by(g: Any, a: Any, y: Any, dim: tuple[int, ...], keepdim: bool) -> Any:
    return _evenly(g, _reached(a, y, dim, keepdim), a.shape, dim, keepdim)


_amax = define("amax", lambda a, *, dim, keepdim: np.max(a, axis=dim, keepdims=keepdim), a=_reached_by)
_amin = define("amin", lambda a, *, dim, keepdim: np.min(a, axis=dim, keepdims=keepdim), a=_reached_by)


def _not_empty(name: str, input: Tensor, dims: tuple[int, ...]) -> None:
    if any(input.shape[d] == 0 for d in dims):
        raise AutogradError(
            "empty-reduction",
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument.",
        )


@word(methods="amax")
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    dims = axes(input, dim)
    _not_empty("amax", input, dims)
    return _amax(input, dim=dims, keepdim=keepdim)


@word(methods="amin")
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    dims = axes(input, dim)
    _not_empty("amin", input, dims)
    return _amin(input, dim=dims, keepdim=keepdim)


class MinMax(NamedTuple):
    min: Tensor
    max: Tensor


@word(methods="aminmax")
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


# -- products: nothing but multiplications, so that their derivatives hold at zeros, to any order ----------------------


@word(methods="prod")
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A tournament: neighbours are multiplied until one is left."""
    input = input if dtype is None else input.to(dtype)
    if dim is None:
        return prod(input.flatten(), 0)
    along = axis(dim, input.dim())
    if input.dim() == 0:
        return input.clone()
    if input.shape[along] == 0:
        return input.sum(along, keepdim) + 1
    while (n := input.shape[along]) > 1:
        half = n // 2
        product = input.narrow(along, 0, half) * input.narrow(along, half, half)
        input = cat([product, input.narrow(along, n - 1, 1)], along) if n % 2 else product
    return input.clone() if keepdim else input.squeeze(along).clone()


def _scan(input: Tensor, dim: int, combine: Any) -> Tensor:
    """Running totals in a logarithmic number of steps: each adds what stands 1, 2, 4 ... places before."""
    along, step = axis(dim, input.dim()), 1
    while input.dim() and step < (n := input.shape[along]):
        later = combine(input.narrow(along, 0, n - step), input.narrow(along, step, n - step))
        input = cat([input.narrow(along, 0, step), later], along)
        step *= 2
    return input.clone()


@word(methods="cumprod")
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    return _scan(input if dtype is None else input.to(dtype), dim, Tensor.__mul__)


@word(methods="logcumsumexp")
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    return _scan(input, dim, WORDS["logaddexp"])


_cumsum = define(
    "cumsum", lambda a, *, dim: np.cumsum(a, dim) if a.ndim else a, a=lambda g, dim: flip(flip(g, dim).cumsum(dim), dim)
)


@word(methods="cumsum")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    return _cumsum(input if dtype is None else input.to(dtype), dim=axis(dim, input.dim()))


@word(methods="diff")
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    for _ in range(min(n, input.shape[dim])):
        length = input.shape[dim]
        input = input.narrow(dim, 1, length - 1) - input.narrow(dim, 0, length - 1)
    return input


@word("trapezoid", "trapz")
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    y = movedim(y, dim, -1)
    widths = dx if x is None else diff(x if x.dim() == 1 else movedim(x, dim, -1))
    return ((y[..., 1:] + y[..., :-1]) / 2 * widths).sum(-1)


# -- sums without NaN, of exponentials, of truth values ----------------------------------------------------------------


@word(methods="nansum")
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return input.masked_fill(input.isnan(), 0.0).sum(dim, keepdim)


@word(methods="nanmean")
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    return nansum(input, dim, keepdim) / (~input.isnan()).sum(dim, keepdim)


def _logsumexp(a: Array, *, dim: tuple[int, ...], keepdim: bool) -> Array:
    top = np.max(a, axis=dim, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros((), a.dtype))
    result: Array = np.log(np.exp(a - top).sum(axis=dim, keepdims=True)) + top
    return result if keepdim else result.squeeze(dim)


_logsumexp_of = define(
    "logsumexp",
    _logsumexp,
    a=lambda g, a, y, dim, keepdim: spread(g, a.shape, dim, keepdim) * (a - spread(y, a.shape, dim, keepdim)).exp(),
)


@word("logsumexp", "special.logsumexp", methods="logsumexp")
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    input = input if input.dtype.kind in DIFFERENTIABLE else input.to(float32)
    return _logsumexp_of(input, dim=axes(input, dim), keepdim=keepdim)


def _test(name: str, reduce: Any) -> Any:
    operation = define(name, lambda a, *, dim, keepdim: reduce(a, axis=dim, keepdims=keepdim))

    def function(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        return operation(input, dim=axes(input, dim), keepdim=keepdim)

    return method(function, name)


WORDS["all"] = _test("all", np.all)
WORDS["any"] = _test("any", np.any)
WORDS["count_nonzero"] = _test("count_nonzero", np.count_nonzero)

# -- moments -----------------------------------------------------------------------------------------------------------


def _divisor(shape: tuple[int, ...], dim: tuple[int, ...], correction: float) -> float:
    return max(math.prod(shape[d] for d in dim) - correction, 0)


def _var(a: Array, *, dim: tuple[int, ...], correction: float, keepdim: bool) -> Array:
    off = a - a.mean(axis=dim, keepdims=True)
    squares = (off * off.conj()).real.sum(axis=dim, keepdims=keepdim)
    return squares / np.asarray(_divisor(a.shape, dim, correction), squares.dtype)


def _var_rule(g: Any, a: Any, dim: tuple[int, ...], correction: float, keepdim: bool) -> Any:
    n = _divisor(a.shape, dim, correction)
    return spread(g, a.shape, dim, keepdim) * ((2 / n if n else math.inf) * (a - a.mean(dim, True)))


def _std_rule(g: Any, a: Any, y: Any, dim: tuple[int, ...], correction: float, keepdim: bool) -> Any:
    constant = y == 0
    return _var_rule(g * (0.5 / y.masked_fill(constant, 1.0)).masked_fill(constant, 0.0), a, dim, correction, keepdim)


_var_of = define("var", _var, a=_var_rule)
_std_of = define(
    "std",
    lambda a, *, dim, correction, keepdim: np.sqrt(_var(a, dim=dim, correction=correction, keepdim=keepdim)),
    a=_std_rule,
)


def _moment(operation: Any, input: Tensor, dim: Any, unbiased: bool, correction: float | None, keepdim: bool) -> Tensor:
    if input.dtype.kind not in DIFFERENTIABLE:
        raise AutogradError("not-floating", "std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    correction = (1 if unbiased else 0) if correction is None else correction
    return operation(input, dim=axes(input, dim), correction=correction, keepdim=keepdim)


@word(methods="var")
def var(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    return _moment(_var_of, input, dim, unbiased, correction, keepdim)


@word(methods="std")
def std(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None
) -> Tensor:
    """The root of `var`; unlike ``var().sqrt()`` it has gradient 0 where all elements are equal."""
    return _moment(_std_of, input, dim, unbiased, correction, keepdim)


@word()
def var_mean(input: Tensor, dim: Any = None, *, correction: float = 1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    return var(input, dim, correction=correction, keepdim=keepdim), input.mean(dim, keepdim)


# -- norms -------------------------------------------------------------------------------------------------------------


def _norm(a: Array, *, ord: float, dim: tuple[int, ...], keepdim: bool) -> Array:
    sizes = np.abs(a)
    if ord == 0:
        return np.asarray((sizes != 0).sum(axis=dim, keepdims=keepdim), sizes.dtype)
    if ord in _NORMS:
        return np.asarray(_NORMS[ord](sizes, axis=dim, keepdims=keepdim))
    return np.asarray((sizes**ord).sum(axis=dim, keepdims=keepdim) ** (1 / ord), sizes.dtype)


_NORMS: Final[dict[float, Any]] = {math.inf: np.max, -math.inf: np.min, 2: np.hypot.reduce}
"""Norms that no power overflows in."""


def _norm_rule(g: Any, a: Any, y: Any, ord: float, dim: tuple[int, ...], keepdim: bool) -> Any:
    g, y = spread(g, a.shape, dim, keepdim), spread(y, a.shape, dim, keepdim)
    if ord == 0:
        return None
    if ord == 1:
        return a.sgn() * g
    if math.isinf(ord):
        hits = abs(a) == y
        return (a.sgn() * (g / hits.sum(dim, True).to(g.dtype))).where(hits, 0.0)
    if ord == 2:
        return g * (a / y).masked_fill(y == 0, 0.0)
    shares = (abs(a) / y.masked_fill(y == 0, 1.0)) ** (ord - 1)
    return g * (a.sgn() * shares).masked_fill((a == 0) | (y == 0), 0.0)


_norm_of = define("linalg.vector_norm", _norm, a=_norm_rule)


@word("linalg.vector_norm")
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """``sum(|x| ** ord) ** (1 / ord)``; the number of elements that are not zero for 0, the largest for infinity."""
    if x.dtype.kind not in DIFFERENTIABLE:
        raise AutogradError(
            "not-floating", f"linalg.vector_norm: expected a floating point or complex tensor, got {x.dtype}"
        )
    dims = axes(x, dim)
    if math.isinf(ord):
        _not_empty("linalg.vector_norm", x, dims)
    return _norm_of(x, ord=float(ord), dim=dims, keepdim=keepdim)


@word(methods="norm")
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Tensor:
    return vector_norm(input, 2 if p == "fro" else float(p), dim, keepdim)


@word(methods="dist")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    return vector_norm(input - other, p)


@word(methods="renorm")
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Slices of a larger norm are scaled to ``maxnorm``; like PyTorch's, divided by a little more than their norm."""
    along = axis(dim, input.dim())
    norms = vector_norm(input, p, [d for d in range(input.dim()) if d != along], True)
    return input * (maxnorm / (norms + 1e-7)).where(norms > maxnorm, 1.0)


@word()
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "") -> Tensor:
    """The distance of every row of ``x1`` from every row of ``x2``."""
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)
