"""Words of the language -> functions of TensorFlow, with the arguments renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import tensorflow as tf
from harness.engine import Unsupported
from harness.language.words import ATTRIBUTES


def sizes(args: tuple[Any, ...]) -> Any:
    """Sizes one by one, or in one list."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: function(x, axis=dim, keepdims=keepdim)


def moment(function: Callable[..., Any]) -> Callable[..., Any]:
    """TensorFlow divides by the number of elements."""

    def called(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool) or correction != 0:
            raise Unsupported("moments have no correction")
        return function(x, axis=dim, keepdims=keepdim)

    return called


def whole(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(x: Any, *rest: Any, **more: Any) -> Any:
        if rest or more:
            raise Unsupported("there is no extremum along a dimension that also tells the indices")
        return function(x)

    return called


def position(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if dim is None or keepdim:
            raise Unsupported("positions are those along one dimension, which is dropped")
        return function(x, axis=dim)

    return called


def along(function: Callable[..., Any]) -> Callable[..., Any]:
    """Functions of one dimension, the last unless it is given."""
    return lambda x, dim=-1: function(x, axis=dim)


def plain(function: Callable[..., Any], *defaults: Any) -> Callable[..., Any]:
    """A function without the parameters of the word; they are as in PyTorch's default where ``defaults`` are given."""

    def called(x: Any, *rest: Any) -> Any:
        if rest and rest != defaults:
            raise Unsupported("the function has no parameters")
        return function(x)

    return called


def gather(x: Any, dim: int, index: Any) -> Any:
    """tf.gather with batch_dims: along the last dimension, entry by entry."""
    if not len(x.shape) or dim % len(x.shape) != len(x.shape) - 1 or x.shape[:-1] != index.shape[:-1]:
        raise Unsupported("tf.gather takes entries one by one along the last dimension")
    return tf.gather(x, index, axis=-1, batch_dims=len(x.shape) - 1)


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """tf.transpose takes all dimensions in their new order."""
    order = list(range(len(x.shape)))
    if not order:
        raise Unsupported("a number has no dimensions to exchange")
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return tf.transpose(x, order)


def masked_select(x: Any, mask: Any) -> Any:
    if x.shape != mask.shape or not len(x.shape):
        raise Unsupported("masks of tf.boolean_mask do not broadcast")
    return tf.boolean_mask(x, mask)


def topk(x: Any, k: int, dim: int = -1, largest: bool = True) -> Any:
    if not largest or not len(x.shape) or dim % len(x.shape) != len(x.shape) - 1:
        raise Unsupported("tf.math.top_k gives the largest of the last dimension")
    return tf.math.top_k(x, k)


def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    if isinstance(tensors[0], list) or any(len(x.shape) != 1 for x in tensors):
        raise Unsupported("tf.meshgrid takes vectors, one by one")
    return tf.meshgrid(*tensors, indexing=indexing)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    if min is None or max is None:
        raise Unsupported("tf.clip_by_value has two bounds")
    if any(tf.is_tensor(bound) and bound.shape != x.shape for bound in (min, max)):
        raise Unsupported("bounds of tf.clip_by_value have the shape of what they bound")
    return tf.clip_by_value(x, min, max)


def split(x: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    if isinstance(split_size_or_sections, int):
        raise Unsupported("tf.split takes sizes, or a number of pieces")
    return tf.split(x, split_size_or_sections, axis=dim)


def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    if x.shape[dim] % chunks:
        raise Unsupported("tf.split makes pieces of one size")
    return tf.split(x, chunks, axis=dim)


def pad(x: Any, pad: Any, mode: str = "constant", value: float = 0) -> Any:
    """Margins are given from the last dimension on; TensorFlow's from the first."""
    if mode not in ("constant", "reflect") or min(pad) < 0:
        raise Unsupported("tf.pad cuts nothing off, and has constant and mirrored margins")
    pairs = [[pad[n], pad[n + 1]] for n in range(0, len(pad), 2)][::-1]
    return tf.pad(x, [[0, 0]] * (len(x.shape) - len(pairs)) + pairs, mode.upper(), value)


def expand(x: Any, *shape: Any) -> Any:
    if -1 in sizes(shape):
        raise Unsupported("tf.broadcast_to knows no -1")
    return tf.broadcast_to(x, sizes(shape))


def squeeze(x: Any, dim: Any = None) -> Any:
    if dim is not None and any(x.shape[n] != 1 for n in (dim if isinstance(dim, (list, tuple)) else [dim])):
        raise Unsupported("tf.squeeze refuses dimensions of more than one entry")
    return tf.squeeze(x, axis=dim)


def einsum(equation: str, *operands: Any) -> Any:
    if isinstance(operands[0], list):
        raise Unsupported("operands of tf.einsum stand one by one")
    return tf.einsum(equation, *operands)


def repeat_interleave(x: Any, repeats: Any, dim: Any = None) -> Any:
    return tf.repeat(x, repeats, axis=dim)


def roll(x: Any, shifts: Any, dims: Any = None) -> Any:
    if dims is None:
        raise Unsupported("tf.roll moves along dimensions")
    return tf.roll(x, shifts, axis=dims)


def full(size: Any, value: Any, dtype: Any = None) -> Any:
    return tf.fill(size, tf.constant(value, dtype))


def solve(A: Any, B: Any, left: bool = True) -> Any:
    if not left or len(B.shape) != len(A.shape):
        raise Unsupported("there is only A X = B, of matrices")
    return tf.linalg.solve(A, B)


def solve_triangular(A: Any, B: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if not left or unitriangular:
        raise Unsupported("there is only A X = B, with the diagonal of A")
    return tf.linalg.triangular_solve(A, B, lower=not upper)


def svdvals(A: Any) -> Any:
    return tf.linalg.svd(A, compute_uv=False)


def cholesky(A: Any, upper: bool = False) -> Any:
    if upper:
        raise Unsupported("tf.linalg.cholesky gives lower factors")
    return tf.linalg.cholesky(A)


def qr(A: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        raise Unsupported("tf.linalg.qr gives both factors")
    return tf.linalg.qr(A, full_matrices=mode == "complete")


def cross(a: Any, b: Any, dim: int = -1) -> Any:
    if dim != -1 or a.shape != b.shape:
        raise Unsupported("tf.linalg.cross is along the last dimension")
    return tf.linalg.cross(a, b)


def fourier(function: Callable[..., Any], complex_only: bool = False) -> Callable[..., Any]:
    def called(x: Any, n: Any = None, dim: int = -1, norm: Any = None) -> Any:
        if norm not in (None, "backward") or dim % len(x.shape) != len(x.shape) - 1:
            raise Unsupported("transforms are along the last dimension, in one norm")
        if complex_only:
            if n is not None:
                raise Unsupported("transforms are as long as the dimension")
            return function(x)
        return function(x, None if n is None else [n])

    return called


def cross_entropy(input: Any, target: Any, *rest: Any, reduction: str = "mean") -> Any:
    if rest or reduction != "none" or len(input.shape) != 2 or target.dtype.is_floating:
        raise Unsupported("tf.nn.sparse_softmax_cross_entropy_with_logits gives one number for each row of classes")
    return tf.nn.sparse_softmax_cross_entropy_with_logits(target, input)


def bce_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Any:
    if weight is not None or reduction != "none":
        raise Unsupported("tf.nn has the loss of every element, without weights")
    if pos_weight is not None:
        return tf.nn.weighted_cross_entropy_with_logits(target, input, pos_weight)
    return tf.nn.sigmoid_cross_entropy_with_logits(target, input)


_OF_MATH: Final = (
    "exp expm1 log log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh atan2 "
    "sigmoid sign floor ceil round erf erfc erfinv lgamma digamma igamma xlogy maximum minimum nextafter pow real imag conj "
    "angle"
)
_OF_NN: Final = "relu relu6 selu silu softsign"

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: getattr(tf.math, word) for word in _OF_MATH.split()},
    **{word: getattr(tf.nn, word) for word in _OF_NN.split()},
    "tensor": lambda data, dtype=None: tf.constant(data, dtype),
    "zeros": lambda *shape, dtype=tf.float32: tf.zeros(sizes(shape), dtype),
    "ones": lambda *shape, dtype=tf.float32: tf.ones(sizes(shape), dtype),
    "zeros_like": lambda x, dtype=None: tf.zeros_like(x, dtype),
    "ones_like": lambda x, dtype=None: tf.ones_like(x, dtype),
    "full": full,
    "eye": lambda n, m=None, dtype=tf.float32: tf.eye(n, m, dtype=dtype),
    "arange": lambda *limits, dtype=None: tf.range(*limits, dtype=dtype),
    "clone": tf.identity,
    # arithmetic
    "add": tf.add,
    "sub": tf.subtract,
    "mul": tf.multiply,
    "div": tf.divide,
    "neg": tf.negative,
    "remainder": tf.math.floormod,
    "fmod": tf.truncatemod,
    "polygamma": lambda n, x: tf.math.polygamma(tf.cast(n, x.dtype), x),
    "clamp": clamp,
    "where": tf.where,
    "isnan": tf.math.is_nan,
    "isfinite": tf.math.is_finite,
    "eq": tf.equal,
    "ne": tf.not_equal,
    "lt": tf.less,
    "le": tf.less_equal,
    "gt": tf.greater,
    "ge": tf.greater_equal,
    "complex": tf.complex,
    "special.xlog1py": tf.math.xlog1py,
    "special.ndtri": tf.math.ndtri,
    "special.i0": tf.math.bessel_i0,
    "special.i0e": tf.math.bessel_i0e,
    "special.i1": tf.math.bessel_i1,
    "special.bessel_j0": tf.math.special.bessel_j0,
    "special.gammainc": tf.math.igamma,
    # activations
    "softplus": plain(tf.math.softplus, 1, 20),
    "logsigmoid": tf.math.log_sigmoid,
    "leaky_relu": lambda x, negative_slope=0.01: tf.nn.leaky_relu(x, negative_slope),
    "elu": plain(tf.nn.elu, 1.0),
    "celu": lambda x, alpha=1.0: tf.keras.activations.celu(x, alpha),
    "gelu": lambda x: tf.nn.gelu(x),
    "mish": tf.keras.activations.mish,
    "glu": along(tf.keras.activations.glu),
    "tanhshrink": tf.keras.activations.tanh_shrink,
    "hardshrink": lambda x, lambd=0.5: tf.keras.activations.hard_shrink(x, lambd),
    "softshrink": lambda x, lambd=0.5: tf.keras.activations.soft_shrink(x, lambd),
    "hardtanh": plain(tf.keras.activations.hard_tanh, -1.0, 1.0),
    "hardsigmoid": tf.keras.activations.hard_sigmoid,
    "hardswish": tf.keras.activations.hard_silu,
    "threshold": lambda x, bound, value: tf.keras.activations.threshold(x, bound, value),
    "softmax": along(tf.nn.softmax),
    "log_softmax": along(tf.nn.log_softmax),
    # reductions
    "sum": reduction(tf.reduce_sum),
    "mean": reduction(tf.reduce_mean),
    "prod": reduction(tf.reduce_prod),
    "amax": reduction(tf.reduce_max),
    "amin": reduction(tf.reduce_min),
    "logsumexp": reduction(tf.reduce_logsumexp),
    "max": whole(tf.reduce_max),
    "min": whole(tf.reduce_min),
    "var": moment(tf.math.reduce_variance),
    "std": moment(tf.math.reduce_std),
    "argmax": position(tf.argmax),
    "argmin": position(tf.argmin),
    "all": lambda x, dim=None: tf.reduce_all(x, axis=dim),
    "any": lambda x, dim=None: tf.reduce_any(x, axis=dim),
    "count_nonzero": lambda x, dim=None: tf.math.count_nonzero(x, axis=dim),
    "cumsum": lambda x, dim: tf.cumsum(x, dim),
    "cumprod": lambda x, dim: tf.math.cumprod(x, dim),
    "logcumsumexp": lambda x, dim: tf.math.cumulative_logsumexp(x, dim),
    "topk": topk,
    "argsort": lambda x, dim=-1, descending=False: tf.argsort(x, dim, "DESCENDING" if descending else "ASCENDING"),
    "unique": lambda x: tf.unique(x).y,
    "searchsorted": lambda x, values, right=False: tf.searchsorted(x, values, "right" if right else "left"),
    # shapes
    "reshape": lambda x, *shape: tf.reshape(x, sizes(shape)),
    "t": tf.transpose,
    "transpose": transpose,
    "permute": lambda x, *dims: tf.transpose(x, sizes(dims)),
    "squeeze": squeeze,
    "unsqueeze": tf.expand_dims,
    "broadcast_to": tf.broadcast_to,
    "repeat_interleave": repeat_interleave,
    "diag_embed": plain(tf.linalg.diag),
    "diagonal": plain(tf.linalg.diag_part),
    "cat": lambda tensors, dim=0: tf.concat(tensors, dim),
    "stack": lambda tensors, dim=0: tf.stack(tensors, dim),
    "split": split,
    "chunk": chunk,
    "unbind": lambda x, dim=0: tf.unstack(x, axis=dim),
    "flip": tf.reverse,
    "roll": roll,
    "pad": pad,
    "meshgrid": meshgrid,
    # indexing
    "gather": gather,
    "index_select": lambda x, dim, index: tf.gather(x, index, axis=dim),
    "masked_select": masked_select,
    "nonzero": tf.where,
    "embedding": lambda index, weight: tf.nn.embedding_lookup(weight, index),
    "one_hot": lambda index, classes: tf.one_hot(index, classes, dtype=index.dtype),
    # matrices
    "matmul": tf.matmul,
    "mm": tf.matmul,
    "bmm": tf.matmul,
    "mv": tf.linalg.matvec,
    "tensordot": lambda a, b, dims=2: tf.tensordot(a, b, dims),
    "einsum": einsum,
    "trace": tf.linalg.trace,
    "cholesky_solve": lambda B, L: tf.linalg.cholesky_solve(L, B),
    "linalg.det": tf.linalg.det,
    "linalg.slogdet": tf.linalg.slogdet,
    "linalg.inv": tf.linalg.inv,
    "linalg.pinv": tf.linalg.pinv,
    "linalg.qr": qr,
    "linalg.svdvals": svdvals,
    "linalg.eigh": tf.linalg.eigh,
    "linalg.eigvalsh": tf.linalg.eigvalsh,
    "linalg.eig": tf.linalg.eig,
    "linalg.eigvals": tf.linalg.eigvals,
    "linalg.cholesky": cholesky,
    "linalg.solve": solve,
    "linalg.solve_triangular": solve_triangular,
    "linalg.matrix_exp": tf.linalg.expm,
    "linalg.cross": cross,
    "fft.fft": fourier(tf.signal.fft, complex_only=True),
    "fft.ifft": fourier(tf.signal.ifft, complex_only=True),
    "fft.rfft": fourier(tf.signal.rfft),
    "fft.irfft": fourier(tf.signal.irfft),
    # losses
    "cross_entropy": cross_entropy,
    "binary_cross_entropy_with_logits": bce_with_logits,
}

METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
    "abs": tf.abs,
    "real": tf.math.real,
    "imag": tf.math.imag,
    "mH": tf.linalg.adjoint,
    "T": tf.transpose,
    "dtype": lambda x: x.dtype,
    "shape": lambda x: x.shape.as_list(),
    "dim": lambda x: len(x.shape),
    "numel": lambda x: x.shape.num_elements(),
    "item": lambda x: x.numpy().item(),
    "tolist": lambda x: x.numpy().tolist(),
    "detach": tf.stop_gradient,
    "expand": expand,
    "repeat": lambda x, *times: tf.tile(x, sizes(times)),
    "to": tf.cast,
    "float": lambda x: tf.cast(x, tf.float32),
    "double": lambda x: tf.cast(x, tf.float64),
    "half": lambda x: tf.cast(x, tf.float16),
    "long": lambda x: tf.cast(x, tf.int64),
    "bool": lambda x: tf.cast(x, tf.bool),
}
