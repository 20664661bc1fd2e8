"""How gradients lie in memory.

Keeps torch.autograd#default-gradient-layouts. The first gradient of a leaf gets the leaf's own strides if the leaf fills
its memory without gaps or overlaps, and is row-major contiguous otherwise. Later gradients are added in place and
leave the strides as they are, also those of a ``.grad`` that the user assigned; a warning says that this is slower.
"""

from __future__ import annotations

import numpy as np

from .dtypes import Array
from .errors import warn
from .modes import mode


class enforce_grad_layout_policy:
    """Switch or context: when off, a first gradient may keep the strides it arrived with."""

    def __init__(self, enabled: bool) -> None:
        self._outer, mode.grad_layout = mode.grad_layout, enabled

    def __enter__(self) -> None:
        return

    def __exit__(self, *exception: object) -> None:
        mode.grad_layout = self._outer


def first_gradient(gradient: Array, leaf: Array) -> Array:
    """A copy of ``gradient`` in the layout that the gradient of ``leaf`` should have."""
    if not mode.grad_layout:
        return copied(gradient)
    if leaf.flags.c_contiguous or not is_dense(leaf):
        return gradient.copy()
    laid_out = np.empty_like(leaf, gradient.dtype)
    laid_out[...] = gradient
    return laid_out


def copied(array: Array) -> Array:
    """A copy in the same order of axes (torch.preserve_format); where elements share a place, in order of rows."""
    return array.copy(order="C" if 0 in array.strides else "K")


def is_dense(array: Array) -> bool:
    """Whether the elements fill one stretch of memory, each its own place, in whatever order of axes."""
    expected = array.itemsize
    for stride, n in sorted((stride, n) for stride, n in zip(array.strides, array.shape, strict=True) if n != 1):
        if stride != expected:
            return False
        expected *= n
    return True


def is_expanded(array: Array) -> bool:
    """Whether several elements along an axis share one place."""
    shared = 0 in array.strides and array.size > 0
    return shared and any(step == 0 and n > 1 for step, n in zip(array.strides, array.shape, strict=True))


def warn_about_layout(gradient: Array, leaf: Array) -> None:
    fits = gradient.flags.c_contiguous if not is_dense(leaf) else False
    if gradient.size > 1 and not fits and _strides(gradient) != _strides(leaf):
        warn(
            "grad-layout-contract",
            "grad and param do not obey the gradient layout contract. This is not an error, but may impair performance.",
        )


def _strides(array: Array) -> list[int]:
    """Strides in elements, of the axes that have any to speak of."""
    return [stride // array.itemsize for stride, n in zip(array.strides, array.shape, strict=True) if n != 1]


def strides(array: Array) -> list[int]:
    return [stride // array.itemsize for stride in array.strides]
