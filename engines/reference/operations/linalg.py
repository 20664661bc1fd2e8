"""Linear algebra: inverses, determinants, decompositions (torch.linalg).

A decomposition has several results, and their derivatives belong together. They leave the operation packed in one array
and are taken apart by views, so that one rule sees all gradients at once (`Packed`).

Rules of complex operations get and give conjugated gradients (record.py); where a formula is written for the gradient
itself, it conjugates on the way in and out, which leaves real numbers alone. Sources of the formulas: Giles 2008 (An
extended collection of matrix derivative results); Walter and Lehmann 2010 (QR); Golub and Pereyra 1973 (pseudo-inverse).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..creation import eye
from ..dtypes import Array
from ..errors import AutogradError
from ..ops import matmul, mm
from ..tensor import Tensor, method
from .define import WORDS, define, functional, refused, word
from .reductions import amax, amin, vector_norm
from .shapes import diag_embed


def _solved(function: str, compute: Callable[..., Array], *operands: Array, **keywords: Any) -> Array:
    """``compute``, with our error where the matrix does not allow it."""
    try:
        return compute(*operands, **keywords)
    except np.linalg.LinAlgError as error:
        raise AutogradError("invalid-argument", f"{function}: {_REASONS.get(function, str(error))}") from None


_REASONS = {
    "linalg.inv": "The diagonal element is zero, the inversion could not be completed because the input matrix is singular.",
    "linalg.solve": "The solver failed because the input matrix is singular.",
    "linalg.cholesky": "The factorization could not be completed because the input is not positive-definite.",
}

# -- inverses and determinants -----------------------------------------------------------------------------------------

inv = functional("linalg.inv", lambda a: _solved("linalg.inv", np.linalg.inv, a), a=lambda g, y: -(y.mT @ g @ y.mT))
WORDS["inverse"] = method(inv, "inverse")

_solve = define(
    "linalg.solve",
    lambda a, b: _solved("linalg.solve", np.linalg.solve, a, b),
    a=lambda g, a, y: -(_solve(a.mT, g) @ y.mT),
    b=lambda g, a: _solve(a.mT, g),
)


@word("linalg.solve")
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    if B.dim() == 1 or B.shape == A.shape[:-1]:
        return solve(A, B.unsqueeze(-1), left=left).squeeze(-1)  # type: ignore[no-any-return]
    return _solve(A, B) if left else _solve(A.mT, B.mT).mT


@word("linalg.solve_triangular")
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Only the named triangle is read, and only it receives a gradient."""
    part = A.triu(int(unitriangular)) if upper else A.tril(-int(unitriangular))
    return solve(part + eye(A.shape[-1], dtype=A.dtype) if unitriangular else part, B, left=left)


def _minors(a: Any) -> Any:
    """For every element the matrix without its row and column: (..., n, n, n - 1, n - 1)."""
    n = a.shape[-1]
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], dtype=np.int64).reshape(n, max(n - 1, 0))
    rows, columns = Tensor(others[:, None, :, None]), Tensor(others[None, :, None, :])
    return a[(..., rows, columns)]


def _cofactors(a: Any) -> Any:
    """The derivative of the determinant, also of a singular matrix and to any order: determinants again."""
    n = np.arange(a.shape[-1])
    signs = Tensor(np.where((n[:, None] + n) % 2, -1.0, 1.0).astype(a.dtype))
    return det(_minors(a)) * signs


det = functional(
    "linalg.det", lambda a: np.asarray(np.linalg.det(a)), a=lambda g, a: g[..., None, None] * _cofactors(a)
)
WORDS["det"] = method(det, "det")

_logabsdet = define(
    "linalg.slogdet", lambda a: np.asarray(np.linalg.slogdet(a)[1]), a=lambda g, a: g[..., None, None] * inv(a).mH
)


class SignAndLog(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


@word("linalg.slogdet", "slogdet", methods="slogdet")
def slogdet(A: Tensor) -> SignAndLog:
    """The sign of a real determinant is constant."""
    if A.dtype.kind == "c":
        determinant = det(A)
        return SignAndLog(determinant.sgn(), _logabsdet(A))
    return SignAndLog(Tensor(np.asarray(np.linalg.slogdet(A._array)[0], A.dtype)), _logabsdet(A))


@word(methods="logdet")
def logdet(input: Tensor) -> Tensor:
    sign, log = slogdet(input)
    return log + sign.log()


def _pinv_rule(g: Any, a: Any, y: Any) -> Any:
    g, across = g.conj(), y @ y.mH
    left = eye(a.shape[-1], dtype=a.dtype) - y @ a
    right = eye(a.shape[-2], dtype=a.dtype) - a @ y
    gradient = (across @ g @ right).mH + (left @ g @ (y.mH @ y)).mH - y.mH @ g @ y.mH
    return gradient.conj()


pinv = functional("linalg.pinv", lambda a: np.linalg.pinv(a), a=_pinv_rule)
WORDS["pinverse"] = method(pinv, "pinverse")


class LeastSquares(NamedTuple):
    solution: Tensor


@word("linalg.lstsq")
def lstsq(A: Tensor, B: Tensor) -> LeastSquares:
    return LeastSquares(pinv(A) @ B)


# -- powers and exponentials -------------------------------------------------------------------------------------------


@word("linalg.matrix_power", "matrix_power", methods="matrix_power")
def matrix_power(A: Tensor, n: int) -> Tensor:
    if n == 0:
        return A.masked_fill(Tensor(np.ones(A.shape, bool)), 0.0) + eye(A.shape[-1], dtype=A.dtype)
    if n < 0:
        return matrix_power(inv(A), -n)
    half = matrix_power(A, n // 2) if n > 1 else None
    square = A if half is None else half @ half
    return square @ A if n > 1 and n % 2 else square


def _expm(a: Array) -> Array:
    """Taylor's series where it converges fast; the exponential of the double is the square."""
    size = np.abs(a).sum(axis=-1).max(initial=0)
    halvings = max(0, math.ceil(math.log2(size * 4))) if 0 < size < math.inf else 0
    small = a / 2**halvings
    term = total = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    for k in range(1, 20):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def _expm_rule(g: Any, a: Any) -> Any:
    """The exponential of a block triangular matrix has the derivative in its corner."""
    n, cat = a.shape[-1], WORDS["cat"]
    upper = cat([a.mT, g], -1)
    lower = cat([a.zeros(), a.mT], -1)
    return matrix_exp(cat([upper, lower], -2))[..., :n, n:]


matrix_exp = functional("linalg.matrix_exp", _expm, a=_expm_rule)
WORDS["matrix_exp"] = method(matrix_exp, "matrix_exp")

# -- decompositions ----------------------------------------------------------------------------------------------------


class Packed:
    """How several matrices and vectors lie side by side in the last axis of one array."""

    def __init__(self, *shapes: tuple[int, ...]) -> None:
        self.shapes = shapes

    def pack(self, *parts: Array) -> Array:
        batch = parts[0].shape[: parts[0].ndim - len(self.shapes[0])]
        return np.concatenate([p.reshape((*batch, -1)) for p in parts], -1)

    def parts(self, packed: Any) -> list[Any]:
        start, parts = 0, []
        for shape in self.shapes:
            end = start + math.prod(shape)
            parts.append(packed[..., start:end].reshape((*packed.shape[:-1], *shape)))
            start = end
        return parts


def _absent(g: Any) -> bool:
    """Whether nothing arrived at a result: its gradient is a constant zero, which no factor, however large, changes."""
    return not g.requires_grad and not g._array.any()


def _differences(values: Any) -> Any:
    """``values[j] - values[i]``, and 1 on the diagonal."""
    n = values.shape[-1]
    return values.unsqueeze(-2) - values.unsqueeze(-1) + eye(n, dtype=values.dtype)


def _refuse_phase(diagonals: Any, function: str, vectors: str) -> None:
    if diagonals.dtype.kind == "c":
        imaginary = np.abs(diagonals._array.imag)
        if (imaginary > 1e-2 if diagonals.dtype.itemsize < 16 else imaginary > 1e-6).any():
            raise AutogradError(
                "not-supported",
                f"{function}: The {vectors} in the complex case are specified up to multiplication by e^{{i phi}}. The "
                "specified loss function depends on this quantity, so it is ill-defined.",
            )


def _diagonal(a: Any) -> Any:
    return a.diagonal(0, -2, -1)


def _eigh_parts(shape: tuple[int, ...]) -> Packed:
    n = shape[-1]
    return Packed((n,), (n, n))


def _eigh(a: Array) -> Array:
    values, vectors = _solved("linalg.eigh", np.linalg.eigh, a)
    return _eigh_parts(a.shape).pack(values.astype(a.dtype), vectors)


def _eigh_rule(g: Any, y: Any, shape: tuple[int, ...]) -> Any:
    packed = _eigh_parts(shape)
    (gL, gV), (L, V) = packed.parts(g.conj()), packed.parts(y)
    inner = diag_embed(gL)
    if not _absent(gV):
        turn = _skew(V.mH @ gV) / 2
        _refuse_phase(_diagonal(turn), "linalg_eigh_backward", "eigenvectors")
        inner = inner + _off_diagonal(turn / _differences(L))
    return (V @ inner @ V.mH).conj()


def _off_diagonal(a: Any) -> Any:
    return a.masked_fill(Tensor(np.eye(a.shape[-1], dtype=bool)), 0.0)


_eigh_of = define("linalg.eigh", _eigh, a=_eigh_rule)


def _real(a: Tensor) -> Tensor:
    return a.real if a.dtype.kind == "c" else a


class Eigen(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


@word("linalg.eigh")
def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """Of a symmetric (Hermitian) matrix; only one triangle is read."""
    values, vectors = _eigh_parts(A.shape).parts(_eigh_of(A if UPLO == "L" else A.mH))
    return Eigen(_real(values), vectors)


eigvalsh = functional(
    "linalg.eigvalsh",
    lambda a: _solved("linalg.eigvalsh", np.linalg.eigvalsh, a),
    a=lambda g, a: _in_basis(g.to(a.dtype), eigh(a).eigenvectors),
)


def _in_basis(g: Any, V: Any) -> Any:
    return (V * g.unsqueeze(-2)) @ V.mH


def _eig(a: Array) -> Array:
    values, vectors = _solved("linalg.eig", np.linalg.eig, a)
    return _eigh_parts(a.shape).pack(*(x.astype(np.result_type(a.dtype, np.complex64)) for x in (values, vectors)))


def _eig_rule(g: Any, y: Any, shape: tuple[int, ...]) -> Any:
    packed = _eigh_parts(shape)
    (gL, gV), (L, V) = packed.parts(g.conj()), packed.parts(y)
    inner = diag_embed(gL)
    if not _absent(gV):
        turn = V.mH @ gV
        _refuse_phase(_diagonal(turn), "linalg_eig_backward", "eigenvectors")
        scaled = turn - (V.mH @ V) * _diagonal(turn).real.unsqueeze(-2)
        inner = inner + _off_diagonal(scaled / _differences(L).conj())
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
    u, s, vh = _solved("linalg.svd", np.linalg.svd, a, full_matrices=full)
    return _svd_parts(a.shape, full).pack(u, s.astype(a.dtype), vh)


def _skew(a: Any) -> Any:
    return a - a.mH


def _svd_rule(g: Any, y: Any, shape: tuple[int, ...], full: bool) -> Any:
    packed = _svd_parts(shape, full)
    (gU, gS, gVh), (U, S, Vh) = packed.parts(g.conj()), packed.parts(y)
    (m, n), k = shape[-2:], min(shape[-2:])
    gU, U, gVh, Vh = gU[..., :k], U[..., :k], gVh[..., :k, :], Vh[..., :k, :]
    inner, outer = diag_embed(gS), None
    across, down = S.unsqueeze(-2), S.unsqueeze(-1)
    turns = 0
    if not _absent(gU):
        turn = _skew(U.mH @ gU)
        turns, inner = _diagonal(turn), inner + _off_diagonal(turn / _differences(S * S)) * across
        if turn.dtype.kind == "c":
            inner = inner + diag_embed(_diagonal(turn) / (2 * S))
        if m > k:
            steep = gU / across
            outer = (steep - U @ (U.mH @ steep)) @ Vh
    if not _absent(gVh):
        turn = _skew(Vh @ gVh.mH)
        turns, inner = turns + _diagonal(turn), inner + down * _off_diagonal(turn / _differences(S * S))
        if n > k:
            steep = gVh / down
            outer = U @ (steep - (steep @ Vh.mH) @ Vh)
    if isinstance(turns, Tensor):
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
    u, s, vh = _svd_parts(A.shape, full_matrices).parts(_svd_of(A, full=full_matrices))
    return Singular(u, _real(s), vh)


def _svdvals_rule(g: Any, a: Any) -> Any:
    u, _, vh = svd(a, False)
    return (u * g.to(a.dtype).unsqueeze(-2)) @ vh


svdvals = functional(
    "linalg.svdvals", lambda a: _solved("linalg.svdvals", np.linalg.svd, a, compute_uv=False), a=_svdvals_rule
)


def _qr_parts(shape: tuple[int, ...], mode: str) -> Packed:
    m, n = shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return Packed((m, k), (k, n))


def _qr(a: Array, *, mode: str) -> Array:
    q, r = np.linalg.qr(a, "complete" if mode == "complete" else "reduced")
    return _qr_parts(a.shape, mode).pack(q, r)


def _qr_square(gQ: Any, gR: Any, Q: Any, R: Any) -> Any:
    """Of a matrix with at least as many rows as columns."""
    lower = R @ gR.mH - gQ.mH @ Q
    triangle = lower.tril(-1)
    symmetric = triangle + triangle.mH + diag_embed(_real(_diagonal(lower)).to(Q.dtype))
    return solve(R, (gQ + Q @ symmetric).mH).mH


def _qr_rule(g: Any, a: Any, y: Any, shape: tuple[int, ...], mode: str) -> Any:
    m, n = shape[-2:]
    if mode == "r":
        raise AutogradError(
            "not-supported",
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to require differentiation.",
        )
    if mode == "complete" and m > n:
        raise AutogradError(
            "not-supported", "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        )
    packed = _qr_parts(shape, mode)
    (gQ, gR), (Q, R) = packed.parts(g.conj()), packed.parts(y)
    if m >= n:
        return _qr_square(gQ, gR, Q, R).conj()
    beyond, gBeyond = a[..., m:], gR[..., m:]
    first = _qr_square(gQ + beyond @ gBeyond.mH, gR[..., :m], Q, R[..., :m])
    return WORDS["cat"]([first, Q @ gBeyond], -1).conj()


_qr_of = define("linalg.qr", _qr, a=_qr_rule)


class Orthogonal(NamedTuple):
    Q: Tensor
    R: Tensor


@word("linalg.qr")
def qr(A: Tensor, mode: str = "reduced") -> Orthogonal:
    if mode not in ("reduced", "complete", "r"):
        raise refused(mode, "mode")
    q, r = _qr_parts(A.shape, mode).parts(_qr_of(A, mode=mode))
    return Orthogonal(Tensor(np.zeros(0, A.dtype)) if mode == "r" else q, r)


def _cholesky_rule(g: Any, y: Any) -> Any:
    lower = (y.mH @ g.conj()).tril()
    symmetric = (lower + lower.tril(-1).mH) / 2
    return solve(y.mH, solve(y.mH, symmetric.mH).mH).conj()


_cholesky = define("linalg.cholesky", lambda a: _solved("linalg.cholesky", np.linalg.cholesky, a), a=_cholesky_rule)


@word("linalg.cholesky")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Only the lower triangle is read; the gradient is that of a symmetric matrix."""
    lower: Tensor = _cholesky(A)
    return lower.mH if upper else lower


@word(methods="cholesky_solve")
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    lower = L.mH.tril() if upper else L.tril()
    return solve_triangular(lower.mH, solve_triangular(lower, B, upper=False), upper=True)


# -- norms -------------------------------------------------------------------------------------------------------------


@word("linalg.matrix_norm")
def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim)
    if ord in (1, -1, math.inf, -math.inf):
        rows, columns = (d % A.dim() for d in dim)
        summed, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = abs(A).sum(summed, True)  # type: ignore[arg-type]
        reached = amax(sums, over, True) if ord > 0 else amin(sums, over, True)
        return reached if keepdim else reached.squeeze(tuple(dim))  # type: ignore[no-any-return]
    values = svdvals(WORDS["movedim"](A, tuple(dim), (-2, -1)))
    norm = {"nuc": lambda: values.sum(-1), 2: lambda: amax(values, -1), -2: lambda: amin(values, -1)}[ord]()
    return norm[..., None, None] if keepdim else norm  # type: ignore[no-any-return]


@word("linalg.norm")
def linalg_norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    if ord is not None and ((A.dim() == 2 and dim is None) or (isinstance(dim, (tuple, list)) and len(dim) == 2)):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim)


@word("linalg.cond")
def cond(A: Tensor) -> Tensor:
    values = svdvals(A)
    return values[..., 0] / values[..., -1]  # type: ignore[no-any-return]


# -- products ----------------------------------------------------------------------------------------------------------


@word("dot", methods="dot")
def dot(input: Tensor, other: Tensor) -> Tensor:
    return matmul(input, other)


@word("vdot", methods="vdot")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    return matmul(input.conj(), other)


@word("mv", methods="mv")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    return matmul(input, vec)


@word("outer", "ger", methods="outer")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    return input.unsqueeze(1) * vec2  # type: ignore[no-any-return]


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
    return mm(rows, columns).reshape(shape)  # type: ignore[no-any-return]


@word("kron", methods="kron")
def kron(input: Tensor, other: Tensor) -> Tensor:
    ndim = max(input.dim(), other.dim())
    one, two = ((1,) * (ndim - t.dim()) + t.shape for t in (input, other))
    apart = input.reshape(tuple(n for size in one for n in (size, 1)))
    product = apart * other.reshape(tuple(n for size in two for n in (1, size)))
    return product.reshape(tuple(m * n for m, n in zip(one, two, strict=True)))  # type: ignore[no-any-return]


@word("linalg.cross", "cross", methods="cross")
def cross(input: Tensor, other: Tensor, dim: int = -1) -> Tensor:
    return input.roll(-1, dim) * other.roll(-2, dim) - input.roll(-2, dim) * other.roll(-1, dim)  # type: ignore[no-any-return]


@word("addmm", methods="addmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return input * beta + mm(mat1, mat2) * alpha


@word("baddbmm", methods="baddbmm")
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return input * beta + matmul(batch1, batch2) * alpha


@word("bmm", methods="bmm")
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    return matmul(input, mat2)


@word("linalg.multi_dot")
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    product = tensors[0]
    for tensor in tensors[1:]:
        product = matmul(product, tensor)
    return product
