"""MyGrad's operations under the names of the language: arguments are renamed and reordered, nothing is composed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mygrad as mg
from harness.engine import Unsupported
from mygrad.nnet import activations, layers, losses


def _axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f([2, 3])`` alike."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else sizes


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, keepdim=False: function(x, axis=_axes(dim), keepdims=keepdim)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, dim: Any = None, correction: int = 1, keepdim: bool = False) -> Any:
        if isinstance(dim, bool) or isinstance(correction, bool):
            raise Unsupported("ddof is a number")
        return function(x, axis=_axes(dim), ddof=correction, keepdims=keepdim)

    return call


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, dim: Any = None) -> Any:
        if dim is not None:
            raise Unsupported("max and min tell values without positions, of one tensor")
        return function(x)

    return call


def _vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, list) and len(dim) == 1:
        (dim,) = dim
    if isinstance(dim, list) or (dim is None and x.ndim != 1 and ord != 2):
        raise Unsupported("norms are of vectors along one axis")
    if ord == 0:
        raise Unsupported("the count of nonzero entries is refused: it is not differentiable")
    return mg.linalg.norm(x, ord=None if dim is None and ord == 2 else ord, axis=dim, keepdims=keepdim)


def _norm(x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, list) or (ord is not None and dim is None and x.ndim != 1):
        raise Unsupported("norms are of vectors along one axis")
    return mg.linalg.norm(x, ord=ord, axis=dim, keepdims=keepdim)


def _argument(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None: function(x, axis=dim)


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if (start_dim, end_dim) != (0, -1):
        raise Unsupported("flatten() takes all dimensions")
    return x.flatten()


def _expand(x: Any, *sizes: Any) -> Any:
    if -1 in _sizes(sizes):
        raise Unsupported("broadcast_to takes every size")
    return mg.broadcast_to(x, _sizes(sizes))


def _einsum(equation: str, *operands: Any) -> Any:
    if any(isinstance(operand, list) for operand in operands):
        raise Unsupported("einsum takes its operands one by one")
    return mg.einsum(equation, *operands)


def _cross_entropy(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, target: Any, reduction: str = "mean") -> Any:
        if reduction != "mean" or x.ndim != 2 or target.shape != x.shape[:1]:
            raise Unsupported("the mean over rows of classes only")
        return function(x, target)

    return call


def _margin_ranking(x: Any, y: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    if reduction != "mean" or not 0 < x.ndim < 3:
        raise Unsupported("the mean over rows only")
    return losses.margin_ranking_loss(x, y, target, margin)


def _convolution(dimensions: int) -> Callable[..., Any]:
    def call(x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
        if bias is not None or x.ndim != dimensions + 2 or isinstance(padding, str):
            raise Unsupported("conv_nd takes a batch and no bias")
        return layers.conv_nd(x, weight, stride=_axes(stride), padding=_axes(padding), dilation=_axes(dilation))

    return call


def _max_pool(dimensions: int) -> Callable[..., Any]:
    def call(x: Any, kernel_size: Any, stride: Any = None) -> Any:
        pool = tuple(kernel_size) if isinstance(kernel_size, list) else (kernel_size,) * dimensions
        return layers.max_pool(x, pool, pool if stride is None else _axes(stride))

    return call


def _batch_norm(
    x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, training: bool = False, eps: float = 1e-5
) -> Any:
    if mean is not None or var is not None or not training:
        raise Unsupported("there are no running statistics")
    return layers.batchnorm(x, gamma=weight, beta=bias, eps=eps)


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    # elementwise
    "add": mg.add, "sub": mg.subtract, "mul": mg.multiply, "div": mg.divide, "pow": mg.power,
    "neg": mg.negative, "positive": mg.positive, "reciprocal": mg.reciprocal, "square": mg.square,
    "maximum": mg.maximum, "minimum": mg.minimum, "atan2": mg.arctan2, "where": mg.where,
    "logaddexp": mg.logaddexp, "logaddexp2": mg.logaddexp2, "abs": mg.absolute,
    "exp": mg.exp, "exp2": mg.exp2, "expm1": mg.expm1, "sqrt": mg.sqrt,
    "log": mg.log, "log1p": mg.log1p, "log2": mg.log2, "log10": mg.log10,
    "sin": mg.sin, "cos": mg.cos, "tan": mg.tan, "asin": mg.arcsin, "acos": mg.arccos, "atan": mg.arctan,
    "sinh": mg.sinh, "cosh": mg.cosh, "tanh": mg.tanh, "asinh": mg.arcsinh, "acosh": mg.arccosh, "atanh": mg.arctanh,
    "eq": mg.equal, "ne": mg.not_equal, "lt": mg.less, "le": mg.less_equal, "gt": mg.greater, "ge": mg.greater_equal,
    "isfinite": mg.isfinite, "isnan": mg.isnan,
    "clamp": lambda x, min=None, max=None: mg.clip(x, min, max),
    # activations
    "relu": activations.relu, "selu": activations.selu, "sigmoid": activations.sigmoid, "softsign": activations.soft_sign,
    "elu": lambda x, alpha=1.0: activations.elu(x, alpha),
    "leaky_relu": lambda x, negative_slope=0.01: activations.leaky_relu(x, negative_slope),
    "hardtanh": lambda x, min_val=-1, max_val=1: activations.hard_tanh(x, lower_bound=min_val, upper_bound=max_val),
    "softmax": lambda x, dim: activations.softmax(x, axis=dim),
    "log_softmax": lambda x, dim: activations.logsoftmax(x, axis=dim),
    "glu": lambda x, dim=-1: activations.glu(x, axis=dim),
    # reductions
    "sum": _reduction(mg.sum), "mean": _reduction(mg.mean), "prod": _reduction(mg.prod),
    "amax": _reduction(mg.amax), "amin": _reduction(mg.amin), "max": _extreme(mg.max), "min": _extreme(mg.min),
    "var": _spread(mg.var), "std": _spread(mg.std), "any": _argument(mg.any),
    "argmax": _argument(mg.argmax), "argmin": _argument(mg.argmin),
    "cumsum": lambda x, dim: mg.cumsum(x, axis=dim), "cumprod": lambda x, dim: mg.cumprod(x, axis=dim),
    "norm": _vector_norm, "linalg.vector_norm": _vector_norm, "linalg.norm": _norm,
    # shapes
    "reshape": lambda x, *shape: mg.reshape(x, _sizes(shape)), "flatten": _flatten, "t": mg.transpose,
    "transpose": mg.swapaxes, "permute": lambda x, *dims: mg.transpose(x, *_sizes(dims)),
    "movedim": lambda x, source, destination: mg.moveaxis(x, _axes(source), _axes(destination)),
    "squeeze": lambda x, dim=None: mg.squeeze(x, axis=_axes(dim)), "unsqueeze": mg.expand_dims,
    "expand": _expand, "broadcast_to": _expand, "roll": lambda x, shifts, dims=None: mg.roll(x, _axes(shifts), _axes(dims)),
    "repeat_interleave": lambda x, repeats, dim=None: mg.repeat(x, repeats, axis=dim),
    "cat": lambda tensors, dim=0: mg.concatenate(tensors, axis=dim), "stack": lambda tensors, dim=0: mg.stack(tensors, axis=dim),
    # matrices
    **dict.fromkeys(("matmul", "mm", "mv", "dot", "bmm"), mg.matmul), "einsum": _einsum, "linalg.multi_dot": mg.multi_matmul,
    # losses and layers
    "cross_entropy": _cross_entropy(losses.softmax_crossentropy),
    "nll_loss": _cross_entropy(losses.negative_log_likelihood), "margin_ranking_loss": _margin_ranking,
    "conv1d": _convolution(1), "conv2d": _convolution(2), "max_pool1d": _max_pool(1), "max_pool2d": _max_pool(2),
    "batch_norm": _batch_norm,
}  # fmt: skip
