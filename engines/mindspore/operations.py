"""Words of the language -> functions of mindspore.ops, with the arguments renamed.

mindspore.mint, whose functions have PyTorch's names and arguments, has kernels for Ascend, and few for the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import mindspore as ms
from harness.engine import Unsupported
from harness.language.words import ATTRIBUTES
from mindspore import mint, ops


def sizes(args: tuple[Any, ...]) -> Any:
    """Sizes one by one, or in one list."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else args


def filled(made: Any) -> Any:
    """What comes of a tensor without elements is whatever lay in memory, as kernels are not run for it."""
    if made.size == 0:
        raise Unsupported("kernels of MindSpore take no shape that contains zero")
    return made


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """The dimension and whether it is kept, by position."""
    return lambda x, dim=None, keepdim=False: function(x, _hashable(dim), keepdim)


def _hashable(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def along(function: Callable[..., Any]) -> Callable[..., Any]:
    """Functions of one dimension, the last unless it is given."""
    return lambda x, dim=-1: function(x, dim)


def loss(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda input, target, reduction="mean": function(input, target, reduction=reduction)


def pad(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    return ops.pad(x, tuple(pad), mode, value)


def solve(A: Any, B: Any, left: bool = True) -> Any:
    if not left or A.ndim != B.ndim:
        raise Unsupported("ops.matrix_solve solves A X = B, of matrices")
    return ops.matrix_solve(A, B)


_SAME: Final = (
    "mul neg pow float_power reciprocal square sqrt rsqrt exp exp2 expm1 log log1p log2 log10 sin cos tan asin acos "
    "atan sinh cosh tanh asinh acosh atanh atan2 sigmoid erf erfc erfinv lgamma digamma sinc xlogy sign sgn floor ceil round "
    "trunc frac deg2rad rad2deg logit fmod remainder maximum minimum fmax fmin hypot logaddexp logaddexp2 ldexp "
    "copysign nextafter heaviside positive addcmul addcdiv where masked_fill isfinite isnan eq ne lt le gt ge "
    "relu relu6 silu selu mish logsigmoid softsign tanhshrink hardsigmoid hardswish celu elu gelu softplus hardshrink "
    "softshrink hardtanh threshold prelu cumprod logsumexp matmul mm mv bmm outer kron trace addmm baddbmm "
    "tril triu diagonal diag_embed flip rot90 movedim narrow masked_select nonzero "
    "zeros_like ones_like"
)
"""Words that are names of mindspore.ops, with the same arguments."""

OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: getattr(ops, word) for word in _SAME.split()},
    "tensor": lambda data, dtype=None: filled(ms.Tensor(data, dtype)),
    "zeros": lambda *shape, dtype=None: filled(ops.zeros(sizes(shape), dtype)),
    "ones": lambda *shape, dtype=None: filled(ops.ones(sizes(shape), dtype)),
    "full": lambda size, value, dtype=None: ops.full(sizes((size,)), value, dtype=dtype),
    "eye": lambda n, m=None, dtype=None: ops.eye(n, m, dtype),
    "arange": lambda *limits, dtype=None: ops.arange(*limits, dtype=dtype),
    "clone": lambda x: x.copy(),
    # arithmetic
    "add": mint.add,
    "sub": mint.sub,
    "polygamma": lambda n, x: ops.polygamma(ms.Tensor(n), x),
    "div": lambda x, y, rounding_mode=None: ops.div(x, y, rounding_mode=rounding_mode),
    "clamp": lambda x, min=None, max=None: ops.clamp(x, min, max),
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: ops.nan_to_num(x, nan, posinf, neginf),
    "equal": mint.equal,
    "special.i0": ops.bessel_i0,
    "special.i0e": ops.bessel_i0e,
    "special.i1": ops.bessel_i1,
    "special.bessel_j0": ops.bessel_j0,
    # activations
    "leaky_relu": lambda x, negative_slope=0.01: ops.leaky_relu(x, negative_slope),
    "softmax": along(ops.softmax),
    "log_softmax": along(ops.log_softmax),
    "softmin": along(ops.softmin),
    "glu": along(ops.glu),
    # reductions
    **{word: getattr(mint, word) for word in ("sum", "mean", "prod", "max", "min")},
    **{word: reduction(getattr(ops, word)) for word in ("nansum", "nanmean", "amax", "amin")},
    "argmax": reduction(ops.argmax),
    "argmin": reduction(ops.argmin),
    "all": lambda x, dim=None: mint.all(x, dim) if dim is not None else mint.all(x),
    "any": lambda x, dim=None: mint.any(x, dim) if dim is not None else mint.any(x),
    "cumsum": lambda x, dim, dtype=None: ops.cumsum(x, dim, dtype),
    "cummax": lambda x, dim: ops.cummax(x, dim),
    "cummin": lambda x, dim: ops.cummin(x, dim),
    "logcumsumexp": lambda x, dim: ops.logcumsumexp(x, dim),
    "diff": lambda x, n=1, dim=-1: ops.diff(x, n, dim),
    "sort": lambda x, dim=-1, descending=False: ops.sort(x, dim, descending),
    "argsort": lambda x, dim=-1, descending=False: ops.argsort(x, dim, descending),
    "topk": lambda x, k, dim=-1, largest=True, sorted=True: ops.topk(x, k, dim, largest, sorted),
    "searchsorted": lambda x, values, right=False: ops.searchsorted(x, values, right=right),
    # shapes
    "reshape": lambda x, *shape: ops.reshape(x, sizes(shape)),
    "flatten": lambda x, start_dim=0, end_dim=-1: ops.flatten(x, start_dim=start_dim, end_dim=end_dim),
    "t": ops.t,
    "transpose": ops.swapaxes,
    "permute": lambda x, *dims: ops.permute(x, sizes(dims)),
    "squeeze": lambda x, dim=None: ops.squeeze(x, _hashable(dim)),
    "unsqueeze": ops.unsqueeze,
    "broadcast_to": lambda x, shape: ops.broadcast_to(x, tuple(shape)),
    "repeat_interleave": lambda x, repeats, dim=None: ops.repeat_interleave(x, repeats, dim),
    "diag": mint.diag,
    "cat": lambda tensors, dim=0: ops.cat(tensors, dim),
    "stack": lambda tensors, dim=0: ops.stack(tensors, dim),
    "split": lambda x, pieces, dim=0: ops.split(x, pieces, dim),
    "chunk": lambda x, chunks, dim=0: ops.chunk(x, chunks, dim),
    "unbind": lambda x, dim=0: ops.unbind(x, dim),
    "pad": pad,
    # indexing
    "gather": ops.gather_elements,
    "index_select": lambda x, dim, index: ops.index_select(x, dim, index),
    "index_fill": lambda x, dim, index, value: ops.index_fill(x, dim, index, value),
    # matrices
    "linear": lambda x, weight, bias=None: ops.dense(x, weight, bias),
    "tensordot": lambda a, b, dims=2: ops.tensor_dot(a, b, dims),
    "linalg.det": ops.det,
    "linalg.inv": ops.inverse,
    "linalg.cholesky": lambda A, upper=False: ops.cholesky(A, upper),
    "linalg.solve": solve,
    "linalg.matrix_power": ops.matrix_power,
    # losses and layers
    "mse_loss": loss(ops.mse_loss),
    "l1_loss": loss(ops.l1_loss),
    "smooth_l1_loss": lambda x, t, reduction="mean", beta=1.0: ops.smooth_l1_loss(x, t, beta, reduction),
    "huber_loss": lambda x, t, reduction="mean", delta=1.0: ops.huber_loss(x, t, reduction, delta),
    "cross_entropy": ops.cross_entropy,
    "nll_loss": ops.nll_loss,
    "binary_cross_entropy_with_logits": ops.binary_cross_entropy_with_logits,
    "pixel_shuffle": ops.pixel_shuffle,
}

METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    **{word: function for word, function in OPERATIONS.items() if word in ATTRIBUTES},
    "abs": ops.abs,
    "detach": ops.stop_gradient,
    "expand": lambda x, *shape: ops.broadcast_to(x, sizes(shape)),
    "repeat": lambda x, *times: ops.tile(x, sizes(times)),
    "view": lambda x, *shape: ops.reshape(x, sizes(shape)),
    "to": ops.cast,
    "float": lambda x: x.float(),
    "double": lambda x: x.double(),
    "half": lambda x: x.half(),
    "long": lambda x: x.long(),
    "bool": lambda x: x.bool(),
}
