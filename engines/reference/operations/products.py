"""Products of vectors, matrices and tensors, composed of the matrix product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import DIFFERENTIABLE
from ..errors import AutogradError
from ..ops import matmul, mm
from ..tensor import Tensor
from .define import word


@word("dot", methods="dot")
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    return matmul(input, tensor)


@word("vdot", methods="vdot")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    return matmul(input.conj(), other)


@word("mv", methods="mv")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    return matmul(input, vec)


@word("outer", "ger", methods="outer")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    if input.dim() != 1 or vec2.dim() != 1:
        raise AutogradError("invalid-argument", f"outer: expected vectors, got {input.dim()}-D and {vec2.dim()}-D")
    return input.unsqueeze(1) * vec2


@word("inner", methods="inner")
def inner(input: Tensor, other: Tensor) -> Tensor:
    return tensordot(input, other, ([-1], [-1])) if input.dim() and other.dim() else input * other


@word("tensordot")
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    if isinstance(dims, int):
        dims = (range(a.dim() - dims, a.dim()), range(dims))
    ours, theirs = ([d % t.dim() for d in ds] for t, ds in zip((a, b), dims, strict=True))
    kept, left = ([d for d in range(t.dim()) if d not in ds] for t, ds in ((a, ours), (b, theirs)))
    size = math.prod(a.shape[d] for d in ours)
    shape = (*(a.shape[d] for d in kept), *(b.shape[d] for d in left))
    rows = a.permute(kept + ours).reshape((math.prod(a.shape[d] for d in kept), size))
    columns = b.permute(theirs + left).reshape((size, math.prod(b.shape[d] for d in left)))
    return mm(rows, columns).reshape(shape)


@word("kron", methods="kron")
def kron(input: Tensor, other: Tensor) -> Tensor:
    ndim = max(input.dim(), other.dim())
    one, two = ((1,) * (ndim - t.dim()) + t.shape for t in (input, other))
    apart = input.reshape(tuple(n for size in one for n in (size, 1)))
    product = apart * other.reshape(tuple(n for size in two for n in (1, size)))
    return product.reshape(tuple(m * n for m, n in zip(one, two, strict=True)))


@word("linalg.cross", "cross", methods="cross")
def cross(input: Tensor, other: Tensor, dim: int = -1) -> Tensor:
    return input.roll(-1, dim) * other.roll(-2, dim) - input.roll(-2, dim) * other.roll(-1, dim)


def _mixed(input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """``beta * input + alpha * product``; an input that counts zero times is not read, so its NaN does no harm."""
    if product.dtype.kind not in DIFFERENTIABLE:
        beta, alpha = int(beta), int(alpha)
    kept = input * beta if beta else input.masked_fill(Tensor(np.ones(input.shape, bool)), 0)
    return kept + product * alpha


@word("addmm", methods="addmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _mixed(input, mm(mat1, mat2), beta, alpha)


@word("baddbmm", methods="baddbmm")
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _mixed(input, matmul(batch1, batch2), beta, alpha)


@word("bmm", methods="bmm")
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    return matmul(input, mat2)


@word("linalg.multi_dot")
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    if len(tensors) < 2:
        raise AutogradError("invalid-argument", f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    product = tensors[0]
    for tensor in tensors[1:]:
        product = matmul(product, tensor)
    return product
