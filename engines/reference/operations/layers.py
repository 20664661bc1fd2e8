"""What layers compute (torch.nn.functional): products with weights, normalization, dropout, attention, lookups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import AutogradError, AutogradValueError
from ..modes import no_grad
from ..ops import mean, sum
from ..tensor import Tensor
from ..versions import announce_write
from .activations import softmax
from .define import WORDS, refused, word
from .random import bernoulli
from .reductions import amax, var

# -- products ----------------------------------------------------------------------------------------------------------


@word()
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product = input @ weight.t()
    return product if bias is None else product + bias


@word()
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = WORDS["einsum"]("...i,oij,...j->...o", input1, weight, input2)
    return product if bias is None else product + bias


@word()
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """``softmax(q k^T / sqrt(d)) v``. A query that may attend to nothing gets zeros."""
    scores = query @ key.mT * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = Tensor(np.tril(np.ones(scores.shape[-2:], bool)))
    if attn_mask is not None and attn_mask.dtype.kind != "b":
        scores = scores + attn_mask
        attn_mask = attn_mask != -math.inf
    if attn_mask is None:
        weights = softmax(scores, -1)
    else:
        idle = ~attn_mask.any(-1, True)
        scores = scores.masked_fill(~attn_mask, -math.inf).masked_fill(idle, 0.0)
        weights = softmax(scores, -1).masked_fill(idle, 0.0)
    return dropout(weights, dropout_p) @ value


# -- normalization -----------------------------------------------------------------------------------------------------


def _standardized(x: Tensor, dim: Sequence[int], eps: float) -> Tensor:
    return (x - x.mean(dim, True)) / (var(x, dim, correction=0, keepdim=True) + eps).sqrt()


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def _last(x: Tensor, sizes: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(sizes)
    if not shape or x.shape[-len(shape) :] != shape:
        raise refused(list(shape), f"the last sizes of a tensor of shape {list(x.shape)}")
    return shape


def _per_channel(x: Tensor) -> tuple[int, ...]:
    return (-1,) + (1,) * (x.dim() - 2)


def _move(running: Tensor | None, momentum: float, statistic: Callable[[], Tensor]) -> None:
    """Move a running statistic, which is a constant, towards that of this batch; also one that a transform captured."""
    if running is not None:
        with no_grad():
            numbers = statistic()._array
        announce_write(running)
        running._array[...] = running._array * (1 - momentum) + numbers * momentum


@word()
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    shape = _last(input, normalized_shape)
    return _affine(_standardized(input, range(-len(shape), 0), eps), weight, bias, shape)


@word()
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    shape = _last(input, normalized_shape)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    square = (input * input).mean(range(-len(shape), 0), True)
    return _affine(input * (square + eps).rsqrt(), weight, None, shape)


@word()
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Per channel (axis 1). The running statistics are constants; training moves them towards those of the batch."""
    if not training:
        if running_mean is None or running_var is None:
            raise AutogradError("invalid-argument", "running statistics must be defined in evaluation mode")
        shape = _per_channel(input)
        scaled = (input - running_mean.reshape(shape)) / (running_var.reshape(shape) + eps).sqrt()
        return _affine(scaled, weight, bias, shape)
    dims = [d for d in range(input.dim()) if d != 1]
    if math.prod(input.shape[d] for d in dims) == 1:
        raise AutogradValueError(
            "too-few-values",
            f"Expected more than 1 value per channel when training, got input size torch.Size({list(input.shape)})",
        )
    _move(running_mean, momentum, lambda: input.mean(dims))
    _move(running_var, momentum, lambda: var(input, dims))
    return _affine(_standardized(input, dims, eps), weight, bias, _per_channel(input))


@word()
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Per channel of each entry of the batch; the running statistics move towards the means of theirs."""
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    dims = range(2, input.dim())
    if math.prod(input.shape[2:]) == 1:
        raise AutogradValueError(
            "too-few-values",
            f"Expected more than 1 spatial element when training, got input size torch.Size({list(input.shape)})",
        )
    _move(running_mean, momentum, lambda: input.mean(dims).mean(0))
    _move(running_var, momentum, lambda: var(input, dims).mean(0))
    return _affine(_standardized(input, dims, eps), weight, bias, _per_channel(input))


@word()
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    groups = input.reshape((input.shape[0], num_groups, -1))
    return _affine(_standardized(groups, (-1,), eps).reshape(input.shape), weight, bias, _per_channel(input))


# -- dropout -----------------------------------------------------------------------------------------------------------


@word()
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeros with probability ``p``, the others grow so that the mean stays. One mask serves both directions."""
    if not 0 <= p <= 1:
        raise refused(p, "the probability of dropout")
    if not training or p == 0:
        return input
    kept = bernoulli(input.detach(), 1 - p)
    factor = kept / (1 - p) if p < 1 else kept
    return input.mul_(factor) if inplace else input * factor


# -- lookups -----------------------------------------------------------------------------------------------------------


@word()
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Rows of ``weight``; the one at ``padding_idx`` receives no gradient."""
    rows = weight[input]
    if padding_idx is None:
        return rows
    padding = (input == padding_idx % weight.shape[0]).unsqueeze(-1)
    return rows.detach().where(padding, rows)


@word()
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    mode: str = "mean",
    per_sample_weights: Tensor | None = None,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or maxima of bags of rows; an empty bag gives zeros. Padding is in no bag."""
    if offsets is None:
        starts = np.arange(input.shape[0]) * input.shape[1]
        input = input.flatten()
    else:
        starts = offsets._array
    ends = [*starts[1:], input.numel()]
    rows, present = embedding(input, weight), np.ones(input.numel(), bool)
    if padding_idx is not None:
        present = input._array != padding_idx % weight.shape[0]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape((-1, 1))
    reduce = {"sum": sum, "mean": mean, "max": amax}.get(mode)
    if reduce is None:
        raise refused(mode, "mode")
    bags = [a + np.flatnonzero(present[a:b]) for a, b in zip(starts, ends, strict=True)]
    nothing = weight.new_zeros(weight.shape[1:])
    return WORDS["stack"]([reduce(rows[Tensor(bag)], 0) if bag.size else nothing for bag in bags])


@word()
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels become a finer grid: ``r * r`` of them one square of ``r`` by ``r`` elements."""
    r, (*batch, c, h, w) = upscale_factor, input.shape
    apart = input.reshape((math.prod(batch), c // (r * r), r, r, h, w)).permute(0, 1, 4, 2, 5, 3)
    return apart.reshape((*batch, c // (r * r), h * r, w * r))


# -- resizing ----------------------------------------------------------------------------------------------------------


_DIMENSIONS = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,)}
"""In how many dimensions a mode of interpolation works."""


@word()
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Other sizes of the axes behind the channel: the nearest element, or between two.

    A factor that is given says where the elements lie, also where the size is not a multiple of it.
    """
    spatial = range(2, input.dim())
    if mode not in _DIMENSIONS or len(spatial) not in _DIMENSIONS[mode]:
        raise refused(mode, f"the mode of interpolation in {len(spatial)} dimensions")
    if (size is None) == (scale_factor is None):
        raise AutogradValueError("invalid-argument", "either size or scale_factor should be defined, and not both")
    if size is None:
        factors = [scale_factor] * len(spatial) if isinstance(scale_factor, (int, float)) else list(scale_factor)
        size = [int(input.shape[d] * f) for d, f in zip(spatial, factors, strict=True)]
    else:
        size = [size] * len(spatial) if isinstance(size, int) else list(size)
        factors = [new / input.shape[d] for d, new in zip(spatial, size, strict=True)]
    for d, new, factor in zip(spatial, size, factors, strict=True):
        old = input.shape[d]
        if mode == "nearest":
            nearest = np.arange(new) * old // new if new == old * factor else (np.arange(new) / factor).astype(np.int64)
            input = input.index_select(d, Tensor(nearest))
            continue
        if align_corners:
            places = np.arange(new) * ((old - 1) / max(new - 1, 1))
        else:
            places = np.clip((np.arange(new) + 0.5) / factor - 0.5, 0, None)
        low = places.astype(np.int64)
        high = np.minimum(low + 1, old - 1)
        share = Tensor((places - low).astype(input.dtype)).reshape((-1,) + (1,) * (input.dim() - d - 1))
        input = WORDS["lerp"](input.index_select(d, Tensor(low)), input.index_select(d, Tensor(high)), share)
    return input
