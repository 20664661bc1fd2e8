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
from .reductions import _evenly, _not_empty, amax, amin


class Chosen(NamedTuple):
    values: Tensor
    indices: Tensor


def _chosen(input: Tensor, dim: int, positions: Tensor, keepdim: bool = True) -> Chosen:
    if input.dim() == 0:
        return Chosen(input.clone(), positions)
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
    if k > max(input.size(dim) if input.dim() else 1, 0):
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


def _extreme(name: str, arg: Any, reduction: Any, pairwise: str) -> None:
    positions = define(f"arg{name}", lambda a, *, dim: np.expand_dims(arg(np.atleast_1d(a), dim), dim))

    def position(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """The first position of the extreme value, among all elements or along ``dim``."""
        if dim is None:
            _not_empty(f"arg{name}", input, tuple(range(input.dim())))
            return positions(input.flatten(), dim=0).squeeze(0)
        if input.dim() == 0:
            return positions(input, dim=0).squeeze(0)
        found = positions(input, dim=axis(dim, input.dim()))
        return found if keepdim else found.squeeze(dim)

    def extreme(input: Tensor, dim: Any = None, keepdim: bool = False, other: Any = None) -> Any:
        """The extreme value of all; with ``dim`` values and positions; of two tensors the one of each pair."""
        if isinstance(dim, Tensor) or other is not None:
            return WORDS[pairwise](input, dim if other is None else other)
        if dim is None:
            _not_empty(name, input, tuple(range(input.dim())))
            return reduction(input)
        if input.dim() == 0:
            return Chosen(input.clone(), positions(input, dim=0).squeeze(0))
        return _chosen(input, dim, position(input, dim, True), keepdim)

    WORDS[f"arg{name}"] = method(position, f"arg{name}")
    WORDS[name] = method(extreme, name)


_extreme("max", np.argmax, amax, "maximum")
_extreme("min", np.argmin, amin, "minimum")


def _running(name: str, better: Any) -> None:
    def positions(a: Array, dim: int) -> Array:
        """Where the extreme value so far was seen last."""
        rows = np.moveaxis(np.atleast_1d(a), dim, 0)
        found = np.zeros(rows.shape, np.int64)
        best = rows[:1].copy()
        for i in range(1, len(rows)):
            new = better(rows[i], best[0]) | np.isnan(rows[i])
            found[i] = np.where(new, i, found[i - 1])
            best[0] = np.where(new, rows[i], best[0])
        return np.moveaxis(found, 0, dim)

    seen = define(f"arg{name}", lambda a, *, dim: positions(a, dim).reshape(a.shape))

    def running(input: Tensor, dim: int) -> Chosen:
        return _chosen(input, dim, seen(input, dim=axis(dim, input.dim())))

    WORDS[name] = method(running, name)


_running("cummax", np.greater_equal)
_running("cummin", np.less_equal)

# -- the middle and the most frequent ----------------------------------------------------------------------------------


def _middle(a: Array, *, dim: int, skip: bool) -> Array:
    """The position of the lower median along ``dim``; of the first NaN, unless they are skipped."""
    order = _order(a, dim, False)
    missing = np.isnan(np.atleast_1d(a)).sum(dim, keepdims=True)
    count = a.shape[dim] if a.ndim else 1
    rank = np.where((missing > 0) & (not skip), count - missing, np.maximum(count - missing - 1, 0) // 2)
    return np.take_along_axis(order, rank, dim)


_median_position = define("argmedian", _middle)


def _hits(a: Any, y: Any) -> Any:
    return (a == y) | (a.isnan() & y.isnan())


_median_of = define(
    "median",
    lambda a, *, skip: np.take_along_axis(a.reshape(-1), _middle(a.reshape(-1), dim=0, skip=skip), 0)[0],
    a=lambda g, a, y: _evenly(g, _hits(a, y), a.shape, tuple(range(a.dim())), False),
)


def _median(input: Tensor, dim: int | None, keepdim: bool, skip: bool) -> Any:
    if dim is None:
        return _median_of(input, skip=skip) if input.numel() else input.sum() + math.nan
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

    def of_row(row: Array) -> int:
        values, counts = np.unique(row, return_counts=True)
        return int(np.flatnonzero(row == values[counts.argmax()])[-1])

    if a.ndim == 0 or a.size == 0:
        return np.zeros((*a.shape[:dim], 1, *a.shape[dim + 1 :])[: a.ndim], np.int64)
    return np.expand_dims(np.apply_along_axis(of_row, dim, a), dim)


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
    fractions = np.asarray(q._array if isinstance(q, Tensor) else q, np.float64)
    parts = []
    for fraction in fractions.reshape(-1):
        rank = float(fraction) * (input.shape[along] - 1)
        below, above = math.floor(rank), math.ceil(rank)
        weight = _WEIGHTS[interpolation](rank, below)
        part = WORDS["lerp"](ordered.narrow(along, below, 1), ordered.narrow(along, above, 1), weight)
        parts.append(part if keepdim else part.squeeze(along))
    return WORDS["stack"](parts) if fractions.ndim else parts[0]


_WEIGHTS: dict[str, Callable[[float, int], float]] = {
    "linear": lambda rank, below: rank - below,
    "lower": lambda rank, below: 0.0,
    "higher": lambda rank, below: 1.0,
    "midpoint": lambda rank, below: 0.5,
    "nearest": lambda rank, below: float(round(rank) - below),
}
