"""Decompositions: eigenvalues, singular values, QR, Cholesky, and the norms that come of them (torch.linalg).

A decomposition has several results, and their derivatives belong together. They leave the operation packed in one array
and are taken apart by views, so that one rule sees all gradients at once (`Packed`).

The vectors of a complex decomposition are only determined up to a phase; a loss that depends on it has no gradient, and
that is an error. Sources of the formulas: Giles 2008; Walter and Lehmann 2010 (QR). They are written for the gradient
itself, so they conjugate on the way in and out (record.py).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import Array
from ..errors import AutogradError
from ..tensor import Tensor
from .define import define, functional, refused, word
from .linalg import identity, solve, solve_triangular, solved
from .reductions import amax, amin, vector_norm
from .shapes import cat, diag_embed, movedim


class Packed:
    """How several matrices and vectors lie side by side in the last axis of one array."""

    def __init__(self, *shapes: tuple[int, ...]) -> None:
        self.shapes = shapes

    def pack(self, *parts: Array) -> Array:
        batch = parts[0].shape[: -len(self.shapes[0])]
        flat = [p.reshape((*batch, math.prod(shape))) for p, shape in zip(parts, self.shapes, strict=True)]
        return np.concatenate(flat, -1)

    def parts(self, packed: Any) -> list[Any]:
        start, parts = 0, []
        for shape in self.shapes:
            end = start + math.prod(shape)
            parts.append(packed[..., start:end].reshape((*packed.shape[:-1], *shape)))
            start = end
        return parts


def _real_part(g: Any) -> Any:
    """The gradient of real values that are kept as complex ones; derivatives of higher order may leave both parts."""
    return g.real.to(g.dtype)


def _absent(gradient: Any) -> bool:
    """Whether nothing arrived at a result: its gradient is a constant zero, which no factor, however large, changes."""
    return not gradient.requires_grad and not gradient._array.any()


def _differences(values: Any) -> Any:
    """``values[j] - values[i]``, and 1 on the diagonal."""
    return values.unsqueeze(-2) - values.unsqueeze(-1) + identity(values)


def _refuse_phase(diagonals: Any, function: str, vectors: str) -> None:
    if diagonals.dtype.kind == "c":
        imaginary = np.abs(diagonals._array.imag)
        if (imaginary > 1e-2 if diagonals.dtype.itemsize < 16 else imaginary > 1e-6).any():
            raise AutogradError(
                "gauge-dependent",
                f"{function}: The {vectors} in the complex case are specified up to multiplication by e^{{i phi}}. The "
                "specified loss function depends on this quantity, so it is ill-defined.",
            )


def _diagonal(a: Any) -> Any:
    return a.diagonal(0, -2, -1)


def _eigh_parts(shape: tuple[int, ...]) -> Packed:
    *_, n = shape
    return Packed((n,), (n, n))


def _eigh(a: Array) -> Array:
    values, vectors = solved("linalg.eigh", np.linalg.eigh, a)
    return _eigh_parts(a.shape).pack(values.astype(a.dtype), vectors)


def _eigh_rule(g: Any, y: Any, shape: tuple[int, ...]) -> Any:
    packed = _eigh_parts(shape)
    (gL, gV), (L, V) = packed.parts(g.conj()), packed.parts(y)
    inner = diag_embed(_real_part(gL))
    if not _absent(gV):
        turn = _skew(V.mH @ gV) / 2
        _refuse_phase(_diagonal(turn), "linalg_eigh_backward", "eigenvectors")
        inner = inner + turn / _differences(L)
    return (V @ inner @ V.mH).conj()


_eigh_of = define("linalg.eigh", _eigh, a=_eigh_rule)


class Eigen(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


@word("linalg.eigh")
def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """Of a symmetric (Hermitian) matrix; only one triangle is read."""
    values, vectors = _eigh_parts(A.shape).parts(_eigh_of(A if UPLO == "L" else A.mH))
    return Eigen(values.real, vectors)


_eigvalsh = define(
    "linalg.eigvalsh",
    lambda a: solved("linalg.eigvalsh", np.linalg.eigvalsh, a),
    a=lambda g, a: _in_basis(g.to(a.dtype), eigh(a).eigenvectors),
)


@word("linalg.eigvalsh")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    return _eigvalsh(A if UPLO == "L" else A.mH)


def _in_basis(g: Any, V: Any) -> Any:
    return (V * g.unsqueeze(-2)) @ V.mH


def _eig(a: Array) -> Array:
    values, vectors = solved("linalg.eig", np.linalg.eig, a)
    return _eigh_parts(a.shape).pack(*(x.astype(np.result_type(a.dtype, np.complex64)) for x in (values, vectors)))


def _eig_rule(g: Any, y: Any, shape: tuple[int, ...]) -> Any:
    packed = _eigh_parts(shape)
    (gL, gV), (L, V) = packed.parts(g.conj()), packed.parts(y)
    inner = diag_embed(gL)
    if not _absent(gV):
        turn = V.mH @ gV
        _refuse_phase(_diagonal(turn), "linalg_eig_backward", "eigenvectors")
        scaled = turn - (V.mH @ V) * _diagonal(turn).real.unsqueeze(-2)
        inner = inner + scaled / _differences(L).conj()
    return solve(V.mH, inner @ V.mH).conj()


_eig_of = define("linalg.eig", _eig, a=_eig_rule)


@word("linalg.eig")
def eig(A: Tensor) -> Eigen:
    return Eigen(*_eigh_parts(A.shape).parts(_eig_of(A)))


@word("linalg.eigvals")
def eigvals(A: Tensor) -> Tensor:
    return eig(A).eigenvalues


def _svd_parts(shape: tuple[int, ...], full: bool) -> Packed:
    m, n = shape[-2:]
    k = min(m, n)
    return Packed((m, m if full else k), (k,), (n if full else k, n))


def _svd(a: Array, *, full: bool) -> Array:
    u, s, vh = solved("linalg.svd", np.linalg.svd, a, full_matrices=full)
    return _svd_parts(a.shape, full).pack(u, s.astype(a.dtype), vh)


def _skew(a: Any) -> Any:
    return a - a.mH


def _svd_rule(g: Any, y: Any, shape: tuple[int, ...], full: bool) -> Any:
    packed = _svd_parts(shape, full)
    (gU, gS, gVh), (U, S, Vh) = packed.parts(g.conj()), packed.parts(y)
    (m, n), k = shape[-2:], min(shape[-2:])
    gU, U, gVh, Vh = gU[..., :k], U[..., :k], gVh[..., :k, :], Vh[..., :k, :]
    inner, outer = diag_embed(_real_part(gS)), None
    across, down = S.unsqueeze(-2), S.unsqueeze(-1)
    turns = S.zeros()
    if not _absent(gU):
        turn = _skew(U.mH @ gU)
        turns, inner = _diagonal(turn), inner + turn / _differences(S * S) * across
        if turn.dtype.kind == "c":
            inner = inner + diag_embed(_diagonal(turn) / (2 * S))
        if m > k:
            steep = gU / across
            outer = (steep - U @ (U.mH @ steep)) @ Vh
    if not _absent(gVh):
        turn = _skew(Vh @ gVh.mH)
        turns, inner = turns + _diagonal(turn), inner + down * turn / _differences(S * S)
        if n > k:
            steep = gVh / down
            outer = U @ (steep - (steep @ Vh.mH) @ Vh)
    _refuse_phase(turns, "svd_backward", "singular vectors")
    gradient = U @ inner @ Vh
    return (gradient if outer is None else gradient + outer).conj()


_svd_of = define("linalg.svd", _svd, a=_svd_rule)


class Singular(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


@word("linalg.svd")
def svd(A: Tensor, full_matrices: bool = True) -> Singular:
    """What full matrices have beyond the reduced ones is arbitrary and has no gradient."""
    packed = _svd_of(A, full=full_matrices)
    u, s, vh = _svd_parts(A.shape, full_matrices).parts(packed)
    return Singular(u, s.real, vh)


def _svdvals_rule(g: Any, a: Any) -> Any:
    u, _, vh = svd(a, False)
    return (u * g.to(a.dtype).unsqueeze(-2)) @ vh


svdvals = functional(
    "linalg.svdvals", lambda a: solved("linalg.svdvals", np.linalg.svd, a, compute_uv=False), a=_svdvals_rule
)


def _qr_parts(shape: tuple[int, ...], mode: str) -> Packed:
    m, n = shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return Packed((m, k), (k, n))


def _qr(a: Array, *, mode: str) -> Array:
    q, r = solved("linalg.qr", np.linalg.qr, a, mode="complete" if mode == "complete" else "reduced")
    return _qr_parts(a.shape, mode).pack(q, r)


def _qr_tall(gQ: Any, gR: Any, Q: Any, R: Any) -> Any:
    """Of a matrix with at least as many rows as columns."""
    lower = R @ gR.mH - gQ.mH @ Q
    triangle = lower.tril(-1)
    symmetric = triangle + triangle.mH + diag_embed(_real_part(_diagonal(lower)))
    return solve(R, (gQ + Q @ symmetric).mH).mH


def _qr_rule(g: Any, a: Any, y: Any, shape: tuple[int, ...], mode: str) -> Any:
    m, n = shape[-2:]
    if mode == "r":
        raise AutogradError(
            "no-derivative",
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to require differentiation.",
        )
    if mode == "complete" and m > n:
        raise AutogradError(
            "no-derivative", "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    packed = _qr_parts(shape, mode)
    (gQ, gR), (Q, R) = packed.parts(g.conj()), packed.parts(y)
    beyond, gBeyond = a[..., m:], gR[..., m:]
    first = _qr_tall(gQ + beyond @ gBeyond.mH, gR[..., :m], Q, R[..., :m])
    return cat([first, Q @ gBeyond], -1).conj()


_qr_of = define("linalg.qr", _qr, a=_qr_rule)


class Orthogonal(NamedTuple):
    Q: Tensor
    R: Tensor


@word("linalg.qr")
def qr(A: Tensor, mode: str = "reduced") -> Orthogonal:
    if mode not in ("reduced", "complete", "r"):
        raise refused(mode, "mode")
    packed = _qr_of(A, mode=mode)
    q, r = _qr_parts(A.shape, mode).parts(packed)
    return Orthogonal(Tensor(np.empty(0, A.dtype)) if mode == "r" else q, r)


def _cholesky_rule(g: Any, y: Any) -> Any:
    lower = (y.mH @ g.conj()).tril()
    symmetric = (lower + lower.tril(-1).mH) / 2
    return solve(y.mH, solve(y.mH, symmetric.mH).mH).conj()


_cholesky = define("linalg.cholesky", lambda a: solved("linalg.cholesky", np.linalg.cholesky, a), a=_cholesky_rule)


@word("linalg.cholesky")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Only the lower triangle is read; the gradient is that of a symmetric matrix."""
    lower: Tensor = _cholesky(A)
    return lower.mH if upper else lower


@word(methods="cholesky_solve")
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Only the named triangle of the factor is read, and only it receives a gradient."""
    lower = L.mH.tril() if upper else L.tril()
    return solve_triangular(lower.mH, solve_triangular(lower, input, upper=False), upper=True)


@word(methods="cholesky_inverse")
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of ``L @ L.mH``; only the named triangle is read."""
    return cholesky_solve(identity(L), L, upper)


# -- norms -------------------------------------------------------------------------------------------------------------


@word("linalg.matrix_norm")
def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim)
    if ord in (1, -1, math.inf, -math.inf):
        rows, columns = dim
        summed, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = abs(A).sum(summed, True)
        reached = amax(sums, over, True) if ord > 0 else amin(sums, over, True)
        return reached if keepdim else reached.squeeze(tuple(dim))
    if ord not in ("nuc", 2, -2):
        raise refused(ord, "ord")
    values = svdvals(movedim(A, tuple(dim), (-2, -1)))
    norm = values.sum(-1) if ord == "nuc" else amax(values, -1) if ord == 2 else amin(values, -1)
    for d in sorted(d % A.dim() for d in dim) if keepdim else ():
        norm = norm.unsqueeze(d)
    return norm


@word("linalg.norm")
def linalg_norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    if ord is not None and ((A.dim() == 2 and dim is None) or (isinstance(dim, (tuple, list)) and len(dim) == 2)):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim)
