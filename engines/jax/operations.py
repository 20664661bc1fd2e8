"""Words of the language -> functions of jax.numpy, jax.nn, jax.scipy and jax.lax, with the arguments renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jax.numpy as jnp
from harness.engine import Unsupported
from harness.language.words import ATTRIBUTES
from jax import lax, nn
from jax.scipy import linalg, special


def size(args: tuple[Any, ...]) -> Any:
    """Sizes one by one, or in one list."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def axis(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """dim and keepdim are axis and keepdims."""
    return lambda x, dim=None, keepdim=False, **dtype: function(x, axis=axis(dim), keepdims=keepdim, **dtype)


def moment(function: Callable[..., Any]) -> Callable[..., Any]:
    """The correction is ddof, and 0 unless it is given."""

    def called(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool):
            raise Unsupported("there is ddof, and no unbiased")
        return function(x, axis=axis(dim), ddof=correction, keepdims=keepdim)

    return called


def running(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(x: Any, dim: int, **dtype: Any) -> Any:
        if x.ndim == 0:
            raise Unsupported("a number has no axis")
        return function(x, axis=dim % x.ndim, **dtype)

    return called


def extremum(function: Callable[..., Any]) -> Callable[..., Any]:
    def whole(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is not None:
            raise Unsupported("there is no extremum along a dimension that also tells the indices")
        return function(x)

    return whole


def transform(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n=None, dim=-1, norm=None: function(x, n, dim, norm)


def along(x: Any, dim: int, index: Any) -> Any:
    """The entries of ``x`` at positions of one dimension, to be read or written."""
    return x.at[(slice(None),) * (dim % x.ndim) + (index,)]


def aligned(x: Any, dim: int, index: Any) -> None:
    if jnp.ndim(x) == 0 or any(
        a != b for n, (a, b) in enumerate(zip(x.shape, index.shape, strict=False)) if n != dim % x.ndim
    ):
        raise Unsupported("positions are along an axis, for all entries of the others")


def gathered(x: Any, dim: int, index: Any) -> Any:
    aligned(x, dim, index)
    return jnp.take_along_axis(x, index, dim)


def scattered(x: Any, dim: int, index: Any, src: Any) -> Any:
    aligned(x, dim, index)
    return jnp.put_along_axis(x, index, src, dim, inplace=False)


def picked(x: Any, dim: int, index: Any) -> Any:
    if x.ndim == 0:
        raise Unsupported("a number has no axis")
    return jnp.take(x, index, axis=dim)


def put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    place = x.at[tuple(indices)]
    return place.add(values) if accumulate else place.set(values)


def added(x: Any, dim: int, index: Any, source: Any, alpha: Any = 1) -> Any:
    if alpha != 1:
        raise Unsupported("at[].add has no factor")
    return along(x, dim, index).add(source)


def expanded(x: Any, *sizes: Any) -> Any:
    if -1 in size(sizes):
        raise Unsupported("broadcast_to knows no -1")
    return jnp.broadcast_to(x, size(sizes))


def padded(x: Any, pad: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """Margins are given from the last dimension on; JAX's from the first."""
    if min(pad) < 0:
        raise Unsupported("jax.numpy.pad cuts nothing off")
    pairs = [(pad[n], pad[n + 1]) for n in range(0, len(pad), 2)][::-1]
    widths = [(0, 0)] * (jnp.ndim(x) - len(pairs)) + pairs
    named = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    return jnp.pad(x, widths, named, **({"constant_values": value} if mode == "constant" else {}))


def split(x: Any, sizes: Any, dim: int = 0) -> Any:
    if isinstance(sizes, int):
        raise Unsupported("lax.split takes the size of every piece")
    return lax.split(x, sizes, dim)


def squeezed(x: Any, dim: Any = None) -> Any:
    dims = [] if dim is None else dim if isinstance(dim, (list, tuple)) else [dim]
    if dims and (jnp.ndim(x) == 0 or any(jnp.shape(x)[n] != 1 for n in dims)):
        raise Unsupported("jax.numpy.squeeze refuses dimensions of more than one entry")
    return jnp.squeeze(x, axis=axis(dim))


def swapped(x: Any, dim0: int, dim1: int) -> Any:
    if jnp.ndim(x) == 0:
        raise Unsupported("a number has no axis")
    return jnp.swapaxes(x, dim0, dim1)


def topk(x: Any, k: int, dim: int = -1, largest: bool = True) -> Any:
    if not largest:
        raise Unsupported("lax.top_k finds the largest")
    return lax.top_k(x, k, axis=dim)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    if (beta, threshold) != (1.0, 20.0):
        raise Unsupported("jax.nn.softplus has no beta and no threshold")
    return nn.softplus(x)


def logit(x: Any, eps: float | None = None) -> Any:
    if eps is not None:
        raise Unsupported("jax.scipy.special.logit has no bounds")
    return special.logit(x)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    if (min_val, max_val) != (-1.0, 1.0):
        raise Unsupported("jax.nn.hard_tanh has no bounds")
    return nn.hard_tanh(x)


def solved(A: Any, B: Any, left: bool = True) -> Any:
    if not left:
        raise Unsupported("there is only A x = b")
    if B.ndim > 1 and B.ndim < A.ndim:
        raise Unsupported("jax.numpy.linalg.solve knows no batches of vectors")
    return jnp.linalg.solve(A, B)


def solved_triangular(A: Any, B: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if not left:
        raise Unsupported("there is only A x = b")
    return linalg.solve_triangular(A, B, lower=not upper, unit_diagonal=unitriangular)


def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Any:
    if list(dim) != [-2, -1]:
        raise Unsupported("jax.numpy.linalg.matrix_norm is of the last two axes")
    return jnp.linalg.matrix_norm(A, ord=ord, keepdims=keepdim)


def each(given: Any, weight: Any) -> Any:
    """One number for every spatial dimension."""
    return [given] * (weight.ndim - 2) if isinstance(given, int) else given


def convolution(
    x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    if b is not None:
        raise Unsupported("lax.conv_general_dilated has no bias")
    margins = padding.upper() if isinstance(padding, str) else [(p, p) for p in each(padding, w)]
    return lax.conv_general_dilated(
        x, w, each(stride, w), margins, rhs_dilation=each(dilation, w), feature_group_count=groups
    )


_NUMPY: Final = (
    "exp exp2 expm1 log log2 log10 log1p sqrt square sin cos tan sinh cosh tanh reciprocal deg2rad rad2deg sinc sign floor "
    "ceil trunc maximum minimum fmax fmin fmod remainder hypot logaddexp logaddexp2 copysign nextafter heaviside "
    "positive isfinite isnan where matmul dot vdot inner outer kron conj angle tril triu zeros_like ones_like float_power "
    "nan_to_num broadcast_to"
)
_SPECIAL: Final = "erf erfc erfinv digamma polygamma xlogy"
_LINALG: Final = "det slogdet inv pinv cholesky eigh eigvalsh eig eigvals svd svdvals qr matrix_power multi_dot"
_REDUCTIONS: Final = "sum mean prod nansum nanmean amax amin argmax argmin"
_OF_SPECIAL: Final = "entr erfcx ndtr log_ndtr ndtri i0 i0e i1 xlog1py"
_FFT: Final = "fft ifft rfft irfft"
_NN: Final = "relu relu6 leaky_relu elu selu celu silu mish sigmoid"

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: getattr(jnp, word) for word in _NUMPY.split()},
    **{word: getattr(special, word) for word in _SPECIAL.split()},
    **{word: getattr(nn, word) for word in _NN.split()},
    "tensor": lambda data, dtype=None: jnp.asarray(data, dtype=dtype),
    "zeros": lambda *sizes, dtype=None: jnp.zeros(size(sizes), dtype=dtype),
    "ones": lambda *sizes, dtype=None: jnp.ones(size(sizes), dtype=dtype),
    "full": lambda shape, value, dtype=None: jnp.full(shape, value, dtype=dtype),
    "eye": lambda n, m=None, dtype=None: jnp.eye(n, m, dtype=dtype),
    "arange": lambda *limits, dtype=None: jnp.arange(*limits, dtype=dtype),
    "clone": jnp.copy,
    # arithmetic
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": jnp.true_divide,
    "pow": jnp.power,
    "neg": jnp.negative,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "atan2": jnp.arctan2,
    "rsqrt": lax.rsqrt,
    "sgn": jnp.sign,
    "round": jnp.round,
    "clamp": lambda x, min=None, max=None: jnp.clip(x, min, max),
    "eq": jnp.equal,
    "ne": jnp.not_equal,
    "lt": jnp.less,
    "le": jnp.less_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
    "real": jnp.real,
    "imag": jnp.imag,
    "complex": lax.complex,
    "masked_fill": lambda x, mask, value: jnp.where(mask, value, x),
    # functions of jax.scipy and jax.nn
    "lgamma": special.gammaln,
    "logit": logit,
    "igamma": special.gammainc,
    "special.gammainc": special.gammainc,
    **{f"special.{word}": getattr(special, word) for word in _OF_SPECIAL.split()},
    "gelu": lambda x, approximate="none": nn.gelu(x, approximate=approximate == "tanh"),
    "softplus": softplus,
    "logsigmoid": nn.log_sigmoid,
    "softsign": nn.soft_sign,
    "hardtanh": hardtanh,
    "hardsigmoid": nn.hard_sigmoid,
    "hardswish": nn.hard_swish,
    "softmax": lambda x, dim: nn.softmax(x, axis=dim),
    "log_softmax": lambda x, dim: nn.log_softmax(x, axis=dim),
    "glu": lambda x, dim=-1: nn.glu(x, axis=dim),
    "one_hot": lambda x, num_classes: nn.one_hot(x, num_classes, dtype=jnp.int64),
    # reductions
    **{word: reduction(getattr(jnp, word)) for word in _REDUCTIONS.split()},
    "max": extremum(jnp.max),
    "min": extremum(jnp.min),
    "var": moment(jnp.var),
    "std": moment(jnp.std),
    "all": lambda x, dim=None: jnp.all(x, axis=axis(dim)),
    "any": lambda x, dim=None: jnp.any(x, axis=axis(dim)),
    "count_nonzero": lambda x, dim=None: jnp.count_nonzero(x, axis=axis(dim)),
    "logsumexp": lambda x, dim, keepdim=False: special.logsumexp(x, axis=axis(dim), keepdims=keepdim),
    "quantile": lambda x, q, dim=None, keepdim=False, interpolation="linear": jnp.quantile(
        x, q, axis=dim, keepdims=keepdim, method=interpolation
    ),
    "cumsum": running(jnp.cumsum),
    "cumprod": running(jnp.cumprod),
    "logcumsumexp": running(lax.cumlogsumexp),
    "diff": lambda x, n=1, dim=-1: jnp.diff(x, n, axis=dim),
    "trapezoid": lambda y, x=None, dx=1.0, dim=-1: jnp.trapezoid(y, x, dx, axis=dim),
    "argsort": lambda x, dim=-1, descending=False, stable=True: jnp.argsort(
        x, axis=dim, descending=descending, stable=stable
    ),
    "topk": topk,
    "unique": jnp.unique,
    "searchsorted": lambda a, v, right=False: jnp.searchsorted(a, v, side="right" if right else "left"),
    # shapes
    "reshape": lambda x, *shape: jnp.reshape(x, size(shape)),
    "flatten": lambda x, start_dim=0, end_dim=-1: lax.collapse(x, start_dim, end_dim + 1 or None),
    "t": jnp.transpose,
    "transpose": swapped,
    "permute": lambda x, *dims: jnp.transpose(x, size(dims)),
    "movedim": jnp.moveaxis,
    "squeeze": squeezed,
    "unsqueeze": jnp.expand_dims,
    "repeat_interleave": lambda x, repeats, dim=None: jnp.repeat(x, repeats, axis=dim),
    "narrow": lambda x, dim, start, length: lax.dynamic_slice_in_dim(x, start, length, dim),
    "select": lambda x, dim, index: lax.index_in_dim(x, index, dim, keepdims=False),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: jnp.diagonal(x, offset, dim1, dim2),
    "diag": lambda x, diagonal=0: jnp.diag(x, diagonal),
    "block_diag": linalg.block_diag,
    "meshgrid": lambda *arrays, indexing="ij": jnp.meshgrid(*size(arrays), indexing=indexing),
    "unbind": lambda x, dim=0: jnp.unstack(x, axis=dim),
    "split": split,
    "cat": lambda tensors, dim=0: jnp.concatenate(tensors, dim),
    "stack": lambda tensors, dim=0: jnp.stack(tensors, dim),
    "flip": lambda x, dims: jnp.flip(x, axis(dims)),
    "roll": lambda x, shifts, dims=None: jnp.roll(x, axis(shifts), axis=axis(dims)),
    "rot90": lambda x, k=1, dims=(0, 1): jnp.rot90(x, k, axis(dims)),
    "pad": padded,
    # positions
    "nonzero": jnp.argwhere,
    "take": lambda x, index: jnp.take(x, index),
    "gather": gathered,
    "scatter": scattered,
    "index_select": picked,
    "index_put": put,
    "index_add": added,
    "index_copy": lambda x, dim, index, source: along(x, dim, index).set(source),
    "index_fill": lambda x, dim, index, value: along(x, dim, index).set(value),
    # matrices
    "mm": jnp.matmul,
    "mv": jnp.matmul,
    "bmm": jnp.matmul,
    "einsum": lambda equation, *operands: jnp.einsum(equation, *size(operands)),
    "tensordot": lambda a, b, dims=2: jnp.tensordot(a, b, axes=dims),
    "trace": jnp.trace,
    **{f"linalg.{word}": getattr(jnp.linalg, word) for word in _LINALG.split()},
    "linalg.solve": solved,
    "linalg.solve_triangular": solved_triangular,
    "linalg.matrix_exp": linalg.expm,
    "linalg.householder_product": lax.linalg.householder_product,
    "linalg.norm": lambda A, ord=None, dim=None, keepdim=False: jnp.linalg.norm(A, ord, axis(dim), keepdim),
    "linalg.matrix_norm": matrix_norm,
    "linalg.vector_norm": lambda x, ord=2, dim=None, keepdim=False: jnp.linalg.vector_norm(
        x, axis=axis(dim), keepdims=keepdim, ord=ord
    ),
    "linalg.cross": lambda a, b, dim=-1: jnp.cross(a, b, axis=dim),
    "cholesky_solve": lambda B, L, upper=False: linalg.cho_solve((L, not upper), B),
    "conv1d": convolution,
    "conv2d": convolution,
    **{f"fft.{word}": transform(getattr(jnp.fft, word)) for word in _FFT.split()},
}
METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
    "abs": jnp.abs,
    "detach": lax.stop_gradient,
    "expand": expanded,
    "repeat": lambda x, *times: jnp.tile(x, size(times)),
    "to": lambda x, dtype: x.astype(dtype),
    "half": lambda x: x.astype(jnp.float16),
    "float": lambda x: x.astype(jnp.float32),
    "double": lambda x: x.astype(jnp.float64),
    "long": lambda x: x.astype(jnp.int64),
    "bool": lambda x: x.astype(jnp.bool_),
}
