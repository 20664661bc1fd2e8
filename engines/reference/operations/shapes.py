"""Shapes: other looks at the same numbers, and putting tensors together.

Keeps tensor_view#tensor-views: what can be a look at the same memory is one (squeeze, diagonal, unfold ...); flip, roll,
repeat and cat copy. Their derivatives move gradients back to where the numbers came from; what was used several times
receives the sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import several
from ..dtypes import Array
from ..errors import AutogradError, AutogradIndexError
from ..ops import axes, axis
from ..several import cat as cat
from ..several import stack as stack
from ..tensor import Tensor, method
from ..views import sizes, view_of
from .define import WORDS, Function, define, operation_of, word

# -- views -------------------------------------------------------------------------------------------------------------


_SQUEEZE = operation_of("squeeze", lambda a, *, dim: np.squeeze(a, dim), {"a": lambda g, shape: g.reshape(shape)})
_UNSQUEEZE = operation_of(
    "unsqueeze", lambda a, *, dim: np.expand_dims(a, dim), {"a": lambda g, shape: g.reshape(shape)}
)
_DIAGONAL = operation_of(
    "diagonal",
    lambda a, *, offset, dim1, dim2: np.einsum("...ii->...i", _corner(np.moveaxis(a, (dim1, dim2), (-2, -1)), offset)),
    {"a": lambda g, shape, offset, dim1, dim2: _on_diagonal(g, shape=shape, offset=offset, dim1=dim1, dim2=dim2)},
)
_UNFOLD = operation_of(
    "unfold",
    lambda a, *, dim, size, step: _windows(a, dim, size, step),
    {"a": lambda g, shape, dim, size, step: _folded(g, shape=shape, dim=dim, size=size, step=step)},
)


def _corner(a: Array, offset: int) -> Array:
    """The square whose diagonal is the wanted one."""
    a = a[..., max(-offset, 0) :, max(offset, 0) :]
    n = min(a.shape[-2:])
    return a[..., :n, :n]


def _windows(a: Array, dim: int, size: int, step: int) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(a, size, dim, writeable=True)
    return windows[(slice(None),) * dim + (slice(None, None, step),)]


def _put_on_diagonal(a: Array, *, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    result = np.zeros(shape, a.dtype)
    _DIAGONAL.forward(result, offset=offset, dim1=dim1, dim2=dim2)[...] = a
    return result


def _fold(a: Array, *, shape: tuple[int, ...], dim: int, size: int, step: int) -> Array:
    result = np.zeros(shape, a.dtype)
    windows = _windows(result, dim, size, step)
    for i in range(size):  # one element of every window: these do not overlap
        windows[..., i] += a[..., i]
    return result


_on_diagonal: Function = define(
    "put_on_diagonal", _put_on_diagonal, a=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2)
)
_folded: Function = define("fold_windows", _fold, a=lambda g, dim, size, step: g.unfold(dim, size, step))


@word(methods="squeeze")
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the axes of length 1, or without those of them that are named; others stay."""
    return view_of(_SQUEEZE, input, dim=tuple(d for d in axes(input, dim) if input.dim() and input.shape[d] == 1))


@word(methods="unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    return view_of(_UNSQUEEZE, input, dim=axis(dim, input.dim() + 1))


@word(methods="diagonal")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    ndim = input.dim()
    return view_of(_DIAGONAL, input, offset=offset, dim1=axis(dim1, ndim), dim2=axis(dim2, ndim))


@method
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of a length along an axis, as a new last axis."""
    return view_of(_UNFOLD, self, dim=axis(dimension, self.dim()), size=size, step=step)


@word(methods="flatten")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    first, last = axis(start_dim, input.dim()), axis(end_dim, input.dim())
    size = (*input.shape[:first], math.prod(input.shape[first : last + 1]), *input.shape[last + 1 :])
    return input if input.shape == size else input.reshape(size)


@word(methods="movedim")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    ndim = input.dim()
    moved = [axis(d, ndim) for d in ((source,) if isinstance(source, int) else source)]
    places = [axis(d, ndim) for d in ((destination,) if isinstance(destination, int) else destination)]
    others = iter(d for d in range(ndim) if d not in moved)
    return input.permute([moved[places.index(d)] if d in places else next(others) for d in range(ndim)])


@word(methods="narrow")
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    before = (slice(None),) * axis(dim, input.dim())
    n = input.shape[len(before)]
    first = start + n if start < 0 else start
    if not 0 <= first <= first + length <= n:
        raise AutogradError("invalid-argument", f"start ({start}) + length ({length}) exceeds dimension size ({n})")
    return input[(*before, slice(first, first + length))]


@word(methods="select")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    return input[(slice(None),) * axis(dim, input.dim()) + (index,)]


@method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    return self.expand(other.shape)


@method
def is_contiguous(self: Tensor) -> bool:
    return bool(self._array.flags.c_contiguous)


@method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    return self.view(other.shape)


def _transposed(self: Tensor) -> Tensor:
    return self.transpose(-2, -1)


def _adjoint(self: Tensor) -> Tensor:
    return _transposed(self).conj()


setattr(Tensor, "mT", property(_transposed))  # noqa: B010 (for the type checker)
setattr(Tensor, "mH", property(_adjoint))  # noqa: B010


for _name in ("reshape", "transpose", "permute", "t"):
    WORDS[_name] = getattr(Tensor, _name)
WORDS["broadcast_to"] = method(lambda self, *size: self.expand(*size), "broadcast_to")
WORDS["swapaxes"] = method(WORDS["transpose"], "swapaxes", "swapdims")

# -- copies ------------------------------------------------------------------------------------------------------------

_flip = define("flip", lambda a, *, dims: np.flip(a, dims).copy(), a=lambda g, dims: g.flip(dims))
_roll = define(
    "roll",
    lambda a, *, shifts, dims: np.roll(a, shifts, dims),
    a=lambda g, shifts, dims: g.roll(tuple(-n for n in shifts), dims),
)
_tril = define("tril", lambda a, *, diagonal: np.tril(a, diagonal), a=lambda g, diagonal: g.tril(diagonal))
_triu = define("triu", lambda a, *, diagonal: np.triu(a, diagonal), a=lambda g, diagonal: g.triu(diagonal))


@word(methods="flip")
def flip(input: Tensor, *dims: Any) -> Tensor:
    return _flip(input, dims=axes(input, sizes(dims)))


@word(methods="roll")
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    if dims is None:
        return roll(input.flatten(), shifts, 0).reshape(input.shape)
    if input.dim() == 0:
        raise AutogradIndexError("invalid-argument", f"Dimension specified as {dims} but tensor has no dimensions")
    distances = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    return _roll(input, shifts=distances, dims=axes(input, dims))


@word(methods="tril")
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    return _tril(_matrices("tril", input), diagonal=diagonal)


@word(methods="triu")
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    return _triu(_matrices("triu", input), diagonal=diagonal)


def _matrices(name: str, input: Tensor) -> Tensor:
    if input.dim() < 2:
        raise AutogradError("invalid-argument", f"{name}: input tensor must have at least 2 dimensions")
    return input


@word(methods="rot90")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    turned = input
    for _ in range(k % 4):
        turned = turned.transpose(*dims).flip(dims[0])
    return input.clone() if turned is input else turned


@word(methods="diag_embed")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    n = input.shape[-1] + abs(offset)
    matrices = _on_diagonal(
        input, shape=(*input.shape[:-1], n, n), offset=offset, dim1=input.dim() - 1, dim2=input.dim()
    )
    return movedim(matrices, (-2, -1), (dim1, dim2))


@word(methods="diag")
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    return diag_embed(input, diagonal) if input.dim() == 1 else input.diagonal(diagonal)


@word(methods="trace")
def trace(input: Tensor) -> Tensor:
    return diagonal(input).sum()


@method
def repeat(self: Tensor, *reps: Any) -> Tensor:
    """The whole tensor side by side, so many times along each axis."""
    reps = sizes(reps)
    shape = (1,) * (len(reps) - self.dim()) + self.shape
    wide = tuple(itertools.chain.from_iterable(zip(reps, shape, strict=True)))
    apart = tuple(itertools.chain.from_iterable((1, n) for n in shape))
    return self.reshape(apart).expand(wide).reshape(tuple(r * n for r, n in zip(reps, shape, strict=True)))


@word(methods="repeat_interleave")
def repeat_interleave(input: Tensor, repeats: int, dim: int | None = None) -> Tensor:
    """Every element so many times, next to each other."""
    if dim is None:
        return repeat_interleave(input.flatten(), repeats, 0)
    positions = np.repeat(np.arange(input.shape[dim]), repeats)
    return input.index_select(dim, Tensor(positions))


@word(methods="as_strided")
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int = 0) -> Tensor:
    """Any look at the elements in memory order; here a copy."""
    moves = np.tensordot(np.asarray(stride, np.int64), np.indices(tuple(size)), 1)
    return input.flatten()[Tensor(storage_offset + moves)]


# -- several tensors ---------------------------------------------------------------------------------------------------


word("cat", "concat", "concatenate")(cat)
word()(stack)
for _function in (several.unbind, several.split, several.chunk):
    word()(_function)


@word()
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    listed = [t for some in tensors for t in ([some] if isinstance(some, Tensor) else some)]
    shape = tuple(t.numel() for t in listed)
    grids = [
        t.reshape(tuple(n if i == d else 1 for i, n in enumerate(shape))).expand(shape) for d, t in enumerate(listed)
    ]
    return tuple(g.transpose(0, 1) if indexing == "xy" else g for g in grids)


@word()
def block_diag(*tensors: Tensor) -> Tensor:
    matrices = [t if t.dim() == 2 else t.reshape(1, t.numel()) for t in tensors]
    width = sum(t.shape[1] for t in matrices)
    rows, column = [], 0
    for t in matrices:
        rows.append(pad(t, (column, width - column - t.shape[1])))
        column += t.shape[1]
    return cat(rows)


@word()
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    shape = np.broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t.expand(shape) for t in tensors)


@word()
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """More elements at the ends of the last axes: pairs of lengths, the last axis first."""
    for i in range(len(pad) // 2):
        before, after, dim = pad[2 * i], pad[2 * i + 1], -1 - i
        n = input.shape[dim]
        positions = np.arange(-before, n + after)
        if mode == "constant":
            some = input if n else input.sum(dim, True)
            taken = some.index_select(dim, Tensor(positions % max(n, 1)))
            outside = (positions < 0) | (positions >= n)
            input = taken.masked_fill(Tensor(outside[(slice(None), *(None,) * i)]), value)
        elif mode in _FOLLOWED:
            if mode == "reflect" and max(before, after) >= n:
                raise AutogradError("invalid-argument", "Padding size should be less than the input dimension")
            input = input.index_select(dim, Tensor(_FOLLOWED[mode](positions, n)))
        else:
            raise AutogradError("invalid-argument", f"Unrecognised padding mode {mode}")
    return input


_FOLLOWED: dict[str, Callable[[Array, int], Array]] = {
    "reflect": lambda positions, n: -1 - np.abs(n - 1 - np.abs(positions)),  # from the end
    "replicate": lambda positions, n: np.clip(positions, 0, n - 1),
    "circular": lambda positions, n: positions % n,
}
"""Which element stands at a position outside."""
