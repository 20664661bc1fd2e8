"""Convolution and pooling: windows of a signal, collected by position and then multiplied or reduced as usual.

`patches` picks, `unpatches` puts back; each is the derivative of the other, because indexing is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DIFFERENTIABLE, Array
from ..errors import AutogradError
from ..ops import mean
from ..tensor import Tensor
from .define import WORDS, word
from .selection import Chosen
from .shapes import pad

Sizes = Any
"""A number for all axes, or one for each."""


def _each(value: Sizes, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def _positions(
    counts: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Array, ...]:
    """For every spatial axis the positions of all windows, shaped (windows..., kernel...)."""
    axes = len(kernel)
    grids = []
    for d in range(axes):
        table = np.arange(counts[d])[:, None] * stride[d] + np.arange(kernel[d]) * dilation[d]
        grids.append(
            table.reshape([counts[d] if i == d else kernel[d] if i == d + axes else 1 for i in range(2 * axes)])
        )
    return tuple(grids)


def _padded(x: Tensor, padding: Sequence[int], value: float = 0.0) -> Tensor:
    return pad(x, [n for p in reversed(padding) for n in (p, p)], value=value)


def patches(x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """All windows: (batch, channel, windows..., kernel...)."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    counts = [(n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, stride, strict=True)]
    if min(counts) < 1:
        raise AutogradError("invalid-argument", "Kernel size can't be greater than actual input size")
    return x[(slice(None), slice(None), *map(Tensor, _positions(counts, kernel, stride, dilation)))]


def unpatches(
    columns: Tensor, size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """The sum of all windows at their places, in a signal of ``size``."""
    index = (slice(None), slice(None), *_positions(columns.shape[2:], kernel, stride, dilation))
    return columns.place(index, (*columns.shape[:2], *size))


def _batched(axes: int, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """``function`` of a batch; a signal without one counts as a batch of one."""
    if x.dim() not in (axes + 1, axes + 2):
        raise AutogradError(
            "invalid-argument", f"a signal has {axes + 1} dimensions or, as a batch, {axes + 2}; this one has {x.dim()}"
        )
    return function(x) if x.dim() == axes + 2 else function(x.unsqueeze(0)).squeeze(0)


def _letters(axes: int) -> tuple[str, str]:
    return "uvw"[:axes], "xyz"[:axes]


def _check_channels(axes: int, given: int, wanted: int, weight: Tensor) -> None:
    if weight.dim() != axes + 2 or given != wanted:
        raise AutogradError(
            "invalid-argument",
            f"a signal with {given} channels was given, and a weight of size {list(weight.shape)} for {wanted}",
        )


def _convolve(
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Any,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    _check_channels(axes, input.shape[1], groups * weight.shape[1], weight)
    kernel, steps, spread = weight.shape[2:], _each(stride, axes), _each(dilation, axes)
    if padding == "same":
        widths = [d * (k - 1) for k, d in zip(kernel, spread, strict=True)]
        input = pad(input, [n for w in reversed(widths) for n in (w // 2, w - w // 2)])
        padding = 0
    found = patches(_padded(input, _each(0 if padding == "valid" else padding, axes)), kernel, steps, spread)
    grouped = found.reshape((found.shape[0], groups, found.shape[1] // groups, *found.shape[2:]))
    filters = weight.reshape((groups, weight.shape[0] // groups, *weight.shape[1:]))
    at, inside = _letters(axes)
    result = WORDS["einsum"](f"ngc{at}{inside},goc{inside}->ngo{at}", grouped, filters)
    result = result.reshape((result.shape[0], weight.shape[0], *result.shape[3:]))
    return result if bias is None else result + bias.reshape((-1,) + (1,) * axes)


@word()
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    return _batched(1, input, lambda x: _convolve(1, x, weight, bias, stride, padding, dilation, groups))


@word()
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    return _batched(2, input, lambda x: _convolve(2, x, weight, bias, stride, padding, dilation, groups))


def _convolve_back(
    axes: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    _check_channels(axes, input.shape[1], weight.shape[0], weight)
    kernel, steps, spread = weight.shape[2:], _each(stride, axes), _each(dilation, axes)
    grouped = input.reshape((input.shape[0], groups, input.shape[1] // groups, *input.shape[2:]))
    filters = weight.reshape((groups, weight.shape[0] // groups, *weight.shape[1:]))
    at, inside = _letters(axes)
    columns = WORDS["einsum"](f"ngc{at},gco{inside}->ngo{at}{inside}", grouped, filters)
    columns = columns.reshape((input.shape[0], groups * weight.shape[1], *columns.shape[3:]))
    lost, extra = _each(padding, axes), _each(output_padding, axes)
    size = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(input.shape[2:], steps, spread, kernel, extra, strict=True)
    ]
    result = unpatches(columns, size, kernel, steps, spread)
    result = result[(..., *(slice(p, n - p) for p, n in zip(lost, size, strict=True)))]
    return result if bias is None else result + bias.reshape((-1,) + (1,) * axes)


@word()
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    more = (stride, padding, output_padding, groups, dilation)
    return _batched(1, input, lambda x: _convolve_back(1, x, weight, bias, *more))


@word()
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    more = (stride, padding, output_padding, groups, dilation)
    return _batched(2, input, lambda x: _convolve_back(2, x, weight, bias, *more))


@word("unfold")
def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Windows of an image as columns (im2col)."""
    kernel, steps, spread = _each(kernel_size, 2), _each(stride, 2), _each(dilation, 2)

    def columns(images: Tensor) -> Tensor:
        found = patches(_padded(images, _each(padding, 2)), kernel, steps, spread)
        n, c, height, width = found.shape[:4]
        return found.permute(0, 1, 4, 5, 2, 3).reshape((n, c * math.prod(kernel), height * width))

    return _batched(2, input, columns)


@word()
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Columns summed into an image (col2im)."""
    kernel, steps, spread, edge = _each(kernel_size, 2), _each(stride, 2), _each(dilation, 2), _each(padding, 2)
    size = [n + 2 * p for n, p in zip(_each(output_size, 2), edge, strict=True)]
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(size, spread, kernel, steps, strict=True)]

    def images(columns: Tensor) -> Tensor:
        n, rows = columns.shape[:2]
        apart = columns.reshape((n, rows // math.prod(kernel), *kernel, *counts)).permute(0, 1, 4, 5, 2, 3)
        image = unpatches(apart, size, kernel, steps, spread)
        return image[(..., *(slice(p, n - p) for p, n in zip(edge, size, strict=True)))]

    return _batched(1, input, images)


# -- pooling -----------------------------------------------------------------------------------------------------------


class Windows(NamedTuple):
    """Where a pooling looks: windows of size ``kernel``, every ``stride``, over a signal with ``padding`` at both ends."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool

    @classmethod
    def of(
        cls, axes: int, kernel: Sizes, stride: Any, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False
    ) -> Windows:
        step, edge, spread = (
            _each(kernel if stride is None else stride, axes),
            _each(padding, axes),
            _each(dilation, axes),
        )
        windows = cls(_each(kernel, axes), step, edge, spread, ceil_mode)
        if any(2 * p > d * (k - 1) + 1 for k, p, d in zip(windows.kernel, edge, spread, strict=True)):
            raise AutogradError("invalid-argument", "padding should be at most half of the effective kernel size")
        return windows

    def overhang(self, size: Sequence[int]) -> list[int]:
        """How far the last window, which must begin in the signal or left of it, reaches beyond the padding, or not so far."""
        if not self.ceil_mode:
            return [0] * len(size)
        beyond = []
        for n, k, step, p, d in zip(size, self.kernel, self.stride, self.padding, self.dilation, strict=True):
            last = -(-(n + 2 * p - d * (k - 1) - 1) // step) * step
            last = last if last < n + p else last - step
            beyond.append(last + d * (k - 1) + 1 - (n + 2 * p))
        return beyond

    def rows(self, x: Tensor, outside: float, beyond: float | None = None) -> Tensor:
        """Every window as one row, the last axis: ``outside`` in the padding, ``beyond`` in what reaches beyond it."""
        axes, overhang = len(self.kernel), self.overhang(x.shape[2:])
        x = _padded(x, self.padding, outside)
        if any(overhang):
            ends = [n for extra in reversed(overhang) for n in (0, extra)]
            x = pad(x, ends, value=outside if beyond is None else beyond)
        found = patches(x, self.kernel, self.stride, self.dilation)
        return found.reshape((*found.shape[: 2 + axes], math.prod(self.kernel)))


def _ones(batch: Tensor) -> Tensor:
    return Tensor(np.ones((1, 1, *batch.shape[2:]), batch.dtype))


def _max_pool(axes: int, x: Tensor, windows: Windows) -> Tensor:
    lowest = -math.inf if x.dtype.kind in DIFFERENTIABLE else int(np.iinfo(x.dtype).min)

    def reduce(batch: Tensor) -> Tensor:
        rows, inside = windows.rows(batch, lowest), windows.rows(_ones(batch), 0)
        signal_first = np.argsort(-inside._array, -1, kind="stable")  # so padding is not chosen where all is -inf
        chosen: Chosen = rows.gather(-1, Tensor(np.broadcast_to(signal_first, rows.shape))).max(-1)
        return chosen.values

    return _batched(axes, x, reduce)


def _avg_pool(
    axes: int, x: Tensor, windows: Windows, count_include_pad: bool, divisor_override: int | None = None
) -> Tensor:
    def reduce(batch: Tensor) -> Tensor:
        sums = windows.rows(batch, 0).sum(-1)
        if divisor_override is not None:
            counts = Tensor(np.full(sums.shape, divisor_override, batch.dtype))
        else:
            counts = windows.rows(_ones(batch), int(count_include_pad), 0).sum(-1)
        # of integers the quotient is rounded to zero
        return sums / counts if batch.dtype.kind in DIFFERENTIABLE else sums.abs() // counts * sums.sign()

    return _batched(axes, x, reduce)


def _lp_pool(axes: int, x: Tensor, p: float, windows: Windows) -> Tensor:
    """A window that reaches beyond the signal counts as a full one of the same mean."""
    sums = _avg_pool(axes, x**p, windows, True) * math.prod(windows.kernel)
    return (sums.sign() * sums.abs().relu()) ** (1 / p)


def _adaptive(axes: int, x: Tensor, output_size: Sizes, reduce: Any) -> Tensor:
    """Windows of nearly equal size, as many as wanted (None: as many as there are elements)."""
    sizes = x.shape[-axes:]
    counts = [n if c is None else c for n, c in zip(sizes, _each(output_size, axes), strict=True)]
    cells = []
    for cell in itertools.product(*map(range, counts)):
        region = (slice(i * n // c, -(-(i + 1) * n // c)) for i, n, c in zip(cell, sizes, counts, strict=True))
        cells.append(reduce(x[(..., *region)], tuple(range(-axes, 0))))
    return WORDS["stack"](cells, -1).reshape((*x.shape[:-axes], *counts))


@word()
def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The first of several largest elements of a window receives the gradient."""
    return _max_pool(1, input, Windows.of(1, kernel_size, stride, padding, dilation, ceil_mode))


@word()
def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Tensor:
    return _max_pool(2, input, Windows.of(2, kernel_size, stride, padding, dilation, ceil_mode))


@word()
def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    windows = Windows.of(1, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return _avg_pool(1, input, windows, count_include_pad)


@word()
def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    windows = Windows.of(2, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return _avg_pool(2, input, windows, count_include_pad, divisor_override)


@word()
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    return _lp_pool(1, input, norm_type, Windows.of(1, kernel_size, stride, ceil_mode=ceil_mode))


@word()
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    return _lp_pool(2, input, norm_type, Windows.of(2, kernel_size, stride, ceil_mode=ceil_mode))


@word()
def adaptive_avg_pool1d(input: Tensor, output_size: Sizes) -> Tensor:
    return _adaptive(1, input, output_size, mean)


@word()
def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    return _adaptive(2, input, output_size, mean)


@word()
def adaptive_max_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    return _adaptive(2, input, output_size, lambda region, dims: region.flatten(-2).max(-1).values)
