"""What Paddle calls the operations of the language: where they are, and the keywords that it spells in another way.

Operations that take other operands under the same name (bilinear, whose bias is a row; index_fill; polygamma) are left out.
Where an operation gives something else than its namesake (values without positions), `paddle.compat` has one that does not."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import paddle
from harness.engine import Unsupported

_FOUND_IN = {
    "": """
        neg reciprocal maximum minimum fmax fmin atan2 hypot logaddexp copysign nextafter lerp where masked_fill remainder
        isfinite isnan sign sgn exp expm1 log log1p log2 log10 sqrt rsqrt square sin cos tan asin acos atan tanh sinh cosh
        asinh acosh atanh sigmoid logit erf erfinv lgamma digamma sinc floor ceil trunc frac deg2rad rad2deg
        sum mean prod nansum nanmean amax amin argmax argmin quantile logsumexp dist cdist all any
        count_nonzero cumsum cumprod cummax cummin logcumsumexp diff argsort topk kthvalue
        reshape t squeeze unsqueeze repeat_interleave diagonal diag tril triu unbind chunk
        stack flip roll rot90 broadcast_to take index_select masked_select matmul mm mv dot inner
        outer kron bmm addmm baddbmm trace real imag conj angle polar complex
        zeros_like ones_like full arange clone i0 i0e i1 add sub mul div pow clamp nan_to_num eq ne lt le gt ge heaviside
        var mode concat scatter_add transpose permute flatten diag_embed tensordot trapezoid positive
        view_as_real view_as_complex renorm round index_put masked_scatter searchsorted meshgrid
        """,
    "nn.functional": """
        relu relu6 leaky_relu prelu elu selu celu silu mish softplus softsign tanhshrink hardtanh hardsigmoid
        hardswish hardshrink softshrink softmax log_softmax glu mse_loss l1_loss nll_loss
        binary_cross_entropy kl_div hinge_embedding_loss margin_ranking_loss
        cosine_embedding_loss triplet_margin_loss multi_margin_loss soft_margin_loss gaussian_nll_loss poisson_nll_loss
        cosine_similarity pairwise_distance normalize conv1d conv2d
        lp_pool1d lp_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d pixel_shuffle embedding
        gelu layer_norm binary_cross_entropy_with_logits
        """,
    "linalg": """
        det inv cholesky qr svd svdvals eigh eigvalsh pinv matrix_power matrix_exp multi_dot matrix_norm vector_norm
        householder_product eig eigvals
        """,
    "fft": "fft ifft irfft rfft",
    "compat": "max min median nanmedian sort split",
    "compat.nn.functional": "linear pad unfold scaled_dot_product_attention",
}
_CALLED = {"cat": "concat", "logsigmoid": "nn.functional.log_sigmoid", "special.i0": "i0", "special.i0e": "i0e"}
_CALLED |= {"special.i1": "i1", "linalg.solve": "linalg.solve", "linalg.slogdet": "compat.slogdet"}
_CALLED |= {"movedim": "moveaxis", "linalg.cross": "cross", "cholesky_solve": "linalg.cholesky_solve"}
_CALLED |= {"conv_transpose1d": "nn.functional.conv1d_transpose"}
_SPELLED = {
    "dim": "axis",
    "min_val": "min",
    "max_val": "max",
    "lambd": "threshold",
    "eps": "epsilon",
    "ord": "p",
    "target": "label",
    "var": "variance",
    "tensors": "x",
    "maxnorm": "max_norm",
}
"""Keywords of the language that Paddle spells in another way; a word may keep some of them."""
_KEEPS = {"cumprod": {"dim"}, "cosine_similarity": {"eps"}, "logit": {"eps"}, "softmax": set()}
_ALSO = {"tensordot": {"dims": "axes"}}
_KEEPS |= {word: {"dim"} for word in _FOUND_IN["compat"].split()}
_METHODS = """
    neg reciprocal sign exp expm1 log log1p sqrt rsqrt square sin cos tan tanh sinh cosh sigmoid floor ceil trunc sum mean prod
    max min amax amin argmax argmin logsumexp cumsum cumprod reshape t squeeze unsqueeze diagonal tril triu unbind chunk flip roll
    matmul mm mv dot bmm trace abs add sub mul div pow clamp masked_fill index_select masked_select var isnan topk
    transpose permute flatten diag_embed conj index_put masked_scatter unfold
    """


def names() -> dict[str, Any]:
    """Free words -> what Paddle has."""
    found: dict[str, Any] = {
        "zeros": lambda *sizes, **given: paddle.zeros(_sizes(sizes), **given),
        "ones": lambda *sizes, **given: paddle.ones(_sizes(sizes), **given),
        "einsum": _einsum,
        "dropout": _dropout,
        "avg_pool1d": _avg_pool1d,
        "avg_pool2d": _avg_pool2d,
        "max_pool1d": functools.partial(_max_pool, paddle.nn.functional.max_pool1d),
        "max_pool2d": functools.partial(_max_pool, paddle.nn.functional.max_pool2d),
        "conv_transpose2d": _conv_transpose2d,
        "group_norm": _group_norm,
        "fold": _fold,
        "block_diag": lambda *matrices: paddle.block_diag(matrices),
        "polygamma": lambda n, x: paddle.polygamma(x, n),
        "index_add": lambda x, dim, index, source, alpha=1: paddle.index_add(x, index, dim, source, alpha=alpha),
        "index_fill": lambda x, dim, index, value: paddle.index_fill(x, index, dim, value),
        "gather": lambda x, dim, index: paddle.take_along_axis(x, index, dim, broadcast=False),
        "scatter": lambda x, dim, index, src: paddle.put_along_axis(x, index, src, dim, broadcast=False),
    }
    for module, words in _FOUND_IN.items():
        for word in words.split():
            language = f"{module}.{word}" if module in ("linalg", "fft") else word
            if word not in ("concat", "i0", "i0e", "i1"):
                found[language] = _spelled(language, operator.attrgetter(f"{module}.{word}".strip("."))(paddle))
    return found | {word: _spelled(word, operator.attrgetter(name)(paddle)) for word, name in _CALLED.items()}


def attributes() -> dict[str, Any]:
    """Methods."""
    return {word: _method(word) for word in _METHODS.split()}


def _einsum(equation: str, *operands: Any) -> Any:
    if isinstance(operands[0], list):
        raise Unsupported("operands are not given as a list")
    return paddle.einsum(equation, *operands)


def _dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    return paddle.nn.functional.dropout(x, p, training=training, inplace=inplace)


def _avg_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    return paddle.nn.functional.avg_pool1d(
        x, kernel_size, stride, padding, exclusive=not count_include_pad, ceil_mode=ceil_mode
    )


def _avg_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    return paddle.nn.functional.avg_pool2d(
        x, kernel_size, stride, padding, ceil_mode, not count_include_pad, divisor_override
    )


def _max_pool(
    pool: Callable[..., Any],
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    if dilation != 1:
        raise Unsupported("windows have no gaps")
    return pool(x, kernel_size, stride, padding, ceil_mode=ceil_mode)


def _conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    return paddle.nn.functional.conv2d_transpose(x, weight, bias, stride, padding, output_padding, dilation, groups)


def _group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return paddle.nn.functional.group_norm(x, num_groups, eps, weight, bias)


def _fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    return paddle.nn.functional.fold(x, output_size, kernel_size, stride, padding, dilation)


def _sizes(given: tuple[Any, ...]) -> Any:
    return given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else list(given)


def _keywords(word: str, given: dict[str, Any]) -> dict[str, Any]:
    kept, spelled = _KEEPS.get(word, set()), _SPELLED | _ALSO.get(word, {})
    return {key if key in kept else spelled.get(key, key): value for key, value in given.items()}


def _spelled(word: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*operands: Any, **given: Any) -> Any:
        return function(*operands, **_keywords(word, given))

    return call


def _method(word: str) -> Callable[..., Any]:
    def call(x: Any, *operands: Any, **given: Any) -> Any:
        return getattr(x, word)(*operands, **_keywords(word, given))

    return call
