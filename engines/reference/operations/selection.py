"""Sorting and its relatives: which elements are chosen is a constant, what is chosen carries the gradient.

``max(dim)`` and the others answer twice, with values and with indices. The indices are not differentiable; the values are
what `gather` picks there, so one element receives the gradient even where several are equal. (The reductions over
everything, ``max()`` and ``median()``, share it instead.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import Array
from ..errors import AutogradError
from ..ops import axes, axis
from ..rules import refuse
from ..tensor import Tensor, method
from .define import WORDS, define, word
from .indexing import gather
from .reductions import _not_empty, amax, amin


class Chosen(NamedTuple):
    values: Tensor
    indices: Tensor


def _chosen(input: Tensor, dim: int, positions: Tensor, keepdim: bool = True) -> Chosen:
    values = gather(input, dim, positions)
    return Chosen(values, positions) if keepdim else Chosen(values.squeeze(dim), positions.squeeze(dim))


# -- in order ----------------------------------------------------------------------------------------------------------


def _order(a: Array, dim: int, descending: bool) -> Array:
    """Stable; NaN counts as larger than all numbers."""
    a = np.atleast_1d(a)
    if not descending:
        return np.argsort(a, dim, kind="stable")
    backwards = np.argsort(np.flip(a, dim), dim, kind="stable")
    return np.flip(a.shape[dim] - 1 - backwards, dim)


_argsort = define("argsort", lambda a, *, dim, descending: _order(a, dim, descending).reshape(a.shape))


@word(methods="argsort")
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    return _argsort(input, dim=axis(dim, input.dim()), descending=descending)


@word(methods="sort")
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Chosen:
    return _chosen(input, dim, argsort(input, dim, descending))


@word(methods="topk")
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Chosen:
    if k > max(input.shape[dim] if input.dim() else 1, 0):
        raise AutogradError("invalid-argument", "selected index k out of range")
    order = argsort(input, dim, largest)
    return _chosen(input, dim, order.narrow(dim, 0, k) if input.dim() else order)


@word(methods="kthvalue")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Chosen:
    order = argsort(input, dim)
    if not 1 <= k <= (order.shape[dim] if input.dim() else 1):
        raise AutogradError("invalid-argument", f"kthvalue(): selected number k out of range: {k}")
    return _chosen(input, dim, order.narrow(dim, k - 1, 1) if input.dim() else order, keepdim)


WORDS["unique"] = method(define("unique", lambda a: np.unique(a), a=lambda g: refuse("_unique2")), "unique")

# -- extreme values along one axis -------------------------------------------------------------------------------------


def _extreme(name: str, arg: Any, reduction: Any, pairwise: str) -> tuple[Any, Any]:
    positions = define(f"arg{name}", lambda a, *, dim: np.asarray(arg(a, axis=dim, keepdims=True)))

    def position(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The first position of the extreme value, among all elements or along ``dim``."""
        if dim is None:
            _not_empty(f"arg{name}", input, tuple(range(input.dim())))
            return positions(input.flatten(), dim=0).squeeze(0)
        found = positions(input, dim=axis(dim, input.dim()))
        return found if keepdim else found.squeeze(dim)

    def extreme(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        """The extreme value of all; with ``dim`` values and positions; of two tensors the one of each pair."""
        if isinstance(dim, Tensor):
            return WORDS[pairwise](input, dim)
        if dim is None:
            return reduction(input)
        return _chosen(input, dim, position(input, dim, True), keepdim)

    return method(extreme, name), method(position, f"arg{name}")


WORDS["max"], WORDS["argmax"] = _extreme("max", np.argmax, amax, "maximum")
WORDS["min"], WORDS["argmin"] = _extreme("min", np.argmin, amin, "minimum")


def _running(name: str, extreme: np.ufunc) -> Any:
    def positions(a: Array, dim: int) -> Array:
        """Where the extreme value so far was seen last."""
        best = extreme.accumulate(a, dim)
        return np.maximum.accumulate(np.where((a == best) | np.isnan(a), np.indices(a.shape)[dim], 0), dim)

    seen = define(f"arg{name}", lambda a, *, dim: positions(np.atleast_1d(a), dim).reshape(a.shape))

    def running(input: Tensor, dim: int) -> Chosen:
        return _chosen(input, dim, seen(input, dim=axis(dim, input.dim())))

    return method(running, name)


WORDS["cummax"] = _running("cummax", np.maximum)
WORDS["cummin"] = _running("cummin", np.minimum)

# -- the middle and the most frequent ----------------------------------------------------------------------------------


def _middle(a: Array, *, dim: int, skip: bool) -> Array:
    """The position of the lower median along ``dim``; of the first NaN, unless they are skipped."""
    order = _order(a, dim, False)
    missing = np.isnan(a).sum(dim, keepdims=True)
    numbers = a.shape[dim] - missing
    rank = np.where((missing > 0) & (not skip), numbers, (numbers - 1) // 2)
    return np.take_along_axis(order, rank, dim)


_median_position = define("argmedian", _middle)


def _median_rule(g: Any, a: Any, y: Any) -> Any:
    hits = (a == y) | (a.isnan() & y.isnan())
    return (g / hits.sum().to(g.dtype)).where(hits, 0.0)


_median_of = define(
    "median",
    lambda a, *, skip: a.ravel()[_middle(a.ravel(), dim=0, skip=skip)].squeeze(),
    a=_median_rule,
)


def _median(input: Tensor, dim: int | None, keepdim: bool, skip: bool) -> Any:
    if dim is None:
        return _median_of(input, skip=skip) if input.numel() else input.mean()
    if input.dim() == 0:
        return Chosen(input.clone(), Tensor(np.zeros((), np.int64)))
    return _chosen(input, dim, _median_position(input, dim=axis(dim, input.dim()), skip=skip), keepdim)


@word(methods="median")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two."""
    return _median(input, dim, keepdim, skip=False)


@word(methods="nanmedian")
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return _median(input, dim, keepdim, skip=True)


def _most_frequent(a: Array, *, dim: int) -> Array:
    """The last position of the value that occurs most often, the smallest of several."""
    rows = np.moveaxis(np.atleast_1d(a), dim, -1)
    counts = (rows[..., :, None] == rows[..., None, :]).sum(-1)
    often = counts == counts.max(-1, keepdims=True)
    value = np.where(often, rows, np.inf).min(-1, keepdims=True)
    last = np.where(rows == value, np.arange(rows.shape[-1]), 0).max(-1)
    return np.expand_dims(last, dim) if a.ndim else last.squeeze()


_mode_position = define("argmode", _most_frequent)


@word(methods="mode")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Chosen:
    _not_empty("mode", input, axes(input, dim))
    return _chosen(input, dim, _mode_position(input, dim=axis(dim, input.dim())), keepdim)


@word(methods="quantile")
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Between the sorted elements, at the fraction ``q`` of the way from the first to the last."""
    if dim is None:
        flat = quantile(input.flatten(), q, 0, interpolation=interpolation)
        return flat.reshape((*flat.shape, *(1,) * input.dim())) if keepdim else flat
    along = axis(dim, input.dim())
    _not_empty("quantile", input, axes(input, dim))
    ordered = sort(input, along).values
    fractions = np.asarray(q, np.float64)
    parts = []
    for fraction in fractions.ravel():
        rank = float(fraction) * (input.shape[along] - 1)
        below, above = math.floor(rank), math.ceil(rank)
        weight = _WEIGHTS[interpolation](rank, below)
        part = WORDS["lerp"](ordered.narrow(along, below, 1), ordered.narrow(along, above, 1), weight)
        parts.append(part if keepdim else part.squeeze(along))
    stacked = WORDS["stack"](parts)
    return stacked if fractions.ndim else stacked.squeeze(0)


_WEIGHTS: dict[str, Callable[[float, int], float]] = {
    "linear": lambda rank, below: rank - below,
    "lower": lambda rank, below: 0.0,
    "higher": lambda rank, below: 1.0,
    "midpoint": lambda rank, below: 0.5,
    "nearest": lambda rank, below: float(round(rank) - below),
}
