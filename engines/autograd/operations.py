"""Words of the language -> functions of autograd.numpy and autograd.scipy, with the arguments renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import autograd.numpy as np
from autograd.scipy import linalg, special
from harness.engine import Unsupported
from harness.language.words import ATTRIBUTES


def size(args: tuple[Any, ...]) -> Any:
    """Sizes one by one, or in one list."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """dim and keepdim are axis and keepdims."""
    return lambda x, dim=None, keepdim=False: function(x, axis=axis(dim), keepdims=keepdim)


def moment(function: Callable[..., Any]) -> Callable[..., Any]:
    """The correction is ddof, and 0 unless it is given."""

    def called(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool):
            raise Unsupported("there is ddof, and no unbiased")
        return function(x, axis=axis(dim), ddof=correction, keepdims=keepdim)

    return called


def scipys(function: Callable[..., Any], *kinds: str) -> Callable[..., Any]:
    """SciPy computes in single and double precision; ``kinds``: what else it turns into double precision."""

    def called(*args: Any) -> Any:
        if any(str(getattr(x, "dtype", "")) in ("float16", *kinds) for x in args):
            raise Unsupported("SciPy's function computes in a wider dtype")
        return function(*args)

    return called


def alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where NumPy's function has further arguments, and autograd's rule for it knows none of them."""

    def called(x: Any, *rest: Any, **more: Any) -> Any:
        if rest or more:
            raise Unsupported("the rule of the function knows no further arguments")
        return function(x)

    return called


def extremum(function: Callable[..., Any]) -> Callable[..., Any]:
    def whole(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is not None:
            raise Unsupported("there is no extremum along a dimension that also tells the indices")
        return function(x)

    return whole


def transform(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n=None, dim=-1, norm=None: function(x, n, dim, norm)


def expanded(x: Any, *sizes: Any) -> Any:
    if -1 in size(sizes):
        raise Unsupported("broadcast_to knows no -1")
    return np.broadcast_to(x, size(sizes))


def clamped(x: Any, min: Any = None, max: Any = None) -> Any:
    if hasattr(min, "shape") or hasattr(max, "shape"):
        raise Unsupported("the rule of np.clip knows no derivative by its bounds")
    return np.clip(x, min, max)


def normed(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if keepdim:
        raise Unsupported("the rule of np.linalg.norm knows no keepdims")
    return np.linalg.norm(A, ord, dim[0] if isinstance(dim, list) and len(dim) == 1 else axis(dim))


def rolled(x: Any, shifts: Any, dims: Any = None) -> Any:
    if isinstance(shifts, (list, tuple)):
        raise Unsupported("the rule of np.roll knows one shift")
    return np.roll(x, shifts, axis=dims)


def turned(x: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    if list(dims) != [0, 1]:
        raise Unsupported("the rule of np.rot90 knows no axes")
    return np.rot90(x, k)


def running(x: Any, dim: int) -> Any:
    if np.ndim(x) == 0:
        raise Unsupported("np.cumsum makes a vector of a number")
    return np.cumsum(x, axis=dim)


def squeezed(x: Any, dim: Any = None) -> Any:
    if dim is not None and np.ndim(x) == 0:
        raise Unsupported("a number has no axis")
    if dim is not None and any(np.shape(x)[n] != 1 for n in (dim if isinstance(dim, (list, tuple)) else [dim])):
        raise Unsupported("np.squeeze refuses dimensions of more than one entry")
    return np.squeeze(x, axis=axis(dim))


def swapped(x: Any, dim0: int, dim1: int) -> Any:
    if np.ndim(x) == 0:
        raise Unsupported("a number has no axis")
    return np.swapaxes(x, dim0, dim1)


def solved(A: Any, B: Any, left: bool = True) -> Any:
    if not left:
        raise Unsupported("there is only A x = b")
    if np.ndim(B) > 1 and np.ndim(B) < np.ndim(A):
        raise Unsupported("np.linalg.solve knows no batches of vectors")
    return np.linalg.solve(A, B)


def solved_triangular(A: Any, B: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if not left or np.ndim(A) > 2:
        raise Unsupported("there is only A x = b, of one matrix")
    return linalg.solve_triangular(A, B, lower=not upper, unit_diagonal=unitriangular)


def padded(x: Any, pad: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """Margins are given from the last dimension on; NumPy's from the first."""
    pairs = [(pad[n], pad[n + 1]) for n in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (np.ndim(x) - len(pairs)) + pairs
    if mode != "constant" or min(pad) < 0:
        raise Unsupported("np.pad cuts nothing off, and has a rule for constant margins")
    return np.pad(x, widths, "constant", constant_values=value)


_SAME: Final = (
    "exp exp2 expm1 log log2 log10 log1p sqrt square sin cos tan sinh cosh tanh reciprocal deg2rad rad2deg sinc "
    "sign floor ceil round trunc maximum minimum fmax fmin hypot logaddexp logaddexp2 remainder isfinite isnan "
    "where matmul dot inner outer kron real imag conj angle tril triu zeros_like ones_like"
)
"""Words that are NumPy's own names."""

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: getattr(np, word) for word in _SAME.split()},
    "tensor": lambda data, dtype=None: np.array(data, dtype=dtype),
    "zeros": lambda *sizes, dtype=np.float64: np.zeros(size(sizes), dtype=dtype),
    "ones": lambda *sizes, dtype=np.float64: np.ones(size(sizes), dtype=dtype),
    "full": lambda shape, value, dtype=None: np.full(shape, value, dtype=dtype),
    "eye": lambda n, m=None, dtype=np.float64: np.eye(n, m, dtype=dtype),
    "arange": lambda *limits, dtype=None: np.arange(*limits, dtype=dtype),
    "clone": lambda x: np.array(x),
    # arithmetic
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "pow": np.power,
    "neg": np.negative,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "atan2": np.arctan2,
    "clamp": clamped,
    "nan_to_num": alone(np.nan_to_num),
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "equal": np.array_equal,
    # SciPy's functions
    **{word: scipys(getattr(special, word)) for word in ("erf", "erfc", "erfinv", "digamma")},
    "sigmoid": scipys(special.expit),
    "logit": alone(scipys(special.logit)),
    "polygamma": scipys(special.polygamma, "float32"),
    "lgamma": scipys(special.gammaln),
    "igamma": scipys(special.gammainc),
    "special.gammainc": scipys(special.gammainc),
    "special.i0": scipys(special.i0),
    "special.i1": scipys(special.i1),
    "special.bessel_j0": scipys(special.j0),
    "logsumexp": lambda x, dim, keepdim=False: special.logsumexp(x, axis=axis(dim), keepdims=keepdim),
    # reductions
    "sum": reduction(np.sum),
    "mean": reduction(np.mean),
    "prod": reduction(np.prod),
    "amax": reduction(np.max),
    "amin": reduction(np.min),
    "argmax": reduction(np.argmax),
    "argmin": reduction(np.argmin),
    "max": extremum(np.max),
    "min": extremum(np.min),
    "var": moment(np.var),
    "std": moment(np.std),
    "all": lambda x, dim=None: np.all(x, axis=axis(dim)),
    "any": lambda x, dim=None: np.any(x, axis=axis(dim)),
    "count_nonzero": lambda x, dim=None: np.count_nonzero(x, axis=axis(dim)),
    "cumsum": running,
    "diff": lambda x, n=1, dim=-1: np.diff(x, n, axis=dim),
    "argsort": lambda x, dim=-1: np.argsort(x, axis=dim),
    "nonzero": np.argwhere,
    # shapes
    "reshape": lambda x, *shape: np.reshape(x, size(shape)),
    "flatten": alone(np.ravel),
    "t": np.transpose,
    "transpose": swapped,
    "permute": lambda x, *dims: np.transpose(x, size(dims)),
    "movedim": np.moveaxis,
    "squeeze": squeezed,
    "unsqueeze": np.expand_dims,
    "broadcast_to": np.broadcast_to,
    "repeat_interleave": lambda x, repeats, dim=None: np.repeat(x, repeats, axis=dim),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    "diag": lambda x, diagonal=0: np.diag(x, diagonal),
    "cat": lambda tensors, dim=0: np.concatenate(tensors, dim),
    "stack": lambda tensors, dim=0: np.stack(tensors, dim),
    "roll": rolled,
    "rot90": turned,
    "pad": padded,
    # matrices
    "mm": np.matmul,
    "mv": np.matmul,
    "bmm": np.matmul,
    "tensordot": lambda a, b, dims=2: np.tensordot(a, b, axes=dims),
    "einsum": lambda equation, *operands: np.einsum(equation, *size(operands)),
    "trace": np.trace,
    "linalg.det": np.linalg.det,
    "linalg.slogdet": np.linalg.slogdet,
    "linalg.inv": np.linalg.inv,
    "linalg.pinv": np.linalg.pinv,
    "linalg.solve": solved,
    "linalg.cholesky": np.linalg.cholesky,
    "linalg.eigh": np.linalg.eigh,
    "linalg.eig": np.linalg.eig,
    "linalg.svd": np.linalg.svd,
    "linalg.norm": normed,
    "linalg.cross": lambda a, b, dim=-1: np.cross(a, b, axis=dim),
    "linalg.solve_triangular": solved_triangular,
    "fft.fft": transform(np.fft.fft),
    "fft.ifft": transform(np.fft.ifft),
    "fft.rfft": transform(np.fft.rfft),
    "fft.irfft": transform(np.fft.irfft),
}
METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
    "abs": np.abs,
    "expand": expanded,
    "repeat": lambda x, *times: np.tile(x, size(times)),
    "to": lambda x, dtype: x.astype(dtype),
    "half": lambda x: x.astype(np.float16),
    "float": lambda x: x.astype(np.float32),
    "double": lambda x: x.astype(np.float64),
    "long": lambda x: x.astype(np.int64),
    "bool": lambda x: x.astype(np.bool_),
}
