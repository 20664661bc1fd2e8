"""tinygrad's operations under the names of the language: arguments are renamed and reordered, nothing is composed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.engine import Unsupported
from tinygrad import Tensor

SAME = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "exp2", "floor", "log",
    "log10", "log2", "reciprocal", "relu", "relu6", "round", "rsqrt", "sigmoid", "sign", "silu", "sin", "sinh", "softsign",
    "sqrt", "square", "tan", "tanh", "trunc", "mish", "logsigmoid", "hardswish", "neg", "isfinite", "isnan", "selu",
    "mul", "sub", "add", "div", "fmod", "maximum", "minimum", "logaddexp", "copysign", "eq", "ne", "lerp",
    "masked_fill", "masked_select", "elu", "celu", "hardtanh", "matmul", "flatten", "reshape", "permute", "transpose",
    "unsqueeze", "expand", "repeat", "repeat_interleave", "diagonal", "tril", "triu", "split", "chunk", "roll",
    "gather", "scatter_reduce", "one_hot", "normalize", "detach", "clone", "contiguous", "cross_entropy",
    "scaled_dot_product_attention", "view", "unfold", "half", "float", "double", "long", "bool",
)  # fmt: skip
"""Spelled and called as in the language."""


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False, **options: function(x, axis=_axes(dim), keepdim=keepdim, **options)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Tensor, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool) or isinstance(correction, bool):
            raise Unsupported("the correction is a number")
        return function(x, axis=_axes(dim), keepdim=keepdim, correction=correction)

    return call


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Tensor, dim: Any = None) -> Any:
        if dim is not None:
            raise Unsupported("max and min tell values without positions, of one tensor")
        return function(x)

    return call


def _along(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim: function(x, axis=dim)


def _sizes(kernel_size: Any, dimensions: int) -> tuple[int, ...]:
    return tuple(kernel_size) if isinstance(kernel_size, (list, tuple)) else (kernel_size,) * dimensions


def _max_pool(dimensions: int) -> Callable[..., Any]:
    def call(
        x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> Any:
        return x.max_pool2d(_sizes(kernel_size, dimensions), _axes(stride), _axes(dilation), _axes(padding), ceil_mode)

    return call


def _avg_pool(dimensions: int) -> Callable[..., Any]:
    def call(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Any:
        sizes = _sizes(kernel_size, dimensions)
        return x.avg_pool2d(sizes, _axes(stride), 1, _axes(padding), ceil_mode, count_include_pad)

    return call


def _convolution(
    x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    if isinstance(padding, str) or x.ndim != weight.ndim:
        raise Unsupported("a convolution takes a batch, and paddings in numbers")
    return x.conv2d(weight, bias, groups, _axes(stride), _axes(dilation), _axes(padding))


def _transposed_convolution(
    x: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    if x.ndim != weight.ndim:
        raise Unsupported("a convolution takes a batch")
    sizes = (_axes(size) for size in (stride, dilation, padding, output_padding))
    return x.conv_transpose2d(weight, bias, groups, *sizes)


def _pow(x: Any, exponent: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise Unsupported("operations are methods of tensors")
    return x.pow(exponent)


def _meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    first, *rest = tensors[0] if isinstance(tensors[0], list) else tensors
    return first.meshgrid(*rest, indexing=indexing)


def _squeeze(x: Tensor, dim: Any = None) -> Tensor:
    if isinstance(dim, (list, tuple)):
        raise Unsupported("squeeze takes one dimension")
    return x.squeeze(dim)


def _nll_loss(x: Tensor, target: Tensor, weight: Any = None, **options: Any) -> Tensor:
    if x.ndim < 2:
        raise Unsupported("nll_loss takes a batch")
    return x.nll_loss(target, weight, **options)


def _layer_norm(x: Tensor, normalized_shape: Any, eps: float = 1e-5) -> Tensor:
    return x.layernorm(axis=tuple(range(-len(normalized_shape), 0)), eps=eps)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **{word: getattr(Tensor, word) for word in SAME},
    "where": lambda condition, x, y: condition.where(x, y),
    "pow": _pow,
    "remainder": Tensor.mod,
    "clamp": lambda x, min=None, max=None: x.clamp(min, max),
    "gelu": lambda x, approximate="none": x.gelu(approximate),
    "leaky_relu": lambda x, negative_slope=0.01: x.leaky_relu(negative_slope),
    "hardsigmoid": lambda x: x.hardsigmoid(),
    "softplus": lambda x, beta=1.0: x.softplus(beta),
    "softmax": lambda x, dim, dtype=None: x.softmax(dim, dtype),
    "log_softmax": lambda x, dim, dtype=None: x.log_softmax(dim, dtype),
    "softmin": lambda x, dim, dtype=None: x.softmin(dim, dtype),
    # reductions and scans
    "sum": _reduction(Tensor.sum), "mean": _reduction(Tensor.mean), "prod": _reduction(Tensor.prod),
    "amax": _reduction(Tensor.max), "amin": _reduction(Tensor.min), "all": _reduction(Tensor.all), "any": _reduction(Tensor.any),
    "max": _extreme(Tensor.max), "min": _extreme(Tensor.min), "logsumexp": _reduction(Tensor.logsumexp),
    "argmax": _reduction(Tensor.argmax), "argmin": _reduction(Tensor.argmin),
    "var": _spread(Tensor.var), "std": _spread(Tensor.std), "var_mean": _spread(Tensor.var_mean),
    "cumsum": _along(Tensor.cumsum), "cumprod": _along(Tensor.cumprod), "logcumsumexp": _along(Tensor.logcumsumexp),
    "cummax": _along(Tensor.cummax), "cummin": _along(Tensor.cummin),
    "sort": lambda x, dim=-1, descending=False: x.sort(dim, descending),
    "argsort": lambda x, dim=-1, descending=False: x.argsort(dim, descending),
    "topk": lambda x, k, dim=-1, largest=True, sorted=True: x.topk(k, dim, largest, sorted),
    # shapes and indices
    "t": lambda x: x.transpose(), "squeeze": _squeeze, "diag": lambda x: x.diag(), "flip": lambda x, dims: x.flip(_axes(dims)),
    "cat": lambda tensors, dim=0: Tensor.cat(*tensors, dim=dim), "stack": lambda tensors, dim=0: Tensor.stack(*tensors, dim=dim),
    "meshgrid": _meshgrid,
    "pad": lambda x, pad, mode="constant", value=0.0: x.pad(tuple(pad), mode, value),
    "scatter": lambda x, dim, index, src: x.scatter(dim, index, src),
    "scatter_add": lambda x, dim, index, src: x.scatter_reduce(dim, index, src, "sum"),
    # matrices
    **dict.fromkeys(("mm", "mv", "bmm"), Tensor.matmul), "dot": Tensor.dot,
    "einsum": Tensor.einsum,
    "linalg.qr": lambda A: A.qr(), "linalg.svd": lambda A, full_matrices=True: A.svd(full_matrices),
    # losses and layers
    "nll_loss": _nll_loss,
    "binary_cross_entropy": lambda x, y, reduction="mean": x.binary_crossentropy(y, reduction),
    "binary_cross_entropy_with_logits": lambda x, y, reduction="mean", pos_weight=None: x.binary_crossentropy_logits(
        y, reduction, pos_weight
    ),
    "conv1d": _convolution, "conv2d": _convolution,
    "conv_transpose1d": _transposed_convolution, "conv_transpose2d": _transposed_convolution,
    "max_pool1d": _max_pool(1), "max_pool2d": _max_pool(2), "avg_pool1d": _avg_pool(1), "avg_pool2d": _avg_pool(2),
    "layer_norm": _layer_norm,
}  # fmt: skip
