"""Choosing and writing elements by position.

A derivative in here is the opposite movement: what was picked gives its gradient back to where it was (twice, if it was
picked twice), what was overwritten receives none, and what was written receives the gradient of where it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import Array
from ..errors import AutogradError
from ..inplace import write
from ..ops import axis, sum
from ..tensor import Tensor, method
from .define import OPERATIONS, WORDS, define, functional, refused, word
from .reductions import amax, amin, prod
from .shapes import broadcast_tensors

# -- along one axis ----------------------------------------------------------------------------------------------------


def _positions(index: Array, dim: int) -> tuple[Array, ...]:
    """An index along one axis as a full one: every other axis counts."""
    grid = list(np.ogrid[tuple(map(slice, index.shape))])
    grid[dim] = index
    return tuple(grid)


def _gather(a: Array, index: Array, *, dim: int) -> Array:
    if a.ndim == 0:
        return a.reshape(1)[index]
    return a[_positions(index, dim)]


def _scatter_add(a: Array, index: Array, src: Array, *, dim: int) -> Array:
    result = np.atleast_1d(np.array(a))
    positions = _positions(np.atleast_1d(index), dim)
    np.add.at(result, positions, np.atleast_1d(src)[tuple(map(slice, np.atleast_1d(index).shape))])
    return result.reshape(a.shape)


def _scatter(a: Array, index: Array, src: Any, *, dim: int) -> Array:
    result, index = np.atleast_1d(np.array(a), index)
    result[_positions(index, dim)] = src[tuple(map(slice, index.shape))] if np.ndim(src) else src
    return result.reshape(a.shape)


_gathered = define(
    "gather",
    _gather,
    a=lambda g, index, shape, dim: g.new_zeros(shape).scatter_add(dim, index, g),
)
_scatter_added = define(
    "scatter_add",
    _scatter_add,
    a=lambda g: g,
    src=lambda g, index, shape, dim: _filled_up(g.gather(dim, index), shape),
)
_scattered = define(
    "scatter",
    _scatter,
    a=lambda g, index, dim: g.scatter(dim, index, 0.0),
    src=lambda g, index, shape, dim: _filled_up(g.gather(dim, index), shape),
)


def _filled_up(g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a source of which only the beginning was read."""
    return g.place(tuple(map(slice, g.shape)), shape)


@word(methods="gather")
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return _gathered(input, index, dim=axis(dim, input.dim()))


@word(methods="scatter")
def scatter(input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """Overwritten at ``index``. Where several elements go to one place, one of them stays, and all receive its gradient."""
    return _scattered(input, index, src, dim=axis(dim, input.dim()))


@word(methods="scatter_add")
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    return _scatter_added(input, index, src, dim=axis(dim, input.dim()))


@word(methods="scatter_reduce")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Every element of the result reduces what goes there: collected side by side, then reduced as usual."""
    if reduce not in _REDUCTIONS:
        raise refused(reduce, "reduce")
    goals = np.arange(input.numel()).reshape(input.shape)[_positions(index._array, axis(dim, input.dim()))].ravel()
    receives = [[target] if include_self else [] for target in range(input.numel())]
    for k, target in enumerate(goals.tolist()):
        receives[target].append(input.numel() + k)
    for target, group in enumerate(receives):
        if not group:
            group.append(target)  # nothing arrives: the element stays
    width = max(map(len, receives))
    reducer, neutral = _REDUCTIONS[reduce]
    table = np.array([group + [group[0]] * (width - len(group)) for group in receives])
    filler = np.array([[k >= len(group) for k in range(width)] for group in receives])
    used = src[tuple(map(slice, index.shape))].flatten()
    groups = WORDS["cat"]([input.flatten(), used])[Tensor(table)].masked_fill(Tensor(filler), neutral)
    reduced = reducer(groups, 1)
    if reduce == "mean":
        reduced = reduced / Tensor(np.array([len(group) for group in receives]))
    return reduced.reshape(input.shape)


_REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (sum, 0.0),
    "mean": (sum, 0.0),
    "prod": (prod, 1.0),
    "amax": (amax, -np.inf),
    "amin": (amin, np.inf),
}
"""How to reduce, and what an empty place counts as."""

# -- whole rows --------------------------------------------------------------------------------------------------------


def _row(dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index,)


@word(methods="index_select")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return input[_row(axis(dim, input.dim()), index)] if input.dim() else input.clone()


def _add_rows(a: Array, index: Array, source: Array, *, dim: int) -> Array:
    result = np.atleast_1d(np.array(a))
    np.add.at(result, _row(dim, index), source)
    return result.reshape(a.shape)


_rows_added = define("index_add", _add_rows, a=lambda g: g, source=lambda g, index, dim: g.index_select(dim, index))


@word(methods="index_add")
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    return _rows_added(input, index, source if alpha == 1 else source * alpha, dim=axis(dim, input.dim()))


@word(methods="index_copy")
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    return _put(input, _row(axis(dim, input.dim()), index), source)


@word(methods="index_fill")
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    return _put(input, _row(axis(dim, input.dim()), index), value)


def _put(input: Tensor, index: tuple[Any, ...], values: Any) -> Tensor:
    changed = input.clone()
    changed[index] = values
    return changed


# -- single elements ---------------------------------------------------------------------------------------------------


@word()
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    return _added(input, indices, values) if accumulate else _put(input, tuple(indices), values)


def _added(input: Tensor, indices: Sequence[Tensor], values: Tensor) -> Tensor:
    """``values`` added to the elements at ``indices``, which are those of the flat tensor that its numbering has there."""
    places = Tensor(np.arange(input.numel()).reshape(input.shape))[tuple(indices)]
    return index_add(input.flatten(), 0, places.flatten(), values.expand(places.shape).flatten()).reshape(input.shape)


@word(methods="take")
def take(input: Tensor, index: Tensor) -> Tensor:
    return input.flatten()[index]


@word(methods="put")
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    flat = index_put(input.flatten(), (index.flatten(),), source.flatten(), accumulate)
    return flat.reshape(input.shape)


@word(methods="masked_select")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    input, mask = broadcast_tensors(input, mask)
    return input[mask]


@word(methods="masked_scatter")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The elements of ``source``, in order, where ``mask`` holds; what is left over is not used."""
    mask = mask.expand(input.shape)
    used = source.flatten()[: int(mask._array.sum())]
    return _put(input, (mask,), used)


@method
def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    self[mask.expand(self.shape)] = source.flatten()[: int(mask.expand(self.shape)._array.sum())]
    return self


def _along(name: str) -> Any:
    """The in-place form of an operation along one axis."""

    def in_place(self: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
        return write(self, OPERATIONS[name], (index, src), {"dim": axis(dim, self.dim())})

    return in_place


for _name in ("scatter", "scatter_add", "index_add"):
    method(_along(_name), f"{_name}_")


@method
def index_put_(self: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    if accumulate:
        return self.copy_(_added(self, indices, values))
    self[tuple(indices)] = values
    return self


# -- positions of what is sought ---------------------------------------------------------------------------------------


nonzero = WORDS["nonzero"] = method(define("nonzero", lambda a: np.argwhere(a)), "nonzero")


def _searchsorted(a: Array, values: Array, *, right: bool = False) -> Array:
    return np.asarray(np.searchsorted(a, values, "right" if right else "left"))


searchsorted = functional("searchsorted", _searchsorted)


def _one_hot(a: Array, *, num_classes: int) -> Array:
    if a.dtype.kind != "i":
        raise AutogradError("invalid-argument", f"one_hot is only applicable to integers, got {a.dtype}")
    if a.size and not 0 <= a.min() <= a.max() < num_classes:
        raise AutogradError("invalid-argument", f"one_hot: classes must be from 0 to {num_classes - 1}")
    return (a[..., None] == np.arange(num_classes)).astype(np.int64)


one_hot = functional("one_hot", _one_hot)
