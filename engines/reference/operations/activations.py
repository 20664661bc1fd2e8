"""Activations (torch.nn.functional): rectifiers, sigmoids, softmax and their kin.

At a kink the convention of PyTorch: the negative slope for leaky_relu and prelu, 0 for hardtanh at its bounds
(notes/autograd#gradients-for-non-differentiable-functions; torch.nn.functional).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import special
from ..dtypes import DIFFERENTIABLE, Array, as_dtype
from ..errors import AutogradError
from ..ops import axis, sigmoid
from ..ops import softplus as _softplus
from ..special import each
from ..tensor import Tensor
from .define import define, functional, word
from .elementwise import where
from .random import uniform
from .special_functions import ndtr

# -- rectifiers --------------------------------------------------------------------------------------------------------

hardtanh = functional(
    "hardtanh",
    lambda a, *, min_val=-1.0, max_val=1.0: np.clip(a, a.dtype.type(min_val), a.dtype.type(max_val)),
    a=lambda g, a, min_val, max_val: g.where((a > min_val) & (a < max_val), 0.0),
)
leaky_relu = functional(
    "leaky_relu",
    lambda a, *, negative_slope=0.01: np.where(a > 0, a, a * negative_slope),
    a=lambda g, a, negative_slope: g.where(a > 0, g * negative_slope),
)
_prelu = define(
    "prelu",
    lambda a, weight: np.where(a > 0, a, a * weight),
    a=lambda g, a, weight: g.where(a > 0, g * weight),
    weight=lambda g, a: (g * a).masked_fill(a > 0, 0.0),
)
_elu = define(
    "elu",
    lambda a, *, alpha, scale, input_scale: scale * np.where(a > 0, a, alpha * np.expm1(a * input_scale)),
    a=lambda g, a, alpha, scale, input_scale: (
        g * ((a.masked_fill(a >= 0, 0.0) * input_scale).exp() * (scale * alpha * input_scale)).where(a <= 0, scale)
    ),
)


@word()
def relu6(input: Tensor) -> Tensor:
    return hardtanh(input, 0.0, 6.0)


@word("prelu")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """One slope, or one per channel (axis 1)."""
    return _prelu(input, weight.reshape((-1,) + (1,) * (input.dim() - 2) if input.dim() else ()))


@word()
def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """Random slopes in training, their mean otherwise."""
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    return _prelu(input, uniform(input, lower, upper))


@word()
def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    return _elu(input, alpha=alpha, scale=1.0, input_scale=1.0)


@word()
def selu(input: Tensor) -> Tensor:
    return _elu(input, alpha=1.6732632423543772, scale=1.0507009873554805, input_scale=1.0)


@word()
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    return _elu(input, alpha=alpha, scale=1.0, input_scale=1 / alpha)


@word()
def hardsigmoid(input: Tensor) -> Tensor:
    return hardtanh(input + 3, 0.0, 6.0) / 6


@word()
def hardswish(input: Tensor) -> Tensor:
    return input * hardsigmoid(input)


@word()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    return input.masked_fill((input >= -lambd) & (input <= lambd), 0.0)


@word()
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    return (input - input.sign() * lambd).masked_fill(abs(input) <= lambd, 0.0)


@word()
def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    return input.masked_fill(input <= threshold, value)


# -- smooth ones -------------------------------------------------------------------------------------------------------


@word()
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta x)) / beta``; the identity above the threshold."""
    scaled = input * beta
    return where(scaled > threshold, input, _softplus(scaled) / beta)


@word()
def softsign(input: Tensor) -> Tensor:
    return input / (1 + abs(input))


@word()
def silu(input: Tensor) -> Tensor:
    return input * sigmoid(input)


@word()
def mish(input: Tensor) -> Tensor:
    return input * _softplus(input).tanh()


@word()
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x`` times the probability that a standard normal number is below ``x``."""
    if approximate == "tanh":
        return input * 0.5 * (1 + (math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)).tanh())
    return _gelu(input)


_gelu = define(
    "gelu",
    lambda a: a * each(special.ndtr)(a),
    a=lambda g, a: g * (ndtr(a) + a * ((a * a / -2).exp() / math.sqrt(2 * math.pi))),
)


@word()
def logsigmoid(input: Tensor) -> Tensor:
    return -_softplus(-input)


@word()
def tanhshrink(input: Tensor) -> Tensor:
    return input - input.tanh()


@word()
def glu(input: Tensor, dim: int = -1) -> Tensor:
    if input.dim() == 0 or input.shape[dim] % 2:
        raise AutogradError("invalid-argument", f"glu: the dimension {dim} is halved, and has no even size")
    half = input.shape[dim] // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


# -- along an axis -----------------------------------------------------------------------------------------------------


def _exponentials(a: Array, dim: int) -> tuple[Array, Array]:
    shifted = a - np.max(a, axis=dim, keepdims=True, initial=-np.inf)
    return shifted, np.exp(shifted)


def _softmax(a: Array, *, dim: int) -> Array:
    exponentials = _exponentials(a, dim)[1]
    return exponentials / exponentials.sum(axis=dim, keepdims=True)


def _log_softmax(a: Array, *, dim: int) -> Array:
    shifted, exponentials = _exponentials(a, dim)
    return shifted - np.log(exponentials.sum(axis=dim, keepdims=True))


_softmax_of = define("softmax", _softmax, a=lambda g, y, dim: y * (g - (g * y).sum(dim, True)))
_log_softmax_of = define("log_softmax", _log_softmax, a=lambda g, y, dim: g - y.exp() * g.sum(dim, True))


def _floating(function: str, input: Tensor, dtype: Any) -> Tensor:
    input = input if dtype is None else input.to(as_dtype(dtype))
    if input.dtype.kind not in DIFFERENTIABLE:
        raise AutogradError("not-floating", f"{function}() is not implemented for {input.dtype}")
    return input


@word(methods="softmax")
def softmax(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    input = _floating("softmax", input, dtype)
    return _softmax_of(input, dim=axis(dim, input.dim()))


@word("log_softmax", "special.log_softmax", methods="log_softmax")
def log_softmax(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    input = _floating("log_softmax", input, dtype)
    return _log_softmax_of(input, dim=axis(dim, input.dim()))


@word()
def softmin(input: Tensor, dim: int = -1, dtype: Any = None) -> Tensor:
    return softmax(-input, dim, dtype)
