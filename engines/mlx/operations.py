"""Words of the language -> functions of mlx.core and mlx.nn, with the arguments renamed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import mlx.core as mx
from harness.engine import Unsupported
from harness.language.words import ATTRIBUTES
from mlx import nn


def sizes(args: tuple[Any, ...]) -> Any:
    """Sizes one by one, or in one list."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: function(x, axis=dim, keepdims=keepdim)


def moment(function: Callable[..., Any]) -> Callable[..., Any]:
    """The correction is ddof, which is 0 unless it is given."""

    def called(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool):
            raise Unsupported("there is ddof, and no unbiased")
        return function(x, axis=dim, ddof=correction, keepdims=keepdim)

    return called


def whole(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(x: Any, *rest: Any, **more: Any) -> Any:
        if rest or more:
            raise Unsupported("there is no extremum along a dimension that also tells the indices")
        return function(x)

    return called


def scan(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim: function(x, axis=dim)


def along(function: Callable[..., Any]) -> Callable[..., Any]:
    """Functions of one dimension, the last unless it is given."""
    return lambda x, dim=-1: function(x, axis=dim)


def loss(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda input, target, reduction="mean": function(input, target, reduction=reduction)


def transform(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n=None, dim=-1, norm=None: function(x, n, dim, norm or "backward")


def aligned(x: Any, dim: int, index: Any) -> None:
    """Indices broadcast in MLX; a word's need not be as large as the array."""
    if x.ndim != index.ndim or any(
        a != b for n, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if n != dim % x.ndim
    ):
        raise Unsupported("indices have the shape of the array but along one dimension")


def gather(x: Any, dim: int, index: Any) -> Any:
    aligned(x, dim, index)
    return mx.take_along_axis(x, index, axis=dim)


def scatter(x: Any, dim: int, index: Any, src: Any) -> Any:
    aligned(x, dim, index)
    if not isinstance(src, mx.array):
        raise Unsupported("mx.put_along_axis puts arrays")
    return mx.put_along_axis(x, index, src, axis=dim)


def index_add(x: Any, dim: int, index: Any, source: Any) -> Any:
    return x.at[(slice(None),) * (dim % x.ndim) + (index,)].add(source)


def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    if not accumulate:
        raise Unsupported("there is .at[].add, and nothing that replaces entries in a new array")
    if any(index.dtype == mx.bool_ for index in indices):
        raise Unsupported("indices of .at[] are numbers")
    return x.at[indices].add(values)


def split(x: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """mx.split takes the positions where pieces begin."""
    if isinstance(split_size_or_sections, int):
        raise Unsupported("mx.split takes positions, or a number of pieces")
    pieces = list(split_size_or_sections)
    return mx.split(x, [sum(pieces[:n]) for n in range(1, len(pieces))], axis=dim)


def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    if x.shape[dim] % chunks:
        raise Unsupported("mx.split makes pieces of one size")
    return mx.split(x, chunks, axis=dim)


def einsum(equation: str, *operands: Any) -> Any:
    if isinstance(operands[0], list):
        raise Unsupported("operands of mx.einsum stand one by one")
    return mx.einsum(equation, *operands)


def meshgrid(*arrays: Any, indexing: str = "ij") -> Any:
    if isinstance(arrays[0], list):
        raise Unsupported("arrays of mx.meshgrid stand one by one")
    return mx.meshgrid(*arrays, indexing=indexing)


def pad(x: Any, pad: Any, mode: str = "constant", value: float = 0) -> Any:
    """Margins are given from the last dimension on; MLX's from the first."""
    modes = {"constant": "constant", "replicate": "edge", "reflect": "reflect"}
    if mode not in modes or min(pad) < 0:
        raise Unsupported("mx.pad cuts nothing off, and has no circular margins")
    pairs = [(pad[n], pad[n + 1]) for n in range(0, len(pad), 2)][::-1]
    return mx.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, mode=modes[mode], constant_values=value)


def expand(x: Any, *shape: Any) -> Any:
    if -1 in sizes(shape):
        raise Unsupported("mx.broadcast_to knows no -1")
    return mx.broadcast_to(x, sizes(shape))


def squeeze(x: Any, dim: Any = None) -> Any:
    if dim is not None and x.ndim and any(x.shape[n] != 1 for n in (dim if isinstance(dim, (list, tuple)) else [dim])):
        raise Unsupported("mx.squeeze refuses dimensions of more than one entry")
    return mx.squeeze(x, dim)


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    return mx.linalg.norm(A, ord, dim, keepdim)


def solve(A: Any, B: Any, left: bool = True) -> Any:
    if not left or A.ndim != B.ndim:
        raise Unsupported("there is only A X = B, of matrices")
    return mx.linalg.solve(A, B)


def solve_triangular(A: Any, B: Any, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    if not left or unitriangular:
        raise Unsupported("there is only A x = b, with the diagonal of A")
    return mx.linalg.solve_triangular(A, B, upper=upper)


def svd(A: Any, full_matrices: bool = True) -> Any:
    if not full_matrices:
        raise Unsupported("mx.linalg.svd gives full matrices")
    return mx.linalg.svd(A)


def prelu(x: Any, weight: Any) -> Any:
    if weight.size != 1 or not x.ndim:
        raise Unsupported("slopes of nn.prelu broadcast as they are")
    return nn.prelu(x, weight)


def movedim(x: Any, source: Any, destination: Any) -> Any:
    if not isinstance(source, int):
        raise Unsupported("mx.moveaxis moves one dimension")
    return mx.moveaxis(x, source, destination)


def gelu(x: Any, approximate: str = "none") -> Any:
    return nn.gelu_approx(x) if approximate == "tanh" else nn.gelu(x)


def softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    if beta != 1 or threshold != 20:
        raise Unsupported("nn.softplus has no parameters")
    return nn.softplus(x)


def classes(target: Any) -> Any:
    """MLX reads whatever lies at a position outside of an array."""
    if mx.any(target < 0).item():
        raise Unsupported("every target is a class, and none is ignored")
    return target


def cross_entropy(input: Any, target: Any, *weight: Any, reduction: str = "mean", label_smoothing: float = 0.0) -> Any:
    if weight:
        raise Unsupported("the weights of nn.losses.cross_entropy are those of examples")
    if target.ndim == input.ndim:
        raise Unsupported("what nn.losses.cross_entropy is of targets that do not add up to 1 is not said")
    axis = min(1, input.ndim - 1)
    return nn.losses.cross_entropy(
        input, classes(target), axis=axis, label_smoothing=label_smoothing, reduction=reduction
    )


def nll_loss(input: Any, target: Any, *weight: Any, reduction: str = "mean") -> Any:
    if weight:
        raise Unsupported("nn.losses.nll_loss has no weights")
    return nn.losses.nll_loss(input, classes(target), axis=min(1, input.ndim - 1), reduction=reduction)


def bce(with_logits: bool) -> Callable[..., Any]:
    def called(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
        return nn.losses.binary_cross_entropy(input, target, weight, with_logits=with_logits, reduction=reduction)

    return called


def normalized(shape: Any) -> None:
    if not isinstance(shape, int) and len(shape) != 1:
        raise Unsupported("mx.fast normalizes over the last dimension")


def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    normalized(normalized_shape)
    return mx.fast.layer_norm(x, weight, bias, eps)


def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    normalized(normalized_shape)
    if eps is None:
        raise Unsupported("mx.fast.rms_norm has no default of eps")
    return mx.fast.rms_norm(x, weight, eps)


def attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, is_causal: bool = False, scale: float | None = None
) -> Any:
    if query.ndim != 4:
        raise Unsupported("mx.fast.scaled_dot_product_attention takes arrays of four dimensions")
    mask = "causal" if is_causal else attn_mask
    by = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return mx.fast.scaled_dot_product_attention(query, key, value, scale=by, mask=mask)


_SAME: Final = (
    "positive square reciprocal sqrt rsqrt exp expm1 log log1p log2 log10 sin cos tan sinh cosh tanh sigmoid sign floor ceil "
    "trunc erf erfinv remainder maximum minimum logaddexp isfinite isnan where matmul inner outer kron real imag conj tril "
    "triu zeros_like ones_like flatten diag trace"
)
"""Words that are names of mlx.core."""
_ACTIVATIONS: Final = "relu relu6 elu selu silu mish softsign leaky_relu hardswish"
"""Words that are names of mlx.nn."""

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: getattr(mx, word) for word in _SAME.split()},
    **{word: getattr(nn, word) for word in _ACTIVATIONS.split()},
    "tensor": lambda data, dtype=None: mx.array(data, dtype=dtype),
    "zeros": lambda *shape, dtype=mx.float32: mx.zeros(sizes(shape), dtype=dtype),
    "ones": lambda *shape, dtype=mx.float32: mx.ones(sizes(shape), dtype=dtype),
    "full": lambda size, value, dtype=None: mx.full(size, value, dtype=dtype),
    "eye": lambda n, m=None, dtype=mx.float32: mx.eye(n, m, dtype=dtype),
    "arange": lambda *limits, dtype=None: mx.arange(*limits, dtype=dtype),
    "clone": mx.array,
    # arithmetic
    "add": mx.add,
    "sub": mx.subtract,
    "mul": mx.multiply,
    "div": mx.divide,
    "pow": mx.power,
    "neg": mx.negative,
    "asin": mx.arcsin,
    "acos": mx.arccos,
    "atan": mx.arctan,
    "asinh": mx.arcsinh,
    "acosh": mx.arccosh,
    "atanh": mx.arctanh,
    "atan2": mx.arctan2,
    "deg2rad": mx.radians,
    "rad2deg": mx.degrees,
    "round": lambda x, decimals=0: mx.round(x, decimals),
    "clamp": lambda x, min=None, max=None: mx.clip(x, min, max),
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: mx.nan_to_num(x, nan, posinf, neginf),
    "eq": mx.equal,
    "ne": mx.not_equal,
    "lt": mx.less,
    "le": mx.less_equal,
    "gt": mx.greater,
    "ge": mx.greater_equal,
    "equal": lambda x, y: mx.array_equal(x, y).item(),
    # activations
    "celu": lambda x, alpha=1.0: nn.celu(x, alpha),
    "prelu": prelu,
    "gelu": gelu,
    "softplus": softplus,
    "logsigmoid": nn.log_sigmoid,
    "hardtanh": nn.hard_tanh,
    "hardshrink": nn.hard_shrink,
    "softshrink": nn.softshrink,
    "softmax": along(mx.softmax),
    "log_softmax": along(nn.log_softmax),
    "softmin": along(nn.softmin),
    "glu": along(nn.glu),
    # reductions
    **{word: reduction(getattr(mx, word)) for word in ("sum", "mean", "prod", "argmax", "argmin", "logsumexp")},
    "amax": reduction(mx.max),
    "amin": reduction(mx.min),
    "max": whole(mx.max),
    "min": whole(mx.min),
    "var": moment(mx.var),
    "std": moment(mx.std),
    "all": lambda x, dim=None: mx.all(x, axis=dim),
    "any": lambda x, dim=None: mx.any(x, axis=dim),
    "count_nonzero": lambda x, dim=None: mx.count_nonzero(x, axis=dim),
    "cumsum": scan(mx.cumsum),
    "cumprod": scan(mx.cumprod),
    "logcumsumexp": scan(mx.logcumsumexp),
    "diff": lambda x, n=1, dim=-1: mx.diff(x, n, dim),
    "argsort": along(mx.argsort),
    "searchsorted": lambda x, values, right=False: mx.searchsorted(x, values, "right" if right else "left"),
    # shapes
    "reshape": lambda x, *shape: mx.reshape(x, sizes(shape)),
    "t": mx.transpose,
    "transpose": mx.swapaxes,
    "permute": lambda x, *dims: mx.transpose(x, sizes(dims)),
    "movedim": movedim,
    "squeeze": squeeze,
    "unsqueeze": mx.expand_dims,
    "broadcast_to": mx.broadcast_to,
    "repeat_interleave": lambda x, repeats, dim=None: mx.repeat(x, repeats, dim),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: mx.diagonal(x, offset, dim1, dim2),
    "cat": lambda tensors, dim=0: mx.concatenate(tensors, dim),
    "stack": lambda tensors, dim=0: mx.stack(tensors, dim),
    "split": split,
    "chunk": chunk,
    "unbind": lambda x, dim=0: mx.unstack(x, axis=dim),
    "flip": mx.flip,
    "roll": lambda x, shifts, dims=None: mx.roll(x, shifts, dims),
    "pad": pad,
    "meshgrid": meshgrid,
    "as_strided": lambda x, size, stride, offset=0: mx.as_strided(x, size, stride, offset),
    # indexing
    "gather": gather,
    "scatter": scatter,
    "take": lambda x, index: mx.take(x, index),
    "index_select": lambda x, dim, index: mx.take(x, index, axis=dim),
    "index_add": index_add,
    "index_put": index_put,
    # matrices
    "einsum": einsum,
    "mm": mx.matmul,
    "mv": mx.matmul,
    "bmm": mx.matmul,
    "dot": mx.inner,
    "tensordot": lambda a, b, dims=2: mx.tensordot(a, b, dims),
    "addmm": lambda c, a, b, beta=1.0, alpha=1.0: mx.addmm(c, a, b, alpha=alpha, beta=beta),
    "linalg.det": mx.linalg.det,
    "linalg.slogdet": mx.linalg.slogdet,
    "linalg.inv": mx.linalg.inv,
    "linalg.pinv": mx.linalg.pinv,
    "linalg.qr": lambda A, mode="reduced": mx.linalg.qr(A),
    "linalg.svd": svd,
    "linalg.eigh": lambda A, UPLO="L": mx.linalg.eigh(A, UPLO),
    "linalg.eigvalsh": lambda A, UPLO="L": mx.linalg.eigvalsh(A, UPLO),
    "linalg.eig": mx.linalg.eig,
    "linalg.eigvals": mx.linalg.eigvals,
    "linalg.cholesky": lambda A, upper=False: mx.linalg.cholesky(A, upper),
    "linalg.solve": solve,
    "linalg.solve_triangular": solve_triangular,
    "linalg.cross": lambda a, b, dim=-1: mx.linalg.cross(a, b, dim),
    "linalg.norm": norm,
    "fft.fft": transform(mx.fft.fft),
    "fft.ifft": transform(mx.fft.ifft),
    "fft.rfft": transform(mx.fft.rfft),
    "fft.irfft": transform(mx.fft.irfft),
    # losses and layers
    "mse_loss": loss(nn.losses.mse_loss),
    "l1_loss": loss(nn.losses.l1_loss),
    "smooth_l1_loss": lambda x, t, reduction="mean", beta=1.0: nn.losses.smooth_l1_loss(x, t, beta, reduction),
    "huber_loss": lambda x, t, reduction="mean", delta=1.0: nn.losses.huber_loss(x, t, delta, reduction),
    "cross_entropy": cross_entropy,
    "nll_loss": nll_loss,
    "binary_cross_entropy": bce(with_logits=False),
    "binary_cross_entropy_with_logits": bce(with_logits=True),
    "gaussian_nll_loss": lambda x, t, var, full=False, eps=1e-6, reduction="mean": nn.losses.gaussian_nll_loss(
        x, t, var, full, eps, reduction
    ),
    "margin_ranking_loss": lambda a, b, t, margin=0.0, reduction="mean": nn.losses.margin_ranking_loss(
        a, b, t, margin, reduction
    ),
    "cosine_similarity": lambda a, b, dim=1, eps=1e-8: nn.losses.cosine_similarity_loss(a, b, dim, eps),
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "scaled_dot_product_attention": attention,
}

METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
    "expand": expand,
    "repeat": lambda x, *times: mx.tile(x, sizes(times)),
    "float": lambda x: x.astype(mx.float32),
    "double": lambda x: x.astype(mx.float64),
    "half": lambda x: x.astype(mx.float16),
    "long": lambda x: x.astype(mx.int64),
    "bool": lambda x: x.astype(mx.bool_),
}
