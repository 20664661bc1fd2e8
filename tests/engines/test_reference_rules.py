"""Every operation of the reference's vocabulary: its rule against finite differences, once and twice, its conventions
where there is no derivative, and its values (where installed) against PyTorch."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.engines.test_reference import ENGINE, PACKAGE, grad, inner, kind_of, labels_behind, numeric_gradient, tensor
from tests.engines.test_reference import weights as cotangent

W: dict[str, Callable[..., Any]] = importlib.import_module(f"{PACKAGE.__name__}.adapter").WORDS
OPERATIONS = importlib.import_module(f"{PACKAGE.__name__}.operations.define").OPERATIONS

Numbers = np.ndarray[Any, Any]
A: Numbers = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
B: Numbers = np.array([[1.1, 0.4, -0.9], [-1.6, 2.2, 0.8]])
C: Numbers = A + 1j * B
POSITIVE: Numbers = np.abs(A) + 0.2
FRACTIONS: Numbers = np.array([[0.1, 0.35, 0.6], [0.8, 0.45, 0.95]])
SQUARE: Numbers = np.array([[2.0, 0.3, -0.5], [0.1, 1.5, 0.4], [-0.6, 0.2, 3.0]])
SYMMETRIC: Numbers = SQUARE + SQUARE.T
TALL: Numbers = np.array([[1.0, 0.3], [-0.4, 2.0], [0.5, 0.7]])
SIGNAL: Numbers = np.cos(np.arange(30) * 1.3).reshape(1, 2, 15)
IMAGE: Numbers = np.cos(np.arange(60) * 1.3).reshape(1, 2, 6, 5)
FILTER: Numbers = IMAGE[:, :, :3, :2].transpose(1, 0, 2, 3).copy()
MASK = [[True, False, True], [False, False, True]]
INDEX = [[2, 0], [1, 1]]


def unary(name: str, *arrays: Numbers, **options: Any) -> list[Any]:
    return [(lambda a: W[name](a, **options), [array]) for array in arrays]


def binary(name: str, one: Numbers = A, other: Numbers = B) -> list[Any]:
    return [(lambda a, b: W[name](a, b), [one, other]), (lambda a, b: W[name](a, b), [one, other[0]])]


def symmetrized(name: str, pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Of a function of symmetric matrices: finite differences move one element, which must move its mirror, too."""
    return lambda a: pick(W[name]((a + a.t()) / 2))


SAMPLES: dict[str, list[tuple[Callable[..., Any], list[Numbers]]]] = {
    "masked_fill": [
        (lambda a: a.masked_fill(tensor(MASK), 0.5), [A]),
        (lambda a, v: a.masked_fill(tensor(MASK), v), [A, np.array(0.3)]),
    ],
    "nan_to_num": unary("nan_to_num", A),
    "positive": unary("positive", A),
    "square": unary("square", A, C),
    "float_power": [(lambda a: a.float_power(3), [A])],
    "reciprocal": unary("reciprocal", A, C),
    "rsqrt": unary("rsqrt", POSITIVE),
    "exp2": unary("exp2", A),
    "expm1": unary("expm1", A),
    "log1p": unary("log1p", POSITIVE),
    "log2": unary("log2", POSITIVE),
    "log10": unary("log10", POSITIVE),
    "deg2rad": unary("deg2rad", A),
    "rad2deg": unary("rad2deg", A),
    "tan": unary("tan", A / 3, C / 3),
    "asin": unary("asin", A / 3),
    "acos": unary("acos", A / 3),
    "atan": unary("atan", A),
    "sinh": unary("sinh", A, C),
    "cosh": unary("cosh", A),
    "asinh": unary("asinh", A),
    "acosh": unary("acosh", POSITIVE + 1),
    "atanh": unary("atanh", A / 3),
    "atan2": binary("atan2"),
    "hypot": binary("hypot"),
    "sinc": unary("sinc", A),
    "ceil": unary("ceil", A + 0.13),
    "trunc": [*unary("trunc", A + 0.13), *unary("frac", A + 0.13)],
    "round": unary("round", A + 0.13) + unary("round", A + 0.013, decimals=1),
    "div_floor": [(lambda a, b: W["div"](a, b, rounding_mode="floor"), [A + 0.13, B])],
    "div_trunc": [(lambda a, b: W["div"](a, b, rounding_mode="trunc"), [A + 0.13, B])],
    "fmod": binary("fmod", A + 0.13),
    "maximum": binary("maximum"),
    "minimum": binary("minimum"),
    "fmax": binary("fmax"),
    "fmin": binary("fmin"),
    "clamp": [
        (lambda a: a.clamp(-1.0, 1.0), [A]),
        (lambda a, b: a.clamp(min=b), [A, B]),
        (lambda a, b, c: a.clamp(b, c), [A, B[0], np.array(0.45)]),
    ],
    "copysign": [(lambda a, b: W["copysign"](a, b), [A, B])],
    "logaddexp": binary("logaddexp"),
    "logaddexp2": binary("logaddexp2"),
    "xlogy": binary("xlogy", A, POSITIVE),
    "special_xlog1py": binary("special.xlog1py", A, POSITIVE),
    "erf": unary("erf", A),
    "erfc": unary("erfc", A),
    "erfinv": unary("erfinv", A / 3),
    "special_erfcx": unary("special.erfcx", A),
    "erfcx_slope": [],  # the rule of erfcx
    "special_ndtr": unary("special.ndtr", A),
    "special_log_ndtr": unary("special.log_ndtr", A),
    "special_ndtri": unary("special.ndtri", FRACTIONS),
    "lgamma": unary("lgamma", POSITIVE),
    "digamma": unary("digamma", POSITIVE, A),
    "polygamma": [(lambda a: W["polygamma"](2, a), [POSITIVE]), (lambda a: W["polygamma"](1, a), [A])],
    "igamma": [(lambda b: W["special.gammainc"](tensor(POSITIVE), b), [POSITIVE.T.copy().reshape(2, 3)])],
    "i0": unary("i0", A),
    "special_i0e": unary("special.i0e", A),
    "special_i1": unary("special.i1", A, A * 3),
    "special_i1e": unary("special.i1e", A),
    "special_bessel_j0": unary("special.bessel_j0", A, A * 9),
    "special_bessel_j1": unary("special.bessel_j1", A),
    "special_entr": unary("special.entr", POSITIVE),
    "logit": unary("logit", FRACTIONS) + unary("logit", FRACTIONS, eps=0.17),
    "sgn": unary("sgn", A),
    "angle": unary("angle", A),
    "complex": [(lambda a, b: W["complex"](a, b), [A, B]), (lambda a, b: W["polar"](a, b), [A, B])],
    "hardtanh": unary("hardtanh", A) + unary("relu6", A) + unary("hardsigmoid", A) + unary("hardswish", A),
    "leaky_relu": unary("leaky_relu", A, negative_slope=0.2) + unary("rrelu", A),
    "prelu": [(lambda a, w: W["prelu"](a, w), [A, np.array([0.2, 0.3, 0.4])])],
    "elu": unary("elu", A, alpha=0.7) + unary("selu", A) + unary("celu", A, alpha=2.0),
    "gelu": unary("gelu", A),
    "softmax": unary("softmax", A, dim=0) + unary("softmin", A, dim=1),
    "log_softmax": unary("log_softmax", A, dim=1),
    "squeeze": [(lambda a: a[None].squeeze(0), [A]), (lambda a: a[:, None].squeeze(), [A])],
    "unsqueeze": unary("unsqueeze", A, dim=-1),
    "diagonal": unary("diagonal", SQUARE, A, offset=1) + unary("trace", SQUARE),
    "put_on_diagonal": unary("diag_embed", A, offset=-1) + unary("diag", A[0]),
    "unfold": [(lambda a: a.unfold(1, 2, 1), [A]), (lambda a: a.unfold(-1, 3, 2), [SIGNAL])],
    "fold_windows": [],  # the rule of unfold
    "flip": unary("flip", A) + unary("rot90", A),
    "roll": [(lambda a: a.roll(1, 1), [A]), (lambda a: a.roll((1, -1), (0, 1)), [A]), (lambda a: a.roll(2), [A])],
    "tril": unary("tril", SQUARE, diagonal=-1),
    "triu": unary("triu", SQUARE),
    "cat": [(lambda a, b: W["cat"]([a, b, a], 1), [A, B]), (lambda a, b: W["stack"]([a, b], -1), [A, B])],
    "gather": [(lambda a: a.gather(1, tensor(INDEX)), [A]), (lambda a: a.sort(0).values, [A]), (lambda a: a.median(1).values, [A])],
    "scatter": [
        (lambda a, b: a.scatter(1, tensor([[2, 0], [1, 0]]), b), [A, B]),
        (lambda a: a.scatter(0, tensor([[1, 0, 0]]), 0.3), [A]),
    ],
    "scatter_add": [(lambda a, b: a.scatter_add(1, tensor(INDEX), b), [A, B])],
    "index_add": [(lambda a, b: a.index_add(0, tensor([1, 1]), b, alpha=2), [A, B])],
    "amax": [*unary("amax", A), *unary("amax", A, dim=1), *unary("max", A)],
    "amin": [*unary("amin", A, dim=0, keepdim=True), *unary("min", A)],
    "cumsum": unary("cumsum", A, dim=1),
    "logsumexp": unary("logsumexp", A, dim=1) + unary("logsumexp", A, dim=(0, 1), keepdim=True),
    "var": unary("var", A) + unary("var", A, dim=1, correction=0),
    "std": unary("std", A, dim=1, keepdim=True) + unary("std", A),
    "linalg_vector_norm": [
        *unary("linalg.vector_norm", A, C),
        *unary("linalg.vector_norm", A, ord=3, dim=1),
        *unary("linalg.vector_norm", A, ord=1),
        *unary("linalg.vector_norm", A, ord=0.5),
        *unary("linalg.vector_norm", A, ord=math.inf, dim=0, keepdim=True),
        *unary("linalg.vector_norm", A, ord=-math.inf),
    ],
    "median": unary("median", A),
    "linalg_inv": unary("linalg.inv", SQUARE),
    "linalg_solve": [
        (lambda a, b: W["linalg.solve"](a, b), [SQUARE, TALL]),
        (lambda a, b: W["linalg.solve"](a, b), [SQUARE, A[0]]),
    ],
    "linalg_det": unary("linalg.det", SQUARE, np.array([[1.0, 2.0], [2.0, 4.0]]), np.ones((1, 1)), np.stack([SQUARE, SYMMETRIC])),
    "linalg_slogdet": [(lambda a: W["linalg.slogdet"](a).logabsdet, [SQUARE]), *unary("logdet", SQUARE)],
    "sign_of_det": [(lambda a: W["linalg.slogdet"](a).sign, [SQUARE])],
    "linalg_pinv": unary("linalg.pinv", TALL, TALL.T.copy()),
    "linalg_matrix_exp": unary("linalg.matrix_exp", SQUARE, np.stack([SQUARE, SYMMETRIC])),
    "matrix_exp_derivative": [],  # the rule of the exponential
    "linalg_eigh": [
        (symmetrized("linalg.eigh", lambda e: e.eigenvalues), [SQUARE]),
        (symmetrized("linalg.eigh", lambda e: e.eigenvectors * e.eigenvectors), [SQUARE]),
    ],
    "linalg_eigvalsh": [(symmetrized("linalg.eigvalsh", lambda e: e), [SQUARE])],
    "linalg_svd": [
        (lambda a: W["linalg.svd"](a, False).S, [TALL]),
        (lambda a: W["linalg.svd"](a, False).U ** 2, [TALL]),
        (lambda a: W["linalg.svd"](a, True).Vh ** 2, [SQUARE]),
    ],
    "linalg_svdvals": unary("linalg.svdvals", TALL, SQUARE),
    "linalg_lu_factor": [(lambda a: W["linalg.lu_factor"](a).LU, [SQUARE])],
    "linalg_qr": [
        (lambda a: W["linalg.qr"](a).Q, [TALL]),
        (lambda a: W["linalg.qr"](a).R, [TALL]),
        (lambda a: W["linalg.qr"](a).R, [TALL.T.copy()]),
        (lambda a: W["linalg.qr"](a, "complete").Q, [SQUARE]),
    ],
    "linalg_cholesky": [(symmetrized("linalg.cholesky", lambda e: e), [SQUARE])],
    "binary_cross_entropy": [(lambda a, b: W["binary_cross_entropy"](a, b, reduction="none"), [FRACTIONS, FRACTIONS[::-1].copy()])],
    "einsum": [
        (lambda a, b: W["einsum"]("ij,kj->ik", a, b), [A, B]),
        (lambda a: W["einsum"]("ii->i", a), [SQUARE]),
        (lambda a, b: W["einsum"]("...i,i", a, b), [A, B[0]]),
        (lambda a, b: W["einsum"]("ij,k->j", a, b), [A, B[0]]),
        (lambda a, b, c: W["einsum"]("ij,jk,kl", a, b, c), [A, SQUARE, TALL]),
    ],
    "fft_fft": unary("fft.fft", C, A) + unary("fft.fft", C, n=5) + unary("fft.fft", C, n=2, norm="ortho"),
    "fft_ifft": unary("fft.ifft", C, dim=0),
    "fft_rfft": unary("fft.rfft", A) + unary("fft.rfft", A, n=6),
    "fft_irfft": unary("fft.irfft", C, n=5, norm="forward") + unary("fft.irfft", C),
    # what is composed of others
    "softshrink": unary("softshrink", A, lambd=0.4) + unary("hardshrink", A, lambd=0.4),
    "threshold": unary("threshold", A, threshold=0.1, value=2.0),
    "gelu by tanh": unary("gelu", A, approximate="tanh"),
    "prod": [*unary("prod", A), *unary("prod", np.array([2.0, 0.0, 3.0])), *unary("prod", A, dim=1, keepdim=True)],
    "cumprod": unary("cumprod", A, dim=1) + unary("cumprod", np.array([2.0, 0.0, 3.0, 0.5]), dim=0),
    "logcumsumexp": unary("logcumsumexp", A, dim=1),
    "quantile": [(lambda a: a.quantile(0.3, 1), [A])],
    "scatter_reduce": [
        (lambda a, b, how=how: a.scatter_reduce(1, tensor(INDEX), b, how), [A, B])
        for how in ("sum", "prod", "mean", "amax", "amin")
    ],
    "index_put": [(lambda a, b: W["index_put"](a, (tensor([1, 1]),), b, accumulate=True), [A, B[0]]),
        (lambda a, b: W["index_put"](a, (tensor([1, -1]), tensor([0, 0])), b, accumulate=True), [A, B[0, :2].copy()]),
        (lambda a, b: W["index_put"](a, (tensor(MASK),), b, accumulate=True), [A, B[0]]),
    ],
    "pad": [
        *unary("pad", A, pad=(1, 2), value=0.5),
        *unary("pad", IMAGE, pad=(2, 1, 1, 0), mode="reflect"),
        *unary("pad", IMAGE, pad=(2, 1), mode="replicate"),
        *unary("pad", IMAGE, pad=(2, 1), mode="circular"),
    ],
    "repeat": [(lambda a: a.repeat(2, 1, 2), [A]), (lambda a: a.repeat_interleave(2, 1), [A])],
    "block_diag": [(lambda a, b: W["block_diag"](a, b), [A, B])],
    "kron": [(lambda a, b: W["kron"](a, b), [A, B])],
    "tensordot": [(lambda a, b: W["tensordot"](a, b, ([1], [0])), [A, SQUARE])],
    "cross": [(lambda a, b: W["linalg.cross"](a, b), [A, B])],
    "solve_triangular": [(lambda a, b: W["linalg.solve_triangular"](a, b, upper=True), [SQUARE, TALL])],
    "matrix_power": unary("linalg.matrix_power", SQUARE, n=3) + unary("linalg.matrix_power", SQUARE, n=-2),
    "matrix_norm": unary("linalg.matrix_norm", SQUARE, ord="nuc") + unary("linalg.matrix_norm", SQUARE, ord=1),
    "conv1d": [(lambda x, w, b: W["conv1d"](x, w, b, stride=2, padding=1), [SIGNAL, IMAGE[:, :, :3, 0], np.array([0.3])])],
    "conv2d": [(lambda x, w: W["conv2d"](x, w, dilation=2, groups=2), [IMAGE, np.cos(np.arange(8.0)).reshape(2, 1, 2, 2)])],
    "conv_transpose2d": [
        (lambda x, w: W["conv_transpose2d"](x, w, stride=2, padding=1), [IMAGE[..., :3, :2], FILTER])
    ],
    "fold": [(lambda x: W["fold"](W["unfold"](x, 2, stride=2), (6, 4), 2, stride=2), [IMAGE[..., :4].copy()])],
    "max_pool2d": [(lambda x: W["max_pool2d"](x, 2, stride=1, padding=1), [IMAGE])],
    "avg_pool1d": [(lambda x: W["avg_pool1d"](x, 3, stride=2, padding=1, count_include_pad=False), [SIGNAL])],
    "adaptive_avg_pool2d": [(lambda x: W["adaptive_avg_pool2d"](x, (3, 2)), [IMAGE])],
    "lp_pool1d": [(lambda x: W["lp_pool1d"](x, 2, 3), [SIGNAL])],
    "layer_norm": [(lambda x, w, b: W["layer_norm"](x, (3,), w, b), [A, B[0], B[1]])],
    "rms_norm": [(lambda x, w: W["rms_norm"](x, (3,), w), [A, B[0]])],
    "batch_norm": [(lambda x, w: W["batch_norm"](x, None, None, w, training=True), [A, B[0]])],
    "group_norm": [(lambda x: W["group_norm"](x, 2), [IMAGE])],
    "attention": [
        (lambda q, k, v: W["scaled_dot_product_attention"](q, k, v, is_causal=True), [A[None], B[None], (A * B)[None]])
    ],
    "embedding": [(lambda w: W["embedding"](tensor([[0, 1], [1, 1]]), w), [A])],
    "embedding_bag": [(lambda w: W["embedding_bag"](tensor([0, 1, 1]), w, tensor([0, 1, 3])), [A])],
    "interpolate": [
        (lambda x: W["interpolate"](x, size=(4, 7), mode="bilinear", align_corners=True), [IMAGE]),
        (lambda x: W["interpolate"](x, scale_factor=2), [SIGNAL]),
    ],
    "bilinear": [(lambda x, y, w: W["bilinear"](x, y, w), [A, B, SQUARE.reshape(1, 3, 3)])],
    "huber_loss": [(lambda x, t: W["huber_loss"](x, t, delta=0.7), [A, B])],
    "cross_entropy": [
        (lambda x: W["cross_entropy"](x, tensor([2, 0]), tensor([0.5, 1.0, 2.0], dtype="float64"), label_smoothing=0.1), [A]),
        (lambda x, t: W["cross_entropy"](x, t), [A, FRACTIONS]),
    ],
    "kl_div": [(lambda x, t: W["kl_div"](x, t, "batchmean"), [A, FRACTIONS])],
    "cosine_similarity": [(lambda x, t: W["cosine_similarity"](x, t), [A, B])],
    "triplet_margin_loss": [(lambda a, b, c: W["triplet_margin_loss"](a, b, c, margin=3.0), [A, B, A * B])],
    "multi_margin_loss": [(lambda x: W["multi_margin_loss"](x, tensor([2, 0]), p=2), [A])],
    "ctc_loss": [
        (lambda x: W["ctc_loss"](x.log_softmax(-1), tensor([[1, 2]]), [4], [2]), [SIGNAL.reshape(5, 1, 6)[:4, :, :3]])
    ],
}  # fmt: skip

NOT_DIFFERENTIABLE = {
    *("argsort", "argmax", "argmin", "argcummax", "argcummin", "argmedian", "argmode", "nonzero", "searchsorted"),
    *("one_hot", "isnan", "isfinite", "all", "any", "count_nonzero"),
}
REFUSED = {"heaviside", "unique"}
RANDOM = {"bernoulli"}
ELSEWHERE = {
    "nextafter": "between neighbouring numbers there are no finite differences",
    "linalg_eig": "complex eigenvectors are determined up to a phase",
}


def test_every_operation_has_a_sample() -> None:
    assert OPERATIONS.keys() - SAMPLES.keys() == {*NOT_DIFFERENTIABLE, *REFUSED, *RANDOM, *ELSEWHERE}


CASES = [
    pytest.param(name, function, arrays, operand, id=f"{name}-{number}-{operand}")
    for name, samples in SAMPLES.items()
    for number, (function, arrays) in enumerate(samples)
    for operand in range(len(arrays))
]


@pytest.mark.parametrize(("name", "function", "arrays", "operand"), CASES)
def test_rule_against_finite_differences(name: str, function: Any, arrays: list[Numbers], operand: int) -> None:
    def result_at(array: Numbers, tracked: bool = True) -> tuple[Any, Any]:
        x = tensor(array, requires_grad=tracked)
        return x, function(*(x if i == operand else tensor(a) for i, a in enumerate(arrays)))

    x, result = result_at(arrays[operand])
    weight = cotangent(result.shape, result.dtype)
    if name in OPERATIONS:
        assert name in labels_behind(result)

    def gradient_at(array: Numbers) -> Numbers:
        x, result = result_at(array)
        got: Numbers = grad(result, x, tensor(weight))[0].numpy()
        return got

    (first,) = grad(result, x, tensor(weight), create_graph=True)
    assert (first.shape, first.dtype) == (x.shape, x.dtype)
    expected = numeric_gradient(lambda a: inner(weight, result_at(a, False)[1].numpy()), arrays[operand])
    np.testing.assert_allclose(first.detach().numpy(), expected, rtol=2e-6, atol=1e-6)

    if first.requires_grad:  # and the derivative of the derivative
        second_weight = cotangent(first.shape, first.dtype)[..., ::-1].copy() if first.shape else np.array(0.7)
        second = grad(first, x, tensor(second_weight), allow_unused=True)[0]
        expected = numeric_gradient(lambda a: inner(second_weight, gradient_at(a)), arrays[operand])
        got = np.zeros_like(expected) if second is None else second.numpy()
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=3e-6)


# -- where there is no derivative --------------------------------------------------------------------------------------

INF, NAN = math.inf, math.nan
CONVENTIONS: list[tuple[str, Callable[[Any], Any], list[float], list[float]]] = [
    ("hardtanh at its bounds", lambda x: W["hardtanh"](x), [-1, 0, 1], [0, 1, 0]),
    ("hardswish at its kinks", lambda x: W["hardswish"](x), [-3, 3], [0, 1]),
    ("softshrink at its bounds", lambda x: W["softshrink"](x, 0.5), [-0.5, 0.5, 0.6], [0, 0, 1]),
    ("leaky_relu at 0", lambda x: W["leaky_relu"](x, 0.1), [0], [0.1]),
    ("clamp at its bounds", lambda x: x.clamp(-1.0, 0.5), [-1, 0, 0.5], [1, 1, 1]),
    ("clamp with crossed bounds", lambda x: x.clamp(2.0, 1.0), [0, 1.5, 3], [0, 0, 0]),
    ("maximum at a tie", lambda x: W["maximum"](x, tensor([1.0], dtype="float64")), [1, 2], [0.5, 1]),
    ("max shares", lambda x: x.max(), [1, 3, 3], [0, 0.5, 0.5]),
    ("max along a dimension does not", lambda x: x.max(0).values, [1, 3, 3], [0, 1, 0]),
    ("cummax takes the last", lambda x: x.cummax(0).values, [1, 3, 3, 2], [1, 1, 2, 0]),
    ("median shares", lambda x: x.median(), [1, 2, 2, 2, 5], [0, 1 / 3, 1 / 3, 1 / 3, 0]),
    ("norm of zeros", lambda x: W["linalg.vector_norm"](x), [0, 0], [0, 0]),
    ("std of equal numbers", lambda x: x.std(), [2, 2, 2], [0, 0, 0]),
    ("sinc at 0", lambda x: W["sinc"](x), [0], [0]),
    ("xlogy at 0", lambda x: W["xlogy"](x, tensor([0.0, 2.0], dtype="float64")), [0, 0], [0, math.log(2)]),
    ("sqrt at 0 masked too late", lambda x: W["where"](x > 0, x.sqrt(), x * 0), [0, 4], [NAN, 0.25]),
    ("prod with two zeros", lambda x: x.prod(), [0, 2, 0], [0, 0, 0]),
    ("asin at its ends", lambda x: W["asin"](x), [-1, 1, 2], [INF, INF, NAN]),
    ("sums do not look at NaN", lambda x: x.sum(), [1, NAN], [1, 1]),
    ("nansum does", lambda x: x.nansum(), [1, NAN], [1, 0]),
    ("normalize of zeros", lambda x: W["normalize"](x, dim=0, eps=0.5), [0, 0], [2, 2]),
    ("max_pool takes the first", lambda x: W["max_pool1d"](x[None], 4), [1, 1, 1, 1], [1, 0, 0, 0]),
]


@pytest.mark.parametrize(("function", "at", "expected"), [c[1:] for c in CONVENTIONS], ids=[c[0] for c in CONVENTIONS])
@pytest.mark.parametrize("create_graph", [False, True])
def test_convention(function: Any, at: list[float], expected: list[float], create_graph: bool) -> None:
    x = tensor(np.array(at, float), requires_grad=True)
    got = grad(function(x).sum(), x, create_graph=create_graph)[0].detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_an_incoming_nan_does_not_reach_what_was_not_selected() -> None:
    functions: list[Callable[[Any], Any]] = [
        lambda x: x.relu(),
        lambda x: x.clamp(min=0.0),
        lambda x: W["maximum"](x, tensor([0.0, 5.0], dtype="float64")),
        lambda x: x.masked_fill(tensor([True, False]), 1.0),
        lambda x: W["where"](tensor([False, True]), x, x.detach()),
    ]
    for function in functions:
        x = tensor(np.array([-1.0, 7.0]), requires_grad=True)
        y = function(x)
        y.backward(tensor(np.full(y.shape, NAN)))
        assert x.grad[0].item() == 0
        assert math.isnan(x.grad[1].item())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: W["heaviside"](x, tensor([0.5])),
        lambda x: W["unique"](x),
        lambda x: W["special.gammainc"](x, tensor([2.0])),
    ],
)
def test_no_derivative(function: Any) -> None:
    assert kind_of(function(tensor([3.0], requires_grad=True)).sum().backward) == "no-derivative"


@pytest.mark.parametrize("name", sorted(NOT_DIFFERENTIABLE & W.keys()))
def test_positions_and_truth_values_have_no_history(name: str) -> None:
    arguments = {"searchsorted": [tensor([0.5])], "one_hot": [3]}.get(name, [])
    x = tensor([1, 2]) if name == "one_hot" else tensor([3.0, 1.0, 2.0], requires_grad=True)
    assert not W[name](x, *arguments).requires_grad


def test_refusals() -> None:
    two, tall = tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True), tensor(TALL, requires_grad=True)
    refused: tuple[tuple[Callable[[], Any], str], ...] = (
        (lambda: W["linalg.inv"](two), "singular-matrix"),
        (lambda: W["linalg.cholesky"](tensor([[1.0, 2.0], [2.0, 1.0]])), "not-positive-definite"),
        (lambda: W["zeros"](0).max(), "empty-reduction"),
        (lambda: W["binary_cross_entropy"](tensor([1.5]), tensor([1.0])), "out-of-domain"),
        (lambda: W["batch_norm"](W["ones"](1, 2), None, None, training=True), "too-few-values"),
        (lambda: W["cat"]([]), "invalid-argument"),
        (lambda: two.sum(5), "invalid-argument"),
        (lambda: two[tensor([7])], "index-out-of-range"),
        (lambda: W["leaky_relu"](two, slope=1), "invalid-argument"),
        (lambda: W["maximum"](two), "invalid-argument"),
        (lambda: W["l1_loss"](two, two, reduction="median"), "invalid-argument"),
        (W["linalg.qr"](tall, "complete").Q.sum().backward, "no-derivative"),
        (W["linalg.qr"](tall, "r").R.sum().backward, "no-derivative"),
    )
    for call, kind in refused:
        assert kind_of(call) == kind


# -- random numbers ----------------------------------------------------------------------------------------------------


def test_a_seed_repeats() -> None:
    drawn = []
    for _ in range(2):
        W["manual_seed"](3)
        drawn.append([W["rand"](3).tolist(), W["randn"](2, 2).tolist(), W["bernoulli"](W["full"]((9,), 0.5)).tolist()])
    assert drawn[0] == drawn[1]


def test_dropout_uses_one_mask_in_both_directions() -> None:
    W["manual_seed"](0)
    x = W["ones"](1000, requires_grad=True)
    y = W["dropout"](x, 0.25)
    y.sum().backward()
    assert ((y != 0) == (x.grad != 0)).all()
    assert 650 < int((y != 0).sum()) < 850
    assert x.grad.max().item() == pytest.approx(4 / 3)
    for p, kept in ((1.0, 0.0), (0.0, 1.0)):
        x.grad = None
        W["dropout"](x, p).sum().backward()
        assert x.grad.sum().item() == 1000 * kept


def test_samples_have_no_derivative() -> None:
    p = tensor([0.25, 0.75], requires_grad=True)
    W["bernoulli"](p).sum().backward()
    assert p.grad.tolist() == [0, 0]
    assert not W["multinomial"](p, 1).requires_grad


# -- values ------------------------------------------------------------------------------------------------------------


def test_special_functions_to_the_last_digits() -> None:
    special = importlib.import_module(f"{PACKAGE.__name__}.special")
    for function, at, expected in (  # Abramowitz and Stegun; DLMF
        (special.digamma, 1.0, -0.5772156649015329),
        (special.digamma, -0.5, 0.03648997397857652),
        (special.polygamma(1), 1.0, math.pi**2 / 6),
        (special.polygamma(1), -0.5, math.pi**2 / 2 + 4),
        (special.inverse_erf, 0.5, 0.4769362762044699),
        (special.inverse_erfc, 1e-300, 26.209469960516124),
        (special.ndtri, 0.975, 1.959963984540054),
        (special.erfcx, 10.0, 0.05614099274382259),
        (special.i0, 1.0, 1.2660658777520084),
        (special.i1, 1.0, 0.5651591039924850),
        (special.i0e, 100.0, 0.03994437929909668),
        (special.bessel_j0, 1.0, 0.7651976865579666),
        (special.bessel_j1, 1.0, 0.4400505857449335),
        (special.bessel_j0, -1e8, 3.206029534041208e-05),
        (special.bessel_j1, -100.0, 0.07714535201411216),
        (special.polygamma(2), -10.7, -68.8454998385991),
        (special.log_ndtr, -30.0, -454.32124395634319),
    ):
        assert function(at) == pytest.approx(expected, rel=3e-14)
    assert special.gammainc(2.0, 3.0) == pytest.approx(1 - 4 * math.exp(-3), rel=1e-14)
    assert special.gammainc(1.0, 2.0) == pytest.approx(1 - math.exp(-2), rel=1e-14)
    assert [special.lgamma(-1.0), special.digamma(0.0)] == [INF, -INF]


def test_nothing_overflows_on_the_way() -> None:
    big = tensor(np.array([1000.0, -1000.0]), requires_grad=True)
    for name, expected in {
        "logsigmoid": [0.0, -1000.0],
        "softplus": [1000.0, 0.0],
        "mish": [1000.0, 0.0],
        "silu": [1000.0, 0.0],
        "gelu": [1000.0, 0.0],
        "elu": [1000.0, -1.0],
    }.items():
        y = W[name](big)
        np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-300)
        (g,) = grad(y.sum(), big, create_graph=True)
        (h,) = grad(g.sum(), big, allow_unused=True)
        assert np.isfinite(g.detach().numpy()).all()
        assert h is None or np.isfinite(h.numpy()).all()
    assert W["linalg.vector_norm"](tensor(np.array([3e200, 4e200]))).item() == pytest.approx(5e200)


def test_derivatives_where_the_textbook_cancels_or_overflows() -> None:
    for name, at, expected in (
        ("expm1", -40.0, 4.248354255291589e-18),
        ("sinc", 1e-8, -3.2898681336964526e-8),
        ("asinh", 1e200, 1e-200),
        ("elu", -40.0, 4.248354255291589e-18),
        ("special.erfcx", 1e5, -5.6418958346312785e-11),
    ):
        x = tensor(np.array(at), requires_grad=True)
        assert grad(W[name](x), x)[0].item() == pytest.approx(expected, rel=1e-13), name
    for size in (1e-200, 1e200):
        a, b = (tensor(np.array(size), requires_grad=True) for _ in range(2))
        got = [g.item() * size for g in grad(W["atan2"](a, b), [a, b])]
        assert got == pytest.approx([0.5, -0.5], rel=1e-13)
    x = tensor(np.array([1000.0]), requires_grad=True)
    loss = W["soft_margin_loss"](x, tensor(np.array([-1.0])))
    assert [loss.item(), grad(loss, x)[0].item()] == [1000.0, 1.0]


def test_integers() -> None:
    """Results of integers have the dtype, and the values, that they have in PyTorch."""
    whole = tensor([-3, 0, 2])
    for result, dtype, values in (
        (W["hardtanh"](whole), "int64", [-1, 0, 1]),
        (W["div"](whole, tensor([2, 2, -1]), rounding_mode="floor"), "int64", [-2, 0, -2]),
        (W["div"](whole, tensor([2, 2, -1]), rounding_mode="trunc"), "int64", [-1, 0, -2]),
        (W["pow"](tensor([-1, 1, 2]), tensor([-3, -2, -1])), "int64", [-1, 1, 0]),
        (W["pow"](2.0, whole), "float32", [0.125, 1.0, 4.0]),
        (W["ldexp"](whole, tensor([1, 1, 1])), "float32", [-6.0, 0.0, 4.0]),
        (W["logit"](tensor([0, 1])), "float32", [-INF, INF]),
        (W["logsumexp"](tensor([0, 0]), 0), "float32", pytest.approx(math.log(2))),
        (W["clamp"](tensor(np.array(0.75)), -1.0, 0.5), "float64", 0.5),
    ):
        assert (str(result.dtype), result.tolist()) == (dtype, values)


def test_tensors_of_one_number_and_of_none() -> None:
    x, nothing = tensor(np.array(2.5), requires_grad=True), W["zeros"](0, 3, requires_grad=True)
    for chosen in (W["topk"](x, 1, 0), W["kthvalue"](x, 1, 0), W["mode"](x, 0)):
        assert (chosen.values.item(), chosen.indices.item(), grad(chosen.values, x)[0].item()) == (2.5, 0, 1)
    assert W["block_diag"](x, x).tolist() == [[2.5, 0], [0, 2.5]]
    assert W["transpose"](x, 0, -1).shape == ()
    assert W["pad"](nothing[:, :0], (1, 2), value=1.0).shape == (0, 3)
    assert math.isnan(W["median"](nothing).item())
    assert W["multinomial"](nothing, 2).shape == (0, 2)
    for refused in (
        lambda: W["mode"](nothing, 0),
        lambda: W["quantile"](nothing, 0.5),
        lambda: W["linalg.vector_norm"](nothing, INF),
    ):
        assert kind_of(refused) == "empty-reduction"
    for refused in (
        lambda: W["tril"](x),
        lambda: W["roll"](x, 1, 0),
        lambda: x.unbind(0),
        lambda: W["glu"](W["zeros"](3)),
        lambda: W["kthvalue"](W["zeros"](3), 4),
        lambda: W["polygamma"](10**9, x),
    ):
        assert kind_of(refused) == "invalid-argument"


def test_sums_of_half_precision_are_added_in_single() -> None:
    x = tensor([1.0], dtype="float16", requires_grad=True)
    x.expand(4096).sum().backward()
    assert x.grad.item() == 4096


def test_reading_a_word_back() -> None:
    assert ENGINE.read(tensor([[1.0, 2.0]]).max(1).values).values == [2.0]
