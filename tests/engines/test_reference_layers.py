"""What a table of derivatives does not say of linear algebra, windows and layers: what is refused, what comes of integers,
where the windows lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.engines.test_reference import ENGINE, PACKAGE, inner, kind_of, tensor
from tests.engines.test_reference_rules import W

SIGNAL = tensor([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]])
IMAGE = tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
MATRIX = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
INTEGERS = tensor([[0, 1], [1, 2]])


def values(result: Any) -> Any:
    return ENGINE.read(result).values


@pytest.mark.parametrize(
    ("word", "arguments", "keywords", "kind"),
    [
        ("mm", (MATRIX, MATRIX), {}, "invalid-argument"),
        ("outer", (MATRIX, MATRIX[0]), {}, "invalid-argument"),
        ("linalg.inv", (MATRIX,), {}, "invalid-argument"),
        ("linalg.svd", (MATRIX[0],), {}, "invalid-argument"),
        ("linalg.eigh", (INTEGERS,), {}, "not-floating"),
        ("linalg.det", (INTEGERS,), {}, "not-floating"),
        ("linalg.matrix_norm", (MATRIX, 3), {}, "invalid-argument"),
        ("linalg.multi_dot", ([MATRIX],), {}, "invalid-argument"),
        ("fft.rfft", (MATRIX * 1j,), {}, "invalid-argument"),
        ("conv1d", (SIGNAL, tensor([[[1.0], [1.0]]])), {}, "invalid-argument"),
        ("conv_transpose1d", (SIGNAL[0, 0], tensor([[[1.0]]])), {}, "invalid-argument"),
        ("max_pool1d", (SIGNAL, 3), {"padding": 2}, "invalid-argument"),
        ("max_pool1d", (SIGNAL, 9), {}, "invalid-argument"),
        ("interpolate", (SIGNAL,), {"size": 3, "mode": "bilinear"}, "invalid-argument"),
        ("interpolate", (SIGNAL,), {"size": 3, "scale_factor": 2.0}, "invalid-argument"),
        ("layer_norm", (MATRIX, [2]), {}, "invalid-argument"),
        ("batch_norm", (MATRIX, None, None), {}, "invalid-argument"),
        ("instance_norm", (SIGNAL[:, :, :1],), {}, "too-few-values"),
        ("softmax", (INTEGERS, 0), {}, "not-floating"),
        ("one_hot", (INTEGERS, 2), {}, "invalid-argument"),
        ("one_hot", (MATRIX, 9), {}, "invalid-argument"),
    ],
)
def test_refused(word: str, arguments: tuple[Any, ...], keywords: dict[str, Any], kind: str) -> None:
    assert kind_of(lambda: W[word](*arguments, **keywords)) == kind


@pytest.mark.parametrize(
    ("result", "dtype"),
    [
        (W["addmm"](INTEGERS, INTEGERS, INTEGERS, beta=0.5, alpha=1.7), "int64"),
        (W["max_pool1d"](INTEGERS, 2, 1, 1), "int64"),
        (W["dropout"](INTEGERS, 1.0), "int64"),
        (W["angle"](INTEGERS), "float32"),
        (W["fft.fft"](INTEGERS), "complex64"),
        (W["fft.irfft"](INTEGERS), "float32"),
    ],
)
def test_dtype_of_what_comes_of_integers(result: Any, dtype: str) -> None:
    assert ENGINE.read(result).dtype == dtype


def test_factors_and_means_of_integers_are_rounded_to_zero() -> None:
    assert values(W["addmm"](INTEGERS, INTEGERS, INTEGERS, beta=0.5, alpha=1.7)) == values(W["mm"](INTEGERS, INTEGERS))
    assert values(W["avg_pool1d"](tensor([[[-3, 0, 3, 2]]]), 2)) == [[[-1, 2]]]


def test_the_last_window_may_reach_beyond_the_signal_but_not_begin_there() -> None:
    assert values(W["max_pool1d"](SIGNAL, 3, 2, 1, ceil_mode=True)) == [[[2.0, 4.0, 6.0, 6.0]]]
    assert values(W["max_pool1d"](SIGNAL, 2, 3, ceil_mode=True)) == [[[2.0, 5.0]]]
    assert values(W["avg_pool1d"](SIGNAL, 4, 4, ceil_mode=True)) == [[[2.5, 5.5]]]
    assert values(W["avg_pool1d"](SIGNAL, 3, 3, 1, True, False)) == [[[1.5, 4.0, 6.0]]]
    assert values(W["avg_pool1d"](SIGNAL, 3, 3, 1, True, True)) == [[[1.0, 4.0, 3.0]]]
    assert values(W["lp_pool1d"](SIGNAL, 1.0, 4, 4, True)) == [[[10.0, 22.0]]]


def test_padding_is_not_chosen_even_where_all_is_minus_infinity() -> None:
    x = tensor([[[-np.inf, -np.inf, -np.inf]]], requires_grad=True)
    [slope] = W["grad"](W["max_pool1d"](x, 3, 2, 1).sum(), [x])
    assert values(slope) == [[[1.0, 1.0, 0.0]]]


@pytest.mark.parametrize("word", ["conv_transpose2d", "unfold", "fold", "adaptive_max_pool2d"])
def test_a_signal_without_a_batch_is_a_batch_of_one(word: str) -> None:
    signal = tensor([[[1.0], [2.0], [3.0], [4.0]]]) if word == "fold" else IMAGE
    arguments = {
        "conv_transpose2d": (IMAGE,),
        "unfold": (1,),
        "fold": ((2, 2), (2, 2)),
        "adaptive_max_pool2d": ((None, 1),),
    }
    assert values(W[word](signal[0], *arguments[word])) == values(W[word](signal, *arguments[word])[0])


def test_running_statistics_of_instances_move_and_may_be_captured_by_a_transform() -> None:
    mean, variance = tensor([0.0]), tensor([1.0])
    PACKAGE.transforms.jvp(lambda x: W["instance_norm"](x, mean, variance, momentum=0.5), (SIGNAL,), (SIGNAL,))
    assert (values(mean), values(variance)) == ([1.75], [2.25])


@pytest.mark.parametrize(
    "function",
    [
        lambda z: W["linalg.svd"](z, False).S,
        lambda z: abs(W["linalg.svd"](z, False).U) ** 2,
        lambda z: abs(W["linalg.eigh"](z + z.mH).eigenvectors) ** 2,
    ],
)
def test_complex_decompositions_differentiate_twice(function: Any) -> None:
    numbers = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    at, along, weights = numbers[0] + 1j * numbers[1]

    def slope(where: Any) -> tuple[Any, Any]:
        """Of a loss along a direction, and where it was taken."""
        z = tensor(where, requires_grad=True)
        y = function(z)
        loss = (y * tensor(weights.real[0] if y.dim() == 1 else weights.real)).sum()
        [gradient] = W["grad"](loss, [z], create_graph=True)
        return (gradient * tensor(along.conj())).sum().real, z

    here, z = slope(at)
    [second] = W["grad"](here, [z])
    ahead, behind = (slope(at + step * along)[0].item() for step in (1e-5, -1e-5))
    assert inner(second.numpy(), along) == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)


def test_einsum_repeats_an_axis_of_size_one() -> None:
    a, b = tensor([[2.0]], requires_grad=True), tensor([[1.0, 3.0], [5.0, 7.0]], requires_grad=True)
    slopes = W["grad"](W["einsum"]("ij,jk->ik", a, b).sum(), [a, b])
    assert [values(slope) for slope in slopes] == [[[16.0]], [[2.0, 2.0], [2.0, 2.0]]]
