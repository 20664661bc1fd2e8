"""Losses (torch.nn.functional). Compositions, but for the one whose derivative is bounded on purpose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import Array
from ..errors import AutogradError, AutogradValueError
from ..ops import softplus
from ..tensor import Tensor
from .activations import log_softmax
from .define import WORDS, define, word
from .elementwise import where, xlogy
from .indexing import gather
from .reductions import norm, vector_norm
from .shapes import cat, stack


def _reduced(loss: Tensor, reduction: str) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise AutogradValueError("invalid-argument", f"{reduction} is not a valid value for reduction")
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


# -- distances ---------------------------------------------------------------------------------------------------------


@word()
def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced((input - target).pow(2), reduction)


@word()
def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced((input - target).abs(), reduction)


@word()
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Squared near the target, linear from ``delta`` on."""
    off = (input - target).abs()
    loss = where(off < delta, off * off / 2, delta * (off - delta / 2))
    return _reduced(loss, reduction)


@word()
def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    if beta == 0:
        return l1_loss(input, target, reduction)
    return _reduced(huber_loss(input, target, "none", beta) / beta, reduction)


# -- classes -----------------------------------------------------------------------------------------------------------


def _labels(target: Tensor, weight: Tensor | None, ignore_index: int, dtype: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The classes, 0 where they are ignored, their weights, 0 there as well, and which are ignored."""
    counted = target != ignore_index
    labels = target * counted
    weights = counted.to(dtype) if weight is None else weight[labels].masked_fill(~counted, 0.0)
    return labels, weights, ~counted


@word()
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Minus the log-probability (axis 1, or the only one) of the target class; the mean is weighted."""
    along = int(input.dim() > 1)
    labels, weights, ignored = _labels(target, weight, ignore_index, input.dtype)
    picked = -gather(input, along, labels.unsqueeze(along)).squeeze(along)
    loss = (picked * weights).masked_fill(ignored, 0.0)
    return loss.sum() / weights.sum() if reduction == "mean" else _reduced(loss, reduction)


@word()
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """`nll_loss` of `log_softmax`. Floating targets are probabilities."""
    along = int(input.dim() > 1)
    logs = log_softmax(input, along)
    classes = input.shape[along]
    per_class = 1.0 if weight is None else weight.reshape((-1,) + (1,) * (input.dim() - 1 - along))
    if target.dtype.kind == "f":
        wanted = target * (1 - label_smoothing) + label_smoothing / classes
        loss = -(logs * wanted * per_class).sum(along)
        return _reduced(loss, reduction)
    if label_smoothing == 0:
        return nll_loss(logs, target, weight, ignore_index, reduction)
    _, weights, ignored = _labels(target, weight, ignore_index, input.dtype)
    smooth = (-(logs * per_class).sum(along)).masked_fill(ignored, 0.0) / classes
    sharp = nll_loss(logs, target, weight, ignore_index, "none")
    loss = sharp * (1 - label_smoothing) + smooth * label_smoothing
    return loss.sum() / weights.sum() if reduction == "mean" else _reduced(loss, reduction)


def _bce(a: Array, b: Array) -> Array:
    if not np.all((a >= 0) & (a <= 1)):
        raise AutogradError("out-of-domain", "all elements of input should be between 0 and 1")
    return -(b * np.maximum(np.log(a), -100) + (1 - b) * np.maximum(np.log1p(-a), -100))


_bce_of = define(
    "binary_cross_entropy",
    _bce,
    a=lambda g, a, b: g * ((a - b) / (a * (1 - a)).clamp(min=1e-12)),
    b=lambda g, a: g * ((-a).log1p().clamp(min=-100.0) - a.log().clamp(min=-100.0)),
)


@word()
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Logarithms are not below -100 and the denominator of the derivative not below 1e-12, so that nothing is infinite."""
    loss = _bce_of(input, target)
    return _reduced(loss if weight is None else loss * weight, reduction)


@word()
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """``-target * log(sigmoid(input)) - (1 - target) * log(1 - sigmoid(input))`` without overflow."""
    factor = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    loss = (1 - target) * input + factor * softplus(-input)
    return _reduced(loss if weight is None else loss * weight, reduction)


@word()
def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """From log-probabilities to probabilities."""
    loss = target.exp() * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return _reduced(loss, reduction)


# -- margins -----------------------------------------------------------------------------------------------------------


@word()
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    loss = where(target == 1, input, (margin - input).clamp_min(0.0))
    return _reduced(loss, reduction)


@word()
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0.0), reduction)


@word()
def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced(softplus(-target * input), reduction)


@word()
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    rows = input if input.dim() == 2 else input.unsqueeze(0)
    labels = target.reshape(-1, 1)
    missed = (margin - gather(rows, 1, labels) + rows).relu() ** p
    missed = missed if weight is None else missed * weight[labels]
    others = labels != Tensor(np.arange(rows.shape[1]))
    loss = missed.where(others, 0.0).sum(1) / rows.shape[1]
    return _reduced(loss.reshape(target.shape), reduction)


@word()
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = WORDS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return _reduced((pairwise_distance(anchor, positive, p, eps) - far + margin).clamp_min(0.0), reduction)


# -- directions --------------------------------------------------------------------------------------------------------


@word()
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


@word()
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    return input / norm(input, p, dim, True).clamp_min(eps)


@word()
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    return (normalize(x1, 2.0, dim, eps) * normalize(x2, 2.0, dim, eps)).sum(dim)


@word()
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    cosine = cosine_similarity(input1, input2, -1)
    return _reduced(where(target == 1, 1 - cosine, (cosine - margin).clamp_min(0.0)), reduction)


# -- distributions -----------------------------------------------------------------------------------------------------


@word()
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = xlogy(target, target) - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + where(target > 1, stirling, 0.0)
    return _reduced(loss, reduction)


@word()
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """The bound on the variance is not part of the derivative: it passes to ``var`` as if it were not bounded."""
    if isinstance(var, Tensor) and var.dim() == input.dim() - 1:  # one variance a row
        var = var.unsqueeze(-1)
    bounded = var + (var.clamp_min(eps) - var).detach()
    loss = (bounded.log() + (input - target) ** 2 / bounded) * 0.5
    return _reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


_IMPOSSIBLE = -1e30
"""The logarithm of probability 0 where infinities would make NaN of what does not matter."""


@word()
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Minus the log-probability of a labelling, over all alignments with repeats and blanks (Graves et al. 2006).

    ``log_probs`` is (time, batch, class). Alignments are summed step by step: the gradient is the partial derivative."""
    inputs, lengths = _counts(input_lengths), _counts(target_lengths)
    losses = []
    for item, (time, length, end) in enumerate(zip(inputs, lengths, np.cumsum(lengths), strict=True)):
        labels = targets._array[end - length : end] if targets.dim() == 1 else targets._array[item, :length]
        total = _alignments(log_probs[:time, item], labels, blank)
        possible = total > _IMPOSSIBLE
        losses.append(where(possible, -total, 0.0 if zero_infinity else math.inf))
    loss = stack(losses)
    if reduction == "mean":
        return (loss / Tensor(np.maximum(lengths, 1).astype(loss.dtype))).mean()
    return _reduced(loss, reduction)


def _counts(lengths: Any) -> Sequence[int]:
    return [int(n) for n in np.atleast_1d(lengths)]


def _alignments(logs: Tensor, labels: Array, blank: int) -> Tensor:
    """The log-probability of ``labels``: forward variables over blank, label, blank, label ... blank."""
    padded = np.full(2 * len(labels) + 1, blank)
    padded[1::2] = labels
    states = len(padded)
    same = Tensor(padded[2:] == padded[:-2])  # as all blanks are
    emitted = logs[:, Tensor(padded)]
    reach = Tensor(np.arange(states) >= 2)
    forward = emitted[0].masked_fill(reach, _IMPOSSIBLE)
    nothing = Tensor(np.full(2, _IMPOSSIBLE, logs.dtype))
    together = WORDS["logaddexp"]
    for t in range(1, logs.shape[0]):
        one = cat([nothing[:1], forward[:-1]])
        two = cat([nothing, forward[:-2].masked_fill(same, _IMPOSSIBLE)])[:states]
        forward = (together(together(forward, one), two) + emitted[t]).clamp_min(_IMPOSSIBLE)
    return together(forward[-1], forward[-2]) if len(labels) else forward[-1]
