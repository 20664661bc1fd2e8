"""Operations with several results: ``unbind``, ``split`` and ``chunk``, and their inverses ``stack`` and ``cat``.

Keeps torch.unbind, torch.split, torch.chunk and tensor_view#tensor-views. The results are views of parts of the operand
and share one node; their edges differ in the output number. A result whose gradient does not arrive counts as zero. As
the history of one result cannot be replaced without that of its siblings, they may not be written in place while recorded
(views.py). ``stack`` and ``cat`` write their operands to parts of a new tensor; this is also how the gradients of the
results become that of the operand.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from .dtypes import Array, result_type
from .errors import AutogradError, AutogradIndexError, AutogradTypeError
from .graph import Node, Shape
from .mapped import per_entry
from .modes import mode
from .record import Operation, apply
from .tensor import Tensor, method
from .views import SLICE, Origin, view_of

Index = tuple[Any, ...]


class SeveralNode(Node):
    """The node that the results of one operation share."""

    __slots__ = ("indices", "label", "shape")

    def __init__(self, label: str, of: Tensor, indices: Sequence[Index], results: Sequence[Tensor]) -> None:
        super().__init__((of.edge(),), [(result.shape, result.dtype) for result in results])
        self.label = label
        self.indices = indices
        self.shape = of.shape

    def backward(self, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
        arrived = [(g, index) for g, index in zip(gradients, self.indices, strict=True) if g is not None]
        return (placed("place", [g for g, _ in arrived], [index for _, index in arrived], self.shape),)

    def name(self) -> str:
        return f"{self.label.capitalize()}Backward0"


@per_entry
def parts_of(tensor: Tensor, label: str, indices: Sequence[Index]) -> tuple[Tensor, ...]:
    """Views of the parts of ``tensor`` at ``indices``, with one node behind them."""
    results = tuple(view_of(SLICE, tensor, index=index) for index in indices)
    node = SeveralNode(label, tensor, indices, results) if any(r._node is not None for r in results) else None
    for i, result in enumerate(results):
        if result._view is not None and mode.recording:
            result._view.origin = Origin.SEVERAL
        if node is not None:
            result._node, result._output = node, i
    return results


@method
def unbind(self: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All entries along ``dim``."""
    if self.dim() == 0:
        raise AutogradIndexError("invalid-argument", f"Dimension specified as {dim} but tensor has no dimensions")
    before = (slice(None),) * (dim % self.dim())
    return parts_of(self, "unbind", [(*before, i, ...) for i in range(self.shape[dim])])


@method
def split(self: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given length along ``dim``, the last one perhaps shorter; or of the given lengths."""
    n = self.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        lengths = [min(size, n - start) for start in range(0, n, size)]
    else:
        lengths = list(split_size_or_sections)
        if sum(lengths) != n:
            raise AutogradError(
                "invalid-argument",
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
                f"but got split_sizes={lengths}",
            )
    return parts_of(self, "split", _slices(lengths, dim % self.dim()))


@method
def chunk(self: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal length, the last one perhaps shorter."""
    return split(self, -(-self.shape[dim] // chunks), dim)


def _slices(lengths: Sequence[int], dim: int) -> list[Index]:
    ends = np.cumsum(lengths).tolist()
    return [(*(slice(None),) * dim, slice(end - n, end), ...) for n, end in zip(lengths, ends, strict=True)]


# -- the other way round -----------------------------------------------------------------------------------------------


def placed(name: str, parts: Sequence[Tensor], indices: Sequence[Index], size: Shape) -> Tensor:
    """Zeros of the given size with each of ``parts`` at its index; parts do not overlap."""
    return apply(_placing(name, len(parts)), parts, {"indices": indices, "size": size})


@functools.lru_cache(maxsize=256)
def _placing(name: str, count: int) -> Operation:
    operands = [f"part{i}" for i in range(count)]
    return Operation(name, _place_all, operands, {operand: _part(i) for i, operand in enumerate(operands)})


def _place_all(*parts: Array, indices: Sequence[Index], size: Shape) -> Array:
    result = np.zeros(size, result_type(*parts))
    for part, index in zip(parts, indices, strict=True):
        result[index] = part
    return result


def _part(i: int) -> Any:
    return lambda g, indices: g[indices[i]]


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""
    tensors = _several(tensors, "stack")
    shape = tensors[0].shape
    if any(tensor.shape != shape for tensor in tensors):
        raise AutogradError("invalid-argument", "stack expects each tensor to be equal size")
    dim %= len(shape) + 1
    indices = [(*(slice(None),) * dim, i, ...) for i in range(len(tensors))]
    return placed("stack", tensors, indices, (*shape[:dim], len(tensors), *shape[dim:]))


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have."""
    tensors = _several(tensors, "cat")
    shape = tensors[0].shape
    if not shape:
        raise AutogradError("invalid-argument", "zero-dimensional tensor (at position 0) cannot be concatenated")
    dim %= len(shape)
    lengths = [tensor.shape[dim] for tensor in tensors]
    return placed("cat", tensors, _slices(lengths, dim), (*shape[:dim], sum(lengths), *shape[dim + 1 :]))


def _several(tensors: Sequence[Tensor], function: str) -> tuple[Tensor, ...]:
    tensors = tuple(tensors)
    if not tensors:
        raise AutogradError("invalid-argument", f"{function} expects a non-empty TensorList")
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise AutogradTypeError(
                "not-a-tensor", f"{function}(): expected a sequence of tensors, got {type(tensor).__name__}"
            )
    return tensors
