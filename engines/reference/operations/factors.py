"""What is computed from the factors of a matrix: LU, reflections (torch.linalg).

A factorisation in one matrix, as LAPACK returns it, has its unit lower factor below the diagonal, and on and above it the
upper one. Which rows change places is a choice, not a function of the matrix: pivots have no derivative.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..creation import eye, ones, zeros
from ..dtypes import Array
from ..errors import AutogradError
from ..tensor import Tensor
from .define import define, word
from .linalg import identity, solve, solve_triangular
from .shapes import cat


class Factors(NamedTuple):
    LU: Tensor
    pivots: Tensor


def _pivots(a: Array) -> Array:
    """With which row each row of a matrix changes places in turn, counted from 1: the largest in its column."""
    out = np.empty(a.shape[:-1], np.int32)
    for index in np.ndindex(a.shape[:-2]):
        m = np.array(a[index])
        for k in range(len(m)):
            row = k + int(np.argmax(np.abs(m[k:, k])))
            out[(*index, k)] = row + 1
            m[[k, row]] = m[[row, k]]
            if m[k, k] == 0:
                raise AutogradError("singular-matrix", f"linalg.lu_factor: U[{k + 1},{k + 1}] is zero")
            m[k + 1 :] -= np.outer(m[k + 1 :, k] / m[k, k], m[k])
    return out


def _moves(pivots: Array, dtype: Any) -> Tensor:
    """The permutation matrix that takes the rows to where elimination has them."""
    *_, n = pivots.shape
    out = np.empty((*pivots.shape[:-1], n, n), dtype)
    for index in np.ndindex(pivots.shape[:-1]):
        order = np.arange(n)
        for k, row in enumerate(pivots[index]):
            order[[k, row - 1]] = order[[row - 1, k]]
        out[index] = np.eye(n)[order]
    return Tensor(out)


def _eliminated(a: Array) -> Array:
    out = np.array(a)
    *_, n = a.shape
    for k in range(n):
        out[..., k + 1 :, k] /= out[..., k, k, None]
        out[..., k + 1 :, k + 1 :] -= out[..., k + 1 :, k, None] * out[..., k, None, k + 1 :]
    return out


def _unit(lu: Any) -> Any:
    return lu.tril(-1) + identity(lu)


def _elimination_rule(g: Any, y: Any) -> Any:
    g, lower, upper = g.conj(), _unit(y), y.triu()
    inner = (lower.mH @ g).tril(-1) + (g @ upper.mH).triu()
    return solve(lower.mH, solve(upper, inner.mH).mH).conj()


_elimination = define("linalg.lu_factor", _eliminated, a=_elimination_rule)


@word("linalg.lu_factor")
def lu_factor(A: Tensor, *, pivot: bool = True) -> Factors:
    """Of a square matrix; like PyTorch's on a CPU, only with pivots."""
    if not pivot:
        raise AutogradError("not-supported", "linalg.lu_factor: LU without pivoting is not implemented")
    pivots = _pivots(A._array)
    return Factors(_elimination(_moves(pivots, A.dtype) @ A), Tensor(pivots))


@word("linalg.lu_solve")
def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    if not left:
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    moves, lower, upper = _moves(pivots._array, LU.dtype), _unit(LU), LU.triu()
    if adjoint:
        first = solve_triangular(upper.mH, B, upper=False)
        return moves.mH @ solve_triangular(lower.mH, first, upper=True, unitriangular=True)
    first = solve_triangular(lower, moves @ B, upper=False, unitriangular=True)
    return solve_triangular(upper, first, upper=True)


@word("linalg.householder_product")
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first columns of a product of reflections; their vectors stand below the diagonal, with a 1 on it."""
    m, n = A.shape[-2:]
    product = eye(m, dtype=A.dtype)
    for k in range(tau.shape[-1]):
        above, one = zeros(*A.shape[:-2], k, 1, dtype=A.dtype), ones(*A.shape[:-2], 1, 1, dtype=A.dtype)
        vector = cat([above, one, A[..., k + 1 :, k].unsqueeze(-1)], -2)
        turn = tau[..., k, None, None] * (vector @ vector.mH)
        product = product - product @ turn
    return product[..., :n]
