"""Random numbers. A sample is not a deterministic function of anything, so it has no derivative.

Keeps notes/autograd#gradients-for-non-differentiable-functions, rule 6, with PyTorch's exception: bernoulli answers with a
zero gradient. One generator serves all, see random_numbers.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..creation import _leaf
from ..dtypes import as_dtype, float32
from ..random_numbers import generator
from ..rules import zeros
from ..tensor import Tensor
from ..views import sizes
from .define import define, word


def uniform(like: Tensor, low: float, high: float) -> Tensor:
    return Tensor(generator().uniform(low, high, like.shape).astype(like.dtype))


def _drawn(array: Any, dtype: Any, requires_grad: bool) -> Tensor:
    return _leaf(np.asarray(array).astype(as_dtype(dtype)), requires_grad)


@word()
def rand(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    return _drawn(generator().random(sizes(size)), dtype, requires_grad)


@word()
def randn(*size: Any, dtype: Any = float32, requires_grad: bool = False) -> Tensor:
    drawn = generator().standard_normal(sizes(size))
    if as_dtype(dtype).kind == "c":
        drawn = (drawn + 1j * generator().standard_normal(sizes(size))) / math.sqrt(2)
    return _drawn(drawn, dtype, requires_grad)


_bernoulli = define("bernoulli", lambda a: (generator().random(a.shape) < a).astype(a.dtype), a=zeros)


@word(methods="bernoulli")
def bernoulli(input: Tensor, p: float | None = None) -> Tensor:
    """1 with the probability that the element says, otherwise 0."""
    return _bernoulli(input if p is None else Tensor(np.full(input.shape, p, input.dtype)))


@word(methods="multinomial")
def multinomial(input: Tensor, num_samples: int, replacement: bool = False) -> Tensor:
    """Positions, drawn by weight; not differentiable."""
    rows = np.atleast_2d(input._array.astype(np.float64))
    drawn = [generator().choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return Tensor(np.array(drawn, np.int64).reshape(*input.shape[:-1], num_samples))
