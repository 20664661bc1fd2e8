"""Inverses, determinants, powers and exponentials of matrices (torch.linalg).

Sources of the formulas: Giles 2008 (An extended collection of matrix derivative results); Golub and Pereyra 1973 (the
pseudo-inverse). Rules of complex operations get and give conjugated gradients (record.py); where a formula is written for
the gradient itself, it conjugates on the way in and out, which leaves real numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..creation import eye
from ..dtypes import DIFFERENTIABLE, Array
from ..errors import AutogradError
from ..tensor import Tensor, method
from .define import WORDS, Function, define, functional, word
from .shapes import cat


def solved(function: str, compute: Callable[..., Any], *operands: Array, **keywords: Any) -> Any:
    """``compute``, with our error where the matrix does not allow it."""
    a = operands[0]
    if a.dtype.kind not in DIFFERENTIABLE:
        raise AutogradError("not-floating", f"{function}: Expected a floating point or complex tensor, got {a.dtype}")
    if a.ndim < 2 or (function not in _OF_ANY_SHAPE and a.shape[-1] != a.shape[-2]):
        raise AutogradError(
            "invalid-argument", f"{function}: A must be batches of square matrices, its shape is {a.shape}"
        )
    try:
        return compute(*operands, **keywords)
    except np.linalg.LinAlgError as error:
        kind = "not-positive-definite" if function == "linalg.cholesky" else "singular-matrix"
        raise AutogradError(kind, f"{function}: {_REASONS.get(function, str(error))}") from None


def identity(a: Any) -> Tensor:
    """Of the size of ``a``, which is square."""
    return eye(a.shape[-1], dtype=a.dtype)


_OF_ANY_SHAPE = {"linalg.svd", "linalg.svdvals", "linalg.qr", "linalg.pinv"}

_REASONS = {
    "linalg.inv": "The diagonal element is zero, the inversion could not be completed because the input matrix is singular.",
    "linalg.solve": "The solver failed because the input matrix is singular.",
    "linalg.cholesky": "The factorization could not be completed because the input is not positive-definite.",
}

# -- inverses and determinants -----------------------------------------------------------------------------------------

inv = functional("linalg.inv", lambda a: solved("linalg.inv", np.linalg.inv, a), a=lambda g, y: -(y.mT @ g @ y.mT))
WORDS["inverse"] = method(inv, "inverse")

_solve: Function = define(
    "linalg.solve",
    lambda a, b: solved("linalg.solve", np.linalg.solve, a, b),
    a=lambda g, a, y: -(_solve(a.mT, g) @ y.mT),
    b=lambda g, a: _solve(a.mT, g),
)


@word("linalg.solve")
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    if B.dim() == 1 or B.shape == A.shape[:-1]:
        return solve(A, B.unsqueeze(-1), left=left).squeeze(-1)
    return _solve(A, B) if left else _solve(A.mT, B.mT).mT


@word("linalg.solve_triangular")
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Only the named triangle is read, and only it receives a gradient."""
    part = A.triu(int(unitriangular)) if upper else A.tril(-int(unitriangular))
    return solve(part + identity(A) if unitriangular else part, B, left=left)


class Triangular(NamedTuple):
    solution: Tensor
    cloned_coefficient: Tensor


@word(methods="triangular_solve")
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Triangular:
    """The older spelling; ``transpose`` does not conjugate."""
    matrix = A.mT if transpose else A
    solution = solve_triangular(matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return Triangular(solution, A.clone())


def _minors(a: Any) -> Any:
    """For every element the matrix without its row and column: (..., n, n, n - 1, n - 1)."""
    *_, n = a.shape
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], dtype=np.int64).reshape(n, max(n - 1, 0))
    rows, columns = Tensor(others[:, None, :, None]), Tensor(others[None, :, None, :])
    return a[(..., rows, columns)]


def _cofactors(a: Any) -> Any:
    """The derivative of the determinant, also of a singular matrix and to any order: determinants again."""
    *_, n = a.shape
    signs = Tensor(np.where(np.add.outer(range(n), range(n)) % 2, -1.0, 1.0).astype(a.dtype))
    return det(_minors(a)) * signs


det = functional(
    "linalg.det",
    lambda a: np.asarray(solved("linalg.det", np.linalg.det, a)),
    a=lambda g, a: g[..., None, None] * _cofactors(a),
)
WORDS["det"] = method(det, "det")

_logabsdet = define(
    "linalg.slogdet",
    lambda a: np.asarray(solved("linalg.slogdet", np.linalg.slogdet, a)[1]),
    a=lambda g, a: g[..., None, None] * inv(a).mH,
)


_sign_of_det = define("sign_of_det", lambda a: np.asarray(np.linalg.slogdet(a)[0]), a=lambda g, a: a.zeros())


class SignAndLog(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


@word("linalg.slogdet", "slogdet", methods="slogdet")
def slogdet(A: Tensor) -> SignAndLog:
    """The sign of a real determinant is constant."""
    if A.dtype.kind == "c":
        determinant = det(A)
        return SignAndLog(determinant.sgn(), _logabsdet(A))
    return SignAndLog(_sign_of_det(A), _logabsdet(A))


@word(methods="logdet")
def logdet(input: Tensor) -> Tensor:
    sign, log = slogdet(input)
    return log + sign.log()


def _pinv_rule(g: Any, a: Any, y: Any) -> Any:
    g, across = g.conj(), y @ y.mH
    rows, columns = y @ a, a @ y
    gradient = (
        (across @ g @ (identity(columns) - columns)).mH
        + ((identity(rows) - rows) @ g @ (y.mH @ y)).mH
        - y.mH @ g @ y.mH
    )
    return gradient.conj()


pinv = functional("linalg.pinv", lambda a: solved("linalg.pinv", np.linalg.pinv, a), a=_pinv_rule)
WORDS["pinverse"] = method(pinv, "pinverse")


class LeastSquares(NamedTuple):
    solution: Tensor


@word("linalg.lstsq")
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:
    """``A`` must have full rank; which way it is solved makes no difference."""
    return LeastSquares(pinv(A) @ B)


# -- powers and exponentials -------------------------------------------------------------------------------------------


@word("linalg.matrix_power", "matrix_power", methods="matrix_power")
def matrix_power(A: Tensor, n: int) -> Tensor:
    if n < 0:
        return matrix_power(inv(A), -n)
    if n == 0:
        return A.masked_fill(Tensor(np.ones(A.shape, bool)), 0.0) + identity(A)
    half = matrix_power(A, n // 2)
    return half @ half @ A if n % 2 else half @ half


def _expm(a: Array) -> Array:
    """Taylor's series where it converges fast; the exponential of the double is the square."""
    _, exponent = math.frexp(np.abs(a).sum((-2, -1)).max(initial=0.0))
    halvings, (*_, n) = max(0, exponent), a.shape
    small = a / 2**halvings
    term = total = np.broadcast_to(np.eye(n, dtype=a.dtype), a.shape)
    for k in range(1, 20):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def _block(a: Any, e: Any) -> Any:
    """``a`` twice on the diagonal, ``e`` above: the exponential of this has the derivative towards ``e`` in its corner."""
    return cat([cat([a, e], -1), cat([a.zeros(), a], -1)], -2)


def _towards(a: Array, e: Array) -> Array:
    *_, n = a.shape
    block = np.concatenate([np.concatenate([a, e], -1), np.concatenate([np.zeros_like(a), a], -1)], -2)
    return _expm(block)[..., :n, n:]


def _towards_rule(g: Any, a: Any, e: Any, shape: tuple[int, ...]) -> Any:
    (*_, n), empty = shape, g.zeros()
    corner = cat([cat([empty, g], -1), cat([empty, empty], -1)], -2)
    gradient = _derivative(_block(a, e).mT, corner)
    return gradient[..., :n, :n] + gradient[..., n:, n:]


_derivative: Function = define("matrix_exp_derivative", _towards, a=_towards_rule, e=lambda g, a: _derivative(a.mT, g))
matrix_exp = functional(
    "linalg.matrix_exp", lambda a: solved("linalg.matrix_exp", _expm, a), a=lambda g, a: _derivative(a.mT, g)
)
WORDS["matrix_exp"] = method(matrix_exp, "matrix_exp")
